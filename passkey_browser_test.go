package fazt_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/auth/passkey"
)

// addDevice gives the tab an authenticator that verifies its user, and always agrees.
func (b *tab) addDevice() webauthn.AuthenticatorID {
	b.t.Helper()
	id, err := chromedp.Run(b.ctx, func(ctx context.Context, t *chromedp.Target) (webauthn.AuthenticatorID, error) {
		if _, err := cdp.Call(ctx, t, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return "", err
		}
		added, err := cdp.Call(ctx, t, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
			Options: &webauthn.VirtualAuthenticatorOptions{
				Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
				HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
			},
		})
		return added.AuthenticatorID, err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

// verifies makes a device verify its user from now on, or not.
func (b *tab) verifies(id webauthn.AuthenticatorID, verifies bool) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: id, IsUserVerified: verifies})
		return err
	}))
}

func withPasskeys(opt *fazt.Options) { opt.Passkeys = passkey.New() }

// withPasskey is a tab whose device has a passkey of ann's, who has just added it.
func withPasskey(t *testing.T) (*tab, webauthn.AuthenticatorID) {
	t.Helper()
	b := newTab(t, withPasskeys)
	b.srv.DeployAs("club", club)
	device := b.addDevice()
	dev := b.byDev()
	dev.as("ann@example.com", "user")
	b.open(b.own("/auth/sessions"))
	dev.press()
	b.fill("/auth/passkey/register", "name", "Work laptop")
	b.click(`form[action^="/auth/passkey/register"] button`)
	b.arrive(b.own("/auth/sessions?done=passkey"), ".done", "The passkey was added. You can sign in by it from now on.")
	return b, device
}

func TestPasskeyInBrowser(t *testing.T) {
	b, device := withPasskey(t)
	if got := b.text("#passkeys ~ .items"); !strings.Contains(got, "Work laptop") || !strings.Contains(got, "never used") {
		t.Errorf("the page lists %q", got)
	}
	// The same device can't have two.
	b.click(`form[action^="/auth/passkey/register"] button`)
	if got := b.text(`form[action="/auth/passkey/register"] [role=alert]`); !strings.Contains(got, "already") {
		t.Errorf("a second one on the device: %q", got)
	}
	b.logOut()

	// To an app, without a name.
	room := b.srv.Visit("club").URL + "/room.html?table=2"
	b.open(room)
	b.arrive(room, "#who", "nobody")
	b.click("#in")
	b.click(`form[action^="/auth/passkey/login"] button`)
	b.arrive(room, "#who", "ann@example.com")
	b.open(b.own("/auth/sessions"))
	if got := b.text("#passkeys ~ .items"); !strings.Contains(got, "used just now") {
		t.Errorf("the page lists %q", got)
	}

	// Somebody else at the device gets nowhere.
	b.logOut()
	b.verifies(device, false)
	b.open(b.own("/auth/login"))
	b.click(`form[action^="/auth/passkey/login"] button`)
	if got := b.text(`form[action="/auth/passkey/login"] [role=alert]`); !strings.HasPrefix(got, "Nothing was done") {
		t.Errorf("an unverified user: %q", got)
	}
	b.verifies(device, true)
	b.click(`form[action^="/auth/passkey/login"] button`)
	b.home()
	b.open(b.own("/auth/sessions"))
	b.click(`form[action^="/auth/passkey/remove"] button`)
	b.wait(".done")
	if got := b.js(`String(document.querySelector('#passkeys ~ .items'))`); got != "null" {
		t.Errorf("after removing it: %s", got)
	}
	b.logOut()
	b.open(b.own("/auth/login"))
	b.wait("h1")
	if got := b.js(`String(document.querySelector('[data-passkey]'))`); got != "null" {
		t.Errorf("a button for passkeys, and there are none: %s", got)
	}
}

// On an IP address browsers have no passkeys, and no button is drawn.
func TestNoPasskeyOnAnAddress(t *testing.T) {
	b, _ := withPasskey(t)
	b.open(b.srv.URL + "/auth/login")
	b.wait("h1")
	if got := b.js(`String(document.querySelector('[data-passkey]')) + document.scripts.length`); got != "null0" {
		t.Errorf("on %s: %s", b.location(), got)
	}
}

