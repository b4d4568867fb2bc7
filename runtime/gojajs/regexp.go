package gojajs

import (
	"strconv"
	"strings"

	"github.com/dop251/goja"
)

// captures are the texts of a match and its groups.
func (v *vm) captures(s goja.String, m []int) []goja.Value {
	list := make([]goja.Value, 0, len(m)/2+3)
	for i := 0; i < len(m); i += 2 {
		if m[i] < 0 {
			list = append(list, goja.Undefined())
		} else {
			list = append(list, s.Substring(m[i], m[i+1]))
		}
	}
	return list
}

// namedGroups are the groups with names, nil if there are none.
func (v *vm) namedGroups(s goja.String, m []int, names []string) goja.Value {
	if !hasNames(names) {
		return nil
	}
	groups := v.js.CreateObject(nil)
	for i, val := range v.captures(s, m) {
		if i < len(names) && names[i] != "" {
			v.put(groups, names[i], val)
		}
	}
	return groups
}

// regexpOf is the RegExp that a method is called on.
func (v *vm) regexpOf(this goja.Value) *goja.Object {
	if !isRegExp(this) {
		v.typeError("this is not a regular expression")
	}
	return this.(*goja.Object)
}

// exec is RegExp.prototype.exec.
func exec(v *vm, c goja.FunctionCall) goja.Value {
	re := v.regexpOf(c.This)
	s := v.str(c.Argument(0))
	p, m := v.execOn(re, s)
	if m == nil {
		return goja.Null()
	}
	captures := v.captures(s, m)
	items := make([]any, len(captures))
	for i, val := range captures {
		items[i] = val
	}
	result := v.newArray(items...)
	v.put(result, "index", v.js.ToValue(m[0]))
	v.put(result, "input", s)
	groups := v.namedGroups(s, m, p.Names)
	if groups == nil {
		groups = goja.Undefined()
	}
	v.put(result, "groups", groups)
	return result
}

// execOn matches once and moves lastIndex.
func (v *vm) execOn(re *goja.Object, s goja.String) (*expression, []int) {
	e := v.expressionOf(re)
	from := 0
	if last := v.toNumber(re.Get("lastIndex")); e.global || e.sticky {
		if last > float64(s.Length()) {
			v.setLastIndex(re, 0)
			return nil, nil
		}
		if last > 0 {
			from = int(last)
		}
		if e.unicode && from > 0 && from < s.Length() { // half of a pair is all of it
			if _, n := (unitText{s, true}).Before(from + 1); n == 2 {
				from--
			}
		}
	}
	m := v.match(e, v.subject(s), from)
	if e.sticky && m != nil && m[0] != from {
		m = nil
	}
	switch {
	case m == nil && (e.global || e.sticky):
		v.setLastIndex(re, 0)
	case m != nil && (e.global || e.sticky):
		v.setLastIndex(re, m[1])
	}
	return e, m
}

func (v *vm) setLastIndex(re *goja.Object, i int) {
	if err := re.Set("lastIndex", i); err != nil {
		panic(rethrown(err))
	}
}

// test is RegExp.prototype.test.
func test(v *vm, c goja.FunctionCall) goja.Value {
	obj, ok := c.This.(*goja.Object)
	if !ok {
		v.typeError("this is not an object")
	}
	s := v.str(c.Argument(0))
	if !v.standard(obj) {
		return v.js.ToValue(!goja.IsNull(v.must(v.callable(obj.Get("exec"))(obj, s))))
	}
	_, m := v.execOn(obj, s)
	return v.js.ToValue(m != nil)
}

// standard tells a RegExp whose exec is ours, or none that can be called.
func (v *vm) standard(re *goja.Object) bool {
	if !isRegExp(re) {
		return false
	}
	exec := re.Get("exec")
	return exec == v.exec || !isFunction(exec)
}

// each calls f with all matches from the beginning, or with one if the RegExp
// isn't global. It stops when f says so.
func (v *vm) each(re *goja.Object, s goja.String, f func(p *expression, m []int)) {
	e := v.expressionOf(re)
	if !e.global {
		if p, m := v.execOn(re, s); m != nil {
			f(p, m)
		}
		return
	}
	v.setLastIndex(re, 0)
	t := v.subject(s)
	for at := 0; at <= s.Length(); {
		m := v.match(e, t, at)
		if m == nil || e.sticky && m[0] != at {
			return
		}
		f(e, m)
		at = advance(s, m, e.unicode)
	}
}

// advance is where the next search begins.
func advance(s goja.String, m []int, unicode bool) int {
	if m[0] < m[1] {
		return m[1]
	}
	_, n := runeAt(s, m[1], unicode)
	return m[1] + max(n, 1)
}

// symbolMethod replaces a method that the methods of String.prototype call, for
// RegExps whose exec is ours. Others take goja's way, which calls their exec.
func symbolMethod(f func(v *vm, re *goja.Object, s goja.String, c goja.FunctionCall) goja.Value) guard {
	return func(v *vm, native *goja.Object) goja.Value {
		generic := code(native)
		return v.stand(native, func(c goja.FunctionCall) goja.Value {
			re, ok := c.This.(*goja.Object)
			if !ok || !v.standard(re) {
				v.regexpOf(c.This)
				return generic(c)
			}
			s := v.str(c.Argument(0))
			return f(v, re, s, c)
		})
	}
}

