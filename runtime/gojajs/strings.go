package gojajs

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/dop251/goja"
)

// text is what a method of String.prototype is called on.
func (v *vm) text(this goja.Value) goja.String {
	if goja.IsUndefined(this) || goja.IsNull(this) {
		v.typeError("this is undefined or null")
	}
	s := v.str(this)
	return s
}

func (v *vm) tooLong(name string) {
	v.rangeError(name + ": the text is longer than " + strconv.Itoa(v.maxText()) + " characters")
}

// sum is the result of a + b, or a template.
func (v *vm) sum(c goja.FunctionCall) goja.Value { return v.notTooLong(c.Argument(0)) }

// notTooLong ends the run for a text that a native has made too long.
func (v *vm) notTooLong(val goja.Value) goja.Value {
	if s, ok := val.(goja.String); ok && s.Length() > v.maxText() {
		v.x.TextTooLong(strconv.Itoa(s.Length())+" characters", strconv.Itoa(v.maxText())+" characters")
	}
	return val
}

// errorText guards Error.prototype.toString, which puts two texts together.
func errorText(v *vm, native *goja.Object) goja.Value {
	f := code(native)
	return v.stand(native, func(c goja.FunctionCall) goja.Value { return v.notTooLong(f(c)) })
}

// repeated refuses a text that repeat would make too long.
func repeated(v *vm, c goja.FunctionCall) goja.FunctionCall {
	s := v.text(c.This)
	n := c.Argument(0).ToNumber()
	if n.ToFloat()*float64(s.Length()) > float64(v.maxText()) {
		v.tooLong("repeat")
	}
	c.This = s
	return with(c, 0, n)
}

func padded(v *vm, c goja.FunctionCall) goja.FunctionCall {
	n := c.Argument(0).ToNumber()
	if n.ToFloat() > float64(v.maxText()) {
		v.tooLong("padding")
	}
	return with(c, 0, n)
}

// concatenated counts what String.prototype.concat puts together.
func concatenated(v *vm, c goja.FunctionCall) goja.FunctionCall {
	s := v.text(c.This)
	total := s.Length()
	for i, a := range c.Arguments {
		t := v.str(a)
		if total += t.Length(); total > v.maxText() {
			v.tooLong("concat")
		}
		c = with(c, i, t)
	}
	c.This = s
	return c
}

// maxSearch bounds a search in steps, where goja compares at every place.
const maxSearch = 200e6

// searched bounds a search in a text that isn't ASCII.
func searched(v *vm, c goja.FunctionCall) goja.FunctionCall {
	s := v.text(c.This)
	c.This = s
	if isRegExp(c.Argument(0)) {
		return c // which the method refuses
	}
	t := v.str(c.Argument(0))
	v.checkSearch(s, t)
	return with(c, 0, t)
}

func (v *vm) checkSearch(s, t goja.String) {
	if n := float64(s.Length()) * float64(t.Length()); n > maxSearch && !(isASCII(s) && isASCII(t)) {
		v.rangeError("this search takes too long; split the text first")
	}
}

// isASCII doesn't convert a text that goja has as units of UTF-16, which takes
// as long as what the answer may save.
func isASCII(s goja.String) bool {
	return reflect.TypeOf(s).Kind() != reflect.Slice && len(s.String()) == s.Length()
}

func isRegExp(val goja.Value) bool {
	obj, ok := val.(*goja.Object)
	return ok && obj.ClassName() == "RegExp"
}

// splitMethod is String.prototype.split.
func splitMethod(v *vm, native *goja.Object) goja.Value {
	f := code(native)
	return v.stand(native, func(c goja.FunctionCall) goja.Value {
		if val, ok := v.delegated(c, goja.SymSplit); ok {
			return val
		}
		s := v.text(c.This)
		c.This = s
		if sep := c.Argument(0); !goja.IsUndefined(sep) {
			t := v.str(sep)
			v.checkSearch(s, t)
			if s.Length()/max(t.Length(), 1) > v.longest() && strings.Count(s.String(), t.String()) > v.longest() {
				v.rangeError("split: there are more than " + strconv.Itoa(v.longest()) + " parts")
			}
			c = with(c, 0, t)
		}
		return f(c)
	})
}

// delegated calls the method that the first argument has for the operation, if
// it has one. It looks that up once: another time it may be another.
func (v *vm) delegated(c goja.FunctionCall, symbol *goja.Symbol) (goja.Value, bool) {
	obj, ok := c.Argument(0).(*goja.Object)
	if !ok {
		return nil, false
	}
	if goja.IsUndefined(c.This) || goja.IsNull(c.This) {
		v.typeError("this is undefined or null")
	}
	m := obj.GetSymbol(symbol)
	if m == nil || goja.IsUndefined(m) || goja.IsNull(m) {
		return nil, false
	}
	args := slices.Clone(c.Arguments)
	args[0] = c.This
	if method, ok := m.(*goja.Object); ok {
		if f := code(method); f != nil {
			return f(goja.FunctionCall{This: obj, Arguments: args}), true
		}
	}
	f, ok := goja.AssertFunction(m)
	if !ok {
		v.typeError("the argument's method is not a function")
	}
	return v.must(f(obj, args...)), true
}