// getPasskey asks the device for what would sign in on another host. The result is
// the name of the browser's error, or the answer as JSON.
const getPasskey = `(async options => {
  try {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options)
    return JSON.stringify(await navigator.credentials.get({publicKey}))
  } catch (e) { return e.name }
})(`

// createPasskey makes a passkey for the host of the page that is open.
const createPasskey = `navigator.credentials.create({publicKey: {
  rp: {name: 'prizes'}, user: {id: new Uint8Array(8), name: 'ann', displayName: 'Ann'},
  challenge: new Uint8Array(32), pubKeyCredParams: [{type: 'public-key', alg: -7}],
  authenticatorSelection: {residentKey: 'required', userVerification: 'required'},
}}).then(() => 'made', e => e.name)`

// passkeyThief is a program on another machine, that gets challenges and sends answers.
type passkeyThief struct {
	b      *tab
	client *http.Client
}

func (a passkeyThief) post(path string, form url.Values) (status int, body string) {
	a.b.t.Helper()
	res, err := a.client.PostForm(a.b.own(path), form)
	if err != nil {
		a.b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		a.b.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// steal gets a challenge, and has it answered by the page that is open in the tab, with
// other options where change has them.
func (a passkeyThief) steal(change string) (answer string) {
	a.b.t.Helper()
	_, options := a.post("/auth/passkey/login/begin", nil)
	var begun struct{ Data json.RawMessage }
	if err := json.Unmarshal([]byte(options), &begun); err != nil {
		a.b.t.Fatalf("%v: %s", err, options)
	}
	return a.b.js(getPasskey + `{...` + string(begun.Data) + `, ...` + change + `})`)
}

// A hostile app has got a challenge by another machine, and asks its visitor's device
// for the passkey of the host where people sign in.
func TestHostileAppAsksForAPasskey(t *testing.T) {
	b, _ := withPasskey(t)
	b.srv.DeployAs("hostile", fstest.MapFS{"index.html": {Data: []byte(`<h1>Win a prize</h1>`)}})
	a := passkeyThief{b, b.srv.Client()}
	a.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	b.open(b.srv.Visit("hostile").URL + "/")
	b.wait("h1")
	answer := a.steal(`{}`)
	if answer != "SecurityError" {
		t.Errorf("on an app's host the browser says %q, want SecurityError", answer)
	}
	// Its own passkey, which is its visitor's as well, tells the server nothing.
	if got := b.js(createPasskey); got != "made" {
		t.Fatalf("the app makes a passkey of its own: %s", got)
	}
	answer = a.steal(`{rpId: location.hostname}`)
	if status, body := a.post("/auth/passkey/login", url.Values{"answer": {answer}}); status != http.StatusUnauthorized || !strings.Contains(body, "PASSKEY_REFUSED") {
		t.Errorf("an answer that was made on an app's host: %d\n%s\n%s", status, body, answer)
	}
	// The visitor's browser can't be made to begin there, nor to send anything.
	for _, path := range []string{"/auth/passkey/login/begin", "/auth/passkey/login", "/auth/passkey/register/begin", "/auth/passkey/remove"} {
		send := `fetch('` + b.own(path) + `', {method: 'POST', credentials: 'include'}).then(r => r.status + '', e => e.name)`
		if got := b.js(send); got != "TypeError" {
			t.Errorf("%s from an app's page: %s", path, got)
		}
	}

	// Where people sign in, the same answer is good: nothing else was wrong with it.
	b.open(b.own("/auth/sessions"))
	if got := b.text("#passkeys ~ .items"); !strings.Contains(got, "Work laptop") {
		t.Errorf("afterwards the page lists %q", got)
	}
	if status, body := a.post("/auth/passkey/login", url.Values{"answer": {a.steal(`{}`)}}); status != http.StatusSeeOther {
		t.Errorf("an answer that was made where people sign in: %d\n%s", status, body)
	}
}
