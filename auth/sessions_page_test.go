package auth_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/storage"
	"github.com/google/go-cmp/cmp"
)

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

var sessionInput = regexp.MustCompile(`name="session" value="([^"]*)"`)

// sessionIDs are what the page's buttons end.
func (a answer) sessionIDs() []string {
	var ids []string
	for _, m := range sessionInput.FindAllStringSubmatch(a.body, -1) {
		ids = append(ids, m[1])
	}
	return ids
}

func TestSessionsPage(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	here, phone, bob := s.browser(), s.browser(), s.browser()
	here.get(here.code())
	here.CheckRedirect = nil
	phone.do(http.MethodPost, s.url("localhost", "/auth/dev/callback"), url.Values{"email": {"ann@example.com"}, "role": {"user"}},
		http.Header{"User-Agent": {firefox}})
	bob.devSignIn("bob@example.com", "user")

	at := s.url("localhost", "/auth/sessions")
	page := here.get(at)
	for _, part := range []string{"ann@example.com", "Firefox on Linux", "from 127.0.0.1", guestbook, "this one", "just now"} {
		if !strings.Contains(page.body, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
	if strings.Contains(page.body, "bob@") {
		t.Error("the page has another's sessions")
	}
	if got := here.get(s.url(guestbook, "/auth/sessions")); got.url() != at || got.StatusCode != http.StatusOK {
		t.Errorf("on an app's host, the page is at %s", got.url())
	}
	ids := page.sessionIDs()
	if len(ids) != 4 || ids[3] != "others" {
		t.Fatalf("buttons: %q", ids)
	}

	end := func(b *browser, id string) answer {
		return b.post(s.url("localhost", "/auth/sessions/end"), url.Values{"session": {id}})
	}
	bobs := bob.get(at).sessionIDs()[0]
	if got := end(here, bobs); got.StatusCode != http.StatusNotFound || bob.who("localhost") != "bob@example.com" {
		t.Errorf("ending another's session: %d", got.StatusCode)
	}
	if got := end(here, "others"); got.StatusCode != http.StatusOK || !strings.Contains(got.body, "All other sessions were ended") {
		t.Errorf("ending all others: %d\n%s", got.StatusCode, got.body)
	}
	who := map[string]string{"here": here.who("localhost"), "app": here.who(guestbook), "phone": phone.who("localhost"), "bob": bob.who("localhost")}
	want := map[string]string{"here": "ann@example.com", "app": "ann@example.com", "phone": "nobody", "bob": "bob@example.com"}
	if d := cmp.Diff(want, who); d != "" {
		t.Error(d)
	}
	// The visitor's own, and the app's that came from it.
	ids = here.get(at).sessionIDs()
	for _, id := range ids {
		if id != "others" {
			end(here, id)
		}
	}
	if who := here.who("localhost") + here.who(guestbook); who != "nobodynobody" {
		t.Errorf("after ending all, %q", who)
	}
	if got := here.get(at); got.Request.URL.Path != "/auth/login" || got.Request.URL.Query().Get("back") != "/auth/sessions" {
		t.Errorf("a stranger is sent to %s", got.url())
	}
	program := s.browser().do(http.MethodGet, at, nil, http.Header{"Accept": {"application/json"}})
	if program.StatusCode != http.StatusUnauthorized || !strings.Contains(program.body, "LOGIN_REQUIRED") {
		t.Errorf("a program gets %d %s", program.StatusCode, program.body)
	}
	log := audit(t, s.store.(storage.Audits))
	var ended []string
	for _, e := range log {
		if e.Action == "session.end" {
			ended = append(ended, string(e.Actor.Kind)+" "+e.Actor.Name+" "+e.Target)
		}
	}
	if len(ended) < 2 || ended[0] != "user ann@example.com ann@example.com" {
		t.Errorf("audit: %q", ended)
	}
}

func TestLinkedAccounts(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	b := s.browser()
	b.devSignIn("ann@example.com", "user")
	id := s.column(`SELECT id FROM auth_users`)[0]
	link := func(issuer, provider string) {
		s.exec(`INSERT INTO auth_identities (issuer, subject, user_id, provider, created_at, last_used) VALUES (?, 'ann-1', ?, ?, 1, 1)`,
			issuer, id, provider)
	}
	link("https://accounts.example.com", "example")
	at := s.url("localhost", "/auth/sessions")
	unlink := func(b *browser, issuer string) answer {
		return b.post(s.url("localhost", "/auth/sessions/unlink"), url.Values{"issuer": {issuer}, "subject": {"ann-1"}})
	}

	page := b.get(at)
	if !strings.Contains(page.body, "your only way in") || strings.Contains(page.body, "/auth/sessions/unlink") {
		t.Errorf("the only way in can be removed:\n%s", page.body)
	}
	if got := unlink(b, "https://accounts.example.com"); got.StatusCode != http.StatusConflict || !strings.Contains(got.body, "your only way in") {
		t.Errorf("removing the only way in: %d", got.StatusCode)
	}
	if page := b.get(at + "?done=link"); !strings.Contains(page.body, "The account was added.") {
		t.Errorf("the page does not say what was done:\n%s", page.body)
	}
	link("https://id.example.org", "other")
	if page := b.get(at); strings.Count(page.body, "/auth/sessions/unlink") != 2 {
		t.Errorf("of two ways, not both can be removed:\n%s", page.body)
	}
	eve := s.browser()
	eve.devSignIn("eve@example.com", "user")
	if got := unlink(eve, "https://id.example.org"); got.StatusCode != http.StatusNotFound {
		t.Errorf("removing another's: %d", got.StatusCode)
	}
	if got := unlink(b, "https://id.example.org"); got.StatusCode != http.StatusOK || !strings.Contains(got.body, "was removed") {
		t.Errorf("removing one of two: %d\n%s", got.StatusCode, got.body)
	}
	if d := cmp.Diff([]string{"https://accounts.example.com"}, s.column(`SELECT issuer FROM auth_identities WHERE issuer LIKE 'https%'`)); d != "" {
		t.Error(d)
	}
}

// What browsers and address rows say of themselves is text on the page.
func TestSessionsPageEscapes(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	b := s.browser()
	const evil = `<script>alert(1)</script>"'><img src=x>`
	b.do(http.MethodPost, s.url("localhost", "/auth/dev/callback"), url.Values{"email": {"ann@example.com"}, "role": {"user"}},
		http.Header{"User-Agent": {evil}})
	page := b.get(s.url("localhost", "/auth/sessions?done="+url.QueryEscape(evil)))
	if page.StatusCode != http.StatusOK || strings.Contains(page.body, "<script") || strings.Contains(page.body, "<img") {
		t.Errorf("%d\n%s", page.StatusCode, page.body)
	}
}

func TestIcon(t *testing.T) {
	s := start(t, auth.Options{})
	for _, host := range []string{"localhost", guestbook, "elsewhere.example"} {
		res := s.browser().get(s.url(host, "/auth/icon.svg"))
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "image/svg+xml" || !strings.HasPrefix(res.body, "<svg") {
			t.Errorf("on %s: %d %v", host, res.StatusCode, res.Header)
		}
	}
	if page := s.browser().get(s.url("localhost", "/auth/login")); !strings.Contains(page.body, `href="/auth/icon.svg"`) {
		t.Error("the page has no icon")
	}
}

// Where nobody can sign in, the page says what to type, and not what can't be done.
func TestNoWayToSignIn(t *testing.T) {
	s := start(t, auth.Options{})
	page := s.browser().get(s.url("localhost", "/auth/login"))
	if page.StatusCode != http.StatusOK || !strings.Contains(page.body, "fazt auth provider") ||
		!strings.Contains(page.body, "fazt auth setup --url "+s.url("localhost", "")) || strings.Contains(page.body, "<form") {
		t.Errorf("%d\n%s", page.StatusCode, page.body)
	}
}
