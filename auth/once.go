package auth

import (
	"errors"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// errUsed says that what is good for one use has been used.
var errUsed = errors.New("it has been used already")

// useOnce marks value as used, or returns [errUsed]. It may be forgotten at until,
// when the value has expired anyway. Only its digest is stored.
func useOnce(tx storage.SQL, value string, until, now time.Time) error {
	if _, err := tx.Exec(`DELETE FROM auth_used WHERE expires_at <= ?`, millis(now)); err != nil {
		return err
	}
	_, err := tx.Exec(`INSERT INTO auth_used (value_hash, expires_at) VALUES (?, ?)`, digest(value), millis(until))
	if storage.CodeOf(err) == storage.CodeConflict {
		return errUsed
	}
	return err
}

// used reports whether useOnce has marked value.
func used(tx storage.SQL, value string) (found bool, err error) {
	err = tx.Query(`SELECT 1 FROM auth_used WHERE value_hash = ?`, []any{digest(value)},
		func(func(...any) error) error { found = true; return nil })
	return found, err
}
