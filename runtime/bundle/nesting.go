package bundle

import (
	"fmt"
	"strings"

	"github.com/fazt-sh/fazt/runtime"
)

// Bounds of a file, which esbuild parses on the stack of Go, in steps that nothing can
// end. What they let through takes it some seconds at most. Source that people have
// written, or their tools, is far below.
const (
	// maxNesting is how deep brackets, templates and arrow functions nest together. What
	// functions take grows with its cube: 2,000 take minutes.
	maxNesting = 200
	// maxStatements is how deep statements nest without braces, as in if (a) if (b), and
	// how many labels stand before one.
	maxStatements = 500
	// maxOperators is how many operators an expression has.
	maxOperators = 3000
	// maxElements is how deep elements of JSX nest.
	maxElements = 200
	// maxGuesses is how many arrow functions stand one in the other where TypeScript
	// may, or may not, have the type of their result: a ? (b) : c => d. Each doubles the
	// time.
	maxGuesses = 5
)

// checkNesting measures a file. It reads tokens, not grammar, and there are places where
// only grammar tells what a slash or a quote is. Behind such a place, brackets in what is
// taken for text count as well, so that no code can be hidden there.
func checkNesting(name, src string, jsx bool) *runtime.Error {
	d := depth{src: src, jsx: jsx, unsure: jsx, levels: make([]level, 1, 32)}
	msg := d.scan()
	if msg == "" {
		return nil
	}
	at := min(d.start, len(src))
	line := 1 + strings.Count(src[:at], "\n")
	return &runtime.Error{Code: runtime.CodeUnsupported, Message: msg + ", which is more than is bundled; put inner parts into functions or files of their own",
		File: name, Line: line, Column: at - strings.LastIndexByte(src[:at], '\n'), SourceLine: lineOf(src, line)}
}

// depth is where the measure is.
type depth struct {
	src     string
	pos     int
	start   int // of the token
	jsx     bool
	hidden  string // what a comment has, if that is too much
	unsure  bool   // it may have lost what is text and what is code
	levels  []level
	arrows  int // of all levels
	guesses int // likewise

	word    string // the token before, if it was a word
	punct   byte   // its last byte, if it was punctuation
	before  byte   // the last byte of the punctuation before it
	head    bool   // it was the ) of if, for, while or with
	newline bool   // between it and this
}

// level is an open bracket.
type level struct {
	open       byte // ( [ { or $ for the ${ of a template
	head       bool
	arrows     int // since the expression began
	guesses    int
	questions  int // of conditions that have no colon yet
	statements int
	operators  int
	elements   int
}

func (d *depth) scan() string {
	for d.space() {
		if d.hidden != "" {
			return d.hidden
		}
		d.start = d.pos
		d.endLine()
		c := d.src[d.pos]
		var msg string
		switch {
		case isWordByte(c):
			msg = d.scanWord()
		case c == '\'' && d.jsx && d.pos > 0 && isWordByte(d.src[d.pos-1]):
			d.pos++ // an apostrophe in the text of an element
		case c == '"' || c == '\'':
			d.skipString(c)
			msg = d.text()
		case c == '`':
			d.pos++
			msg = d.template()
		case c == '/' && d.beginsRegexp():
			d.skipRegexp()
			msg = d.text()
		case c == '(' || c == '[' || c == '{':
			msg = d.open(c)
		case c == ')' || c == ']' || c == '}':
			msg = d.close(c)
		default:
			msg = d.operator(c)
		}
		if msg != "" {
			return msg
		}
	}
	return ""
}

func isWordByte(c byte) bool {
	return c == '_' || c == '$' || c == '#' || c == '\\' || c == '@' || c >= 0x80 || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// space skips to the next token.
func (d *depth) space() bool {
	for d.pos < len(d.src) {
		rest := d.src[d.pos:]
		d.start = d.pos
		switch c := rest[0]; {
		case c == '\n' || c == '\r':
			d.newline = true
			d.pos++
			continue
		case c == ' ' || c == '\t' || c == '\v' || c == '\f':
			d.pos++
			continue
		case strings.HasPrefix(rest, "//"):
			d.pos += lineEnd(rest)
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				end = len(rest) - 4
			}
			d.newline = true // if it has one, which does no harm
			d.pos = min(d.pos+end+4, len(d.src))
		default:
			return true
		}
		if d.hidden = d.measureText(); d.hidden != "" {
			return true
		}
	}
	return false
}

