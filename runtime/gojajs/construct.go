package gojajs

import (
	"math"
	"slices"
	"strconv"

	"github.com/dop251/goja"

	"github.com/fazt-sh/fazt/runtime/internal/esregexp"
)

// constructorGuard makes a guard for a constructor: a function of JavaScript
// that passes calls on, after check has looked at their arguments.
func constructorGuard(check func(v *vm, name string, args []goja.Value) []goja.Value) guard {
	return func(v *vm, native *goja.Object) goja.Value {
		name := native.Get("name")
		look := goja.Undefined()
		if check != nil {
			look = v.js.ToValue(func(c goja.FunctionCall) goja.Value {
				v.x.Check()
				list := c.Argument(0).(*goja.Object)
				args := make([]goja.Value, v.lengthOf(list))
				for i := range args {
					args[i] = list.Get(strconv.Itoa(i))
				}
				return v.NewArray(check(v, name.String(), args))
			})
		}
		val := v.library("constructor", native, name, native.Get("length"), look)
		if slices.Contains(errorSources, name.String()) && slices.Contains(valueConstructors, name.String()) {
			// What these inherit from is Error, which then has to be the guarded one.
			v.install(v.script.shared.features["Error"], useValue)
			_ = val.(*goja.Object).SetPrototype(v.holder("Error"))
		}
		v.moveHolder(name.String(), val.(*goja.Object)) // guards of its functions belong there from now on
		return val
	}
}

