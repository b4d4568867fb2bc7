package gojajs

import (
	_ "embed"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"github.com/fazt-sh/fazt/runtime/internal/js"
	"github.com/fazt-sh/fazt/runtime/internal/literal"
)

const libraryName = "<library>"

//go:embed library.js
var librarySource string

// library calls a function of the library, which is loaded for the first call.
func (v *vm) library(name string, args ...goja.Value) goja.Value {
	if v.lib == nil {
		v.lib = v.loadFile(v.script.shared.library)
	}
	f, _ := goja.AssertFunction(v.lib.Get(name))
	return v.must(f(goja.Undefined(), args...))
}

// loadFile runs a file of the library and returns its exports.
func (v *vm) loadFile(m *module) *goja.Object {
	v.guardArrays()
	exports := v.js.CreateObject(nil)
	file, err := v.file(m)
	if err == nil {
		_, err = file(goja.Undefined(), exports, nil, v.bridge(), nil, v.inside)
	}
	if err != nil {
		panic(rethrown(err))
	}
	return exports
}

// bridge is what the library gets from Go. Handlers never see it. Each function is made
// when it is asked for, as it takes a kilobyte, and what it does is independent of what a
// handler may have made of the standard library.
type bridge struct {
	vm   *vm
	made map[string]goja.Value
}

// bridge returns the run's.
func (v *vm) bridge() *goja.Object {
	if v.bridged == nil {
		v.bridged = v.js.NewDynamicObject(&bridge{vm: v, made: make(map[string]goja.Value)})
	}
	return v.bridged
}

func (b *bridge) Get(key string) goja.Value {
	switch key {
	case "species":
		return goja.SymSpecies
	case "iterator":
		return goja.SymIterator
	case "tag", "toStringTag":
		return goja.SymToStringTag
	}
	if val, ok := b.made[key]; ok {
		return val
	}
	f, ok := bridgeFunctions[key]
	if !ok {
		f = newerFunctions[key]
	}
	val := b.vm.js.ToValue(func(c goja.FunctionCall) goja.Value { return f(b.vm, c) })
	b.made[key] = val
	return val
}

func (b *bridge) Set(string, goja.Value) bool { return false }
func (b *bridge) Has(string) bool             { return true }
func (b *bridge) Delete(string) bool          { return false }
func (b *bridge) Keys() []string              { return nil }

