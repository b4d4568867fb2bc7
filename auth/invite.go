package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

const (
	// DefaultInviteAge is how long an invite is good unless it is said: a week.
	DefaultInviteAge = 7 * 24 * time.Hour
	// MaxInviteAge is the longest that it may be.
	MaxInviteAge = 365 * 24 * time.Hour
	// MaxInviteUses is how often one may be used at most.
	MaxInviteUses = 10_000
	// setupAge is how long a set-up link is good.
	setupAge = 24 * time.Hour
)

// The kinds of invites.
const (
	kindInvite = "invite"
	kindSetup  = "setup" // makes an owner; its holder has the machine
)

// errInvite says that an invite or a set-up link is unknown, used up or too old.
var errInvite = errors.New("the invite is not valid")

// Invite lets people become users, or get a role. Its code is not part of it: it is
// shown once, when the invite is made.
type Invite struct {
	ID        string    `json:"id"`
	Role      Role      `json:"role"`
	Uses      int       `json:"uses"`
	UsesLeft  int       `json:"uses_left"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"` // a user's id, or "" for the machine's owner
	ExpiresAt time.Time `json:"expires_at"`

	kind string
}

// InvitePath is the path, on the sign-in host, of the page where an invite's code
// is good.
func InvitePath(code string) string { return "/auth/invite/" + code }

// SetupPath is the same for a set-up link's code.
func SetupPath(code string) string { return "/auth/setup/" + code }

// CreateInvite makes an invite that grants a role and returns its code, which
// cannot be had again. It is good while whoever made it may give that role. uses is how many people it is for, 0 being one; expires is
// when it ends, zero being [DefaultInviteAge] from now. To invite somebody to more
// than one has oneself is [CodeForbidden].
func (a *Auth) CreateInvite(ctx context.Context, role Role, uses int, expires time.Time) (code string, in Invite, err error) {
	const op = "invite.create"
	now := time.Now()
	if uses == 0 {
		uses = 1
	}
	if expires.IsZero() {
		expires = now.Add(DefaultInviteAge)
	}
	if err := checkInvite(role, uses, expires, now); err != nil {
		return "", Invite{}, &Error{Code: CodeInvalid, Op: op, Err: err}
	}
	in = newInvite(kindInvite, role, uses, now, expires)
	code = newToken()
	err = a.change(ctx, op, func(tx storage.SQL, _ time.Time) error {
		if err := a.checkGrant(ctx, tx, op, role); err != nil {
			return err
		}
		if in.CreatedBy, err = userOfActor(tx, api.ActorFrom(ctx)); err != nil {
			return err
		}
		return saveInvite(ctx, tx, in, code, auditInviteCreate)
	})
	if err != nil {
		return "", Invite{}, err
	}
	return code, in, nil
}

func checkInvite(role Role, uses int, expires, now time.Time) error {
	switch {
	case !role.Valid():
		return fmt.Errorf("there is no role %q; use owner, admin or user", role)
	case uses < 1 || uses > MaxInviteUses:
		return fmt.Errorf("an invite is for 1 to %d people, not %d", MaxInviteUses, uses)
	case !expires.After(now):
		return fmt.Errorf("the expiry %s has passed; give a later one", expires.Format(time.RFC3339))
	case expires.After(now.Add(MaxInviteAge)):
		return fmt.Errorf("the expiry %s is more than a year away; give an earlier one", expires.Format(time.RFC3339))
	}
	return nil
}

// CreateSetup makes a set-up link's code, with which somebody makes themselves
// owner, in place of every one before. It is for who has the machine: good for a
// day, and once.
func (a *Auth) CreateSetup(ctx context.Context) (code string, err error) {
	now := time.Now()
	in := newInvite(kindSetup, RoleOwner, 1, now, now.Add(setupAge))
	code = newToken()
	err = a.change(ctx, "setup.create", func(tx storage.SQL, _ time.Time) error {
		if _, err := tx.Exec(`DELETE FROM auth_invites WHERE kind = ?`, kindSetup); err != nil {
			return err
		}
		return saveInvite(ctx, tx, in, code, auditSetupCreate)
	})
	if err != nil {
		return "", err
	}
	return code, nil
}

func newInvite(kind string, role Role, uses int, now, expires time.Time) Invite {
	return Invite{
		ID: newID(), Role: role, Uses: uses, UsesLeft: uses,
		CreatedAt: fromMillis(millis(now)), ExpiresAt: fromMillis(millis(expires)), kind: kind,
	}
}

