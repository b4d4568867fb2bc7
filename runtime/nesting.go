package runtime

import (
	"fmt"
	"strings"

	"github.com/fazt-sh/fazt/runtime/internal/regexpcost"
)

// Bounds of how deep source may nest. Parsers and interpreters of JavaScript
// recurse on the Go stack, and a stack that grows past its maximum kills the
// process, so this has to be known before a parser sees the source.
const (
	maxBrackets   = 1000   // ( [ { and templates inside one another
	maxStatements = 5_000  // if (a) if (b) ..., else if ... else if ...
	maxOperators  = 10_000 // a + b + c ..., !!!!a, a = b = c, a.b.c, three times the parts of a template
	maxGroups     = 500    // in a regular expression
)

// Bounds of what a program takes to be compiled, which nothing can end once it has
// begun. Each of the last three takes some seconds at most.
const (
	// maxNumber is the length of a number, which takes its square.
	maxNumber = 10_000
	// maxTokens bounds the syntax tree.
	maxTokens = 1_500_000
	// maxDepths bounds the sum of how deep each token stands: in brackets and
	// statements, each of which counts for deepWeight, and operators. Compilers look a
	// name up through all functions around it, leave all statements around a return,
	// and go down an expression again and again: what is superlinear goes with this
	// sum, which is 60 to 100 times the tokens in large programs that people wrote.
	maxDepths  = 300_000_000
	deepWeight = 8
	jumpWeight = 100 // of a return or a break, for which goja leaves each bracket around
)

// extent is what a program takes to be compiled, its files together.
type extent struct {
	tokens   int
	depths   int
	patterns float64 // see regexpcost
}

// checkNesting finds out how deep the source nests, and adds what it takes to sum.
// It reads tokens, not grammar. Whether a slash begins a regular expression follows
// from the token before it, except behind a few closing braces, where such source
// is refused. It returns the package that the source requires, as it has come by it.
func checkNesting(name, src string, sum *extent) (required, *Error) {
	n := nesting{src: src, regexp: true, levels: make([]level, 1, 32), extent: sum}
	msg := n.scan()
	if msg == "" {
		if n.ownRequire {
			return required{}, nil
		}
		return n.required, nil
	}
	line := 1 + strings.Count(src[:n.start], "\n")
	column := n.start - strings.LastIndexByte(src[:n.start], '\n')
	return required{}, &Error{Code: CodeSyntax, Name: "SyntaxError", Message: msg, File: name, Line: line, Column: column}
}

type nesting struct {
	src    string
	pos    int
	start  int // of the current token
	levels []level
	extent *extent

	statements int // of all levels
	operators  int
	heads      int  // of the bracket that the token before closed, see level
	inside     int  // the tokens of that bracket
	mayHead    bool // the token before, or that bracket, may be the parameters of an arrow function
	sign       int  // where the signs begin that stand together before this token
	signEnd    int

	required   required // the first package that the source requires
	ownRequire bool     // it has a require of its own

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
	heads      int  // how deep arrow functions stand in parameters in it, see arrows.go
	mayHead    bool // it may be the parameters of an arrow function
	begin      int  // the program's tokens before it
}

