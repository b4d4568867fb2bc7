package ottojs

import (
	"strconv"

	"github.com/robertkrimen/otto"
)

// hardenAll makes unchangeable all that code can reach from the globals and
// from the prelude's own functions. The global object itself stays extensible,
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
// prelude defines them. A function's caller is an accessor that throws nothing
// and leads to functions that are frozen, too.
func (v *vm) harden(val otto.Value) error {
	if !val.IsObject() || v.frozen[val] || val == v.global.Value() {
		return nil
	}
	v.frozen[val] = true
	if _, err := v.lib.freeze.Call(undefined, val); err != nil {
		return err
	}
	if val.IsFunction() {
		prototype, err := val.Object().Get("prototype")
		if err != nil || !prototype.IsObject() {
			return err // a native function that isn't a constructor has no properties
		}
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
		if err := v.harden(property); err != nil {
			return err
		}
	}
	return nil
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
