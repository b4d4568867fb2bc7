package gojajs

import (
	"math"
	"reflect"
	"slices"
	"strconv"

	"github.com/dop251/goja"
)

// maxArguments bounds what apply passes on; Node's stack has room for about as
// many.
const maxArguments = 100_000

// maxNested bounds how deep proxies and bound functions wrap one another, as
// goja recurses through them on the Go stack.
const maxNested = 100

// bytesPerElement is about what an element takes in a goja array, with what it
// refers to.
const bytesPerElement = 32

// longest is how long an array may be for a native to walk through it.
func (v *vm) longest() int { return int(v.x.Limits.Memory / bytesPerElement) }

// maxText bounds the texts that a run makes, in units of UTF-16.
func (v *vm) maxText() int { return v.x.Limits.MaxText() }

func (v *vm) rangeError(message string) { v.throwError("RangeError", "", message) }
func (v *vm) typeError(message string)  { v.throwError("TypeError", "", message) }

// nativeFunc is how a native takes a call inside the interpreter.
type nativeFunc = func(goja.FunctionCall) goja.Value

// code is a native's Go function, which is called without the bookkeeping of
// goja.AssertFunction. It is nil for an object that is no function: that isn't
// exported, as goja makes a copy of all that is in it, or of its length.
func code(native *goja.Object) nativeFunc {
	if native.ClassName() != "Function" {
		return nil
	}
	f, _ := native.Export().(nativeFunc)
	return f
}

// enter notes that a guarded native begins; it is a checkpoint.
func (v *vm) enter() {
	v.x.Check()
	if v.depth++; v.depth > v.x.Limits.StackDepth {
		v.depth--
		v.rangeError("Maximum call stack size exceeded")
	}
}

func (v *vm) leave() { v.depth-- }

