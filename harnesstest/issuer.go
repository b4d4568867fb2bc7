package harnesstest

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Paths of an [Issuer], by which a [Script] and [Issuer.Count] name its endpoints.
const (
	IssuerMetadata  = "/.well-known/openid-configuration"
	IssuerAuthorize = "/authorize"
	IssuerToken     = "/token"
	IssuerKeys      = "/keys"
	IssuerUserInfo  = "/userinfo"
)

// Issuer is an OpenID Connect issuer on loopback. It knows one client and signs
// everybody in without a word, as whoever the Script says. Without a Script it is
// strict and correct: codes are good once, for the client and the redirect URL that
// they were made for, and only with the right PKCE verifier.
type Issuer struct {
	URL                    string // the issuer; nothing follows the port
	ClientID, ClientSecret string

	mu     sync.Mutex
	script Script
	key    *IssuerKey
	before []*IssuerKey // that are still in the key set
	ahead  time.Duration
	grants map[string]*grant
	counts map[string]int
}

// Person is whom an [Issuer] signs in.
type Person struct {
	Subject, Email string
	EmailVerified  any // true, and what some issuers write instead; nil leaves it out
	Name, Picture  string
}

// Script bends what an [Issuer] does. Every field may be nil, for what is correct.
// The functions are called by several requests at once.
type Script struct {
	// Person says who signs in. hint is the request's login_hint, "" without.
	Person func(hint string) Person
	// Metadata changes the discovery document.
	Metadata func(document map[string]any)
	// Answer changes what the browser goes back with.
	Answer func(url.Values)
	// Tokens changes what the token endpoint answers.
	Tokens func(answer map[string]any)
	// Claims changes those of the id_token.
	Claims func(claims map[string]any)
	// Sign makes the id_token. key is the issuer's present one.
	Sign func(key *IssuerKey, claims map[string]any) string
	// Keys changes the key set.
	Keys func(document map[string]any)
	// UserInfo changes what the user info endpoint answers.
	UserInfo func(answer map[string]any)
	// Handlers answer in place of an endpoint, by its path.
	Handlers map[string]http.HandlerFunc
}

// grant is what a code stands for.
type grant struct {
	person                     Person
	redirect, nonce, challenge string
	access                     string
	used                       bool
}

// StartIssuer runs an issuer until the test ends.
func StartIssuer(tb testing.TB) *Issuer {
	tb.Helper()
	i := &Issuer{
		ClientID: "fazt", ClientSecret: "s3cret&of+the client", key: NewIssuerKey(tb, "ES256"),
		grants: make(map[string]*grant), counts: make(map[string]int),
	}
	srv := httptest.NewServer(i)
	tb.Cleanup(srv.Close)
	i.URL = srv.URL
	return i
}

// Bend makes the issuer follow a script from now on, in place of the one before.
func (i *Issuer) Bend(s Script) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.script = s
}

// Rotate signs with another key from now on, and makes the one before unknown.
func (i *Issuer) Rotate(k *IssuerKey) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.key, i.before = k, nil
}

// RollOver signs with another key from now on, as Rotate does, and keeps those before in
// the key set, as issuers that are well run do for tokens that are on their way.
func (i *Issuer) RollOver(k *IssuerKey) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.key, i.before = k, append(i.before, i.key)
}

// SetClock makes the issuer's clock go ahead of this machine's, or behind it.
func (i *Issuer) SetClock(ahead time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ahead = ahead
}

// Count is how many requests an endpoint has had.
func (i *Issuer) Count(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.counts[path]
}

// ServeHTTP answers the endpoints.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.counts[r.URL.Path]++
	script, key, before := i.script, i.key, i.before
	i.mu.Unlock()
	if h := script.Handlers[r.URL.Path]; h != nil {
		h(w, r)
		return
	}
	switch r.URL.Path {
	case IssuerMetadata:
		i.serveMetadata(w, script, key)
	case IssuerAuthorize:
		i.authorize(w, r, script)
	case IssuerToken:
		i.token(w, r, script, key)
	case IssuerKeys:
		keys := []any{key.Public()}
		for _, k := range before {
			keys = append(keys, k.Public())
		}
		document := map[string]any{"keys": keys}
		bend(document, script.Keys)
		answer(w, http.StatusOK, document)
	case IssuerUserInfo:
		i.userInfo(w, r, script)
	default:
		http.NotFound(w, r)
	}
}

