package fazt_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/harnesstest"
)

// tab is a browser's tab, with what tests of signing in do in it.
type tab struct {
	t   testing.TB
	ctx context.Context
	srv *harnesstest.Server
}

// newTab is a browser on a server of its own.
func newTab(t *testing.T, change ...func(*fazt.Options)) *tab {
	t.Helper()
	b := &tab{t, browser(t), harnesstest.Start(t, change...)}
	b.js(`''`) // the first action must not have a deadline of its own
	return b
}

// patience is how long a page may take: long, since it only ends a test that fails.
const patience = time.Minute

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	// A page that does not come is told with the one that is there instead.
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%v, at %s:\n%s", err, b.location(), b.js(`document.body.outerHTML`))
	}
}

func (b *tab) open(target string)    { b.t.Helper(); b.do(chromedp.Navigate(target)) }
func (b *tab) click(selector string) { b.t.Helper(); b.do(chromedp.Click(chromedp.CSS(selector))) }
func (b *tab) wait(selector string)  { b.t.Helper(); b.do(chromedp.WaitVisible(chromedp.CSS(selector))) }

// fill types into a form's field.
func (b *tab) fill(form, name, text string) {
	b.t.Helper()
	b.do(chromedp.SetValue(chromedp.CSS(`form[action^="`+form+`"] [name="`+name+`"]`), text))
}

func (b *tab) send(form string) { b.t.Helper(); b.follow(`form[action^="` + form + `"] button`) }

// follow clicks what leads to another page, and waits until the browser is there.
func (b *tab) follow(selector string) {
	b.t.Helper()
	b.wait(selector)
	// Not by the mouse: a browser that has just started takes a click for two at times.
	b.js(`document.documentElement.dataset.left = ''; document.querySelector(` + strconv.Quote(selector) + `).click()`)
	b.do(chromedp.WaitReady(chromedp.CSS(`html:not([data-left]) body`)))
}

func (b *tab) location() string { return b.js(`location.href`) }

func (b *tab) text(selector string) string {
	b.t.Helper()
	b.wait(selector)
	return b.js(`document.querySelector('` + selector + `').textContent`)
}

// js is what an expression comes to, or the error of what it throws.
func (b *tab) js(expression string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		return err.Error()
	}
	return text
}

// arrive waits for an element, and fails unless it is on the page of that address.
func (b *tab) arrive(at, selector, text string) {
	b.t.Helper()
	if got := b.text(selector); got != text || b.location() != at {
		b.t.Fatalf("at %s is %q, want %q at %s", b.location(), got, text, at)
	}
}

// own is a path on the host where people sign in.
func (b *tab) own(path string) string {
	return strings.Replace(b.srv.URL, "127.0.0.1", "localhost", 1) + path
}

// logOut ends the session where people sign in, and those of apps with it.
func (b *tab) logOut() {
	b.t.Helper()
	b.open(b.own("/auth/logout"))
	b.send("/auth/logout")
	b.wait(`a.button[href="/auth/login"]`) // of the welcome page, for who is not signed in
}

// again goes on where the browser began the way to a session a second time, as it
// does after a click that came through twice or a network that changed: by then there
// is a session to go on with. That nothing need be pressed is a test of auth.
func (b *tab) again() {
	b.t.Helper()
	const goOn = `form[action="/auth/continue"] button`
	b.wait(`#who:not([hidden]), ` + goOn)
	if b.js(`String(document.querySelector('`+goOn+`') !== null)`) == "true" {
		b.t.Log("the browser began twice")
		b.send("/auth/continue")
	}
}

// home waits for the page at / where people sign in.
func (b *tab) home() { b.t.Helper(); b.wait(`a.button[href="/auth/sessions"]`) }

// way is a way to sign in.
type way struct {
	as    func(email, role string) // who it will be
	press func()                   // on the sign-in page
	none  bool                     // there is no other, so that nothing is to be pressed at first
}

func (b *tab) byDev() way {
	var email, role string
	const form = "/auth/dev/callback"
	return way{
		as: func(e, r string) { email, role = e, r },
		press: func() {
			b.t.Helper()
			b.wait(`form[action="` + form + `"]`)
			b.fill(form, "email", email)
			b.fill(form, "role", role)
			b.send(form)
		},
	}
}

// byIssuer signs in at an issuer that asks nothing. Whoever is to be more than a user
// is made that here, and must have been here before.
func (b *tab) byIssuer() way {
	issuer := harnesstest.StartIssuer(b.t)
	config := api.ProviderConfig{Issuer: issuer.URL, ClientID: issuer.ClientID, ClientSecret: issuer.ClientSecret}
	if _, err := b.srv.Fazt.SetProvider(b.t.Context(), "idp", config); err != nil {
		b.t.Fatal(err)
	}
	return way{
		none: true,
		as: func(email, role string) {
			issuer.Bend(harnesstest.Script{Person: func(string) harnesstest.Person {
				return harnesstest.Person{Subject: email, Email: email, EmailVerified: true, Name: email}
			}})
			if role != "user" {
				if _, err := b.srv.Fazt.ChangeUser(b.t.Context(), email, api.UserChange{Role: &role}); err != nil {
					b.t.Fatal(err)
				}
			}
		},
		press: func() { b.t.Helper(); b.follow(`a[href^="/auth/login/idp"]`) },
	}
}

