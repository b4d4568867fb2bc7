package ottojs

import (
	"reflect"
	"slices"
	"sync"
	"unsafe"

	"github.com/robertkrimen/otto"
)

// otto gives every function a prototype, and a getter caller of its own, which is a
// function again with such a getter and a prototype: four objects beside the one that is
// called. Without them a VM takes half of the memory, and of the garbage collector's time.
// JavaScript can't delete them and otto exports nothing that can, so they are taken out of
// otto's own objects. An otto whose objects look otherwise is left as it is.

// slim takes caller from a function of the library, and its prototype if nothing was put
// there: methods have none in the language either.
func slim(fn otto.Value) {
	if fn.IsFunction() && slimmable() {
		slimObject(objectOf(reflect.ValueOf(fn)))
	}
}

// slimmable tells whether otto's objects are those that are known here, by trying it on
// each kind of function: the package reflect panics where a field isn't what it is taken
// for.
var slimmable = sync.OnceValue(func() (ok bool) {
	defer func() { _ = recover() }()
	o := otto.New()
	if o.Set("host", func(otto.FunctionCall) otto.Value { return undefined }) != nil {
		return false
	}
	for src, keeps := range map[string]bool{
		"host": false, "(function () {})": false, "(function () {}).bind()": false, "[].map": false, "Error": true,
	} {
		fn, err := o.Run(src)
		if err != nil {
			return false
		}
		slimObject(objectOf(reflect.ValueOf(fn)))
		prototype, err := fn.Object().Get("prototype")
		if err != nil || prototype.IsObject() != keeps {
			return false
		}
	}
	return true
})

// slimObject is slim for otto's own object.
func slimObject(fn reflect.Value) {
	properties := open(fn.FieldByName("property"))
	drop := func(name reflect.Value) {
		properties.SetMapIndex(name, reflect.Value{})
		order := open(fn.FieldByName("propertyOrder")).Addr().Interface().(*[]string)
		*order = slices.DeleteFunc(*order, func(s string) bool { return s == name.String() })
	}
	if properties.MapIndex(callerName).IsValid() {
		drop(callerName)
	}
	if p := properties.MapIndex(prototypeName); p.IsValid() {
		if prototype := objectOf(p.FieldByName("value").Elem()); prototype.IsValid() && prototype.FieldByName("property").Len() == 1 {
			drop(prototypeName)
		}
	}
}

var callerName, prototypeName = reflect.ValueOf("caller"), reflect.ValueOf("prototype")

// objectOf is otto's own object of an otto.Value, or the zero Value.
func objectOf(val reflect.Value) reflect.Value {
	if obj := val.FieldByName("value").Elem(); obj.Kind() == reflect.Pointer {
		return obj.Elem()
	}
	return reflect.Value{}
}

// open lets a field be changed that otto doesn't export.
func open(field reflect.Value) reflect.Value {
	return reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
}
