package harnesstest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// signIn gives a visitor the session of somebody of that role at an origin.
func (v *stranger) signIn(origin, role string) {
	v.probe.Helper()
	follows := *v.client // from an app's host to the one where people sign in
	follows.CheckRedirect = nil
	err := v.probe.Target.(SignsIn).SignIn(v.probe.Context(), &follows, origin, User{Email: role + "@example.com", Role: role})
	if err != nil {
		v.probe.Fatalf("sign in as %s at %s: %v", role, origin, err)
	}
}

// backs are ways back that lead away from a server.
var backs = []string{
	"//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, `/\/evil.example`, "https://evil.example/", "http:evil.example", "http:/evil.example",
	"https:evil.example", " //evil.example", "\t//evil.example", "/\t/evil.example", "/\n/evil.example", "javascript:alert(1)//evil.example", "JaVaScRiPt:alert(1)",
	"data:text/html,evil.example", "http://{host}@evil.example/", "http://{host}.evil.example/", "http://evil.example\\@{host}/", "http://evil.example#{host}",
	"http://evil.example?{host}", "//{host}@evil.example", "http://evil.example%2f{host}", "http://[::1]@evil.example/", "ftp://{host}.evil.example", "evil.example",
	"http://{host}:1@evil.example/", "http://evil.example:80@evil.example/",
}

// redirectAfterSignIn: signing in and out lead back to the server's own pages, and never
// to where a link from elsewhere says.
func redirectAfterSignIn(p *Probe) {
	app := p.Deploy(guarded)
	bases := []string{p.Target.Base(), app.URL}
	for _, base := range bases {
		for _, pattern := range sample(p, backs, 3) {
			back := strings.ReplaceAll(pattern, "{host}", hostOf(base))
			for _, parameter := range []string{"back", "redirect"} {
				v := newStranger(p)
				followed(p, v, fmt.Sprintf("signing in at %s with %s=%s", base, parameter, clip(back)), base,
					base+"/auth/login?"+url.Values{parameter: {back}}.Encode())
			}
			v := newStranger(p)
			v.signIn(base, "user")
			res := v.send(http.MethodPost, base+"/auth/logout", url.Values{"back": {back}}.Encode(),
				"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html", "Origin", base)
			elsewhere(p, "logging out at "+base+" with back="+clip(back), base, res)
			if page := throughPages(p, base, back); page != nil {
				elsewhere(p, "signing in at "+base+" with back="+clip(back), base, page)
			}
			if p.Failed() {
				return
			}
		}
	}
	v := newStranger(p)
	v.signIn(app.URL, "user")
	res := v.send(http.MethodPost, app.URL+"/auth/logout", url.Values{"back": {"/docs/"}}.Encode(),
		"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html", "Origin", app.URL)
	if res.Header.Get("Location") != "/docs/" {
		p.Errorf("logging out with a way back to a page of the app: %v", res)
	}
}

// throughPages signs somebody in by the form of the dev provider, where there is one, and
// returns what it answers.
func throughPages(p *Probe, base, back string) *Response {
	p.Helper()
	if base != p.Target.Base() { // whose page is another host's
		return nil
	}
	v := newStranger(p)
	page, err := open(p.Context(), v.client, base+"/auth/login?"+url.Values{"back": {back}}.Encode())
	if err != nil {
		p.Fatal(err)
	}
	if page.form(devForm) == nil {
		return nil
	}
	req, err := page.fill(p.Context(), devForm, url.Values{"email": {"back@example.com"}, "name": {"Back"}, "role": {"user"}})
	if err != nil {
		p.Fatal(err)
	}
	res, err := v.try(req)
	if err != nil {
		p.Fatal(err)
	}
	return res
}

// followed is where a sequence of redirects ends, each of which must stay here.
func followed(p *Probe, v *stranger, what, base, location string) {
	p.Helper()
	for range 5 {
		if location == "" {
			return
		}
		res := v.get(location)
		elsewhere(p, what, base, res)
		if p.Failed() || res.Status < 300 || res.Status >= 400 {
			return
		}
		to, err := url.Parse(location)
		if err == nil {
			to, err = to.Parse(res.Header.Get("Location"))
		}
		if err != nil {
			p.Errorf("%s: a redirect to %s: %v", what, clip(res.Header.Get("Location")), err)
			return
		}
		location = to.String()
	}
}

// setCookies notes the cookies that a client is sent.
type setCookies struct {
	next http.RoundTripper

	mu   sync.Mutex
	seen []*http.Cookie
}

func (c *setCookies) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := c.next.RoundTrip(r)
	if err == nil {
		c.mu.Lock()
		c.seen = append(c.seen, res.Cookies()...)
		c.mu.Unlock()
	}
	return res, err
}

