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
	"github.com/fazt-sh/fazt/harnesstest/faults"
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
var say = faults.Answer

func at(path string, h http.HandlerFunc) harnesstest.Script {
	return harnesstest.Script{Handlers: map[string]http.HandlerFunc{path: h}}
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
		{"google", api.ProviderConfig{ClientID: "x", ClientSecret: "y"}, "Google", true},
		{"google", api.ProviderConfig{ClientID: "x"}, "client secret is missing", false},
		{"github", api.ProviderConfig{ClientID: "x"}, "client secret is missing", false},
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
