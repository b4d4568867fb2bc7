package runtime

import (
	"fmt"
	"strings"
)

// Bounds of how deep source may nest. Parsers and interpreters of JavaScript
// recurse on the Go stack, and a stack that grows past its maximum kills the
// process, so this has to be known before a parser sees the source.
const (
	maxBrackets   = 1000   // ( [ { and templates inside one another
	maxStatements = 5_000  // if (a) if (b) ..., else if ... else if ...
	maxOperators  = 10_000 // a + b + c ..., !!!!a, a = b = c, a.b.c
	maxGroups     = 500    // in a regular expression
)

// checkNesting finds out how deep the source nests. It reads tokens, not
// grammar. Whether a slash begins a regular expression follows from the token
// before it, except behind a few closing braces, where such source is refused.
func checkNesting(name, src string) *Error {
	n := nesting{src: src, regexp: true, levels: make([]level, 1, 32)}
	msg := n.scan()
	if msg == "" {
		return nil
	}
	line := 1 + strings.Count(src[:n.start], "\n")
	column := n.start - strings.LastIndexByte(src[:n.start], '\n')
	return &Error{Code: CodeSyntax, Name: "SyntaxError", Message: msg, File: name, Line: line, Column: column}
}

type nesting struct {
	src    string
	pos    int
	start  int // of the current token
	levels []level

	word    string // the token before, if it was a word
	punct   byte   // the last byte of the token before, if it was punctuation
	head    bool   // the token before was the ) of if, for, while, with, switch or catch
	regexp  bool   // a slash would begin a regular expression
	unclear bool   // ... or not: only the grammar tells
	closed  bool   // the token before was a }
	newline bool   // between the token before and this
}

// level is an open bracket.
type level struct {
	open       byte // ( [ { ` or $ for the ${ of a template
	word       string
	regexp     bool // a slash behind the bracket's end begins a regular expression
	unclear    bool
	head       bool
	statements int
	operators  int
}

func (n *nesting) scan() string {
	for n.space() {
		n.start = n.pos
		c := n.src[n.pos]
		var msg string
		switch {
		case isWordByte(c):
			msg = n.scanWord()
		case c == '"' || c == '\'':
			n.skipString(c)
			n.literal()
		case c == '`':
			msg = n.open('`')
			n.template()
		case c == '/' && n.unclear:
			return "a slash behind this brace could mean a division or a regular expression; put a semicolon or parentheses between them"
		case c == '/' && n.regexp:
			msg = n.skipRegexp()
			n.literal()
		case c == '(' || c == '[' || c == '{':
			msg = n.open(c)
		case c == ')' || c == ']' || c == '}':
			msg = n.close()
		default:
			msg = n.operator(c)
		}
		if msg != "" {
			return msg
		}
		n.newline = false
	}
	return ""
}

// space skips to the next token.
func (n *nesting) space() bool {
	for n.pos < len(n.src) {
		rest := n.src[n.pos:]
		switch c := rest[0]; {
		case c == '\n' || c == '\r':
			n.newline = true
			n.pos++
		case c == ' ' || c == '\t' || c == '\v' || c == '\f':
			n.pos++
		case strings.HasPrefix(rest, "//"):
			n.pos += lineEnd(rest)
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				n.pos = len(n.src)
				return false
			}
			n.newline = n.newline || strings.Contains(rest[:end], "\n")
			n.pos += end + 4
		default:
			return true
		}
	}
	return false
}

// lineEnd is where the line ends. U+2028 and U+2029 end it too.
func lineEnd(s string) int {
	end := len(s)
	for _, sep := range []string{"\n", "\r", "\u2028", "\u2029"} {
		if i := strings.Index(s[:end], sep); i >= 0 {
			end = i
		}
	}
	return end
}

