package ottojs

import (
	"math"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/robertkrimen/otto"
	"golang.org/x/text/unicode/norm"

	"github.com/fazt-sh/fazt/runtime"
)

// jsText is a JavaScript string: UTF-8, since otto has it like that, with indexes
// in UTF-16 units, since the language has it like that. A lone half of a
// surrogate pair becomes U+FFFD. otto's own methods mix bytes, runes and units.
type jsText struct {
	s     string
	units []uint16 // nil when s is ASCII, where all indexes are the same
}

func newText(s string) jsText {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return jsText{s, utf16.Encode([]rune(s))}
		}
	}
	return jsText{s: s}
}

func (t jsText) length() int {
	if t.units == nil {
		return len(t.s)
	}
	return len(t.units)
}

func (t jsText) slice(from, to int) string {
	if from >= to {
		return ""
	}
	if t.units == nil {
		return t.s[from:to]
	}
	return string(utf16.Decode(t.units[from:to]))
}

// unit is the index in units of a byte.
func (t jsText) unit(offset int) int {
	if t.units == nil {
		return offset
	}
	n := 0
	for _, r := range t.s[:offset] {
		n += utf16.RuneLen(r)
	}
	return n
}

// offset is the byte at an index in units; within a pair, the byte behind it.
func (t jsText) offset(unit int) int {
	if t.units == nil {
		return unit
	}
	n := 0
	for i, r := range t.s {
		if n >= unit {
			return i
		}
		n += utf16.RuneLen(r)
	}
	return len(t.s)
}

// stringMethods replace those of String.prototype.
func (v *vm) stringMethods() map[string]func(jsText, otto.FunctionCall) otto.Value {
	return map[string]func(jsText, otto.FunctionCall) otto.Value{
		"charAt":      v.charAt,
		"at":          v.stringAt,
		"charCodeAt":  v.charCodeAt,
		"codePointAt": v.codePointAt,
		"indexOf":     v.indexOf,
		"lastIndexOf": v.lastIndexOf,
		"includes":    v.includes,
		"startsWith":  v.startsWith,
		"endsWith":    v.endsWith,
		"slice":       v.slice,
		"substring":   v.substring,
		"substr":      v.substr,
		"repeat":      v.repeat,
		"padStart":    func(t jsText, c otto.FunctionCall) otto.Value { return v.pad(t, c, true) },
		"padEnd":      func(t jsText, c otto.FunctionCall) otto.Value { return v.pad(t, c, false) },
		"concat":      v.concat,
		"toUpperCase": v.letters(true, false), "toLocaleUpperCase": v.letters(true, true),
		"toLowerCase": v.letters(false, false), "toLocaleLowerCase": v.letters(false, true),
		"normalize":  v.normalize,
		"split":      v.split,
		"match":      v.match,
		"search":     v.search,
		"replace":    func(t jsText, c otto.FunctionCall) otto.Value { return v.replace(t, c, false) },
		"replaceAll": func(t jsText, c otto.FunctionCall) otto.Value { return v.replace(t, c, true) },
	}
}

// method makes a native of a string method.
func (v *vm) method(name string, f func(jsText, otto.FunctionCall) otto.Value) native {
	return func(c otto.FunctionCall) otto.Value {
		if !c.This.IsDefined() || c.This.IsNull() {
			v.typeError("String.prototype.%s called on null or undefined", name)
		}
		v.check()
		return f(newText(v.text(c.This)), c)
	}
}

// text is String(val), with what a toString throws.
func (v *vm) text(val otto.Value) string {
	if val.IsObject() && val.Class() != "String" {
		val = v.invoke(v.lib.text, undefined, val)
	}
	return val.String()
}

func (v *vm) typeError(format string, args ...any) {
	e := runtime.Invalid(format, args...)
	e.Code = ""
	v.throw(e)
}

// integer is argument i as ToInteger gives it; absent is def.
func (v *vm) integer(c otto.FunctionCall, i int, def float64) float64 {
	val := c.Argument(i)
	if val.IsUndefined() {
		return def
	}
	if val.IsObject() {
		val = v.invoke(v.lib.number, undefined, val)
	}
	f, _ := val.ToFloat()
	if math.IsNaN(f) {
		return 0
	}
	return math.Trunc(f)
}

// clamp is ToInteger clamped to 0..n, counted from the end when negative.
func clamp(f float64, n int, fromEnd bool) int {
	if f < 0 && fromEnd {
		f += float64(n)
	}
	return int(math.Min(math.Max(f, 0), float64(n)))
}

