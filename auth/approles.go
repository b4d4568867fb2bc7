package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

// maxAppRoles is how many roles of one app a user can have.
const maxAppRoles = 50

// AppRole is a role that a user has in one app alone.
type AppRole struct {
	AppID string `json:"app_id"`
	Role  string `json:"role"`
}

// IsAppRole reports whether role can be a role of an app's own: 1 to 63 characters of
// a-z, 0-9, hyphen and underscore, and not one of the server's, which an app's owner
// would then seem to give.
func IsAppRole(role string) bool {
	return !Role(role).Valid() && 1 <= len(role) && len(role) <= 63 && strings.Trim(role, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// checkAppRole refuses what can't be a role of an app's own.
func checkAppRole(op, role string) error {
	if Role(role).Valid() {
		return &Error{Code: CodeInvalid, Op: op, Err: errors.New(role + " is a role of the server; choose another name for the app's own")}
	}
	if !IsAppRole(role) {
		return &Error{Code: CodeInvalid, Op: op, Err: errors.New(`a role has 1 to 63 characters of a-z, 0-9, - and _; give one such as "editor"`)}
	}
	return nil
}

// SetAppRole gives a user a role of an app's own, named by the app's id. It says
// nothing to other apps, and to have it already is no error.
func (a *Auth) SetAppRole(ctx context.Context, appID, idOrEmail, role string) error {
	const op = "app_role.set"
	if err := checkAppRole(op, role); err != nil {
		return err
	}
	return a.change(ctx, op, func(tx storage.SQL, now time.Time) error {
		u, err := a.userForApp(ctx, tx, op, idOrEmail)
		if err != nil {
			return err
		}
		have, err := appRoles(tx, u.ID, appID)
		if err != nil {
			return err
		}
		for _, r := range have {
			if r.Role == role {
				return nil
			}
		}
		if len(have) >= maxAppRoles {
			return &Error{Code: CodeInvalid, Op: op, Err: errors.New("the user has as many roles in this app as one can have; take one away first")}
		}
		if _, err := tx.Exec(`INSERT INTO auth_app_roles (app_id, user_id, role) VALUES (?, ?, ?)`, appID, u.ID, role); err != nil {
			return err
		}
		return storage.RecordAudit(tx, api.ActorFrom(ctx), auditAppRoleSet, u.Email, appRoleChanged{u.ID, appID, role})
	})
}

// RemoveAppRole takes a role of an app's own away, or all of that app with "". Not
// to have it is [ErrNotFound].
func (a *Auth) RemoveAppRole(ctx context.Context, appID, idOrEmail, role string) error {
	const op = "app_role.remove"
	return a.change(ctx, op, func(tx storage.SQL, now time.Time) error {
		u, err := a.userForApp(ctx, tx, op, idOrEmail)
		if err != nil {
			return err
		}
		n, err := tx.Exec(`DELETE FROM auth_app_roles WHERE app_id = ? AND user_id = ? AND (role = ? OR ? = '')`, appID, u.ID, role, role)
		if err != nil {
			return err
		}
		if n == 0 {
			return &Error{Code: CodeNotFound, Op: op, Err: ErrNotFound, Hint: "the user has no such role in this app"}
		}
		return storage.RecordAudit(tx, api.ActorFrom(ctx), auditAppRoleUnset, u.Email, appRoleChanged{u.ID, appID, role})
	})
}

// userForApp is a user whose roles in apps are to change. Any admin may do that,
// also an owner's: they grant nothing on the server.
func (a *Auth) userForApp(ctx context.Context, tx storage.SQL, op, idOrEmail string) (User, error) {
	power, err := a.powerOf(tx, api.ActorFrom(ctx))
	if err != nil {
		return User{}, err
	}
	if !power.Has(RoleAdmin) {
		return User{}, forbidden(op, "only an owner or admin may change roles")
	}
	return findUser(tx, op, idOrEmail)
}

// AppRoles returns the roles that a user has in apps: of all with appID "", else of
// that one. They are sorted by app and role.
func (a *Auth) AppRoles(ctx context.Context, userID, appID string) ([]AppRole, error) {
	var found []AppRole
	err := a.db.Read(ctx, func(tx storage.SQL) (err error) {
		found, err = appRoles(tx, userID, appID)
		return err
	})
	return found, failed("app_roles", err)
}

func appRoles(tx storage.SQL, userID, appID string) (found []AppRole, err error) {
	err = tx.Query(`SELECT app_id, role FROM auth_app_roles WHERE user_id = ? AND (app_id = ? OR ? = '') ORDER BY app_id, role`,
		[]any{userID, appID, appID}, func(scan func(...any) error) error {
			var r AppRole
			err := scan(&r.AppID, &r.Role)
			found = append(found, r)
			return err
		})
	return found, err
}

// ForgetApp removes all roles of an app that is no more.
func (a *Auth) ForgetApp(ctx context.Context, appID string) error {
	return a.change(ctx, "app_role.forget", func(tx storage.SQL, _ time.Time) error {
		_, err := tx.Exec(`DELETE FROM auth_app_roles WHERE app_id = ?`, appID)
		return err
	})
}
