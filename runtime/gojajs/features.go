package gojajs

import (
	"fmt"
	"maps"
	"slices"

	"github.com/dop251/goja"
)

// goja can't be interrupted inside a native. Some natives run as long as a
// length says, some call back, and a chain of natives that call one another
// (an object whose toString is String.prototype.trim) overflows the Go stack,
// which ends the process. So natives are guarded: replaced by functions of ours
// that check what they are given, bound how deep they nest, and are checkpoints.
//
// To replace all of them takes longer than most handlers run, and is not needed:
// a program can only reach a native by its name. What it names in its text is
// known when it is compiled: a native that takes long has to be guarded where
// its name occurs at all, any other only where its value is passed on, as only
// then another native can call it. Names that are computed go through vm.key,
// and those that reflection is given through guards of their own, both of which
// guard what they name before it is looked up.

// feature is what belongs to a name.
type feature struct {
	id      int // its place in vm.reached
	slots   []slot
	holders []string    // objects that the name leads to, see vm.holder
	also    []string    // names that come with it
	arrays  bool        // it leads to natives that make arrays, see guardArrays
	prepare func(v *vm) // does what else is needed
}

// slot is a property of one of the standard objects that holds a native.
type slot struct {
	holder string // such as Array.prototype, see vm.holder; "" is the global object
	key    string
	symbol *goja.Symbol // instead of key
	guard  guard        // nil for a native that only needs one when its value is passed on
	base   *feature     // the global by which alone the native can be reached, nil for others
}

func (s slot) path() string {
	key := s.key
	if s.symbol != nil {
		key = s.symbol.String()
	}
	if s.holder == "" {
		return key
	}
	return s.holder + "." + key
}

// guard makes the function that stands for a native.
type guard func(v *vm, native *goja.Object) goja.Value

// use tells what a program does with a name.
type use uint8

const (
	useName  use = 1 + iota // it occurs
	useValue                // its value is passed on
)

// start is a feature that a program needs from its beginning.
type start struct {
	*feature
	use use
}

// allFeatures looks through a runtime for natives.
func allFeatures() (map[string]*feature, error) {
	v := &vm{js: goja.New()}
	all := make(map[string]*feature)
	at := func(name string) *feature {
		if all[name] == nil {
			all[name] = &feature{id: len(all)}
		}
		return all[name]
	}
	missing := maps.Clone(guards)
	add := func(name string, s slot) {
		delete(missing, s.path())
		if s.guard = guards[s.path()]; s.guard != nil || s.holder != "" || slices.Contains(valueConstructors, s.key) || passedOn[s.key] != nil {
			at(name).slots = append(at(name).slots, s)
		}
	}
	for _, path := range holderPaths {
		holder := v.holder(path)
		var base *feature
		if path != "" && !reachedBySyntax[path] {
			base = at(baseOf(path))
		}
		for _, key := range holder.GetOwnPropertyNames() {
			if key == "caller" || key == "arguments" || key == "constructor" {
				continue // see prepareConstructor
			}
			var val goja.Value
			if v.js.Try(func() { val = holder.Get(key) }) != nil {
				continue // an accessor, which wants another this
			}
			if _, ok := goja.AssertFunction(val); ok || guards[slot{holder: path, key: key}.path()] != nil {
				add(key, slot{holder: path, key: key, base: base})
			}
		}
		for _, s := range symbols {
			if _, ok := goja.AssertFunction(holder.GetSymbol(s)); ok {
				add(s.String(), slot{holder: path, symbol: s, base: base})
			}
		}
		at(baseOf(path)).holders = append(at(baseOf(path)).holders, path)
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("gojajs: there is no %v to be guarded", slices.Sorted(maps.Keys(missing)))
	}
	for name, others := range implied {
		at(name).also = others
	}
	for name, f := range prepared {
		at(name).prepare = f
	}
	for name, f := range all {
		f.arrays = leadToArrays(all, name)
	}
	return all, nil
}

// mentioned are the features that a program needs from its beginning.
func (s *shared) mentioned(m mentions) []start {
	var list []start
	if m.usesIterators() {
		list = append(list, start{s.features[iterators], useName})
	}
	errors := m.names["Error"] || slices.ContainsFunc(errorSources, func(name string) bool { return m.names[name] })
	for _, name := range slices.Sorted(maps.Keys(m.names)) {
		if !errors && slices.Contains(errorTexts, name) || name == iterators {
			continue
		}
		f := s.features[name]
		u := useName
		if m.values[name] {
			u = useValue
		}
		if f != nil && (u == useValue || f.needed()) {
			list = append(list, start{f, u})
		}
	}
	return list
}

