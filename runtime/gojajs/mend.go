package gojajs

import (
	"cmp"
	"errors"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/parser"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/brackets"
)

// mended is a text of the author's that has been parsed. Where goja's parser stops at
// something that it can't read, that is patched: something else is put in its place
// that the parser takes, and the tree gets what was meant afterwards. So only text
// that has such a thing pays for it. The tree's positions are those of the author's.
type mended struct {
	name, text     string
	prefix, suffix string // around the text while it is parsed
	check          func() error

	patches  []patch // in order
	fields   map[int]string
	loops    map[int]bool // where a for begins that is a for await
	defaults map[int]ast.Expression

	program *ast.Program
	body    *ast.FunctionLiteral
}

// patch replaces a part of the author's text.
type patch struct {
	at, end int
	text    string
	begin   int // where it is in what is parsed, without the prefix
}

// maxMended is how many times a text is parsed again.
const maxMended = 1000

// mend parses a text.
func mend(name, prefix, text, suffix string, check func() error) (*mended, error) {
	m := &mended{name: name, text: text, prefix: prefix, suffix: suffix, check: check,
		fields: make(map[int]string), loops: make(map[int]bool), defaults: make(map[int]ast.Expression)}
	for range maxMended {
		src := prefix + m.patched() + suffix
		var err error
		if m.program, err = m.parse(src); err == nil {
			m.body = wrapped(m.program, len(src))
			return m, nil
		}
		if failed := check(); failed != nil {
			return nil, failed
		}
		list, ok := errors.AsType[parser.ErrorList](err)
		if !ok {
			return nil, err
		}
		if unmended := m.patch(src, list); unmended != nil {
			return nil, unmended
		}
	}
	return nil, errors.New("too much of this is newer than the engine's language")
}

// foreignRest is a rest element whose name makes goja's parser panic.
var foreignRest = regexp.MustCompile(`\.\.\.\s*[\w$]*[^\x00-\x7F]`)

// parse keeps a panic of the parser's from being told as one.
func (m *mended) parse(src string) (program *ast.Program, err error) {
	defer func() {
		if recover() == nil {
			return
		}
		e := &runtime.Error{Code: runtime.CodeUnsupported, File: m.name, Message: "the file can't be parsed; look for what is unusual in it"}
		if at := foreignRest.FindStringIndex(m.text); at != nil {
			lines := lineStarts(m.text[:at[0]])
			e.Message = "the name of a rest element has to be of ASCII's letters; rename it"
			e.Line, e.Column = len(lines), at[0]-lines[len(lines)-1]+1
		}
		err = e
	}()
	return parser.ParseFile(nil, m.name, src, 0, parser.WithDisableSourceMaps)
}

// patched is the text with its patches.
func (m *mended) patched() string {
	if len(m.patches) == 0 {
		return m.text
	}
	var b strings.Builder
	last := 0
	for i := range m.patches {
		p := &m.patches[i]
		b.WriteString(m.text[last:p.at])
		p.begin = b.Len()
		b.WriteString(p.text)
		last = p.end
	}
	b.WriteString(m.text[last:])
	return b.String()
}

// author is where a place of what was parsed is in the author's text.
func (m *mended) author(at int) int {
	i := sort.Search(len(m.patches), func(i int) bool { return m.patches[i].begin > at }) - 1
	if i < 0 {
		return at
	}
	p := m.patches[i]
	if behind := at - p.begin - len(p.text); behind >= 0 {
		return p.end + behind
	}
	return min(p.at+at-p.begin, p.end)
}

// patch patches what the errors stand at. If there is nothing that it can, it returns
// the first error with its place in the author's text.
func (m *mended) patch(src string, list parser.ErrorList) error {
	var first error
	done := 0
	for i, at := range m.places(src, list[:min(len(list), maxMended)]) {
		e := list[i]
		switch {
		case at < 0 || m.isPatched(at):
		case at < len(m.text) && (m.patchDefault(e.Message, at) || m.patchToken(m.token(e.Message, at))):
			done++
		case first == nil:
			first = m.errorAt(e, at)
		}
	}
	if done == 0 {
		if first == nil || len(m.patches) == 0 {
			return list
		}
		return first
	}
	return nil
}

// places are where errors stand in the author's text.
func (m *mended) places(src string, list parser.ErrorList) []int {
	lines := lineStarts(src)
	places := make([]int, len(list))
	for i, e := range list {
		places[i] = len(m.text)
		if line := e.Position.Line - 1; line < len(lines) {
			places[i] = min(m.author(lines[line]+e.Position.Column-1-len(m.prefix)), len(m.text))
		}
	}
	return places
}