// saveInvite writes an invite, and removes those that are long over.
func saveInvite(ctx context.Context, tx storage.SQL, in Invite, code, action string) error {
	if _, err := tx.Exec(`DELETE FROM auth_invites WHERE expires_at < ?`, millis(in.CreatedAt.Add(-DefaultInviteAge))); err != nil {
		return err
	}
	_, err := tx.Exec(`INSERT INTO auth_invites (id, code_hash, kind, role, uses, uses_left, created_at, created_by, expires_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		in.ID, digest(code), in.kind, string(in.Role), in.Uses, in.UsesLeft, millis(in.CreatedAt), in.CreatedBy, millis(in.ExpiresAt))
	if err != nil {
		return err
	}
	return storage.RecordAudit(tx, api.ActorFrom(ctx), action, string(in.Role), inviteChanged{in.ID, in.Role, in.Uses})
}

// userOfActor is the id of the user on whose authority an actor acts, or "" for the
// machine's owner.
func userOfActor(tx storage.SQL, actor api.Actor) (id string, err error) {
	switch actor.Kind {
	case api.ActorUser:
		return actor.ID, nil
	case api.ActorKey:
		err = tx.Query(`SELECT user_id FROM api_keys WHERE id = ?`, []any{actor.ID},
			func(scan func(...any) error) error { return scan(&id) })
	}
	return id, err
}

// Invites returns the invites, newest first: also those that are used up or over,
// until a week after.
func (a *Auth) Invites(ctx context.Context) (list []Invite, err error) {
	err = a.db.Read(ctx, func(tx storage.SQL) (err error) {
		list, err = queryInvites(tx, `WHERE kind = ? ORDER BY created_at DESC, id`, kindInvite)
		return err
	})
	return list, failed("invite.list", err)
}

// RevokeInvite ends an invite. It returns [ErrNotFound] for an unknown id.
func (a *Auth) RevokeInvite(ctx context.Context, id string) error {
	const op = "invite.revoke"
	return a.change(ctx, op, func(tx storage.SQL, _ time.Time) error {
		list, err := queryInvites(tx, `WHERE id = ? AND kind = ?`, id, kindInvite)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return &Error{Code: CodeNotFound, Op: op, Err: ErrNotFound, Hint: "list the invites for their ids"}
		}
		in := list[0]
		if err := a.checkEnd(ctx, tx, op, in.Role); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM auth_invites WHERE id = ?`, id); err != nil {
			return err
		}
		return storage.RecordAudit(tx, api.ActorFrom(ctx), auditInviteRevoke, string(in.Role), inviteChanged{in.ID, in.Role, in.Uses})
	})
}

// openInvite is the invite of a code, if it is still good, or [errInvite]. Nothing
// is used up.
func (a *Auth) openInvite(ctx context.Context, kind, code string) (Invite, error) {
	if len(code) != tokenLen {
		return Invite{}, errInvite
	}
	var invite Invite
	err := a.db.Read(ctx, func(tx storage.SQL) error {
		list, err := queryInvites(tx, `WHERE code_hash = ? AND kind = ? AND uses_left > 0 AND expires_at > ?`, digest(code), kind, millis(time.Now()))
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return errInvite
		}
		invite = list[0]
		if ok, err := a.stillGrants(tx, invite); err != nil || !ok {
			return cmp.Or(err, errInvite)
		}
		return nil
	})
	return invite, failed("invite", err)
}

// stillGrants reports whether the user who made an invite may still give its role:
// else somebody who is no admin any more could come back as one.
func (a *Auth) stillGrants(tx storage.SQL, in Invite) (bool, error) {
	if in.CreatedBy == "" {
		return true, nil
	}
	maker, err := userByID(tx, in.CreatedBy)
	return a.isSomebody(maker) && maker.Role.Has(RoleAdmin) && maker.Role.Has(in.Role), err
}

func queryInvites(tx storage.SQL, where string, args ...any) (list []Invite, err error) {
	err = tx.Query(`SELECT id, kind, role, uses, uses_left, created_at, created_by, expires_at FROM auth_invites `+where, args,
		func(scan func(...any) error) error {
			var (
				in               Invite
				created, expires int64
			)
			err := scan(&in.ID, &in.kind, &in.Role, &in.Uses, &in.UsesLeft, &created, &in.CreatedBy, &expires)
			in.CreatedAt, in.ExpiresAt = fromMillis(created), fromMillis(expires)
			list = append(list, in)
			return err
		})
	return list, err
}

// useInvite takes one use off an invite for a user, and returns the role that they
// have from then on. Whose role is as great already does not use it up, unless they
// have just come by it. Dev users, who are nobody elsewhere, can't set a server up.
func (a *Auth) useInvite(tx storage.SQL, code string, in signedIn, addr string, now time.Time) (Role, error) {
	list, err := queryInvites(tx, `WHERE code_hash = ? AND uses_left > 0 AND expires_at > ?`, digest(code), millis(now))
	switch {
	case err != nil:
		return "", err
	case len(list) == 0 || !list[0].Role.Valid() || list[0].kind == kindSetup && in.Provider == devProvider:
		return "", errInvite
	}
	invite := list[0]
	if ok, err := a.stillGrants(tx, invite); err != nil || !ok {
		return "", cmp.Or(err, errInvite)
	}
	if !in.created && in.Role.Has(invite.Role) && invite.kind != kindSetup {
		return in.Role, nil
	}
	// Whoever's update counts has the use, also where two transactions read it at
	// once.
	n, err := tx.Exec(`UPDATE auth_invites SET uses_left = uses_left - 1 WHERE id = ? AND uses_left > 0`, invite.ID)
	if err != nil {
		return "", err
	}
	if n != 1 {
		return "", errInvite
	}
	action := auditInviteUse
	if invite.kind == kindSetup {
		action = auditSetupUse
	}
	if err := storage.RecordAudit(tx, actorOf(in.User, addr), action, in.Email, inviteChanged{invite.ID, invite.Role, invite.Uses}); err != nil {
		return "", err
	}
	if in.Role.Has(invite.Role) {
		return in.Role, nil
	}
	in.Role = invite.Role
	return in.Role, endSetup(tx, in.User)
}
