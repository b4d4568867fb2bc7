package auth

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

// registration is the making of a passkey under way, in a sealed cookie.
type registration struct {
	Session string `json:"session"` // the id of the one that it was begun in
	State   []byte `json:"state"`
}

const (
	registerPurpose = "passkey register"
	registerPath    = "/auth/passkey/register"
	yourSessions    = "Your sessions"
)

// passkeysPart is the part about passkeys of the page of one's sessions.
type passkeysPart struct {
	List   []passkeyRow
	Offer  bool   // one can be added here
	Recent bool   // and now, without signing in again
	Again  string // where to do that
}

type passkeyRow struct {
	ID, Name, Used string
	Since          time.Time
	Removable      bool // it is not the only way in
}

// signInAgain is the sign-in page, from which the visitor comes back to their sessions.
var signInAgain = flow{back: "/auth/sessions"}.retry()

// passkeysPart fills in the part for the visitor.
func (a *Auth) passkeysPart(r *http.Request, s *session) (*passkeysPart, error) {
	list, err := a.Passkeys(r.Context(), s.user.ID)
	if err != nil {
		return nil, err
	}
	part := &passkeysPart{Offer: a.hasParty(r) && a.passkeyFor(r, s.user), Again: signInAgain}
	if part.Recent, err = a.isRecent(r, s); err != nil {
		return nil, err
	}
	ways := 0
	err = a.db.Read(r.Context(), func(tx storage.SQL) (err error) {
		ways, err = waysIn(tx, s.user.ID)
		return err
	})
	for _, p := range list {
		row := passkeyRow{ID: p.ID, Name: p.Name, Used: "never used", Since: p.CreatedAt, Removable: ways > 1 || s.user.Provider == devProvider}
		if !p.LastUsed.IsZero() {
			row.Used = "used " + ago(time.Since(p.LastUsed))
		}
		part.List = append(part.List, row)
	}
	return part, failed("passkeys", err)
}

// isRecent reports whether the visitor has signed in just now.
func (a *Auth) isRecent(r *http.Request, s *session) (bool, error) {
	var since int64
	err := a.db.Read(r.Context(), func(tx storage.SQL) error {
		return tx.Query(`SELECT signed_in_at FROM auth_sessions WHERE token_hash = ?`, []any{s.hash},
			func(scan func(...any) error) error { return scan(&since) })
	})
	return since > millis(time.Now().Add(-recentAge)), failed("session", err)
}

// mayRegister answers who adds a passkey, and for which site.
func (a *Auth) mayRegister(w http.ResponseWriter, r *http.Request) (s *session, p PasskeyParty, ok bool) {
	p, _ = a.party(r) // the routes are absent without one
	if s, ok = a.visitor(w, r); !ok {
		return nil, p, false
	}
	if !a.passkeyFor(r, s.user) {
		a.refusedPasskey(w, r, passkeyFailure(FailPasskeyUser, nil), "/auth/sessions", yourSessions)
		return nil, p, false
	}
	return s, p, true
}

// beginRegister answers the options for a new passkey, to the page's script.
func (a *Auth) beginRegister(w http.ResponseWriter, r *http.Request) {
	s, p, ok := a.mayRegister(w, r)
	if !ok {
		return
	}
	options, state, err := a.registerOptions(r, s, p)
	switch {
	case CodeOf(err) == FailNotRecent:
		a.refusedPasskey(w, r, err, signInAgain, "Sign in again")
	case err != nil:
		a.refusedPasskey(w, r, err, "/auth/sessions", yourSessions)
	default:
		a.answerOptions(w, r, options, registerPurpose, registration{s.id, state})
	}
}

func (a *Auth) registerOptions(r *http.Request, s *session, p PasskeyParty) (options, state []byte, err error) {
	recent, err := a.isRecent(r, s)
	switch {
	case err != nil:
		return nil, nil, err
	case !recent:
		return nil, nil, passkeyFailure(FailNotRecent, nil)
	}
	u, err := a.passkeyUser(r.Context(), s.user)
	switch {
	case err != nil:
		return nil, nil, err
	case len(u.Passkeys) >= maxPasskeys:
		return nil, nil, passkeyFailure(FailPasskeyMany, nil)
	}
	return a.passkeys.BeginRegister(p, u)
}

