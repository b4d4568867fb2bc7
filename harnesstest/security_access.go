package harnesstest

import (
	_ "embed"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// sender is where a browser says that a request comes from.
type sender struct {
	name   string
	header []string // names and values; {origin} is that of the host that is asked
	may    bool     // change something there
}

// senders are the pages that a browser may show when a request is sent, and what it says
// of them. Origin alone is what browsers say from before 2023.
var senders = []sender{
	{"its own page", []string{"Sec-Fetch-Site", "same-origin", "Origin", "{origin}"}, true},
	{"its own page in an old browser", []string{"Origin", "{origin}"}, true},
	{"a person who types the address", []string{"Sec-Fetch-Site", "none"}, true},
	{"a program", nil, true},
	{"a sibling's page", []string{"Sec-Fetch-Site", "same-site", "Origin", "http://evil.localhost"}, false},
	{"a sibling's page, without Origin", []string{"Sec-Fetch-Site", "same-site"}, false},
	{"another site's page", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, false},
	{"another site's page that claims this origin", []string{"Sec-Fetch-Site", "cross-site", "Origin", "{origin}"}, false},
	{"a sibling's page in an old browser", []string{"Origin", "http://evil.localhost"}, false},
	{"another site's page in an old browser", []string{"Origin", "https://evil.example"}, false},
	{"another port in an old browser", []string{"Origin", "http://localhost:1"}, false},
	{"a longer name in an old browser", []string{"Origin", "{origin}.evil.example"}, false},
	{"a sandboxed frame in an old browser", []string{"Origin", "null"}, false},
	{"a browser of no kind", []string{"Sec-Fetch-Site", "x"}, false},
}

func (s sender) at(base string) []string {
	header := slices.Clone(s.header)
	for i := range header {
		header[i] = strings.ReplaceAll(header[i], "{origin}", base)
	}
	return header
}

// contentTypes are what a form or a script sends without asking, and what it asks for.
var contentTypes = []struct{ kind, body string }{
	{"application/x-www-form-urlencoded", "a=1"}, {"text/plain", `{"a":1}`}, {"multipart/form-data; boundary=x", "--x--\r\n"},
	{"application/json", `{"a":1}`}, {"", ""},
}

// forgeryOfApp: a page of another origin changes nothing in an app, by whatever method and
// type of body, with a visitor's session or without; the app's own pages do.
func forgeryOfApp(p *Probe) {
	app := p.Deploy(guarded)
	signedIn, nobody := newStranger(p), newStranger(p)
	signedIn.signIn(app.URL, "user")
	want := 0
	for _, from := range senders {
		for _, content := range sample(p, contentTypes, 2) {
			for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
				for who, v := range map[string]*stranger{"with a session": signedIn, "without a session": nobody} {
					header := from.at(app.URL)
					if content.kind != "" {
						header = append(header, "Content-Type", content.kind)
					}
					res := v.send(method, app.URL+"/api/count", content.body, header...)
					what := fmt.Sprintf("%s %q from %s, %s", method, content.kind, from.name, who)
					switch {
					case from.may && res.Status != http.StatusOK:
						p.Errorf("%s is refused: %v", what, res)
					case from.may:
						want++
					case res.Status != http.StatusForbidden || errorCode(res) != "CROSS_ORIGIN":
						p.Errorf("%s is answered %v, want 403 CROSS_ORIGIN", what, res)
					}
				}
			}
		}
		if res := signedIn.send(http.MethodGet, app.URL+"/api/count", "", from.at(app.URL)...); res.Status != http.StatusOK {
			p.Errorf("GET from %s, which changes nothing, is answered %v", from.name, res)
		}
	}
	var got struct{ Changes int }
	unmarshal(p, nobody.get(app.URL+"/api/count"), &got)
	if got.Changes != want {
		p.Errorf("the handler has made %d changes, want %d", got.Changes, want)
	}
}

