package storage

import (
	"context"
	"strings"
)

// MaxEnvValue is the longest value of a variable, in bytes.
const MaxEnvValue = 64 << 10

// Environment is the variables that an owner sets for an app. Every change
// counts the revision up ([Revisions]) and leaves a row in the audit log
// ([Audits]), which has the names and never the values. They belong to the app's
// data: they stay when the app is removed and its data kept.
type Environment interface {
	// Env returns an app's variables.
	Env(ctx context.Context, appID string) (map[string]string, error)
	// SetEnv sets some of an app's variables, all or none. A name is a letter or
	// an underscore, then those and digits, 128 in all; a value any text of up
	// to [MaxEnvValue] bytes. Others are [CodeInvalid] and [CodeQuotaExceeded].
	// No such app is [CodeNotFound].
	SetEnv(ctx context.Context, appID string, vars map[string]string) error
	// UnsetEnv removes a variable, or is [CodeNotFound].
	UnsetEnv(ctx context.Context, appID, name string) error
}

// CheckEnv returns an [Error], with the name as its Path, unless a variable is
// well formed.
func CheckEnv(op, name, value string) error {
	ok := name != "" && len(name) <= 128
	for i := range len(name) {
		c := name[i]
		ok = ok && (c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || i > 0 && '0' <= c && c <= '9')
	}
	if !ok {
		return &Error{Code: CodeInvalid, Op: op, Path: strings.ToValidUTF8(name, "?"),
			Msg: "is not a name for a variable: use letters, digits and underscores, 128 at most, and no digit first"}
	}
	if len(value) > MaxEnvValue {
		return OverQuota(op, name, "the value", int64(len(value)), MaxEnvValue)
	}
	return checkText(op, name, value)
}
