package ottojs

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/robertkrimen/otto"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// installHost defines respond, console, and what the program's host has.
func (v *vm) installHost() error {
	if err := v.define("respond", native(v.respond)); err != nil {
		return err
	}
	return v.installPart("", v.host)
}

// installPart defines what the host has at and below a dotted name.
func (v *vm) installPart(name string, part *runtime.HostValue) error {
	switch {
	case part.Func != nil:
		return v.define(name, v.hostFunc(part.Func))
	case part.Level != "":
		return v.define(name, v.logger(part))
	case len(part.Names()) == 0:
		return v.define(name, v.fromGo(part.Constant))
	}
	for _, key := range part.Names() {
		whole := key
		if name != "" {
			whole = name + "." + key
		}
		if err := v.installPart(whole, part.Part(key)); err != nil {
			return err
		}
	}
	return nil
}

// hostFunc makes a host function.
func (v *vm) hostFunc(fn *runtime.HostFunc) native {
	return func(c otto.FunctionCall) otto.Value { return v.fromGo(v.callHost(fn, c)) }
}

func (v *vm) callHost(fn *runtime.HostFunc, c otto.FunctionCall) runtime.Value {
	args := make(runtime.Args, len(c.ArgumentList))
	for i, a := range c.ArgumentList {
		args[i] = v.toGo(fn, i, a)
	}
	val, err := v.x.Call(fn, args)
	if err != nil {
		v.throw(err)
	}
	return val
}

// define sets a global by its dotted name, and makes the objects on the way.
func (v *vm) define(name string, x any) error {
	val, err := v.otto.ToValue(x)
	if err != nil {
		return err
	}
	obj := v.global.Value()
	parts := strings.Split(name, ".")
	for _, part := range parts[:len(parts)-1] {
		next, err := obj.Object().Get(part)
		if err != nil {
			return err
		}
		if !next.IsObject() || part == "console" && next.Class() == "Console" {
			next = v.newObject()
			if _, err := v.lib.define.Call(undefined, obj, part, next); err != nil {
				return err
			}
		}
		obj = next
	}
	_, err = v.lib.define.Call(undefined, obj, parts[len(parts)-1], val)
	return err
}

func (v *vm) logger(part *runtime.HostValue) native {
	return func(c otto.FunctionCall) otto.Value {
		if part.Console == "" {
			v.x.Print(part.Level, js.Format(v, c.ArgumentList))
		} else {
			js.ConsoleCall(&v.run.console, v, part, c.ArgumentList, v.x.Print, v.places)
		}
		return undefined
	}
}

// places are where the author's code is, the innermost call first.
func (v *vm) places() []string {
	var e runtime.Error
	v.placeStack(&e, v.get(v.otto.MakeCustomError("Error", ""), "stack").String())
	var places []string
	for line := range strings.SplitSeq(e.Stack, "\n") {
		if place, ok := strings.CutPrefix(line, "    at "); ok {
			places = append(places, place)
		}
	}
	return places[:min(len(places), maxPlaces)]
}

// maxPlaces is how much of the stack console.trace prints.
const maxPlaces = 10

// respond is the global: respond(body), respond(status), respond(status, body),
// respond(status, body, headers).
func (v *vm) respond(c otto.FunctionCall) otto.Value {
	status, body := v.value(200), c.Argument(0)
	if len(c.ArgumentList) == 1 && body.IsObject() {
		if _, made := v.madeResponse(body); made {
			v.run.last = &body // as it is
			return body
		}
	}
	if f := v.wholeNumber(body); len(c.ArgumentList) > 1 || f >= 200 && f <= 599 {
		if f < 200 || f > 599 {
			v.rangeError("respond: the status must be a whole number from 200 to 599")
		}
		status, body = body, c.Argument(1)
	}
	obj := v.newObject()
	v.set(obj, "status", status)
	v.set(obj, "headers", c.Argument(2))
	v.set(obj, "body", body)
	v.markResponse(obj)
	return obj
}

// markResponse notes that respond made an object.
func (v *vm) markResponse(obj otto.Value) {
	v.note(obj, nil)
	v.run.last = &obj
}

// note notes a response.
func (v *vm) note(obj otto.Value, stream any) {
	if v.run.made == nil {
		v.run.made = make(map[otto.Value]any)
	}
	v.run.made[obj] = stream
}

// madeResponse is vm.made: it tells whether an object was noted, with its stream.
func (v *vm) madeResponse(obj otto.Value) (stream any, ok bool) {
	if len(v.run.made) > 0 { // even an empty map would have the value hashed
		stream, ok = v.run.made[obj]
	}
	return stream, ok
}

// newResponse is a response that a host function made, for the handler to
// return. It has no body that JavaScript could read.
func (v *vm) newResponse(res *runtime.Response) otto.Value {
	obj, headers := v.newObject(), v.newObject()
	for _, name := range slices.Sorted(maps.Keys(res.Header)) {
		var values []any
		for _, s := range res.Header[name] {
			values = append(values, s)
		}
		v.set(headers, name, v.newArray(values))
	}
	v.set(obj, "status", max(res.Status, 200))
	v.set(obj, "headers", headers)
	if res.Body != nil {
		v.set(obj, "body", v.newBytes(res.Body))
	}
	v.note(obj, res.Stream)
	return obj
}

// wholeNumber is the number that val is, or 0.
func (v *vm) wholeNumber(val otto.Value) float64 {
	if !val.IsNumber() {
		return 0
	}
	f := v.Number(val)
	if f != math.Trunc(f) {
		return 0
	}
	return f
}

func (v *vm) answer(value otto.Value) (res runtime.Response, err error) {
	err = v.protect(func() error {
		var err error
		res, err = js.Answer(v, v.x.Limits, js.Reply[otto.Value]{
			Value: value, Last: v.run.last, Made: v.made, Warn: func(text string) { v.x.Print("warn", text) },
		})
		return err
	})
	return res, err
}
