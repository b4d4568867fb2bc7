package auth_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/google/go-cmp/cmp"
)

// logged is a log that a test reads.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// openID is the provider "idp" of an issuer.
func openID(t testing.TB, i *harnesstest.Issuer, change ...func(*api.ProviderConfig)) auth.Provider {
	t.Helper()
	c := api.ProviderConfig{Issuer: i.URL, ClientID: i.ClientID, ClientSecret: i.ClientSecret}
	for _, f := range change {
		f(&c)
	}
	p, err := auth.NewProvider("idp", c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// atIssuer is what a browser does at an issuer: it goes where it is led, as whoever
// hint names, and returns where it is sent back to.
func atIssuer(t testing.TB, toIssuer, hint string) string {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	res, err := client.Get(toIssuer + "&login_hint=" + url.QueryEscape(hint))
	if err != nil {
		t.Error(err)
		return ""
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusFound {
		t.Errorf("the issuer answers %d: %s", res.StatusCode, body)
	}
	return res.Header.Get("Location")
}

// byIssuer signs in at the issuer of "idp" and returns the URL that ends it, or the
// failure that came before.
func (b *browser) byIssuer(hint string) (back, failure string) {
	b.s.t.Helper()
	res := b.still().do(http.MethodGet, b.s.url("localhost", "/auth/login/idp"), nil, http.Header{"Accept": {"application/json"}})
	if res.StatusCode != http.StatusSeeOther {
		_, code, _ := strings.Cut(res.body, `"code":"`)
		code, _, _ = strings.Cut(code, `"`)
		return "", res.Status[:3] + " " + code
	}
	return atIssuer(b.s.t, res.Header.Get("Location"), hint), ""
}

// outcome is how a sign-in at the issuer ends.
func (b *browser) outcome(hint string) string {
	b.s.t.Helper()
	back, failure := b.byIssuer(hint)
	if failure != "" {
		return failure
	}
	return b.failure(back)
}

const isSignedIn = "303 See Other"

func TestOpenID(t *testing.T) {
	verified := func(p *harnesstest.Person, v any) { p.EmailVerified = v }
	tests := []struct {
		name   string
		person func(*harnesstest.Person)
		bend   harnesstest.Script
		alg    string
		config func(*api.ProviderConfig)
		want   string // the user's e-mail, name and picture
	}{
		{name: "ES256", want: "ann@example.com|Ann|"},
		{name: "RS256", alg: "RS256", want: "ann@example.com|Ann|"},
		{name: "PS256", alg: "PS256", want: "ann@example.com|Ann|"},
		{name: "ES384", alg: "ES384", want: "ann@example.com|Ann|"},
		{name: "EdDSA", alg: "EdDSA", want: "ann@example.com|Ann|"},
		{name: "verified as a string", person: func(p *harnesstest.Person) { verified(p, "true") }, want: "ann@example.com|Ann|"},
		{name: "not verified", person: func(p *harnesstest.Person) { verified(p, false) }, want: "|Ann|"},
		{name: "not verified, as a string", person: func(p *harnesstest.Person) { verified(p, "false") }, want: "|Ann|"},
		{name: "verified, in a way of its own", person: func(p *harnesstest.Person) { verified(p, "by post") }, want: "|Ann|"},
		{name: "nothing said of it", person: func(p *harnesstest.Person) { verified(p, nil) }, want: "|Ann|"},
		{name: "a domain that only Microsoft vouches for", person: func(p *harnesstest.Person) { verified(p, nil) },
			bend: harnesstest.Script{Claims: set("xms_edov", true)}, want: "|Ann|"},
		{name: "no address", person: func(p *harnesstest.Person) { p.Email = "" }, want: "|Ann|"},
		{name: "a picture", person: func(p *harnesstest.Person) { p.Picture = "https://example.com/ann.png" }, want: "ann@example.com|Ann|https://example.com/ann.png"},
		{name: "a user name alone", person: func(p *harnesstest.Person) { p.Name = "" },
			bend: harnesstest.Script{Claims: set("preferred_username", "ann")}, want: "ann@example.com|ann|"},
		{name: "an address in the user info", bend: harnesstest.Script{Claims: without("email", "email_verified", "name")}, want: "ann@example.com|Ann|"},
		{name: "one that is not verified there", bend: harnesstest.Script{
			Claims: without("email", "email_verified"), UserInfo: set("email_verified", false)}, want: "|Ann|"},
		{name: "no user info", bend: harnesstest.Script{
			Claims: without("email"), Metadata: without("userinfo_endpoint")}, want: "|Ann|"},
		{name: "several audiences, and this the authorized party", bend: harnesstest.Script{
			Claims: sets(map[string]any{"aud": []string{"other", "fazt"}, "azp": "fazt"})}, want: "ann@example.com|Ann|"},
		{name: "no at_hash", bend: harnesstest.Script{Claims: without("at_hash")}, want: "ann@example.com|Ann|"},
		{name: "no key id", bend: harnesstest.Script{Sign: func(k *harnesstest.IssuerKey, c map[string]any) string { return k.SignAs("", c) }},
			want: "ann@example.com|Ann|"},
		{name: "no algorithms in the metadata", bend: harnesstest.Script{Metadata: without("id_token_signing_alg_values_supported")},
			want: "ann@example.com|Ann|"},
		{name: "no issuer in the answer", bend: harnesstest.Script{
			Metadata: without("authorization_response_iss_parameter_supported"), Answer: func(v url.Values) { v.Del("iss") }}, want: "ann@example.com|Ann|"},
		{name: "the secret in the form", bend: harnesstest.Script{
			Metadata: set("token_endpoint_auth_methods_supported", []string{"client_secret_post"})}, want: "ann@example.com|Ann|"},
		{name: "a slash after the issuer", config: func(c *api.ProviderConfig) { c.Issuer += "/" }, want: "ann@example.com|Ann|"},
		{name: "unknown keys and fields", bend: harnesstest.Script{Keys: func(d map[string]any) {
			d["keys"] = append([]any{map[string]any{"kty": "new"}, "nonsense"}, d["keys"].([]any)...)
		}, Tokens: set("more", 1)}, want: "ann@example.com|Ann|"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i := harnesstest.StartIssuer(t)
			if tt.alg != "" {
				i.Rotate(harnesstest.NewIssuerKey(t, tt.alg))
			}
			tt.bend.Person = func(string) harnesstest.Person {
				p := harnesstest.Person{Subject: "ann", Email: "ann@example.com", EmailVerified: true, Name: "Ann"}
				if tt.person != nil {
					tt.person(&p)
				}
				return p
			}
			i.Bend(tt.bend)
			if tt.config == nil {
				tt.config = func(*api.ProviderConfig) {}
			}
			out := &logged{}
			s := start(t, auth.Options{Providers: []auth.Provider{openID(t, i, tt.config)}, Logger: slog.New(slog.NewTextHandler(out, nil))})
			if got := s.browser().outcome(""); got != isSignedIn {
				t.Fatalf("%s\n%s", got, out)
			}
			if d := cmp.Diff([]string{tt.want}, s.column(`SELECT email || '|' || name || '|' || picture FROM auth_users`)); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff([]string{i.URL + " ann"}, s.column(`SELECT issuer || ' ' || subject FROM auth_identities`)); d != "" {
				t.Error(d)
			}
		})
	}
}

// set, sets and without change a document.
func set(name string, value any) func(map[string]any) { return sets(map[string]any{name: value}) }

func sets(values map[string]any) func(map[string]any) {
	return func(m map[string]any) {
		for name, v := range values {
			m[name] = v
		}
	}
}

func without(names ...string) func(map[string]any) {
	return func(m map[string]any) {
		for _, name := range names {
			delete(m, name)
		}
	}
}

// say is a handler that answers a text.
func say(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func at(path string, h http.HandlerFunc) harnesstest.Script {
	return harnesstest.Script{Handlers: map[string]http.HandlerFunc{path: h}}
}

// endless answers 10 MB.
func endless(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"issuer":"`)
	for range 10 {
		w.Write(bytes.Repeat([]byte("x"), 1<<20))
	}
	io.WriteString(w, `"}`)
}

func around(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, r.URL.Path+"?again", http.StatusFound)
}

func cutOff(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

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
		{name: "metadata: hanging", want: "504 PROVIDER_TIMEOUT", reason: "openid-configuration", script: fixed(at(harnesstest.IssuerMetadata, harnesstest.Hang)), hangs: true},
		{name: "metadata: cut off", want: "503 PROVIDER_UNAVAILABLE", reason: "EOF", script: fixed(at(harnesstest.IssuerMetadata, cutOff))},
		{name: "metadata: a page", want: "502 PROVIDER_METADATA", reason: "not JSON", script: fixed(at(harnesstest.IssuerMetadata, say(200, "text/html", html)))},
		{name: "metadata: a page that says it is JSON", want: "502 PROVIDER_METADATA", reason: "invalid character", script: fixed(at(harnesstest.IssuerMetadata, say(200, "application/json", html)))},
		{name: "metadata: 10 MB", want: "502 PROVIDER_TOO_LARGE", reason: "more than 1048576 bytes", script: fixed(at(harnesstest.IssuerMetadata, endless))},
		{name: "metadata: redirects without end", want: "502 PROVIDER_REDIRECT", reason: "more than 3 redirects", script: fixed(at(harnesstest.IssuerMetadata, around))},
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

		{name: "token: hanging", want: "504 PROVIDER_TIMEOUT", reason: "/token", script: fixed(at(harnesstest.IssuerToken, harnesstest.Hang)), hangs: true},
		{name: "token: failing", want: "503 PROVIDER_UNAVAILABLE", reason: "token endpoint answers 500", script: fixed(at(harnesstest.IssuerToken, say(500, "text/html", html)))},
		{name: "token: too many", want: "503 PROVIDER_UNAVAILABLE", reason: "answers 429", script: fixed(at(harnesstest.IssuerToken, say(429, "text/plain", "")))},
		{name: "token: cut off", want: "503 PROVIDER_UNAVAILABLE", reason: "/token", script: fixed(at(harnesstest.IssuerToken, cutOff))},
		{name: "token: a page", want: "502 PROVIDER_ANSWER", reason: "cannot parse json", script: fixed(at(harnesstest.IssuerToken, say(200, "text/html", html)))},
		{name: "token: 10 MB", want: "502 PROVIDER_TOO_LARGE", reason: "/token answers more", script: fixed(at(harnesstest.IssuerToken, endless))},
		{name: "token: redirected", want: "502 PROVIDER_REDIRECT", reason: "with secrets was redirected", script: fixed(at(harnesstest.IssuerToken, around))},
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
		{name: "keys: hanging", want: "504 PROVIDER_TIMEOUT", reason: "/keys", script: fixed(at(harnesstest.IssuerKeys, harnesstest.Hang)), hangs: true},
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
		{name: "user info: redirected away", want: "502 PROVIDER_REDIRECT", reason: "leads from http to https", script: fixed(harnesstest.Script{Claims: without("email"), Handlers: at(harnesstest.IssuerUserInfo, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/", http.StatusFound)
		}).Handlers})},
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

// What belongs to another visitor's sign-in is good for nobody else.
func TestOpenIDCodeOfAnother(t *testing.T) {
	i := harnesstest.StartIssuer(t)
	i.Bend(harnesstest.Script{Person: func(hint string) harnesstest.Person {
		return harnesstest.Person{Subject: hint, Email: hint + "@example.com", EmailVerified: true}
	}})
	s := start(t, auth.Options{Providers: []auth.Provider{openID(t, i)}})
	ann, eve := s.browser(), s.browser()
	anns, _ := ann.byIssuer("ann")
	eves, _ := eve.byIssuer("eve")

	// Eve puts Ann's code into her own sign-in: PKCE has it refused.
	stolen, err := url.Parse(anns)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := url.Parse(eves)
	if err != nil {
		t.Fatal(err)
	}
	q := mine.Query()
	q.Set("code", stolen.Query().Get("code"))
	mine.RawQuery = q.Encode()
	if got := eve.failure(mine.String()); got != "400 CODE_REFUSED" {
		t.Errorf("another's code: %s", got)
	}
	// Eve has Ann's browser end a sign-in of Eve's: login CSRF.
	if got := ann.failure(eves); got != "400 STATE_INVALID" {
		t.Errorf("another's answer: %s", got)
	}
	// None of it has ended Ann's own sign-in.
	if got := ann.failure(anns); got != isSignedIn {
		t.Errorf("her own: %s", got)
	}
	if who := [2]string{ann.who("localhost"), eve.who("localhost")}; who != [2]string{"ann@example.com", "nobody"} {
		t.Error(who)
	}
}

// Discovery and keys are asked for once, by however many come at once, and the keys
// again where a token names another: not more often than every 10 s.
func TestOpenIDKeysRotate(t *testing.T) {
	i := harnesstest.StartIssuer(t)
	s := start(t, auth.Options{Providers: []auth.Provider{openID(t, i)}})
	if n := i.Count(harnesstest.IssuerMetadata); n != 0 {
		t.Errorf("the issuer was asked %d times before somebody came", n)
	}
	begun := time.Now()
	var wg sync.WaitGroup
	outcomes := make(chan string, 20)
	for range cap(outcomes) {
		b := s.browser()
		wg.Go(func() { outcomes <- b.outcome("") })
	}
	wg.Wait()
	i.Rotate(harnesstest.NewIssuerKey(t, "ES256"))
	if got := s.browser().outcome(""); got != isSignedIn {
		t.Errorf("after the rotation: %s", got)
	}
	close(outcomes)
	for got := range outcomes {
		if got != isSignedIn {
			t.Error(got)
		}
	}
	if got := [2]int{i.Count(harnesstest.IssuerMetadata), i.Count(harnesstest.IssuerKeys)}; got != [2]int{1, 2} {
		t.Errorf("metadata and keys were asked for %v times", got)
	}
	i.Bend(harnesstest.Script{Sign: func(k *harnesstest.IssuerKey, c map[string]any) string { return k.SignAs("made-up", c) }})
	for range 10 {
		if got := s.browser().outcome(""); got != "502 TOKEN_KEY" {
			t.Error(got)
		}
	}
	if got, most := i.Count(harnesstest.IssuerKeys), 3+int(time.Since(begun)/(10*time.Second)); got > most {
		t.Errorf("the keys were asked for %d times, and %d would do", got, most)
	}
}

// An issuer that is down when the server starts is asked again when somebody comes.
func TestOpenIDIsRetried(t *testing.T) {
	i := harnesstest.StartIssuer(t)
	i.Bend(at(harnesstest.IssuerMetadata, say(503, "text/plain", "")))
	s := start(t, auth.Options{Providers: []auth.Provider{openID(t, i)}})
	b := s.browser()
	got := []string{b.outcome("")}
	i.Bend(harnesstest.Script{})
	got = append(got, b.outcome(""))
	if d := cmp.Diff([]string{"503 PROVIDER_UNAVAILABLE", isSignedIn}, got); d != "" {
		t.Error(d)
	}
}

// Microsoft has one metadata for all tenants, whose issuer is a template.
func TestMicrosoft(t *testing.T) {
	const tenant = "9188040d-6c67-4c5b-b112-36a304b66dad"
	for _, tt := range []struct {
		name, issuer, tid, edov string
		want, email             string
	}{
		{"of a tenant", tenant, tenant, "", isSignedIn, ""},
		{"with a domain that is proven", tenant, tenant, "1", isSignedIn, "ann@example.com"},
		{"of another tenant than it says", "11111111-6c67-4c5b-b112-36a304b66dad", tenant, "", "502 TOKEN_ISSUER", ""},
		{"of a tenant that is none", "../evil", "../evil", "", "502 TOKEN_ISSUER", ""},
		{"of the template", "{tenantid}", "{tenantid}", "", "502 TOKEN_ISSUER", ""},
		{"of no tenant", "", "", "", "502 TOKEN_ISSUER", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i := harnesstest.StartIssuer(t)
			discovery := "/common/v2.0" + harnesstest.IssuerMetadata
			i.Bend(harnesstest.Script{
				Person: func(string) harnesstest.Person {
					return harnesstest.Person{Subject: "ann", Email: "ann@example.com", Name: "Ann"}
				},
				Claims: func(c map[string]any) {
					c["iss"], c["tid"] = i.URL+"/"+tt.issuer+"/v2.0", tt.tid
					if tt.edov != "" {
						c["xms_edov"] = tt.edov
					}
				},
				Answer: func(v url.Values) { v.Del("iss") },
				Handlers: map[string]http.HandlerFunc{discovery: say(200, "application/json", fmt.Sprintf(
					`{"issuer":"%[1]s/{tenantid}/v2.0","authorization_endpoint":"%[1]s/authorize","token_endpoint":"%[1]s/token","jwks_uri":"%[1]s/keys"}`, i.URL))},
			})
			p, err := auth.NewProvider("microsoft", api.ProviderConfig{Issuer: i.URL + "/common/v2.0", ClientID: i.ClientID, ClientSecret: i.ClientSecret})
			if err != nil {
				t.Fatal(err)
			}
			s := start(t, auth.Options{Providers: []auth.Provider{p}})
			b := s.browser().still()
			res := b.get(s.url("localhost", "/auth/login/microsoft"))
			if res.StatusCode != http.StatusSeeOther {
				t.Fatalf("%d\n%s", res.StatusCode, res.body)
			}
			if got := b.failure(atIssuer(t, res.Header.Get("Location"), "")); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if rows := s.column(`SELECT email || ' ' || (SELECT issuer FROM auth_identities) FROM auth_users`); tt.want == isSignedIn {
				if d := cmp.Diff([]string{tt.email + " " + i.URL + "/" + tenant + "/v2.0"}, rows); d != "" {
					t.Error(d)
				}
			}
		})
	}
}

func TestNewProvider(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config api.ProviderConfig
		label  string // or part of the error
		ok     bool
	}{
		{"google", api.ProviderConfig{ClientID: "x"}, "Google", true},
		{"microsoft", api.ProviderConfig{ClientID: "x", ClientSecret: "y"}, "Microsoft", true},
		{"keycloak", api.ProviderConfig{ClientID: "x", Issuer: "https://id.example.com/realms/a"}, "Keycloak", true},
		{"local", api.ProviderConfig{ClientID: "x", Issuer: "http://127.0.0.1:8080"}, "Local", true},
		{"keycloak", api.ProviderConfig{ClientID: "x"}, "give its issuer", false},
		{"google", api.ProviderConfig{}, "client id", false},
		{"google", api.ProviderConfig{ClientID: "a\nb"}, "client id", false},
		{"google", api.ProviderConfig{ClientID: "a", ClientSecret: "a\nb"}, "client secret", false},
		{"x", api.ProviderConfig{ClientID: "x", Issuer: "http://id.example.com"}, "https", false},
		{"x", api.ProviderConfig{ClientID: "x", Issuer: "id.example.com"}, "absolute URL", false},
		{"x", api.ProviderConfig{ClientID: "x", Issuer: "https://u:p@id.example.com"}, "absolute URL", false},
		{"x", api.ProviderConfig{ClientID: "x", Issuer: "https://id.example.com/?a=b"}, "query", false},
		{"x", api.ProviderConfig{ClientID: "x", Issuer: "javascript:alert(1)"}, "absolute URL", false},
		{"dev", api.ProviderConfig{ClientID: "x", Issuer: "https://id.example.com"}, "meaning of its own", false},
		{"A B", api.ProviderConfig{ClientID: "x", Issuer: "https://id.example.com"}, "1 to 32", false},
		{"", api.ProviderConfig{ClientID: "x", Issuer: "https://id.example.com"}, "1 to 32", false},
	} {
		p, err := auth.NewProvider(tt.name, tt.config)
		switch {
		case (err == nil) != tt.ok:
			t.Errorf("%q %v: %v", tt.name, tt.config, err)
		case tt.ok && (p.Name() != tt.name || p.Label() != tt.label):
			t.Errorf("%q is %q with the label %q", tt.name, p.Name(), p.Label())
		case !tt.ok && (!strings.Contains(err.Error(), tt.label) || auth.CodeOf(err) != auth.CodeInvalid):
			t.Errorf("%q %v: %v", tt.name, tt.config, err)
		}
	}
}

