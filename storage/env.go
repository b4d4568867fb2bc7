package storage

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/api"
)

const (
	// MaxEnvValue is the longest value of a variable, in bytes.
	MaxEnvValue = 64 << 10
	// maxEnvSealed is the longest that it may be once it is sealed.
	maxEnvSealed = MaxEnvValue + 256
)

// Environment is the variables that an owner sets for an app. Their values are
// sealed: the store holds bytes that it can't read, and the fingerprint of the key
// that opens them. Every change counts the revision up ([Revisions]) and leaves a row
// in the audit log ([Audits]), which has the names and never the values. They belong
// to the app's data: they stay when the app is removed and its data kept.
type Environment interface {
	// Env returns an app's variables.
	Env(ctx context.Context, appID string) (map[string]Variable, error)
	// SetEnv sets some of an app's variables, all or none, to values that the key of
	// the fingerprint has sealed. The first one that is used is on record from then
	// on; another is [CodeConflict]. Names that [CheckEnv] refuses are [CodeInvalid].
	// No such app is [CodeNotFound].
	SetEnv(ctx context.Context, appID string, sealed map[string][]byte, fingerprint string) error
	// UnsetEnv removes a variable, or is [CodeNotFound].
	UnsetEnv(ctx context.Context, appID, name string) error
	// SealKey returns the fingerprint on record, or "" without one.
	SealKey(ctx context.Context) (string, error)
}

// Variable is a variable of an app's as it is stored.
type Variable struct {
	Sealed    []byte
	UpdatedAt time.Time // to the millisecond
}

// CheckEnv returns an [Error], with the name as its Path, unless a variable is
// well formed: a name is a letter or an underscore, then those and digits, 128 in all;
// a value any text of up to [MaxEnvValue] bytes.
func CheckEnv(op, name, value string) error {
	if err := CheckEnvName(op, name); err != nil {
		return err
	}
	if len(value) > MaxEnvValue {
		return OverQuota(op, name, "the value", int64(len(value)), MaxEnvValue)
	}
	return checkText(op, name, value)
}

// CheckEnvName is the part of [CheckEnv] about the name.
func CheckEnvName(op, name string) error {
	ok := name != "" && len(name) <= 128
	for i := range len(name) {
		c := name[i]
		ok = ok && (c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || i > 0 && '0' <= c && c <= '9')
	}
	if !ok {
		return &Error{Code: CodeInvalid, Op: op, Path: strings.ToValidUTF8(name, "?"),
			Msg: "is not a name for a variable: use letters, digits and underscores, 128 at most, and no digit first"}
	}
	return nil
}

// CheckSealed is [CheckEnv] for a value that is sealed.
func CheckSealed(op, name string, sealed []byte) error {
	if len(sealed) > maxEnvSealed {
		return OverQuota(op, name, "the value", int64(len(sealed)), maxEnvSealed)
	}
	return CheckEnvName(op, name)
}

// sealKey is the setting that has the fingerprint.
const sealKey = "seal key"

// ReadSealKey is [Environment.SealKey] in a transaction.
func ReadSealKey(tx SQL) (fingerprint string, err error) {
	err = tx.Query("SELECT value FROM config WHERE name = ?", []any{sealKey}, func(scan func(...any) error) error {
		var text string
		if err := scan(&text); err != nil {
			return err
		}
		return json.Unmarshal([]byte(text), &fingerprint)
	})
	return fingerprint, err
}

// UseSealKey puts the fingerprint of a key on record in the transaction of a change
// that stores what it has sealed, unless it is there. Another one is [CodeConflict].
func UseSealKey(tx SQL, op, fingerprint string) error {
	have, err := ReadSealKey(tx)
	if err != nil || have == fingerprint {
		return err
	}
	if have != "" {
		return &Error{Code: CodeConflict, Op: op, Msg: "what is stored is sealed by another key", Hint: "give the server the key file that it had"}
	}
	return writeSealKey(tx, fingerprint)
}

func writeSealKey(tx SQL, fingerprint string) error {
	text, err := json.Marshal(fingerprint)
	if err != nil {
		return err
	}
	if _, err := tx.Exec("DELETE FROM config WHERE name = ?", sealKey); err != nil || fingerprint == "" {
		return err
	}
	_, err = tx.Exec("INSERT INTO config (name, value, updated_at) VALUES (?, ?, ?)", sealKey, string(text), time.Now().UnixMilli())
	return err
}

// SealedVariable names a variable of an app's, which may have been removed with its
// data kept.
type SealedVariable struct{ App, Name string }

// SealedVariables returns every variable of every app, in a transaction: what is lost
// with the key.
func SealedVariables(tx SQL) ([]SealedVariable, error) {
	var list []SealedVariable
	err := tx.Query(`SELECT COALESCE(a.name, r.name, e.app), e.name FROM env_vars e
		LEFT JOIN apps a ON a.id = e.app LEFT JOIN removed_apps r ON r.id = e.app ORDER BY 1, 2`, nil,
		func(scan func(...any) error) error {
			var v SealedVariable
			err := scan(&v.App, &v.Name)
			list = append(list, v)
			return err
		})
	return list, err
}

// ForgetSealed removes every variable of every app and the fingerprint of the key that
// had sealed them, in the transaction of a change that gives that key up. The entry
// that it leaves in the audit log, env.forget, has the names.
func ForgetSealed(tx SQL, actor api.Actor) error {
	lost, err := SealedVariables(tx)
	if err != nil {
		return err
	}
	names := make([]string, len(lost))
	for i, v := range lost {
		names[i] = v.App + " " + v.Name
	}
	if _, err := tx.Exec("DELETE FROM env_vars"); err != nil {
		return err
	}
	if err := writeSealKey(tx, ""); err != nil {
		return err
	}
	return RecordAudit(tx, actor, "env.forget", "", struct {
		Names []string `json:"names"`
	}{names})
}