// stand makes the function that stands for a native, with its name and length.
func (v *vm) stand(native *goja.Object, f nativeFunc) goja.Value {
	obj := v.js.ToValue(func(c goja.FunctionCall) goja.Value {
		v.enter()
		defer v.leave()
		return f(c)
	}).(*goja.Object)
	for _, key := range []string{"name", "length"} {
		_ = obj.DefineDataProperty(key, native.Get(key), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	return obj
}

// plainGuard is for a native that is called by other natives.
func plainGuard(v *vm, native *goja.Object) goja.Value { return v.stand(native, code(native)) }

// checking makes a guard that looks at the call first.
func checking(check func(v *vm, c goja.FunctionCall) goja.FunctionCall) guard {
	return func(v *vm, native *goja.Object) goja.Value {
		f := code(native)
		return v.stand(native, func(c goja.FunctionCall) goja.Value { return f(check(v, c)) })
	}
}

// instead makes a guard that replaces a native.
func instead(f func(v *vm, c goja.FunctionCall) goja.Value) guard {
	return func(v *vm, native *goja.Object) goja.Value {
		return v.stand(native, func(c goja.FunctionCall) goja.Value { return f(v, c) })
	}
}

// refused makes a guard that throws.
func refused(message string) guard {
	return func(v *vm, native *goja.Object) goja.Value {
		val := v.stand(native, func(goja.FunctionCall) goja.Value {
			v.throwError("EvalError", "", message)
			return nil
		}).(*goja.Object)
		if p, ok := native.Get("prototype").(*goja.Object); ok {
			_ = val.DefineDataProperty("prototype", p, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
			v.hide(p, "constructor", val)
		}
		return val
	}
}

// with returns a call with another argument i.
func with(c goja.FunctionCall, i int, val goja.Value) goja.FunctionCall {
	args := slices.Clone(c.Arguments)
	for len(args) <= i {
		args = append(args, goja.Undefined())
	}
	args[i] = val
	c.Arguments = args
	return c
}

// lengthOf is the length of an array or of something like it.
func (v *vm) lengthOf(obj *goja.Object) int {
	f := math.Trunc(v.toNumber(obj.Get("length")))
	switch {
	case !(f > 0):
		return 0
	case f > float64(v.longest()):
		v.rangeError("the length is more than " + strconv.Itoa(v.longest()) + ", which is as much as a run may handle")
	}
	return int(f)
}

func (v *vm) toNumber(val goja.Value) float64 {
	if val == nil {
		return math.NaN()
	}
	return val.ToNumber().ToFloat()
}

// arrayMethod guards a method of Array.prototype. What isn't an array is copied
// into one, as its length may change while it is walked through.
func arrayMethod(v *vm, native *goja.Object) goja.Value {
	f, name := code(native), native.Get("name").String()
	return v.stand(native, func(c goja.FunctionCall) goja.Value {
		obj, ok := c.This.(*goja.Object)
		switch {
		case !ok:
			if s, ok := c.This.(goja.String); ok && s.Length() > v.longest() {
				v.rangeError("the text is longer than a run may handle as an array")
			}
			return f(c)
		case obj.ClassName() == "Array", isTyped(obj):
			v.checkCompared(name, c, v.lengthOf(obj))
			return f(c)
		}
		length := v.lengthOf(obj)
		v.checkCompared(name, c, length)
		list := v.library("copy", obj, v.js.ToValue(length))
		c.This = list
		val := f(c)
		if mutators[name] {
			v.library("restore", obj, list, v.js.ToValue(length))
		}
		if val == list {
			return obj
		}
		return val
	})
}

var mutators = map[string]bool{"copyWithin": true, "fill": true, "pop": true, "push": true, "reverse": true, "shift": true,
	"sort": true, "splice": true, "unshift": true}

// sort compares texts in a function of ours, which is a checkpoint.
func sortMethod(v *vm, native *goja.Object) goja.Value {
	inner := arrayMethod(v, native).(*goja.Object)
	f := code(inner)
	return v.stand(native, func(c goja.FunctionCall) goja.Value {
		if !goja.IsUndefined(c.Argument(0)) {
			return f(c)
		}
		if obj, ok := c.This.(*goja.Object); ok && isTyped(obj) {
			return f(c)
		}
		return f(with(c, 0, v.js.ToValue(func(c goja.FunctionCall) goja.Value {
			v.x.Check()
			a := v.str(c.Argument(0))
			b := v.str(c.Argument(1))
			return v.js.ToValue(a.CompareTo(b))
		})))
	})
}

// join counts what it builds, and finds arrays that contain themselves.
func (v *vm) join(c goja.FunctionCall) goja.Value {
	obj := c.This.ToObject(v.js)
	n := v.lengthOf(obj)
	sep := ","
	if s := c.Argument(0); !goja.IsUndefined(s) {
		sep = s.String()
	}
	if slices.Contains(v.joining, obj) {
		return v.js.ToValue("")
	}
	v.joining = append(v.joining, obj)
	defer func() { v.joining = v.joining[:len(v.joining)-1] }()
	var b goja.StringBuilder
	size := 0
	separator := v.str(v.js.ToValue(sep))
	write := func(s goja.String) {
		if size += s.Length(); size > v.maxText() {
			v.tooLong("join")
		}
		b.WriteString(s)
	}
	for i := range n {
		v.x.Check()
		if i > 0 && sep != "" {
			write(separator)
		}
		if e := obj.Get(strconv.Itoa(i)); e != nil && !goja.IsUndefined(e) && !goja.IsNull(e) {
			write(v.str(e))
		}
	}
	return b.String()
}

// countConcat counts what concat puts together.
func (v *vm) countConcat(c goja.FunctionCall) (goja.FunctionCall, int) {
	total := 0
	spread := func(val goja.Value) goja.Value {
		obj, ok := val.(*goja.Object)
		if !ok {
			return val
		}
		if obj.ClassName() != "Array" {
			if s := obj.GetSymbol(goja.SymIsConcatSpreadable); s == nil || !s.ToBoolean() {
				total++
				return val
			}
			val = v.library("copy", obj, v.js.ToValue(v.lengthOf(obj)))
		}
		total += v.lengthOf(val.(*goja.Object))
		return val
	}
	c.This = spread(c.This)
	c.Arguments = slices.Clone(c.Arguments)
	for i, a := range c.Arguments {
		c.Arguments[i] = spread(a)
		if total > v.longest() {
			v.rangeError("concat: the array is too long")
		}
	}
	return c, total
}

// maxKeys is how many keys are listed or made in one step, which takes a
// microsecond for each.
const maxKeys = 100_000

// checkCompared bounds what a search among n elements compares with a text.
func (v *vm) checkCompared(name string, c goja.FunctionCall, n int) {
	switch name {
	case "includes", "indexOf", "lastIndexOf":
		if want, ok := c.Argument(0).(goja.String); ok && float64(n)*float64(want.Length()) > maxSearch {
			v.rangeError("this search takes too long; look for a shorter text, or in a shorter list")
		}
	}
}

// checkKeys refuses an object whose keys alone are too many: each character of
// a text and each element of a typed array is one.
func (v *vm) checkKeys(val goja.Value) {
	n := 0
	switch val := val.(type) {
	case goja.String:
		n = val.Length()
	case *goja.Object:
		if val.ClassName() == "String" || val.ClassName() == "Array" || isTyped(val) {
			n = int(v.toNumber(val.Get("length")))
		}
	}
	if n > maxKeys {
		v.rangeError("there are too many keys: " + strconv.Itoa(n))
	}
}

func keysOf(v *vm, c goja.FunctionCall) goja.FunctionCall {
	for _, a := range c.Arguments {
		v.checkKeys(a)
	}
	return c
}

// object stands around what {...x} copies.
func (v *vm) object(c goja.FunctionCall) goja.Value {
	v.checkKeys(c.Argument(0))
	return c.Argument(0)
}

// list stands around what [...x] and f(...x) spread.
func (v *vm) list(c goja.FunctionCall) goja.Value { return v.listOf(c.Argument(0)) }

// listOf makes an array of an iterable, in steps that can be stopped.
func (v *vm) listOf(val goja.Value) goja.Value {
	if obj, ok := val.(*goja.Object); ok && obj.ClassName() == "Array" && v.lengthOf(obj) == 0 {
		return val
	}
	return v.library("list", val)
}

func iterable(i int) guard {
	return checking(func(v *vm, c goja.FunctionCall) goja.FunctionCall {
		if a := c.Argument(i); !goja.IsUndefined(a) && !goja.IsNull(a) {
			return with(c, i, v.listOf(a))
		}
		return c
	})
}

// arguments checks a list of arguments as apply takes it.
func (v *vm) argumentList(val goja.Value) goja.Value {
	obj, ok := val.(*goja.Object)
	if !ok {
		return val
	}
	n := v.lengthOf(obj)
	if n > maxArguments {
		v.rangeError("there are more than " + strconv.Itoa(maxArguments) + " arguments")
	}
	if obj.ClassName() == "Array" {
		return val
	}
	return v.library("copy", obj, v.js.ToValue(n))
}

func argumentsAt(i int) guard {
	return checking(func(v *vm, c goja.FunctionCall) goja.FunctionCall { return with(c, i, v.argumentList(c.Argument(i))) })
}

// named guards what an argument names, before it is looked up.
func named(v *vm, c goja.FunctionCall) goja.FunctionCall {
	return with(c, 1, v.key(goja.FunctionCall{Arguments: []goja.Value{c.Argument(1)}}))
}

// touching keeps the standard objects where a handler may replace globals in a
// way that doesn't show their names.
func touching(v *vm, c goja.FunctionCall) goja.FunctionCall {
	if c.Argument(0) == v.js.GlobalObject() {
		for _, path := range holderPaths {
			v.holder(path)
		}
	}
	return keysOf(v, c)
}

// defining is touching for what sets one property.
func defining(v *vm, c goja.FunctionCall) goja.FunctionCall {
	return touching(v, naming(v, named(v, c)))
}

// describingAll is touching for what takes descriptions of many properties. That
// of a conversion may be a function with a value.
func describingAll(v *vm, c goja.FunctionCall) goja.FunctionCall {
	if obj, ok := c.Argument(1).(*goja.Object); ok && slices.Contains(obj.Symbols(), goja.SymToPrimitive) {
		v.typeError(noToPrimitive)
	}
	return touching(v, namingAll(v, c))
}

// noToPrimitive: goja makes a text of a conversion that is no function to say so
// in an error, which converts it again: an object whose conversion is itself, or
// another like it, would overflow the Go stack. So no object gets one.
const noToPrimitive = "Symbol.toPrimitive is not available; define valueOf or toString"

// fromEntries is Object.fromEntries, whose keys nobody else sees.
func fromEntries(v *vm, native *goja.Object) goja.Value {
	f := code(native)
	return v.stand(native, func(c goja.FunctionCall) goja.Value {
		if a := c.Argument(0); !goja.IsUndefined(a) && !goja.IsNull(a) {
			c = with(c, 0, v.listOf(a))
		}
		val := f(c)
		if slices.Contains(val.(*goja.Object).Symbols(), goja.SymToPrimitive) {
			v.typeError(noToPrimitive)
		}
		return val
	})
}

// maxDescribed is how many properties are described in one step.
const maxDescribed = 20_000

// allNamed guards all that an object has, before it is looked up at once.
func allNamed(v *vm, c goja.FunctionCall) goja.FunctionCall {
	for _, a := range c.Arguments {
		v.checkKeys(a)
		if obj, ok := a.(*goja.Object); ok {
			names := obj.GetOwnPropertyNames()
			if len(names) > maxDescribed {
				v.rangeError("there are more than " + strconv.Itoa(maxDescribed) + " properties to be described")
			}
			for _, name := range names {
				v.reach(name)
			}
			for _, s := range symbols { // Symbols has only those that are enumerable
				v.reach(s.String())
			}
		}
	}
	return c
}

// describing guards what finds the natives behind accessors.
func describing(before func(*vm, goja.FunctionCall) goja.FunctionCall) guard {
	return func(v *vm, native *goja.Object) goja.Value {
		f := code(native)
		return v.stand(native, func(c goja.FunctionCall) goja.Value {
			val := f(before(v, c))
			if obj, ok := val.(*goja.Object); ok {
				v.guardAccessors(obj)
			}
			return val
		})
	}
}

// describer is describing(named), which keeps the native for the library.
func describer(v *vm, native *goja.Object) goja.Value {
	v.describer = native
	return describing(named)(v, native)
}

// guardAccessors guards the accessors in a property's description, or in a list
// of such.
func (v *vm) guardAccessors(descriptor *goja.Object) {
	for _, key := range descriptor.Keys() {
		obj, ok := descriptor.Get(key).(*goja.Object)
		if !ok {
			continue
		}
		if key == "get" || key == "set" {
			if f := code(obj); f != nil {
				v.put(descriptor, key, v.stand(obj, f))
			}
		} else if obj.ClassName() == "Object" && key != "value" {
			v.guardAccessors(obj)
		}
	}
}

// setPrototype refuses a chain of prototypes that leads through a proxy back to
// its beginning: goja would follow it without end.
func setPrototype(v *vm, c goja.FunctionCall) goja.FunctionCall {
	v.checkPrototype(c.Argument(0), c.Argument(1))
	return c
}

func (v *vm) checkPrototype(target, prototype goja.Value) {
	var follow func(val goja.Value)
	follow = func(val goja.Value) {
		for obj, ok := val.(*goja.Object); ok && obj != nil; obj = obj.Prototype() {
			v.x.Check()
			if obj == target {
				v.typeError("Cyclic __proto__ value")
			}
			if obj.ExportType() == reflect.TypeFor[goja.Proxy]() {
				follow(obj.Export().(goja.Proxy).Target())
				return
			}
		}
	}
	follow(prototype)
}

// bind bounds how deep bound functions wrap one another, and lets them go
// through a checkpoint.
func bind(v *vm, native *goja.Object) goja.Value {
	f := code(native)
	return v.stand(native, func(c goja.FunctionCall) goja.Value {
		target, ok := c.This.(*goja.Object)
		if !ok {
			return f(c)
		}
		c.This = v.library("wrap", target, v.shortName(target), target.Get("length"))
		bound := f(c)
		if obj, ok := bound.(*goja.Object); ok {
			v.nest(obj, target)
		}
		return bound
	})
}

// nest notes that an object wraps another.
func (v *vm) nest(outer, inner *goja.Object) {
	depth := v.nested[inner] + 1
	if depth > maxNested {
		v.rangeError("functions or proxies wrap one another more than " + strconv.Itoa(maxNested) + " times")
	}
	if v.nested == nil {
		v.nested = make(map[*goja.Object]int)
	}
	v.nested[outer] = depth
}