// forgeryOfManagement: the same for the management API and an owner's session, and for
// what signs people out.
func forgeryOfManagement(p *Probe) {
	base := p.Target.Base()
	v := newStranger(p)
	v.signIn(base, "owner")
	doomed := p.Deploy(guarded)
	for _, from := range senders {
		for _, row := range sample(p, routes(p), 4) {
			if row.method == http.MethodGet || row.pattern == "/api/logout" && from.may {
				continue
			}
			res := row.send(v, from.at(base)...)
			forged := res.Status == http.StatusForbidden && errorCode(res) == "CROSS_ORIGIN"
			if forged == from.may {
				p.Errorf("%s %s from %s is answered %v", row.method, row.pattern, from.name, res)
			}
		}
		if from.may {
			continue
		}
		for _, ask := range []struct{ method, path string }{
			{http.MethodDelete, "/api/apps/" + doomed.Name}, {http.MethodPost, "/auth/logout"}, {http.MethodPost, "/auth/sessions/end"},
		} {
			res := v.send(ask.method, base+ask.path, "session=others", append(from.at(base), "Content-Type", "application/x-www-form-urlencoded")...)
			if res.Status != http.StatusForbidden {
				p.Errorf("%s %s from %s is answered %v, want 403", ask.method, ask.path, from.name, res)
			}
		}
	}
	if res := v.get(doomed.URL + "/"); res.Status != http.StatusOK {
		p.Errorf("the app that pages elsewhere would have removed answers %v", res)
	}
	if res := v.get(base + "/api/apps"); res.Status != http.StatusOK {
		p.Errorf("the owner whom pages elsewhere would have signed out gets %v", res)
	}
}

// access is a row of who may use a route.
type access struct{ method, pattern, who, body string }

//go:embed security_routes.txt
var routesText string

// routes are the rows of security_routes.txt.
func routes(p *Probe) (rows []access) {
	p.Helper()
	for line := range strings.Lines(routesText) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		f := strings.Fields(line)
		if len(f) < 3 {
			p.Fatalf("security_routes.txt: %q has no method, pattern and caller", line)
		}
		row := access{method: f[0], pattern: f[1], who: f[2]}
		if _, body, ok := strings.Cut(line, f[2]+" "); ok {
			row.body = strings.TrimSpace(body)
		}
		rows = append(rows, row)
	}
	return rows
}

// send asks a route for something that is not there, or with a body that it does not
// take.
func (a access) send(v *stranger, header ...string) *Response {
	v.probe.Helper()
	body := a.body
	if body == "" && (a.method == http.MethodPost || a.method == http.MethodPut) {
		body = `{"`
	}
	path := a.pattern
	for strings.Contains(path, "{") {
		begin, end := strings.Index(path, "{"), strings.Index(path, "}")
		path = path[:begin] + "nobody-has-this" + path[end+1:]
	}
	return v.send(a.method, v.probe.Target.Base()+path, body, append(header, "Content-Type", "application/json")...)
}

// caller is somebody who asks the management API.
type caller struct {
	name   string
	may    []string // rows of who
	status int      // of a refusal
	header []string
	v      *stranger
}

// callers are nobody, a session of each role, one of an app's host, and a key of each
// scope.
func callers(p *Probe) []caller {
	p.Helper()
	base := p.Target.Base()
	all := []caller{{name: "nobody", status: http.StatusUnauthorized, v: newStranger(p)}}
	for role, may := range map[string][]string{
		"user": nil, "admin": {"read", "deploy", "sql", "admin"}, "owner": {"read", "deploy", "sql", "admin", "owner"},
	} {
		v := newStranger(p)
		v.signIn(base, role)
		all = append(all, caller{name: "a session with the role " + role, may: may, status: http.StatusForbidden, v: v})
	}
	app := p.Deploy(guarded)
	v := newStranger(p)
	v.signIn(app.URL, "owner")
	u, err := url.Parse(app.URL)
	if err != nil {
		p.Fatal(err)
	}
	stolen := caller{name: "an owner's session of an app", status: http.StatusUnauthorized, v: newStranger(p)}
	for _, c := range v.client.Jar.Cookies(u) {
		stolen.header = append(stolen.header, "Cookie", c.Name+"="+c.Value)
	}
	all = append(all, stolen)
	for _, scope := range []string{"read", "deploy", "sql", "admin"} {
		may := []string{scope}
		if scope == "admin" {
			may = []string{"read", "deploy", "sql", "admin", "owner"} // whom a test's keys are made for
		}
		all = append(all, caller{
			name: "a key with the scope " + scope, may: may, status: http.StatusForbidden,
			header: []string{"Authorization", "Bearer " + p.Target.(Keyer).Key(p, scope)}, v: newStranger(p),
		})
	}
	return all
}

