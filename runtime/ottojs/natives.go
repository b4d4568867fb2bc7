package ottojs

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/robertkrimen/otto"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// bytesPerElement is about what an element takes in one of otto's arrays.
const bytesPerElement = 128

type native = func(otto.FunctionCall) otto.Value

// makeBridge makes what the prelude gets from Go. Handlers never see it.
func (v *vm) makeBridge() (*otto.Object, error) {
	obj, err := v.otto.Object("({})")
	if err != nil {
		return nil, err
	}
	set := func(name string, x any) { err = errors.Join(err, obj.Set(name, x)) }
	set("longest", v.longest())
	set("oddIndex", oddIndex)
	set("requestFields", strings.Join(js.RequestFields, " "))
	set("partNames", strings.Join(js.PartNames, " "))
	for name, fn := range map[string]native{
		"caught": v.caught, "read": func(otto.FunctionCall) otto.Value { v.read(); return undefined }, "requestField": v.requestField, "parse": v.jsonParse, "stringify": v.jsonStringify,
		"exec": v.exec, "checkPattern": v.checkPattern, "escape": v.escape, "unescape": v.unescape,
		"lessText": func(c otto.FunctionCall) otto.Value {
			return truth(lessText(c.Argument(0).String(), c.Argument(1).String()))
		},
		"functionText": func(c otto.FunctionCall) otto.Value { return v.value(functionText(c.Argument(0).String())) },
		"assign":       v.assign, "copied": v.copied, "apply": v.apply, "indexOf": v.indexOfElement, "ordered": v.ordered, "oddName": v.oddName, "isOddIndex": func(c otto.FunctionCall) otto.Value { return truth(isOddIndex(c.Argument(0).String())) }, "parseURL": v.parseURL, "setURL": v.setURL, "formEncode": v.formEncode, "formDecode": v.formDecode, "hypot": v.hypot, "uri": v.uri, "encodable": func(c otto.FunctionCall) otto.Value { return v.value(v.encodable(c.Argument(0).String())) },
		"randomUUID":      v.randomUUID,
		"timingSafeEqual": v.timingSafeEqual, "encodingOf": v.encodingOf, "decoder": v.decoder,
		"random": v.random, "btoa": v.btoa, "atob": v.atob, "bytesFrom": v.bytesFrom,
		"join": v.join, "bytesToString": v.bytesToString, "bytesSlice": v.bytesSlice, "bytesAt": v.bytesAt,
	} {
		set(name, fn)
	}
	for _, natives := range []map[string]native{v.numberNatives(), v.intlNatives()} {
		for name, fn := range natives {
			set(name, fn)
		}
	}
	strs, e := v.otto.Object("({})")
	if e != nil {
		return nil, e
	}
	for name, f := range v.stringMethods() {
		err = errors.Join(err, strs.Set(name, v.method(name, f)))
	}
	set("strings", strs.Value())
	maths, e := v.otto.Object("({})")
	if e != nil {
		return nil, e
	}
	for name, f := range v.maths() {
		err = errors.Join(err, maths.Set(name, f))
	}
	set("maths", maths.Value())
	return obj, err
}

func (v *vm) longest() int { return int(v.script.unit.Limits.Memory / bytesPerElement) }

// maxText bounds the texts that a run makes, in bytes.
func (v *vm) maxText() int { return v.script.unit.Limits.MaxText() }

// sum is the result of a + b.
func (v *vm) sum(c otto.FunctionCall) otto.Value {
	sum := c.Argument(0)
	if sum.IsString() {
		if n := len(sum.String()); n > v.maxText() {
			v.x.TextTooLong(fmt.Sprint(n, " bytes"), fmt.Sprint(v.maxText(), " bytes"))
		}
	}
	return sum
}

func (v *vm) rangeError(format string, args ...any) {
	v.throw(&runtime.HostError{Name: "RangeError", Message: fmt.Sprintf(format, args...)})
}

