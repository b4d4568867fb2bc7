package auth

import (
	"errors"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// errInvite says that an invite or a set-up link is unknown, used up or too old.
var errInvite = errors.New("the invite is not valid")

// redeemInvite takes one use off an invite and returns the role that it grants.
// Whoever's update counts has the use, also where two transactions read it at once.
func redeemInvite(tx storage.SQL, code string, now time.Time) (Role, error) {
	var role Role
	err := tx.Query(`SELECT role FROM auth_invites WHERE code_hash = ?`, []any{digest(code)},
		func(scan func(...any) error) error { return scan(&role) })
	if err != nil {
		return "", err
	}
	n, err := tx.Exec(`UPDATE auth_invites SET uses_left = uses_left - 1 WHERE code_hash = ? AND uses_left > 0 AND expires_at > ?`,
		digest(code), millis(now))
	if err != nil {
		return "", err
	}
	if n != 1 || !role.Valid() {
		return "", errInvite
	}
	return role, nil
}
