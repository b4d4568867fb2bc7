package gojajs

import (
	"bytes"
	"slices"
	"strings"

	"github.com/dop251/goja"
)

// kindOf is what structuredClone makes of a value: "value" for what is no object, and
// else the constructor that makes such an object, or what it is if none does.
func (v *vm) kindOf(c goja.FunctionCall) goja.Value {
	return v.js.ToValue(v.cloneKind(c.Argument(0)))
}

func (v *vm) cloneKind(val goja.Value) string {
	obj, ok := val.(*goja.Object)
	if !ok {
		if _, symbol := val.(*goja.Symbol); symbol {
			return "a symbol"
		}
		return "value"
	}
	switch kind := strings.TrimPrefix(brand(obj), "*goja."); kind {
	case "mapObject":
		return "Map"
	case "setObject":
		return "Set"
	case "arrayBufferObject":
		return "ArrayBuffer"
	case "typedArrayObject":
		return "TypedArray"
	case "dataViewObject":
		return "DataView"
	case "Promise":
		return "a promise"
	case "weakMapObject", "weakSetObject", "generatorObject", "proxyObject":
		return "a " + strings.TrimSuffix(kind, "Object")
	}
	if isFunction(obj) {
		return "a function"
	}
	if isBoxedBigInt(obj) {
		return "BigInt"
	}
	switch class := obj.ClassName(); class {
	case "Array", "Error", "Date", "RegExp", "Number", "String", "Boolean", "BigInt":
		return class
	case "Symbol":
		return "a symbol"
	}
	return "Object"
}

// clonedErrors are the names that the clone of an error keeps.
var clonedErrors = []string{"EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError"}

// blank is a new object of a kind with all that needs no other object cloned, or
// undefined for a kind that can't be cloned. Its third argument clones a buffer.
func (v *vm) blank(c goja.FunctionCall) goja.Value {
	obj, ok := c.Argument(1).(*goja.Object)
	if !ok {
		return goja.Undefined()
	}
	switch kind := c.Argument(0).String(); kind {
	case "Object":
		into := v.js.NewObject()
		if v.FromRequest(obj) {
			v.markForeign(into)
		}
		return into
	case "Array":
		return v.newArray()
	case "Map", "Set":
		return v.construction(kind)
	case "Number", "Boolean", "BigInt", "String":
		return v.primitiveIn(obj).ToObject(v.js)
	case "Date":
		return v.construction("Date", v.js.ToValue(timeOf(obj)))
	case "RegExp":
		v.reach("RegExp")
		return v.construction("RegExp", v.str(obj.Get("source")), v.str(obj.Get("flags")))
	case "Error":
		return v.blankError(obj)
	case "ArrayBuffer":
		b, _ := v.bytesIn(obj)
		return v.js.ToValue(v.js.NewArrayBuffer(bytes.Clone(b)))
	case "TypedArray", "DataView":
		return v.blankView(kind, obj, c.Argument(2))
	}
	return goja.Undefined()
}

// primitiveIn is the value in a Number, String, Boolean or BigInt object.
func (v *vm) primitiveIn(obj *goja.Object) goja.Value {
	if obj.ClassName() == "String" {
		return obj.ToString()
	}
	return v.js.ToValue(obj.Export())
}

func (v *vm) blankError(obj *goja.Object) goja.Value {
	name := "Error"
	if n, ok := obj.Get("name").(goja.String); ok && slices.Contains(clonedErrors, n.String()) {
		name = n.String()
	}
	out := v.construction(name)
	for _, key := range []string{"message", "stack"} {
		if val := obj.Get(key); val != nil && !goja.IsUndefined(val) {
			v.hide(out, key, v.str(val))
		}
	}
	return out
}

func (v *vm) blankView(kind string, obj *goja.Object, clone goja.Value) goja.Value {
	v.haveBytes()
	length := "byteLength"
	if kind == "TypedArray" {
		kind, length = obj.GetSymbol(goja.SymToStringTag).String(), "length"
	}
	if kind != "DataView" && !slices.Contains(typedArrays, kind) {
		return goja.Undefined()
	}
	f, _ := goja.AssertFunction(clone)
	buffer := v.must(f(goja.Undefined(), obj.Get("buffer")))
	return v.construction(kind, buffer, obj.Get("byteOffset"), obj.Get(length))
}

// entries is a list of what a Map or a Set has: pairs, in a Set of the value twice.
func (v *vm) entries(c goja.FunctionCall) goja.Value {
	obj := c.Argument(0).(*goja.Object)
	walk := v.callable(v.holder(v.cloneKind(obj) + ".prototype").Get("forEach"))
	var list []any
	v.must(walk(obj, v.js.ToValue(func(c goja.FunctionCall) goja.Value {
		v.x.Check()
		list = append(list, v.newArray(c.Argument(1), c.Argument(0)))
		return goja.Undefined()
	})))
	return v.newArray(list...)
}

// detach takes the bytes from a buffer that was transferred.
func (v *vm) detach(c goja.FunctionCall) goja.Value {
	if obj, ok := c.Argument(0).(*goja.Object); ok && isBuffer(obj) {
		obj.Export().(goja.ArrayBuffer).Detach()
	}
	return goja.Undefined()
}
