package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

// change makes a change to users, or to what they may do, in one transaction.
// Everything that is known of sessions may have changed with it.
func (a *Auth) change(ctx context.Context, op string, fn func(tx storage.SQL, now time.Time) error) error {
	return failed(op, a.db.Write(ctx, func(tx storage.SQL) error { return fn(tx, time.Now()) }))
}

// powerOf is the role that limits what an actor may do to others: a user's own, and
// for an API key that of the user who made it. The machine's owner has all. It is
// read with the change, since it may just have been taken away.
func (a *Auth) powerOf(tx storage.SQL, actor api.Actor) (Role, error) {
	id := actor.ID
	switch actor.Kind {
	case api.ActorLocal:
		return RoleOwner, nil
	case api.ActorKey:
		found := false
		err := tx.Query(`SELECT user_id FROM api_keys WHERE id = ? AND revoked_at IS NULL`, []any{actor.ID},
			func(scan func(...any) error) error { found = true; return scan(&id) })
		switch {
		case err != nil || !found:
			return "", err
		case id == "": // made on the machine
			return RoleOwner, nil
		}
	}
	u, err := userByID(tx, id)
	if err != nil || !a.isSomebody(u) {
		return "", err
	}
	return u.Role, nil
}

// Acting returns the user on whose authority the actor of a context acts: who is
// signed in, or who made the API key. A key that was made on the machine, and a
// program, are nobody's: [ErrNotFound].
func (a *Auth) Acting(ctx context.Context) (Account, error) {
	const op = "me"
	var id string
	err := a.db.Read(ctx, func(tx storage.SQL) (err error) {
		id, err = userOfActor(tx, api.ActorFrom(ctx))
		return err
	})
	if err != nil {
		return Account{}, failed(op, err)
	}
	if id == "" {
		return Account{}, &Error{Code: CodeNotFound, Op: op, Err: ErrNotFound, Hint: "this key was made on the machine and is no user's"}
	}
	return a.Lookup(ctx, id)
}

// isSomebody reports whether u is a user who exists here: those of the dev provider
// are nobody while it is off.
func (a *Auth) isSomebody(u User) bool {
	return u.Role.Valid() && (a.dev || u.Provider != devProvider)
}

// userByID is a user, or the zero User.
func userByID(tx storage.SQL, id string) (u User, err error) {
	err = tx.Query(`SELECT `+userColumns+` FROM auth_users WHERE id = ?`, []any{id}, scanUser(&u))
	return u, err
}

// findUser is a user by id or e-mail.
func findUser(tx storage.SQL, op, idOrEmail string) (found User, err error) {
	n := 0
	err = tx.Query(`SELECT `+userColumns+` FROM auth_users WHERE id = ? OR email = ?`, []any{idOrEmail, lowerAddress(idOrEmail)},
		func(scan func(...any) error) error { n++; return scanUser(&found)(scan) })
	switch {
	case err != nil:
		return User{}, err
	case n == 0 || idOrEmail == "":
		return User{}, &Error{Code: CodeNotFound, Op: op, Err: ErrNotFound, Hint: "list the users for their ids and e-mails"}
	case n > 1:
		return User{}, &Error{Code: CodeConflict, Op: op, Err: ErrAmbiguous, Hint: "name the user by id"}
	}
	return found, nil
}

// userToChange is a user whom whoever acts may change: owners are for owners.
func (a *Auth) userToChange(ctx context.Context, tx storage.SQL, op, idOrEmail string) (User, error) {
	power, err := a.powerOf(tx, api.ActorFrom(ctx))
	if err != nil {
		return User{}, err
	}
	if !power.Has(RoleAdmin) {
		return User{}, forbidden(op, "only an owner or admin may change users")
	}
	u, err := findUser(tx, op, idOrEmail)
	if err == nil && !power.Has(u.Role) {
		err = forbidden(op, "only an owner may change an owner")
	}
	return u, err
}

// checkGrant says whether whoever acts may give a role: no more than they have.
func (a *Auth) checkGrant(ctx context.Context, tx storage.SQL, op string, role Role) error {
	power, err := a.powerOf(tx, api.ActorFrom(ctx))
	if err == nil && (!power.Has(RoleAdmin) || !power.Has(role)) {
		err = forbidden(op, fmt.Sprintf("only an owner may give the role %s", role))
	}
	return err
}

// checkEnd says whether whoever acts may end what somebody with a role has made. What
// a user made who is gone has no role, and is anybody's to end who manages the server.
func (a *Auth) checkEnd(ctx context.Context, tx storage.SQL, op string, role Role) error {
	power, err := a.powerOf(tx, api.ActorFrom(ctx))
	if err == nil && (!power.Has(RoleAdmin) || role.Valid() && !power.Has(role)) {
		err = forbidden(op, "only an owner may end what is an owner's")
	}
	return err
}

func forbidden(op, text string) error {
	return &Error{Code: CodeForbidden, Op: op, Err: errors.New(text), Hint: "ask an owner of the server"}
}

// endSessions signs a user out everywhere.
func endSessions(tx storage.SQL, userID string) error {
	_, err := tx.Exec(`DELETE FROM auth_sessions WHERE user_id = ?`, userID)
	return err
}

