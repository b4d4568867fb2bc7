package esregexp

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// node is a part of a pattern.
type node interface{}

type (
	// char is one of a set of characters.
	char struct{ set set }
	// sequence is its parts one behind the other; none is the empty pattern.
	sequence []node
	// alternatives are tried from the first to the last.
	alternatives []node
	// group captures what its body matches, under a number from 1.
	group struct {
		number int
		body   node
	}
	// repeat is its body at least min times and at most max, which may be endless. The
	// groups from first up to last, that excluded, are in the body.
	repeat struct {
		body        node
		min, max    int
		lazy        bool
		first, last int
	}
	// look is a look-ahead or a look-behind.
	look struct {
		body           node
		behind, negate bool
	}
	// back matches what a group has matched.
	back struct{ number int }
	// edge is ^ or $, or \b or \B.
	edge byte
)

const (
	lineStart edge = '^'
	lineEnd   edge = '$'
	word      edge = 'b'
	noWord    edge = 'B'
)

const endless = 1<<31 - 1

// Bounds of a pattern, which keep it from taking long before it has matched anything.
const (
	maxLength = 200_000 // characters
	maxDepth  = 500     // of groups in one another
	maxGroups = 10_000  // of all groups
	maxWork   = 300_000 // steps to make its sets, of up to a microsecond each
)

// parser reads a pattern, once to count its groups and once to make nodes.
type parser struct {
	Flags
	src    []rune
	pos    int
	groups int
	names  []string // by group, "" for one without
	total  int      // groups; -1 in the first pass
	named  bool     // a group has a name
	later  []string // of all groups, nil until they are needed
	only   bool     // the syntax is looked at, and no sets are made
	depth  int
	work   int
}

// failure is what the parser panics with.
type failure string

func (p *parser) fail(message string) { panic(failure(message)) }

func parse(source string, f Flags, only bool) (n node, names []string, err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case failure:
			err = &SyntaxError{Source: source, Message: string(e)}
		default:
			panic(e)
		}
	}()
	p := &parser{Flags: f, total: -1, only: true}
	if utf8.RuneCountInString(source) > maxLength {
		return nil, nil, &SyntaxError{Source: source[:100] + "...", Message: "Regular expression too large"}
	}
	p.src = []rune(source)
	if !f.Unicode && !f.Runes {
		p.src = units(source)
	}
	p.pattern()
	p = &parser{Flags: f, src: p.src, total: p.groups, named: p.named, only: only}
	n = p.pattern()
	return n, p.names, nil
}

// units are those of UTF-16 that a text has.
func units(s string) []rune {
	var list []rune
	for _, r := range s {
		if r <= 0xFFFF {
			list = append(list, r)
			continue
		}
		hi, lo := utf16.EncodeRune(r)
		list = append(list, hi, lo)
	}
	return list
}

func (p *parser) pattern() node {
	p.names = []string{""}
	n := p.disjunction()
	switch {
	case p.pos == len(p.src):
	case p.src[p.pos] == ')':
		p.fail("Unmatched ')'")
	default:
		p.fail("Unexpected character")
	}
	return n
}

// peek is the next character, -1 at the end.
func (p *parser) peek() rune {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return -1
}

func (p *parser) eat(text string) bool {
	if p.pos+len(text) > len(p.src) {
		return false
	}
	for i, r := range text {
		if p.src[p.pos+i] != r {
			return false
		}
	}
	p.pos += len(text)
	return true
}

func (p *parser) disjunction() node {
	if p.depth++; p.depth > maxDepth {
		p.fail("Regular expression too large")
	}
	defer func() { p.depth-- }()
	list := alternatives{p.alternative()}
	for p.eat("|") {
		list = append(list, p.alternative())
	}
	if len(list) == 1 {
		return list[0]
	}
	return list
}

func (p *parser) alternative() node {
	var list sequence
	for p.pos < len(p.src) && p.src[p.pos] != '|' && p.src[p.pos] != ')' {
		first := p.groups + 1
		n, repeatable := p.term()
		list = append(list, p.quantified(n, repeatable, first))
	}
	if len(list) == 1 {
		return list[0]
	}
	return list
}

