package fazt_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/harnesstest"
)

const goodPassword = "correct horse battery"

// operator asks a server's management API, by a key or by what its jar holds.
type operator struct {
	t      *testing.T
	url    string
	client *http.Client
	key    string
	header http.Header // of each request
}

func operate(t *testing.T, srv *harnesstest.Server) *operator {
	t.Helper()
	return &operator{t: t, url: srv.URL, client: srv.Client(), header: http.Header{}}
}

// ask sends a request whose body is JSON, and returns the status and the code of the
// error, or the data.
func (o *operator) ask(method, path, body string) (status int, answer string, header http.Header) {
	o.t.Helper()
	res, text := o.send(method, path, body)
	var said struct {
		Data  json.RawMessage
		Error *api.Error
	}
	if err := json.Unmarshal(text, &said); err != nil {
		o.t.Fatalf("%s %s: %s", method, path, text)
	}
	if said.Error != nil {
		return res.StatusCode, said.Error.Code, res.Header
	}
	return res.StatusCode, string(said.Data), res.Header
}

// askBare is ask for an answer that has no envelope.
func (o *operator) askBare(method, path, body string) (status int, answer string) {
	o.t.Helper()
	res, text := o.send(method, path, body)
	return res.StatusCode, string(text)
}

func (o *operator) send(method, path, body string) (*http.Response, []byte) {
	o.t.Helper()
	req, err := http.NewRequestWithContext(o.t.Context(), method, o.url+path, strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if o.key != "" {
		req.Header.Set("Authorization", "Bearer "+o.key)
	}
	for name, v := range o.header {
		req.Header[name] = v
	}
	res, err := o.client.Do(req)
	if err != nil {
		o.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return res, text
}

// join makes a user with a password, by an invite's page.
func join(t *testing.T, srv *harnesstest.Server, email, role string) {
	t.Helper()
	in, err := srv.Fazt.MakeInvite(t.Context(), api.NewInvite{Role: role})
	if err != nil {
		t.Fatal(err)
	}
	res, err := srv.Client().PostForm(srv.URL+in.Path, url.Values{"email": {email}, "password": {goodPassword}})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Request.URL.Path != "/" {
		t.Fatalf("%s joins: %s at %s", email, res.Status, res.Request.URL)
	}
}

// signedIn is an operator with the session of a user.
func signedIn(t *testing.T, srv *harnesstest.Server, email string) *operator {
	t.Helper()
	o := operate(t, srv)
	if status, code, _ := o.ask("POST", "/api/login", `{"email":"`+email+`","password":"`+goodPassword+`"}`); status != 200 {
		t.Fatalf("%s signs in: %d %s", email, status, code)
	}
	return o
}

// Nothing about people answers without the role or the scope for it.
func TestPeopleNeedAuthority(t *testing.T) {
	srv := harnesstest.Start(t)
	join(t, srv, "ann@example.com", "user")
	reader, err := srv.Fazt.CreateKey(t.Context(), "reader", "read")
	if err != nil {
		t.Fatal(err)
	}
	nobody, user, key := operate(t, srv), signedIn(t, srv, "ann@example.com"), operate(t, srv)
	key.key = reader
	n := 0
	for _, r := range api.Routes() {
		if r.Scope == api.ScopeOpen || !strings.Contains(r.Pattern, "users") && !strings.Contains(r.Pattern, "roles") &&
			!strings.Contains(r.Pattern, "invites") && !strings.Contains(r.Pattern, "keys") && r.Pattern != "/api/me" {
			continue
		}
		n++
		path := strings.NewReplacer("{app}", "x", "{user}", "ann@example.com", "{id}", "x").Replace(r.Pattern)
		type row struct{ Nobody, User, Key int }
		var got row
		got.Nobody, _, _ = nobody.ask(r.Method, path, "{}")
		got.User, _, _ = user.ask(r.Method, path, "{}")
		got.Key, _, _ = key.ask(r.Method, path, "{}")
		want := row{401, 403, 403}
		if r.Scope == api.ScopeRead {
			want.Key = 200
			if strings.HasSuffix(path, "/me") {
				want.Key = 404 // a key that is no user's
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s %s: %s", r.Method, path, d)
		}
	}
	if n != 14 {
		t.Errorf("%d routes", n)
	}
}

func TestPeopleOverHTTP(t *testing.T) {
	srv := harnesstest.Start(t)
	join(t, srv, "owner@example.com", "owner")
	join(t, srv, "admin@example.com", "admin")
	join(t, srv, "user@example.com", "user")
	srv.Deploy(files("index.html", ""))
	owner, admin := signedIn(t, srv, "owner@example.com"), signedIn(t, srv, "admin@example.com")
	for _, tt := range []struct {
		by                 *operator
		method, path, body string
		status             int
		want               string // part of the data, or the error's code
	}{
		{admin, "GET", "/api/users?limit=2&offset=1", "", 200, `"email":"admin@example.com"`},
		{admin, "GET", "/api/users?limit=0", "", 400, "INVALID"},
		{admin, "GET", "/api/users?offset=-1", "", 400, "INVALID"},
		{admin, "GET", "/api/me", "", 200, `"email":"admin@example.com"`},
		{admin, "GET", "/api/users/me", "", 200, `"role":"admin"`},
		{admin, "GET", "/api/users/USER@example.com", "", 200, `"email":"user@example.com"`},
		{admin, "GET", "/api/users/none@example.com", "", 404, "NOT_FOUND"},
		{admin, "PUT", "/api/users/user@example.com", `{"name":"Ann \u003cb\u003e"}`, 200, `"name":"Ann \u003cb\u003e"`},
		{admin, "PUT", "/api/users/user@example.com", `{"role":"owner"}`, 403, "FORBIDDEN"},
		{admin, "PUT", "/api/users/owner@example.com", `{"role":"user"}`, 403, "FORBIDDEN"},
		{admin, "PUT", "/api/users/owner@example.com", `{"name":"Fool"}`, 403, "FORBIDDEN"},
		{admin, "DELETE", "/api/users/owner@example.com", "", 403, "FORBIDDEN"},
		{admin, "PUT", "/api/users/user@example.com", `{"role":"root"}`, 400, "INVALID"},
		{admin, "PUT", "/api/users/user@example.com", `{"rolle":"user"}`, 400, "INVALID_JSON"},
		{admin, "PUT", "/api/users/user@example.com", `{"role":"user"} {}`, 400, "INVALID_JSON"},
		{admin, "PUT", "/api/users/user@example.com", `{"name":"` + strings.Repeat("a", 70_000) + `"}`, 413, "BODY_TOO_LARGE"},
		{admin, "POST", "/api/invites", `{"role":"owner"}`, 403, "FORBIDDEN"},
		{admin, "POST", "/api/invites", `{"uses":-1}`, 400, "INVALID"},
		{admin, "POST", "/api/invites", `{"role":"admin","uses":3}`, 200, `"path":"/auth/invite/`},
		{admin, "GET", "/api/invites", "", 200, `"uses_left":3`},
		{admin, "DELETE", "/api/invites/none", "", 404, "NOT_FOUND"},
		{admin, "POST", "/api/keys", `{"name":"ci","scopes":["deploy"]}`, 200, `"token":"fzt_`},
		{admin, "POST", "/api/keys", `{"name":"ci","scopes":["all"]}`, 400, "INVALID"},
		{admin, "POST", "/api/keys", `{"name":"ci","scopes":["read"],"expires_at":"2020-01-01T00:00:00Z"}`, 400, "INVALID"},
		{admin, "GET", "/api/keys", "", 200, `"name":"ci"`},
		{admin, "DELETE", "/api/keys/none", "", 404, "NOT_FOUND"},
		{admin, "PUT", "/api/apps/none/roles/user@example.com", `{"role":"editor"}`, 404, "NOT_FOUND"},
		{owner, "PUT", "/api/users/owner@example.com", `{"role":"user"}`, 409, "CONFLICT"},
		{owner, "DELETE", "/api/users/owner@example.com", "", 409, "CONFLICT"},
		{owner, "PUT", "/api/users/admin@example.com", `{"role":"user"}`, 200, `"role":"user"`},
		{admin, "GET", "/api/users", "", 401, "UNAUTHORIZED"}, // the session has ended with the role
		{owner, "DELETE", "/api/users/admin@example.com", "", 200, `"removed":"admin@example.com"`},
	} {
		status, answer, _ := tt.by.ask(tt.method, tt.path, tt.body)
		if status != tt.status || !strings.Contains(answer, tt.want) {
			t.Errorf("%s %s %.40s: %d %s, want %d %s", tt.method, tt.path, tt.body, status, answer, tt.status, tt.want)
		}
		if tt.method == "GET" && strings.Contains(answer, `"token"`) {
			t.Errorf("GET %s shows a secret: %s", tt.path, answer)
		}
	}
	owner.header = http.Header{"Content-Type": {"text/plain"}}
	if status, _, _ := owner.ask("PUT", "/api/users/user@example.com", `{"role":"admin"}`); status != http.StatusUnsupportedMediaType {
		t.Errorf("text/plain: %d", status)
	}
	owner.header = http.Header{"Sec-Fetch-Site": {"same-site"}}
	if status, code, _ := owner.ask("PUT", "/api/users/user@example.com", `{"role":"admin"}`); status != 403 || code != "CROSS_ORIGIN" {
		t.Errorf("from a sibling app: %d %s", status, code)
	}
}

func TestLoginAndLogout(t *testing.T) {
	srv := harnesstest.Start(t)
	join(t, srv, "ann@example.com", "admin")
	o := operate(t, srv)
	for body, want := range map[string]string{
		`{"username":"ann@example.com","password":"` + goodPassword + `x"}`: "401 UNAUTHORIZED",
		`{"username":"none@example.com","password":"` + goodPassword + `"}`: "401 UNAUTHORIZED",
		`{"username":"ann@example.com"}`:                                    "400 INVALID",
		`{"password":"x"}`:                                                  "400 INVALID",
		`{"username":["ann@example.com"],"password":"x"}`:                   "400 INVALID_JSON",
		`username=ann`: "400 INVALID_JSON",
	} {
		status, code, header := o.ask("POST", "/api/login", body)
		if got := fmt.Sprint(status, " ", code); got != want || header["Set-Cookie"] != nil {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	o.header = http.Header{"Sec-Fetch-Site": {"cross-site"}}
	if status, code, _ := o.ask("POST", "/api/login", `{"username":"ann@example.com","password":"`+goodPassword+`"}`); status != 403 || code != "CROSS_ORIGIN" {
		t.Errorf("from another site: %d %s", status, code)
	}
	o.header = http.Header{}
	status, data, _ := o.ask("POST", "/api/login", `{"username":"ann@example.com","password":"`+goodPassword+`"}`)
	if status != 200 || !strings.Contains(data, `"role":"admin"`) {
		t.Fatalf("%d %s", status, data)
	}
	if status, _, _ := o.ask("GET", "/api/me", ""); status != 200 {
		t.Errorf("signed in: %d", status)
	}
	if status, data, _ := o.ask("POST", "/api/logout", ""); status != 200 || data != `{"authenticated":false}` {
		t.Errorf("signing out: %d %s", status, data)
	}
	if status, _, _ := o.ask("GET", "/api/me", ""); status != 401 {
		t.Errorf("signed out: %d", status)
	}
	eve := operate(t, srv)
	last, header := 0, http.Header{}
	for range 12 {
		last, _, header = eve.ask("POST", "/api/login", `{"username":"ann@example.com","password":"wrong wrong wrong"}`)
	}
	if last != 429 || header.Get("Retry-After") == "" {
		t.Errorf("after many guesses: %d, Retry-After %q", last, header.Get("Retry-After"))
	}
}

// An owner gets in, and with that the server has one; a link that was made on
// purpose works later, too.
func TestSetupOfAServer(t *testing.T) {
	srv := harnesstest.Start(t, func(o *fazt.Options) { o.Dev = false })
	owned := func() bool {
		has, err := srv.Fazt.HasOwner(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return has
	}
	for i, email := range []string{"ann@example.com", "bob@example.com"} {
		if owned() != (i > 0) {
			t.Errorf("before %s, the server is owned: %v", email, owned())
		}
		path, err := srv.Fazt.CreateSetup(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c := srv.Client()
		res, err := c.PostForm(srv.URL+path, url.Values{"email": {email}, "password": {goodPassword}})
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		o := operate(t, srv)
		o.client = c
		if status, data, _ := o.ask("GET", "/api/me", ""); status != 200 || !strings.Contains(data, `"role":"owner"`) {
			t.Errorf("%s: %d %s", email, status, data)
		}
	}
}