func matchSymbol(v *vm, re *goja.Object, s goja.String, c goja.FunctionCall) goja.Value {
	if !v.expressionOf(re).global {
		return exec(v, goja.FunctionCall{This: re, Arguments: []goja.Value{s}})
	}
	var found []any
	v.each(re, s, func(_ *expression, m []int) {
		found = append(found, s.Substring(m[0], m[1]))
		if len(found) > v.longest() {
			v.rangeError("match: there are more than " + strconv.Itoa(v.longest()) + " matches")
		}
	})
	if found == nil {
		return goja.Null()
	}
	return v.newArray(found...)
}

func replaceSymbol(v *vm, re *goja.Object, s goja.String, c goja.FunctionCall) goja.Value {
	r := v.newReplacer(s, c.Argument(1))
	v.each(re, s, func(p *expression, m []int) { r.add(m, p.Names) })
	return r.end()
}

func searchSymbol(v *vm, re *goja.Object, s goja.String, _ goja.FunctionCall) goja.Value {
	e := v.expressionOf(re)
	m := v.match(e, v.subject(s), 0)
	if m == nil || e.sticky && m[0] != 0 {
		return v.js.ToValue(-1)
	}
	return v.js.ToValue(m[0])
}

func splitSymbol(v *vm, c goja.FunctionCall) goja.Value {
	re, s := v.regexpOf(c.This), v.str(c.Argument(0))
	limit := uint32(1<<32 - 1)
	if a := c.Argument(1); !goja.IsUndefined(a) {
		limit = uint32(int64(a.ToNumber().ToFloat()))
	}
	e, t := v.expressionOf(re), v.subject(s)
	var parts []any
	add := func(val goja.Value) {
		if uint32(len(parts)) < limit {
			parts = append(parts, val)
		}
		if len(parts) > v.longest() {
			v.rangeError("split: there are more than " + strconv.Itoa(v.longest()) + " parts")
		}
	}
	if s.Length() == 0 {
		if v.match(e, t, 0) == nil {
			add(s)
		}
		return v.newArray(parts...)
	}
	last := 0
	for at := 0; at < s.Length(); {
		m := v.match(e, t, at)
		if m == nil || m[0] >= s.Length() {
			break
		}
		at = advance(s, m, e.unicode)
		if m[1] == last {
			continue // an empty match at the start of a part splits nothing
		}
		add(s.Substring(last, m[0]))
		for _, val := range v.captures(s, m)[1:] {
			add(val)
		}
		last = m[1]
	}
	add(s.Substring(last, s.Length()))
	return v.newArray(parts...)
}

// matchAllSymbol is RegExp.prototype[Symbol.matchAll]. goja's makes a RegExp of
// whatever text the object is by then.
func matchAllSymbol(v *vm, c goja.FunctionCall) goja.Value {
	re, s := v.regexpOf(c.This), v.str(c.Argument(0))
	flags := v.str(re.Get("flags"))
	args := checkRegExp(v, "", []goja.Value{re, flags})
	own, err := v.js.New(v.holder("RegExp"), args...)
	if err != nil {
		panic(rethrown(err))
	}
	v.giveSource(own)
	if err := own.Set("lastIndex", re.Get("lastIndex")); err != nil {
		panic(rethrown(err))
	}
	return v.library("matchAll", own, s, v.js.ToValue(strings.Contains(flags.String(), "g")))
}

// advance moves a RegExp on behind an empty match.
func (v *vm) advance(c goja.FunctionCall) goja.Value {
	re, s := c.Argument(0).(*goja.Object), v.str(c.Argument(1))
	at := int(v.toNumber(re.Get("lastIndex")))
	v.setLastIndex(re, advance(s, []int{at, at}, v.expressionOf(re).unicode))
	return goja.Undefined()
}

// patternMethod guards match, matchAll and search: the method of an argument is
// looked up once, and a text that becomes a RegExp is checked.
func patternMethod(symbol *goja.Symbol) guard {
	return func(v *vm, native *goja.Object) goja.Value {
		f := code(native)
		return v.stand(native, func(c goja.FunctionCall) goja.Value {
			if symbol == goja.SymMatchAll {
				v.needGlobal(c.Argument(0))
			}
			if val, ok := v.delegated(c, symbol); ok {
				return val
			}
			if a := c.Argument(0); !goja.IsUndefined(a) {
				text := v.str(a)
				v.checkPattern(text.String(), "")
				c = with(c, 0, text)
			}
			return f(c)
		})
	}
}

// needGlobal refuses a RegExp without the flag g where all matches are meant.
func (v *vm) needGlobal(val goja.Value) {
	if isRegExp(val) && !strings.Contains(v.str(val.(*goja.Object).Get("flags")).String(), "g") {
		v.typeError("the regular expression needs the flag g")
	}
}
