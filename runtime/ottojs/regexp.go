package ottojs

import (
	"io"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"github.com/robertkrimen/otto"
	"github.com/robertkrimen/otto/parser"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/esregexp"
	"github.com/fazt-sh/fazt/runtime/internal/regexpcost"
)

// pattern is a regular expression. otto's object has one too, but it is not
// accessible, and it can't begin in the middle of a text.
type pattern struct {
	*esregexp.Regexp
	empty bool
}

const (
	// maxSteps bounds one match: RE2 takes at most instructions times bytes
	// steps, of a few nanoseconds. Past maxAtOnce there are checkpoints among them.
	maxSteps  = 200e6
	maxAtOnce = 5e6
	// maxPatterns bounds a VM's cache.
	maxPatterns = 256
	// maxCost bounds a pattern that was made at run time, as of package regexpcost: RE2
	// compiles it in one step, for which it takes up to 3 us and a kilobyte a unit.
	maxCost = 100_000
)

// patternOf returns the pattern of a RegExp object, after checking that it may
// be run on a text of n bytes.
func (v *vm) patternOf(re otto.Value, n int) *pattern {
	p := v.pattern(v.get(re, "source").String(), v.flags(re))
	if float64(p.Size)*float64(n) > maxSteps {
		v.rangeError("this regular expression takes too long for a text of %d bytes; split the text first", n)
	}
	return p
}

func (v *vm) pattern(source, flags string) *pattern {
	key := flags + "/" + source
	p, ok := v.patterns[key]
	if !ok {
		var err error
		if p, err = compilePattern(source, flags, v.check); err != nil {
			v.throw(&runtime.HostError{Name: "SyntaxError", Message: err.Error()})
		}
		if len(v.patterns) >= maxPatterns {
			clear(v.patterns)
		}
		v.patterns[key] = p
	}
	return p
}

func (v *vm) invalidPattern(source, reason string) {
	source = source[:min(len(source), maxName)]
	v.throw(&runtime.HostError{Name: "SyntaxError", Message: "Invalid regular expression: /" + strings.ToValidUTF8(source, "") + "/: " + reason})
}

func (v *vm) flags(re otto.Value) string {
	flags := ""
	for _, f := range []struct{ name, flag string }{{"ignoreCase", "i"}, {"multiline", "m"}} {
		if on, _ := v.get(re, f.name).ToBoolean(); on {
			flags += f.flag
		}
	}
	return flags
}

// compilePattern asks check at intervals whether it may go on: what a pattern makes of the
// empty text may take exponential time, too.
func compilePattern(source, flags string, check func()) (*pattern, error) {
	f := esregexp.ParseFlags(flags)
	f.Runes = true
	re, err := esregexp.Compile(source, f)
	if err != nil {
		return nil, err
	}
	p := &pattern{Regexp: re}
	if re.First != nil {
		p.empty = re.First.MatchString("")
	} else {
		m, err := re.Backtrack(runeText(""), 0, maxPatterns, check)
		p.empty = m != nil || err != nil
	}
	return p, nil
}

// checkPattern is called before otto compiles a pattern that was made at run
// time.
func (v *vm) checkPattern(c otto.FunctionCall) otto.Value {
	source, flags := c.Argument(0).String(), c.Argument(1).String()
	cost := regexpcost.Of(source)
	if strings.Contains(flags, "i") {
		cost += regexpcost.Folded(source)
	}
	if cost > maxCost {
		v.rangeError("this regular expression is too large")
	}
	for i := range flags {
		if strings.IndexByte(flags[:i], flags[i]) >= 0 {
			v.invalidPattern(source, "a flag is there twice")
		}
	}
	if reason := patternRefusal(source, flags); reason != "" {
		v.invalidPattern(source, reason)
	}
	v.pattern(source, strings.ReplaceAll(flags, "g", ""))
	re2, err := parser.TransformRegExp(source)
	if err == nil {
		_, err = syntax.Parse(re2, syntax.Perl)
	}
	if err != nil {
		v.invalidPattern(source, "otto can't have it, such as one with more than 1000 repetitions; use the engine goja")
	}
	return undefined
}

// firstMatch finds the first match at or behind a byte offset.
func (v *vm) firstMatch(p *pattern, s string, from int) []int {
	if p.First == nil || p.Lines && otherLines(s) {
		m, err := p.Backtrack(runeText(s), from, int(v.x.Limits.Memory/bytesPerChoice), v.check)
		if err != nil {
			v.rangeError("%s", err.Error())
		}
		return m
	}
	if from == 0 {
		return v.find(p.First, p.Size, s)
	}
	_, size := utf8.DecodeLastRuneInString(s[:from])
	base := from - size
	m := v.find(p.Next, p.Size, s[base:])
	if m == nil {
		return nil
	}
	for i := range m {
		if m[i] >= 0 {
			m[i] += base
		}
	}
	return m[2:]
}