func (n *nesting) scan() string {
	for n.space() {
		n.start = n.pos
		c := n.src[n.pos]
		msg := n.measure()
		switch {
		case msg != "":
		case isWordByte(c):
			msg = n.scanWord()
		case c == '"' || c == '\'':
			n.skipString(c)
			n.literal()
		case c == '`':
			if msg = n.open('`'); msg == "" {
				msg = n.template()
			}
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

// measure adds a token to what the program takes.
func (n *nesting) measure() string {
	n.extent.tokens++
	n.extent.depths += deepWeight*(len(n.levels)+n.statements) + n.operators
	switch {
	case n.extent.tokens > maxTokens:
		return fmt.Sprintf("the program has more than %d words and signs up to here; make it smaller, or keep its data in files under private/", maxTokens)
	case n.extent.depths > maxDepths:
		return "the program is too large for how deep it nests; put long parts into functions or files of their own"
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
	return c == '_' || c == '$' || c == '#' || c == '\\' || c >= 0x80 || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// Words behind which an operand follows, so that a slash begins a regular
// expression; and those that nest a statement in a statement.
var (
	operandWords = map[string]bool{"return": true, "typeof": true, "instanceof": true, "in": true, "of": true,
		"new": true, "delete": true, "void": true, "throw": true, "case": true, "do": true, "else": true,
		"yield": true, "await": true, "default": true}
	statementWords = map[string]bool{"if": true, "else": true, "for": true, "while": true, "do": true, "with": true}
	jumpWords      = map[string]bool{"return": true, "break": true, "continue": true}
	headWords      = map[string]bool{"if": true, "for": true, "while": true, "with": true, "switch": true, "catch": true}
	blockWords     = map[string]bool{"else": true, "do": true, "try": true, "finally": true}
)

func (n *nesting) scanWord() string {
	for n.pos < len(n.src) && isWordByte(n.src[n.pos]) {
		n.pos++
	}
	word := n.src[n.start:n.pos]
	property := n.punct == '.' && n.src[n.sign:n.signEnd] != "..."
	if !property {
		n.noteRequire(word)
	}
	n.mayHead = !property && n.arrowMayBegin()
	top := &n.levels[len(n.levels)-1]
	switch {
	case property:
	case n.closed && word != "else" && word != "while" && word != "catch" && word != "finally":
		n.endStatement(top)
	case n.newline && n.punct == 0 && !operandWords[n.word] && n.word != "async":
		n.endExpression(top) // a semicolon is inserted here
	}
	n.word, n.punct, n.closed, n.unclear = word, 0, false, false
	n.regexp = !property && operandWords[word]
	if property {
		n.word = "property"
		return ""
	}
	if statementWords[word] {
		top.statements++
		if n.statements++; n.statements > maxStatements {
			return fmt.Sprintf("statements nest deeper than %d levels", maxStatements)
		}
	}
	switch {
	case jumpWords[word]:
		n.extent.depths += jumpWeight * len(n.levels)
		fallthrough
	case operandWords[word], word == "async":
		return n.count(top)
	case len(word) > maxNumber && '0' <= word[0] && word[0] <= '9':
		return fmt.Sprintf("a number is longer than %d characters; make it of a text", maxNumber)
	}
	return ""
}

func (n *nesting) count(top *level) string {
	top.operators++
	n.operators++
	if top.operators > maxOperators || n.operators > 2*maxOperators {
		return fmt.Sprintf("an expression has more than %d operators", maxOperators)
	}
	return ""
}

// countPart counts a part of a template, which takes as long as three operators.
func (n *nesting) countPart(top *level) string {
	top.operators += 2
	n.operators += 2
	return n.count(top)
}

func (n *nesting) endStatement(top *level) {
	n.statements -= top.statements
	top.statements = 0
	n.endExpression(top)
}

func (n *nesting) endExpression(top *level) {
	n.operators -= top.operators
	top.operators = 0
}

// literal notes that the token was an operand.
func (n *nesting) literal() {
	n.word, n.punct, n.regexp, n.unclear, n.closed, n.head, n.mayHead = "literal", 0, false, false, false, false, false
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
	class, groups, begin := false, 0, n.pos+1
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
			return n.weigh(n.src[begin : n.pos-1])
		}
	}
	return ""
}

// weigh adds a regular expression to what the program takes.
func (n *nesting) weigh(pattern string) string {
	cost := regexpcost.Of(pattern)
	end := n.pos
	for end < len(n.src) && isWordByte(n.src[end]) {
		end++
	}
	if strings.Contains(n.src[n.pos:end], "i") {
		cost += regexpcost.Folded(pattern)
	}
	n.extent.patterns += cost + regexpcost.Least
	switch {
	case cost > regexpcost.Max:
		return "this regular expression is too large; make it shorter, or repeat less in it"
	case n.extent.patterns > regexpcost.MaxProgram:
		return "the program's regular expressions are too large together; use fewer, shorter ones"
	}
	return ""
}

// template reads a template's text up to its end or the next ${.
func (n *nesting) template() string {
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
			return ""
		case '$':
			if strings.HasPrefix(n.src[n.pos:], "${") {
				n.pos += 2
				msg := n.countPart(&n.levels[len(n.levels)-1])
				n.levels = append(n.levels, level{open: '$'})
				n.word, n.punct, n.regexp, n.closed = "", '{', true, false
				n.sign, n.signEnd = n.pos-1, n.pos
				return msg
			}
		}
	}
	return ""
}

func (n *nesting) open(c byte) string {
	l := level{open: c, word: n.word, mayHead: n.arrowMayBegin(), begin: n.extent.tokens}
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
		n.sign = n.pos
		n.pos++
		n.signEnd = n.pos
		n.word, n.punct, n.regexp, n.unclear, n.closed, n.head = "", c, true, false, false, false
	}
	return ""
}

func (n *nesting) pop() level {
	if len(n.levels) == 1 {
		return level{}
	}
	l := n.levels[len(n.levels)-1]
	n.endStatement(&n.levels[len(n.levels)-1])
	n.levels = n.levels[:len(n.levels)-1]
	top := &n.levels[len(n.levels)-1]
	top.heads = max(top.heads, l.heads)
	return l
}

// closes are the brackets that belong together.
var closes = map[[2]byte]bool{{'(', ')'}: true, {'[', ']'}: true, {'{', '}'}: true, {'$', '}'}: true}

func (n *nesting) close() string {
	c := n.src[n.pos]
	n.sign = n.pos
	n.pos++
	n.signEnd = n.pos
	l := n.pop()
	if !closes[[2]byte{l.open, c}] {
		return "Unexpected token " + string(c)
	}
	n.word, n.punct, n.mayHead, n.inside = "", c, l.mayHead, n.extent.tokens-l.begin
	n.regexp, n.unclear, n.closed, n.head, n.heads = l.regexp, l.unclear, c == '}', l.head, l.heads
	if l.open == '$' {
		begin := n.start
		n.start = -1 // not at a template's first backquote
		msg := n.template()
		n.start = begin
		return msg
	}
	if top := &n.levels[len(n.levels)-1]; c == ')' || c == ']' {
		return n.count(top) // a call or a member: a()()(), a[0][0]
	}
	return ""
}

func (n *nesting) operator(c byte) string {
	top := &n.levels[len(n.levels)-1]
	if strings.HasPrefix(n.src[n.pos:], "=>") {
		if msg := n.arrow(); msg != "" {
			return msg
		}
	}
	if n.pos != n.signEnd || strings.IndexByte("([{}]),;:", n.punct) >= 0 {
		n.sign = n.pos
	}
	double := n.pos+1 < len(n.src) && n.src[n.pos+1] == c && (c == '+' || c == '-')
	n.pos++
	if double {
		n.pos++ // ++ and -- leave what a slash means as it was: a++ / b, but ++/x/ is an error
	} else {
		n.regexp = true
	}
	n.signEnd = n.pos
	n.word, n.punct, n.unclear, n.closed, n.head = "", c, false, false, false
	switch c {
	case ';':
		n.endStatement(top)
		return ""
	case ',':
		n.endExpression(top)
		return ""
	}
	return n.count(top)
}
