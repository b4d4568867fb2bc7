package auth_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt/auth"
	"github.com/google/go-cmp/cmp"
)

// elsewhere is a Provider whose accounts are named by the code that a browser comes
// back with.
type elsewhere struct {
	name string

	mu       sync.Mutex
	accounts map[string]auth.Identity
	asked    []bool // Exchange.Ask, for each visit
	identify func(context.Context) error
}

func (p *elsewhere) Name() string  { return p.name }
func (p *elsewhere) Label() string { return strings.ToUpper(p.name) }

func (p *elsewhere) AuthURL(_ context.Context, x auth.Exchange) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, x.Ask)
	v := url.Values{"state": {x.State}, "redirect_uri": {x.RedirectURL}, "nonce": {x.Nonce}, "verifier": {x.Verifier}}
	return "https://" + p.name + ".example/authorize?" + v.Encode(), nil
}

func (p *elsewhere) Identify(ctx context.Context, x auth.Exchange, answer url.Values) (auth.Identity, error) {
	if p.identify != nil {
		if err := p.identify(ctx); err != nil {
			return auth.Identity{}, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	id, ok := p.accounts[answer.Get("code")]
	if !ok {
		return auth.Identity{}, errors.New("no such code")
	}
	return id, nil
}

// account adds an account and returns its code.
func (p *elsewhere) account(subject, email string, verified bool) string {
	p.set(subject, auth.Identity{Subject: subject, Email: email, EmailVerified: verified, Name: subject})
	return subject
}

func (p *elsewhere) set(code string, id auth.Identity) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.accounts == nil {
		p.accounts = map[string]auth.Identity{}
	}
	if id.Issuer == "" {
		id.Issuer = "https://" + p.name + ".example"
	}
	p.accounts[code] = id
}

// visit begins a sign-in at a provider and returns the URL that brings the browser
// back with a code.
func (b *browser) visit(provider, query, code string) string {
	b.s.t.Helper()
	res := b.still().do(http.MethodGet, b.s.url("localhost", "/auth/login/"+provider+query), nil, http.Header{"Sec-Fetch-Site": {"same-origin"}})
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil {
		b.s.t.Fatal(err)
	}
	back := to.Query().Get("redirect_uri")
	if want := b.s.url("localhost", "/auth/callback/"+provider); back != want {
		b.s.t.Fatalf("%d: comes back to %q, want %q", res.StatusCode, back, want)
	}
	return back + "?" + url.Values{"state": {to.Query().Get("state")}, "code": {code}}.Encode()
}

// signInBy signs in by a provider, as the account whose code it is.
func (b *browser) signInBy(provider, query, code string) answer {
	b.s.t.Helper()
	return b.get(b.visit(provider, query, code))
}

// failure is the code of a failed sign-in, by what a program gets: "403 FORBIDDEN".
func (b *browser) failure(target string) string {
	b.s.t.Helper()
	res := b.do(http.MethodGet, target, nil, http.Header{"Accept": {"application/json"}})
	_, rest, found := strings.Cut(res.body, `"code":"`)
	if !found {
		return res.Status
	}
	code, _, _ := strings.Cut(rest, `"`)
	return res.Status[:3] + " " + code
}

func TestProviderOptions(t *testing.T) {
	store := openStore(t)
	for name, want := range map[string]string{
		"google": "", "my-idp-2": "", "": "1 to 32", "Google": "1 to 32", "a/b": "1 to 32", "dev": "another", "password": "another",
		strings.Repeat("a", 33): "1 to 32",
	} {
		a, err := auth.New(t.Context(), auth.Options{Store: store, Providers: []auth.Provider{&elsewhere{name: name}}})
		if err == nil {
			a.Close()
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", name, err)
		}
	}
	_, err := auth.New(t.Context(), auth.Options{
		Store: store, Providers: []auth.Provider{&elsewhere{name: "a"}, nil, &elsewhere{name: "a"}}, ProviderTimeout: -1,
	})
	for _, part := range []string{"nil", `"a"`, "ProviderTimeout"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not mention %s: %v", part, err)
		}
	}
}