// bytesPerChoice is what backtracking takes to remember a choice, with room to grow.
const bytesPerChoice = 64

// otherLines tells whether a text has ends of lines that RE2 doesn't know.
func otherLines(s string) bool {
	return strings.Contains(s, "\r") || strings.Contains(s, "\u2028") || strings.Contains(s, "\u2029")
}

// runeText is a text for backtracking. Places count in bytes.
type runeText string

func (t runeText) Len() int                 { return len(t) }
func (t runeText) At(i int) (rune, int)     { return utf8.DecodeRuneInString(string(t[i:])) }
func (t runeText) Before(i int) (rune, int) { return utf8.DecodeLastRuneInString(string(t[:i])) }

func (v *vm) find(re *regexp.Regexp, size int, s string) []int {
	if float64(size)*float64(len(s)) <= maxAtOnce {
		return re.FindStringSubmatchIndex(s)
	}
	return re.FindReaderSubmatchIndex(&checkedReader{v, s, 0})
}

// checkedReader reads a text with a checkpoint now and then.
type checkedReader struct {
	vm    *vm
	rest  string
	count uint
}

func (r *checkedReader) ReadRune() (rune, int, error) {
	if r.rest == "" {
		return 0, 0, io.EOF
	}
	if r.count++; r.count%256 == 0 {
		r.vm.check()
	}
	c, size := utf8.DecodeRuneInString(r.rest)
	r.rest = r.rest[size:]
	return c, size, nil
}

// each calls f with all matches from the beginning, and stops between them when
// the run has to end.
func (v *vm) each(p *pattern, s string, f func(m []int)) {
	if p.First != nil && !p.empty && !(p.Lines && otherLines(s)) && float64(p.Size)*float64(len(s))*float64(len(s)) < maxAtOnce {
		for _, m := range p.First.FindAllStringSubmatchIndex(s, -1) {
			f(m)
		}
		return
	}
	for at := 0; at <= len(s); {
		v.check()
		m := v.firstMatch(p, s, at)
		if m == nil {
			return
		}
		f(m)
		if at = m[1]; m[0] == m[1] {
			_, size := utf8.DecodeRuneInString(s[at:])
			at += max(size, 1)
		}
	}
}

func group(s string, m []int, i int) any {
	if m[2*i] < 0 {
		return undefined
	}
	return s[m[2*i]:m[2*i+1]]
}

// exec is RegExp.prototype.exec; test is it too.
func (v *vm) exec(c otto.FunctionCall) otto.Value {
	re := c.Argument(0)
	return v.execOn(re, newText(v.text(c.Argument(1))))
}

func (v *vm) execOn(re otto.Value, t jsText) otto.Value {
	p := v.patternOf(re, len(t.s))
	from := 0
	global, _ := v.get(re, "global").ToBoolean()
	if global {
		f, _ := v.get(re, "lastIndex").ToFloat()
		if f > float64(t.length()) {
			v.setLastIndex(re, 0)
			return otto.NullValue()
		}
		from = int(max(f, 0))
	}
	m := v.firstMatch(p, t.s, t.offset(from))
	if m == nil {
		if global {
			v.setLastIndex(re, 0)
		}
		return otto.NullValue()
	}
	if global {
		v.setLastIndex(re, t.unit(m[1]))
	}
	var groups []any
	for i := range len(m) / 2 {
		groups = append(groups, group(t.s, m, i))
	}
	result := v.newArray(groups)
	v.set(result, "index", v.value(t.unit(m[0])))
	v.set(result, "input", v.value(t.s))
	return result
}

func (v *vm) setLastIndex(re otto.Value, i int) {
	if err := re.Object().Set("lastIndex", i); err != nil {
		v.rethrow(err)
	}
}

// toRegexp is the argument of match and search as a RegExp.
func (v *vm) toRegexp(val otto.Value) otto.Value {
	if val.Class() == "RegExp" {
		return val
	}
	return v.invoke(v.lib.regexp, undefined, val)
}

func (v *vm) match(t jsText, c otto.FunctionCall) otto.Value {
	re := v.toRegexp(c.Argument(0))
	if global, _ := v.get(re, "global").ToBoolean(); !global {
		return v.execOn(re, t)
	}
	v.setLastIndex(re, 0)
	var found []any
	v.each(v.patternOf(re, len(t.s)), t.s, func(m []int) {
		found = append(found, t.s[m[0]:m[1]])
		if len(found) > v.longest() {
			v.rangeError("match: more than %d matches", v.longest())
		}
	})
	if found == nil {
		return otto.NullValue()
	}
	return v.newArray(found)
}

