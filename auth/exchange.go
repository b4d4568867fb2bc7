package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// flowAge is how long a visitor has at a provider.
	flowAge = verifierAge
	// leftAge is how long somebody who has logged out is not signed in again
	// without a click.
	leftAge = 5 * time.Minute
	// flowPurpose is what a visit is sealed for.
	flowPurpose = "flow"
)

// callbackPath is what stands before a provider's name where it sends browsers back to.
const callbackPath = "/auth/callback/"

// visit is a browser's way to a provider and back. It is in a cookie of that
// browser, sealed, so that nothing is written for somebody who only looks, and that
// nobody else can end the sign-in that they began.
type visit struct {
	Provider string     `json:"provider"`
	State    string     `json:"state"`
	Nonce    string     `json:"nonce"`
	Verifier string     `json:"verifier"`
	Flow     url.Values `json:"flow"`
	User     string     `json:"user,omitempty"` // who adds the identity to their own
}

// exchange is v as the provider sees it.
func (a *Auth) exchange(r *http.Request, v visit) Exchange {
	return Exchange{
		RedirectURL: a.scheme(r) + a.SiteOf(r).SignIn() + callbackPath + v.Provider,
		State:       v.State, Nonce: v.Nonce, Verifier: v.Verifier,
	}
}

// begin sends the browser to a provider. On an app's host it begins the hand-over
// first, and then goes on by itself.
func (a *Auth) begin(w http.ResponseWriter, r *http.Request, p Provider) {
	if a.SiteOf(r).Kind == SiteApp {
		a.toOwnHost(w, r, providerPath+p.Name())
		return
	}
	f, err := a.flow(r, r.URL.Query())
	if err != nil {
		a.badRequest(w, r, err)
		return
	}
	s, err := a.session(r)
	clicked := a.clicked(r)
	switch {
	case err != nil:
		a.unavailable(w, r, err)
		return
	case f.adds && !a.mayAdd(w, r, s, clicked):
		return
	case f.forApp() && s != nil && !clicked:
		redirect(w, f.link("/auth/login")) // one click, and not none: see [Auth.goOn]
		return
	}
	v := visit{Provider: p.Name(), State: newToken(), Nonce: newToken(), Verifier: newToken(), Flow: f.values()}
	if f.adds {
		v.User = s.user.ID
	}
	a.goTo(w, r, p, f, v, f.forApp() && !clicked)
}

// mayAdd reports whether the visitor may add an account now, and answers if not.
func (a *Auth) mayAdd(w http.ResponseWriter, r *http.Request, s *session, clicked bool) bool {
	switch {
	case !clicked: // another site could add an account of its own to the visitor's user
		a.message(w, r, http.StatusForbidden, messagePage{
			Code: "CROSS_ORIGIN", Title: "Sent from another site", Link: "/auth/sessions", Label: yourSessions,
			Text: "An account can only be added from the page of your sessions, so nothing was done.",
		})
		return false
	case s == nil:
		redirect(w, flow{back: "/auth/sessions"}.link("/auth/login"))
		return false
	}
	recent, err := a.isRecent(r, s)
	switch {
	case err != nil:
		a.unavailable(w, r, err)
	case !recent:
		p := passkeyProblems[FailNotRecent]
		a.message(w, r, p.status, messagePage{Code: string(FailNotRecent), Title: p.title, Text: p.text, Link: signInAgain, Label: p.title})
	}
	return err == nil && recent
}

// goTo sends the browser to p.
func (a *Auth) goTo(w http.ResponseWriter, r *http.Request, p Provider, f flow, v visit, ask bool) {
	ctx, cancel := context.WithTimeout(r.Context(), a.providerTimeout)
	defer cancel()
	x := a.exchange(r, v)
	x.Ask = ask
	target, err := p.AuthURL(ctx, x)
	if err == nil && origin(target) == "" {
		err = errors.New("the provider's AuthURL is not an absolute URL")
	}
	if err != nil {
		a.failedSignIn(w, r, p.Name(), f, err)
		return
	}
	sealed, err := a.seals.seal(flowPurpose, v, flowAge)
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	a.setCookie(w, r, flowCookie, sealed, flowAge)
	redirect(w, target)
}

// clicked reports whether the visitor comes from a page of this very host, and not
// by another site's link or redirect. Browsers from before 2023 tell by the Referer,
// which this package's pages have them send.
func (a *Auth) clicked(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	return origin(r.Referer()) == a.scheme(r)+strings.ToLower(r.Host)
}

