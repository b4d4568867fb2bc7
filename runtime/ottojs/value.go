package ottojs

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strconv"

	"github.com/robertkrimen/otto"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// The methods of js.Reader.

func (v *vm) Check() { v.check() }

func (v *vm) Kind(val otto.Value) runtime.Kind {
	switch {
	case val.IsObject():
		return v.objectKind(val)
	case val.IsString():
		return runtime.KindString
	case val.IsNumber():
		return runtime.KindNumber
	case val.IsBoolean():
		return runtime.KindBool
	case val.IsNull():
		return runtime.KindNull
	}
	return runtime.KindUndefined
}

func (v *vm) objectKind(val otto.Value) runtime.Kind {
	switch val.Class() {
	case "Array":
		return js.KindArray
	case "Function":
		return js.KindFunction
	case "Error":
		return js.KindError
	case "String":
		return runtime.KindString
	case "Number":
		return runtime.KindNumber
	case "Boolean":
		return runtime.KindBool
	}
	if len(v.run.bytes) > 0 { // even an empty map would have the value hashed
		if _, ok := v.run.bytes[val]; ok {
			return runtime.KindBytes
		}
	}
	return js.KindObject
}

func (v *vm) Bool(val otto.Value) bool {
	if val.IsObject() {
		val = v.invoke(v.get(val, "valueOf"), val)
	}
	b, _ := val.ToBoolean()
	return b
}

func (v *vm) Number(val otto.Value) float64 {
	f, _ := val.ToFloat()
	return f
}

func (v *vm) String(val otto.Value) string { return val.String() }

// Units is String, as otto's strings have no lone surrogates.
func (v *vm) Units(val otto.Value) string { return val.String() }

func (v *vm) Bytes(val otto.Value) []byte { return v.run.bytes[val] }

func (v *vm) Len(val otto.Value) int {
	n, _ := v.get(val, "length").ToInteger()
	return int(n)
}

func (v *vm) Index(val otto.Value, i int) otto.Value { return v.get(val, strconv.Itoa(i)) }

// Keys puts array indexes first and in order, as ES2015 has it.
func (v *vm) Keys(val otto.Value) []string { return indexesFirst(val.Object().Keys()) }

func indexesFirst(keys []string) []string {
	if !slices.ContainsFunc(keys, func(k string) bool { return k != "" && k[0] >= '0' && k[0] <= '9' }) {
		return keys
	}
	slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(index(a), index(b)) })
	return keys
}

// index is the array index that a key is, or the largest one if it is none.
func index(key string) uint32 {
	n, err := strconv.ParseUint(key, 10, 32)
	if err != nil || n == math.MaxUint32 || strconv.FormatUint(n, 10) != key {
		return math.MaxUint32
	}
	return uint32(n)
}

func (v *vm) Get(val otto.Value, key string) otto.Value { return v.get(val, key) }

func (v *vm) ToJSON(val otto.Value, key string) (otto.Value, bool) {
	f := v.get(val, "toJSON")
	if !f.IsFunction() {
		return val, false
	}
	return v.invoke(f, val, key), true
}

func (v *vm) Describe(val otto.Value) string {
	switch v.Kind(val) {
	case js.KindFunction:
		if name := v.get(val, "name").String(); name != "" {
			return "[Function: " + name + "]"
		}
		return "[Function (anonymous)]"
	case js.KindError:
		e := v.errorOf(val)
		if e.Stack != "" {
			return e.Stack
		}
		return e.Name + ": " + e.Message
	case runtime.KindBytes:
		return "[Bytes: " + strconv.Itoa(len(v.run.bytes[val])) + "]"
	}
	return val.String()
}

func (v *vm) Same(a, b otto.Value) bool { return a == b }

func (v *vm) Class(val otto.Value) string {
	switch class := val.Class(); class {
	case "Date", "RegExp":
		return class
	}
	return ""
}

func (v *vm) Plain(val otto.Value) bool {
	return v.must(v.lib.plain.Call(undefined, val)) == otto.TrueValue()
}

// Web finds nothing, as what package bundle makes is not ES5.
func (v *vm) Web(val otto.Value, _ string) (otto.Value, bool) { return val, false }

func (v *vm) FromRequest(val otto.Value) bool {
	return len(v.run.fromRequest) > 0 && v.run.fromRequest[val]
}

// get reads a property. A getter's exception goes on as it is.
func (v *vm) get(val otto.Value, key string) otto.Value {
	if !val.IsObject() {
		v.typeError("%s has no properties here", v.Kind(val))
	}
	got, err := val.Object().Get(key)
	if err != nil {
		v.rethrow(err)
	}
	return got
}

