package auth_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/auth"
	"github.com/google/go-cmp/cmp"
)

func TestRequireUser(t *testing.T) {
	a := newAuth(t, &auth.Options{Dev: true})
	who := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, auth.UserFrom(r.Context()).Email) })
	users, admins := a.RequireUser(who), http.StripPrefix("/x", a.RequireRole(auth.RoleAdmin, who))
	if u := auth.UserFrom(t.Context()); u != nil {
		t.Errorf("without the middleware: %v", u)
	}

	ann := requestOf(t, a, "ann@example.com")
	ask := func(h http.Handler, method, path, mode string, cookie []string) string {
		r := httptest.NewRequest(method, path, nil)
		r.Host = "localhost:8080"
		r.RequestURI = r.URL.RequestURI()
		r.Header.Set("Sec-Fetch-Mode", mode)
		r.Header["Cookie"] = cookie
		w := respond(h, r)
		text, _, _ := strings.Cut(strings.TrimSpace(w.Body.String()), `,"message"`)
		if strings.HasPrefix(text, "<!doctype") {
			text = "page"
		}
		return strings.TrimSpace(http.StatusText(w.Code) + " " + w.Header().Get("Location") + " " + text)
	}
	cookie := ann.Header["Cookie"]
	got := map[string]string{
		"stranger":             ask(users, "GET", "/a?b=c", "navigate", nil),
		"stranger's form":      ask(users, "POST", "/a", "navigate", nil),
		"stranger's script":    ask(users, "GET", "/a", "cors", nil),
		"stranger, admins":     ask(admins, "GET", "/x/a", "navigate", nil),
		"user":                 ask(users, "GET", "/a", "navigate", cookie),
		"user, admins":         ask(admins, "GET", "/x/a", "navigate", cookie),
		"user's script, admin": ask(admins, "GET", "/x/a", "cors", cookie),
	}
	want := map[string]string{
		"stranger":             "See Other /auth/login?back=%2Fa%3Fb%3Dc",
		"stranger's form":      "Unauthorized  page",
		"stranger's script":    `Unauthorized  {"error":{"code":"LOGIN_REQUIRED"`,
		"stranger, admins":     "See Other /auth/login?back=%2Fx%2Fa",
		"user":                 "OK  ann@example.com",
		"user, admins":         "Forbidden  page",
		"user's script, admin": `Forbidden  {"error":{"code":"FORBIDDEN"`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A program that knows its users gives them sessions by itself.
func TestSignIn(t *testing.T) {
	a := newAuth(t, &auth.Options{})
	const host = "service.example"
	signIn := func(host string, id auth.Identity) (*auth.User, *http.Request, error) {
		r := httptest.NewRequest(http.MethodPost, "/in", nil)
		r.Host = host
		w := httptest.NewRecorder()
		u, err := a.SignIn(w, r, id)
		next := httptest.NewRequest(http.MethodGet, "/", nil)
		next.Host = host
		for _, c := range w.Result().Cookies() {
			next.AddCookie(c)
		}
		return u, next, err
	}
	id := auth.Identity{Issuer: "https://people.example.com", Subject: "7", Email: "Ann@Example.com", EmailVerified: true, Name: "Ann"}
	first, r, err := signIn(host, id)
	if err != nil {
		t.Fatal(err)
	}
	want := auth.User{ID: first.ID, Email: "ann@example.com", Name: "Ann", Role: auth.RoleUser, Provider: "service"}
	if d := cmp.Diff(want, *first); d != "" {
		t.Error(d)
	}
	if who := emailOf(t, a, r); who != "ann@example.com" {
		t.Errorf("signed in as %q", who)
	}
	id.Name, id.Role = "Ann B", auth.RoleAdmin
	again, r2, err := signIn(host, id)
	if err != nil || again.ID != first.ID || again.Name != "Ann B" || again.Role != auth.RoleAdmin {
		t.Errorf("the second time: %+v, %v", again, err)
	}
	if who := emailOf(t, a, r); who != "nobody" {
		t.Errorf("the session from before the change of role is %q", who)
	}
	if who := emailOf(t, a, r2); who != "ann@example.com" {
		t.Errorf("the new session is %q", who)
	}

	bad := map[string]func(*auth.Identity){
		"no issuer":     func(id *auth.Identity) { id.Issuer = "" },
		"issuer no URL": func(id *auth.Identity) { id.Issuer = "people" },
		"no subject":    func(id *auth.Identity) { id.Subject = "" },
		"subject":       func(id *auth.Identity) { id.Subject = "a\x00b" },
		"long subject":  func(id *auth.Identity) { id.Subject = strings.Repeat("a", 256) },
		"role":          func(id *auth.Identity) { id.Role = "root" },
		"name":          func(id *auth.Identity) { id.Name = "a\nb" },
	}
	for name, change := range bad {
		id := id
		change(&id)
		if _, _, err := signIn(host, id); auth.CodeOf(err) != auth.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := signIn("no host", id); auth.CodeOf(err) != auth.CodeInvalid {
		t.Errorf("a host of nobody: %v", err)
	}
	// An address that is not proven belongs to nobody.
	u, _, err := signIn(host, auth.Identity{Issuer: "https://people.example.com", Subject: "8", Email: "ann@example.com"})
	if err != nil || u.ID == first.ID || u.Email != "" {
		t.Errorf("with another's e-mail, not proven: %+v, %v", u, err)
	}
}