// bindSecrets sets what the files' secret parameters get, see compile.go.
func (v *vm) bindSecrets() error {
	for _, fn := range []any{v.key, v.sum, v.passed, v.methodName, v.numberOf, v.int32, v.less, v.equal, v.lib.setLength, v.lib.object, v.visited, v.madeError, v.catches, v.here, v.rightSide, v.noteThrow, v.end, v.caught} {
		if f, ok := fn.(func(otto.FunctionCall) otto.Value); ok {
			fn = native(f)
		}
		val, err := v.otto.ToValue(fn)
		if err != nil {
			return err
		}
		v.secret = append(v.secret, val)
	}
	return nil
}

// maxName bounds the names that errors quote: of variables and functions, and of
// methods that are computed.
const maxName = 1024

func (v *vm) methodName(c otto.FunctionCall) otto.Value {
	k := c.Argument(0)
	if k.IsObject() {
		k = v.invoke(v.lib.text, undefined, k)
	}
	if k.IsString() && len(k.String()) > maxName {
		v.typeError("there is no method with so long a name")
	}
	return k
}

// longForAssign is from which length on array.length may only be assigned as
// such, so that the prelude's setLength shortens it.
const longForAssign = 4096

// key stands around the property in an assignment whose property may be
// special. It returns the property.
func (v *vm) key(c otto.FunctionCall) otto.Value {
	k := c.Argument(1)
	if k.IsNumber() {
		return k
	}
	if k.IsObject() {
		k = v.invoke(v.lib.text, undefined, k)
	}
	if !k.IsString() {
		return k
	}
	name, o := k.String(), c.Argument(0)
	switch {
	case isOddIndex(name) && o.Class() == "Array":
		return v.assigning(oddProperty{o, name})
	case name == "length" && (o.IsNull() || o.Class() == "Array" && v.Len(o) > longForAssign):
		v.rangeError("write array.length = n to change the length of a long array")
	case inherited[name] && o.IsObject():
		v.invoke(v.lib.permit, undefined, o, k)
	}
	return k
}

func (v *vm) jsonParse(c otto.FunctionCall) otto.Value {
	text := c.Argument(0).String()
	return v.asForeign(func() otto.Value { return v.parse(text) })
}

func (v *vm) jsonStringify(c otto.FunctionCall) otto.Value {
	out, ok, err := js.AppendJSON(nil, v, c.Argument(0), c.Argument(1).String(), v.maxText())
	if err != nil {
		if _, ok := errors.AsType[*runtime.HostError](err); !ok {
			v.rangeError("JSON.stringify: %v", err)
		}
		v.throw(err)
	}
	if !ok {
		return undefined
	}
	return v.value(string(out))
}

// join joins an array's first n elements, or returns undefined if one of them
// is an object.
func (v *vm) join(c otto.FunctionCall) otto.Value {
	list, sep := c.Argument(0), c.Argument(2).String()
	n, _ := c.Argument(1).ToInteger()
	var b strings.Builder
	write := func(s string) {
		v.bounded(float64(b.Len() + len(s)))
		b.WriteString(s)
	}
	for i := range int(n) {
		v.check()
		if i > 0 {
			write(sep)
		}
		switch e := v.Index(list, i); {
		case e.IsObject():
			return undefined
		case e.IsDefined() && !e.IsNull():
			write(e.String())
		}
	}
	return v.value(b.String())
}

func (v *vm) bytesOf(val otto.Value) []byte {
	b, ok := v.run.bytes[val]
	if !ok {
		v.throw(&runtime.HostError{Name: "TypeError", Message: "this is not a Bytes object of this request"})
	}
	return b
}

func (v *vm) bytesToString(c otto.FunctionCall) otto.Value {
	s, err := js.BytesText(v.bytesOf(c.Argument(0)), c.Argument(1).String(), v.maxText(), v.Check)
	if err != nil {
		v.throw(err)
	}
	return v.value(s)
}