// needed tells whether there is something to do where the name only occurs.
func (f *feature) needed() bool {
	return f.prepare != nil || f.also != nil || f.holders != nil ||
		slices.ContainsFunc(f.slots, func(s slot) bool { return s.guard != nil })
}

// reach guards what a name that was computed leads to.
func (v *vm) reach(name string) {
	v.provide(name)
	if computesIterator(name) {
		v.install(v.script.shared.features[iterators], useName)
	}
	if f := v.script.shared.features[name]; f != nil {
		if f.arrays {
			v.guardArrays()
		}
		v.install(f, useValue)
	}
}

// install guards a feature's natives.
func (v *vm) install(f *feature, u use) {
	if v.reached == nil {
		v.reached = make([]use, len(v.script.shared.features))
	}
	before := v.reached[f.id]
	if before >= u {
		return
	}
	v.reached[f.id] = u
	if before == 0 {
		v.have(f)
	}
	if u == useValue {
		for _, path := range f.holders {
			v.holder(path)
		}
	}
	for _, s := range f.slots {
		switch {
		case s.guard == nil && u < useValue, s.guard != nil && before > 0:
		case s.base != nil && v.reached[s.base.id] == 0:
			v.later = append(v.later, s)
		default:
			v.replace(s)
		}
	}
	if before > 0 {
		return
	}
	for _, name := range f.also {
		if other := v.script.shared.features[name]; other != nil {
			v.install(other, useName)
		}
	}
	if f.prepare != nil {
		f.prepare(v)
	}
}

// have guards what waited for a global to be reached.
func (v *vm) have(base *feature) {
	var ready []slot
	v.later = slices.DeleteFunc(v.later, func(s slot) bool {
		if s.base == base {
			ready = append(ready, s)
		}
		return s.base == base
	})
	for _, s := range ready {
		v.replace(s)
	}
}

// replace puts a guard in the place of a native.
func (v *vm) replace(s slot) {
	holder := v.holder(s.holder)
	var native *goja.Object
	if s.symbol != nil {
		native, _ = holder.GetSymbol(s.symbol).(*goja.Object)
	} else {
		native, _ = holder.Get(s.key).(*goja.Object)
	}
	if native == nil {
		return // the handler has put something else there
	}
	make := s.guard
	switch {
	case make == nil && s.holder == "":
		if make = v.script.shared.passedOn[s.key]; make == nil {
			make = constructorGuard(nil)
		}
	case make == nil:
		make = plainGuard
	}
	val := make(v, native)
	if s.symbol != nil {
		_ = holder.DefineDataPropertySymbol(s.symbol, val, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	} else {
		_ = holder.DefineDataProperty(s.key, val, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
}

// holder returns a standard object. The ones that have been asked for are kept,
// since a handler may put something else in their place.
func (v *vm) holder(path string) *goja.Object {
	if path == "" {
		return v.js.GlobalObject()
	}
	if obj, ok := v.holders.get(path); ok {
		return obj.(*goja.Object)
	}
	return v.holders.set(path, v.findHolder(path)).(*goja.Object)
}

// moveHolder makes another object the one that is found at a path.
func (v *vm) moveHolder(path string, to *goja.Object) {
	if _, ok := v.holders.get(path); ok {
		v.holders.set(path, to)
	}
}

func (v *vm) findHolder(path string) *goja.Object {
	switch path {
	case "Array.prototype":
		return v.js.NewDynamicArray(nil).Prototype() // cheaper than an array
	case "Object.prototype":
		return v.js.NewDynamicObject(nil).Prototype()
	case "String.prototype":
		return v.js.ToValue("").ToObject(v.js).Prototype()
	case "%TypedArray%":
		return v.holder("Uint8Array").Prototype()
	case "%TypedArray%.prototype":
		return v.holder("Uint8Array.prototype").Prototype()
	}
	if base := baseOf(path); base != path {
		return v.holder(base).Get("prototype").(*goja.Object)
	}
	return v.js.Get(path).(*goja.Object)
}

// methodKey is key for a function that is written there: what noToPrimitive is
// about can't be one.
func (v *vm) methodKey(c goja.FunctionCall) goja.Value {
	if k := c.Argument(0); k == goja.SymToPrimitive {
		return k
	}
	return v.key(c)
}

// key looks at a property name that was computed, and returns it.
func (v *vm) key(c goja.FunctionCall) goja.Value {
	k := c.Argument(0)
	switch val := k.(type) {
	case *goja.Symbol:
		if val == goja.SymToPrimitive {
			v.typeError(noToPrimitive)
		}
		v.reach(val.String())
	case goja.String:
		v.reach(val.String())
	case *goja.Object:
		// The language makes a text of it, once.
		k = v.js.ToValue(val.String())
		v.reach(k.String())
	}
	return k
}