// endLine ends what a line's end ends: before a word, behind what can be the end of a
// statement, a semicolon is inserted.
func (d *depth) endLine() {
	newline := d.newline
	d.newline = false
	if !newline || !isWordByte(d.src[d.pos]) || goesOn(d.src[d.pos:]) {
		return
	}
	switch {
	case d.punct == 0 && d.word != "" && !operandWords[d.word] && !prefixWords[d.word], d.punct == ']', d.punct == '}', d.punct == ')' && !d.head:
		top := &d.levels[len(d.levels)-1]
		d.endExpression(top)
		top.statements = 0
	}
}

func lineEnd(s string) int {
	if i := strings.IndexAny(s, "\n\r\u2028\u2029"); i >= 0 {
		return i
	}
	return len(s)
}

// Words behind which an expression begins, and those that nest a statement in another.
var (
	operandWords = map[string]bool{"return": true, "typeof": true, "instanceof": true, "in": true, "of": true, "new": true,
		"delete": true, "void": true, "throw": true, "case": true, "do": true, "else": true, "yield": true, "await": true, "default": true}
	prefixWords = map[string]bool{"typeof": true, "delete": true, "void": true, "await": true, "new": true, "yield": true, "instanceof": true, "in": true,
		"keyof": true, "readonly": true, "infer": true, "extends": true, "async": true, "as": true, "satisfies": true}
	statementWords = map[string]bool{"if": true, "else": true, "for": true, "while": true, "do": true, "with": true}
	headWords      = map[string]bool{"if": true, "for": true, "while": true, "with": true}
)

// goesOn tells whether a line begins with a word that goes on with an expression.
func goesOn(line string) bool {
	for _, word := range []string{"in", "instanceof", "as", "satisfies", "extends", "is", "of"} {
		if rest, ok := strings.CutPrefix(line, word); ok && (rest == "" || !isWordByte(rest[0])) {
			return true
		}
	}
	return false
}

func (d *depth) scanWord() string {
	for d.pos < len(d.src) && isWordByte(d.src[d.pos]) {
		d.pos++
	}
	property := d.punct == '.' && d.before != '.'
	word := d.src[d.start:d.pos]
	if property {
		word = "property"
	}
	d.word, d.punct, d.head = word, 0, false
	top := &d.levels[len(d.levels)-1]
	switch {
	case prefixWords[word]:
		return d.count(top)
	case statementWords[word]:
		if top.statements++; top.statements > maxStatements {
			return fmt.Sprintf("statements nest deeper than %d levels here", maxStatements)
		}
	}
	return ""
}

func (d *depth) count(top *level) string {
	if top.operators++; top.operators > maxOperators {
		return fmt.Sprintf("an expression has more than %d operators here", maxOperators)
	}
	return ""
}

func (d *depth) endExpression(top *level) {
	d.arrows -= top.arrows
	d.guesses -= top.guesses
	top.arrows, top.guesses, top.questions, top.operators, top.elements = 0, 0, 0, 0, 0
}

// text notes that the token was a literal, which counts for little, but where it may be
// code.
func (d *depth) text() string {
	d.word, d.punct, d.head = "literal", 0, false
	return d.measureText()
}

// measureText counts the brackets in what was taken for text since start.
func (d *depth) measureText() string {
	if !d.unsure {
		return ""
	}
	open, arrows := 0, 0
	text := d.src[d.start:d.pos]
	for i := range len(text) {
		switch text[i] {
		case '(', '[', '{', '<':
			if open++; open > maxNesting {
				return fmt.Sprintf("brackets nest deeper than %d levels here, in what may be text or code", maxNesting)
			}
		case ')', ']', '}':
			open = max(open-1, 0)
		case '>':
			if i > 0 && text[i-1] == '=' {
				arrows++
			} else {
				open = max(open-1, 0)
			}
		case ';', '\n':
			arrows = 0
		}
		if arrows > maxNesting {
			return fmt.Sprintf("more than %d arrow functions stand one in the other here, in what may be text or code", maxNesting)
		}
	}
	return ""
}

func (d *depth) skipString(quote byte) {
	for d.pos++; d.pos < len(d.src); d.pos++ {
		switch d.src[d.pos] {
		case '\\':
			d.pos++
			if d.pos+1 < len(d.src) && d.src[d.pos] == '\r' && d.src[d.pos+1] == '\n' {
				d.pos++
			}
		case quote:
			d.pos++
			return
		case '\n', '\r':
			return
		}
	}
	d.pos = len(d.src)
}

