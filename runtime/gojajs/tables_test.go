package gojajs_test

import (
	"testing"

	"github.com/dop251/goja"

	"github.com/fazt-sh/fazt/runtime/gojajs"
)

// A call of a function that the object only inherits would pass the object on.
func TestOwnFunctions(t *testing.T) {
	for object, names := range gojajs.OwnFunctions {
		for _, name := range names {
			val := goja.New().Get(object).(*goja.Object)
			if _, ok := goja.AssertFunction(val.Get(name)); !ok {
				t.Errorf("%s.%s is not a function", object, name)
			}
			if val.Prototype().Get(name) != nil {
				t.Errorf("%s.%s may be inherited", object, name)
			}
		}
	}
}