func TestSignInByProvider(t *testing.T) {
	p := &elsewhere{name: "first"}
	s := start(t, auth.Options{Providers: []auth.Provider{p, &elsewhere{name: "second"}}})
	b := s.browser().still()
	page := b.get(s.url("localhost", "/auth/login?back=%2Fa%3Fb%3D1%26c"))
	for _, want := range []string{`href="/auth/login/first?back=%2Fa%3Fb%3D1%26c"`, "Continue with FIRST", "Continue with SECOND"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page has no %s:\n%s", want, page.body)
		}
	}
	end := b.signInBy("first", "?back=%2Fa%3Fb%3D1%26c", p.account("ann", "Ann@Example.com", true))
	if to := end.Header.Get("Location"); end.StatusCode != http.StatusSeeOther || to != "/a?b=1&c" {
		t.Fatalf("ended with %d at %q", end.StatusCode, to)
	}
	if who := b.who("localhost"); who != "ann@example.com" {
		t.Errorf("signed in as %q", who)
	}
	if left := b.cookie(s.url("localhost", "/"), "fazt_flow"); left != "" {
		t.Error("the cookie of the sign-in is left")
	}
	if rows := s.column(`SELECT issuer || ' ' || subject || ' ' || provider FROM auth_identities`); len(rows) != 1 || rows[0] != "https://first.example ann first" {
		t.Errorf("identities: %v", rows)
	}
	for path, want := range map[string]int{"/auth/login/none": 404, "/auth/callback/none": 404, "/auth/login/first/x": 404, "/auth/login/": 404} {
		if got := b.get(s.url("localhost", path)).StatusCode; got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

// A sign-in that nobody ends leaves nothing behind.
func TestLookingWritesNothing(t *testing.T) {
	s := start(t, auth.Options{Providers: []auth.Provider{&elsewhere{name: "first"}}})
	s.browser().visit("first", "", "")
	for _, table := range []string{"auth_used", "auth_users", "auth_sessions", "auth_handovers", "auth_identities"} {
		if rows := s.column(`SELECT 'row' FROM ` + table); len(rows) > 0 {
			t.Errorf("%s has %d rows", table, len(rows))
		}
	}
}

func TestSignInToAppByProvider(t *testing.T) {
	p := &elsewhere{name: "first"}
	s := start(t, auth.Options{Providers: []auth.Provider{p}})
	p.account("ann", "ann@example.com", true)
	b := s.browser().still()
	toOwn := b.get(s.url(guestbook, "/auth/login/first?back=%2Fin")).Header.Get("Location")
	if !strings.HasPrefix(toOwn, s.url("localhost", "/auth/login/first?")) {
		t.Fatalf("the app's host leads to %q", toOwn)
	}
	finish := func(toProvider string) answer {
		t.Helper()
		u, err := url.Parse(toProvider)
		if err != nil || u.Host != "first.example" {
			t.Fatalf("led to %q", toProvider)
		}
		end := b.get(u.Query().Get("redirect_uri") + "?code=ann&state=" + u.Query().Get("state"))
		return b.get(end.Header.Get("Location"))
	}
	if end := finish(b.get(toOwn).Header.Get("Location")); end.Header.Get("Location") != "/in" {
		t.Fatalf("ended with %d at %q", end.StatusCode, end.Header.Get("Location"))
	}
	if who := b.who(guestbook); who != "ann@example.com" {
		t.Errorf("the app sees %q", who)
	}

	// The second app must not learn who visits by leading them through a provider
	// that lets them pass without a word.
	toOwn = b.get(s.url("shop.localhost", "/auth/login/first")).Header.Get("Location")
	if to := b.get(toOwn).Header.Get("Location"); !strings.HasPrefix(to, "/auth/login?app=shop") {
		t.Errorf("led to %q", to)
	}
	clicked := b.do(http.MethodGet, toOwn, nil, http.Header{"Sec-Fetch-Site": {"same-origin"}}).Header.Get("Location")
	finish(clicked)
	if d := cmp.Diff([]bool{true, false}, p.asked); d != "" {
		t.Errorf("whether the provider was told to ask: -want +got\n%s", d)
	}
	if who := b.who("shop.localhost"); who != "ann@example.com" {
		t.Errorf("the second app sees %q", who)
	}
}

// With one provider the sign-in page has nothing to choose, and goes on.
func TestStraightOn(t *testing.T) {
	p := &elsewhere{name: "only"}
	p.account("ann", "ann@example.com", true)
	s := start(t, auth.Options{Providers: []auth.Provider{p}})
	b := s.browser().still()
	login := s.url("localhost", "/auth/login?back=%2Fx")
	visit := func(target string) string {
		t.Helper()
		res := b.get(target)
		if res.StatusCode == http.StatusOK {
			return "page"
		}
		return res.Header.Get("Location")
	}
	var got []string
	got = append(got, visit(login), visit(login+"&choose=1"))
	b.signInBy("only", "", "ann")
	got = append(got, visit(login)) // somebody is signed in: a choice
	b.post(s.url("localhost", "/auth/logout"), nil)
	got = append(got, visit(login), visit(login)) // the first after logging out asks
	want := []string{"/auth/login/only?back=%2Fx", "page", "page", "page", "/auth/login/only?back=%2Fx"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// with adds a cookie to whatever the browser sends.
func (b *browser) with(name, value string) *browser {
	next := b.Transport
	b.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.AddCookie(&http.Cookie{Name: name, Value: value})
		return next.RoundTrip(r)
	})
	return b
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What a visitor takes too long for is over, however the cookie was kept.
func TestVisitExpires(t *testing.T) {
	p := &elsewhere{name: "first"}
	p.account("ann", "ann@example.com", true)
	synctest.Test(t, func(t *testing.T) {
		a := newAuth(t, &auth.Options{Providers: []auth.Provider{p}})
		for _, tt := range []struct {
			after time.Duration
			want  int
		}{{14 * time.Minute, http.StatusSeeOther}, {15 * time.Minute, http.StatusBadRequest}} {
			begun := respond(a, localRequest(http.MethodGet, "localhost", "/auth/login/first"))
			to, err := url.Parse(begun.Header().Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(tt.after)
			r := localRequest(http.MethodGet, "localhost", "/auth/callback/first?code=ann&state="+to.Query().Get("state"))
			for _, c := range begun.Result().Cookies() {
				r.AddCookie(c)
			}
			got := respond(a, r)
			if got.Code != tt.want || tt.want != http.StatusSeeOther && !strings.Contains(got.Body.String(), "too long") {
				t.Errorf("after %v: %d\n%s", tt.after, got.Code, got.Body)
			}
		}
	})
}

// The longest way back is not too long for the cookie that it waits in.
func TestLongWayBack(t *testing.T) {
	p := &elsewhere{name: "first"}
	p.account("ann", "ann@example.com", true)
	s := start(t, auth.Options{Providers: []auth.Provider{p}})
	b := s.browser().still()
	back := "/" + strings.Repeat("&", 2047)
	target := b.visit("first", "?invite="+strings.Repeat("a", 52)+"&back="+url.QueryEscape(back), "ann")
	if n := len("fazt_flow") + len(b.cookie(target, "fazt_flow")); n > 4096 {
		t.Errorf("the cookie has %d bytes, and browsers keep 4,096", n)
	}
	if to := b.signInBy("first", "?back="+url.QueryEscape(back), "ann").Header.Get("Location"); to != back {
		t.Errorf("led to %.60q...", to)
	}
}

// A provider of the program's own is not trusted to be well-formed.
func TestIdentityIsChecked(t *testing.T) {
	tests := []struct {
		name string
		id   auth.Identity
		want string // the failure, or the user's e-mail, name and picture
	}{
		{"sound", auth.Identity{Subject: "1", Email: "Ann@Example.com", EmailVerified: true, Name: " Ann ", Picture: "https://a.example/p"},
			"ann@example.com|Ann|https://a.example/p"},
		{"no subject", auth.Identity{}, "502 IDENTITY_INVALID"},
		{"issuer of the dev provider", auth.Identity{Issuer: "dev", Subject: "ann@example.com"}, "502 IDENTITY_INVALID"},
		{"long subject", auth.Identity{Subject: strings.Repeat("1", 513)}, "502 IDENTITY_INVALID"},
		{"subject with a control character", auth.Identity{Subject: "1\x00"}, "502 IDENTITY_INVALID"},
		{"made-up role", auth.Identity{Subject: "1", Role: "root"}, "502 IDENTITY_INVALID"},
		{"no address", auth.Identity{Subject: "1", Email: "Ann <ann@example.com>", EmailVerified: true}, "||"},
		{"unproven address", auth.Identity{Subject: "1", Email: "ann@example.com"}, "||"},
		{"long name", auth.Identity{Subject: "1", Name: strings.Repeat("x", 101)}, "||"},
		{"a picture that is a script", auth.Identity{Subject: "1", Picture: "javascript:alert(1)"}, "||"},
		{"a picture without TLS", auth.Identity{Subject: "1", Picture: "http://a.example/p"}, "||"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &elsewhere{name: "first"}
			p.set("x", tt.id)
			s := start(t, auth.Options{Providers: []auth.Provider{p}, Logger: slog.New(slog.DiscardHandler)})
			b := s.browser().still()
			got := b.failure(b.visit("first", "", "x"))
			if rows := s.column(`SELECT email || '|' || name || '|' || picture FROM auth_users`); len(rows) > 0 {
				got = rows[0]
			}
			if got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// Every code of a failed sign-in has a page.
func TestEveryFailureHasAPage(t *testing.T) {
	source, err := os.ReadFile("problem.go")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(?m)^\t(Fail\w+) +Code = "`).FindAllSubmatch(source, -1)
	if len(names) < 30 {
		t.Fatalf("%d codes", len(names))
	}
	for _, name := range names {
		if row := regexp.MustCompile(`(?m)^\t` + string(name[1]) + `: +\{http\.`); !row.Match(source) {
			t.Errorf("%s has no row in the table of problems", name[1])
		}
	}
}
