package auth

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

const (
	passkeyProvider = "passkey"
	// passkeyAge is how long somebody has between a press of the button and their
	// device's answer.
	passkeyAge = 5 * time.Minute
	// recentAge is how long after signing in a passkey, or an account at a provider,
	// can be added: a session that was left open must not become a way in for good.
	recentAge = 5 * time.Minute
	// maxPasskeys bounds those of one user; there is one to a device.
	maxPasskeys = 50
)

// Passkeys makes and checks what passkeys need, as Web Authentication Level 3 has it
// (https://www.w3.org/TR/webauthn-3/). Package auth/passkey has one. It keeps
// nothing: a state is what it needs to know again when the browser answers, and is
// given back to it unchanged, once, by the browser that began. Its methods are safe
// for concurrent use. Only passkeys that sign in without a name, and that verify who
// holds them by a finger, a face or a PIN, may be made and accepted.
type Passkeys interface {
	// BeginRegister returns the options of navigator.credentials.create, as JSON.
	BeginRegister(p PasskeyParty, u PasskeyUser) (options, state []byte, err error)
	// FinishRegister returns what the browser has made by them.
	FinishRegister(p PasskeyParty, u PasskeyUser, state, answer []byte) (PasskeyRecord, error)
	// BeginLogin returns the options of navigator.credentials.get, as JSON.
	BeginLogin(p PasskeyParty) (options, state []byte, err error)
	// FinishLogin returns which passkey of which user the browser has shown, as it is
	// to be stored from now on. find returns the user who has the passkey of an id.
	// It is [ErrPasskeyCopied] where two devices seem to have the same one.
	FinishLogin(p PasskeyParty, state, answer []byte, find func(id string) (PasskeyUser, error)) (PasskeyRecord, error)
}

// PasskeyParty is the site that passkeys are for: no other origin may show one.
type PasskeyParty struct {
	Host   string // the relying party's id, such as "admin.example.com"
	Origin string // such as "https://admin.example.com:8443"
}

// PasskeyUser is a user as a device is told of them, with the passkeys that they have.
type PasskeyUser struct {
	ID, Email, Name string
	Passkeys        []PasskeyRecord
}

// PasskeyRecord is a passkey as it is stored. There is nothing secret in it.
type PasskeyRecord struct {
	ID   string // the credential's, in base64url without padding
	Data []byte // JSON, for the [Passkeys] alone
}

// ErrPasskeyCopied says that a passkey's counter went backwards: its device was
// copied, or is broken.
var ErrPasskeyCopied = errors.New("the passkey's counter went backwards, so there may be a copy of its device")

// errPasskey says that there is no such passkey, or not for whoever shows it.
var errPasskey = errors.New("the passkey is not known here")

// party is the site that r's passkeys are for. ok is false where there can be none:
// on an app's host, on an IP address or a name
// of one label, without [Options].Passkeys, and where a browser has no passkeys since the
// connection is not safe.
func (a *Auth) party(r *http.Request) (p PasskeyParty, ok bool) {
	here := a.SiteOf(r)
	if a.passkeys == nil || !here.SignsIn() || here.at(here.Name) != here.Addr { // the last: a final dot
		return p, false
	}
	if _, err := netip.ParseAddr(strings.Trim(here.Name, "[]")); err == nil {
		return p, false
	}
	if here.Name != "localhost" && (!a.secure(r) || !strings.Contains(here.Name, ".")) {
		return p, false
	}
	return PasskeyParty{Host: here.Name, Origin: a.scheme(r) + here.Addr}, true
}

func (a *Auth) hasParty(r *http.Request) bool {
	_, ok := a.party(r)
	return ok
}

// passkeyFor reports whether a user may have a passkey here. Users of the dev
// provider may where that provider is, and stay its own: they are nobody elsewhere.
func (a *Auth) passkeyFor(r *http.Request, u User) bool {
	return a.isSomebody(u) && (u.Provider != devProvider || a.devAllowed(r))
}

