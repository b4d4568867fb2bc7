package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Func is a Go function that a handler can call. It must return soon after ctx
// is done. The run's slot is given back while it runs. An error reaches the
// handler as a JavaScript Error that can be caught; see [HostError] for how its
// name and code are chosen, and [Stop] for ending the run instead. A panic, or the
// goroutine's end by runtime.Goexit, ends the run with ENGINE_ERROR, and a value of
// more bytes than [Limits].Memory ends it with BUDGET_MEMORY.
type Func func(ctx context.Context, args Args) (Value, error)

// Brief is a [Func] that computes or looks something up rather than waits. The run
// keeps its slot meanwhile, as handing it over and waiting for another would take
// longer than most of these calls, and what the call takes is the run's CPU time.
// One that may take longer than half a millisecond calls [Checkpoint], one that has
// to wait does so in [Blocking], and one that makes much calls [Hold] before.
type Brief Func

// Exact is an argument of a host function in which nothing is to be guessed, as it
// says which data are meant: where another may leave undefined out, as JSON does, here
// it is an error with the code INVALID_QUERY, like a RegExp, a Map or a Set anywhere in
// it. A Date is its time in milliseconds. A property whose name begins with $ in an
// object that came in with the request, or out of JSON.parse, is an error with the code
// OPERATOR_FROM_REQUEST; copies of such an object by spread or Object.assign are like it.
type Exact struct {
	Arg int // counted from 0
	// Below are the properties of an array's elements that are exact; what is beside
	// them is not. Default: all of the argument is.
	Below []string
}

// WithExact is a [Func] or a [Brief] some of whose arguments are exact.
func WithExact(f any, args ...Exact) any { return exactFunc{f, args} }

type exactFunc struct {
	f    any
	args []Exact
}

// Host is what handlers can reach under the global `fazt` and beside it. It
// never changes, and any number of handlers share it.
type Host struct {
	root *HostValue
}

// NewHost makes a host of dotted names ("fazt.kv.get", "shop.price"), each
// mapped to a [Func], to a [Brief] or to a constant that encoding/json can
// marshal. The error is an [*Error] with the code LOAD_ERROR; it names the first
// value that can't be used.
func NewHost(values map[string]any) (*Host, error) {
	return newHost().With(values)
}

// newHost is the host that has only what every handler has: console and
// fazt.log.
func newHost() *Host {
	level := func(l string) *HostValue { return &HostValue{Level: l} }
	log := map[string]*HostValue{"info": level("info"), "warn": level("warn"), "error": level("error"), "debug": level("debug")}
	console := make(map[string]*HostValue, len(consoleLevels))
	for method, l := range consoleLevels {
		console[method] = &HostValue{Level: l, Console: method}
	}
	return &Host{newObject(map[string]*HostValue{
		"console": newObject(console),
		"fazt":    newObject(map[string]*HostValue{"log": newObject(log)}),
	})}
}

// consoleLevels are the functions of console with the levels of their lines.
var consoleLevels = map[string]string{
	"log": "info", "info": "info", "warn": "warn", "error": "error", "debug": "debug", "trace": "debug",
	"dir": "info", "dirxml": "info", "table": "info", "assert": "error", "count": "info", "countReset": "info",
	"time": "info", "timeLog": "info", "timeEnd": "info", "group": "info", "groupCollapsed": "info", "groupEnd": "info",
}

// With returns a host that has these values beside those of h: what one app has
// for itself, such as its id. The functions of h are shared, so that this takes
// some microseconds and about a kilobyte. The error is that of [NewHost]; a name
// that h has already is one, too.
func (h *Host) With(values map[string]any) (*Host, error) {
	root := h.root
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v, err := hostValue(values[name])
		path := strings.Split(name, ".")
		switch {
		case err != nil:
		case slices.Contains(path, ""):
			err = errors.New("a part of the name is empty")
		case slices.Contains(handlerGlobals, path[0]):
			err = fmt.Errorf("%s means something else in every handler; choose another first part", path[0])
		default:
			if v.Func != nil {
				v.Func.name = name
			}
			root, err = root.with(path, v)
		}
		if err != nil {
			return nil, &Error{Code: CodeLoad, Message: fmt.Sprintf("host value %s: %v", name, err), Err: err}
		}
	}
	return &Host{root}, nil
}