// UserChange is what of a user is to change. What is nil stays.
type UserChange struct {
	Name *string // 1 to 100 characters
	Role *Role
}

// ChangeUser changes a user and returns them as they are then. Another role ends
// all of their sessions. An admin can't change an owner or make one
// ([CodeForbidden]), and the last owner stays one ([ErrLastOwner]).
func (a *Auth) ChangeUser(ctx context.Context, idOrEmail string, c UserChange) (Account, error) {
	const op = "user.change"
	if c.Role != nil && !c.Role.Valid() {
		return Account{}, &Error{Code: CodeInvalid, Op: op, Err: fmt.Errorf("there is no role %q", *c.Role), Hint: "use owner, admin or user"}
	}
	if c.Name != nil && !isText(*c.Name, 1, 100) {
		return Account{}, &Error{Code: CodeInvalid, Op: op, Err: errors.New("the name is empty, longer than 100 characters or has control characters")}
	}
	var id string
	err := a.change(ctx, op, func(tx storage.SQL, now time.Time) error {
		u, err := a.userToChange(ctx, tx, op, idOrEmail)
		if err != nil {
			return err
		}
		id = u.ID
		if c.Name != nil && *c.Name != u.Name {
			u.Name = *c.Name
			if _, err := tx.Exec(`UPDATE auth_users SET name = ? WHERE id = ?`, u.Name, u.ID); err != nil {
				return err
			}
			if err := recordUser(ctx, tx, auditUserName, u); err != nil {
				return err
			}
		}
		if c.Role == nil || *c.Role == u.Role {
			return nil
		}
		if err := a.checkGrant(ctx, tx, op, *c.Role); err != nil {
			return err
		}
		return setRole(ctx, tx, u, *c.Role)
	})
	if err != nil {
		return Account{}, err
	}
	return a.Lookup(ctx, id)
}

// setRole gives a user another role.
func setRole(ctx context.Context, tx storage.SQL, u User, role Role) error {
	was := u.Role
	u.Role = role
	if _, err := tx.Exec(`UPDATE auth_users SET role = ? WHERE id = ?`, string(role), u.ID); err != nil {
		return err
	}
	if was == RoleOwner && u.Provider != devProvider {
		if err := keepOwner(tx); err != nil {
			return err
		}
	}
	if err := endSetup(tx, u); err != nil {
		return err
	}
	if err := endSessions(tx, u.ID); err != nil {
		return err
	}
	return recordUser(ctx, tx, auditUserRole, u)
}

// endSetup ends the set-up link where u is an owner now: it stands in a log since the
// server was started, and its purpose is met.
func endSetup(tx storage.SQL, u User) error {
	if u.Role != RoleOwner || u.Provider == devProvider {
		return nil
	}
	_, err := tx.Exec(`UPDATE auth_invites SET uses_left = 0 WHERE kind = ?`, kindSetup)
	return err
}

// RemoveUser removes a user with their sessions, ways to sign in, roles and API
// keys. What apps have stored for the user stays in the apps' data, where nobody
// can reach it any more: who signs in again is another user. Errors are those of
// [Auth.ChangeUser].
func (a *Auth) RemoveUser(ctx context.Context, idOrEmail string) error {
	const op = "user.remove"
	return a.change(ctx, op, func(tx storage.SQL, now time.Time) error {
		u, err := a.userToChange(ctx, tx, op, idOrEmail)
		if err != nil {
			return err
		}
		if err := dropWaysIn(tx, u.ID, now); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM auth_app_roles WHERE user_id = ?`, u.ID); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM auth_users WHERE id = ?`, u.ID); err != nil {
			return err
		}
		if u.Role == RoleOwner && u.Provider != devProvider {
			if err := keepOwner(tx); err != nil {
				return err
			}
		}
		return recordUser(ctx, tx, auditUserRemove, u)
	})
}

// dropWaysIn signs a user out, takes every way to sign in away, and revokes the API
// keys that they made.
func dropWaysIn(tx storage.SQL, userID string, now time.Time) error {
	for _, table := range []string{"auth_sessions", "auth_identities", "auth_passwords", "auth_passkeys"} {
		if _, err := tx.Exec(`DELETE FROM `+table+` WHERE user_id = ?`, userID); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`UPDATE api_keys SET revoked_at = ? WHERE user_id = ? AND revoked_at IS NULL`, millis(now), userID)
	return err
}

// HasOwner reports whether somebody owns the server: users of the dev provider do
// not, since they are nobody without it.
func (a *Auth) HasOwner(ctx context.Context) (bool, error) {
	var owners int64
	err := a.db.Read(ctx, func(tx storage.SQL) (err error) {
		owners, err = countOwners(tx)
		return err
	})
	return owners > 0, failed("owner", err)
}

// countOwners counts those who are owners on a public server, too.
func countOwners(tx storage.SQL) (owners int64, err error) {
	err = tx.Query(`SELECT COUNT(*) FROM auth_users WHERE role = 'owner' AND provider <> ?`,
		[]any{devProvider}, func(scan func(...any) error) error { return scan(&owners) })
	return owners, err
}
