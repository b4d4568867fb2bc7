package ottojs

import (
	"strconv"

	"github.com/robertkrimen/otto"
)

// hardenAll makes unchangeable all that code can reach from the roots and from
// the globals. The global object itself stays extensible,
// since sloppy code assigns to variables that it didn't declare; see vm.Reset.
func (v *vm) hardenAll(roots ...otto.Value) error {
	names, err := v.names(v.global.Value())
	if err != nil {
		return err
	}
	for _, name := range names {
		val, err := v.global.Get(name)
		if err != nil {
			return err
		}
		if _, err := v.lib.fix.Call(undefined, name); err != nil {
			return err
		}
		roots = append(roots, val)
	}
	for _, root := range roots {
		if err := v.harden(root); err != nil {
			return err
		}
	}
	return nil
}

// harden freezes val and all that it leads to. Accessors are frozen where the
// prelude defines them; where otto's functions still have a caller, see slim, it
// leads to functions that are frozen, too.
func (v *vm) harden(val otto.Value) error {
	if done, err := v.freeze(val); done || err != nil {
		return err
	}
	names, err := v.names(val)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == "caller" {
			continue
		}
		property, err := val.Object().Get(name)
		if err != nil {
			return err
		}
		if property.IsFunction() && name != "constructor" {
			err = v.hardenMethod(property)
		} else {
			err = v.harden(property)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// hardenMethod freezes a function that is known to have nothing of its own but
// a prototype with nothing but a constructor, which slim takes from it. Most functions are like that, and
// looking at their properties would take most of the time of making a VM.
func (v *vm) hardenMethod(fn otto.Value) error {
	if done, err := v.freeze(fn); done || err != nil {
		return err
	}
	prototype, err := fn.Object().Get("prototype")
	if err == nil && prototype.IsObject() {
		_, err = v.freeze(prototype)
	}
	return err
}

// freeze freezes and thins one object. It reports whether there was nothing left to do.
func (v *vm) freeze(val otto.Value) (done bool, err error) {
	if !val.IsObject() || v.frozen[val] || val == v.global.Value() {
		return true, nil
	}
	v.frozen[val] = true
	slim(val)
	_, err = v.lib.freeze.Call(undefined, val)
	return false, err
}

// names are all own property names, also those that aren't enumerable.
func (v *vm) names(val otto.Value) ([]string, error) {
	list, err := v.lib.names.Call(undefined, val)
	if err != nil {
		return nil, err
	}
	length, err := list.Object().Get("length")
	if err != nil {
		return nil, err
	}
	n, err := length.ToInteger()
	if err != nil {
		return nil, err
	}
	names := make([]string, n)
	for i := range names {
		name, err := list.Object().Get(strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		names[i] = name.String()
	}
	return names, nil
}