// invoke calls a function from a native; what it throws goes on through the
// native to the JavaScript that called it.
func (v *vm) invoke(fn, this otto.Value, args ...any) otto.Value {
	result, err := v.call(fn, this, args)
	if v.run.caught {
		v.run.caught = false
		v.escaped(v.run.thrown)
		panic(v.run.thrown)
	}
	if err != nil {
		v.rethrow(err)
	}
	return result
}

// call calls a function through the prelude, which hands what it throws to
// caught: otto would turn that into a Go error and lose the value.
func (v *vm) call(fn, this otto.Value, args []any) (otto.Value, error) {
	const most = 5 // that the prelude passes on by itself
	if len(args) > most {
		bound, err := v.lib.bind.Call(fn, append([]any{this}, args...)...)
		if err != nil {
			return undefined, err
		}
		fn, args = bound, nil
	}
	return v.lib.attempt.Call(undefined, append([]any{fn, this, len(args)}, args...)...)
}

// rethrow throws what otto turned into a Go error.
func (v *vm) rethrow(err error) {
	if val, ok := v.thrownAs(err); ok {
		panic(val)
	}
	if e, ok := errors.AsType[*otto.Error](err); ok {
		name, message := splitError(e.Error())
		val := v.otto.MakeCustomError(name, message)
		_, _ = v.lib.restack.Call(undefined, val, e.String()) // it may be the stack that is used up
		v.escaped(val)
		panic(val)
	}
	panic(v.otto.MakeCustomError("Error", err.Error()))
}

// throw throws a Go error from a native.
func (v *vm) throw(err error) {
	e, ok := errors.AsType[*runtime.HostError](err)
	if !ok {
		panic(v.otto.MakeCustomError("Error", err.Error()))
	}
	name := e.Name
	if name == "" {
		name = "Error"
	}
	val := v.otto.MakeCustomError(name, e.Message)
	if e.Code != "" {
		if err := val.Object().Set("code", e.Code); err != nil {
			v.rethrow(err)
		}
	}
	v.escaped(val)
	panic(val)
}

// toGo converts an argument of a host function.
func (v *vm) toGo(fn *runtime.HostFunc, i int, val otto.Value) runtime.Value {
	arg, err := js.Argument(v, i, val, int(v.x.Limits.Memory), fn.Exact(i))
	if err != nil {
		v.throw(fn.Refused(err))
	}
	return arg
}

// fromGo converts what a host function returned.
func (v *vm) fromGo(val runtime.Value) otto.Value {
	switch val.Kind() {
	case runtime.KindNull:
		return otto.NullValue()
	case runtime.KindBool:
		if val.Truth() {
			return otto.TrueValue()
		}
		return otto.FalseValue()
	case runtime.KindNumber:
		return v.value(val.Float())
	case runtime.KindString:
		return v.value(val.Text())
	case runtime.KindBytes:
		return v.newBytes(val.Raw())
	case runtime.KindJSON:
		return v.fromJSON(string(val.Raw()))
	case runtime.KindResponse:
		return v.newResponse(val.Response())
	}
	return undefined
}

// value converts a string, a float64 or an int; a value stays what it is.
func (v *vm) value(x any) otto.Value {
	val, _ := otto.ToValue(x) // fails for other types only
	return val
}

func (v *vm) newBytes(b []byte) otto.Value {
	val := v.must(v.lib.bytes.Call(undefined, len(b)))
	if v.run.bytes == nil {
		v.run.bytes = make(map[otto.Value][]byte)
	}
	v.run.bytes[val] = b
	return val
}

// newObject evaluates an object literal, as calling Object takes otto a scope and
// a list of arguments.
func (v *vm) newObject() otto.Value { return v.must(v.otto.Eval(v.empty)) }

func (v *vm) newArray(items []any) otto.Value {
	if len(items) == 1 { // which could be a number, and then is a length
		list := v.must(v.lib.array.Call(undefined))
		v.must(undefined, list.Object().Set("0", items[0]))
		return list
	}
	return v.must(v.lib.array.Call(undefined, items...))
}

func (v *vm) must(val otto.Value, err error) otto.Value {
	if err != nil {
		v.rethrow(err)
	}
	return val
}

// set sets a property of an object that Go made, to what otto makes a value of.
func (v *vm) set(obj otto.Value, key string, val any) {
	if inherited[key] {
		v.must(v.lib.define.Call(undefined, obj, key, val))
		return
	}
	if err := obj.Object().Set(key, val); err != nil {
		v.rethrow(err)
	}
}
