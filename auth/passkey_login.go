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

// What ends the use of a passkey.
const (
	FailPasskey        Code = "PASSKEY_REFUSED"  // it is unknown here, or what the browser sent is not sound
	FailPasskeyMade    Code = "PASSKEY_UNSOUND"  // what a device made can't be verified
	FailPasskeyExpired Code = "PASSKEY_EXPIRED"  // it took too long, or began in another browser
	FailPasskeyUsed    Code = "PASSKEY_USED"     // what the browser sent was used already
	FailPasskeyCopied  Code = "PASSKEY_COPIED"   // there may be a copy of the device
	FailPasskeyTaken   Code = "PASSKEY_TAKEN"    // the new passkey is there already
	FailPasskeyMany    Code = "PASSKEY_LIMIT"    // the user has too many
	FailPasskeyUser    Code = "PASSKEY_DEV_USER" // a user of the dev provider, on another machine
	FailNotRecent      Code = "REAUTHENTICATE"   // the sign-in is too long ago to add a passkey or an account
)

const passkeyRefused = "The passkey was not accepted. It may have been removed here: sign in another way, and look at the page of your sessions."

// passkeyProblems has what is shown for them.
var passkeyProblems = map[Code]problem{
	FailPasskey:        {http.StatusUnauthorized, "That did not work", passkeyRefused},
	FailPasskeyMade:    {http.StatusBadRequest, "That did not work", "What your device made could not be verified, so nothing was added."},
	FailPasskeyExpired: {http.StatusBadRequest, "That took too long", "This took more than 5 minutes, or began in another browser or tab. Try again."},
	FailPasskeyUsed:    {http.StatusBadRequest, "That was used already", "This was sent before, so nothing was done. Try again."},
	FailPasskeyCopied: {http.StatusForbidden, "That could not be verified",
		"There may be a copy of this passkey's device. Sign in another way, and remove the passkey on the page of your sessions."},
	FailPasskeyTaken: {http.StatusConflict, "It is there already", "That passkey is stored here already."},
	FailPasskeyMany:  {http.StatusConflict, "That is too many", "You have as many passkeys as there can be. Remove one first."},
	FailPasskeyUser:  {http.StatusForbidden, "Not here", "A user of the dev provider can have a passkey on the developer's own machine only."},
	FailNotRecent: {http.StatusForbidden, "Sign in again",
		"To add a way to sign in you must have signed in within the last 5 minutes. Sign in again, and come back."},
}

// refusedPasskey answers a passkey that was not taken, with a way on.
func (a *Auth) refusedPasskey(w http.ResponseWriter, r *http.Request, err error, link, label string) {
	code := CodeOf(err)
	shown, ok := passkeyProblems[code]
	if !ok {
		a.unavailable(w, r, err)
		return
	}
	a.log.WarnContext(r.Context(), "a passkey was refused", "path", r.URL.Path, "code", string(code), "error", err)
	a.message(w, r, shown.status, messagePage{Code: string(code), Title: shown.title, Text: shown.text, Link: link, Label: label})
}

// passkeyFailure is err with a code of its own.
func passkeyFailure(code Code, err error) error { return &Error{Code: code, Op: "passkey", Err: err} }

// takePasskeyCookie opens what answerOptions kept, which is then gone.
func (a *Auth) takePasskeyCookie(w http.ResponseWriter, r *http.Request, purpose string, begun any) error {
	err := a.seals.open(purpose, a.cookie(r, passkeyCookie, isSet), begun)
	a.setCookie(w, r, passkeyCookie, "", 0)
	if err != nil {
		return passkeyFailure(FailPasskeyExpired, err)
	}
	return nil
}

// usePasskeyState marks a state as used, which it can be once.
func usePasskeyState(tx storage.SQL, state string, now time.Time) error {
	err := useOnce(tx, state, now.Add(passkeyAge), now)
	if errors.Is(err, errUsed) {
		return passkeyFailure(FailPasskeyUsed, err)
	}
	return err
}

// beginPasskeyLogin answers the options for signing in. Nothing is asked of who it
// will be, so nothing tells who has an account.
func (a *Auth) beginPasskeyLogin(w http.ResponseWriter, r *http.Request) {
	p, _ := a.party(r)
	options, state, err := a.passkeys.BeginLogin(p)
	if err != nil {
		a.unavailable(w, r, err)
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
	if _, ok := passkeyProblems[CodeOf(err)]; ok {
		a.failures.add(failure{shown.user.ID, shown.user.Email, passkeyProvider, addrOf(r)})
	}
	a.refusedPasskey(w, r, err, f.retry(), "Back to sign-in")
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
		return shown, failed("sign-in", shown.unavailable)
	case errors.Is(err, ErrPasskeyCopied):
		return shown, passkeyFailure(FailPasskeyCopied, err)
	case err != nil:
		return shown, passkeyFailure(FailPasskey, err)
	case shown.is.ID != shown.was.ID:
		return shown, passkeyFailure(FailPasskey, errPasskey)
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
		if err := usePasskeyState(tx, shown.once, now); err != nil {
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
			return u, passkeyFailure(FailPasskey, errPasskey)
		}
		if u.Provider != devProvider { // whose users stay what they are
			u.Provider = passkeyProvider
		}
		_, err = tx.Exec(`UPDATE auth_users SET provider = ?, last_login = ? WHERE id = ?`, u.Provider, millis(now), u.ID)
		return u, err
	})
}
