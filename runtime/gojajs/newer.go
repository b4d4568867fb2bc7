package gojajs

import (
	"cmp"
	"embed"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/dop251/goja"
)

// What the language has had since goja was made to follow it, and some of the web's
// globals, is in files of their own. A run loads one when it first names something of it:
// the features of prepared do.

//go:embed newer/*.js
var newerSources embed.FS

// compileNewer compiles these files, by their names.
func compileNewer() (map[string]*module, error) {
	files := make(map[string]*module)
	list, err := fs.Glob(newerSources, "newer/*.js")
	for _, name := range list {
		text, readErr := newerSources.ReadFile(name)
		m, compileErr := compileLibrary(string(text))
		if err = cmp.Or(err, readErr, compileErr); err != nil {
			break
		}
		files[strings.TrimSuffix(path.Base(name), ".js")] = m
	}
	return files, err
}

// newer calls a function of one of the files.
func (v *vm) newer(file, name string, args ...goja.Value) goja.Value {
	if v.newerFiles == nil {
		v.newerFiles = make(map[string]*goja.Object)
	}
	exports := v.newerFiles[file]
	if exports == nil {
		exports = v.loadFile(v.script.shared.newer[file])
		v.newerFiles[file] = exports
	}
	f, _ := goja.AssertFunction(exports.Get(name))
	return v.must(f(goja.Undefined(), args...))
}