func bend[T any](v T, change func(T)) {
	if change != nil {
		change(v)
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // fails only when the client has gone
}

func (i *Issuer) serveMetadata(w http.ResponseWriter, s Script, key *IssuerKey) {
	document := map[string]any{
		"issuer":                                         i.URL,
		"authorization_endpoint":                         i.URL + IssuerAuthorize,
		"token_endpoint":                                 i.URL + IssuerToken,
		"jwks_uri":                                       i.URL + IssuerKeys,
		"userinfo_endpoint":                              i.URL + IssuerUserInfo,
		"response_types_supported":                       []string{"code"},
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          []string{key.alg},
		"code_challenge_methods_supported":               []string{"S256"},
		"authorization_response_iss_parameter_supported": true,
	}
	bend(document, s.Metadata)
	answer(w, http.StatusOK, document)
}

// authorize signs somebody in, and sends the browser back.
func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request, s Script) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case err != nil || back.Host == "":
		http.Error(w, "the redirect_uri is none", http.StatusBadRequest)
		return
	case q.Get("client_id") != i.ClientID, q.Get("response_type") != "code", q.Get("state") == "", q.Get("nonce") == "",
		q.Get("code_challenge_method") != "S256", len(q.Get("code_challenge")) != 43, !slices.Contains(strings.Fields(q.Get("scope")), "openid"):
		http.Error(w, "the request is not one for an id_token with state, nonce and PKCE: "+r.URL.RawQuery, http.StatusBadRequest)
		return
	}
	g := &grant{redirect: back.String(), nonce: q.Get("nonce"), challenge: q.Get("code_challenge"), access: secret()}
	g.person = Person{Subject: "ann", Email: "ann@example.com", EmailVerified: true, Name: "Ann"}
	if s.Person != nil {
		g.person = s.Person(q.Get("login_hint"))
	}
	code := secret()
	i.mu.Lock()
	i.grants[code] = g
	i.mu.Unlock()
	answer := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {i.URL}}
	bend(answer, s.Answer)
	back.RawQuery = answer.Encode()
	w.Header().Set("Location", back.String())
	w.WriteHeader(http.StatusFound)
}

// token redeems a code.
func (i *Issuer) token(w http.ResponseWriter, r *http.Request, s Script, key *IssuerKey) {
	if !i.isClient(r) {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	i.mu.Lock()
	g := i.grants[r.PostFormValue("code")]
	good := r.PostFormValue("grant_type") == "authorization_code" && g != nil && !g.used && g.redirect == r.PostFormValue("redirect_uri") &&
		g.challenge == base64.RawURLEncoding.EncodeToString(challenge[:])
	if good {
		g.used = true
	}
	now := time.Now().Add(i.ahead)
	i.mu.Unlock()
	if !good {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	claims := map[string]any{
		"iss": i.URL, "sub": g.person.Subject, "aud": i.ClientID, "nonce": g.nonce, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"at_hash": key.hash(g.access),
	}
	g.person.add(claims)
	bend(claims, s.Claims)
	sign := (*IssuerKey).Sign
	if s.Sign != nil {
		sign = s.Sign
	}
	tokens := map[string]any{"access_token": g.access, "token_type": "Bearer", "expires_in": 300, "id_token": sign(key, claims)}
	bend(tokens, s.Tokens)
	answer(w, http.StatusOK, tokens)
}

func (p Person) add(claims map[string]any) {
	for name, value := range map[string]string{"email": p.Email, "name": p.Name, "picture": p.Picture} {
		if value != "" {
			claims[name] = value
		}
	}
	if p.EmailVerified != nil {
		claims["email_verified"] = p.EmailVerified
	}
}

// isClient reports whether r has the client's secret, in its header or its form.
func (i *Issuer) isClient(r *http.Request) bool {
	id, given, basic := r.BasicAuth()
	if basic { // RFC 6749, 2.3.1: both are encoded as in a form
		id, _ = url.QueryUnescape(id)
		given, _ = url.QueryUnescape(given)
	} else {
		id, given = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	return r.Method == http.MethodPost && id == i.ClientID && subtle.ConstantTimeCompare([]byte(given), []byte(i.ClientSecret)) == 1
}

func (i *Issuer) userInfo(w http.ResponseWriter, r *http.Request, s Script) {
	access := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, g := range i.grants {
		if g.used && g.access == access {
			said := map[string]any{"sub": g.person.Subject}
			g.person.add(said)
			bend(said, s.UserInfo)
			answer(w, http.StatusOK, said)
			return
		}
	}
	w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	http.Error(w, fmt.Sprintf("no such token among %d", len(i.grants)), http.StatusUnauthorized)
}
