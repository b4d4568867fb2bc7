package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// codeLifetime is how long a hand-over code is good: a redirect, and no more.
	codeLifetime = time.Minute
	// verifierAge is how long a visitor has for signing in.
	verifierAge = 15 * time.Minute
)

// flow is where a sign-in on the own host is to end.
type flow struct {
	app       Site   // the app's host that gets a session; elsewhere when there is none
	challenge string // digest of the verifier in a cookie on that host
	back      string // where the visitor goes then
	invite    string // a code to be redeemed by signing in, or ""
	adds      bool   // the identity is added to the user who is signed in
}

// forApp reports whether the sign-in ends in a hand-over.
func (f flow) forApp() bool { return f.app.Kind == SiteApp }

// errApp says that a sign-in was asked for an app that is not of this server.
var errApp = errors.New("the app to sign in to is not one of this server's; begin on the app's own page")

// flow reads where a sign-in is to end from a query or a form.
func (a *Auth) flow(r *http.Request, v url.Values) (flow, error) {
	here := a.SiteOf(r)
	f := flow{back: a.wayBack(here, v), adds: v.Get("link") == "1"}
	if code := v.Get("invite"); len(code) == tokenLen {
		f.invite = code
	}
	if !v.Has("app") {
		return f, nil
	}
	f.app = a.appSite(r, here, v.Get("app"))
	f.challenge = v.Get("challenge")
	if len(v["app"]) > 1 || len(v["challenge"]) > 1 || f.app.Kind != SiteApp || f.app.SignIn() != here.SignIn() || !isDigest(f.challenge) {
		return flow{}, errApp
	}
	return f, nil
}

// values is what flow reads.
func (f flow) values() url.Values {
	v := url.Values{}
	if f.forApp() {
		v.Set("app", f.app.Addr)
		v.Set("challenge", f.challenge)
	}
	if f.back != "/" {
		v.Set("back", f.back)
	}
	if f.invite != "" {
		v.Set("invite", f.invite)
	}
	if f.adds {
		v.Set("link", "1")
	}
	return v
}

// isDigest reports whether s is what digest returns.
func isDigest(s string) bool { return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" }

// scheme is the scheme by which the browser reached the server.
func (a *Auth) scheme(r *http.Request) string {
	if a.secure(r) {
		return "https://"
	}
	return "http://"
}

// toOwnHost begins a hand-over on an app's host. It goes on at path there.
func (a *Auth) toOwnHost(w http.ResponseWriter, r *http.Request, path string) {
	here := a.SiteOf(r)
	verifier := newToken()
	a.setCookie(w, r, handoverCookie, verifier, verifierAge)
	f := flow{app: here, challenge: digest(verifier), back: a.wayBack(here, r.URL.Query())}
	redirect(w, a.scheme(r)+here.SignIn()+f.link(path))
}

// finish sends a visitor with session s on: back, or to the app with a code.
func (a *Auth) finish(w http.ResponseWriter, r *http.Request, f flow, s *session) {
	if !f.forApp() {
		redirect(w, f.back)
		return
	}
	code, err := a.newCode(r.Context(), f, s)
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	redirect(w, a.scheme(r)+f.app.Addr+"/auth/handover?code="+code)
}

// newCode makes the code by which f's app gets a session like s.
func (a *Auth) newCode(ctx context.Context, f flow, s *session) (string, error) {
	code := newToken()
	err := a.db.Write(ctx, func(tx storage.SQL) error {
		now := millis(time.Now())
		if _, err := tx.Exec(`DELETE FROM auth_handovers WHERE expires_at <= ?`, now); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO auth_handovers (code_hash, session_hash, host, challenge_hash, back, expires_at)
			VALUES (?, ?, ?, ?, ?, ?)`,
			digest(code), s.hash, f.app.sessions(), f.challenge, f.back, now+codeLifetime.Milliseconds())
		return err
	})
	return code, failed("handover.create", err)
}

// handover is where an app's host turns a code into a session of its own.
func (a *Auth) handover(w http.ResponseWriter, r *http.Request) {
	code, verifier := r.URL.Query().Get("code"), a.token(r, handoverCookie)
	token, back, err := a.redeem(r.Context(), a.newSession(r), code, verifier)
	switch {
	case errors.Is(err, errHandover):
		a.message(w, r, http.StatusBadRequest, messagePage{
			Code:  "HANDOVER_INVALID",
			Title: "That did not work",
			Text:  "This sign-in is too old, has been used already, or began in another browser or tab.",
			Link:  a.LoginURL(r, "/"),
			Label: "Sign in again",
		})
	case err != nil:
		a.unavailable(w, r, err)
	default:
		a.setCookie(w, r, handoverCookie, "", 0)
		a.setCookie(w, r, a.sessionCookie(r), token, a.max)
		redirect(w, back)
	}
}

// redeem makes the session that code is for, once. The session of the own host
// must still be there: who logs out in between is not signed in by a late code.
func (a *Auth) redeem(ctx context.Context, n newSession, code, verifier string) (token, back string, err error) {
	if len(code) != tokenLen || verifier == "" {
		return "", "", errHandover
	}
	find := func(tx storage.SQL, n *newSession, now int64) error {
		err := tx.Query(`SELECT s.user_id, s.token_hash, h.back FROM auth_handovers h
			JOIN auth_sessions s ON s.token_hash = h.session_hash
			WHERE h.code_hash = ? AND h.host = ? AND h.challenge_hash = ? AND h.expires_at > ?`,
			[]any{digest(code), n.host, digest(verifier), now},
			func(scan func(...any) error) error { return scan(&n.userID, &n.parent, &back) })
		if err == nil && n.userID == "" {
			err = errHandover
		}
		return err
	}
	// Strangers' codes cost no write.
	if err = a.db.Read(ctx, func(tx storage.SQL) error { n := n; return find(tx, &n, millis(time.Now())) }); err != nil {
		return "", "", failed("handover.redeem", err)
	}
	token = newToken()
	err = a.db.Write(ctx, func(tx storage.SQL) error {
		now := millis(time.Now())
		n := n // fn may run again
		if err := find(tx, &n, now); err != nil {
			return err
		}
		// Whoever deletes the row has the code, also where two transactions
		// may both have read it.
		if gone, err := tx.Exec(`DELETE FROM auth_handovers WHERE code_hash = ?`, digest(code)); err != nil {
			return err
		} else if gone != 1 {
			return errHandover
		}
		return a.saveSession(tx, n, token, now)
	})
	if errors.Is(err, errHandover) {
		return "", "", errHandover
	}
	if err != nil {
		// The transaction may still be running, and writing to back.
		return "", "", failed("handover.redeem", err)
	}
	return token, back, nil
}