func (m *mended) isPatched(at int) bool {
	i := sort.Search(len(m.patches), func(i int) bool { return m.patches[i].at > at })
	return i > 0 && at < m.patches[i-1].end
}

// errorAt is an error as it would be without the patches.
func (m *mended) errorAt(e *parser.Error, at int) error {
	moved := *e
	lines := lineStarts(m.text)
	line := sort.Search(len(lines), func(i int) bool { return lines[i] > at }) - 1
	moved.Position.Line, moved.Position.Column = line+1, at-lines[line]+1
	if line == 0 {
		moved.Position.Column += len(m.prefix)
	}
	if at == len(m.text) {
		moved.Position.Line = len(lines) + 1
	}
	return parser.ErrorList{&moved}
}

// lineStarts are where the lines of a text begin, as goja counts them.
func lineStarts(text string) []int {
	starts := []int{0}
	for i, c := range text {
		switch c {
		case '\r':
			if strings.HasPrefix(text[i+1:], "\n") {
				continue
			}
			fallthrough
		case '\n':
			starts = append(starts, i+1)
		case '\u2028', '\u2029':
			starts = append(starts, i+3)
		}
	}
	return starts
}

// replace patches a part of the text. Patches inside of it have no meaning any more.
func (m *mended) replace(at, end int, text string) {
	m.patches = slices.DeleteFunc(m.patches, func(p patch) bool { return at <= p.at && p.end <= end && at < end })
	inside := func(place int) bool { return at < place && place < end }
	maps.DeleteFunc(m.fields, func(place int, _ string) bool { return inside(place) })
	maps.DeleteFunc(m.loops, func(place int, _ bool) bool { return inside(place) })
	maps.DeleteFunc(m.defaults, func(place int, _ ast.Expression) bool { return inside(place) })
	i, _ := slices.BinarySearchFunc(m.patches, at, func(p patch, at int) int { return cmp.Compare(p.at, at) })
	m.patches = slices.Insert(m.patches, i, patch{at: at, end: end, text: text})
}

func (m *mended) blank(at, end int) { m.replace(at, end, strings.Repeat(" ", end-at)) }

// patchDefault takes out the default of an element of an array pattern that has a
// default itself, as in {a: [b = 1] = []}.
func (m *mended) patchDefault(message string, at int) bool {
	if message != "Invalid destructuring binding target" {
		return false
	}
	end := at + len(brackets.WordAt(m.text, at))
	if c := m.text[at : at+1]; c == "[" || c == "{" {
		if end = brackets.End(m.text, at+1); c == "{" || end < len(m.text) && m.text[end] == ',' {
			for end < len(m.text) && m.text[end] == ',' {
				end = brackets.End(m.text, end+1)
			}
		}
		end++
	}
	sign := brackets.Skip(m.text, min(end, len(m.text)))
	if end == at || !strings.HasPrefix(m.text[sign:], "=") {
		return false
	}
	begin := sign + 1
	end = brackets.End(m.text, begin)
	part, value := m.expression(begin, end)
	if value == nil {
		return false
	}
	m.blank(sign, end)
	m.defaults[at] = value
	for loop := range part.loops {
		m.loops[begin+loop] = true
	}
	return true
}

// expression parses a part of the text, in whatever function it stands; nil if that
// fails.
func (m *mended) expression(at, end int) (*mended, ast.Expression) {
	text := m.text[at:end]
	heads := []string{"(function(){return("}
	if strings.Contains(text, "await") {
		heads = append([]string{"(async function(){return("}, heads...)
	}
	if strings.Contains(text, "yield") {
		heads = append([]string{"(function*(){return(", "(async function*(){return("}, heads...)
	}
	for _, head := range heads {
		part, err := mend(m.name, head, text, "\n)})", m.check)
		if err != nil || part.body == nil || len(part.body.Body.List) != 1 {
			continue
		}
		stmt, ok := part.body.Body.List[0].(*ast.ReturnStatement)
		if !ok || part.settle() != nil {
			continue
		}
		move(reflect.ValueOf(stmt.Argument), func(i int) int { return i + at })
		return part, stmt.Argument
	}
	return nil, nil
}

// token is where the token is that the parser didn't expect: for that of a property's
// name it tells the place of the token behind.
func (m *mended) token(message string, at int) int {
	token, ok := strings.CutPrefix(message, "Unexpected token ")
	if before := strings.TrimRight(m.text[:at], " \t\r\n"); ok && !strings.HasPrefix(m.text[at:], token) && strings.HasSuffix(before, token) {
		return len(before) - len(token)
	}
	return at
}