func isWordByte(c byte) bool {
	return c == '_' || c == '$' || c == '\\' || c >= 0x80 || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// Words behind which an operand follows, so that a slash begins a regular
// expression; and those that nest a statement in a statement.
var (
	operandWords = map[string]bool{"return": true, "typeof": true, "instanceof": true, "in": true, "of": true,
		"new": true, "delete": true, "void": true, "throw": true, "case": true, "do": true, "else": true,
		"yield": true, "await": true, "default": true}
	statementWords = map[string]bool{"if": true, "else": true, "for": true, "while": true, "do": true, "with": true}
	headWords      = map[string]bool{"if": true, "for": true, "while": true, "with": true, "switch": true, "catch": true}
	blockWords     = map[string]bool{"else": true, "do": true, "try": true, "finally": true}
)

func (n *nesting) scanWord() string {
	for n.pos < len(n.src) && isWordByte(n.src[n.pos]) {
		n.pos++
	}
	word := n.src[n.start:n.pos]
	property := n.punct == '.'
	top := &n.levels[len(n.levels)-1]
	switch {
	case property:
	case n.closed && word != "else" && word != "while" && word != "catch" && word != "finally":
		top.statements, top.operators = 0, 0
	case n.newline && n.punct == 0 && !operandWords[n.word]:
		top.operators = 0 // a semicolon is inserted here
	}
	n.word, n.punct, n.closed, n.unclear = word, 0, false, false
	n.regexp = !property && operandWords[word]
	if property {
		n.word = "property"
		return ""
	}
	if statementWords[word] {
		top.statements++
		if n.total(func(l level) int { return l.statements }) > maxStatements {
			return fmt.Sprintf("statements nest deeper than %d levels", maxStatements)
		}
	}
	if operandWords[word] {
		return n.count(top)
	}
	return ""
}

func (n *nesting) count(top *level) string {
	top.operators++
	if top.operators > maxOperators || top.operators%1000 == 0 && n.total(func(l level) int { return l.operators }) > 2*maxOperators {
		return fmt.Sprintf("an expression has more than %d operators", maxOperators)
	}
	return ""
}

func (n *nesting) total(of func(level) int) int {
	sum := 0
	for _, l := range n.levels {
		sum += of(l)
	}
	return sum
}

// literal notes that the token was an operand.
func (n *nesting) literal() {
	n.word, n.punct, n.regexp, n.unclear, n.closed, n.head = "literal", 0, false, false, false, false
}

func (n *nesting) skipString(quote byte) {
	for n.pos++; n.pos < len(n.src); n.pos++ {
		switch n.src[n.pos] {
		case '\\':
			n.pos++
			if n.pos < len(n.src) && n.src[n.pos] == '\r' && strings.HasPrefix(n.src[n.pos+1:], "\n") {
				n.pos++
			}
		case quote:
			n.pos++
			return
		case '\n', '\r':
			return // the parser will refuse it
		}
	}
}

func (n *nesting) skipRegexp() string {
	class, groups := false, 0
	for n.pos++; n.pos < len(n.src); n.pos++ {
		switch c := n.src[n.pos]; {
		case c == '\\':
			n.pos++
		case c == '\n' || c == '\r':
			return ""
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '(' && !class:
			if groups++; groups > maxGroups {
				return fmt.Sprintf("a regular expression has more than %d groups", maxGroups)
			}
		case c == '/' && !class:
			n.pos++
			return ""
		}
	}
	return ""
}

// template reads a template's text up to its end or the next ${.
func (n *nesting) template() {
	if n.pos < len(n.src) && n.src[n.pos] == '`' && n.pos == n.start {
		n.pos++
	}
	for ; n.pos < len(n.src); n.pos++ {
		switch n.src[n.pos] {
		case '\\':
			n.pos++
		case '`':
			n.pos++
			n.pop()
			n.literal()
			return
		case '$':
			if strings.HasPrefix(n.src[n.pos:], "${") {
				n.pos += 2
				n.levels = append(n.levels, level{open: '$'})
				n.word, n.punct, n.regexp, n.closed = "", '{', true, false
				return
			}
		}
	}
}

func (n *nesting) open(c byte) string {
	l := level{open: c, word: n.word}
	switch c {
	case '(':
		l.head = n.punct == 0 && headWords[n.word]
		l.regexp = l.head && n.word != "catch" && n.word != "switch"
	case '{':
		switch {
		case n.punct == ')':
			l.regexp, l.unclear = true, !n.head
		case n.punct == ':' || n.punct == '>':
			l.unclear = true
		case n.punct == 0 && n.word != "":
			l.regexp = blockWords[n.word]
			l.unclear = !l.regexp && !operandWords[n.word]
		default:
			l.regexp = n.punct == 0 || n.punct == ';' || n.punct == '{' || n.punct == '}'
		}
	}
	n.levels = append(n.levels, l)
	if len(n.levels) > maxBrackets {
		return fmt.Sprintf("brackets nest deeper than %d levels", maxBrackets)
	}
	if c != '`' {
		n.pos++
		n.word, n.punct, n.regexp, n.unclear, n.closed, n.head = "", c, true, false, false, false
	}
	return ""
}

func (n *nesting) pop() level {
	if len(n.levels) == 1 {
		return level{} // an unmatched bracket is the parser's to refuse
	}
	l := n.levels[len(n.levels)-1]
	n.levels = n.levels[:len(n.levels)-1]
	return l
}

func (n *nesting) close() string {
	c := n.src[n.pos]
	n.pos++
	l := n.pop()
	n.word, n.punct = "", c
	n.regexp, n.unclear, n.closed, n.head = l.regexp, l.unclear, c == '}', l.head
	if l.open == '$' {
		n.start = -1 // not at a template's first backquote
		n.template()
		return ""
	}
	if top := &n.levels[len(n.levels)-1]; c == ')' || c == ']' {
		return n.count(top) // a call or a member: a()()(), a[0][0]
	}
	return ""
}

func (n *nesting) operator(c byte) string {
	top := &n.levels[len(n.levels)-1]
	double := n.pos+1 < len(n.src) && n.src[n.pos+1] == c && (c == '+' || c == '-')
	n.pos++
	if double {
		n.pos++ // ++ and -- leave what a slash means as it was: a++ / b, but ++/x/ is an error
	} else {
		n.regexp = true
	}
	n.word, n.punct, n.unclear, n.closed, n.head = "", c, false, false, false
	switch c {
	case ';':
		top.statements, top.operators = 0, 0
		return ""
	case ',':
		top.operators = 0
		return ""
	}
	return n.count(top)
}
