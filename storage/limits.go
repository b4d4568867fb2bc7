package storage

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The limits that every engine keeps. A breach is an [Error] with
// [CodeQuotaExceeded], or [CodeResultTooLarge] for the last two, and nothing is
// written.
const (
	// MaxKey is the longest key, document id, collection or user id, in bytes.
	MaxKey = 512
	// MaxValue is the longest value of a key, in bytes of JSON text.
	MaxValue = 1 << 20
	// MaxDocument is the longest document as it is stored, in bytes of JSON
	// text, its id and timestamps included.
	MaxDocument = 1 << 20
	// MaxNesting is how deep arrays and objects may nest.
	MaxNesting = 100
	// MaxConditions is how many conditions one query may have. Each is tried
	// on each document, so it bounds the work a query can ask for; a list of
	// values in $in counts once.
	MaxConditions = 256
	// MaxRows is how many rows a list or a find returns at most.
	MaxRows = 10_000
	// MaxResult is how many bytes of JSON text a list or a find returns at
	// most: a caller holds them all in memory.
	MaxResult = 64 << 20
)

// CheckKey returns an [Error] unless key can name a key, a document or a
// collection: 1 to [MaxKey] bytes of UTF-8 without NUL. what names it in the
// error, as its Path.
func CheckKey(op, what, key string) error {
	switch {
	case key == "":
		return &Error{Code: CodeInvalid, Op: op, Path: what, Msg: "is empty"}
	case len(key) > MaxKey:
		return OverQuota(op, what, "it", int64(len(key)), MaxKey)
	}
	return checkText(op, what, key)
}

// CheckPrefix is CheckKey for a text that may be empty.
func CheckPrefix(op, what, prefix string) error {
	if prefix == "" {
		return nil
	}
	return CheckKey(op, what, prefix)
}

func checkText(op, what, s string) error {
	if !utf8.ValidString(s) {
		return &Error{Code: CodeInvalid, Op: op, Path: what, Msg: "is not valid UTF-8"}
	}
	if strings.IndexByte(s, 0) >= 0 {
		return &Error{Code: CodeInvalid, Op: op, Path: what, Msg: "contains a NUL byte"}
	}
	return nil
}

// CheckScope returns an [Error] unless s names an app, and perhaps a user.
func CheckScope(op string, s Scope) error {
	if err := CheckKey(op, "app id", s.App); err != nil {
		return err
	}
	return CheckPrefix(op, "user id", s.User)
}

// CheckValue returns an [Error] unless value is one JSON text of at most
// [MaxValue] bytes, in UTF-8, nested no deeper than [MaxNesting].
func CheckValue(op string, value json.RawMessage) error {
	if len(value) > MaxValue {
		return OverQuota(op, "value", "it", int64(len(value)), MaxValue)
	}
	if !utf8.Valid(value) {
		return &Error{Code: CodeInvalid, Op: op, Path: "value", Msg: "is not valid UTF-8"}
	}
	if depth(value) > MaxNesting {
		return &Error{Code: CodeInvalid, Op: op, Path: "value",
			Msg: fmt.Sprintf("is nested deeper than %d levels", MaxNesting)}
	}
	if !json.Valid(value) {
		return &Error{Code: CodeInvalid, Op: op, Path: "value", Msg: "is not a JSON text"}
	}
	if n := tooGreat(value); n != "" {
		return &Error{Code: CodeInvalid, Op: op, Path: "value", Msg: "the number " + n + " is out of range"}
	}
	return nil
}

// tooGreat returns the first number of a valid JSON text that no double can
// hold. It takes an exponent, or more digits than the greatest has.
func tooGreat(value []byte) string {
	const digits = 309
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '"':
			for i++; value[i] != '"'; i++ {
				if value[i] == '\\' {
					i++
				}
			}
		case '0' <= c && c <= '9':
			start, exponent := i, false
			for ; i < len(value) && strings.IndexByte("0123456789.eE+-", value[i]) >= 0; i++ {
				exponent = exponent || value[i]|0x20 == 'e'
			}
			if exponent || i-start >= digits {
				if _, err := strconv.ParseFloat(string(value[start:i]), 64); err != nil {
					return string(value[start:min(i, start+20)])
				}
			}
			i--
		}
	}
	return ""
}

// depth returns how deep brackets nest in text outside its strings. The answer
// means something only if text is JSON, but it is safe to ask before that is
// known, and a parser that recurses needs to know it first.
func depth[T ~string | ~[]byte](text T) int {
	deepest, level, inString := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

// maxCount is the greatest number up to which doubles have all whole numbers.
const maxCount = 1<<53 - 1

// Count adds by to a counter, or returns an [Error] where doubles are too far apart for
// that: beyond 2^53 - 1, and where more than a thousandth of by would be lost.
func Count(op string, counter, by float64) (float64, error) {
	sum := counter + by
	if !(math.Abs(sum) <= maxCount) {
		return 0, &Error{Code: CodeInvalid, Op: op, Msg: "the sum is beyond 2^53 - 1, where counting is not exact"}
	}
	if math.Abs(sum-counter-by) > math.Abs(by)/1000 {
		return 0, &Error{Code: CodeInvalid, Op: op, Msg: "the number is too large to count by so little: what is added would be lost"}
	}
	return sum, nil
}