// patchToken patches what stands before and at an unexpected token.
func (m *mended) patchToken(at int) bool {
	before := strings.TrimRight(m.text[:at], " \t\r\n")
	start := len(before)
	for start > 0 && brackets.IsWord(before[start-1]) {
		start--
	}
	word, rest := before[start:], m.text[at:]
	switch {
	case word == "for" && brackets.WordAt(rest, 0) == "await":
		m.loops[start] = true
		m.blank(at, at+len("await"))
	case word == "async" && strings.HasPrefix(rest, "*"):
		return m.patchMethod(start, at)
	case word == "get" || word == "set" || word == "async":
		if !strings.HasPrefix(rest, "=") && !strings.HasPrefix(rest, "}") && !strings.HasPrefix(rest, "*") {
			return false
		}
		m.fields[start] = word
		m.replace(start, start+1, "x")
	default:
		return m.patchNumber(at)
	}
	return true
}

// patchMethod makes async *name() of an object a field with an asynchronous generator.
func (m *mended) patchMethod(start, star int) bool {
	key := brackets.Skip(m.text, star+1)
	end := key + len(brackets.WordAt(m.text, key))
	switch c := m.text[min(key, len(m.text)-1)]; c {
	case '[':
		end = brackets.End(m.text, key+1) + 1
	case '"', '\'':
		end = brackets.End(m.text, key) // at the parenthesis' end
		if i := strings.IndexByte(m.text[key+1:], c); i >= 0 {
			end = key + 1 + i + 1
		}
	}
	open := brackets.Skip(m.text, min(end, len(m.text)))
	if end == key || !strings.HasPrefix(m.text[open:], "(") {
		return false
	}
	m.blank(start, star+1)
	m.replace(open, open, ": async function*")
	return true
}

// patchNumber takes the zeros from a number such as 08.
func (m *mended) patchNumber(at int) bool {
	number := brackets.WordAt(m.text, at)
	digits := strings.TrimLeft(number, "0")
	if digits == number || digits == "" || strings.Trim(digits, "0123456789") != "" || !strings.ContainsAny(digits, "89") {
		return false
	}
	m.blank(at, at+len(number)-len(digits))
	return true
}

// settle gives the tree the author's positions, and what was patched.
func (m *mended) settle() error {
	if len(m.patches) > 0 {
		m.settleSources()
	}
	move(reflect.ValueOf(m.program), func(i int) int { return m.author(max(i-len(m.prefix), 0)) })
	if len(m.patches) == 0 {
		return nil
	}
	left := len(m.fields) + len(m.defaults)
	nodes(reflect.ValueOf(m.program), make(map[any]bool), func(node any) bool {
		switch n := node.(type) {
		case *ast.FieldDefinition:
			if lit, ok := n.Key.(*ast.StringLiteral); ok && m.fields[int(lit.Idx)-1] != "" {
				lit.Literal = m.fields[int(lit.Idx)-1]
				lit.Value = identifier(lit.Literal, 1).Name
				left--
			}
		case *ast.ArrayPattern:
			for i, e := range n.Elements {
				if e == nil {
					continue
				}
				if value := m.defaults[int(e.Idx0())-1]; value != nil {
					n.Elements[i] = assign(e, value)
					left--
				}
			}
		}
		return true
	})
	if left != 0 {
		return errors.New("this can't be read")
	}
	return nil
}

// settleSources gives functions and classes their text as the author has it.
func (m *mended) settleSources() {
	nodes(reflect.ValueOf(m.program), make(map[any]bool), func(node any) bool {
		switch n := node.(type) {
		case *ast.FunctionLiteral:
			n.Source = m.source(n.Function, n.Source)
		case *ast.ArrowFunctionLiteral:
			n.Source = m.source(n.Start, n.Source)
		case *ast.ClassLiteral:
			n.Source = m.source(n.Class, n.Source)
		}
		return true
	})
}

func (m *mended) source(begin file.Idx, source string) string {
	at := int(begin) - 1 - len(m.prefix)
	if at < 0 || at+len(source) > len(m.text)+len(m.suffix) && source == "" {
		return source
	}
	from, to := m.author(at), m.author(at+len(source))
	if from > to || to > len(m.text) {
		return source
	}
	return m.text[from:to]
}

// move moves the positions of a tree. goja takes them for offsets from 1, whatever
// the base.
func move(tree reflect.Value, to func(offset int) int) {
	idx := reflect.TypeFor[file.Idx]()
	each(tree, make(map[any]bool), func(v reflect.Value) {
		if v.Type() == idx && v.CanSet() {
			v.SetInt(max(int64(to(int(v.Int())-1))+1, 1))
		}
	})
}
