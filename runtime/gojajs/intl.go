package gojajs

import (
	"math"

	"github.com/dop251/goja"

	"github.com/fazt-sh/fazt/runtime/internal/intl"
	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// formats are what Intl and the toLocale methods of this run are made of.
func (v *vm) formats() *js.Intl[goja.Value] {
	if v.intl == nil {
		v.intl = &js.Intl[goja.Value]{Reader: v}
	}
	return v.intl
}

// ours throws an error, or passes a result on.
func ours[T any](v *vm, result T, err error) T {
	if err != nil {
		v.throw(err)
	}
	return result
}

// numericText is how a number or a bigint is printed, or what an object is as one.
func (v *vm) numericText(val goja.Value) string {
	v.checkNumber(val)
	if val = v.numeric(val); goja.IsBigInt(val) {
		return val.String()
	}
	return js.NumberText(val.ToFloat())
}

// localeNumber is toLocaleString of numbers and bigints.
func localeNumber(v *vm, c goja.FunctionCall) goja.Value {
	val := v.unboxed(c.This)
	if !goja.IsBigInt(val) && !goja.IsNumber(val) {
		v.typeError("this is not a number")
	}
	text, err := v.formats().Number(v.numericText(val), c.Argument(0), c.Argument(1))
	return v.js.ToValue(ours(v, text, err))
}

// localeDate makes a guard for a method of Date that prints it for a locale.
func localeDate(what string) guard {
	return instead(func(v *vm, c goja.FunctionCall) goja.Value {
		text, err := v.formats().Date(v.timeOfThis(c), what, c.Argument(0), c.Argument(1))
		return v.js.ToValue(ours(v, text, err))
	})
}

// localeCompare compares by a locale where there is one, or options.
func localeCompare(v *vm, native *goja.Object) goja.Value {
	f := code(native)
	return v.stand(native, func(c goja.FunctionCall) goja.Value {
		if goja.IsUndefined(c.Argument(1)) && goja.IsUndefined(c.Argument(2)) || goja.IsUndefined(c.This) || goja.IsNull(c.This) {
			return f(compared(v, c))
		}
		n, err := v.formats().Compare(v.str(c.This).String(), v.str(c.Argument(0)).String(), c.Argument(1), c.Argument(2))
		return v.js.ToValue(ours(v, n, err))
	})
}

// intlLibrary makes Intl.
func (v *vm) intlLibrary() goja.Value {
	v.reach("split")
	v.reach(expressions)
	bridge := v.js.CreateObject(nil)
	parts := func(list []intl.Part) goja.Value {
		out := make([]any, 0, 2*len(list))
		for _, p := range list {
			out = append(out, p.Type, p.Value)
		}
		return v.newArray(out...)
	}
	format := func(c goja.FunctionCall) []intl.Part {
		kind, number, value := c.Argument(0).String(), handle(c.Argument(1)), c.Argument(2)
		var list []string
		text := ""
		if kind == "ListFormat" {
			list = v.elements(value)
		} else {
			var ok bool
			if exact, isText := value.(goja.String); isText && kind == "NumberFormat" {
				text, ok = js.ExactText(exact.String())
			}
			if !ok {
				text = v.numericText(value)
			}
		}
		result, err := v.formats().Parts(kind, number, text, c.Argument(3).String(), list)
		return ours(v, result, err)
	}
	for name, f := range map[string]nativeFunc{
		"intlMake": func(c goja.FunctionCall) goja.Value {
			n, err := v.formats().Make(c.Argument(0).String(), c.Argument(1), c.Argument(2))
			return v.js.ToValue(ours(v, n, err))
		},
		"intlText":  func(c goja.FunctionCall) goja.Value { return v.js.ToValue(intl.Text(format(c))) },
		"intlParts": func(c goja.FunctionCall) goja.Value { return parts(format(c)) },
		"intlResolved": func(c goja.FunctionCall) goja.Value {
			list, err := v.formats().Resolved(handle(c.Argument(0)))
			return parts(ours(v, list, err))
		},
		"intlSelect": func(c goja.FunctionCall) goja.Value {
			text, err := v.formats().Selected(handle(c.Argument(0)), v.numericText(c.Argument(1)))
			return v.js.ToValue(ours(v, text, err))
		},
		"intlCompare": func(c goja.FunctionCall) goja.Value {
			n, err := v.formats().Compared(handle(c.Argument(0)), c.Argument(1).String(), c.Argument(2).String())
			return v.js.ToValue(ours(v, n, err))
		},
		"intlLocales": func(c goja.FunctionCall) goja.Value {
			tags, err := v.formats().Locales(c.Argument(0))
			tags = ours(v, tags, err)
			list := intl.Supported
			if c.Argument(1).String() == "canonical" {
				list = intl.Canonical
			}
			tags, err = list(tags)
			return v.texts(ours(v, tags, err))
		},
		"intlValues": func(c goja.FunctionCall) goja.Value {
			list := intl.Values(c.Argument(0).String())
			if list == nil {
				v.rangeError("Intl.supportedValuesOf: there are calendar, collation, currency and numberingSystem")
			}
			return v.texts(list)
		},
	} {
		_ = bridge.Set(name, f)
	}
	program, err := v.js.RunProgram(v.script.shared.intl)
	if err == nil {
		f, _ := goja.AssertFunction(program)
		program, err = f(goja.Undefined(), bridge)
	}
	if err != nil {
		panic(rethrown(err))
	}
	return program.(*goja.Object).Get("Intl")
}

// handle is the number of an object of Intl, or -1.
func handle(val goja.Value) int {
	if f := wholeNumber(val); f >= 0 && f < math.MaxInt32 {
		return int(f)
	}
	return -1
}

// elements are the texts of an iterable.
func (v *vm) elements(val goja.Value) []string {
	if goja.IsUndefined(val) {
		return nil
	}
	var list []string
	for _, e := range v.values(v.library("list", val)) {
		s, ok := e.(goja.String)
		if !ok {
			v.typeError("Iterable yielded a value which is not a string")
		}
		list = append(list, s.String())
	}
	return list
}

// localeGuards are the guards of what prints for a locale.
var localeGuards = map[string]guard{
	"Number.prototype.toLocaleString": instead(localeNumber), "BigInt.prototype.toLocaleString": instead(localeNumber),
	"Date.prototype.toLocaleString": localeDate("all"), "Date.prototype.toLocaleDateString": localeDate("date"),
	"Date.prototype.toLocaleTimeString": localeDate("time"), "String.prototype.localeCompare": localeCompare,
}
