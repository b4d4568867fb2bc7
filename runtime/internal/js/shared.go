package js

import (
	"bytes"
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

// slice is how much of a long text or of long bytes a native works on from one checkpoint
// to the next, in bytes: some tens of microseconds. It is a multiple of 12, so that neither
// base64 nor hex goes across its end.
const slice = 12 << 12

// InSlices calls fn with all of 0 to n, a slice after the other, and check before each: the
// checkpoint, which may not return.
func InSlices(n int, check func(), fn func(from, to int)) {
	for from := 0; from < n; from += slice {
		check()
		fn(from, min(from+slice, n))
	}
}

// BytesText is what the toString of bytes makes of them in an encoding: "utf8",
// "base64" or "hex". The error is a [*HostError] for JavaScript; a text of more
// than limit bytes is one, too. check is called every slice.
func BytesText(b []byte, encoding string, limit int, check func()) (string, error) {
	size, add := len(b), base64.StdEncoding.AppendEncode
	switch encoding {
	case "utf8", "utf-8":
		return validText(b, check), nil
	case "base64":
		size = base64.StdEncoding.EncodedLen(size)
	case "hex":
		size, add = hex.EncodedLen(size), hex.AppendEncode
	default:
		return "", runtime.Invalid("unknown encoding; use utf8, base64 or hex")
	}
	if size > limit {
		return "", &runtime.HostError{Name: "RangeError", Message: fmt.Sprintf("toString: the text would be longer than %d characters", limit)}
	}
	var text strings.Builder
	text.Grow(size)
	var piece []byte
	InSlices(len(b), check, func(from, to int) {
		piece = add(piece[:0], b[from:to])
		text.Write(piece)
	})
	return text.String(), nil
}

// validText is [strings.ToValidUTF8] in slices: U+FFFD stands for each run of bytes that
// are no UTF-8.
func validText(b []byte, check func()) string {
	var text strings.Builder
	text.Grow(len(b))
	for invalid := false; len(b) > 0; {
		check()
		piece := b[:wholeRunes(b)]
		b = b[len(piece):]
		if utf8.Valid(piece) {
			text.Write(piece)
			invalid = false
			continue
		}
		for len(piece) > 0 {
			r, n := utf8.DecodeRune(piece)
			wrong := r == utf8.RuneError && n == 1
			if !wrong {
				text.Write(piece[:n])
			} else if !invalid {
				text.WriteRune(utf8.RuneError)
			}
			invalid, piece = wrong, piece[n:]
		}
	}
	return text.String()
}

// wholeRunes is how long a slice is that b begins with, if no rune is to go across its end.
func wholeRunes(b []byte) int {
	if len(b) <= slice {
		return len(b)
	}
	for n := slice; n > slice-utf8.UTFMax; n-- {
		if utf8.RuneStart(b[n]) {
			return n
		}
	}
	return slice // it is no UTF-8 there
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
		s := r.Units(v)
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
// is a [*HostError], an InvalidCharacterError. check is called every slice.
func DecodeBase64(text string, check func()) ([]byte, error) {
	dense := make([]byte, 0, len(text))
	InSlices(len(text), check, func(from, to int) {
		for _, c := range []byte(text[from:to]) {
			switch c {
			case '\t', '\n', '\f', '\r', ' ':
			default:
				dense = append(dense, c)
			}
		}
	})
	if len(dense)%4 == 0 {
		dense = bytes.TrimSuffix(bytes.TrimSuffix(dense, []byte("=")), []byte("="))
	}
	raw := make([]byte, 0, base64.RawStdEncoding.DecodedLen(len(dense)))
	var err error
	InSlices(len(dense), check, func(from, to int) {
		if err == nil {
			raw, err = base64.RawStdEncoding.AppendDecode(raw, dense[from:to])
		}
	})
	if err != nil {
		return nil, &runtime.HostError{Name: "InvalidCharacterError", Message: "atob: the text is not base64"}
	}
	return raw, nil
}