// newerFunctions are those that only these files use. They are independent of what a handler may have made of the standard
// library, but for make and entries, which only take its constructors and methods.
var newerFunctions = map[string]func(v *vm, c goja.FunctionCall) goja.Value{
	"callable": func(v *vm, c goja.FunctionCall) goja.Value {
		if !isFunction(c.Argument(0)) {
			v.typeError("this wants a function")
		}
		return goja.Undefined()
	},
	"object": func(v *vm, c goja.FunctionCall) goja.Value {
		if _, ok := c.Argument(0).(*goja.Object); !ok {
			v.typeError("this is no iterator")
		}
		return goja.Undefined()
	},
	// install gives an object methods.
	"install": func(v *vm, c goja.FunctionCall) goja.Value {
		to, methods := c.Argument(0).(*goja.Object), c.Argument(1).(*goja.Object)
		for _, key := range methods.Keys() {
			v.hide(to, key, methods.Get(key))
		}
		return goja.Undefined()
	},
	"isIterable": func(v *vm, c goja.FunctionCall) goja.Value {
		return v.js.ToValue(isIterable(c.Argument(0).ToObject(v.js)))
	},
	"iteratorOf": func(v *vm, c goja.FunctionCall) goja.Value {
		of, ok := goja.AssertFunction(c.Argument(0).ToObject(v.js).GetSymbol(goja.SymIterator))
		if !ok {
			v.typeError("this is not iterable")
		}
		return v.must(of(c.Argument(0)))
	},
	// copy is an array of an iterable, or of what is like an array.
	"copy": func(v *vm, c goja.FunctionCall) goja.Value {
		obj := c.Argument(0).ToObject(v.js)
		if isIterable(obj) {
			return v.library("list", obj)
		}
		return v.library("copy", obj, v.js.ToValue(v.lengthOf(obj)))
	},
	"inherits": func(v *vm, c goja.FunctionCall) goja.Value {
		prototype := c.Argument(1).(*goja.Object)
		obj, _ := c.Argument(0).(*goja.Object)
		for obj != nil && obj != prototype {
			v.x.Check()
			obj = obj.Prototype()
		}
		return v.js.ToValue(obj != nil)
	},
	"inherit": func(v *vm, c goja.FunctionCall) goja.Value {
		_ = c.Argument(0).(*goja.Object).SetPrototype(c.Argument(1).(*goja.Object))
		return goja.Undefined()
	},
	// prototype makes an object the prototype of what a function constructs.
	"prototype": func(v *vm, c goja.FunctionCall) goja.Value {
		_ = c.Argument(0).(*goja.Object).DefineDataProperty("prototype", c.Argument(1), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
		return goja.Undefined()
	},
	// key is a property's key as the language makes it of a value.
	"key": func(v *vm, c goja.FunctionCall) goja.Value {
		if s, ok := c.Argument(0).(*goja.Symbol); ok {
			return s
		}
		return v.str(c.Argument(0))
	},
	"put": func(v *vm, c goja.FunctionCall) goja.Value {
		obj := c.Argument(0).(*goja.Object)
		if s, ok := c.Argument(1).(*goja.Symbol); ok {
			if s == goja.SymToPrimitive {
				v.typeError(noToPrimitive)
			}
			_ = obj.DefineDataPropertySymbol(s, c.Argument(2), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		} else {
			v.put(obj, c.Argument(1).String(), c.Argument(2))
		}
		return goja.Undefined()
	},
	"owns": func(v *vm, c goja.FunctionCall) goja.Value {
		return v.js.ToValue(slices.Contains(c.Argument(0).(*goja.Object).GetOwnPropertyNames(), c.Argument(1).String()))
	},
	"make": func(v *vm, c goja.FunctionCall) goja.Value {
		return v.construction(c.Argument(0).String(), c.Arguments[1:]...)
	},
	"fail": func(v *vm, c goja.FunctionCall) goja.Value {
		v.throwError(c.Argument(0).String(), "", c.Argument(1).String())
		return nil
	},
	"kindOf": (*vm).kindOf, "blank": (*vm).blank, "entries": (*vm).entries, "detach": (*vm).detach,
	"upper":    func(v *vm, c goja.FunctionCall) goja.Value { return v.js.ToValue(upper(c.Argument(0))) },
	"hashName": (*vm).hashName, "digest": (*vm).digest, "hmacOf": (*vm).hmacOf, "timingSafeEqual": (*vm).timingSafeEqual,
	"bytes": (*vm).copyBytes, "randomKey": (*vm).randomKey, "base64url": (*vm).base64url, "fromBase64url": (*vm).fromBase64url,
}

// construction is what one of the language's constructors makes.
func (v *vm) construction(name string, args ...goja.Value) *goja.Object {
	obj, err := v.js.New(v.holder(name), args...)
	if err != nil {
		panic(rethrown(err))
	}
	return obj
}

func (v *vm) addGroupBy() { v.newer("groups", "groupBy", v.holder("Object"), v.holder("Map")) }

func (v *vm) addPromises() { v.newer("promises", "promises", v.holder("Promise")) }

func (v *vm) addFromAsync() { v.newer("promises", "fromAsync", v.holder("Array")) }

// addIterators gives all iterators the methods of Iterator.
func (v *vm) addIterators() {
	if v.iterator == nil {
		v.iterator = v.newer("iterators", "iterator", v.arrayIterators().Prototype())
	}
}

// addWellFormed adds the methods about halves of surrogate pairs.
func (v *vm) addWellFormed() {
	this := func(c goja.FunctionCall) goja.String {
		if goja.IsUndefined(c.This) || goja.IsNull(c.This) {
			v.typeError("undefined and null are no texts")
		}
		return v.str(c.This)
	}
	texts := v.holder("String.prototype")
	v.hide(texts, "isWellFormed", v.native("isWellFormed", func(c goja.FunctionCall) goja.Value {
		s := this(c)
		return v.js.ToValue(s.StrictEquals(v.wellFormed(s)))
	}))
	v.hide(texts, "toWellFormed", v.native("toWellFormed", func(c goja.FunctionCall) goja.Value { return v.wellFormed(this(c)) }))
}

// wellFormed has U+FFFD where a text has half of a surrogate pair.
func (v *vm) wellFormed(s goja.String) goja.Value { return v.js.ToValue(s.String()) }

// iteratorMethods are those that all iterators have. They are common names, so they are
// added for a program that can get an iterator and names one of them, or that computes
// one of these names.
var iteratorMethods = []string{"map", "filter", "take", "drop", "flatMap", "reduce", "toArray", "forEach", "some", "every", "find"}

// walks give an iterator, unless they are Object's.
var walks = []string{"entries", "keys", "values"}

// iteratorNames give one whosever they are.
var iteratorNames = []string{"iterator", "matchAll", "Iterator"}

// usesIterators tells whether a program may call a method of an iterator.
func (m mentions) usesIterators() bool {
	has := func(name string) bool { return m.names[name] }
	return (has(iterators) || slices.ContainsFunc(iteratorNames, has)) && slices.ContainsFunc(iteratorMethods, has)
}

// computesIterator tells whether a name that was computed may have to do with them.
func computesIterator(name string) bool {
	return name == goja.SymIterator.String() || slices.Contains(walks, name) || slices.Contains(iteratorNames, name) || slices.Contains(iteratorMethods, name)
}