// replaceMethod is String.prototype.replace and replaceAll.
func replaceMethod(all bool) guard {
	return func(v *vm, native *goja.Object) goja.Value {
		return v.stand(native, func(c goja.FunctionCall) goja.Value {
			if all {
				v.needGlobal(c.Argument(0))
			}
			if val, ok := v.delegated(c, goja.SymReplace); ok {
				return val
			}
			s := v.text(c.This)
			t := v.str(c.Argument(0))
			v.checkSearch(s, t)
			return v.replaceText(s, t, c.Argument(1), all)
		})
	}
}

// replaceText replaces a text in a text.
func (v *vm) replaceText(s, t goja.String, by goja.Value, all bool) goja.Value {
	r := v.newReplacer(s, by)
	for at := 0; ; {
		i := indexOf(s, t, at)
		if i < 0 {
			break
		}
		r.add([]int{i, i + t.Length()}, nil)
		if at = i + max(t.Length(), 1); !all || at > s.Length() {
			break
		}
	}
	return r.end()
}

// indexOf is where t is in s, at or behind a place.
func indexOf(s, t goja.String, from int) int {
	if from > s.Length() {
		return -1
	}
	if a := s.String(); len(a) == s.Length() {
		if i := strings.Index(a[from:], t.String()); i >= 0 {
			return from + i
		}
		return -1
	}
	n := t.Length()
	for i := from; i+n <= s.Length(); i++ {
		j := 0
		for j < n && s.CharAt(i+j) == t.CharAt(j) {
			j++
		}
		if j == n {
			return i
		}
	}
	return -1
}

// replacer builds the result of a replacement, counting its length.
type replacer struct {
	vm    *vm
	text  goja.String
	call  goja.Callable // or a template
	with  string
	plain goja.String // the template, if nothing in it stands for something else
	out   goja.StringBuilder
	size  int
	last  int // where the copied text ends
}

func (v *vm) newReplacer(s goja.String, by goja.Value) *replacer {
	r := &replacer{vm: v, text: s}
	if f, ok := goja.AssertFunction(by); ok {
		r.call = f
		return r
	}
	t := v.str(by)
	if r.with = t.String(); !strings.Contains(r.with, "$") {
		r.plain = t
	}
	return r
}

func (r *replacer) write(s goja.String) {
	r.vm.x.Check()
	if r.size += s.Length(); r.size > r.vm.maxText() {
		r.vm.tooLong("replace")
	}
	r.out.WriteString(s)
}

func (r *replacer) writeText(s string) {
	t, _ := r.vm.js.ToValue(s).(goja.String)
	r.write(t)
}

// add replaces a match, whose groups are pairs of places.
func (r *replacer) add(m []int, names []string) {
	if m[0] < r.last {
		return
	}
	r.write(r.text.Substring(r.last, m[0]))
	r.last = m[1]
	switch {
	case r.call != nil:
		args := r.vm.captures(r.text, m)
		args = append(args, r.vm.js.ToValue(m[0]), r.text)
		if groups := r.vm.namedGroups(r.text, m, names); groups != nil {
			args = append(args, groups)
		}
		t := r.vm.str(r.vm.must(r.call(goja.Undefined(), args...)))
		r.write(t)
	case r.plain != nil:
		r.write(r.plain)
	default:
		r.expand(m, names)
	}
}

// expand writes the template: $$ $& $` $' $1 $12 $<name>.
func (r *replacer) expand(m []int, names []string) {
	rest := r.with
	for {
		head, tail, ok := strings.Cut(rest, "$")
		r.writeText(head)
		if !ok {
			return
		}
		n, used := r.group(tail, m, names)
		switch {
		case tail == "":
			r.writeText("$")
		case tail[0] == '$':
			r.writeText("$")
			used = 1
		case tail[0] == '&':
			r.write(r.text.Substring(m[0], m[1]))
			used = 1
		case tail[0] == '`':
			r.write(r.text.Substring(0, m[0]))
			used = 1
		case tail[0] == '\'':
			r.write(r.text.Substring(m[1], r.text.Length()))
			used = 1
		case used == 0:
			r.writeText("$")
		case n > 0 && m[2*n] >= 0:
			r.write(r.text.Substring(m[2*n], m[2*n+1]))
		}
		rest = tail[used:]
	}
}

// group reads which group a template means, and how long its name is; the group
// is 0 for a name that no group has.
func (r *replacer) group(tail string, m []int, names []string) (n, used int) {
	if strings.HasPrefix(tail, "<") {
		end := strings.IndexByte(tail, '>')
		if end < 0 || !hasNames(names) {
			return 0, 0
		}
		for i, name := range names {
			if name != "" && name == tail[1:end] {
				return i, end + 1
			}
		}
		return 0, end + 1
	}
	for _, digits := range []int{2, 1} {
		if len(tail) < digits {
			continue
		}
		n, err := strconv.ParseUint(tail[:digits], 10, 8)
		if err == nil && n > 0 && int(n) < len(m)/2 {
			return int(n), digits
		}
	}
	return 0, 0
}

func hasNames(names []string) bool { return strings.Join(names, "") != "" }

func (r *replacer) end() goja.Value {
	r.write(r.text.Substring(r.last, r.text.Length()))
	return r.out.String()
}