func (v *vm) charAt(t jsText, c otto.FunctionCall) otto.Value {
	i := v.integer(c, 0, 0)
	if i < 0 || i >= float64(t.length()) {
		return v.value("")
	}
	return v.value(t.slice(int(i), int(i)+1))
}

func (v *vm) stringAt(t jsText, c otto.FunctionCall) otto.Value {
	i := v.integer(c, 0, 0)
	if i < 0 {
		i += float64(t.length())
	}
	if i < 0 || i >= float64(t.length()) {
		return undefined
	}
	return v.value(t.slice(int(i), int(i)+1))
}

func (v *vm) charCodeAt(t jsText, c otto.FunctionCall) otto.Value {
	i := v.integer(c, 0, 0)
	switch {
	case i < 0 || i >= float64(t.length()):
		return otto.NaNValue()
	case t.units == nil:
		return v.value(int(t.s[int(i)]))
	}
	return v.value(int(t.units[int(i)]))
}

func (v *vm) codePointAt(t jsText, c otto.FunctionCall) otto.Value {
	i := v.integer(c, 0, 0)
	if i < 0 || i >= float64(t.length()) {
		return undefined
	}
	if t.units == nil {
		return v.value(int(t.s[int(i)]))
	}
	r := rune(t.units[int(i)])
	if int(i)+1 < len(t.units) {
		if pair := utf16.DecodeRune(r, rune(t.units[int(i)+1])); pair != utf8.RuneError {
			r = pair
		}
	}
	return v.value(int(r))
}

func (v *vm) indexOf(t jsText, c otto.FunctionCall) otto.Value {
	want := v.text(c.Argument(0))
	unit := clamp(v.integer(c, 1, 0), t.length(), false)
	from := t.offset(unit)
	i := strings.Index(t.s[from:], want)
	switch {
	case i < 0:
		return v.value(-1)
	case want == "":
		return v.value(unit) // which may be within a pair
	}
	return v.value(t.unit(from + i))
}

func (v *vm) lastIndexOf(t jsText, c otto.FunctionCall) otto.Value {
	want := v.text(c.Argument(0))
	end := len(t.s)
	if at := c.Argument(1); !at.IsUndefined() && !at.IsNaN() {
		end = min(end, t.offset(clamp(v.integer(c, 1, 0), t.length(), false))+len(want))
	}
	i := strings.LastIndex(t.s[:end], want)
	if i < 0 {
		return v.value(-1)
	}
	return v.value(t.unit(i))
}

// plain is argument 0 of a method that refuses a regular expression.
func (v *vm) plain(c otto.FunctionCall) string {
	if c.Argument(0).Class() == "RegExp" {
		v.typeError("the first argument must not be a regular expression")
	}
	return v.text(c.Argument(0))
}

func truth(b bool) otto.Value {
	if b {
		return otto.TrueValue()
	}
	return otto.FalseValue()
}

func (v *vm) includes(t jsText, c otto.FunctionCall) otto.Value {
	want := v.plain(c)
	return truth(strings.Contains(t.s[t.offset(clamp(v.integer(c, 1, 0), t.length(), false)):], want))
}

func (v *vm) startsWith(t jsText, c otto.FunctionCall) otto.Value {
	want := v.plain(c)
	return truth(strings.HasPrefix(t.s[t.offset(clamp(v.integer(c, 1, 0), t.length(), false)):], want))
}

func (v *vm) endsWith(t jsText, c otto.FunctionCall) otto.Value {
	want := v.plain(c)
	return truth(strings.HasSuffix(t.s[:t.offset(clamp(v.integer(c, 1, math.Inf(1)), t.length(), false))], want))
}

func (v *vm) slice(t jsText, c otto.FunctionCall) otto.Value {
	n := t.length()
	return v.value(t.slice(clamp(v.integer(c, 0, 0), n, true), clamp(v.integer(c, 1, math.Inf(1)), n, true)))
}

func (v *vm) substring(t jsText, c otto.FunctionCall) otto.Value {
	n := t.length()
	a, b := clamp(v.integer(c, 0, 0), n, false), clamp(v.integer(c, 1, math.Inf(1)), n, false)
	return v.value(t.slice(min(a, b), max(a, b)))
}

func (v *vm) substr(t jsText, c otto.FunctionCall) otto.Value {
	n := t.length()
	start := clamp(v.integer(c, 0, 0), n, true)
	return v.value(t.slice(start, start+clamp(v.integer(c, 1, math.Inf(1)), n-start, false)))
}

// bounded refuses to build a text that doesn't fit the run's memory.
func (v *vm) bounded(bytes float64) {
	if bytes > float64(v.maxText()) {
		v.rangeError("the text would be longer than %d bytes", v.maxText())
	}
}

