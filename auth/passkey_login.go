package auth

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

const loginPurpose = "passkey login"

// rawJSON is JSON as it is.
type rawJSON = json.RawMessage

// What ends the use of a passkey, beside the codes of [Auth]'s errors.
const (
	FailPasskey        Code = "PASSKEY_REFUSED" // it is unknown, or what the browser sent is not sound
	FailPasskeyExpired Code = "PASSKEY_EXPIRED" // it took too long, or began in another browser
	FailPasskeyUsed    Code = "PASSKEY_USED"    // what the browser sent was used already
	FailPasskeyCopied  Code = "PASSKEY_COPIED"  // there may be a copy of the device
	FailPasskeyTaken   Code = "PASSKEY_TAKEN"   // the new passkey is there already
	FailPasskeyMany    Code = "PASSKEY_LIMIT"   // the user has too many
)

// refusedPasskey answers a passkey that was not taken.
func (a *Auth) refusedPasskey(w http.ResponseWriter, r *http.Request, err error) {
	m := messagePage{Code: string(FailPasskey), Title: "That did not work", Link: signInAgain, Label: "Back to sign-in",
		Text: "The passkey was not accepted, so nothing was done. It may have been removed here: sign in another way, and look at the page of your sessions."}
	status := http.StatusUnauthorized
	if r.URL.Path == registerPath {
		m.Text, m.Link, m.Label = "What your device made could not be verified, so nothing was added.", "/auth/sessions", "Your sessions"
		status = http.StatusBadRequest
	}
	switch {
	case CodeOf(err) == CodeUnavailable:
		a.unavailable(w, r, err)
		return
	case errors.Is(err, errSeal), errors.Is(err, errSealOld):
		m.Code, status = string(FailPasskeyExpired), http.StatusBadRequest
		m.Text = "This took more than 5 minutes, or began in another browser or tab. Try again."
	case errors.Is(err, errUsed):
		m.Code, status = string(FailPasskeyUsed), http.StatusBadRequest
		m.Text = "This was sent before, so nothing was done. Try again."
	case errors.Is(err, ErrPasskeyCopied):
		m.Code, status = string(FailPasskeyCopied), http.StatusForbidden
		m.Text = "There may be a copy of this passkey's device. Sign in another way, and remove the passkey on the page of your sessions."
	case errors.Is(err, errPasskeyTaken):
		m.Code, status = string(FailPasskeyTaken), http.StatusConflict
		m.Text = "That passkey is stored here already."
	case errors.Is(err, errTooMany):
		m.Code, status = string(FailPasskeyMany), http.StatusConflict
		m.Text = "You have as many passkeys as there can be. Remove one first."
	}
	a.log.WarnContext(r.Context(), "a passkey was refused", "path", r.URL.Path, "code", m.Code, "error", err)
	a.message(w, r, status, m)
}

// takePasskeyCookie opens what answerOptions kept, which is then gone.
func (a *Auth) takePasskeyCookie(w http.ResponseWriter, r *http.Request, purpose string, begun any) error {
	err := a.seals.open(purpose, a.cookie(r, passkeyCookie, isSet), begun)
	a.setCookie(w, r, passkeyCookie, "", 0)
	return err
}

// beginPasskeyLogin answers the options for signing in. Nothing is asked of who it
// will be, so nothing tells who has an account.
func (a *Auth) beginPasskeyLogin(w http.ResponseWriter, r *http.Request) {
	p, _ := a.party(r)
	options, state, err := a.passkeys.BeginLogin(p)
	if err != nil {
		a.refusedPasskey(w, r, err)
		return
	}
	a.answerOptions(w, r, options, loginPurpose, state)
}

// passkeyLogin signs in whose passkey the browser shows.
func (a *Auth) passkeyLogin(w http.ResponseWriter, r *http.Request) {
	f, err := a.flow(r, r.PostForm)
	if err != nil {
		a.badRequest(w, r, err)
		return
	}
	shown, err := a.shownPasskey(w, r)
	if err == nil {
		var s *session
		if s, err = a.signInByPasskey(w, r, shown); err == nil {
			a.finish(w, r, f, s)
			return
		}
	}
	if CodeOf(err) != CodeUnavailable {
		a.failures.add(failure{shown.user.ID, shown.user.Email, passkeyProvider, addrOf(r)})
	}
	a.refusedPasskey(w, r, err)
}

