package gojajs

import (
	"bytes"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dop251/goja"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// The methods of js.Reader.

func (v *vm) Check() { v.check() }

func (v *vm) Kind(val goja.Value) runtime.Kind {
	switch val := val.(type) {
	case nil:
		return runtime.KindUndefined
	case *goja.Object:
		return v.objectKind(val)
	case goja.String:
		return runtime.KindString
	case *goja.Symbol:
		return js.KindSymbol
	}
	switch {
	case goja.IsNumber(val):
		return runtime.KindNumber
	case goja.IsUndefined(val):
		return runtime.KindUndefined
	case goja.IsNull(val):
		return runtime.KindNull
	case goja.IsBigInt(val):
		return js.KindBigInt
	}
	return runtime.KindBool
}

func (v *vm) objectKind(obj *goja.Object) runtime.Kind {
	switch obj.ClassName() {
	case "Array":
		return js.KindArray
	case "Function", "AsyncFunction", "GeneratorFunction":
		return js.KindFunction
	case "Error":
		return js.KindError
	case "String":
		return runtime.KindString
	case "Number":
		return runtime.KindNumber
	case "Boolean":
		return runtime.KindBool
	case "Object":
		if isArray(obj) {
			return js.KindArray // a proxy of one
		}
		if isBoxedBigInt(obj) {
			return js.KindBigInt
		}
		if isTyped(obj) || isBuffer(obj) || isView(obj) {
			return runtime.KindBytes
		}
		if _, ok := goja.AssertFunction(obj); ok {
			return js.KindFunction // a proxy
		}
	}
	return js.KindObject
}

// bytesIn returns the bytes that an ArrayBuffer, a typed array or a DataView shows,
// not copied.
func (v *vm) bytesIn(obj *goja.Object) ([]byte, bool) {
	switch {
	case isBuffer(obj):
		return obj.Export().(goja.ArrayBuffer).Bytes(), true
	case isTyped(obj), isView(obj):
		var b []byte
		err := v.js.ExportTo(obj, &b)
		return b, err == nil
	}
	return nil, false
}

// isArray is Array.isArray, which sees through proxies.
func isArray(obj *goja.Object) bool {
	for isProxy(obj) {
		if obj = obj.Export().(goja.Proxy).Target(); obj == nil {
			return false
		}
	}
	return obj.ClassName() == "Array"
}

func isBuffer(obj *goja.Object) bool { return obj.ExportType() == reflect.TypeFor[goja.ArrayBuffer]() }

// isTyped tells a typed array, the only object of its class that exports as a
// slice of numbers.
func isTyped(obj *goja.Object) bool {
	if obj.ClassName() != "Object" {
		return false
	}
	t := obj.ExportType()
	return t.Kind() == reflect.Slice && reflect.Int <= t.Elem().Kind() && t.Elem().Kind() <= reflect.Float64
}

// isView tells a DataView.
func isView(obj *goja.Object) bool { return brand(obj) == "*goja.dataViewObject" }

// brand is the type by which goja implements an object: what it is by itself, whatever
// its prototype or its properties say, which nothing that is exported tells.
func brand(obj *goja.Object) string {
	return reflect.ValueOf(obj).Elem().FieldByName("self").Elem().Type().String()
}

func (v *vm) Class(val goja.Value) string {
	obj := val.(*goja.Object)
	switch class := obj.ClassName(); class {
	case "Date", "RegExp":
		return class
	}
	switch obj.ExportType() {
	case reflect.TypeFor[[][2]any]():
		return "Map"
	case reflect.TypeFor[[]any]():
		return "Set"
	case reflect.TypeFor[*goja.Promise]():
		return "Promise"
	}
	if v.asyncMade != nil && obj.Prototype() == v.asyncMade {
		return "generator"
	}
	return brands[brand(obj)]
}

// brands are other objects of which JSON has nothing.
var brands = map[string]string{
	"*goja.weakMapObject": "WeakMap", "*goja.weakSetObject": "WeakSet", "*goja.generatorObject": "generator",
	"*goja.arrayIterObject": "iterator", "*goja.mapIterObject": "iterator", "*goja.setIterObject": "iterator", "*goja.stringIterObject": "iterator", "*goja.regExpStringIterObject": "iterator",
}

func (v *vm) Plain(val goja.Value) bool {
	proto := val.(*goja.Object).Prototype()
	return proto == nil || proto == v.js.NewObject().Prototype()
}

// Web looks only where the program has the classes: for others it would be one more
// property to ask every answer for.
func (v *vm) Web(val goja.Value, method string) (goja.Value, bool) {
	if !v.script.web {
		return nil, false
	}
	obj := val.(*goja.Object)
	f, ok := goja.AssertFunction(obj.Get(method))
	if !ok {
		return nil, false
	}
	return v.must(f(obj)), true
}

func (v *vm) FromRequest(val goja.Value) bool {
	return v.marker != nil && val.(*goja.Object).GetSymbol(v.marker) != nil
}

func (v *vm) Bool(val goja.Value) bool {
	if obj, ok := val.(*goja.Object); ok {
		b, _ := obj.Export().(bool)
		return b
	}
	return val.ToBoolean()
}

func (v *vm) Number(val goja.Value) float64 { return val.ToFloat() }

// String returns a lone surrogate as U+FFFD.
func (v *vm) String(val goja.Value) string { return val.String() }

func (v *vm) Units(val goja.Value) string {
	s := val.String()
	if strings.ContainsRune(s, utf8.RuneError) {
		return encodeUnits(v.str(val))
	}
	return s
}

// encodeUnits is a text in UTF-8, with lone surrogates as three bytes.
func encodeUnits(s goja.String) string {
	var b []byte
	for i := 0; i < s.Length(); {
		c, n := runeAt(s, i, true)
		if i += n; utf16.IsSurrogate(c) {
			b = append(b, 0xE0|byte(c>>12), 0x80|byte(c>>6)&0x3F, 0x80|byte(c)&0x3F)
		} else {
			b = utf8.AppendRune(b, c)
		}
	}
	return string(b)
}

func (v *vm) Bytes(val goja.Value) []byte {
	b, _ := v.bytesIn(val.(*goja.Object))
	return b
}

func (v *vm) Len(val goja.Value) int { return v.lengthOf(val.(*goja.Object)) }

func (v *vm) Index(val goja.Value, i int) goja.Value {
	return val.(*goja.Object).Get(strconv.Itoa(i))
}

func (v *vm) Keys(val goja.Value) []string {
	obj := val.(*goja.Object)
	v.checkKeys(obj)
	keys := obj.Keys()
	if slices.ContainsFunc(keys, func(k string) bool { return strings.ContainsRune(k, utf8.RuneError) }) {
		// goja makes U+FFFD of what may be a lone surrogate.
		for i, key := range v.values(v.library("keys", obj, v.js.ToValue(len(keys)))) {
			keys[i] = v.Units(key)
		}
	}
	return keys
}

func (v *vm) Get(val goja.Value, key string) goja.Value {
	if !utf8.ValidString(key) {
		return v.library("get", val, v.NewString(key))
	}
	return val.(*goja.Object).Get(key)
}

func (v *vm) ToJSON(val goja.Value, key string) (goja.Value, bool) {
	obj, ok := val.(*goja.Object)
	switch {
	case !ok && goja.IsBigInt(val):
		obj = val.ToObject(v.js)
	case !ok:
		return val, false
	case obj.ClassName() == "Date" && isUnusual(timeOf(obj)):
		v.reach("toISOString")
	}
	f, ok := goja.AssertFunction(obj.Get("toJSON"))
	if !ok {
		return val, false
	}
	return v.must(f(val, v.NewString(key))), true
}

// isFunction tells what can be called. goja says so of most functions without
// an allocation.
func isFunction(val goja.Value) bool {
	obj, ok := val.(*goja.Object)
	if !ok {
		return false
	}
	if obj.ExportType() == reflect.TypeFor[nativeFunc]() {
		return true
	}
	_, ok = goja.AssertFunction(obj)
	return ok
}

// must passes on, inside a native, what a call threw.
func (v *vm) must(val goja.Value, err error) goja.Value {
	if err != nil {
		panic(rethrown(err))
	}
	return val
}

// callable is a method of the standard library, which a handler may have replaced by
// what can't be called.
func (v *vm) callable(method goja.Value) goja.Callable {
	f, ok := goja.AssertFunction(method)
	if !ok {
		v.typeError("a method of the standard library that this needs is not a function any more")
	}
	return f
}

func (v *vm) Describe(val goja.Value) string {
	switch v.Kind(val) {
	case js.KindFunction:
		if name := val.(*goja.Object).Get("name"); name != nil && name.String() != "" {
			return "[Function: " + name.String() + "]"
		}
		return "[Function (anonymous)]"
	case js.KindError:
		e := v.describeThrown(val, nil, maxCauses)
		if e.Stack != "" {
			return e.Stack
		}
		return e.Name + ": " + e.Message
	case runtime.KindBytes:
		return "[Bytes: " + strconv.Itoa(len(v.Bytes(val))) + "]"
	case js.KindBigInt:
		return val.String() + "n"
	case js.KindSymbol:
		return "Symbol(" + val.String() + ")"
	}
	return val.String()
}

func (v *vm) Same(a, b goja.Value) bool { return a.StrictEquals(b) }

// toGo converts an argument of a host function.
func (v *vm) toGo(fn *runtime.HostFunc, i int, val goja.Value) runtime.Value {
	arg, err := js.Argument(v, i, val, int(v.x.Limits.Memory), fn.Exact(i))
	if err != nil {
		v.throw(fn.Refused(err))
	}
	if arg.Kind() == runtime.KindBytes {
		return runtime.Bytes(bytes.Clone(arg.Raw())) // the handler may write to its own
	}
	return arg
}

// fromGo converts what a host function returned.
func (v *vm) fromGo(val runtime.Value) goja.Value {
	switch val.Kind() {
	case runtime.KindNull:
		return goja.Null()
	case runtime.KindBool:
		return v.js.ToValue(val.Truth())
	case runtime.KindNumber:
		return v.js.ToValue(val.Float())
	case runtime.KindString:
		return v.js.ToValue(val.Text())
	case runtime.KindBytes:
		return v.newBytes(val.Raw())
	case runtime.KindJSON:
		return v.fromJSON(string(val.Raw()))
	case runtime.KindResponse:
		return v.newResponse(val.Response())
	}
	return goja.Undefined()
}

// str is what the language makes of a value as a text. goja's ToString doesn't
// do it for numbers and the like.
func (v *vm) str(val goja.Value) goja.String {
	if obj, ok := val.(*goja.Object); ok {
		val = obj.ToString()
	}
	switch val := val.(type) {
	case goja.String:
		return val
	case *goja.Symbol:
		v.typeError("Cannot convert a Symbol value to a string")
	}
	s, _ := v.js.ToValue(val.String()).(goja.String)
	return s
}