// cookiesOfSignIn signs in to an app as a person does, and returns all cookies that were
// set on the way.
func cookiesOfSignIn(p *Probe, app *App) []*http.Cookie {
	p.Helper()
	v := newStranger(p)
	if offers, err := offersDev(p.Context(), v.client, p.Target.Base()); err != nil {
		p.Fatal(err)
	} else if !offers {
		p.doesNotApply("the server does not offer the dev provider, by whose pages anybody can sign in; start it with Dev on")
	}
	noted := &setCookies{next: v.client.Transport}
	v.client.Transport, v.client.CheckRedirect = noted, nil
	if err := signInByPages(p.Context(), v.client, app.URL, User{Email: "cookie@example.com"}); err != nil {
		p.Fatal(err)
	}
	return noted.seen
}

// cookieFlags: the cookies of a sign-in are out of the reach of scripts, of other sites'
// requests and of other hosts, and their values can't be guessed.
func cookieFlags(p *Probe) {
	app := p.Deploy(guarded)
	secure := strings.HasPrefix(p.Target.Base(), "https:")
	values := map[string]bool{}
	for range 2 {
		sessions := 0
		for _, c := range cookiesOfSignIn(p, app) {
			if c.MaxAge < 0 || c.Value == "" { // it is taken away
				continue
			}
			if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode && c.SameSite != http.SameSiteStrictMode || c.Domain != "" {
				p.Errorf("the cookie %s needs HttpOnly, SameSite and no Domain", cookieShape(c))
			}
			if c.Secure != secure || secure != strings.HasPrefix(c.Name, "__Host-") {
				p.Errorf("the cookie %s on %s: Secure and __Host- belong to TLS, and to nothing else", cookieShape(c), p.Target.Base())
			}
			if !strings.Contains(c.Name, "session") {
				continue
			}
			if sessions++; len(c.Value) < 22 || values[c.Value] {
				p.Errorf("the session %s of %d characters, want at least 128 bits that no other has", cookieShape(c), len(c.Value))
			}
			values[c.Value] = true
		}
		if sessions == 0 {
			p.Error("a sign-in sets no cookie with session in its name")
		}
	}
}

// cookieShape is a cookie without its value.
func cookieShape(c *http.Cookie) string {
	shape := *c
	shape.Value = "..."
	return shape.String()
}

// plantedCookies: an app sets cookies of its own, and none that the server or another app
// would take for theirs.
func plantedCookies(p *Probe) {
	v := newStranger(p)
	app := p.Deploy(guarded)
	bad := []string{
		"fazt_session=x", "fazt_session=x; Path=/", "FAZT_SESSION=x", "__Host-fazt_session=x; Path=/; Secure", "__host-fazt_session=x; Path=/; Secure",
		"fazt_session;=x; Path=/", "=fazt_session=x", " fazt_session=x", "fazt_management=x", "fazt_handover=x", "fazt_flow=x", "wide=1; Domain=localhost", "wide=1; domain=.localhost",
		"wide=1; Path=/; DOMAIN = localhost",
	}
	lines := append([]string{"own=1; Path=/"}, bad...)
	res := v.sendJSON(http.MethodPost, app.URL+"/api/cookies", map[string]any{"lines": lines})
	for _, line := range res.Header.Values("Set-Cookie") {
		if slices.Contains(bad, line) || strings.Contains(strings.ToLower(line), "fazt_") || strings.Contains(strings.ToLower(line), "domain") {
			p.Errorf("an app has set the cookie %q", line)
		}
	}
	if !slices.Contains(res.Header.Values("Set-Cookie"), "own=1; Path=/") {
		p.Errorf("an app's own cookie is not sent: %v", res)
	}
}

// hiddenCookies: a handler never sees what its visitor could be impersonated by.
func hiddenCookies(p *Probe) {
	v := newStranger(p)
	app := p.Deploy(guarded)
	v.signIn(app.URL, "user")
	u, err := url.Parse(app.URL)
	if err != nil {
		p.Fatal(err)
	}
	cookies := v.client.Jar.Cookies(u)
	if len(cookies) == 0 {
		p.Fatal("somebody who has signed in has no cookie")
	}
	res := v.send(http.MethodGet, app.URL+"/api/seen", "", "Cookie", "own=1", "Authorization", "Bearer fzt_abc_SECRET-KEY", "X-Own", "seen")
	if !strings.Contains(res.Body, `"own":"1"`) || !strings.Contains(res.Body, "seen") {
		p.Errorf("a handler does not see its own cookie and header: %v", res)
	}
	for _, c := range cookies {
		if strings.Contains(res.Body, c.Value) {
			p.Errorf("a handler sees the cookie %s", c.Name)
		}
	}
	if strings.Contains(res.Body, "SECRET-KEY") {
		p.Errorf("a handler sees an API key: %v", res)
	}
}