// shownPasskey is a passkey that a browser has shown to have.
type shownPasskey struct {
	user        User
	was, is     PasskeyRecord // as it is stored, and will be
	once        string
	unavailable error // of the database, which a [Passkeys] may hide
}

// shownPasskey checks r's answer. The user is set also where it is refused, if the
// passkey is one's.
func (a *Auth) shownPasskey(w http.ResponseWriter, r *http.Request) (shown shownPasskey, err error) {
	const op = "sign-in"
	var state []byte
	if err := a.takePasskeyCookie(w, r, loginPurpose, &state); err != nil {
		return shown, err
	}
	shown.once = string(state)
	p, _ := a.party(r)
	shown.is, err = a.passkeys.FinishLogin(p, state, []byte(r.PostForm.Get("answer")), func(id string) (PasskeyUser, error) {
		return a.findPasskey(r, id, &shown)
	})
	switch {
	case shown.unavailable != nil:
		return shown, failed(op, shown.unavailable)
	case errors.Is(err, ErrPasskeyCopied):
		return shown, &Error{Code: FailPasskeyCopied, Op: op, Err: ErrPasskeyCopied}
	case err != nil:
		return shown, &Error{Code: FailPasskey, Op: op, Err: err}
	case shown.is.ID != shown.was.ID:
		return shown, &Error{Code: FailPasskey, Op: op, Err: errPasskey}
	}
	return shown, nil
}

// findPasskey is who has the passkey of an id, with that passkey alone.
func (a *Auth) findPasskey(r *http.Request, id string, shown *shownPasskey) (PasskeyUser, error) {
	var (
		data string
		u    User
	)
	err := a.db.Read(r.Context(), func(tx storage.SQL) error {
		var owner string
		err := tx.Query(`SELECT user_id, credential FROM auth_passkeys WHERE id = ?`, []any{id},
			func(scan func(...any) error) error { return scan(&owner, &data) })
		if err == nil && owner != "" {
			u, err = userByID(tx, owner)
		}
		return err
	})
	if err != nil {
		shown.unavailable = err
		return PasskeyUser{}, err
	}
	if u.ID == "" || !a.passkeyFor(r, u) {
		return PasskeyUser{}, errPasskey
	}
	shown.user, shown.was = u, PasskeyRecord{id, []byte(data)}
	return PasskeyUser{ID: u.ID, Email: u.Email, Name: u.Name, Passkeys: []PasskeyRecord{shown.was}}, nil
}

// signInByPasskey makes the session, and stores the passkey's new counter. Where that
// was stored meanwhile, by another sign-in with the same passkey, it is refused: the
// two counters can't be compared any more.
func (a *Auth) signInByPasskey(w http.ResponseWriter, r *http.Request, shown shownPasskey) (*session, error) {
	return a.signInAs(w, r, func(tx storage.SQL, now time.Time) (User, error) {
		if err := useOnce(tx, shown.once, now.Add(passkeyAge), now); err != nil {
			return User{}, err
		}
		n, err := tx.Exec(`UPDATE auth_passkeys SET credential = ?, last_used = ? WHERE id = ? AND user_id = ? AND credential = ?`,
			string(shown.is.Data), millis(now), shown.was.ID, shown.user.ID, string(shown.was.Data))
		if err != nil {
			return User{}, err
		}
		u, err := userByID(tx, shown.user.ID)
		if err != nil {
			return u, err
		}
		if n != 1 || !a.passkeyFor(r, u) {
			return u, &Error{Code: FailPasskey, Op: "sign-in", Err: errPasskey}
		}
		if u.Provider != devProvider { // whose users stay what they are
			u.Provider = passkeyProvider
		}
		_, err = tx.Exec(`UPDATE auth_users SET provider = ?, last_login = ? WHERE id = ?`, u.Provider, millis(now), u.ID)
		return u, err
	})
}
