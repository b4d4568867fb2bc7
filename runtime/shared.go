package runtime

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxText is how long a text may be that JavaScript makes, an eighth of the
// memory: 8 Mi characters by default. What a native does with a text, or with two
// of them, is one step that nothing can end. 16 MB of memory that is new to the
// process take 6 ms to fill, and 50 while garbage is collected, as the collector
// signals the goroutine at every page.
func (l Limits) MaxText() int { return int(l.Memory / 8) }

// ShortLiteral is how long a written text may be to be added to another without
// a look at the sum.
const ShortLiteral = 1024

// MaxEncoded is how many times as long a text may become that is percent-encoded.
const MaxEncoded = 3

// BytesText is what the toString of bytes makes of them in an encoding: "utf8",
// "base64" or "hex". The error is a [*HostError] for JavaScript; a text of more
// than limit bytes is one, too.
func BytesText(b []byte, encoding string, limit int) (string, error) {
	size := len(b)
	switch encoding {
	case "utf8", "utf-8":
		return strings.ToValidUTF8(string(b), string(utf8.RuneError)), nil
	case "base64":
		size = base64.StdEncoding.EncodedLen(size)
	case "hex":
		size = hex.EncodedLen(size)
	default:
		return "", typeError("unknown encoding; use utf8, base64 or hex")
	}
	if size > limit {
		return "", &HostError{Name: "RangeError", Message: fmt.Sprintf("toString: the text would be longer than %d characters", limit)}
	}
	if encoding == "hex" {
		return hex.EncodeToString(b), nil
	}
	return base64.StdEncoding.EncodeToString(b), nil
}

// Argument makes a [Value] of the i-th argument of a host function, counted from
// 0, for an engine. Objects and arrays may take limit bytes as JSON. Bytes are
// what the Reader returns. The error is a [*HostError] for JavaScript.
func Argument[V any](r Reader[V], i int, v V, limit int) (Value, error) {
	switch kind := r.Kind(v); kind {
	case KindUndefined:
		return Undefined(), nil
	case KindNull:
		return Null(), nil
	case KindBool:
		return Bool(r.Bool(v)), nil
	case KindNumber:
		return Number(r.Number(v)), nil
	case KindString:
		s := r.String(v)
		if !utf8.ValidString(s) {
			return Value{}, Invalid("argument %d: the string has a lone surrogate or invalid UTF-8", i+1)
		}
		return String(s), nil
	case KindBytes:
		return Bytes(r.Bytes(v)), nil
	case KindFunction, KindSymbol, KindBigInt:
		return Value{}, Invalid("argument %d: %s can't be passed to the server", i+1, kind)
	}
	raw, err := AppendData(nil, r, v, limit)
	if e, ok := errors.AsType[*HostError](err); ok {
		return Value{}, Invalid("argument %d: %s", i+1, e.Message)
	}
	if err != nil {
		return Value{}, Invalid("argument %d: %v", i+1, err)
	}
	return JSON(raw), nil
}

// PatternSize estimates, before it is compiled, how large a regular expression
// will be: its length times its repetitions.
func PatternSize(source string) float64 {
	size, repeat := float64(len(source)), 1.0
	for rest := source; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			break
		}
		rest = after
		most := 1.0
		for _, n := range strings.FieldsFunc(after[:strings.IndexByte(after+"}", '}')], func(r rune) bool { return r == ',' }) {
			if f, err := strconv.ParseFloat(n, 64); err == nil {
				most = max(most, f)
			}
		}
		repeat = min(repeat*most, 1000) // RE2 refuses more
	}
	return size * repeat
}

// MaxPatternSize is the [PatternSize] that engines compile.
const MaxPatternSize = 1e6

// DecodeBase64 is atob: white space is left out, and padding may be. The error
// is a [*HostError], an InvalidCharacterError.
func DecodeBase64(text string) ([]byte, error) {
	text = strings.Map(func(r rune) rune {
		if strings.ContainsRune("\t\n\f\r ", r) {
			return -1
		}
		return r
	}, text)
	if len(text)%4 == 0 {
		text = strings.TrimSuffix(strings.TrimSuffix(text, "="), "=")
	}
	raw, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, &HostError{Name: "InvalidCharacterError", Message: "atob: the text is not base64"}
	}
	return raw, nil
}