// term reads an assertion or an atom, and tells whether a quantifier may follow.
func (p *parser) term() (n node, repeatable bool) {
	switch c := p.src[p.pos]; c {
	case '^', '$':
		p.pos++
		return edge(c), false
	case '(':
		return p.parenthesis()
	case '.':
		p.pos++
		return char{p.dot()}, true
	case '[':
		p.pos++
		return char{p.class()}, true
	case '\\':
		p.pos++
		return p.escape()
	case '*', '+', '?':
		p.fail("Nothing to repeat")
	case '{':
		if p.Unicode {
			p.fail("Nothing to repeat")
		}
		if _, _, ok := p.bounds(); ok {
			p.fail("Nothing to repeat")
		}
	case ']', '}':
		if p.Unicode {
			p.fail("Lone quantifier brackets")
		}
	}
	p.pos++
	return p.one(p.src[p.pos-1]), true
}

func (p *parser) parenthesis() (n node, repeatable bool) {
	p.pos++
	switch {
	case p.eat("?:"):
		n, repeatable = p.disjunction(), true
	case p.eat("?="):
		n, repeatable = look{body: p.disjunction()}, !p.Unicode
	case p.eat("?!"):
		n, repeatable = look{body: p.disjunction(), negate: true}, !p.Unicode
	case p.eat("?<="):
		n = look{body: p.disjunction(), behind: true}
	case p.eat("?<!"):
		n = look{body: p.disjunction(), behind: true, negate: true}
	default:
		name := ""
		if p.eat("?<") {
			name = p.groupName()
			if slices.Contains(p.names, name) {
				p.fail("Duplicate capture group name")
			}
			p.named = true
		} else if p.peek() == '?' {
			p.fail("Invalid group")
		}
		if p.groups++; p.groups > maxGroups {
			p.fail("Too many captures")
		}
		number := p.groups
		p.names = append(p.names, name)
		n, repeatable = group{number, p.disjunction()}, true
	}
	if !p.eat(")") {
		p.fail("Unterminated group")
	}
	return n, repeatable
}

// groupName reads a name up to its >.
func (p *parser) groupName() string {
	var name strings.Builder
	for {
		c := p.peek()
		p.pos++
		switch {
		case c == '>' && name.Len() > 0:
			return name.String()
		case c == '\\' && p.eat("u"):
			if c = p.codePoint(true); c < 0 {
				p.fail("Invalid Unicode escape")
			}
		case utf16.IsSurrogate(c):
			if r := utf16.DecodeRune(c, p.peek()); r != unicode.ReplacementChar {
				p.pos++
				c = r
			}
		}
		first := name.Len() == 0
		if c < 0 || c != '$' && c != '_' && !properties.has("ID_Start", c) && (first || c != 0x200C && c != 0x200D && !properties.has("ID_Continue", c)) {
			p.fail("Invalid capture group name")
		}
		name.WriteRune(c)
	}
}

// quantified is a node with the quantifier behind it, if there is one.
func (p *parser) quantified(n node, repeatable bool, first int) node {
	r := repeat{body: n, max: endless, first: first, last: p.groups + 1}
	switch c := p.peek(); c {
	case '*':
		p.pos++
	case '+':
		p.pos++
		r.min = 1
	case '?':
		p.pos++
		r.max = 1
	case '{':
		lo, hi, ok := p.bounds()
		if !ok && p.Unicode {
			p.fail("Incomplete quantifier")
		}
		if !ok {
			return n
		}
		if hi < lo {
			p.fail("numbers out of order in {} quantifier")
		}
		r.min, r.max = lo, hi
	default:
		return n
	}
	if !repeatable {
		p.fail("Nothing to repeat")
	}
	r.lazy = p.eat("?")
	return r
}

// bounds reads {1}, {1,} or {1,2}. It reads nothing if that isn't there.
func (p *parser) bounds() (lo, hi int, ok bool) {
	start := p.pos
	number := func() int {
		from := p.pos
		for p.peek() >= '0' && p.peek() <= '9' {
			p.pos++
		}
		if p.pos == from {
			return -1
		}
		n, err := strconv.Atoi(string(p.src[from:p.pos]))
		if err != nil || n > endless {
			return endless
		}
		return n
	}
	p.pos++ // the brace
	lo = number()
	hi = lo
	if p.eat(",") {
		if hi = number(); hi < 0 {
			hi = endless
		}
	}
	if lo < 0 || !p.eat("}") {
		p.pos = start
		return 0, 0, false
	}
	return lo, hi, true
}