func (v *vm) search(t jsText, c otto.FunctionCall) otto.Value {
	m := v.firstMatch(v.patternOf(v.toRegexp(c.Argument(0)), len(t.s)), t.s, 0)
	if m == nil {
		return v.value(-1)
	}
	return v.value(t.unit(m[0]))
}

func (v *vm) splitRegexp(t jsText, re otto.Value) []any {
	p := v.patternOf(re, len(t.s))
	if t.s == "" {
		if p.empty {
			return nil
		}
		return []any{""}
	}
	var parts []any
	last := 0
	v.each(p, t.s, func(m []int) {
		if m[1] == last && m[0] == m[1] || m[0] >= len(t.s) {
			return // an empty match at the start of a part, or at the end, splits nothing
		}
		parts = append(parts, t.s[last:m[0]])
		for i := 1; i < len(m)/2; i++ {
			parts = append(parts, group(t.s, m, i))
		}
		last = m[1]
		if len(parts) > v.longest() {
			v.rangeError("split: more than %d parts", v.longest())
		}
	})
	return append(parts, t.s[last:])
}

// replace is String.prototype.replace and replaceAll.
func (v *vm) replace(t jsText, c otto.FunctionCall, all bool) otto.Value {
	r := replacer{vm: v, text: t, with: c.Argument(1)}
	if !r.with.IsFunction() {
		r.template = v.text(r.with)
	}
	search := c.Argument(0)
	if search.Class() != "RegExp" {
		r.replaceText(v.text(search), all)
	} else {
		p := v.patternOf(search, len(t.s))
		global, _ := v.get(search, "global").ToBoolean()
		switch {
		case global:
			v.setLastIndex(search, 0)
			v.each(p, t.s, r.one)
		case all:
			v.typeError("replaceAll needs a regular expression with the flag g")
		default:
			if m := v.firstMatch(p, t.s, 0); m != nil {
				r.one(m)
			}
		}
	}
	r.write(t.s[r.last:])
	return v.value(r.out.String())
}

type replacer struct {
	vm       *vm
	text     jsText
	with     otto.Value
	template string
	out      strings.Builder
	last     int
}

func (r *replacer) write(s string) {
	r.vm.bounded(float64(r.out.Len() + len(s)))
	r.out.WriteString(s)
}

func (r *replacer) replaceText(want string, all bool) {
	for at := 0; at <= len(r.text.s); {
		i := strings.Index(r.text.s[at:], want)
		if i < 0 {
			return
		}
		r.one([]int{at + i, at + i + len(want)})
		if !all {
			return
		}
		at += i + len(want)
		if want == "" {
			_, size := utf8.DecodeRuneInString(r.text.s[at:])
			at += max(size, 1)
		}
	}
}

// one writes what is before a match, and what replaces it.
func (r *replacer) one(m []int) {
	r.vm.check()
	s := r.text.s
	r.write(s[r.last:m[0]])
	r.last = m[1]
	if !r.with.IsFunction() {
		r.expand(m)
		return
	}
	var args []any
	for i := range len(m) / 2 {
		args = append(args, group(s, m, i))
	}
	args = append(args, r.text.unit(m[0]), s)
	r.write(r.vm.text(r.vm.invoke(r.with, undefined, args...)))
}

// expand writes the template with its $ patterns replaced.
func (r *replacer) expand(m []int) {
	s, rest := r.text.s, r.template
	for {
		i := strings.IndexByte(rest, '$')
		if i < 0 || i+1 == len(rest) {
			r.write(rest)
			return
		}
		r.write(rest[:i])
		c := rest[i+1]
		rest = rest[i+2:]
		switch {
		case c == '$':
			r.write("$")
		case c == '&':
			r.write(s[m[0]:m[1]])
		case c == '`':
			r.write(s[:m[0]])
		case c == '\'':
			r.write(s[m[1]:])
		case c >= '0' && c <= '9':
			rest = r.expandGroup(m, c, rest)
		default:
			r.write("$" + string(c))
		}
	}
}

func (r *replacer) expandGroup(m []int, c byte, rest string) string {
	n, most := int(c-'0'), len(m)/2-1
	if rest != "" && rest[0] >= '0' && rest[0] <= '9' && n*10+int(rest[0]-'0') <= most {
		n, rest = n*10+int(rest[0]-'0'), rest[1:]
	}
	if n == 0 || n > most {
		r.write("$" + string(c))
		return rest
	}
	if m[2*n] >= 0 {
		r.write(r.text.s[m[2*n]:m[2*n+1]])
	}
	return rest
}