// beginsRegexp tells whether a slash begins a regular expression. Behind a brace only
// grammar knows.
func (d *depth) beginsRegexp() bool {
	switch {
	case d.punct == 0 && d.word == "":
		return true
	case d.punct == 0:
		return operandWords[d.word]
	case d.punct == ')':
		return d.head
	case d.punct == '}':
		d.unsure = true
		return false
	case d.punct == ']':
		return false
	case (d.punct == '+' || d.punct == '-') && d.before == d.punct:
		d.unsure = true
		return false
	case d.jsx && (d.punct == '<' || d.punct == '>'):
		return false
	}
	return true
}

func (d *depth) skipRegexp() {
	class := false
	for d.pos++; d.pos < len(d.src); d.pos++ {
		switch c := d.src[d.pos]; {
		case c == '\\':
			d.pos++
		case c == '\n' || c == '\r':
			d.unsure = true
			return
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '/' && !class:
			d.pos++
			return
		}
	}
	d.pos = len(d.src)
}

// template reads a template's text up to its end or the next ${.
func (d *depth) template() string {
	d.start = d.pos
	for ; d.pos < len(d.src); d.pos++ {
		switch d.src[d.pos] {
		case '\\':
			d.pos++
		case '`':
			msg := d.measureText()
			d.pos++
			d.word, d.punct, d.head = "literal", 0, false
			return msg
		case '$':
			if strings.HasPrefix(d.src[d.pos:], "${") {
				msg := d.measureText()
				d.pos += 2
				if msg == "" {
					msg = d.push('$')
				}
				return msg
			}
		}
	}
	d.pos = len(d.src)
	return d.measureText()
}

func (d *depth) open(c byte) string {
	d.pos++
	return d.push(c)
}

func (d *depth) push(c byte) string {
	d.levels = append(d.levels, level{open: c, head: c == '(' && d.punct == 0 && headWords[d.word]})
	d.word, d.before, d.punct, d.head = "", 0, c, false
	return d.checkDepth()
}

func (d *depth) checkDepth() string {
	if len(d.levels)-1+d.arrows > maxNesting {
		return fmt.Sprintf("brackets and functions nest deeper than %d levels here", maxNesting)
	}
	return ""
}

func (d *depth) close(c byte) string {
	d.pos++
	if len(d.levels) == 1 {
		d.before, d.word, d.punct, d.head = 0, "", c, false
		return "" // the parser will say so
	}
	top := &d.levels[len(d.levels)-1]
	d.endExpression(top)
	open, head := top.open, top.head
	d.levels = d.levels[:len(d.levels)-1]
	if open == '$' && c == '}' {
		return d.template()
	}
	top = &d.levels[len(d.levels)-1]
	if c == '}' && top.open != '(' && top.open != '[' && top.operators == 0 {
		top.statements = 0
	}
	d.word, d.before, d.punct, d.head = "", 0, c, head
	return ""
}

func (d *depth) operator(c byte) string {
	top := &d.levels[len(d.levels)-1]
	rest := d.src[d.pos:]
	d.pos++
	switch {
	case strings.HasPrefix(rest, "=>"):
		d.pos++
		top.arrows++
		d.arrows++
		c = '>'
		if msg := d.checkDepth(); msg != "" {
			return msg
		}
		if d.guesses > maxGuesses {
			return fmt.Sprintf("more than %d arrow functions stand one in the other behind a ? and a : here", maxGuesses)
		}
	case c == ';':
		d.endExpression(top)
		top.statements = 0
	case c == ',':
		d.endExpression(top)
		top.statements = 0
	case c == ':' && top.questions > 0:
		if top.questions--; d.punct == ')' {
			top.guesses++
			d.guesses++
		}
	case c == '.':
	case d.jsx && c == '<' && len(rest) > 1:
		if rest[1] == '/' {
			top.elements = max(top.elements-1, 0)
			d.pos++
		} else if isWordByte(rest[1]) || rest[1] == '>' {
			if top.elements++; top.elements > maxElements {
				return fmt.Sprintf("elements nest deeper than %d levels here", maxElements)
			}
		}
	case d.jsx && strings.HasPrefix(rest, "/>"):
		top.elements = max(top.elements-1, 0)
		d.pos++
		c = '>'
	case d.jsx && (c == '>' || c == '/' || c == '='):
	case c == ':':
		if d.punct == 0 { // a label, perhaps
			if top.statements++; top.statements > maxStatements*4 {
				return "too many labels or types stand one behind the other here"
			}
		}
	default:
		if c == '?' && len(rest) > 1 && strings.IndexByte(".?:),=", rest[1]) < 0 && d.punct != '?' {
			top.questions++
		}
		if msg := d.count(top); msg != "" {
			return msg
		}
	}
	d.before, d.word, d.punct, d.head = d.punct, "", c, false
	return ""
}
