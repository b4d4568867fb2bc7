package auth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// knownAge is how long a browser is known after it has signed in by a password.
const knownAge = 365 * 24 * time.Hour

// knownBrowser is what the cookie of such a browser says, sealed.
type knownBrowser struct {
	Account string `json:"account"` // digest of the name that was typed
	Device  string `json:"device"`
}

const knownPurpose = "known browser"

// passwordForm is what was typed on the sign-in page.
type passwordForm struct {
	Email   string
	Problem string // what to mend; "" on the first showing
}

// buckets are what an attempt to sign in to an account takes tokens of; see
// [attempts].
func (a *Auth) buckets(r *http.Request, account string) []bucketKey {
	var known knownBrowser
	if a.cookie(r, knownCookie, func(v string) bool { return a.seals.open(knownPurpose, v, &known) == nil }) != "" && known.Account == account {
		return []bucketKey{{perPlace, account, known.Device}}
	}
	addr := subscriber(addrOf(r))
	return []bucketKey{{perAddress, "", addr}, {perPlace, account, addr}, {perAccount, account, ""}}
}

// proven is a user who has shown that they know their password.
type proven struct {
	User
	hash  string // that is stored
	stale bool   // it should be made anew
}

// provePassword checks an e-mail address, or a user's id, and a password. It is
// [ErrPassword] unless they go together, [CodeRateLimited] or [CodeOverloaded]. A
// user who does not exist, or has no password, takes the same work.
func (a *Auth) provePassword(r *http.Request, name, password string) (proven, error) {
	const op = "sign-in"
	wrong := &Error{Code: CodeUnauthorized, Op: op, Err: ErrPassword}
	name = lowerAddress(strings.TrimSpace(name))
	if name == "" || len(name) > 254 || password == "" || len(password) > MaxPassword {
		return proven{}, wrong
	}
	keys := a.buckets(r, digest(name))
	if wait := a.attempts.take(keys...); wait > 0 {
		return proven{}, tooMany(op, wait)
	}
	var p proven
	err := a.db.Read(r.Context(), func(tx storage.SQL) error {
		return tx.Query(`SELECT `+userColumns+`, password_hash FROM auth_users JOIN auth_passwords ON user_id = id
			WHERE (email = ? OR id = ?) AND provider <> ?`, []any{name, name, devProvider},
			func(scan func(...any) error) error {
				return scan(&p.ID, &p.Email, &p.Name, &p.Picture, &p.Role, &p.Provider, &p.hash)
			})
	})
	ok := false
	if err == nil {
		ok, p.stale, err = a.hasher.matches(r.Context(), password, p.hash)
	}
	switch {
	case err != nil:
		a.attempts.giveBack(keys...)
		return proven{}, failed(op, err)
	case !ok:
		a.failures.add(failure{p.ID, p.Email, passwordProvider, addrOf(r)})
		return proven{}, wrong
	}
	a.attempts.giveBack(keys...)
	return p, nil
}

// SignInWithPassword gives r's browser a session, if an e-mail address, or a user's
// id, and a password go together ([ErrPassword] otherwise). Too many attempts are
// [CodeRateLimited], too many people at once [CodeOverloaded]; RetryAfter says how
// long to wait. It does not check where r was sent from.
func (a *Auth) SignInWithPassword(w http.ResponseWriter, r *http.Request, name, password string) (*User, error) {
	s, err := a.signInByPassword(w, r, name, password)
	if err != nil {
		return nil, err
	}
	return &s.user, nil
}

func (a *Auth) signInByPassword(w http.ResponseWriter, r *http.Request, name, password string) (*session, error) {
	p, err := a.provePassword(r, name, password)
	if err != nil {
		return nil, err
	}
	hash := p.hash
	if p.stale {
		if hash, err = a.hasher.hash(r.Context(), password); err != nil {
			return nil, err
		}
	}
	s, err := a.signInAs(w, r, func(tx storage.SQL, now time.Time) (User, error) {
		u, err := userWithPassword(tx, p)
		if err != nil {
			return u, err
		}
		if p.stale {
			if err := storePassword(tx, u.ID, hash, now); err != nil {
				return u, err
			}
		}
		u.Provider = passwordProvider
		_, err = tx.Exec(`UPDATE auth_users SET provider = ?, last_login = ? WHERE id = ?`, u.Provider, millis(now), u.ID)
		return u, err
	})
	if err == nil {
		a.rememberBrowser(w, r, name)
	}
	return s, err
}

// userWithPassword is a proven user as they are now, unless their password has been
// changed in the meantime.
func userWithPassword(tx storage.SQL, p proven) (User, error) {
	u, err := userByID(tx, p.ID)
	if err != nil {
		return u, err
	}
	var hash string
	err = tx.Query(`SELECT password_hash FROM auth_passwords WHERE user_id = ?`, []any{p.ID},
		func(scan func(...any) error) error { return scan(&hash) })
	if err == nil && (u.ID == "" || hash != p.hash) {
		err = &Error{Code: CodeUnauthorized, Op: "sign-in", Err: ErrPassword}
	}
	return u, err
}