// handlerGlobals are those that are made for each request.
var handlerGlobals = []string{"request", "respond", "require", "module", "exports", "handler"}

func hostValue(x any) (*HostValue, error) {
	switch x := x.(type) {
	case Func:
		return &HostValue{Func: &HostFunc{call: x}}, nil
	case func(context.Context, Args) (Value, error):
		return &HostValue{Func: &HostFunc{call: x}}, nil
	case Brief:
		return &HostValue{Func: &HostFunc{call: Func(x), brief: true}}, nil
	case exactFunc:
		v, err := hostValue(x.f)
		if err == nil && v.Func == nil {
			err = errors.New("only a function has arguments")
		}
		if err == nil {
			v.Func.exact = x.args
		}
		return v, err
	}
	v, err := From(x)
	switch {
	case err != nil:
	case v.Kind() == KindBytes || v.Kind() == KindResponse:
		err = errors.New("bytes and responses can only be returned by a function")
	case v.Kind() == KindJSON:
		err = CheckJSON(v.Raw())
	}
	return &HostValue{Constant: v}, err
}

// Root is where an engine begins to look for names.
func (h *Host) Root() *HostValue { return h.root }

// HostValue is what a part of a dotted name of a [Host] stands for: a function,
// which [Exec.Call] calls; a function that logs, by [Exec.Print]; an object with
// more names; else a constant, which is neither bytes nor a response.
type HostValue struct {
	Func     *HostFunc
	Level    string // of a function that logs
	Console  string // which function of console that is, if it is one
	Constant Value

	names []string // sorted
	parts []*HostValue
}

// HostFunc is a function of a [Host].
type HostFunc struct {
	name  string // "fazt.kv.get"
	call  Func
	brief bool
	exact []Exact
}

// Exact is how argument i is exact, or nil.
func (f *HostFunc) Exact(i int) *Exact {
	for at := range f.exact {
		if f.exact[at].Arg == i {
			return &f.exact[at]
		}
	}
	return nil
}

// Refused says in the error of an argument, as [Args] and [Invalid] make it, whose
// argument it is.
func (f *HostFunc) Refused(err error) error {
	e, ok := err.(*HostError)
	if !ok || f.name == "" || !strings.HasPrefix(e.Message, "argument ") {
		return err
	}
	named := *e
	named.Message = f.name + ": " + e.Message
	return &named
}

// Names are those of an object's parts, sorted, and none for anything else. The
// caller must not change them.
func (v *HostValue) Names() []string { return v.names }

// Part is what an object has under a name, or nil.
func (v *HostValue) Part(name string) *HostValue {
	if i, ok := slices.BinarySearch(v.names, name); ok {
		return v.parts[i]
	}
	return nil
}

func newObject(parts map[string]*HostValue) *HostValue {
	v := &HostValue{names: slices.Sorted(maps.Keys(parts))}
	for _, name := range v.names {
		v.parts = append(v.parts, parts[name])
	}
	return v
}

// with returns an object like v that has a value where the path leads. All that
// the path doesn't lead through is shared.
func (v *HostValue) with(path []string, value *HostValue) (*HostValue, error) {
	switch {
	case len(path) == 0:
		return nil, errors.New("there is a value of this name already")
	case len(v.names) == 0:
		return nil, errors.New("a part of the name is another value")
	}
	i, ok := slices.BinarySearch(v.names, path[0])
	if !ok {
		for _, name := range slices.Backward(path[1:]) {
			value = newObject(map[string]*HostValue{name: value})
		}
		return &HostValue{
			names: slices.Insert(slices.Clone(v.names), i, path[0]),
			parts: slices.Insert(slices.Clone(v.parts), i, value),
		}, nil
	}
	part, err := v.parts[i].with(path[1:], value)
	if err != nil {
		return nil, err
	}
	next := &HostValue{names: v.names, parts: slices.Clone(v.parts)}
	next.parts[i] = part
	return next, nil
}
