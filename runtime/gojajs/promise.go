package gojajs

import (
	"cmp"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/dop251/goja"

	"github.com/fazt-sh/fazt/runtime"
)

// settle waits for a promise and returns what it was resolved with. Timers run
// meanwhile. Any other value is returned as it is.
func (v *vm) settle(value goja.Value) (goja.Value, error) {
	p, err := v.promiseOf(value)
	if p == nil || err != nil {
		return value, err
	}
	for p.State() == goja.PromiseStatePending {
		if len(v.timer.list) == 0 {
			return nil, &runtime.Error{Code: runtime.CodeHandler, Name: "Error",
				Message: "the handler's promise is never settled, as nothing is left that could do it; look for an await or a new Promise whose resolve is never called"}
		}
		if err := v.fire(); err != nil {
			return nil, err
		}
	}
	delete(v.lost, p)
	if p.State() == goja.PromiseStateRejected {
		return nil, v.thrown(p.Result(), nil)
	}
	return p.Result(), nil
}

// promiseOf is the promise that a value is, or one that follows it if it has a
// method then; nil for any other value.
func (v *vm) promiseOf(value goja.Value) (p *goja.Promise, err error) {
	obj, ok := value.(*goja.Object)
	if !ok {
		return nil, nil
	}
	if obj.ExportType() == reflect.TypeFor[*goja.Promise]() {
		return obj.Export().(*goja.Promise), nil
	}
	if _, ok := goja.AssertFunction(obj.Get("then")); !ok {
		return nil, nil
	}
	p, resolve, _ := v.js.NewPromise()
	if err = resolve(obj); err == nil {
		// Resolving with a thenable queues a job, which a call lets run.
		run, _ := goja.AssertFunction(v.js.ToValue(func(goja.FunctionCall) goja.Value { return nil }))
		_, err = run(goja.Undefined())
	}
	return p, err
}

// trackRejection notes the promises that were rejected with nobody listening.
func (v *vm) trackRejection(p *goja.Promise, op goja.PromiseRejectionOperation) {
	if op == goja.PromiseRejectionHandle {
		delete(v.lost, p)
		return
	}
	if v.lost == nil {
		v.lost = make(map[*goja.Promise]bool)
	}
	v.lost[p] = true
	v.lostOrder = append(v.lostOrder, p)
}

// reportRejections logs what was rejected and never looked at: nobody would
// learn of it otherwise.
func (v *vm) reportRejections() {
	for _, p := range v.lostOrder {
		if v.lost[p] {
			err := v.thrown(p.Result(), nil)
			v.x.Print("error", "unhandled promise rejection: "+err.Error())
		}
	}
}

// timers are what setTimeout has set.
type timers struct {
	next int64
	list []timer // the first to fire is the last
}

type timer struct {
	id   int64
	at   time.Time
	call goja.Callable
	args []goja.Value
}

// maxTimers bounds what a run may have waiting.
const maxTimers = 10_000

// setTimeout calls a function after a time in milliseconds, if the request has
// not ended by then.
func (v *vm) setTimeout(c goja.FunctionCall) goja.Value {
	f, ok := goja.AssertFunction(c.Argument(0))
	if !ok {
		v.throwError("TypeError", "", "setTimeout: the first argument must be a function")
	}
	if len(v.timer.list) >= maxTimers {
		v.throwError("RangeError", "", "setTimeout: too many timers are waiting")
	}
	ms := c.Argument(1).ToFloat()
	if !(ms >= 1 && ms <= math.MaxInt32) {
		ms = 1
	}
	v.timer.next++
	t := timer{id: v.timer.next, at: time.Now().Add(time.Duration(ms * float64(time.Millisecond))), call: f}
	if len(c.Arguments) > 2 {
		t.args = slices.Clone(c.Arguments[2:])
	}
	// Behind those that fire later, and before those that fire at the same time
	// or earlier.
	i, _ := slices.BinarySearchFunc(v.timer.list, t, func(a, b timer) int {
		return cmp.Or(b.at.Compare(a.at), cmp.Compare(b.id, a.id))
	})
	v.timer.list = slices.Insert(v.timer.list, i, t)
	return v.js.ToValue(t.id)
}

func (v *vm) clearTimeout(c goja.FunctionCall) goja.Value {
	id := c.Argument(0).ToInteger()
	v.timer.list = slices.DeleteFunc(v.timer.list, func(t timer) bool { return t.id == id })
	return goja.Undefined()
}

// fire waits for the next timer, off the slot, and calls its function.
func (v *vm) fire() error {
	n := len(v.timer.list) - 1
	t := v.timer.list[n]
	v.timer.list = v.timer.list[:n]
	if time.Until(t.at) > 0 {
		v.x.Wait(t.at)
	}
	_, err := t.call(goja.Undefined(), t.args...)
	return err
}
