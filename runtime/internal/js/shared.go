package js

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/fazt-sh/fazt/runtime"
)

// MaxStackText is how much of the end of an error's stack is read, in bytes: more
// than the frames of the deepest recursion take. What is before them is the
// error's message, as long as it may be.
const MaxStackText = 128 << 10

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
		return "", runtime.Invalid("unknown encoding; use utf8, base64 or hex")
	}
	if size > limit {
		return "", &runtime.HostError{Name: "RangeError", Message: fmt.Sprintf("toString: the text would be longer than %d characters", limit)}
	}
	if encoding == "hex" {
		return hex.EncodeToString(b), nil
	}
	return base64.StdEncoding.EncodeToString(b), nil
}

// Argument makes a [Value] of the i-th argument of a host function, counted from
// 0, for an engine. Objects and arrays may take limit bytes as JSON. Bytes are
// what the Reader returns. The error is a [*HostError] for JavaScript.
func Argument[V any](r Reader[V], i int, v V, limit int, exact *runtime.Exact) (runtime.Value, error) {
	switch kind := r.Kind(v); kind {
	case runtime.KindUndefined:
		return runtime.Undefined(), nil
	case runtime.KindNull:
		return runtime.Null(), nil
	case runtime.KindBool:
		return runtime.Bool(r.Bool(v)), nil
	case runtime.KindNumber:
		return runtime.Number(r.Number(v)), nil
	case runtime.KindString:
		s := r.String(v)
		if !utf8.ValidString(s) {
			return runtime.Value{}, runtime.Invalid("argument %d: the string has a lone surrogate or invalid UTF-8", i+1)
		}
		return runtime.String(s), nil
	case runtime.KindBytes:
		return runtime.Bytes(r.Bytes(v)), nil
	case KindFunction, KindSymbol, KindBigInt:
		refused := runtime.Invalid("argument %d: %s can't be passed to the server", i+1, kindName(kind))
		if exact != nil && len(exact.Below) == 0 {
			refused.Code = "INVALID_QUERY"
		}
		return runtime.Value{}, refused
	}
	raw, err := AppendData(nil, r, v, limit, exact)
	if e, ok := errors.AsType[*runtime.HostError](err); ok {
		refused := runtime.Invalid("argument %d: %s", i+1, e.Message)
		refused.Code = e.Code
		return runtime.Value{}, refused
	}
	if err != nil {
		return runtime.Value{}, runtime.Invalid("argument %d: %v", i+1, err)
	}
	return runtime.JSON(raw), nil
}

// DecodeBase64 is atob: white space is left out, and padding may be. The error
// is a [*HostError], an InvalidCharacterError.
func DecodeBase64(text string) ([]byte, error) {
	dense := make([]byte, 0, len(text))
	for i := range len(text) {
		switch c := text[i]; c {
		case '\t', '\n', '\f', '\r', ' ':
		default:
			dense = append(dense, c)
		}
	}
	text = string(dense)
	if len(text)%4 == 0 {
		text = strings.TrimSuffix(strings.TrimSuffix(text, "="), "=")
	}
	raw, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, &runtime.HostError{Name: "InvalidCharacterError", Message: "atob: the text is not base64"}
	}
	return raw, nil
}
