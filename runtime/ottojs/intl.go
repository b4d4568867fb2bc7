package ottojs

import (
	"math"

	"github.com/robertkrimen/otto"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/intl"
	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// formats are what Intl and the toLocale methods of this run are made of.
func (v *vm) formats() *js.Intl[otto.Value] {
	if v.run.intl == nil {
		v.run.intl = &js.Intl[otto.Value]{Reader: v}
	}
	return v.run.intl
}

// ours throws an error, or passes a result on.
func ours[T any](v *vm, result T, err error) T {
	if err != nil {
		v.throw(err)
	}
	return result
}

// localeNumber is toLocaleString of a number.
func (v *vm) localeNumber(c otto.FunctionCall) otto.Value {
	text, err := v.formats().Number(js.NumberText(v.Number(c.Argument(0))), c.Argument(1), c.Argument(2))
	return v.value(ours(v, text, err))
}

// localeDate is toLocaleString of a time, or of its date or time alone.
func (v *vm) localeDate(c otto.FunctionCall) otto.Value {
	text, err := v.formats().Date(v.Number(c.Argument(0)), c.Argument(1).String(), c.Argument(2), c.Argument(3))
	return v.value(ours(v, text, err))
}

// localeCompare compares two texts by a locale or by options.
func (v *vm) localeCompare(c otto.FunctionCall) otto.Value {
	n, err := v.formats().Compare(c.Argument(0).String(), c.Argument(1).String(), c.Argument(2), c.Argument(3))
	return v.value(ours(v, n, err))
}

// intlNatives are what the prelude and the library of Intl get.
func (v *vm) intlNatives() map[string]native {
	format := func(c otto.FunctionCall) []intl.Part {
		kind, number, value := c.Argument(0).String(), v.handle(c.Argument(1)), c.Argument(2)
		var list []string
		text := ""
		if kind == "ListFormat" {
			list = v.elements(value)
		} else {
			var ok bool
			if text, ok = js.ExactText(value.String()); !ok || !value.IsString() || kind != "NumberFormat" {
				text = js.NumberText(v.toNumber(value))
			}
		}
		parts, err := v.formats().Parts(kind, number, text, c.Argument(3).String(), list)
		return ours(v, parts, err)
	}
	return map[string]native{
		"localeNumber": v.localeNumber, "localeDate": v.localeDate, "localeCompare": v.localeCompare,
		"intlMake": func(c otto.FunctionCall) otto.Value {
			n, err := v.formats().Make(c.Argument(0).String(), c.Argument(1), c.Argument(2))
			return v.value(ours(v, n, err))
		},
		"intlText":  func(c otto.FunctionCall) otto.Value { return v.value(intl.Text(format(c))) },
		"intlParts": func(c otto.FunctionCall) otto.Value { return v.parts(format(c)) },
		"intlResolved": func(c otto.FunctionCall) otto.Value {
			parts, err := v.formats().Resolved(v.handle(c.Argument(0)))
			return v.parts(ours(v, parts, err))
		},
		"intlSelect": func(c otto.FunctionCall) otto.Value {
			text, err := v.formats().Selected(v.handle(c.Argument(0)), js.NumberText(v.toNumber(c.Argument(1))))
			return v.value(ours(v, text, err))
		},
		"intlCompare": func(c otto.FunctionCall) otto.Value {
			n, err := v.formats().Compared(v.handle(c.Argument(0)), c.Argument(1).String(), c.Argument(2).String())
			return v.value(ours(v, n, err))
		},
		"intlLocales": func(c otto.FunctionCall) otto.Value {
			tags, err := v.formats().Locales(c.Argument(0))
			tags = ours(v, tags, err)
			list := intl.Supported
			if c.Argument(1).String() == "canonical" {
				list = intl.Canonical
			}
			tags, err = list(tags)
			return v.texts(ours(v, tags, err))
		},
		"intlValues": func(c otto.FunctionCall) otto.Value {
			list := intl.Values(c.Argument(0).String())
			if list == nil {
				v.rangeError("Intl.supportedValuesOf: there are calendar, collation, currency and numberingSystem")
			}
			return v.texts(list)
		},
	}
}

// handle is the number of an object of Intl, or -1.
func (v *vm) handle(val otto.Value) int {
	if f := v.Number(val); val.IsNumber() && f >= 0 && f < math.MaxInt32 {
		return int(f)
	}
	return -1
}

func (v *vm) parts(parts []intl.Part) otto.Value {
	list := make([]string, 0, 2*len(parts))
	for _, p := range parts {
		list = append(list, p.Type, p.Value)
	}
	return v.texts(list)
}

func (v *vm) texts(list []string) otto.Value {
	items := make([]any, len(list))
	for i, s := range list {
		items[i] = s
	}
	return v.newArray(items)
}

// elements are the texts of a list.
func (v *vm) elements(val otto.Value) []string {
	if !val.IsDefined() {
		return nil
	}
	if v.Kind(val) != js.KindArray || v.Len(val) > v.longest() {
		v.typeError("ListFormat wants an array of strings")
	}
	list := make([]string, v.Len(val))
	for i := range list {
		v.check()
		e := v.Index(val, i)
		if v.Kind(e) != runtime.KindString {
			v.typeError("Iterable yielded a value which is not a string")
		}
		list[i] = e.String()
	}
	return list
}