// club is an app with a page for everybody, one for those who are signed in, and one
// for admins. It does not know how people sign in.
var club = fstest.MapFS{
	"room.html": {Data: []byte(`<!doctype html><title>Room</title>
<p id="who" hidden></p><p><a id="in">Sign in</a></p>
<form method="post" action="/auth/logout"><button>Sign out</button></form>
<script>
fetch('/api/me').then(r => r.json()).then(me => {
  document.querySelector('#in').href = me.login
  document.querySelector('#who').textContent = me.email || 'nobody'
  document.querySelector('#who').hidden = false
})
</script>`)},
	"private/list.html": {Data: []byte(`<!doctype html><title>List</title><p id="list">the list</p>`)},
	"api/main.js": {Data: []byte(`function handler(request) {
  if (request.path === '/api/admins') {
    fazt.auth.requireRole('admin')
    return respond(200, '<p id="admins">' + fazt.auth.getUser().email + '</p>', {'Content-Type': 'text/html'})
  }
  var user = fazt.auth.getUser()
  return {email: user && user.email, login: fazt.auth.getLoginURL()}
}`)},
}

// The same app, and not one line of it changed, between one's own machine and a
// provider.
func TestSignInInBrowser(t *testing.T) {
	t.Run("dev", func(t *testing.T) {
		b := newTab(t)
		b.visitClub(b.byDev())
	})
	t.Run("OpenID Connect", func(t *testing.T) {
		b := newTab(t, func(opt *fazt.Options) { opt.Dev = false })
		b.visitClub(b.byIssuer())
	})
}

// visitClub goes through the app, first as a user and then as an admin.
func (b *tab) visitClub(w way) {
	b.t.Helper()
	b.srv.DeployAs("club", club)
	const ann = "ann@example.com"
	app := b.srv.Visit("club").URL
	room, list, admins := app+"/room.html?table=2", app+"/private/list.html", app+"/api/admins"

	// On the app's host, and back to the very page.
	b.open(room)
	b.arrive(room, "#who", "nobody")
	w.as(ann, "user")
	b.follow("#in")
	if !w.none {
		w.press()
	}
	b.again()
	b.arrive(room, "#who", ann)
	b.open(list)
	b.arrive(list, "#list", "the list")
	b.open(admins)
	b.arrive(admins, "h1", "This is not for you")

	// Signed out of the app alone, one click leads in again.
	b.open(room)
	b.send("/auth/logout")
	b.arrive(app+"/", ".status", "404")
	b.open(room)
	b.arrive(room, "#who", "nobody")
	b.open(list)
	b.send("/auth/continue")
	b.arrive(list, "#list", "the list")

	// Signed out where people sign in, they are signed out of the app too, and are
	// not signed in again without a click.
	b.logOut()
	b.open(room)
	b.arrive(room, "#who", "nobody")
	w.as(ann, "admin")
	b.open(admins)
	w.press()
	b.arrive(admins, "#admins", ann)

	// On the host where people sign in.
	b.logOut()
	b.open(b.own("/auth/sessions"))
	w.press()
	b.wait("#where")
	if at := b.location(); at != b.own("/auth/sessions") {
		b.t.Errorf("ended at %s", at)
	}
}

// An invite is taken up by a password, or at a provider, and gives its role.
func TestInviteInBrowser(t *testing.T) {
	b := newTab(t, func(opt *fazt.Options) { opt.Dev = false })
	b.srv.DeployAs("club", club)
	idp := b.byIssuer()
	invite, err := b.srv.Fazt.MakeInvite(t.Context(), api.NewInvite{Role: "admin", Uses: 2})
	if err != nil {
		t.Fatal(err)
	}
	admins := b.srv.Visit("club").URL + "/api/admins"
	const password = "correct horse battery"

	b.open(b.own(invite.Path))
	b.do(
		chromedp.SetValue(chromedp.CSS("#email"), "ann@example.com"),
		chromedp.SetValue(chromedp.CSS("#password"), password),
		chromedp.Click(chromedp.CSS("button.primary")),
		chromedp.WaitNotPresent(chromedp.CSS("#password")),
	)
	b.open(admins)
	b.send("/auth/continue")
	b.arrive(admins, "#admins", "ann@example.com")

	b.logOut()
	idp.as("bob@example.com", "user")
	b.open(b.own(invite.Path))
	idp.press()
	b.do(chromedp.WaitNotPresent(chromedp.CSS("#password")))
	b.open(admins)
	b.send("/auth/continue")
	b.arrive(admins, "#admins", "bob@example.com")

	// There is no third time, and ann comes back by what she chose.
	b.logOut()
	b.open(b.own(invite.Path))
	b.arrive(b.own(invite.Path), "h1", "Not found")
	b.open(admins)
	b.fill("/auth/password", "email", "ann@example.com")
	b.fill("/auth/password", "password", password)
	b.send("/auth/password")
	b.arrive(admins, "#admins", "ann@example.com")
}
