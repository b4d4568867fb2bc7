package esregexp

import (
	"slices"
	"unicode/utf16"
)

// escape reads what is behind a backslash outside of a class.
func (p *parser) escape() (n node, repeatable bool) {
	switch c := p.peek(); {
	case c < 0:
		p.fail("\\ at end of pattern")
	case c == 'b' || c == 'B':
		p.pos++
		return edge(c), false
	case c == 'k' && (p.Unicode || p.named):
		p.pos++
		return p.namedReference(), true
	case '1' <= c && c <= '9':
		start, n := p.pos, 0
		for p.peek() >= '0' && p.peek() <= '9' && n < endless/10 {
			n = 10*n + int(p.src[p.pos]-'0')
			p.pos++
		}
		if p.total < 0 || n <= p.total {
			return back{n}, true
		}
		if p.Unicode {
			p.fail("Invalid escape")
		}
		p.pos = start
	}
	if s, ok := p.classEscape(); ok {
		return char{s}, true
	}
	return p.one(p.charEscape(false)), true
}

// namedReference reads a name as in \k<name>, which may be of a later group.
func (p *parser) namedReference() node {
	if !p.eat("<") {
		p.fail("Invalid named reference")
	}
	name := p.groupName()
	if p.total < 0 {
		return nil
	}
	if p.later == nil {
		p.later = p.allNames()
	}
	i := slices.Index(p.later, name)
	if i < 1 {
		p.fail("Invalid named capture referenced")
	}
	return back{i}
}

// allNames are those of all groups, also of those behind the place that is read.
func (p *parser) allNames() []string {
	all := &parser{Flags: p.Flags, src: p.src, total: -1, named: true, only: true}
	all.pattern()
	return all.names
}

// classEscape reads \d, \w, \s, \p{...} and their opposites.
func (p *parser) classEscape() (set, bool) {
	var s set
	switch c := p.peek(); c {
	case 'd', 'D':
		s = digits
	case 's', 'S':
		s = spaces
	case 'w', 'W':
		s = p.wordSet()
	case 'p', 'P':
		if !p.Unicode {
			return nil, false
		}
		p.pos++
		s = p.property()
		if c == 'P' {
			// What isn't of the set is folded, which isn't what doesn't fold into it.
			return p.folded(s.negated(p.top())), true
		}
		return p.folded(s), true
	default:
		return nil, false
	}
	upper := p.src[p.pos] < 'a'
	p.pos++
	if upper {
		return s.negated(p.top()), true
	}
	return s, true
}

// charEscape reads an escape that stands for one character.
func (p *parser) charEscape(inClass bool) rune {
	c := p.peek()
	if c < 0 {
		p.fail("\\ at end of pattern")
	}
	p.pos++
	switch c {
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'v':
		return '\v'
	case 'c':
		return p.control(inClass)
	case 'x':
		if r := p.hex(2); r >= 0 {
			return r
		}
	case 'u':
		if r := p.codePoint(p.Unicode); r >= 0 {
			return r
		}
	case '0', '1', '2', '3', '4', '5', '6', '7':
		if next := p.peek(); c == '0' && (next < '0' || next > '9') {
			return 0
		}
		if !p.Unicode {
			return p.octal(c)
		}
	case 'k':
		if p.named {
			p.fail("Invalid named reference")
		}
	case '-':
		if inClass {
			return c
		}
	case '^', '$', '\\', '.', '*', '+', '?', '(', ')', '[', ']', '{', '}', '|', '/':
		return c
	}
	if p.Unicode {
		p.fail("Invalid escape")
	}
	return c
}

// control reads the letter of \cA. Without one the backslash stands for itself.
func (p *parser) control(inClass bool) rune {
	c := p.peek()
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z',
		inClass && !p.Unicode && ('0' <= c && c <= '9' || c == '_'):
		p.pos++
		return c & 31
	case p.Unicode:
		p.fail("Invalid unicode escape")
	}
	p.pos-- // the c is read again
	return '\\'
}

// hex reads n digits, or nothing and returns -1.
func (p *parser) hex(n int) rune {
	if p.pos+n > len(p.src) {
		return -1
	}
	var r rune
	for _, c := range p.src[p.pos : p.pos+n] {
		d := hexDigit(c)
		if d < 0 {
			return -1
		}
		r = r<<4 | d
	}
	p.pos += n
	return r
}

func hexDigit(c rune) rune {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return -1
}

// codePoint reads what is behind \u: four digits, with braces any number of them.
// Two escapes are one character where the pattern is made of such.
func (p *parser) codePoint(braces bool) rune {
	if braces && p.peek() == '{' {
		var r rune
		i := p.pos + 1
		for ; i < len(p.src) && hexDigit(p.src[i]) >= 0 && r <= maxRune; i++ {
			r = r<<4 | hexDigit(p.src[i])
		}
		if i == p.pos+1 || i == len(p.src) || p.src[i] != '}' || r > maxRune {
			return -1
		}
		p.pos = i + 1
		return r
	}
	r := p.hex(4)
	if (braces || p.Runes) && utf16.IsSurrogate(r) && r < 0xDC00 {
		start := p.pos
		if p.eat("\\u") {
			if lo := p.hex(4); lo >= 0xDC00 && lo <= 0xDFFF {
				return utf16.DecodeRune(r, lo)
			}
		}
		p.pos = start
	}
	return r
}

// octal reads the rest of an escape of up to three digits, of at most 255.
func (p *parser) octal(first rune) rune {
	r := first - '0'
	for range 2 {
		if c := p.peek(); c >= '0' && c <= '7' && r*8+c-'0' <= 255 {
			r = r*8 + c - '0'
			p.pos++
		}
	}
	return r
}

// class reads a class behind its bracket.
func (p *parser) class() set {
	negate := p.eat("^")
	var s set
	for !p.eat("]") {
		if p.pos == len(p.src) {
			p.fail("Unterminated character class")
		}
		lo, from := p.classAtom()
		if p.peek() != '-' || p.pos+1 < len(p.src) && p.src[p.pos+1] == ']' {
			s = append(s, from...)
			continue
		}
		p.pos++
		if p.pos == len(p.src) {
			p.fail("Unterminated character class")
		}
		hi, to := p.classAtom()
		switch {
		case lo >= 0 && hi >= 0 && lo > hi:
			p.fail("Range out of order in character class")
		case lo >= 0 && hi >= 0:
			s = append(s, span{lo, hi})
		case p.Unicode:
			p.fail("Invalid character class")
		default:
			s = append(append(append(s, from...), to...), span{'-', '-'})
		}
	}
	s = p.folded(s.normalized())
	if negate {
		return s.negated(p.top())
	}
	return s
}

// classAtom reads a character, or else an escape for several, which has none.
func (p *parser) classAtom() (rune, set) {
	c := p.src[p.pos]
	p.pos++
	if c == '\\' {
		if s, ok := p.classEscape(); ok {
			return -1, s
		}
		if p.eat("b") {
			c = '\b'
		} else {
			c = p.charEscape(true)
		}
	}
	return c, set{{c, c}}
}