func (v *vm) bytesSlice(c otto.FunctionCall) otto.Value {
	b := v.bytesOf(c.Argument(0))
	bound := func(i int) int {
		f, _ := c.Argument(i).ToFloat()
		if f < 0 {
			f += float64(len(b))
		}
		if math.IsNaN(f) {
			f = 0
		}
		return int(math.Min(math.Max(f, 0), float64(len(b))))
	}
	start, end := bound(1), bound(2)
	return v.newBytes(b[start:max(start, end)])
}

func (v *vm) bytesAt(c otto.FunctionCall) otto.Value {
	b := v.bytesOf(c.Argument(0))
	i, _ := c.Argument(1).ToInteger()
	if i < 0 {
		i += int64(len(b))
	}
	if i < 0 || i >= int64(len(b)) {
		return undefined
	}
	return v.value(int(b[i]))
}

// apply is Function.prototype.apply.
func (v *vm) apply(c otto.FunctionCall) otto.Value {
	list := c.Argument(1)
	if !c.This.IsFunction() {
		v.typeError("apply was called on what is not a function")
	}
	if !list.IsObject() {
		if list.IsDefined() && !list.IsNull() {
			v.typeError("apply wants a list of arguments")
		}
		return v.invoke(c.This, c.Argument(0))
	}
	n := v.Len(list)
	if n < 0 || n > v.longest() {
		v.rangeError("apply: more than %d arguments", v.longest())
	}
	args := make([]any, n)
	texts := 0 // natives make numbers of them without a checkpoint
	for i := range args {
		v.check()
		arg := v.Index(list, i)
		if arg.IsString() {
			texts += len(arg.String())
		}
		args[i] = arg
	}
	v.bounded(float64(texts))
	return v.invoke(c.This, c.Argument(0), args...)
}

// indexOfElement looks for a value among elements, from one on, in steps of 1 or -1.
func (v *vm) indexOfElement(c otto.FunctionCall) otto.Value {
	list, want := c.Argument(0), c.Argument(1)
	n := int(v.integer(c, 4, 0))
	step := 1
	if v.integer(c, 3, 1) < 0 {
		step = -1
	}
	for i := int(v.integer(c, 2, 0)); i >= 0 && i < n; i += step {
		v.check()
		if v.strictEqual(v.Index(list, i), want) {
			return v.value(i)
		}
	}
	return v.value(-1)
}

// ordered puts the indexes among some names first, as ES2015 has it.
func (v *vm) ordered(c otto.FunctionCall) otto.Value {
	list := c.Argument(0)
	names, sorted := make([]string, v.Len(list)), true
	for i := range names {
		v.check()
		names[i] = v.Index(list, i).String()
		sorted = sorted && (i == 0 || index(names[i-1]) <= index(names[i]))
	}
	if sorted {
		return list
	}
	var all []any
	for _, name := range indexesFirst(names) {
		all = append(all, name)
	}
	return v.newArray(all)
}

// visited makes an object of the names that for...in is to visit. Most objects inherit
// nothing that it would; the others are looked through by the prelude.
func (v *vm) visited(c otto.FunctionCall) otto.Value {
	object := c.Argument(0)
	names := v.must(v.lib.create.Call(undefined, otto.NullValue()))
	if !object.IsObject() {
		return names
	}
	inherits := false
	for _, keys := range object.Object().KeysByParent()[1:] {
		inherits = inherits || len(keys) > 0
	}
	keys := v.Keys(object)
	if inherits {
		list := v.invoke(v.lib.visible, undefined, object)
		keys = keys[:0]
		for i := range v.Len(list) {
			keys = append(keys, v.Index(list, i).String())
		}
	}
	for _, key := range keys {
		v.check()
		if err := names.Object().Set(key, true); err != nil {
			v.rethrow(err)
		}
	}
	return names
}

// strictEqual is the operator ===.
func (v *vm) strictEqual(a, b otto.Value) bool {
	switch {
	case a.IsNumber() && b.IsNumber():
		return v.Number(a) == v.Number(b)
	case a.IsString() && b.IsString():
		return a.String() == b.String()
	case a.IsBoolean() && b.IsBoolean():
		return v.Bool(a) == v.Bool(b)
	}
	return a.IsObject() == b.IsObject() && a == b
}
