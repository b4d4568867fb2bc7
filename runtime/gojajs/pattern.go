package gojajs

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"

	"github.com/fazt-sh/fazt/runtime/internal/regexpcost"
)

// pattern is a regular expression. goja's own can't be interrupted, and where a
// search doesn't begin at the start of a text it backtracks, so that /(a+)+$/g
// takes for ever. Here RE2 matches in linear time, and what RE2 can't do,
// look-around and back-references, is given as much time as the run has left.
type pattern struct {
	first *regexp.Regexp
	// next matches behind the first character of a text, so that ^ and \b see
	// what is before the match. Its group 1 is the match.
	next  *regexp.Regexp
	size  int // instructions
	back  *regexp2.Regexp
	names []string // of the groups, "" for one without
}

const (
	// maxSteps bounds one match that is made in a single step: RE2 takes at
	// most instructions times bytes steps, of a few nanoseconds.
	maxSteps = 5e6
	// maxGroups bounds how deep a pattern can nest.
	maxGroups = 500
	// lateness is how late a backtracking match notices that its time is up.
	lateness = 200 * time.Millisecond
)

// checkPattern refuses a pattern that takes too long to be compiled.
func (v *vm) checkPattern(source string) {
	if regexpcost.Of(source) > regexpcost.Max || strings.Count(source, "(") > maxGroups {
		v.rangeError("this regular expression is too large")
	}
}

// expression is what a RegExp object stands for, which never changes.
type expression struct {
	*pattern
	global, sticky, unicode bool
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
	flags := ""
	for _, f := range []struct{ name, flag string }{{"ignoreCase", "i"}, {"multiline", "m"}, {"dotAll", "s"}} {
		if flag(f.name) {
			flags += f.flag
		}
	}
	if e.unicode {
		flags += "u"
	}
	source := re.Get("source").String()
	v.checkPattern(source)
	var err error
	if e.pattern, err = v.script.patterns.get(source, flags); err != nil {
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
	list map[string]*pattern // by flags and source
}

// maxPatterns bounds what a program keeps compiled.
const maxPatterns = 256

func (c *patterns) get(source, flags string) (*pattern, error) {
	key := flags + "/" + source
	c.mu.Lock()
	p := c.list[key]
	c.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p, err := compilePattern(source, flags)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.list) >= maxPatterns || c.list == nil {
		c.list = make(map[string]*pattern)
	}
	c.list[key] = p
	return p, nil
}

func compilePattern(source, flags string) (*pattern, error) {
	has := func(f string) bool { return strings.Contains(flags, f) }
	p := &pattern{}
	units := source
	if !has("u") {
		units = splitPairs(source)
	}
	transformed, err := parser.TransformRegExp(units, has("s"), has("u"))
	if err == nil {
		err = p.compileLinear(transformed, strings.ReplaceAll(flags, "u", ""))
	} else if _, ok := errors.AsType[parser.RegexpErrorIncompatible](err); !ok {
		return nil, err
	}
	if err == nil {
		return p, nil
	}
	opts := regexp2.RegexOptions(regexp2.ECMAScript)
	for f, opt := range map[string]regexp2.RegexOptions{"i": regexp2.IgnoreCase, "m": regexp2.Multiline, "s": regexp2.Singleline, "u": regexp2.Unicode} {
		if has(f) {
			opts |= opt
		}
	}
	if p.back, err = regexp2.Compile(units, opts); err != nil {
		return nil, fmt.Errorf("invalid regular expression: /%s/: %w", source, err)
	}
	for _, n := range p.back.GetGroupNumbers() {
		name := p.back.GroupNameFromNumber(n)
		if _, err := strconv.Atoi(name); err == nil {
			name = ""
		}
		p.names = append(p.names, name)
	}
	return p, nil
}

func (p *pattern) compileLinear(re2, flags string) error {
	re2 = "(?:" + re2 + ")"
	if flags != "" {
		re2 = "(?" + flags + ":" + re2 + ")"
	}
	parsed, err := syntax.Parse(re2, syntax.Perl)
	if err != nil {
		return err
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return err
	}
	p.size = len(prog.Inst)
	if p.first, err = regexp.Compile(re2); err != nil {
		return err
	}
	p.names = p.first.SubexpNames()
	p.next, err = regexp.Compile(`\A(?s:.)(?s:.*?)(` + re2 + `)`)
	return err
}

// splitPairs writes what takes two units of UTF-16 as two escapes, since
// without the flag u a pattern matches units.
func splitPairs(s string) string {
	if len(s) == 0 || !strings.ContainsFunc(s, func(r rune) bool { return r > 0xFFFF }) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if r <= 0xFFFF {
			b.WriteRune(r)
			continue
		}
		hi, lo := utf16.EncodeRune(r)
		fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
	}
	return b.String()
}

// subject is a text that is searched. Places in it count in UTF-16.
type subject struct {
	vm    *vm
	text  goja.String
	ascii string // the same, if isASCII
	plain bool
	runes []rune // for backtracking, made when it is needed
	at    []int  // where each rune begins, with the flag u
}

func (v *vm) subject(s goja.String) *subject {
	t := &subject{vm: v, text: s, ascii: s.String()}
	t.plain = len(t.ascii) == s.Length()
	return t
}

// match finds the first match at or behind a place: pairs of places for the
// match and its groups, -1 for a group that took no part.
func (v *vm) match(p *expression, t *subject, from int) []int {
	v.x.Check()
	if p.back != nil {
		return v.backtrack(p, t, from)
	}
	re, base := p.first, 0
	if from > 0 {
		re, base = p.next, from-1
	}
	var m []int
	if t.plain && float64(p.size)*float64(len(t.ascii)-base) <= maxSteps {
		m = re.FindStringSubmatchIndex(t.ascii[base:])
	} else {
		m = re.FindReaderSubmatchIndex(&unitReader{vm: v, text: t.text, pos: base, pairs: p.unicode})
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

// backtrack matches what RE2 can't, for as long as the run may take.
func (v *vm) backtrack(p *expression, t *subject, from int) []int {
	if t.runes == nil {
		for i := 0; i < t.text.Length(); {
			c, n := runeAt(t.text, i, p.unicode)
			t.runes = append(t.runes, c)
			if p.unicode {
				t.at = append(t.at, i)
			}
			i += n
		}
		if p.unicode {
			t.at = append(t.at, t.text.Length())
		}
	}
	start := from
	for i := 0; t.at != nil && i < len(t.at); i++ {
		if start = i; t.at[i] >= from {
			break
		}
	}
	re := *p.back
	re.MatchTimeout = max(v.x.Left()-lateness, time.Millisecond)
	m, err := re.FindRunesMatchStartingAt(t.runes, start)
	if err != nil {
		v.x.Exhaust() // doesn't return
	}
	if m == nil {
		return nil
	}
	place := func(i int) int {
		if t.at != nil {
			return t.at[i]
		}
		return i
	}
	var out []int
	for _, g := range m.Groups() {
		if len(g.Captures) == 0 {
			out = append(out, -1, -1)
			continue
		}
		out = append(out, place(g.RuneIndex), place(g.RuneIndex+g.RuneLength))
	}
	return out
}
