package runtime

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

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