// authorisation: each route lets in whom it is for, and nobody else.
func authorisation(p *Probe) {
	rows := routes(p)
	sameRoutes(p, rows)
	for _, c := range callers(p) {
		for _, row := range rows {
			if row.pattern == "/api/logout" {
				continue // which ends the session; anybody may
			}
			res := row.send(c.v, c.header...)
			refused := res.Status == http.StatusUnauthorized || res.Status == http.StatusForbidden
			switch may := row.who == "open" || slices.Contains(c.may, row.who); {
			case may && refused:
				p.Errorf("%s %s is for %s, and refuses %s: %v", row.method, row.pattern, row.who, c.name, res)
			case !may && res.Status != c.status:
				p.Errorf("%s %s is for %s, and answers %s with %v, want %d", row.method, row.pattern, row.who, c.name, res, c.status)
			}
		}
	}
}

// sameRoutes compares the rows with the table that the server itself shows.
func sameRoutes(p *Probe, rows []access) {
	p.Helper()
	key := p.Target.(Keyer).Key(p, "read")
	var served struct {
		Paths map[string]map[string]struct{ Security []struct{ Key []string } }
	}
	unmarshal(p, newStranger(p).send(http.MethodGet, p.Target.Base()+"/api/openapi.json", "", "Authorization", "Bearer "+key), &served)
	have := map[string]string{}
	for path, methods := range served.Paths {
		for method, operation := range methods {
			who := "open"
			for _, s := range operation.Security {
				if len(s.Key) == 1 {
					who = s.Key[0]
				}
			}
			have[strings.ToUpper(method)+" "+path] = who
		}
	}
	known := map[string]bool{}
	for _, row := range rows {
		name := row.method + " " + strings.ReplaceAll(row.pattern, "...", "")
		who, ok := have[name]
		known[name] = true
		switch {
		case !ok:
			p.Errorf("the server has no route %s", name)
		case row.who != who && row.who != "owner": // which is no scope
			p.Errorf("the server says that %s is for %s, want %s", name, who, row.who)
		}
	}
	for name := range have {
		if !known[name] {
			p.Errorf("the server has the route %s, which is not in security_routes.txt: who may use it?", name)
		}
	}
}

// madeUpKeys: what is no key of the server's opens nothing, nor does a key that comes by
// another way.
func madeUpKeys(p *Probe) {
	v := newStranger(p)
	key := p.Target.(Keyer).Key(p, "read")
	ask := p.Target.Base() + "/api/apps"
	if res := v.send(http.MethodGet, ask, "", "Authorization", "Bearer "+key); res.Status != http.StatusOK {
		p.Errorf("a key with the scope read is answered %v", res)
	}
	last := "A"
	if strings.HasSuffix(key, last) {
		last = "B"
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(key, "fzt_"), "_")
	for _, header := range [][]string{
		{"Authorization", "Bearer"}, {"Authorization", "Bearer "}, {"Authorization", "Bearer x"}, {"Authorization", "Bearer fzt_"},
		{"Authorization", "Bearer " + key[:len(key)-1]}, {"Authorization", "Bearer " + key[:len(key)-1] + last}, {"Authorization", "Bearer " + key + "x"},
		{"Authorization", "Bearer fzt_" + id + "_"}, {"Authorization", "Bearer fzt_" + id + "_" + strings.Repeat("A", 43)}, {"Authorization", key},
		{"Authorization", "Basic " + key}, {"Authorization", "Bearer " + strings.ToUpper(key)}, {"Authorization", "Bearer fzt_%_%"}, {"Authorization", "Bearer fzt_' OR 1=1 --_x"},
		{"Cookie", "fazt_session=" + key}, {"Cookie", "fazt_management=" + key}, {"Cookie", "fazt_session=" + strings.Repeat("A", 43)}, {"X-API-Key", key},
		{"Proxy-Authorization", "Bearer " + key}, {"X-Forwarded-User", "owner"}, {"X-Remote-User", "owner"},
	} {
		if res := v.send(http.MethodGet, ask, "", header...); res.Status != http.StatusUnauthorized {
			p.Errorf("%s: %s is answered %v, want 401", header[0], clip(header[1]), res)
		}
	}
	for _, query := range []string{"token", "key", "access_token", "api_key", "authorization"} {
		if res := v.get(ask + "?" + query + "=" + key); res.Status != http.StatusUnauthorized {
			p.Errorf("a key in the query as %s is answered %v, want 401", query, res)
		}
	}
}