// finishRegister stores the passkey that the browser has made.
func (a *Auth) finishRegister(w http.ResponseWriter, r *http.Request) {
	s, p, ok := a.mayRegister(w, r)
	if !ok {
		return
	}
	made, once, err := a.madePasskey(w, r, s, p)
	if err == nil {
		err = a.storePasskey(r, s, made, passkeyName(r), once)
	}
	if err != nil {
		a.refusedPasskey(w, r, err, "/auth/sessions", yourSessions)
		return
	}
	redirect(w, "/auth/sessions?done=passkey")
}

// madePasskey is the one that r brings, and what is used up by it.
func (a *Auth) madePasskey(w http.ResponseWriter, r *http.Request, s *session, p PasskeyParty) (made PasskeyRecord, once string, err error) {
	var begun registration
	if err := a.takePasskeyCookie(w, r, registerPurpose, &begun); err != nil {
		return made, "", err
	}
	if begun.Session != s.id {
		return made, "", passkeyFailure(FailPasskeyExpired, errors.New("it was begun in another session"))
	}
	u, err := a.passkeyUser(r.Context(), s.user)
	if err != nil {
		return made, "", err
	}
	if made, err = a.passkeys.FinishRegister(p, u, begun.State, []byte(r.PostForm.Get("answer"))); err != nil {
		return made, "", passkeyFailure(FailPasskeyMade, err)
	}
	return made, string(begun.State), nil
}

// passkeyName is what the visitor calls the new passkey, or what they make it with.
func passkeyName(r *http.Request) string {
	if name := strings.TrimSpace(r.PostForm.Get("name")); isText(name, 1, 60) {
		return name
	}
	return device(agentOf(r))
}

// storePasskey adds a passkey to the visitor.
func (a *Auth) storePasskey(r *http.Request, s *session, p PasskeyRecord, name, once string) error {
	return a.change(r.Context(), "passkey.add", func(tx storage.SQL, now time.Time) error {
		if err := usePasskeyState(tx, once, now); err != nil {
			return err
		}
		u, err := userByID(tx, s.user.ID)
		if err != nil {
			return err
		}
		if !a.passkeyFor(r, u) { // removed meanwhile
			return passkeyFailure(FailPasskey, errPasskey)
		}
		list, err := passkeysOf(tx, u.ID)
		switch {
		case err != nil:
			return err
		case len(list) >= maxPasskeys:
			return passkeyFailure(FailPasskeyMany, nil)
		}
		_, err = tx.Exec(`INSERT INTO auth_passkeys (id, user_id, name, credential, created_at, last_used) VALUES (?, ?, ?, ?, ?, 0)`,
			p.ID, u.ID, name, string(p.Data), millis(now))
		if storage.CodeOf(err) == storage.CodeConflict {
			return passkeyFailure(FailPasskeyTaken, err)
		}
		if err != nil {
			return err
		}
		return storage.RecordAudit(tx, actorOf(u, addrOf(r)), auditPasskeyAdd, u.Email, passkeyChanged{p.ID, name})
	})
}

func (a *Auth) removePasskey(w http.ResponseWriter, r *http.Request) {
	s, ok := a.visitor(w, r)
	if !ok {
		return
	}
	err := a.RemovePasskey(a.acting(r, s), s.user.ID, r.PostForm.Get("passkey"))
	switch {
	case errors.Is(err, ErrNotFound):
		a.writeSessions(w, r, http.StatusNotFound, s, "That passkey is not yours any more.")
	case errors.Is(err, ErrLastWayIn):
		a.writeSessions(w, r, http.StatusConflict, s, "That passkey is your only way in. Add another one first.")
	case err != nil:
		a.unavailable(w, r, err)
	default:
		redirect(w, "/auth/sessions?done=unpasskey")
	}
}

// answerOptions gives options to the page's script, and keeps what belongs to them
// in the browser.
func (a *Auth) answerOptions(w http.ResponseWriter, r *http.Request, options []byte, purpose string, begun any) {
	sealed, err := a.seals.seal(purpose, begun, passkeyAge)
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	a.setCookie(w, r, passkeyCookie, sealed, passkeyAge)
	api.WriteJSON(w, http.StatusOK, struct {
		Data any `json:"data"`
	}{rawJSON(options)})
}
