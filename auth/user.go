package auth

import (
	"context"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// Role is what a user may do. Owner has all that admin has, and admin all that
// user has.
type Role string

// The roles, greatest first.
const (
	RoleOwner Role = "owner"
	RoleAdmin Role = "admin"
	RoleUser  Role = "user"
)

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool { return r.rank() > 0 }

// Has reports whether r includes want. A role that is not one of the three
// includes nothing and is included by none.
func (r Role) Has(want Role) bool { return want.Valid() && r.rank() >= want.rank() }

func (r Role) rank() int {
	switch r {
	case RoleOwner:
		return 3
	case RoleAdmin:
		return 2
	case RoleUser:
		return 1
	}
	return 0
}

// User is who a session belongs to.
type User struct {
	ID       string `json:"id"`
	Email    string `json:"email"`
	Name     string `json:"name"`
	Picture  string `json:"picture"` // a URL, or ""
	Role     Role   `json:"role"`
	Provider string `json:"provider"` // how they signed in last: "google", "password", "dev"
}

// HasRole reports whether u is a user with role, or one that includes it. It
// is false for a nil User.
func (u *User) HasRole(role Role) bool { return u != nil && u.Role.Has(role) }

// Account is a user as the owner sees it.
type Account struct {
	User
	// EmailVerified says that somebody has shown that the address is theirs: one that
	// an invitee typed is not.
	EmailVerified bool `json:"email_verified"`

	CreatedAt time.Time `json:"created_at"`
	LastLogin time.Time `json:"last_login"`
}

const accountColumns = `id, email, name, picture, role, provider, email_verified, created_at, last_login`

// Users returns every user, oldest first.
func (a *Auth) Users(ctx context.Context) ([]Account, error) {
	return a.accounts(ctx, "users", `SELECT `+accountColumns+` FROM auth_users ORDER BY created_at, id`)
}

// UsersPage returns up to limit users from an offset, oldest first, and how many
// there are in all.
func (a *Auth) UsersPage(ctx context.Context, offset, limit int) (list []Account, total int, err error) {
	err = a.db.Read(ctx, func(tx storage.SQL) error {
		err := tx.Query(`SELECT COUNT(*) FROM auth_users`, nil, func(scan func(...any) error) error { return scan(&total) })
		if err != nil {
			return err
		}
		list, err = queryAccounts(tx, `SELECT `+accountColumns+` FROM auth_users ORDER BY created_at, id LIMIT ? OFFSET ?`, limit, offset)
		return err
	})
	return list, total, failed("users", err)
}

// Lookup finds a user by id or e-mail. It returns [ErrNotFound], or
// [ErrAmbiguous] when users of several providers have the e-mail.
func (a *Auth) Lookup(ctx context.Context, idOrEmail string) (Account, error) {
	found, err := a.accounts(ctx, "user",
		`SELECT `+accountColumns+` FROM auth_users WHERE id = ? OR email = ? ORDER BY created_at, id`,
		idOrEmail, lowerAddress(idOrEmail))
	switch {
	case err != nil:
		return Account{}, err
	case len(found) == 0:
		return Account{}, &Error{Code: CodeNotFound, Op: "user", Err: ErrNotFound, Hint: "list the users for their ids and e-mails"}
	case len(found) > 1:
		return Account{}, &Error{Code: CodeConflict, Op: "user", Err: ErrAmbiguous, Hint: "name the user by id"}
	}
	return found[0], nil
}

func (a *Auth) accounts(ctx context.Context, op, query string, args ...any) (found []Account, err error) {
	err = a.db.Read(ctx, func(tx storage.SQL) (err error) {
		found, err = queryAccounts(tx, query, args...)
		return err
	})
	return found, failed(op, err)
}

func queryAccounts(tx storage.SQL, query string, args ...any) (found []Account, err error) {
	err = tx.Query(query, args, func(scan func(...any) error) error {
		var (
			u              Account
			created, login int64
		)
		err := scan(&u.ID, &u.Email, &u.Name, &u.Picture, &u.Role, &u.Provider, &u.EmailVerified, &created, &login)
		u.CreatedAt, u.LastLogin = fromMillis(created), fromMillis(login)
		found = append(found, u)
		return err
	})
	return found, err
}
