package gojajs

import (
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dop251/goja"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// The methods of js.Builder.

func (v *vm) NewNull() goja.Value            { return goja.Null() }
func (v *vm) NewBool(b bool) goja.Value      { return v.js.ToValue(b) }
func (v *vm) NewNumber(f float64) goja.Value { return v.js.ToValue(f) }
func (v *vm) NewObject() goja.Value          { return v.js.NewObject() }

func (v *vm) NewString(s string) goja.Value {
	if utf8.ValidString(s) {
		return v.js.ToValue(s)
	}
	var units []uint16
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 && len(s) > 2 && s[0] == 0xED {
			units = append(units, 0xD000|uint16(s[1]&0x3F)<<6|uint16(s[2]&0x3F))
			s = s[3:]
			continue
		}
		units = utf16.AppendRune(units, r)
		s = s[n:]
	}
	return goja.StringFromUTF16(units)
}

func (v *vm) NewArray(items []goja.Value) goja.Value {
	list := make([]any, len(items))
	for i, item := range items {
		list[i] = item
	}
	return v.newArray(list...)
}

func (v *vm) Put(obj goja.Value, key string, val goja.Value) {
	v.put(obj.(*goja.Object), key, val)
	if v.foreign && key != "" && key[0] == '$' {
		v.markForeign(obj.(*goja.Object))
	}
}

// markForeign gives an object a property that copies of it have too, and that nothing
// prints or lists but Object.getOwnPropertySymbols and its like: see FromRequest.
func (v *vm) markForeign(obj *goja.Object) {
	if v.marker == nil {
		v.marker = goja.NewSymbol("from the request")
	}
	_ = obj.SetSymbol(v.marker, true)
}

// asForeign makes a value of data that others have sent.
func (v *vm) asForeign(read func() goja.Value) goja.Value {
	v.foreign = true
	defer func() { v.foreign = false }()
	return read()
}

// parse is JSON.parse without a reviver.
func (v *vm) parse(text string) goja.Value {
	val, err := js.ParseJSON[goja.Value](v, text)
	if err != nil {
		v.throw(err)
	}
	return val
}

// fromJSON makes a value of the JSON that a host function returned.
func (v *vm) fromJSON(text string) goja.Value {
	val, err := js.ParseJSON[goja.Value](v, text)
	if err != nil {
		v.throw(js.InvalidJSON(err))
	}
	return val
}

func jsonParse(v *vm, c goja.FunctionCall) goja.Value {
	text := c.Argument(0).ToString().String()
	val := v.asForeign(func() goja.Value { return v.parse(text) })
	if _, ok := goja.AssertFunction(c.Argument(1)); ok {
		return v.library("revive", val, c.Argument(1))
	}
	return val
}

func jsonStringify(v *vm, c goja.FunctionCall) goja.Value {
	val, gap := c.Argument(0), ""
	switch space := v.unboxed(c.Argument(2)).(type) {
	case goja.String:
		gap = space.String()
	default:
		if goja.IsNumber(space) {
			gap = strings.Repeat(" ", int(max(0, min(10, space.ToFloat()))))
		}
	}
	if runes := []rune(gap); len(runes) > 10 {
		gap = string(runes[:10])
	}
	if replacer, ok := c.Argument(1).(*goja.Object); ok {
		val = v.library("replaced", val, replacer)
	}
	out, ok, err := js.AppendJSON(nil, v, val, gap, v.maxText())
	v.x.Check() // to make a value of a long text takes as long again
	if _, refused := errors.AsType[*runtime.HostError](err); refused {
		v.throw(err)
	} else if err != nil {
		v.rangeError("JSON.stringify: " + err.Error())
	}
	if !ok {
		return goja.Undefined()
	}
	return v.js.ToValue(string(out))
}

// unboxed is the value in an object of a number, a text or a bigint.
func (v *vm) unboxed(val goja.Value) goja.Value {
	if obj, ok := val.(*goja.Object); ok {
		switch obj.ClassName() {
		case "Number":
			return obj.ToNumber()
		case "String":
			return obj.ToString()
		}
		if isBoxedBigInt(obj) {
			return v.js.ToValue(obj.Export())
		}
	}
	return val
}