// Passkey is a passkey as its owner sees it.
type Passkey struct {
	ID        string
	Name      string // that its owner gave it
	CreatedAt time.Time
	LastUsed  time.Time // zero: never
}

// Passkeys returns a user's passkeys, oldest first.
func (a *Auth) Passkeys(ctx context.Context, userID string) ([]Passkey, error) {
	var list []Passkey
	err := a.db.Read(ctx, func(tx storage.SQL) error {
		list = nil
		return tx.Query(`SELECT id, name, created_at, last_used FROM auth_passkeys WHERE user_id = ? ORDER BY created_at, id`,
			[]any{userID}, func(scan func(...any) error) error {
				var (
					p             Passkey
					created, used int64
				)
				err := scan(&p.ID, &p.Name, &created, &used)
				p.CreatedAt, p.LastUsed = fromMillis(created), fromMillis(used)
				list = append(list, p)
				return err
			})
	})
	return list, failed("passkey.list", err)
}

// RemovePasskey takes a passkey off a user, whom it does not sign in any more. It
// returns [ErrNotFound], or [ErrLastWayIn] unless there is another passkey, an
// account at a provider or a password.
func (a *Auth) RemovePasskey(ctx context.Context, userID, id string) error {
	const op = "passkey.remove"
	err := a.db.Write(ctx, func(tx storage.SQL) error {
		var name, email, provider string
		err := tx.Query(`SELECT p.name, u.email, u.provider FROM auth_passkeys p JOIN auth_users u ON u.id = p.user_id
			WHERE p.id = ? AND p.user_id = ?`, []any{id, userID},
			func(scan func(...any) error) error { return scan(&name, &email, &provider) })
		switch {
		case err != nil:
			return err
		case provider == "":
			return &Error{Code: CodeNotFound, Op: op, Err: ErrNotFound}
		}
		ways, err := waysIn(tx, userID)
		if err != nil {
			return err
		}
		if ways < 2 && provider != devProvider { // whose form is always there
			return &Error{Code: CodeConflict, Op: op, Err: ErrLastWayIn, Hint: "add another way first"}
		}
		if _, err := tx.Exec(`DELETE FROM auth_passkeys WHERE id = ?`, id); err != nil {
			return err
		}
		return storage.RecordAudit(tx, api.ActorFrom(ctx), auditPasskeyRemove, email, passkeyChanged{id, name})
	})
	return failed(op, err)
}

// passkeysOf are a user's passkeys as they are stored.
func passkeysOf(tx storage.SQL, userID string) (list []PasskeyRecord, err error) {
	err = tx.Query(`SELECT id, credential FROM auth_passkeys WHERE user_id = ? ORDER BY created_at, id`, []any{userID},
		func(scan func(...any) error) error {
			var id, data string
			err := scan(&id, &data)
			list = append(list, PasskeyRecord{id, []byte(data)})
			return err
		})
	return list, err
}

// passkeyUser is u with their passkeys.
func (a *Auth) passkeyUser(ctx context.Context, u User) (PasskeyUser, error) {
	who := PasskeyUser{ID: u.ID, Email: u.Email, Name: u.Name}
	err := a.db.Read(ctx, func(tx storage.SQL) (err error) {
		who.Passkeys, err = passkeysOf(tx, u.ID)
		return err
	})
	return who, failed("passkey", err)
}

// hasPasskeys reports whether anybody can sign in by a passkey.
func (a *Auth) hasPasskeys(ctx context.Context) (found bool, err error) {
	err = a.db.Read(ctx, func(tx storage.SQL) error {
		return tx.Query(`SELECT 1 FROM auth_passkeys LIMIT 1`, nil, func(func(...any) error) error { found = true; return nil })
	})
	return found, failed("passkeys", err)
}

// offersPasskey reports whether the sign-in page has a button for passkeys.
func (a *Auth) offersPasskey(r *http.Request) (bool, error) {
	if !a.hasParty(r) {
		return false, nil
	}
	return a.hasPasskeys(r.Context())
}