// rememberBrowser gives the browser a bucket of its own for its next attempts.
func (a *Auth) rememberBrowser(w http.ResponseWriter, r *http.Request, name string) {
	known := knownBrowser{digest(lowerAddress(strings.TrimSpace(name))), newID()}
	value, err := a.seals.seal(knownPurpose, known, knownAge)
	if err != nil {
		a.log.ErrorContext(r.Context(), "a browser was not remembered", "error", err)
		return
	}
	a.setCookie(w, r, knownCookie, value, knownAge)
}

// hasPasswords reports whether anybody can sign in by a password.
func (a *Auth) hasPasswords(ctx context.Context) (found bool, err error) {
	err = a.db.Read(ctx, func(tx storage.SQL) error {
		return tx.Query(`SELECT 1 FROM auth_passwords LIMIT 1`, nil, func(func(...any) error) error { found = true; return nil })
	})
	return found, failed("passwords", err)
}

// hasPassword reports whether a user can sign in by one.
func (a *Auth) hasPassword(ctx context.Context, userID string) (found bool, err error) {
	err = a.db.Read(ctx, func(tx storage.SQL) error {
		return tx.Query(`SELECT 1 FROM auth_passwords WHERE user_id = ?`, []any{userID}, func(func(...any) error) error { found = true; return nil })
	})
	return found, failed("password", err)
}

// passwordLogin answers the form of the sign-in page.
func (a *Auth) passwordLogin(w http.ResponseWriter, r *http.Request) {
	f, err := a.flow(r, r.PostForm)
	if err != nil {
		a.badRequest(w, r, err)
		return
	}
	name := r.PostForm.Get("email")
	s, err := a.signInByPassword(w, r, name, r.PostForm.Get("password"))
	if err == nil {
		a.finish(w, r, f, s)
		return
	}
	refused, ok := a.refusal(w, err)
	switch {
	case !ok:
		a.unavailable(w, r, err)
	case !WantsPage(r):
		a.message(w, r, refused.status, messagePage{Code: refused.code, Text: refused.text})
	default:
		a.showLoginForm(w, r, refused.status, f, nil, passwordForm{Email: name, Problem: refused.text})
	}
}

// refusal is an error that the person who typed can do something about.
type refusal struct {
	status     int
	code, text string
}

// refusal says what to tell somebody whose password was not taken, and sets
// Retry-After. ok is false for a failure inside.
func (a *Auth) refusal(w http.ResponseWriter, err error) (out refusal, ok bool) {
	e, _ := errors.AsType[*Error](err)
	switch {
	case e == nil:
		return refusal{}, false
	case errors.Is(err, ErrPassword):
		return refusal{http.StatusUnauthorized, "PASSWORD_WRONG", "The e-mail address and the password do not go together. Check both, and try again."}, true
	case e.Code == CodeRateLimited:
		setRetryAfter(w, e.RetryAfter)
		return refusal{http.StatusTooManyRequests, string(e.Code), "There were too many attempts. Wait " + minutes(e.RetryAfter) + ", then try again."}, true
	case e.Code == CodeOverloaded:
		setRetryAfter(w, e.RetryAfter)
		return refusal{http.StatusServiceUnavailable, string(e.Code), "Many people are signing in just now. Try again shortly."}, true
	}
	return refusal{}, false
}

// changePassword answers the form of the sessions page: old, the present password,
// and new. All other sessions of the user end.
func (a *Auth) changePassword(w http.ResponseWriter, r *http.Request) {
	s, ok := a.visitor(w, r)
	if !ok {
		return
	}
	again := func(status int, code, text string) {
		if !WantsPage(r) {
			a.message(w, r, status, messagePage{Code: code, Text: text})
			return
		}
		a.writeSessions(w, r, status, s, text)
	}
	if problem := checkPassword(r.PostForm.Get("new")); problem != "" {
		again(http.StatusUnprocessableEntity, string(CodeInvalid), problem)
		return
	}
	err := a.replacePassword(r, s, r.PostForm.Get("old"), r.PostForm.Get("new"))
	if err == nil {
		redirect(w, "/auth/sessions?done=password")
		return
	}
	refused, ok := a.refusal(w, err)
	switch {
	case !ok:
		a.unavailable(w, r, err)
	case refused.status == http.StatusUnauthorized:
		again(http.StatusForbidden, refused.code, "That is not your present password, so it was not changed.")
	default:
		again(refused.status, refused.code, refused.text)
	}
}

func (a *Auth) replacePassword(r *http.Request, s *session, old, password string) error {
	p, err := a.provePassword(r, s.user.ID, old)
	if err != nil {
		return err
	}
	hash, err := a.hasher.hash(r.Context(), password)
	if err != nil {
		return err
	}
	return a.change(r.Context(), "user.password", func(tx storage.SQL, now time.Time) error {
		u, err := userWithPassword(tx, p)
		if err != nil {
			return err
		}
		if err := storePassword(tx, u.ID, hash, now); err != nil {
			return err
		}
		_, err = tx.Exec(`DELETE FROM auth_sessions WHERE user_id = ? AND token_hash <> ? AND COALESCE(parent_hash, '') <> ?`, u.ID, s.hash, s.hash)
		if err != nil {
			return err
		}
		return storage.RecordAudit(tx, actorOf(u, addrOf(r)), auditPassword, u.Email, userSignedIn{u.ID, u.Provider, u.Role})
	})
}
