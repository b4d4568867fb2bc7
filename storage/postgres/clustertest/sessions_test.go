package clustertest_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage/postgres/pgtest"
)

const (
	// within is how long a change that one server has made may not be seen by another.
	within = time.Second + busy
	// busy is what a machine may add to such a time that runs other tests beside this one.
	busy = 4 * time.Second
)

// TestSessions signs in at one server: the session is good on all, and once it is ended
// at another, on none. What counts is when a request was sent, so that a busy machine
// changes nothing.
func TestSessions(t *testing.T) {
	databaseURL := pgtest.Shared(t).Database(t)
	b := &balancer{servers: startServers(t, databaseURL, 3)}
	for round, at := range b.servers {
		visitor := b.client(t)
		signIn(t, only(t, at, visitor.Jar))
		for _, s := range b.servers {
			if a := mustGet(t, only(t, s, visitor.Jar), managementURL+"/api/me"); a.status != http.StatusOK || !strings.Contains(a.body, "ada@example.com") {
				t.Errorf("round %d: a session of another server: %v", round, a)
			}
		}
		ender := only(t, b.servers[(round+1)%len(b.servers)], visitor.Jar)
		kept := jarOf(t, visitor.Jar)
		if a, err := do(ender, http.MethodPost, managementURL+"/api/logout", url.Values{}); err != nil || a.status != http.StatusOK {
			t.Fatal(a, err)
		}
		ended := time.Now()
		for _, s := range b.servers {
			c := only(t, s, kept)
			for {
				asked := time.Now()
				a := mustGet(t, c, managementURL+"/api/me")
				if a.status == http.StatusUnauthorized {
					t.Logf("round %d: refused %v after its end", round, time.Since(ended).Round(time.Millisecond))
					break
				}
				if a.status != http.StatusOK || asked.Sub(ended) > within {
					t.Fatalf("round %d: a request that was sent %v after the session's end: %v", round, asked.Sub(ended), a)
				}
			}
		}
	}
}

// hiddenFields are those of the page's first form, which continues as who one is.
var hiddenFields = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)">`)

// TestHandOver signs in to an app through all servers, a request to each in turn.
func TestHandOver(t *testing.T) {
	databaseURL := pgtest.Shared(t).Database(t)
	b := &balancer{servers: startServers(t, databaseURL, 3)}
	_, err := manager(b.client(t), newKey(t, databaseURL)).Deploy(t.Context(), "notes",
		files("api/main.js", `fazt.auth.getUser().email`, "private/plan.txt", "the plan"))
	if err != nil {
		t.Fatal(err)
	}
	for range 4 { // so that every request of the flow meets every server
		visitor := b.client(t)
		signIn(t, visitor)
		page := mustGet(t, visitor, appURL+"/auth/login?back=%2Fapi")
		form := url.Values{}
		for _, field := range hiddenFields.FindAllStringSubmatch(page.body, 3) {
			form.Set(field[1], field[2])
		}
		if a, err := do(visitor, http.MethodPost, managementURL+"/auth/continue", form); err != nil || a.body != "ada@example.com" {
			t.Errorf("signing in to the app: %v, %v", a, err)
		}
		for range 3 {
			if a := mustGet(t, visitor, appURL+"/private/plan.txt"); a.body != "the plan" {
				t.Errorf("a private file: %v", a)
			}
		}
		b.turn.Add(1)
	}
}

// signIn signs Ada in on the management host, by the dev provider.
func signIn(t *testing.T, c *http.Client) {
	t.Helper()
	a, err := do(c, http.MethodPost, managementURL+"/auth/dev/callback",
		url.Values{"email": {"ada@example.com"}, "name": {"Ada"}, "role": {"owner"}, "back": {"/api/me"}})
	if err != nil || a.status != http.StatusOK || !strings.Contains(a.body, "ada@example.com") {
		t.Fatalf("signing in: %v, %v", a, err)
	}
}

// jarOf is a copy of the cookies for the management host, which no answer changes.
func jarOf(t *testing.T, jar http.CookieJar) http.CookieJar {
	t.Helper()
	u, err := url.Parse(managementURL)
	if err != nil {
		t.Fatal(err)
	}
	return fixedCookies(jar.Cookies(u))
}

type fixedCookies []*http.Cookie

func (fixedCookies) SetCookies(*url.URL, []*http.Cookie) {}
func (c fixedCookies) Cookies(*url.URL) []*http.Cookie   { return c }