// adopt gives a constructor that stands for another its prototype and functions.
func (v *vm) adopt(c goja.FunctionCall) goja.Value {
	wrapper, native := c.Argument(0).(*goja.Object), c.Argument(1).(*goja.Object)
	for _, key := range native.GetOwnPropertyNames() {
		if key == "name" || key == "length" || key == "prototype" {
			continue
		}
		v.hide(wrapper, key, native.Get(key))
	}
	_ = wrapper.SetPrototype(native.Prototype())
	if p, ok := native.Get("prototype").(*goja.Object); ok {
		_ = wrapper.DefineDataProperty("prototype", p, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
		v.hide(p, "constructor", wrapper)
	}
	species := v.js.ToValue(func(c goja.FunctionCall) goja.Value { return c.This })
	if native.GetSymbol(goja.SymSpecies) != nil {
		_ = wrapper.DefineAccessorPropertySymbol(goja.SymSpecies, species, nil, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	return goja.Undefined()
}

// hide defines a property that isn't enumerable.
func (v *vm) hide(obj *goja.Object, key string, val goja.Value) {
	_ = obj.DefineDataProperty(key, val, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

// listFirst makes a list of the iterable that a collection is made of.
func listFirst(v *vm, _ string, args []goja.Value) []goja.Value {
	if len(args) > 0 && !goja.IsUndefined(args[0]) && !goja.IsNull(args[0]) {
		args[0] = v.listOf(args[0])
	}
	return args
}

func (v *vm) checkBytes(n float64) {
	if n > float64(v.x.Limits.Memory) {
		v.rangeError("this needs more than " + strconv.FormatInt(v.x.Limits.Memory, 10) + " bytes, which is as much as a run may have")
	}
}

func checkBuffer(v *vm, _ string, args []goja.Value) []goja.Value {
	if len(args) > 0 {
		n := args[0].ToNumber() // once, as another time it may be another
		v.checkBytes(n.ToFloat())
		args[0] = n
	}
	return args
}

// checkTyped bounds what a typed array is made of: a length, a buffer, or a list
// that is walked through.
func checkTyped(v *vm, name string, args []goja.Value) []goja.Value {
	if len(args) == 0 {
		return args
	}
	obj, ok := args[0].(*goja.Object)
	if !ok {
		v.checkBytes(v.toNumber(args[0]) * elementSize(name))
		return args
	}
	args[0] = v.numbersOf(v.listLike(obj))
	return args
}

// typedFrom is for a typed array's from, which makes numbers of what a function,
// if there is one, makes of the list.
func typedFrom(v *vm, c goja.FunctionCall) goja.FunctionCall {
	a := c.Argument(0)
	if goja.IsUndefined(a) || goja.IsNull(a) {
		return c
	}
	list := v.listOf(a)
	if goja.IsUndefined(c.Argument(1)) {
		v.numbersOf(list)
	}
	return with(c, 0, list)
}

// numbersOf refuses a list with a text that takes long to read as a number.
func (v *vm) numbersOf(list goja.Value) goja.Value {
	if obj, ok := list.(*goja.Object); ok && obj.ClassName() == "Array" {
		for i := range v.lengthOf(obj) {
			v.x.Check()
			v.checkNumber(obj.Get(strconv.Itoa(i)))
		}
	}
	return list
}

// listLike makes a list of what is iterable or like an array. Bytes stay what
// they are.
func (v *vm) listLike(obj *goja.Object) goja.Value {
	if isBuffer(obj) || isTyped(obj) {
		return obj
	}
	if isIterable(obj) {
		return v.listOf(obj)
	}
	return v.library("copy", obj, v.js.ToValue(v.lengthOf(obj)))
}

func isIterable(obj *goja.Object) bool {
	it := obj.GetSymbol(goja.SymIterator)
	return it != nil && !goja.IsUndefined(it) && !goja.IsNull(it)
}

func elementSize(name string) float64 {
	switch name {
	case "Int16Array", "Uint16Array":
		return 2
	case "Int32Array", "Uint32Array", "Float32Array":
		return 4
	case "Float64Array", "BigInt64Array", "BigUint64Array":
		return 8
	}
	return 1
}

// bytesAsText bounds the text that is made of bytes, two characters for each at
// most.
func bytesAsText(v *vm, c goja.FunctionCall) goja.FunctionCall {
	if obj, ok := c.This.(*goja.Object); ok && isTyped(obj) && 2*v.toNumber(obj.Get("length")) > float64(v.maxText()) {
		v.tooLong("bytes as a text")
	}
	return c
}

// checkSet bounds the list that a typed array is set from.
func checkSet(v *vm, c goja.FunctionCall) goja.FunctionCall {
	if obj, ok := c.Argument(0).(*goja.Object); ok {
		return with(c, 0, v.numbersOf(v.listLike(obj)))
	}
	return c
}

// typedMethod guards a method of the typed arrays.
func typedMethod(v *vm, native *goja.Object) goja.Value {
	f := code(native)
	return v.stand(native, func(c goja.FunctionCall) goja.Value {
		if obj, ok := c.This.(*goja.Object); ok && isTyped(obj) {
			v.lengthOf(obj)
		}
		return f(c)
	})
}

// includesMethod makes a guard of includes, which has to take -0 for 0, of another.
func includesMethod(inner guard) guard {
	return func(v *vm, native *goja.Object) goja.Value {
		f := code(inner(v, native).(*goja.Object))
		return v.stand(native, func(c goja.FunctionCall) goja.Value {
			if obj, ok := c.This.(*goja.Object); ok && isZero(c.Argument(0)) {
				return v.js.ToValue(v.includesZero(obj, c.Argument(1)))
			}
			return f(c)
		})
	}
}

func isZero(val goja.Value) bool { return val != nil && goja.IsNumber(val) && val.ToFloat() == 0 }

// includesZero looks for 0 or -0 in an array, from an index on.
func (v *vm) includesZero(obj *goja.Object, from goja.Value) bool {
	n := v.lengthOf(obj)
	v.checkNumber(from)
	start := v.toNumber(from)
	if start < 0 {
		start = math.Max(start+float64(n), 0)
	}
	if math.IsNaN(start) {
		start = 0
	}
	for i := int(math.Min(start, float64(n))); i < n; i++ {
		v.x.Check()
		if isZero(obj.Get(strconv.Itoa(i))) {
			return true
		}
	}
	return false
}

// arrayFrom is Array.from.
func arrayFrom(v *vm, c goja.FunctionCall) goja.Value {
	from := c.Argument(0)
	var list goja.Value
	if _, ok := from.(goja.String); ok {
		list = v.listOf(from)
	} else {
		list = v.listLike(from.ToObject(v.js))
	}
	if list == from || isTypedValue(list) {
		list = v.library("list", list)
	}
	f := c.Argument(1)
	if _, ok := goja.AssertFunction(f); !ok && !goja.IsUndefined(f) {
		v.typeError("Array.from: the second argument must be a function")
	}
	if _, ok := goja.AssertConstructor(c.This); ok && c.This != v.holder("Array") {
		return v.library("fromOf", c.This, list, f, c.Argument(2), v.js.ToValue(!iterates(from)))
	}
	if !goja.IsUndefined(f) {
		return v.library("from", list, f, c.Argument(2))
	}
	return list
}

// iterates is isIterable of any value.
func iterates(val goja.Value) bool {
	obj, ok := val.(*goja.Object)
	if !ok {
		_, ok = val.(goja.String)
		return ok
	}
	return isIterable(obj)
}

func isTypedValue(val goja.Value) bool {
	obj, ok := val.(*goja.Object)
	return ok && isTyped(obj)
}

// flat is Array.prototype.flat.
func flat(v *vm, c goja.FunctionCall) goja.Value {
	depth := c.Argument(0)
	if goja.IsUndefined(depth) {
		depth = v.js.ToValue(1)
	}
	return v.library("flat", c.This.ToObject(v.js), v.js.ToValue(math.Trunc(v.toNumber(depth))))
}

func checkRegExp(v *vm, _ string, args []goja.Value) []goja.Value {
	if len(args) == 0 || goja.IsUndefined(args[0]) {
		return args
	}
	source := args[0]
	if isRegExp(source) {
		// In the parts that were looked at: what goja makes of the object may be
		// another text.
		re := source.(*goja.Object)
		if len(args) == 1 || goja.IsUndefined(args[1]) {
			args = []goja.Value{nil, re.Get("flags")}
		}
		source = re.Get("source")
	}
	text := v.str(source)
	flags := ""
	if len(args) > 1 && !goja.IsUndefined(args[1]) {
		letters := v.str(args[1])
		flags, args[1] = letters.String(), letters
	}
	v.checkPattern(text.String(), flags)
	if err := esregexp.Check(text.String(), esregexp.ParseFlags(flags)); err != nil {
		v.throwError("SyntaxError", "", err.Error())
	}
	if args[0] = text; isRefused(text.String(), flags, false) {
		args[0], v.meant = v.js.ToValue(standIn), text
	}
	return args
}

// execGuard keeps the function, by which a RegExp is told that nobody changed.
func execGuard(v *vm, native *goja.Object) goja.Value {
	v.exec = v.stand(native, func(c goja.FunctionCall) goja.Value { return exec(v, c) })
	return v.exec
}

// bigIntGuard guards BigInt, which exists where the program was compiled for it:
// its operators go through functions of ours then.
func bigIntGuard(v *vm, native *goja.Object) goja.Value {
	if !v.script.bigints {
		return refused("name BigInt in the program's text to use it")(v, native)
	}
	f := code(native)
	val := v.stand(native, func(c goja.FunctionCall) goja.Value { return f(checkBigInt(v, c)) }).(*goja.Object)
	v.adopt(goja.FunctionCall{Arguments: []goja.Value{val, native}})
	v.moveHolder("BigInt", val)
	return val
}

// proxyGuard guards Proxy: each use of a proxy is a checkpoint, since its traps
// may be natives, and proxies of proxies are bounded.
func proxyGuard(v *vm, native *goja.Object) goja.Value {
	return v.library("wrap", native, native.Get("name"), native.Get("length"), v.js.ToValue(func(c goja.FunctionCall) goja.Value {
		list := c.Argument(0).(*goja.Object)
		target, ok1 := list.Get("0").(*goja.Object)
		handler, ok2 := list.Get("1").(*goja.Object)
		if !ok1 || !ok2 || !c.Argument(1).ToBoolean() {
			return list
		}
		traps := v.js.NewDynamicObject(&handlerObject{vm: v, handler: handler})
		v.nest(traps, target)
		v.nest(traps, handler)
		return v.newArray(target, traps)
	}))
}

// handlerObject is a proxy's handler with a checkpoint in front of it.
type handlerObject struct {
	vm      *vm
	handler *goja.Object
}

func (h *handlerObject) Get(key string) goja.Value {
	h.vm.x.Check()
	trap := h.handler.Get(key)
	obj, ok := trap.(*goja.Object)
	if h.vm.isNative(trap) && !isProxy(obj) {
		// Natives that call one another by their traps nest on the Go stack.
		trap = h.vm.stand(obj, code(obj))
		obj = trap.(*goja.Object)
	}
	if f, callable := goja.AssertFunction(trap); callable && key == "ownKeys" {
		return h.vm.js.ToValue(func(c goja.FunctionCall) goja.Value { return h.vm.keyList(h.vm.must(f(c.This, c.Arguments...))) })
	}
	if !ok || key != "get" || code(obj) == nil {
		return trap
	}
	f := code(obj)
	return h.vm.js.ToValue(func(c goja.FunctionCall) goja.Value {
		if c.Argument(1) == goja.SymToPrimitive {
			return goja.Undefined() // see noToPrimitive
		}
		return f(c)
	})
}

// keyList is what the ownKeys of a proxy returned, without holes: goja reads them
// as nil pointers.
func (v *vm) keyList(val goja.Value) goja.Value {
	list, ok := val.(*goja.Object)
	if !ok {
		return val
	}
	keys := make([]any, v.lengthOf(list))
	for i := range keys {
		v.x.Check()
		if keys[i] = list.Get(strconv.Itoa(i)); keys[i] == nil {
			keys[i] = goja.Undefined()
		}
	}
	return v.newArray(keys...)
}

func (h *handlerObject) Set(key string, val goja.Value) bool { return h.handler.Set(key, val) == nil }
func (h *handlerObject) Has(key string) bool                 { return h.handler.Get(key) != nil }
func (h *handlerObject) Delete(key string) bool              { return h.handler.Delete(key) == nil }
func (h *handlerObject) Keys() []string                      { return h.handler.Keys() }

// prepareConstructor takes away the constructors of functions, which make code
// of text, and guards those that a value's constructor may be.
func (v *vm) prepareConstructor() {
	no := refused(noEval)(v, v.holder("Function.prototype").Get("constructor").(*goja.Object))
	for _, f := range v.functionKinds() {
		v.hide(f, "constructor", no)
	}
	for _, name := range valueConstructors {
		v.install(v.script.shared.features[name], useValue)
	}
	for _, path := range holderPaths {
		if f := v.script.shared.features[baseOf(path)]; f != nil {
			v.install(f, useName)
		}
	}
}

// functionKinds are the prototypes of functions, async functions, generators.
func (v *vm) functionKinds() []*goja.Object {
	kinds := []*goja.Object{v.holder("Function.prototype")}
	list := v.library("functions").(*goja.Object)
	for i := range v.lengthOf(list) {
		kinds = append(kinds, list.Get(strconv.Itoa(i)).(*goja.Object).Prototype())
	}
	return kinds
}

// prepareProto guards o.__proto__ = p.
func (v *vm) prepareProto() {
	v.library("guardProto", v.holder("Object.prototype"), v.js.ToValue(func(c goja.FunctionCall) goja.Value {
		v.checkPrototype(c.Argument(0), c.Argument(1))
		return goja.Undefined()
	}))
}

// shortNumbers guards a native that makes numbers of all its arguments.
func shortNumbers(v *vm, c goja.FunctionCall) goja.FunctionCall {
	for _, a := range c.Arguments {
		v.checkNumber(a)
	}
	return c
}

// checkNumber refuses a text that takes long to read as a number.
func (v *vm) checkNumber(val goja.Value) {
	if s, ok := val.(goja.String); ok && s.Length() > maxNumber {
		v.rangeError("a text of more than " + strconv.Itoa(maxNumber) + " characters is no number")
	}
}

// maxNumber is how long a text may be of which natives make a number.
const maxNumber = 10_000

// shortNumber refuses a text that is far longer than a number can be.
func shortNumber(v *vm, c goja.FunctionCall) goja.FunctionCall {
	s := v.str(c.Argument(0))
	if s.Length() > maxNumber {
		s = s.Substring(0, maxNumber)
	}
	return with(c, 0, s)
}

// prepareRest makes each step of an array's iterator a checkpoint, since the
// rest of a pattern is collected in one step.
func (v *vm) prepareRest() {
	it := v.arrayIterators()
	v.hide(it, "next", plainGuard(v, it.Get("next").(*goja.Object)))
}

// argumentsObject has the iterator of arrays, whatever a handler may have made of it in
// Array.prototype.
var argumentsObject = goja.MustCompile("", "(function () { return arguments; })()", false)

// arrayIterators is the prototype of the iterators of arrays.
func (v *vm) arrayIterators() *goja.Object {
	args, err := v.js.RunProgram(argumentsObject)
	if err != nil {
		panic(rethrown(err))
	}
	values := v.callable(args.(*goja.Object).GetSymbol(goja.SymIterator))
	return v.must(values(v.newArray())).(*goja.Object).Prototype()
}

// prepareNumberTexts bounds how deep what makes a text of a number nests: goja
// makes a text of whatever else it is called on, for an error.
func (v *vm) prepareNumberTexts() {
	for _, key := range []string{"toString", "valueOf"} {
		v.replace(slot{holder: "Number.prototype", key: key, guard: plainGuard})
	}
}

// prepareDelegation bounds how deep generators delegate to one another, as goja
// recurses through them on the Go stack.
func (v *vm) prepareDelegation() {
	generator := v.functionKinds()[2].Get("prototype").(*goja.Object)
	for _, name := range []string{"next", "return", "throw"} {
		v.hide(generator, name, plainGuard(v, generator.Get(name).(*goja.Object)))
	}
}

// haveBytes guards the natives of typed arrays, before the run gets the first.
func (v *vm) haveBytes() {
	v.install(v.script.shared.features["Uint8Array"], useName)
}