// callback is where a provider sends the browser back to.
func (a *Auth) callback(w http.ResponseWriter, r *http.Request, p Provider) {
	v, f, err := a.returned(r, p)
	if err != nil {
		a.failedSignIn(w, r, p.Name(), f, err)
		return
	}
	a.setCookie(w, r, flowCookie, "", 0)
	answer := r.URL.Query()
	if err = checkAnswer(answer); err != nil {
		a.failedSignIn(w, r, p.Name(), f, err)
		return
	}
	key := bucketKey{perReturn, "", subscriber(addrOf(r))}
	if wait := a.attempts.wait(key); wait > 0 {
		a.waitALittle(w, r, wait)
		return
	}
	id, err := a.identity(r, p, v, answer)
	if err != nil && failureOf(err) != FailProviderUnavailable && failureOf(err) != FailProviderTimeout {
		a.attempts.take(key)
	}
	if err == nil {
		err = a.stillLinks(r, v)
	}
	if err != nil {
		a.failedSignIn(w, r, p.Name(), f, err)
		return
	}
	s, err := a.signIn(w, r, credentials{provider: p.Name(), identity: id, link: v.User, invite: f.invite, once: v.State})
	if err != nil {
		a.failedSignIn(w, r, p.Name(), f, err)
		return
	}
	a.finish(w, r, f, s)
}

// identity asks p who has come back with an answer.
func (a *Auth) identity(r *http.Request, p Provider, v visit, answer url.Values) (Identity, error) {
	ctx, cancel := context.WithTimeout(r.Context(), a.providerTimeout)
	defer cancel()
	id, err := p.Identify(ctx, a.exchange(r, v), answer)
	if err != nil {
		return id, err
	}
	if id, err = id.checked(); err != nil {
		err = &Error{Code: FailIdentity, Op: p.Name(), Err: err}
	}
	return id, err
}

// returned is the visit that r ends: one that this browser began at p, and that has
// not ended before.
func (a *Auth) returned(r *http.Request, p Provider) (v visit, f flow, err error) {
	f = flow{back: "/"}
	state := r.URL.Query()["state"]
	err = a.seals.open(flowPurpose, a.cookie(r, flowCookie, isSealed), &v)
	switch {
	case errors.Is(err, errSealOld):
		return v, f, &Error{Code: FailStateExpired, Op: p.Name(), Err: err}
	case err != nil:
		return v, f, &Error{Code: FailStateInvalid, Op: p.Name(), Err: errors.New("the browser has no sign-in under way")}
	case v.Provider != p.Name(), len(state) != 1, subtle.ConstantTimeCompare([]byte(state[0]), []byte(v.State)) != 1:
		return v, f, &Error{Code: FailStateInvalid, Op: p.Name(), Err: errors.New("the state is not that of the browser's sign-in")}
	}
	if f, err = a.flow(r, v.Flow); err != nil {
		return v, flow{back: "/"}, &Error{Code: FailStateInvalid, Op: p.Name(), Err: err}
	}
	// Before the provider is asked: it need not know that a visit is replayed.
	var again bool
	err = a.db.Read(r.Context(), func(tx storage.SQL) (err error) {
		again, err = used(tx, v.State)
		return err
	})
	if err != nil {
		return v, f, failed("sign-in", err)
	}
	if again {
		return v, f, &Error{Code: FailStateUsed, Op: p.Name(), Err: errUsed}
	}
	return v, f, nil
}

// maxCode bounds a code, in bytes. The largest known are those of Microsoft, of up
// to 2 KB.
const maxCode = 4096

// checkAnswer returns the error that a provider answers by the browser, or that the
// answer is none.
func checkAnswer(answer url.Values) error {
	for name, values := range answer {
		if len(values) > 1 {
			return &Error{Code: FailAnswer, Op: "callback", Err: errors.New("a parameter is there more than once: " + name[:min(len(name), 32)])}
		}
	}
	switch code := answer.Get("error"); code {
	case "":
	case "access_denied", "login_required", "consent_required", "interaction_required", "account_selection_required":
		return &Error{Code: FailDenied, Op: "callback", Err: errors.New("the provider answers " + code)}
	case "temporarily_unavailable", "server_error":
		return &Error{Code: FailProviderUnavailable, Op: "callback", Err: errors.New("the provider answers " + code)}
	case "invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope":
		return &Error{Code: FailProviderRefused, Op: "callback", Err: errors.New("the provider answers " + code)}
	default:
		return &Error{Code: FailProviderRefused, Op: "callback", Err: errors.New("the provider answers an error that is not in RFC 6749")}
	}
	if code := answer.Get("code"); !isText(code, 1, maxCode) {
		return &Error{Code: FailAnswer, Op: "callback", Err: errors.New("the code is missing, too long or not text")}
	}
	return nil
}

// stillLinks checks that whoever began to add an identity is the one who is signed
// in now.
func (a *Auth) stillLinks(r *http.Request, v visit) error {
	if v.User == "" {
		return nil
	}
	s, err := a.session(r)
	if err == nil && (s == nil || s.user.ID != v.User) {
		err = errLink
	}
	return err
}