// A thousand people at once, each of whom becomes who they are.
func TestManySignIns(t *testing.T) {
	people := 1000
	if testing.Short() {
		people = 50
	}
	i := harnesstest.StartIssuer(t)
	i.Bend(harnesstest.Script{Person: func(hint string) harnesstest.Person {
		return harnesstest.Person{Subject: hint, Email: hint + "@example.com", EmailVerified: true}
	}})
	s := start(t, auth.Options{Providers: []auth.Provider{openID(t, i)}, ProviderTimeout: time.Minute})
	var wg sync.WaitGroup
	for n := range people {
		b, hint := s.browser(), fmt.Sprintf("p%d", n)
		wg.Go(func() {
			if got := b.outcome(hint); got != isSignedIn {
				t.Errorf("%s: %s", hint, got)
			} else if who := b.who("localhost"); who != hint+"@example.com" {
				t.Errorf("%s is %s", hint, who)
			}
			b.CloseIdleConnections()
		})
	}
	wg.Wait()
	if got := [2]int{len(s.column(`SELECT id FROM auth_users`)), len(s.column(`SELECT id FROM auth_sessions`))}; got != [2]int{people, people} {
		t.Errorf("users and sessions: %v", got)
	}
	if n := i.Count(harnesstest.IssuerMetadata); n != 1 {
		t.Errorf("the metadata were asked for %d times", n)
	}
}