// bridgeFunctions are those that library.js uses.
var bridgeFunctions = map[string]func(v *vm, c goja.FunctionCall) goja.Value{
	"isArray": func(v *vm, c goja.FunctionCall) goja.Value {
		o, ok := c.Argument(0).(*goja.Object)
		return v.js.ToValue(ok && isArray(o))
	},
	"lengthOf": func(v *vm, c goja.FunctionCall) goja.Value {
		return v.js.ToValue(v.lengthOf(c.Argument(0).ToObject(v.js)))
	},
	"push": func(v *vm, c goja.FunctionCall) goja.Value {
		list := c.Argument(0).(*goja.Object)
		v.put(list, strconv.Itoa(v.lengthOf(list)), c.Argument(1))
		return goja.Undefined()
	},
	"set": func(v *vm, c goja.FunctionCall) goja.Value {
		v.put(c.Argument(0).(*goja.Object), v.Units(c.Argument(1)), c.Argument(2))
		return goja.Undefined()
	},
	"bare": func(v *vm, _ goja.FunctionCall) goja.Value { return v.js.CreateObject(nil) },
	"has": func(v *vm, c goja.FunctionCall) goja.Value {
		list := c.Argument(0).(*goja.Object)
		for i := range v.lengthOf(list) {
			if list.Get(strconv.Itoa(i)).StrictEquals(c.Argument(1)) {
				return v.js.ToValue(true)
			}
		}
		return v.js.ToValue(false)
	},
	"keys": func(v *vm, c goja.FunctionCall) goja.Value {
		return v.texts(v.Keys(c.Argument(0)))
	},
	"keyOf": func(v *vm, c goja.FunctionCall) goja.Value {
		val := v.unboxed(c.Argument(0))
		if _, ok := val.(goja.String); ok || goja.IsNumber(val) {
			return v.str(val)
		}
		return goja.Undefined()
	},
	"text":    func(v *vm, c goja.FunctionCall) goja.Value { return v.str(c.Argument(0)) },
	"unboxed": func(v *vm, c goja.FunctionCall) goja.Value { return v.unboxed(c.Argument(0)) },
	"define": func(v *vm, c goja.FunctionCall) goja.Value {
		obj := c.Argument(0).(*goja.Object)
		if s, ok := c.Argument(1).(*goja.Symbol); ok {
			_ = obj.DefineDataPropertySymbol(s, c.Argument(2), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		} else {
			v.hide(obj, c.Argument(1).String(), c.Argument(2))
		}
		return goja.Undefined()
	},
	"advance": (*vm).advance,
	"apply":   (*vm).apply, "construct": (*vm).construct, "adopt": (*vm).adopt,
	"conversion": func(v *vm, c goja.FunctionCall) goja.Value {
		if f := c.Argument(0).ToObject(v.js).GetSymbol(goja.SymToPrimitive); f != nil {
			return f
		}
		return goja.Undefined()
	},
	"describe": (*vm).describeProperty, "accessor": (*vm).defineAccessor,
	"bytesToString": (*vm).bytesToString, "encode": (*vm).encode, "encodeInto": (*vm).encodeInto,
	"encodingOf": (*vm).encodingOf, "decoder": (*vm).decoder,
}

// values are the elements of a list that the library made.
func (v *vm) values(list goja.Value) []goja.Value {
	obj := list.(*goja.Object)
	out := make([]goja.Value, v.lengthOf(obj))
	for i := range out {
		out[i] = obj.Get(strconv.Itoa(i))
	}
	return out
}

func (v *vm) apply(c goja.FunctionCall) goja.Value {
	f, ok := goja.AssertFunction(c.Argument(0))
	if !ok {
		v.typeError("this is not a function")
	}
	val := v.must(f(c.Argument(1), v.values(c.Argument(2))...))
	v.giveSource(val)
	return val
}

func (v *vm) construct(c goja.FunctionCall) goja.Value {
	f, ok := goja.AssertConstructor(c.Argument(0))
	if !ok {
		v.typeError("this is not a constructor")
	}
	obj, err := f(c.Argument(2).(*goja.Object), v.values(c.Argument(1))...)
	if err != nil {
		panic(rethrown(err))
	}
	v.giveSource(obj)
	return obj
}

// describeProperty returns the functions of an accessor.
func (v *vm) describeProperty(c goja.FunctionCall) goja.Value {
	native := v.describer
	if native == nil {
		native, _ = v.holder("Object").Get("getOwnPropertyDescriptor").(*goja.Object)
	}
	if native == nil {
		v.typeError("Object.getOwnPropertyDescriptor is not a function any more")
	}
	f := v.callable(native)
	return v.must(f(goja.Undefined(), c.Arguments...))
}

func (v *vm) defineAccessor(c goja.FunctionCall) goja.Value {
	_ = c.Argument(0).(*goja.Object).DefineAccessorProperty(c.Argument(1).String(), c.Argument(2), c.Argument(3), goja.FLAG_TRUE, goja.FLAG_FALSE)
	return goja.Undefined()
}

// webLibrary returns the constructors that engines share.
func (v *vm) webLibrary() *goja.Object {
	if v.web != nil {
		return v.web
	}
	for _, name := range webNames {
		v.reach(name)
	}
	bridge := v.js.CreateObject(nil)
	_ = bridge.Set("formDecode", func(c goja.FunctionCall) goja.Value { return v.js.ToValue(literal.FormDecode(c.Argument(0).String())) })
	_ = bridge.Set("formEncode", func(c goja.FunctionCall) goja.Value {
		s := c.Argument(0).String()
		if js.MaxEncoded*len(s) > v.maxText() {
			v.tooLong("URLSearchParams")
		}
		return v.js.ToValue(js.FormEncode(s))
	})
	_ = bridge.Set("parseURL", func(c goja.FunctionCall) goja.Value {
		var base *string
		if b := c.Argument(1); !goja.IsUndefined(b) {
			text := b.String()
			base = &text
		}
		return v.urlParts(js.ParseURL(c.Argument(0).String(), base))
	})
	_ = bridge.Set("setURL", func(c goja.FunctionCall) goja.Value {
		return v.urlParts(js.SetURL(c.Argument(0).String(), c.Argument(1).String(), c.Argument(2).String()))
	})
	_ = bridge.Set("partNames", strings.Join(js.PartNames, " "))
	_ = bridge.Set("listOf", func(c goja.FunctionCall) goja.Value {
		obj, ok := c.Argument(0).(*goja.Object)
		if !ok || !isIterable(obj) {
			return goja.Undefined()
		}
		return v.listOf(obj)
	})
	program, err := v.js.RunProgram(v.script.shared.web)
	if err == nil {
		f, _ := goja.AssertFunction(program)
		program, err = f(goja.Undefined(), bridge)
	}
	if err != nil {
		panic(rethrown(err))
	}
	v.web = program.(*goja.Object)
	v.library("iterators", v.web.Get("URL"), v.web.Get("URLSearchParams"))
	return v.web
}

func (v *vm) urlParts(u *js.URL, ok bool) goja.Value {
	if !ok {
		return goja.Undefined()
	}
	return v.texts(u.Parts())
}

func (v *vm) texts(list []string) goja.Value {
	values := make([]any, len(list))
	for i, s := range list {
		values[i] = v.NewString(s)
	}
	return v.newArray(values...)
}

// webNames are the natives that the shared library calls.
var webNames = []string{"split", "map", "join", "slice", "push", "replace", "sort", "indexOf", expressions}
