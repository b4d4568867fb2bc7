package gojajs

import (
	"maps"
	"slices"
	"sync"

	"github.com/dop251/goja"
)

// OwnFunctions are those that may be called without a use of their object's value.
var OwnFunctions = ownFunctions

// WithoutArrays are the globals by which alone nobody gets an array, and
// ArraysOfTexts the natives that make them of what isn't one.
var (
	WithoutArrays = withoutArrays
	ArraysOfTexts = arraysOfTexts
)

// Inside is an engine whose programs have one more global, a function inside: it
// calls f with the interpreter that the program is in, and with a function that
// installs all guards: those for names that occur, or also those for values that
// are passed on.
func Inside(f func(js *goja.Runtime, install func(values bool))) *Engine {
	return &Engine{shared: sync.OnceValues(func() (*shared, error) {
		s, err := newShared()
		if err != nil {
			return nil, err
		}
		s.globals = maps.Clone(s.globals)
		s.globals["inside"] = func(v *vm) goja.Value {
			return v.native("inside", func(goja.FunctionCall) goja.Value {
				f(v.js, v.installAll)
				return goja.Undefined()
			})
		}
		return s, nil
	})}
}

func (v *vm) installAll(values bool) {
	for _, name := range slices.Sorted(maps.Keys(v.script.shared.features)) {
		if values {
			v.reach(name)
		} else {
			v.install(v.script.shared.features[name], useName)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.script.shared.globals)) {
		v.provide(name)
	}
}
