package gojajs

import (
	"slices"

	"github.com/dop251/goja"
)

// Array.prototype.join is called without being named, by whatever makes a text
// of an array: an operator, a native, a property's name. So it has to be guarded
// in any program that can have an array. To do that takes as long as a small
// handler runs, so it is done before a run has its first one, which can come
// from:
//
//   - syntax, or natives that the program names in its text, which is known when
//     it is compiled: script.arrays;
//   - natives whose name is computed: vm.reach;
//   - Go, for a host function or from a request: vm.newArray;
//   - the library, which has arrays itself, and makes the bytes that come from Go,
//     whose natives make arrays: vm.loadFile.

// guardArrays guards join. It is to be called before the run has an array, and
// does nothing when called again.
func (v *vm) guardArrays() {
	if !v.arrays {
		v.arrays = true
		v.replace(arraysAsTexts)
	}
}

var arraysAsTexts = slot{holder: "Array.prototype", key: "join", guard: instead((*vm).join)}

// newArray makes an array of values.
func (v *vm) newArray(items ...any) *goja.Object {
	v.guardArrays()
	return v.js.NewArray(items...)
}

// withoutArrays are the globals by which alone nobody gets an array: what they
// return, and what their functions return, is none.
var withoutArrays = []string{"Math", "JSON", "Date", "Number", "Boolean", "String", "Symbol", "BigInt",
	"Error", "TypeError", "ReferenceError", "SyntaxError", "RangeError", "EvalError", "URIError",
	"parseInt", "parseFloat", "encodeURI", "encodeURIComponent", "escape", "eval", "Function"}

// arraysOfTexts are the natives that make arrays of what isn't an array, and that
// are reached without a global. Those of regular expressions are reached by the
// feature of that syntax.
var arraysOfTexts = []string{"String.prototype.split", "String.prototype.match", "String.prototype.matchAll"}

// leadToArrays tells whether the natives that a name leads to may make arrays of
// what isn't one. Those that can only be reached by a global are that one's.
func leadToArrays(all map[string]*feature, name string) bool {
	f := all[name]
	switch {
	case f.prepare != nil && name != "Error" && name != "Date":
		return true
	case f.holders != nil && !slices.Contains(withoutArrays, name):
		return true
	}
	return slices.ContainsFunc(f.slots, func(s slot) bool {
		return s.holder == "" && !slices.Contains(withoutArrays, s.key) || slices.Contains(arraysOfTexts, s.path())
	}) || slices.ContainsFunc(f.also, func(name string) bool { return all[name] != nil && leadToArrays(all, name) })
}

// makesArrays tells whether a program that mentions these names may get an array
// by one of them.
func (s *shared) makesArrays(m mentions) bool {
	for name := range m.names {
		if f := s.features[name]; f != nil && f.arrays {
			return true
		}
	}
	return false
}
