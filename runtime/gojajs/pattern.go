package gojajs

import (
	"errors"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dop251/goja"

	"github.com/fazt-sh/fazt/runtime/internal/esregexp"
	"github.com/fazt-sh/fazt/runtime/internal/regexpcost"
)

const (
	// maxSteps bounds one match that is made in a single step: RE2 takes at
	// most instructions times bytes steps, of a few nanoseconds.
	maxSteps = 5e6
	// maxGroups bounds how deep a pattern can nest.
	maxGroups = 500
	// bytesPerChoice is what backtracking takes to remember a choice, with room to grow.
	bytesPerChoice = 64
)

// checkPattern refuses a pattern that takes too long to be compiled.
func (v *vm) checkPattern(source, flags string) {
	cost := regexpcost.Of(source)
	if strings.Contains(flags, "i") {
		cost += regexpcost.Folded(source)
	}
	if cost > regexpcost.Max || strings.Count(source, "(") > maxGroups {
		v.rangeError("this regular expression is too large")
	}
}

// expression is what a RegExp object stands for, which never changes. goja's own
// can't be interrupted, and backtracks where RE2 need not.
type expression struct {
	*esregexp.Regexp
	global, sticky, unicode bool

	lines string // a text that has no ends of lines but \n: the last, as the same one is often searched on
}

// otherLines tells whether a text has ends of lines that RE2 doesn't know.
func (e *expression) otherLines(text string) bool {
	if text == e.lines {
		return false
	}
	for _, end := range []string{"\r", "\u2028", "\u2029"} {
		if strings.Contains(text, end) {
			return true
		}
	}
	e.lines = text
	return false
}

// expressionOf returns what a RegExp stands for.
func (v *vm) expressionOf(re *goja.Object) *expression {
	if e := v.regexps[re]; e != nil {
		return e
	}
	flag := func(name string) bool {
		b := re.Get(name)
		return b != nil && b.ToBoolean()
	}
	e := &expression{global: flag("global"), sticky: flag("sticky"), unicode: flag("unicode")}
	f := esregexp.Flags{IgnoreCase: flag("ignoreCase"), Multiline: flag("multiline"), DotAll: flag("dotAll"), Unicode: e.unicode}
	source := re.Get("source").String()
	v.checkPattern(source, v.str(re.Get("flags")).String())
	var err error
	if e.Regexp, err = v.script.patterns.get(source, f); err != nil {
		v.throwError("SyntaxError", "", err.Error())
	}
	if v.regexps == nil {
		v.regexps = make(map[*goja.Object]*expression)
	}
	v.regexps[re] = e
	return e
}

// patterns are a program's compiled patterns.
type patterns struct {
	mu   sync.Mutex
	list map[pattern]*esregexp.Regexp
}

type pattern struct {
	source string
	flags  esregexp.Flags
}

// maxPatterns bounds what a program keeps compiled.
const maxPatterns = 256

func (c *patterns) get(source string, f esregexp.Flags) (*esregexp.Regexp, error) {
	key := pattern{source, f}
	c.mu.Lock()
	re := c.list[key]
	c.mu.Unlock()
	if re != nil {
		return re, nil
	}
	re, err := esregexp.Compile(source, f)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.list) >= maxPatterns || c.list == nil {
		c.list = make(map[pattern]*esregexp.Regexp)
	}
	c.list[key] = re
	return re, nil
}

// subject is a text that is searched. Places in it count in UTF-16.
type subject struct {
	vm    *vm
	text  goja.String
	ascii string // the same, if isASCII
	plain bool
}

func (v *vm) subject(s goja.String) *subject {
	t := &subject{vm: v, text: s, ascii: s.String()}
	t.plain = len(t.ascii) == s.Length()
	return t
}

// match finds the first match at or behind a place: pairs of places for the
// match and its groups, -1 for a group that took no part.
func (v *vm) match(e *expression, t *subject, from int) []int {
	m := v.find(e, t, from)
	if m != nil {
		v.matched = lastMatch{t.text, m}
	}
	return m
}

func (v *vm) find(e *expression, t *subject, from int) []int {
	v.x.Check()
	if e.First == nil || e.Lines && e.otherLines(t.ascii) {
		m, err := e.Backtrack(unitText{t.text, e.unicode}, from, int(v.x.Limits.Memory/bytesPerChoice), v.x.Check)
		if err != nil {
			v.rangeError(err.Error())
		}
		return m
	}
	re, base := e.First, 0
	if from > 0 {
		re, base = e.Next, from-1
	}
	var m []int
	if t.plain && float64(e.Size)*float64(len(t.ascii)-base) <= maxSteps {
		m = re.FindStringSubmatchIndex(t.ascii[base:])
	} else {
		m = re.FindReaderSubmatchIndex(&unitReader{vm: v, text: t.text, pos: base, pairs: e.unicode})
	}
	if m == nil {
		return nil
	}
	for i := range m {
		if m[i] >= 0 {
			m[i] += base
		}
	}
	if from > 0 {
		return m[2:]
	}
	return m
}

// unitReader reads a text unit by unit, or by code points; it is a checkpoint.
type unitReader struct {
	vm    *vm
	text  goja.String
	pos   int
	pairs bool
}

func (r *unitReader) ReadRune() (rune, int, error) {
	if r.pos&0xFF == 0 {
		r.vm.x.Check()
	}
	c, n := runeAt(r.text, r.pos, r.pairs)
	if n == 0 {
		return 0, 0, errEnd
	}
	r.pos += n
	return c, n, nil
}

var errEnd = errors.New("end of the text")

// runeAt returns the unit, or with pairs the code point, and how many units.
func runeAt(s goja.String, i int, pairs bool) (rune, int) {
	if i >= s.Length() {
		return 0, 0
	}
	c := rune(s.CharAt(i))
	if pairs && utf16.IsSurrogate(c) && i+1 < s.Length() {
		if r := utf16.DecodeRune(c, rune(s.CharAt(i+1))); r != utf8.RuneError {
			return r, 2
		}
	}
	return c, 1
}

// unitText is a text for backtracking.
type unitText struct {
	text  goja.String
	pairs bool
}

func (t unitText) Len() int { return t.text.Length() }

func (t unitText) At(i int) (rune, int) { return runeAt(t.text, i, t.pairs) }

func (t unitText) Before(i int) (rune, int) {
	c := rune(t.text.CharAt(i - 1))
	if t.pairs && utf16.IsSurrogate(c) && i > 1 {
		if r := utf16.DecodeRune(rune(t.text.CharAt(i-2)), c); r != utf8.RuneError {
			return r, 2
		}
	}
	return c, 1
}
