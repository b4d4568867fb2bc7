package gojajs

import (
	"maps"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// branch is an object of the host as JavaScript sees it: its properties are
// made when they are asked for, and can't be changed.
type branch struct {
	vm   *vm
	host *runtime.HostValue
	made values
}

func (b *branch) Get(key string) goja.Value {
	if val, ok := b.made.get(key); ok {
		return val
	}
	part := b.host.Part(key)
	if part == nil {
		return nil
	}
	return b.made.set(key, b.vm.grow(key, part))
}

func (b *branch) Set(string, goja.Value) bool { return false }
func (b *branch) Has(key string) bool         { return b.host.Part(key) != nil }
func (b *branch) Delete(key string) bool      { return b.host.Part(key) == nil }
func (b *branch) Keys() []string              { return b.host.Names() }

// isGlobal tells a global that isn't goja's own.
func (v *vm) isGlobal(name string) bool {
	return v.host.Part(name) != nil || v.script.shared.globals[name] != nil
}

// mentionedGlobals are those that the program mentions.
func (v *vm) mentionedGlobals() (names []string) {
	for _, name := range v.script.names {
		if v.isGlobal(name) {
			names = append(names, name)
		}
	}
	return names
}

// provide makes a global, if the name is one that goja doesn't have. It can't be
// changed. It is defined where the global object inherits from, as the global
// object itself takes several kilobytes when it gets its first property.
func (v *vm) provide(name string) {
	if !v.isGlobal(name) || slices.Contains(v.provided, name) {
		return
	}
	v.provided = append(v.provided, name)
	if v.globals == nil {
		v.globals = v.js.NewObject()
		_ = v.js.GlobalObject().SetPrototype(v.globals)
	}
	var val goja.Value
	if part := v.host.Part(name); part != nil {
		val = v.grow(name, part)
	} else {
		val = v.script.shared.globals[name](v)
	}
	_ = v.globals.DefineDataProperty(name, val, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
}

// grow makes the value of a part of the host.
func (v *vm) grow(name string, part *runtime.HostValue) goja.Value {
	switch {
	case part.Func != nil:
		return v.native(name, v.hostFunc(part.Func))
	case part.Level != "":
		return v.native(name, v.logger(part))
	case len(part.Names()) > 0:
		return v.js.NewDynamicObject(&branch{vm: v, host: part})
	case part.Constant.Kind() == runtime.KindJSON:
		val := v.fromGo(part.Constant)
		v.freeze(val)
		return val
	}
	return v.fromGo(part.Constant)
}

// native makes a function of Go's. It is a checkpoint, since natives may call it
// without end.
func (v *vm) native(name string, f nativeFunc) *goja.Object {
	obj := v.js.ToValue(func(c goja.FunctionCall) goja.Value {
		v.enter()
		defer v.leave()
		return f(c)
	}).(*goja.Object)
	_ = obj.DefineDataProperty("name", v.js.ToValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	return obj
}

// freeze makes a constant of the host unchangeable, and all in it.
func (v *vm) freeze(val goja.Value) {
	obj, ok := val.(*goja.Object)
	if !ok {
		return
	}
	for _, key := range obj.Keys() {
		child := obj.Get(key)
		v.freeze(child)
		_ = obj.DefineDataProperty(key, child, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_TRUE)
	}
}

// hostFunc makes a host function.
func (v *vm) hostFunc(fn *runtime.HostFunc) nativeFunc {
	return func(c goja.FunctionCall) goja.Value { return v.fromGo(v.callHost(fn, c)) }
}

func (v *vm) callHost(fn *runtime.HostFunc, c goja.FunctionCall) runtime.Value {
	args := make(runtime.Args, len(c.Arguments))
	for i, a := range c.Arguments {
		args[i] = v.toGo(fn, i, a)
	}
	val, err := v.x.Call(fn, args)
	if err != nil {
		v.throw(err)
	}
	return val
}

func (v *vm) logger(part *runtime.HostValue) nativeFunc {
	return func(c goja.FunctionCall) goja.Value {
		args := make([]goja.Value, len(c.Arguments))
		for i, a := range c.Arguments {
			if args[i] = a; isLongText(a) {
				args[i] = v.js.ToValue(head(a))
			}
		}
		if part.Console == "" {
			v.x.Print(part.Level, js.Format(v, args))
		} else {
			js.ConsoleCall(&v.console, v, part, args, v.x.Print, v.places)
		}
		return goja.Undefined()
	}
}

// places are where the author's code is, the innermost call first.
func (v *vm) places() []string {
	var e runtime.Error
	v.place(&e, frames(v.js.CaptureCallStack(maxPlaces, nil)))
	return strings.Split(e.Stack, "\n    at ")[1:]
}

// maxPlaces is how much of the stack console.trace prints.
const maxPlaces = 10

// respond is the global: respond(body), respond(status), respond(status, body),
// respond(status, body, headers).
func (v *vm) respond(c goja.FunctionCall) goja.Value {
	status, body := v.js.ToValue(200), c.Argument(0)
	if _, made := v.isMade(body); made && len(c.Arguments) == 1 {
		v.last = body // as it is
		return body
	}
	shown, ok, err := js.Respond(v, c.Arguments)
	if err != nil {
		v.throw(err)
	}
	if ok {
		obj := shown.(*goja.Object)
		v.note(obj, nil)
		v.last = obj
		return obj
	}
	if f := wholeNumber(body); len(c.Arguments) > 1 || f >= 200 && f <= 599 {
		if !(f >= 200 && f <= 599) {
			v.throwError("RangeError", "", "respond: the status must be a whole number from 200 to 599")
		}
		status, body = body, c.Argument(1)
	}
	obj := v.js.NewObject()
	v.put(obj, "status", status)
	v.put(obj, "headers", c.Argument(2))
	v.put(obj, "body", body)
	v.note(obj, nil)
	v.last = obj
	return obj
}

// note remembers that an object is a response.
func (v *vm) note(obj *goja.Object, stream any) {
	if v.responses == nil {
		v.responses = make(map[*goja.Object]any)
	}
	v.responses[obj] = stream
}

// isMade tells a response that was noted.
func (v *vm) isMade(val goja.Value) (stream any, ok bool) {
	obj, _ := val.(*goja.Object)
	stream, ok = v.responses[obj]
	return stream, ok
}

// newResponse is a response that a host function made, for the handler to
// return. It has no body that JavaScript could read.
func (v *vm) newResponse(res *runtime.Response) goja.Value {
	obj, headers := v.js.NewObject(), v.js.NewObject()
	for _, name := range slices.Sorted(maps.Keys(res.Header)) {
		var values []any
		for _, s := range res.Header[name] {
			values = append(values, s)
		}
		_ = headers.Set(name, v.newArray(values...))
	}
	_ = obj.Set("status", max(res.Status, 200))
	_ = obj.Set("headers", headers)
	if res.Body != nil {
		_ = obj.Set("body", v.newBytes(res.Body))
	}
	v.note(obj, res.Stream)
	return obj
}

// answer makes the response of what the handler ended with.
func (v *vm) answer(value goja.Value) (runtime.Response, error) {
	reply := js.Reply[goja.Value]{Value: value, Made: v.made, Settle: v.settled, Warn: func(text string) { v.x.Print("warn", text) }}
	if v.last != nil {
		reply.Last = &v.last
	}
	return js.Answer(v, v.x.Limits, reply)
}
