package auth_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/harnesstest/faults"
)

// endless answers 10 MB.
var endless = faults.HugeJSON(10 << 20)

func in(d time.Duration) int64 { return time.Now().Add(d).Unix() }

// Everything that an issuer can do wrong, or somebody else in its name. Each is
// refused with a code of its own kind, a reason in the log, and nobody signed in.
func TestOpenIDRefused(t *testing.T) {
	const html = "<!doctype html><title>Down</title>"
	sign := func(f func(i *harnesstest.Issuer, k *harnesstest.IssuerKey, c map[string]any) string) func(*testing.T, *harnesstest.Issuer) harnesstest.Script {
		return func(_ *testing.T, i *harnesstest.Issuer) harnesstest.Script {
			return harnesstest.Script{Sign: func(k *harnesstest.IssuerKey, c map[string]any) string { return f(i, k, c) }}
		}
	}
	fixed := func(s harnesstest.Script) func(*testing.T, *harnesstest.Issuer) harnesstest.Script {
		return func(*testing.T, *harnesstest.Issuer) harnesstest.Script { return s }
	}
	claims := func(name string, value any) func(*testing.T, *harnesstest.Issuer) harnesstest.Script {
		return fixed(harnesstest.Script{Claims: set(name, value)})
	}
	metadata := func(name string, value any) func(*testing.T, *harnesstest.Issuer) harnesstest.Script {
		return fixed(harnesstest.Script{Metadata: set(name, value)})
	}
	otherKey := func(t *testing.T, id func(*harnesstest.IssuerKey) string) harnesstest.Script {
		other := harnesstest.NewIssuerKey(t, "ES256")
		return harnesstest.Script{Sign: func(k *harnesstest.IssuerKey, c map[string]any) string { return other.SignAs(id(k), c) }}
	}
	tests := []struct {
		name, want, reason string
		script             func(*testing.T, *harnesstest.Issuer) harnesstest.Script
		hangs              bool
	}{
		{name: "metadata: missing", want: "502 PROVIDER_METADATA", reason: "answers 404", script: fixed(at(harnesstest.IssuerMetadata, http.NotFound))},
		{name: "metadata: failing", want: "503 PROVIDER_UNAVAILABLE", reason: "openid-configuration answers 500", script: fixed(at(harnesstest.IssuerMetadata, say(500, "text/plain", "")))},
		{name: "metadata: hanging", want: "504 PROVIDER_TIMEOUT", reason: "openid-configuration", script: fixed(at(harnesstest.IssuerMetadata, faults.Hang)), hangs: true},
		{name: "metadata: cut off", want: "503 PROVIDER_UNAVAILABLE", reason: "EOF", script: fixed(at(harnesstest.IssuerMetadata, faults.CutOff))},
		{name: "metadata: a page", want: "502 PROVIDER_METADATA", reason: "not JSON", script: fixed(at(harnesstest.IssuerMetadata, say(200, "text/html", html)))},
		{name: "metadata: a page that says it is JSON", want: "502 PROVIDER_METADATA", reason: "invalid character", script: fixed(at(harnesstest.IssuerMetadata, say(200, "application/json", html)))},
		{name: "metadata: 10 MB", want: "502 PROVIDER_TOO_LARGE", reason: "more than 1048576 bytes", script: fixed(at(harnesstest.IssuerMetadata, endless))},
		{name: "metadata: redirects without end", want: "502 PROVIDER_REDIRECT", reason: "more than 3 redirects", script: fixed(at(harnesstest.IssuerMetadata, faults.RedirectLoop))},
		{name: "metadata: of another issuer", want: "502 PROVIDER_METADATA", reason: "of another issuer", script: metadata("issuer", "https://evil.example")},
		{name: "metadata: of every tenant", want: "502 PROVIDER_METADATA", reason: "of another issuer", script: metadata("issuer", "https://evil.example/{tenantid}")},
		{name: "metadata: no token endpoint", want: "502 PROVIDER_METADATA", reason: "the token endpoint", script: fixed(harnesstest.Script{Metadata: without("token_endpoint")})},
		{name: "metadata: no keys", want: "502 PROVIDER_METADATA", reason: "the key set", script: fixed(harnesstest.Script{Metadata: without("jwks_uri")})},
		{name: "metadata: no authorization endpoint", want: "502 PROVIDER_METADATA", reason: "the authorization endpoint", script: fixed(harnesstest.Script{Metadata: without("authorization_endpoint")})},
		{name: "metadata: an endpoint that is a script", want: "502 PROVIDER_METADATA", reason: "not an absolute URL", script: metadata("authorization_endpoint", "javascript:alert(1)")},
		{name: "metadata: an endpoint without TLS", want: "502 PROVIDER_METADATA", reason: "not an https URL", script: metadata("token_endpoint", "http://evil.example/token")},
		{name: "metadata: signatures by HMAC alone", want: "502 PROVIDER_METADATA", reason: "no algorithm", script: metadata("id_token_signing_alg_values_supported", []string{"HS256", "none"})},

		{name: "answer: of another issuer", want: "400 RESPONSE_ISSUER", reason: "evil.example", script: fixed(harnesstest.Script{Answer: func(v url.Values) { v.Set("iss", "https://evil.example") }})},
		{name: "answer: of none", want: "400 RESPONSE_ISSUER", reason: "the issuer", script: fixed(harnesstest.Script{Answer: func(v url.Values) { v.Del("iss") }})},
		{name: "answer: no", want: "403 PROVIDER_DENIED", reason: "access_denied", script: fixed(harnesstest.Script{Answer: func(v url.Values) { v.Del("code"); v.Set("error", "access_denied") }})},
		{name: "answer: a code that is none", want: "400 CODE_REFUSED", reason: "invalid_grant", script: fixed(harnesstest.Script{Answer: func(v url.Values) { v.Set("code", "x") }})},

		{name: "token: hanging", want: "504 PROVIDER_TIMEOUT", reason: "/token", script: fixed(at(harnesstest.IssuerToken, faults.Hang)), hangs: true},
		{name: "token: failing", want: "503 PROVIDER_UNAVAILABLE", reason: "token endpoint answers 500", script: fixed(at(harnesstest.IssuerToken, say(500, "text/html", html)))},
		{name: "token: too many", want: "503 PROVIDER_UNAVAILABLE", reason: "answers 429", script: fixed(at(harnesstest.IssuerToken, say(429, "text/plain", "")))},
		{name: "token: cut off", want: "503 PROVIDER_UNAVAILABLE", reason: "/token", script: fixed(at(harnesstest.IssuerToken, faults.CutOff))},
		{name: "token: a page", want: "502 PROVIDER_ANSWER", reason: "cannot parse json", script: fixed(at(harnesstest.IssuerToken, say(200, "text/html", html)))},
		{name: "token: 10 MB", want: "502 PROVIDER_TOO_LARGE", reason: "/token answers more", script: fixed(at(harnesstest.IssuerToken, endless))},
		{name: "token: redirected", want: "502 PROVIDER_REDIRECT", reason: "with secrets was redirected", script: fixed(at(harnesstest.IssuerToken, faults.RedirectLoop))},
		{name: "token: another secret", want: "502 PROVIDER_CLIENT", reason: "invalid_client", script: fixed(at(harnesstest.IssuerToken, say(401, "application/json", `{"error":"invalid_client"}`)))},
		{name: "token: another scope", want: "502 PROVIDER_REFUSED", reason: "invalid_scope", script: fixed(at(harnesstest.IssuerToken, say(400, "application/json", `{"error":"invalid_scope"}`)))},
		{name: "token: 400 without a word", want: "502 PROVIDER_ANSWER", reason: "answers 400", script: fixed(at(harnesstest.IssuerToken, say(400, "text/html", html)))},
		{name: "token: no access token", want: "502 PROVIDER_ANSWER", reason: "missing access_token", script: fixed(harnesstest.Script{Tokens: without("access_token")})},
		{name: "token: no id_token", want: "502 TOKEN_MISSING", reason: "without an id_token", script: fixed(harnesstest.Script{Tokens: without("id_token")})},
		{name: "token: an id_token that is a number", want: "502 TOKEN_MISSING", reason: "without an id_token", script: fixed(harnesstest.Script{Tokens: set("id_token", 1)})},

		{name: "id_token: a word", want: "502 TOKEN_MALFORMED", reason: "malformed jwt", script: fixed(harnesstest.Script{Tokens: set("id_token", "x")})},
		{name: "id_token: unsigned", want: "502 TOKEN_ALGORITHM", reason: "malformed jwt", script: sign(func(_ *harnesstest.Issuer, _ *harnesstest.IssuerKey, c map[string]any) string {
			return harnesstest.Unsigned(c)
		})},
		{name: "id_token: HMAC by the public key", want: "502 TOKEN_ALGORITHM", reason: `HS256`, script: sign(func(_ *harnesstest.Issuer, k *harnesstest.IssuerKey, c map[string]any) string {
			return harnesstest.SignHMAC(k.PEM(), k.ID, c)
		})},
		{name: "id_token: HMAC by the client secret", want: "502 TOKEN_ALGORITHM", reason: `HS256`, script: sign(func(i *harnesstest.Issuer, k *harnesstest.IssuerKey, c map[string]any) string {
			return harnesstest.SignHMAC([]byte(i.ClientSecret), k.ID, c)
		})},
		{name: "id_token: an algorithm that the issuer does not use", want: "502 TOKEN_ALGORITHM", reason: "RS256", script: func(t *testing.T, _ *harnesstest.Issuer) harnesstest.Script {
			other := harnesstest.NewIssuerKey(t, "RS256")
			return harnesstest.Script{Sign: func(_ *harnesstest.IssuerKey, c map[string]any) string { return other.Sign(c) }}
		}},
		{name: "id_token: changed", want: "502 TOKEN_SIGNATURE", reason: "the signature", script: sign(func(_ *harnesstest.Issuer, k *harnesstest.IssuerKey, c map[string]any) string {
			mine := k.Sign(c)
			c["sub"] = "owner"
			theirs := strings.Split(k.Sign(c), ".")
			return strings.Split(mine, ".")[0] + "." + theirs[1] + "." + strings.Split(mine, ".")[2]
		})},
		{name: "id_token: another key of the same name", want: "502 TOKEN_SIGNATURE", reason: "the signature", script: func(t *testing.T, _ *harnesstest.Issuer) harnesstest.Script {
			return otherKey(t, func(k *harnesstest.IssuerKey) string { return k.ID })
		}},
		{name: "id_token: another key without a name", want: "502 TOKEN_SIGNATURE", reason: "the signature", script: func(t *testing.T, _ *harnesstest.Issuer) harnesstest.Script {
			return otherKey(t, func(*harnesstest.IssuerKey) string { return "" })
		}},
		{name: "id_token: an unknown key", want: "502 TOKEN_KEY", reason: `no key \"evil\"`, script: func(t *testing.T, _ *harnesstest.Issuer) harnesstest.Script {
			return otherKey(t, func(*harnesstest.IssuerKey) string { return "evil" })
		}},
		{name: "id_token: of another issuer", want: "502 TOKEN_ISSUER", reason: "different provider", script: claims("iss", "https://evil.example")},
		{name: "id_token: of no issuer", want: "502 TOKEN_ISSUER", reason: "different provider", script: fixed(harnesstest.Script{Claims: without("iss")})},
		{name: "id_token: for another client", want: "502 TOKEN_AUDIENCE", reason: "expected audience", script: claims("aud", "other")},
		{name: "id_token: for several others", want: "502 TOKEN_AUDIENCE", reason: "expected audience", script: claims("aud", []string{"other", "fazt2"})},
		{name: "id_token: for nobody", want: "502 TOKEN_AUDIENCE", reason: "expected audience", script: fixed(harnesstest.Script{Claims: without("aud")})},
		{name: "id_token: given to another client", want: "502 TOKEN_AUTHORIZED_PARTY", reason: `client \"other\"`, script: claims("azp", "other")},
		{name: "id_token: for several, given to nobody", want: "502 TOKEN_AUTHORIZED_PARTY", reason: "the client", script: claims("aud", []string{"fazt", "other"})},
		{name: "id_token: expired", want: "502 TOKEN_EXPIRED", reason: "expired", script: claims("exp", in(-time.Second))},
		{name: "id_token: for ever", want: "502 TOKEN_EXPIRED", reason: "expired", script: fixed(harnesstest.Script{Claims: without("exp")})},
		{name: "id_token: not yet", want: "502 TOKEN_TIME", reason: "before the nbf", script: claims("nbf", in(time.Hour))},
		{name: "id_token: of tomorrow", want: "502 TOKEN_TIME", reason: "was made at", script: claims("iat", in(24*time.Hour))},
		{name: "id_token: of yesterday", want: "502 TOKEN_TIME", reason: "was made at", script: claims("iat", in(-24*time.Hour))},
		{name: "id_token: of no time", want: "502 TOKEN_TIME", reason: "was made at", script: fixed(harnesstest.Script{Claims: without("iat")})},
		{name: "id_token: with another nonce", want: "400 TOKEN_NONCE", reason: "another nonce", script: claims("nonce", "x")},
		{name: "id_token: without nonce", want: "400 TOKEN_NONCE", reason: "another nonce", script: fixed(harnesstest.Script{Claims: without("nonce")})},
		{name: "id_token: with another access token", want: "502 TOKEN_HASH", reason: "another access token", script: claims("at_hash", "AAAAAAAAAAAAAAAAAAAAAA")},
		{name: "id_token: of nobody", want: "502 TOKEN_SUBJECT", reason: "no subject", script: fixed(harnesstest.Script{Claims: without("sub")})},
		{name: "id_token: with an address that is a number", want: "502 TOKEN_MALFORMED", reason: "cannot unmarshal", script: claims("email", 1)},
		{name: "id_token: with a subject that is a list", want: "502 TOKEN_MALFORMED", reason: "cannot unmarshal", script: claims("sub", []string{"ann"})},
		{name: "id_token: with a subject of control characters", want: "502 IDENTITY_INVALID", reason: "the subject", script: claims("sub", "ann\x00")},

		{name: "keys: missing", want: "502 PROVIDER_KEYS", reason: "/keys answers 404", script: fixed(at(harnesstest.IssuerKeys, http.NotFound))},
		{name: "keys: failing", want: "503 PROVIDER_UNAVAILABLE", reason: "/keys answers 503", script: fixed(at(harnesstest.IssuerKeys, say(503, "text/plain", "")))},
		{name: "keys: hanging", want: "504 PROVIDER_TIMEOUT", reason: "/keys", script: fixed(at(harnesstest.IssuerKeys, faults.Hang)), hangs: true},
		{name: "keys: a page", want: "502 PROVIDER_KEYS", reason: "not JSON", script: fixed(at(harnesstest.IssuerKeys, say(200, "text/html", html)))},
		{name: "keys: 10 MB", want: "502 PROVIDER_TOO_LARGE", reason: "/keys answers more", script: fixed(at(harnesstest.IssuerKeys, endless))},
		{name: "keys: none", want: "502 PROVIDER_KEYS", reason: "no key that can be used", script: fixed(harnesstest.Script{Keys: set("keys", []any{})})},
		{name: "keys: for encryption alone", want: "502 PROVIDER_KEYS", reason: "no key that can be used", script: fixed(harnesstest.Script{Keys: func(d map[string]any) {
			d["keys"].([]any)[0].(map[string]any)["use"] = "enc"
		}})},
		{name: "keys: a secret one", want: "502 PROVIDER_KEYS", reason: "no key that can be used", script: fixed(harnesstest.Script{Keys: set("keys", []any{map[string]any{"kty": "oct", "k": "c2VjcmV0"}})})},

		{name: "user info: of another", want: "502 USERINFO_SUBJECT", reason: "another subject", script: fixed(harnesstest.Script{Claims: without("email"), UserInfo: set("sub", "eve")})},
		{name: "user info: failing", want: "503 PROVIDER_UNAVAILABLE", reason: "/userinfo answers 500", script: fixed(harnesstest.Script{Claims: without("email"), Handlers: at(harnesstest.IssuerUserInfo, say(500, "text/plain", "")).Handlers})},
		{name: "user info: a page", want: "502 PROVIDER_ANSWER", reason: "not JSON", script: fixed(harnesstest.Script{Claims: without("email"), Handlers: at(harnesstest.IssuerUserInfo, say(200, "text/html", html)).Handlers})},
		{name: "user info: redirected away", want: "502 PROVIDER_REDIRECT", reason: "leads from http to https", script: fixed(harnesstest.Script{Claims: without("email"), Handlers: at(harnesstest.IssuerUserInfo, faults.RedirectTo("https://evil.example/")).Handlers})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i := harnesstest.StartIssuer(t)
			i.Bend(tt.script(t, i))
			out := &logged{}
			opt := auth.Options{Providers: []auth.Provider{openID(t, i)}, Logger: slog.New(slog.NewTextHandler(out, nil))}
			if tt.hangs {
				opt.ProviderTimeout = 200 * time.Millisecond
			}
			s := start(t, opt)
			if got := s.browser().outcome(""); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if !strings.Contains(out.String(), tt.reason) {
				t.Errorf("the log has no %q:\n%s", tt.reason, out)
			}
			if strings.Contains(out.String(), i.ClientSecret) || strings.Contains(out.String(), url.QueryEscape(i.ClientSecret)) {
				t.Error("the log has the secret")
			}
			for _, table := range []string{"auth_users", "auth_sessions", "auth_identities"} {
				if rows := s.column(`SELECT 'row' FROM ` + table); len(rows) > 0 {
					t.Errorf("%s has %d rows", table, len(rows))
				}
			}
		})
	}
}
