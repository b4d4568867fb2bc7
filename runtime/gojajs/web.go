package gojajs

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"

	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// newBytes makes a Bytes object, a Uint8Array that has toString(encoding) as
// the Bytes of an engine without typed arrays have.
func (v *vm) newBytes(b []byte) goja.Value {
	if v.bytes == nil {
		v.haveBytes()
		v.bytes = v.library("Bytes", v.holder("Uint8Array")).(*goja.Object)
	}
	// A copy: the handler may change it.
	obj, err := v.js.New(v.bytes, v.js.ToValue(v.js.NewArrayBuffer(append([]byte{}, b...))))
	if err != nil {
		panic(rethrown(err))
	}
	return obj
}

// plainBytes makes a Uint8Array of bytes that nobody else has.
func (v *vm) plainBytes(b []byte) goja.Value {
	v.haveBytes()
	obj, err := v.js.New(v.holder("Uint8Array"), v.js.ToValue(v.js.NewArrayBuffer(b)))
	if err != nil {
		panic(rethrown(err))
	}
	return obj
}

func (v *vm) bytesOf(val goja.Value) []byte {
	if obj, ok := val.(*goja.Object); ok {
		if b, ok := v.bytesIn(obj); ok {
			return b
		}
	}
	v.typeError("this is neither an ArrayBuffer nor a typed array")
	return nil
}

// bytesToString is Bytes.prototype.toString.
func (v *vm) bytesToString(c goja.FunctionCall) goja.Value {
	b, encoding := v.bytesOf(c.Argument(0)), "utf8"
	if e := c.Argument(1); !goja.IsUndefined(e) {
		encoding = e.String()
	}
	s, err := js.BytesText(b, encoding, v.maxText(), v.x.Check)
	if err != nil {
		v.throw(err)
	}
	return v.js.ToValue(s)
}

// encode is TextEncoder.prototype.encode.
func (v *vm) encode(c goja.FunctionCall) goja.Value {
	return v.plainBytes([]byte(c.Argument(0).String()))
}

// decode is TextDecoder.prototype.decode.
func (v *vm) decode(c goja.FunctionCall) goja.Value {
	s := string(v.bytesOf(c.Argument(0)))
	if !c.Argument(2).ToBoolean() {
		s = strings.TrimPrefix(s, "\uFEFF")
	}
	if !utf8.ValidString(s) {
		if c.Argument(1).ToBoolean() {
			v.typeError("the bytes are not UTF-8")
		}
		s = replaceInvalid(s)
	}
	return v.js.ToValue(s)
}

// replaceInvalid puts U+FFFD in the place of what isn't UTF-8: one for each
// beginning of a sequence, as the WHATWG's encoding standard has it.
func replaceInvalid(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		b.WriteRune(r)
		if r == utf8.RuneError && n == 1 {
			n = invalidPrefix(s)
		}
		s = s[n:]
	}
	return b.String()
}

// invalidPrefix is how much of a sequence is there before it breaks off.
func invalidPrefix(s string) int {
	for n := min(3, len(s)); n > 1; n-- {
		if !utf8.FullRuneInString(s[:n]) {
			return n
		}
	}
	return 1
}

func (v *vm) checkLabel(c goja.FunctionCall) goja.Value {
	if l := c.Argument(0); !goja.IsUndefined(l) {
		switch strings.ToLower(strings.TrimSpace(l.String())) {
		case "utf-8", "utf8", "unicode-1-1-utf-8":
		default:
			v.rangeError("TextDecoder knows utf-8 only")
		}
	}
	return goja.Undefined()
}

// crypto is the global of that name.
func (v *vm) crypto() goja.Value {
	obj := v.js.NewObject()
	_ = obj.Set("randomUUID", v.native("randomUUID", func(goja.FunctionCall) goja.Value {
		var b [16]byte
		_, _ = rand.Read(b[:]) // never fails
		b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
		return v.js.ToValue(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
	}))
	_ = obj.Set("getRandomValues", v.native("getRandomValues", v.getRandomValues))
	return obj
}

const maxRandom = 65536

// getRandomValues fills a typed array, or an array with bytes, as the engines
// without typed arrays have it.
func (v *vm) getRandomValues(c goja.FunctionCall) goja.Value {
	obj, ok := c.Argument(0).(*goja.Object)
	if ok && isTyped(obj) {
		b := v.bytesOf(obj)
		if len(b) > maxRandom {
			v.throwError("QuotaExceededError", "", fmt.Sprintf("getRandomValues fills at most %d bytes", maxRandom))
		}
		_, _ = rand.Read(b) // never fails
		return obj
	}
	if !ok || obj.ClassName() != "Array" {
		v.typeError("getRandomValues wants a typed array, or an array, which it fills with bytes")
	}
	n := v.lengthOf(obj)
	if n > maxRandom {
		v.rangeError(fmt.Sprintf("getRandomValues fills at most %d elements", maxRandom))
	}
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	for i, c := range b {
		_ = obj.Set(fmt.Sprint(i), int(c))
	}
	return obj
}

// btoa encodes a text whose characters are bytes.
func (v *vm) btoa(c goja.FunctionCall) goja.Value {
	s := v.str(c.Argument(0))
	if base64.StdEncoding.EncodedLen(s.Length()) > v.maxText() {
		v.tooLong("btoa")
	}
	raw := make([]byte, s.Length())
	js.InSlices(len(raw), v.x.Check, func(from, to int) {
		for i := from; i < to; i++ {
			unit := s.CharAt(i)
			if unit > 0xFF {
				v.throwError("InvalidCharacterError", "", "btoa: the text has characters past U+00FF; encode it with TextEncoder")
			}
			raw[i] = byte(unit)
		}
	})
	text, err := js.BytesText(raw, "base64", v.maxText(), v.x.Check)
	if err != nil {
		v.throw(err)
	}
	return v.js.ToValue(text)
}

func (v *vm) atob(c goja.FunctionCall) goja.Value {
	raw, err := js.DecodeBase64(c.Argument(0).String(), v.x.Check)
	if err != nil {
		v.throw(err)
	}
	units := make([]uint16, len(raw))
	js.InSlices(len(raw), v.x.Check, func(from, to int) {
		for i, b := range raw[from:to] {
			units[from+i] = uint16(b)
		}
	})
	return goja.StringFromUTF16(units)
}
