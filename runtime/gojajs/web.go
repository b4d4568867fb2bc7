package gojajs

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"reflect"
	"unicode/utf16"
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

// encodeInto is TextEncoder.prototype.encodeInto.
func (v *vm) encodeInto(c goja.FunctionCall) goja.Value {
	s := v.str(c.Argument(0))
	obj, ok := c.Argument(1).(*goja.Object)
	if !ok || obj.ExportType() != reflect.TypeFor[[]uint8]() {
		v.typeError("encodeInto wants a Uint8Array to write to")
	}
	into := v.bytesOf(obj)
	read, written := 0, 0
	for read < s.Length() {
		if read%checkEvery == 0 {
			v.x.Check()
		}
		r, n := runeAt(s, read, true)
		if utf16.IsSurrogate(r) {
			r = utf8.RuneError
		}
		if written+utf8.RuneLen(r) > len(into) {
			break
		}
		written += utf8.EncodeRune(into[written:], r)
		read += n
	}
	res := v.js.NewObject()
	v.put(res, "read", v.js.ToValue(read))
	v.put(res, "written", v.js.ToValue(written))
	return res
}

// checkEvery is how many characters are looked at from one checkpoint to the next.
const checkEvery = 1 << 14

func (v *vm) encodingOf(c goja.FunctionCall) goja.Value {
	name, err := js.EncodingOf(c.Argument(0).String())
	if err != nil {
		v.throw(err)
	}
	return v.js.ToValue(name)
}

// decoder is the function by which a TextDecoder decodes.
func (v *vm) decoder(c goja.FunctionCall) goja.Value {
	d := js.NewDecoder(c.Argument(0).String(), c.Argument(1).ToBoolean(), c.Argument(2).ToBoolean())
	return v.js.ToValue(func(c goja.FunctionCall) goja.Value {
		var b []byte
		if given := c.Argument(0); !goja.IsUndefined(given) {
			b = v.bytesOf(given)
		}
		s, err := d.Decode(b, c.Argument(1).ToBoolean(), v.maxText(), v.x.Check)
		if err != nil {
			v.throw(err)
		}
		return v.js.ToValue(s)
	})
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

// getRandomValues fills a typed array of whole numbers, or an array with bytes, as the
// engines without typed arrays have it.
func (v *vm) getRandomValues(c goja.FunctionCall) goja.Value {
	obj, ok := c.Argument(0).(*goja.Object)
	switch {
	case len(c.Arguments) == 0:
		v.typeError("getRandomValues wants a typed array")
	case ok && isTyped(obj) && obj.ExportType().Elem().Kind() < reflect.Float32:
		b := v.bytesOf(obj)
		if len(b) > maxRandom {
			v.throwError("QuotaExceededError", "", fmt.Sprintf("getRandomValues fills at most %d bytes", maxRandom))
		}
		_, _ = rand.Read(b) // never fails
		return obj
	case !ok || obj.ClassName() != "Array":
		v.throwError("TypeMismatchError", "", "getRandomValues wants a typed array of whole numbers, or an array, which it fills with bytes")
	}
	n := v.lengthOf(obj)
	if n > maxRandom {
		v.throwError("QuotaExceededError", "", fmt.Sprintf("getRandomValues fills at most %d elements", maxRandom))
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
