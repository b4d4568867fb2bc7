package gojajs

import (
	"maps"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"github.com/fazt-sh/fazt/runtime"
)

// tree is what a program's host has under a name: a function, a constant, or
// more names. It is made once for a program; a run makes objects of the parts
// that it looks at.
type tree struct {
	names    []string // in order
	children map[string]*tree
	fn       *runtime.HostFunc
	constant runtime.Value
	level    string // of a function that logs
}

func newTree(host map[string]runtime.HostValue) *tree {
	root := &tree{}
	for _, name := range slices.Sorted(maps.Keys(host)) {
		leaf := root.add(name)
		leaf.fn, leaf.constant = host[name].Func, host[name].Constant
	}
	for name, level := range map[string]string{"log": "info", "info": "info", "warn": "warn", "error": "error", "debug": "debug", "trace": "debug"} {
		root.add("console." + name).level = level
	}
	for _, level := range []string{"info", "warn", "error", "debug"} {
		root.add("fazt.log." + level).level = level
	}
	return root
}

func (t *tree) add(name string) *tree {
	for part := range strings.SplitSeq(name, ".") {
		next := t.children[part]
		if next == nil {
			next = &tree{}
			if t.children == nil {
				t.children = make(map[string]*tree)
			}
			t.children[part] = next
			t.names = append(t.names, part)
		}
		t = next
	}
	return t
}

// find returns the part with a dotted name, or nil.
func (t *tree) find(name string) *tree {
	for part := range strings.SplitSeq(name, ".") {
		if t = t.children[part]; t == nil {
			return nil
		}
	}
	return t
}

// branch is an object of the host as JavaScript sees it: its properties are
// made when they are asked for, and can't be changed.
type branch struct {
	vm   *vm
	tree *tree
	made values
}

func (b *branch) Get(key string) goja.Value {
	if val, ok := b.made.get(key); ok {
		return val
	}
	child := b.tree.children[key]
	if child == nil {
		return nil
	}
	return b.made.set(key, b.vm.grow(key, child))
}

func (b *branch) Set(string, goja.Value) bool { return false }
func (b *branch) Has(key string) bool         { return b.tree.children[key] != nil }
func (b *branch) Delete(key string) bool      { return b.tree.children[key] == nil }
func (b *branch) Keys() []string              { return b.tree.names }

// isGlobal tells a global that isn't goja's own.
func (s *script) isGlobal(name string) bool {
	return s.host.children[name] != nil || s.shared.globals[name] != nil
}

// provide makes a global, if the name is one that goja doesn't have. It can't be
// changed. It is defined where the global object inherits from, as the global
// object itself takes several kilobytes when it gets its first property.
func (v *vm) provide(name string) {
	if !v.script.isGlobal(name) || slices.Contains(v.provided, name) {
		return
	}
	v.provided = append(v.provided, name)
	if v.globals == nil {
		v.globals = v.js.NewObject()
		_ = v.js.GlobalObject().SetPrototype(v.globals)
	}
	var val goja.Value
	if t := v.script.host.children[name]; t != nil {
		val = v.grow(name, t)
	} else {
		val = v.script.shared.globals[name](v)
	}
	_ = v.globals.DefineDataProperty(name, val, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
}

// pin makes the globals that calls are bound to properties of the global object
// itself, which nothing can be put in front of. There they take much room.
func (v *vm) pin() {
	for _, name := range v.script.roots {
		v.provide(name)
		_ = v.js.GlobalObject().DefineDataProperty(name, v.globals.Get(name), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	}
}

// grow makes the value of a part of the host.
func (v *vm) grow(name string, t *tree) goja.Value {
	switch {
	case t.fn != nil:
		return v.native(name, v.hostFunc(t.fn, ""))
	case t.level != "":
		return v.native(name, v.logger(t.level))
	case t.children != nil:
		return v.js.NewDynamicObject(&branch{vm: v, tree: t})
	case t.constant.Kind() == runtime.KindJSON:
		val := v.fromGo(t.constant)
		v.freeze(val)
		return val
	}
	return v.fromGo(t.constant)
}

// native makes a function of Go's. It is a checkpoint, since natives may call it
// without end.
func (v *vm) native(name string, f nativeFunc) *goja.Object { return v.nativeOf(v.js, name, f) }

func (v *vm) nativeOf(js *goja.Runtime, name string, f nativeFunc) *goja.Object {
	obj := js.ToValue(func(c goja.FunctionCall) goja.Value {
		v.enter()
		defer v.leave()
		return f(c)
	}).(*goja.Object)
	_ = obj.DefineDataProperty("name", js.ToValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
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

// hostFunc makes a host function, or a variant of it, see unread.go.
func (v *vm) hostFunc(fn *runtime.HostFunc, variant string) nativeFunc {
	return func(c goja.FunctionCall) goja.Value {
		args := make(runtime.Args, len(c.Arguments))
		for i, a := range c.Arguments {
			args[i] = v.toGo(i, a)
		}
		val, err := v.x.Call(fn, args)
		if err != nil {
			v.throw(err)
		}
		if variant != "" {
			if standIn, ok := v.leaveUnread(val, variant); ok {
				return standIn
			}
		}
		return v.fromGo(val)
	}
}

func (v *vm) logger(level string) nativeFunc {
	return func(c goja.FunctionCall) goja.Value {
		v.x.Print(level, runtime.Format(v, c.Arguments))
		return goja.Undefined()
	}
}

// respond is the global: respond(body), respond(status), respond(status, body),
// respond(status, body, headers).
func (v *vm) respond(c goja.FunctionCall) goja.Value {
	status, body := v.js.ToValue(200), c.Argument(0)
	if f := wholeNumber(body); len(c.Arguments) > 1 || f >= 100 && f <= 599 {
		if !(f >= 100 && f <= 599) {
			v.throwError("RangeError", "", "respond: the status must be a whole number from 100 to 599")
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
	reply := runtime.Reply[goja.Value]{Value: value, Made: v.made}
	if v.last != nil {
		reply.Last = &v.last
	}
	return runtime.Answer(v, v.x.Limits, reply)
}
