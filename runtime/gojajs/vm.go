package gojajs

import (
	"errors"
	"math"
	goruntime "runtime"
	"runtime/debug"
	"strings"

	"github.com/dop251/goja"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// script is a compiled program, shared by its runs.
type script struct {
	unit     runtime.Unit
	shared   *shared
	modules  map[string]*module
	names    []string // that the program mentions, sorted
	start    []start  // what it needs from the beginning
	patterns patterns
	bigints  bool // its operators are instrumented for bigints
	web      bool // it has Headers and Response of package bundle
	arrays   bool // it can make arrays by itself, see guardArrays
}

// NewVM returns a VM whose interpreter is made when it runs: a new one takes a
// microsecond, as goja makes nothing of the standard library before it is used.
func (s *script) NewVM(host *runtime.Host) (runtime.VM, error) {
	v := &vm{}
	v.shell = shell{script: s, host: host.Root(), rejected: v.trackRejection, made: v.isMade, settled: v.settle, inside: goja.NewSharedDynamicObject(&v.instrument)}
	v.mentioned = v.mentionedGlobals()
	v.Reset()
	return v, nil
}

// shell is what a vm keeps from one request to the next: all of it is Go's, and
// would be made anew just the same.
type shell struct {
	script    *script
	host      *runtime.HostValue
	mentioned []string // globals that the program mentions and that aren't goja's own
	rejected  goja.PromiseRejectionTracker
	made      func(goja.Value) (stream any, ok bool)
	settled   func(goja.Value) (goja.Value, error)
	inside    *goja.Object // of no interpreter, and out of JavaScript's reach, see instrument
}

// vm answers one request.
type vm struct {
	shell
	x  *runtime.Exec
	js *goja.Runtime

	args       [moduleArguments]goja.Value // of the file whose function is called next
	instrument instrument                  // behind shell.inside
	record     record                      // behind request
	fields     [4]namedValue               // room for as much of it as most handlers look at
	request    *goja.Object                // nil until it is needed
	modules    map[string]*goja.Object
	loads      map[string]goja.Value   // a require function for each file
	responses  map[*goja.Object]any    // made by respond and host functions, with their streams
	unread     js.Unread[*goja.Object] // what is passed on, see passer
	last       goja.Value              // the last respond()
	ended      bool                    // the main file's end was reached, without a return
	value      goja.Value              // its completion value

	foreign     bool         // what is being made of JSON came from outside
	marker      *goja.Symbol // of what did, nil until it is needed
	depth       int          // guarded natives that are running inside one another
	stack       stack
	reached     []use        // by feature.id; nil before the first
	holders     values       // see vm.holder
	later       []slot       // guards for when a global is reached
	globals     *goja.Object // see vm.provide
	provided    []string
	describer   *goja.Object         // Object.getOwnPropertyDescriptor, once it is guarded
	nested      map[*goja.Object]int // how deep proxies and bound functions wrap one another
	arrays      bool                 // they are guarded, see guardArrays
	joining     []*goja.Object       // the arrays that join is at
	exec        goja.Value           // the guard of RegExp.prototype.exec
	asyncSymbol *goja.Symbol         // see asyncIterator
	asyncMade   *goja.Object         // what asynchronous generators inherit from, nil before the first
	web, bytes  *goja.Object         // see webLibrary and newBytes
	meant       goja.String          // see giveSource
	matched     lastMatch
	regexps     map[*goja.Object]*expression
	lib         *goja.Object            // what the library exports, nil until it is needed
	newerFiles  map[string]*goja.Object // what the files of newer export, by their names
	bridged     *goja.Object            // see bridge
	iterator    goja.Value              // see addIterators
	timer       timers
	console     js.Console
	intl        *js.Intl[goja.Value]   // see formats
	lost        map[*goja.Promise]bool // rejected, with nobody to hear of it
	lostOrder   []*goja.Promise
}

// Reset leaves nothing of the last run: each request has an interpreter of its
// own, and all else but the shell is made for it too.
func (v *vm) Reset() bool {
	*v = vm{shell: v.shell}
	v.instrument.vm = v
	return true
}

// Run answers x.Request.
func (v *vm) Run(x *runtime.Exec) (res runtime.Response, err error) {
	js := goja.New()
	v.x, v.js = x, js
	// The stack is bounded by the checkpoint, whose error can be caught. This
	// is for code that has no checkpoint, such as the initializer of a field.
	js.SetMaxCallStackSize(x.Limits.StackDepth + stackSlack)
	v.stack.calls = x.Limits.StackDepth // nothing has been called yet
	x.OnStop(func() { js.Interrupt(errStopped) })
	x.Locate(func() *runtime.Error { return v.where(js.CaptureCallStack(0, nil)) })
	js.SetPromiseRejectionTracker(v.rejected)
	defer func() {
		if p := recover(); p != nil {
			if err = v.brokenIterator(p, string(debug.Stack())); err == nil {
				panic(p)
			}
		}
	}()
	res, err = v.answered()
	if errors.Is(err, errStopped) {
		if stopped, ok := errors.AsType[*goja.InterruptedError](err); ok {
			x.Locate(func() *runtime.Error { return v.where(stopped.Stack()) })
		}
		x.Check() // doesn't return
	}
	v.reportRejections()
	if n := len(v.timer.list); err == nil && n > 0 && v.last == nil && res.Stream == nil && len(res.Body) == 0 {
		x.Print("warn", "the answer is empty, and what setTimeout would call later is not called any more; await a promise that it resolves")
	}
	return res, err
}

// brokenIterator is the error of an iterator without a function next, which goja calls all
// the same. It is nil for any other panic. No JavaScript can catch it.
func (v *vm) brokenIterator(p any, stack string) error {
	if _, ok := p.(goruntime.Error); !ok || !strings.Contains(stack, "goja.(*iteratorRecord)") && !strings.Contains(stack, "goja.(*generatorObject).delegate") {
		return nil
	}
	e := v.where(v.js.CaptureCallStack(0, nil))
	if e == nil {
		e = &runtime.Error{}
	}
	e.Code, e.Name, e.Message = runtime.CodeHandler, "TypeError", "the iterator has no function next; what [Symbol.iterator]() returns must have one"
	return e
}

var errStopped = errors.New("the run was stopped")

// answered runs the main file, and makes the response of what it ends with.
// What may throw is tried in parts rather than all at once: each try around
// another has its price.
func (v *vm) answered() (res runtime.Response, err error) {
	if s := v.script; s.arrays || len(v.mentioned)+len(s.start) > 0 {
		if err = v.try(v.prepare); err != nil {
			return res, err
		}
	}
	m := v.script.modules[v.script.unit.Main]
	module, value, err := v.run(m, nil)
	if err != nil {
		return res, v.errorOf(err)
	}
	err = v.try(func() error {
		if value, err = v.result(m, module, value); err == nil {
			res, err = v.answer(value)
		}
		return err
	})
	return res, err
}

// prepare provides what the program needs from its beginning.
func (v *vm) prepare() error {
	if v.script.arrays {
		v.guardArrays()
	}
	for _, name := range v.mentioned {
		v.provide(name)
	}
	for _, f := range v.script.start {
		v.install(f.feature, f.use)
	}
	return nil
}

// result calls the function that the main file left for the request, unless it
// responded or returned by itself, and settles promises.
func (v *vm) result(m *module, module *goja.Object, value goja.Value) (goja.Value, error) {
	var err error
	if m.async {
		value, err = v.settle(value)
	}
	if err == nil && v.ended {
		value, err = v.function(module)
	}
	if err == nil {
		value, err = v.settle(value)
	}
	return value, err
}

// function calls what the main file left for the request. Without a function
// the file's completion value counts.
func (v *vm) function(module *goja.Object) (goja.Value, error) {
	if v.last == nil {
		if f, ok := goja.AssertFunction(v.exported(module)); ok {
			return f(goja.Undefined(), v.requestObject())
		}
	}
	return v.value, nil
}

// run loads a file and calls its function.
func (v *vm) run(m *module, module *goja.Object) (*goja.Object, goja.Value, error) {
	fn, err := v.file(m)
	if err != nil {
		return nil, nil, err
	}
	args := &v.args
	*args = [...]goja.Value{nil, nil, nil, nil, v.inside}
	if module == nil && (m.uses["module"] || m.uses["exports"]) {
		module = v.newModule(m.name)
	}
	if module != nil {
		args[0], args[2] = module.Get("exports"), module
	}
	if m.uses["require"] {
		args[1] = v.require(m.name)
	}
	if m.uses["request"] {
		args[3] = v.requestObject()
	}
	value, err := fn(goja.Undefined(), args[:]...) // which goja copies to its stack
	return module, value, err
}

// file returns the function that holds a file.
func (v *vm) file(m *module) (goja.Callable, error) {
	val, err := v.js.RunProgram(m.program)
	if err != nil {
		return nil, err
	}
	fn, _ := goja.AssertFunction(val)
	return fn, nil
}

// exported is what the main file assigned to module.exports.
func (v *vm) exported(module *goja.Object) goja.Value {
	if module == nil {
		return goja.Undefined()
	}
	return module.Get("exports")
}

// stack bounds how deep calls nest. goja doesn't tell, and what happens beyond
// its own bound can't be caught. So the depth is measured, and next when it can
// have reached the bound.
type stack struct {
	calls  int // checkpoints until the next look
	frames []goja.StackFrame
}

const (
	stackSlack = 64 // how much deeper than the limit a run may get
	stackLeast = stackSlack / 2
)

// checkpoint is called at the start of each function body and loop body.
func (v *vm) checkpoint() {
	v.x.Step()
	if v.stack.calls--; v.stack.calls < 0 {
		v.measureStack()
	}
}

func (v *vm) measureStack() {
	v.stack.frames = v.js.CaptureCallStack(0, v.stack.frames[:0])
	left := v.x.Limits.StackDepth - len(v.stack.frames)
	v.stack.calls = max(left, stackLeast)
	if left < 0 {
		v.stack.calls = 0
		v.throwError("RangeError", "", "Maximum call stack size exceeded")
	}
}

func (v *vm) check() { v.x.Check() }

// wholeNumber is the number that val is, or NaN.
func wholeNumber(val goja.Value) float64 {
	if !goja.IsNumber(val) {
		return math.NaN()
	}
	f := val.ToFloat()
	if f != math.Trunc(f) {
		return math.NaN()
	}
	return f
}
