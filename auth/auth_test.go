package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/internal/teststore"
	"github.com/fazt-sh/fazt/storage"
	"github.com/google/go-cmp/cmp"
)

// server is an Auth behind a real listener on loopback. Other paths than
// /auth/ answer with the e-mail of who asks, or "nobody".
type server struct {
	*auth.Auth
	t     testing.TB
	http  *httptest.Server
	store auth.Store
}

func start(t testing.TB, opt auth.Options) *server { return serve(t, opt, (*httptest.Server).Start) }
func startTLS(t testing.TB, opt auth.Options) *server {
	return serve(t, opt, (*httptest.Server).StartTLS)
}

func serve(t testing.TB, opt auth.Options, run func(*httptest.Server)) *server {
	t.Helper()
	s := &server{t: t, Auth: newAuth(t, &opt), store: opt.Store}
	mux := http.NewServeMux()
	mux.Handle("/auth/", s.Auth)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		u, err := s.User(r)
		switch {
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		case u == nil:
			io.WriteString(w, "nobody")
		default:
			io.WriteString(w, u.Email)
		}
	})
	s.http = httptest.NewUnstartedServer(mux)
	run(s.http)
	t.Cleanup(s.http.Close)
	return s
}

// openStore opens an empty store of the engine that the tests run on.
func openStore(t testing.TB) storage.Store { return teststore.Open(t) }

