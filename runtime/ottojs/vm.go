package ottojs

import (
	"fmt"

	"github.com/robertkrimen/otto"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// script is a compiled program, shared by its VMs.
type script struct {
	unit    runtime.Unit
	modules map[string]*module
	prelude *preludes
	depth   int
}

// vm is one otto interpreter with the program's files in it.
type vm struct {
	script *script
	host   *runtime.HostValue
	otto   *otto.Otto
	global *otto.Object
	bridge otto.Value // what the prelude gets from Go
	lib    library
	web    otto.Value            // the library of webGlobals, undefined until it is needed
	intl   otto.Value            // that of Intl
	files  map[string]otto.Value // the functions that hold the files
	loads  map[string]otto.Value // a require function for each file
	secret []any                 // what the files' secret parameters get
	empty  *otto.Script          // an object literal
	made   func(otto.Value) (stream any, ok bool)
	frozen map[otto.Value]bool

	patterns map[string]*pattern          // by flags and source
	passing  map[string]*runtime.HostFunc // that [vm.passed] has called, by their paths

	datePrototype otto.Value
	descriptor    otto.Value // see defineOwn

	x    *runtime.Exec
	run  run
	read func() // see catch
}

// library is what the prelude gives to Go.
type library struct {
	primitive otto.Value // what an object is without being one
	equal     otto.Value // a == b
	attempt   otto.Value // calls a function and hands what it throws to caught
	inside    otto.Value // calls vm.read
	bind      otto.Value // Function.prototype.bind
	create    otto.Value // Object.create
	array     otto.Value // Array(...)
	plain     otto.Value // see vm.Plain
	define    otto.Value // defines a property that assignment can't
	property  otto.Value // Object.defineProperty
	permit    otto.Value // see vm.key
	setLength otto.Value
	request   otto.Value // what a request inherits
	object    otto.Value // what for...in walks
	tidy      otto.Value // makes of an error what ES5 does
	restack   otto.Value // gives an error another's stack
	visible   otto.Value // the names that for...in visits, in an array
	remove    otto.Value // deletes a global
	bytes     otto.Value
	text      otto.Value // String(v)
	number    otto.Value // Number(v)
	regexp    otto.Value // new RegExp(v)
	getTime   otto.Value // Date.prototype.getTime
	setTime   otto.Value // Date.prototype.setTime
	freeze    otto.Value // Object.freeze
	names     otto.Value // Object.getOwnPropertyNames
	fix       otto.Value // makes a global unchangeable
}

// run is what a VM knows about the request it is answering.
type run struct {
	thrown    otto.Value
	caught    bool
	throwFile string // where a value that isn't an object was last thrown
	throwAt   int

	odd        []oddProperty // that are being assigned
	escaped    otto.Value    // what was thrown last, see thrownAs
	hasEscaped bool

	request otto.Value // undefined until it is needed
	modules map[string]otto.Value
	bytes   map[otto.Value][]byte
	made    map[otto.Value]any // responses made by respond and host functions, with their streams
	console js.Console

	unread      js.Unread[otto.Value] // what is passed on, see passer
	foreign     bool                  // what is being made of JSON came from outside
	fromRequest map[otto.Value]bool   // objects that did and have a property that begins with $
	last        *otto.Value

	intl *js.Intl[otto.Value] // see formats

	within bool // it was stopped where natives or the prelude may have been at work

	ended bool       // the main file's end was reached, without a return
	value otto.Value // its completion value
}

var undefined = otto.UndefinedValue()

// NewVM makes an interpreter, prepares its globals and makes them unchangeable.
func (s *script) NewVM(host *runtime.Host) (runtime.VM, error) {
	o := otto.New()
	v := &vm{script: s, host: host.Root(), otto: o, empty: s.prelude.empty, frozen: make(map[otto.Value]bool),
		patterns: make(map[string]*pattern), passing: make(map[string]*runtime.HostFunc), files: make(map[string]otto.Value), loads: make(map[string]otto.Value)}
	o.SetStackDepthLimit(s.stackDepth())
	o.SetStackTraceLimit(s.stackDepth()) // natives may be all that is deepest
	o.SetDebuggerHandler(func(*otto.Otto) { v.check() })
	v.made = v.madeResponse
	global, err := o.Object("this")
	if err != nil {
		return nil, err
	}
	v.global = global
	if err := v.install(); err != nil {
		return nil, fmt.Errorf("ottojs: prelude: %w", err)
	}
	return v, nil
}

// Frames of the interpreter take up to about a kilobyte of Go stack for each
// level that an expression nests, so a program that nests deeply may call less
// deeply: a run must not need more than this much stack.
const (
	maxStackBytes = 64 << 20
	levelBytes    = 1 << 10
)

func (s *script) stackDepth() int {
	return max(16, min(s.unit.Limits.StackDepth, maxStackBytes/(levelBytes*(s.depth+8))))
}

func (v *vm) check() {
	if v.x != nil {
		v.x.Check()
	}
}

// Run answers x.Request.
func (v *vm) Run(x *runtime.Exec) (runtime.Response, error) {
	v.x = x
	v.run = run{}
	x.Locate(v.where)
	main := v.script.modules[v.script.unit.Main]
	value, err := v.runMain(main)
	if err != nil {
		return runtime.Response{}, err
	}
	return v.answer(value)
}

// runMain runs the main file, which calls the function that it left for the
// request, unless it responded or returned by itself.
func (v *vm) runMain(m *module) (otto.Value, error) {
	fn, err := v.file(m)
	if err != nil {
		return undefined, err
	}
	value, err := v.callFile(fn, m)
	switch {
	case v.run.caught:
		v.run.caught = false
		return undefined, v.protect(func() error { return v.errorOf(v.run.thrown) })
	case err != nil:
		return undefined, v.engineError(err)
	case v.run.ended:
		return v.run.value, nil
	}
	return value, nil
}

// callFile calls the function that holds the main file.
func (v *vm) callFile(fn otto.Value, m *module) (otto.Value, error) {
	if len(m.arguments) == 0 {
		return fn.Call(undefined)
	}
	var module, exports otto.Value
	if m.uses["module"] || m.uses["exports"] {
		module, exports = v.newModule(m.name)
	}
	return fn.Call(undefined, v.fileArguments(m, module, exports)) // otto takes a slice of values as all arguments
}

// fileArguments are what the function that holds a file is called with, see
// moduleParameters.
func (v *vm) fileArguments(m *module, module, exports otto.Value) []otto.Value {
	args := make([]otto.Value, len(m.arguments))
	for i, name := range m.arguments {
		switch name {
		case "exports":
			args[i] = exports
		case "require":
			args[i] = v.require(m.name)
		case "module":
			args[i] = module
		default:
			args[i] = v.request()
		}
	}
	return args
}

// exported is what the main file assigned to module.exports.
func (v *vm) exported() otto.Value {
	module, ok := v.run.modules[v.script.unit.Main]
	if !ok {
		return undefined
	}
	f, err := module.Object().Get("exports")
	if err != nil {
		return undefined
	}
	return f
}

// end is called where the main file ends, with its completion value, and with
// whether its handler was called and the handler itself. It returns what is to
// be called with the request, if there is anything; where null stands for a handler
// that was merged, whether that is to be run.
func (v *vm) end(c otto.FunctionCall) otto.Value {
	if v.run.last == nil {
		if c.Argument(1).IsNull() {
			return otto.TrueValue()
		}
		if f := v.exported(); f.IsFunction() {
			return f
		}
		handler := c.Argument(2)
		if called, _ := c.Argument(1).ToBoolean(); !called && handler.IsFunction() {
			return handler
		}
	}
	v.run.ended = true
	v.run.value = c.Argument(0)
	return undefined
}

// file returns the function that holds a file.
func (v *vm) file(m *module) (otto.Value, error) {
	if fn, ok := v.files[m.name]; ok {
		return fn, nil
	}
	outer, err := v.otto.Run(m.program)
	if err != nil {
		return undefined, err
	}
	fn, err := outer.Call(undefined, v.secret...)
	if err != nil {
		return undefined, err
	}
	if err := v.harden(fn); err != nil {
		return undefined, err
	}
	v.files[m.name] = fn
	return fn, nil
}

// maxGlobals is how many globals may be deleted after a run. Each takes otto a
// walk over all, outside of any budget, and a new VM comes cheaper then.
const maxGlobals = 100

// Reset forgets the run. What a run can leave behind in a VM are globals, and
// the time that Date.prototype is in ES5: everything else that code can reach
// from one request to the next was made unchangeable when the VM was made. New
// globals can be deleted, since code can't define them as anything but plain
// properties.
//
// A run that was stopped has left nothing else either, if there was nothing but its own
// code at work: otto leaves its scopes while a goroutine is unwound.
func (v *vm) Reset() bool {
	v.x = nil
	if v.run.within {
		return false
	}
	v.run = run{}
	if !v.resetDate() {
		return false
	}
	names := v.global.Keys()
	if len(names) == 0 {
		return true
	}
	if len(names) > maxGlobals {
		return false
	}
	for _, name := range names {
		if _, err := v.lib.remove.Call(undefined, name); err != nil {
			return false
		}
	}
	return len(v.global.Keys()) == 0
}

// resetDate puts the time of Date.prototype back to 0, and reports whether that
// is what it is: otto's setTime doesn't make a date of one that was set to NaN.
func (v *vm) resetDate() bool {
	if v.dateIsZero() {
		return true
	}
	_, err := v.lib.setTime.Call(v.datePrototype, 0)
	return err == nil && v.dateIsZero()
}

func (v *vm) dateIsZero() bool {
	time, err := v.lib.getTime.Call(v.datePrototype)
	return err == nil && v.Number(time) == 0
}