func (v *vm) repeat(t jsText, c otto.FunctionCall) otto.Value {
	n := v.integer(c, 0, 0)
	if n < 0 || math.IsInf(n, 0) {
		v.rangeError("repeat: the count must be a finite number from 0 on")
	}
	if len(t.s) == 0 {
		return v.value("")
	}
	v.bounded(n * float64(len(t.s)))
	return v.value(strings.Repeat(t.s, int(n)))
}

func (v *vm) pad(t jsText, c otto.FunctionCall, start bool) otto.Value {
	missing, fill := v.integer(c, 0, 0)-float64(t.length()), " "
	if missing <= 0 {
		return v.value(t.s)
	}
	if f := c.Argument(1); f.IsDefined() {
		fill = v.text(f)
	}
	if fill == "" {
		return v.value(t.s)
	}
	v.bounded(float64(len(t.s)) + missing*float64(len(fill)))
	padding := newText(strings.Repeat(fill, int(missing)/newText(fill).length()+1)).slice(0, int(missing))
	if start {
		return v.value(padding + t.s)
	}
	return v.value(t.s + padding)
}

// letters makes a method that changes the case of letters, as a locale has it if it is
// local.
func (v *vm) letters(upper, local bool) func(jsText, otto.FunctionCall) otto.Value {
	ascii := strings.ToLower
	if upper {
		ascii = strings.ToUpper
	}
	return func(t jsText, c otto.FunctionCall) otto.Value {
		locale := undefined
		if local {
			locale = c.Argument(0)
		}
		if t.units == nil && locale.IsUndefined() {
			return v.inPieces(t.s, ascii)
		}
		change, err := v.formats().Case(locale, upper)
		return v.inPieces(t.s, ours(v, change, err).Text)
	}
}

// inPieces maps a text with a checkpoint after some of it: before a space, since letters
// that stand together may have a say in what becomes of another.
func (v *vm) inPieces(s string, f func(string) string) otto.Value {
	const piece = 64 << 10
	if len(s) <= piece {
		return v.value(f(s))
	}
	var b strings.Builder
	for len(s) > 0 {
		v.check()
		end := min(piece, len(s))
		for end < len(s) && s[end] > ' ' && end < 2*piece {
			end++
		}
		for end < len(s) && !utf8.RuneStart(s[end]) {
			end++
		}
		b.WriteString(f(s[:end]))
		s = s[end:]
		v.bounded(float64(b.Len()))
	}
	return v.value(b.String())
}

// normalize makes a text of segments, each of which is short.
func (v *vm) normalize(t jsText, c otto.FunctionCall) otto.Value {
	name := "NFC"
	if a := c.Argument(0); a.IsDefined() {
		name = v.text(a)
	}
	form, ok := map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}[name]
	if !ok {
		v.rangeError("the form of a text should be one of NFC, NFD, NFKC, NFKD")
	}
	var it norm.Iter
	it.InitString(form, t.s)
	var b strings.Builder
	for n := 0; !it.Done(); n++ {
		if n%1024 == 0 {
			v.check()
			v.bounded(float64(b.Len()))
		}
		b.Write(it.Next())
	}
	return v.value(b.String())
}

func (v *vm) concat(t jsText, c otto.FunctionCall) otto.Value {
	parts := []string{t.s}
	size := len(t.s)
	for _, a := range c.ArgumentList {
		v.check()
		s := v.text(a)
		size += len(s)
		v.bounded(float64(size))
		parts = append(parts, s)
	}
	return v.value(strings.Join(parts, ""))
}

// splitText splits by a text, or into UTF-16 units.
func splitText(t jsText, by string) (parts []any) {
	if by == "" {
		for i := range t.length() {
			parts = append(parts, t.slice(i, i+1))
		}
		return parts
	}
	for s := range strings.SplitSeq(t.s, by) {
		parts = append(parts, s)
	}
	return parts
}

func (v *vm) split(t jsText, c otto.FunctionCall) otto.Value {
	limit := math.MaxUint32
	if l := c.Argument(1); l.IsDefined() {
		limit = int(uint32(int64(v.integer(c, 1, 0))))
	}
	sep := c.Argument(0)
	var parts []any
	switch {
	case limit == 0:
	case sep.IsUndefined():
		parts = append(parts, t.s)
	case sep.Class() == "RegExp":
		parts = v.splitRegexp(t, sep)
	default:
		by := v.text(sep)
		if n := strings.Count(t.s, by); n > v.longest() {
			v.rangeError("split: more than %d parts", v.longest())
		}
		parts = splitText(t, by)
	}
	return v.newArray(parts[:min(len(parts), limit)])
}