// newAuth makes an Auth, with a new store unless opt has one.
func newAuth(t testing.TB, opt *auth.Options) *auth.Auth {
	t.Helper()
	if opt.Store == nil {
		opt.Store = openStore(t)
	}
	a, err := auth.New(t.Context(), *opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// url is path on the host of that name, at the server's port.
func (s *server) url(name, path string) string {
	u, err := url.Parse(s.http.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	return u.Scheme + "://" + name + ":" + u.Port() + path
}

// exec changes rows directly, as time or an operator would.
func (s *server) exec(query string, args ...any) int64 {
	s.t.Helper()
	var n int64
	err := s.store.Write(s.t.Context(), func(tx storage.SQL) (err error) {
		n, err = tx.Exec(query, args...)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// column returns the first column of a query's rows.
func (s *server) column(query string) []string {
	s.t.Helper()
	var list []string
	err := s.store.Read(s.t.Context(), func(tx storage.SQL) error {
		list = nil
		return tx.Query(query, nil, func(scan func(...any) error) error {
			var v string
			err := scan(&v)
			list = append(list, v)
			return err
		})
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// browser keeps cookies, follows redirects, and finds every host at the server.
type browser struct {
	http.Client
	s *server
}

// answer is where a browser ended up.
type answer struct {
	*http.Response
	body string
}

func (s *server) browser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	transport := s.http.Client().Transport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, s.http.Listener.Addr().String())
	}
	if transport.TLSClientConfig != nil {
		transport.TLSClientConfig.ServerName = "example.com" // that of httptest's certificate
	}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &browser{http.Client{Jar: jar, Transport: transport}, s}
}

func (b *browser) do(method, target string, form url.Values, header http.Header) answer {
	b.s.t.Helper()
	r, err := http.NewRequestWithContext(b.s.t.Context(), method, target, strings.NewReader(form.Encode()))
	if err != nil {
		b.s.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for name, v := range header {
		r.Header[name] = v
	}
	res, err := b.Do(r)
	if err != nil {
		b.s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.s.t.Fatal(err)
	}
	return answer{res, string(body)}
}

func (b *browser) get(target string) answer {
	b.s.t.Helper()
	return b.do(http.MethodGet, target, nil, nil)
}

func (b *browser) post(target string, form url.Values) answer {
	b.s.t.Helper()
	return b.do(http.MethodPost, target, form, nil)
}

// still makes the browser stop at redirects.
func (b *browser) still() *browser {
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return b
}

// cookie returns the value of the browser's cookie for a URL, or "".
func (b *browser) cookie(target, name string) string {
	u, err := url.Parse(target)
	if err != nil {
		b.s.t.Fatal(err)
	}
	for _, c := range b.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// devSignIn fills in the dev form on the own host.
func (b *browser) devSignIn(email, role string) answer {
	b.s.t.Helper()
	return b.post(b.s.url("localhost", "/auth/dev/callback"), url.Values{"email": {email}, "role": {role}})
}

// who is who the server takes the browser for on a host.
func (b *browser) who(host string) string {
	b.s.t.Helper()
	return b.get(b.s.url(host, "/")).body
}

// url is where the answer came from.
func (a answer) url() string { return a.Request.URL.String() }

var hiddenInput = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// hidden returns the hidden fields of the answer's form.
func (a answer) hidden() url.Values {
	v := url.Values{}
	for _, m := range hiddenInput.FindAllStringSubmatch(a.body, -1) {
		v.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	return v
}

func TestOptions(t *testing.T) {
	store := openStore(t)
	tests := []struct {
		name string
		opt  auth.Options
		want []string // parts of the error; none: no error
	}{
		{"defaults", auth.Options{Store: store}, nil},
		{"domain", auth.Options{Store: store, Domain: "Example.COM"}, nil},
		{"long idle", auth.Options{Store: store, SessionIdle: 365 * 24 * time.Hour}, nil},
		{"all wrong", auth.Options{Domain: "https://example.com/", SessionIdle: time.Second, SessionMax: time.Millisecond},
			[]string{"Store", "https://example.com/", "SessionIdle", "SessionMax"}},
		{"short idle", auth.Options{Store: store, SessionIdle: time.Minute}, []string{"1m0s", "5m0s"}},
		{"max below idle", auth.Options{Store: store, SessionIdle: time.Hour, SessionMax: time.Minute}, []string{"SessionMax", "1m0s"}},
		{"port", auth.Options{Store: store, Domain: "example.com:80"}, []string{"example.com:80"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := auth.New(t.Context(), tt.opt)
			if err == nil {
				defer a.Close()
			}
			if (err != nil) != (tt.want != nil) {
				t.Fatalf("New: %v", err)
			}
			if err != nil && auth.CodeOf(err) != auth.CodeInvalid {
				t.Errorf("code %q", auth.CodeOf(err))
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error does not mention %q: %v", part, err)
				}
			}
		})
	}
}

func TestUsers(t *testing.T) {
	s := start(t, auth.Options{Dev: true, Logger: slog.New(slog.DiscardHandler)})
	s.browser().devSignIn("Ann@Example.com", "owner")
	s.browser().devSignIn("bob@example.com", "user")

	list, err := s.Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	type row struct{ Email, Name, Provider, Role string }
	var got []row
	for _, u := range list {
		got = append(got, row{u.Email, u.Name, u.Provider, string(u.Role)})
		if u.CreatedAt.IsZero() || u.LastLogin.Before(u.CreatedAt) {
			t.Errorf("%s: created %v, last login %v", u.Email, u.CreatedAt, u.LastLogin)
		}
	}
	want := []row{{"ann@example.com", "ann", "dev", "owner"}, {"bob@example.com", "bob", "dev", "user"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}

	for _, name := range []string{list[0].ID, "ann@example.com", "ANN@example.com"} {
		if u, err := s.Lookup(t.Context(), name); err != nil || u.ID != list[0].ID {
			t.Errorf("Lookup(%q) = %v, %v", name, u, err)
		}
	}
	if _, err := s.Lookup(t.Context(), "eve@example.com"); !errors.Is(err, auth.ErrNotFound) || auth.CodeOf(err) != auth.CodeNotFound {
		t.Errorf("an unknown e-mail: %v", err)
	}
	s.exec(`UPDATE auth_users SET email = 'ann@example.com'`)
	if _, err := s.Lookup(t.Context(), "ann@example.com"); !errors.Is(err, auth.ErrAmbiguous) {
		t.Errorf("an e-mail of two: %v", err)
	}
}

func TestRole(t *testing.T) {
	roles := []auth.Role{auth.RoleOwner, auth.RoleAdmin, auth.RoleUser, "", "root"}
	want := map[auth.Role]string{auth.RoleOwner: "owner admin user", auth.RoleAdmin: "admin user", auth.RoleUser: "user", "": "", "root": ""}
	got := map[auth.Role]string{}
	for _, r := range roles {
		var has []string
		for _, w := range roles {
			if r.Has(w) {
				has = append(has, string(w))
			}
		}
		got[r] = strings.Join(has, " ")
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if (*auth.User)(nil).HasRole(auth.RoleUser) {
		t.Error("nobody has a role")
	}
}

// The shape of a user is part of the contract with apps.
func TestUserJSON(t *testing.T) {
	got, err := json.Marshal(auth.User{ID: "1", Email: "a@b.c", Name: "A", Role: auth.RoleUser, Provider: "dev"})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"1","email":"a@b.c","name":"A","picture":"","role":"user","provider":"dev"}`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Error(d)
	}
}
