package gojajs

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"github.com/dop251/goja"

	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// addSubtle gives the global crypto its subtle, and addTimingSafeEqual its function of
// that name: most programs that name crypto use neither.
func (v *vm) addSubtle() {
	v.addCrypto("subtle", func() goja.Value { return v.newer("subtle", "subtle") })
}

func (v *vm) addTimingSafeEqual() {
	v.addCrypto("timingSafeEqual", func() goja.Value {
		return v.native("timingSafeEqual", func(c goja.FunctionCall) goja.Value { return v.timingSafeEqual(c) })
	})
}

func (v *vm) addCrypto(name string, make func() goja.Value) {
	v.provide("crypto")
	_ = v.globals.Get("crypto").(*goja.Object).Set(name, make())
}

func upper(val goja.Value) string { return strings.ToUpper(val.String()) }

// hashName is the name of a hash function as the standard writes it.
func (v *vm) hashName(c goja.FunctionCall) goja.Value {
	name := upper(c.Argument(0))
	if js.NewHash(name) == nil {
		v.throwError("NotSupportedError", "", "there is SHA-1, SHA-256, SHA-384 and SHA-512")
	}
	return v.js.ToValue(name)
}

// digest is the hash of bytes, in an ArrayBuffer.
func (v *vm) digest(c goja.FunctionCall) goja.Value {
	data := v.bytesOf(c.Argument(1))
	h := js.NewHash(c.Argument(0).String())()
	js.InSlices(len(data), v.x.Check, func(from, to int) { h.Write(data[from:to]) })
	return v.js.ToValue(v.js.NewArrayBuffer(h.Sum(nil)))
}

// hmacOf is a function that makes the code of bytes, by a hash function and a key.
func (v *vm) hmacOf(c goja.FunctionCall) goja.Value {
	hash, key := js.NewHash(c.Argument(0).String()), v.bytesOf(c.Argument(1))
	return v.js.ToValue(func(c goja.FunctionCall) goja.Value {
		data := v.bytesOf(c.Argument(0))
		h := hmac.New(hash, key)
		js.InSlices(len(data), v.x.Check, func(from, to int) { h.Write(data[from:to]) })
		return v.plainBytes(h.Sum(nil))
	})
}

// timingSafeEqual compares bytes in a time that doesn't depend on where they differ. As
// in Node, different lengths are an error, unless there is a third argument.
func (v *vm) timingSafeEqual(c goja.FunctionCall) goja.Value {
	a, b := v.bytesOf(c.Argument(0)), v.bytesOf(c.Argument(1))
	if len(a) != len(b) && !c.Argument(2).ToBoolean() {
		v.throwError("RangeError", js.CodeLengths, js.OtherLengths)
	}
	return v.js.ToValue(subtle.ConstantTimeCompare(a, b) == 1)
}

// copyBytes is a copy of bytes, in a Uint8Array.
func (v *vm) copyBytes(c goja.FunctionCall) goja.Value {
	return v.plainBytes(bytes.Clone(v.bytesOf(c.Argument(0))))
}

// randomKey makes a key for a hash function, of a number of bits, or of as many as the
// function works on at a time.
func (v *vm) randomKey(c goja.FunctionCall) goja.Value {
	n := js.NewHash(c.Argument(0).String())().BlockSize()
	if bits := c.Argument(1); !goja.IsUndefined(bits) {
		f := bits.ToFloat()
		if !(f >= 8 && f <= 8*maxRandom && int(f)%8 == 0) {
			v.throwError("OperationError", "", "a key's length is a number of bits that 8 divides")
		}
		n = int(f) / 8
	}
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return v.plainBytes(b)
}

func (v *vm) base64url(c goja.FunctionCall) goja.Value {
	return v.js.ToValue(base64.RawURLEncoding.EncodeToString(v.bytesOf(c.Argument(0))))
}

func (v *vm) fromBase64url(c goja.FunctionCall) goja.Value {
	b, err := base64.RawURLEncoding.DecodeString(c.Argument(0).String())
	if err != nil {
		v.throwError("DataError", "", "the key is not base64url")
	}
	return v.plainBytes(b)
}
