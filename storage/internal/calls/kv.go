// Package calls has what the engines of package storage do alike in a call before their
// statements and after them: they check its arguments, name what it makes, compute what it
// stores, and say what is wrong. All errors are a [storage.Error] for op, with
// [storage.CodeInvalid] where nothing else is said.
package calls

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// CheckSet checks the arguments of a set.
func CheckSet(op, key string, value json.RawMessage, ttl time.Duration) error {
	if ttl < 0 {
		return &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "the time to live is negative"}
	}
	return CheckEntry(op, key, value)
}

// CheckEntry checks a key and its value.
func CheckEntry(op, key string, value json.RawMessage) error {
	if err := storage.CheckKey(op, "key", key); err != nil {
		return err
	}
	return storage.CheckValue(op, value)
}

// CheckEntryQuotas returns [storage.CodeQuotaExceeded] for a key or a value that is too long.
func CheckEntryQuotas(op string, q storage.Quotas, key string, value json.RawMessage) error {
	if err := q.CheckKey(op, "key", key); err != nil {
		return err
	}
	return q.CheckValue(op, value)
}

// CheckVersion returns [storage.CodeConflict] if an entry is not at the version that the
// caller of a compare-and-set has seen.
func CheckVersion(op string, old storage.Entry, version int64) error {
	if old.Version == version {
		return nil
	}
	return &storage.Error{Code: storage.CodeConflict, Op: op,
		Msg: fmt.Sprintf("the key is at version %d, not %d", old.Version, version), Hint: "read it again and retry"}
}

// Expiry returns when a value stored now for ttl ends, in Unix milliseconds, or 0 for
// never if ttl is 0.
func Expiry(ttl time.Duration) int64 {
	if ttl == 0 {
		return 0
	}
	ms := int64(ttl / time.Millisecond)
	if ttl%time.Millisecond != 0 {
		ms++
	}
	return time.Now().UnixMilli() + ms
}

// ExpiresAt returns when an entry ends, as [Expiry] does.
func ExpiresAt(e storage.Entry) int64 {
	if e.ExpiresAt.IsZero() {
		return 0
	}
	return e.ExpiresAt.UnixMilli()
}

// Incremented returns the number that a counter comes to, and its text. there says
// whether there is an entry; a counter begins at 0.
func Incremented(op string, old storage.Entry, there bool, by float64) (sum float64, text json.RawMessage, err error) {
	var before float64
	if there {
		if before, err = number(old.Value); err != nil {
			return 0, nil, &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "the value is not a number"}
		}
	}
	if sum, err = storage.Count(op, before, by); err != nil {
		return 0, nil, err
	}
	text, err = json.Marshal(sum)
	return sum, text, err
}

// number parses a JSON number and nothing else.
func number(value json.RawMessage) (float64, error) {
	var n json.Number
	if err := json.Unmarshal(value, &n); err != nil || n == "" || value[0] == '"' {
		return 0, strconv.ErrSyntax
	}
	return n.Float64()
}
