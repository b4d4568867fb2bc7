package ottojs

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/robertkrimen/otto/ast"
	"github.com/robertkrimen/otto/parser"
)

// patternRefusal says in the author's words why otto's regular expressions, which are
// RE2's, can't have one of JavaScript's, or would take it for something else. It is
// empty for one that otto can have, and for one that is wrong in JavaScript, too.
func patternRefusal(source, flags string) string {
	if other := strings.Trim(flags, "gim"); other != "" {
		return "otto knows the regular expression flags g, i and m, not " + other
	}
	s := patternScan{source: joinPairs(source)}
	return s.refusal()
}

// patternScan reads a pattern from its beginning, one character or escape at a time.
type patternScan struct {
	source string
	pos    int
	class  bool // within [...]
	wide   bool // the class takes any character past U+FFFF
	cuts   bool // what stands for one unit in JavaScript, and for a whole pair here, is not repeated
	groups int  // that capture
	refers int  // the highest number behind a backslash
}

func (p *patternScan) refusal() string {
	for p.pos < len(p.source) {
		if reason := p.step(p.source[p.pos:]); reason != "" {
			return reason
		}
	}
	if p.refers > 0 && p.refers <= p.groups {
		return "otto's regular expressions have no back-references, such as \\" + strconv.Itoa(p.refers)
	}
	return ""
}

// groupForms are what a parenthesis and a question mark begin.
var groupForms = []struct{ text, reason string }{
	{"(?=", "otto's regular expressions have no look-ahead, such as (?=...)"},
	{"(?!", "otto's regular expressions have no look-ahead, such as (?!...)"},
	{"(?<=", "otto's regular expressions have no look-behind, such as (?<=...)"},
	{"(?<!", "otto's regular expressions have no look-behind, such as (?<!...)"},
	{"(?<", "otto's regular expressions have no named groups, such as (?<name>...)"},
	{"(?:", ""},
	{"(?", "otto's regular expressions have no modifiers, such as (?i:...)"},
}

func (p *patternScan) step(rest string) string {
	char, size := utf8.DecodeRuneInString(rest)
	switch {
	case char == '\\':
		return p.escape(rest)
	case p.class:
		if char == ']' {
			p.class = false
			p.any(p.wide, rest[size:])
		}
		if strings.HasPrefix(rest, "[:") {
			return "otto takes [: in a class for the beginning of a named one; write \\[:"
		}
	case char == '.':
		p.any(true, rest[size:])
	case char == '[':
		p.class, p.wide = true, strings.HasPrefix(rest, "[^")
		if strings.HasPrefix(rest, "[]") || strings.HasPrefix(rest, "[^]") {
			return "otto's regular expressions have no empty class; write [\\s\\S] for any character"
		}
	case char == '(':
		for _, form := range groupForms {
			if strings.HasPrefix(rest, form.text) {
				p.pos += len(form.text)
				return form.reason
			}
		}
		p.groups++
	}
	p.pos += size
	if char > 0xFFFF && (p.class || p.pos < len(p.source) && strings.IndexByte("*+?{", p.source[p.pos]) >= 0) {
		return fmt.Sprintf("otto takes %c in a class or before a repetition for one character, JavaScript for two", char)
	}
	return ""
}

var (
	unitEscape = regexp.MustCompile(`^\\u[dD][89a-fA-F][0-9a-fA-F]{2}`)
	reference  = regexp.MustCompile(`^\\[1-9][0-9]*`)
)

// any notes what takes any character past U+FFFF: repeated without a bound, it takes both
// halves of a pair, as here, too.
func (p *patternScan) any(wide bool, next string) {
	p.cuts = p.cuts || wide && !strings.HasPrefix(next, "*") && !strings.HasPrefix(next, "+")
}

// cutsPairs tells a pattern that may match half of a pair in JavaScript.
func cutsPairs(source string) bool {
	p := patternScan{source: joinPairs(source)}
	p.refusal()
	return p.cuts || source == "" || source == "(?:)"
}

func (p *patternScan) escape(rest string) string {
	p.pos += min(2, len(rest))
	if len(rest) > 1 && strings.IndexByte("SWD", rest[1]) >= 0 {
		p.wide = p.wide || p.class
		p.any(!p.class, rest[2:])
	}
	if !p.class {
		if m := reference.FindString(rest); m != "" {
			n, _ := strconv.Atoi(m[1:])
			p.refers = max(p.refers, n)
		}
	}
	if unitEscape.MatchString(rest) {
		return halfReason
	}
	return ""
}

// halfReason is why a text that otto can't hold is refused: it has them as UTF-8.
const halfReason = "otto's texts can't hold half of a surrogate pair"

// pairEscapes are the escapes of both halves of a pair, or any other escape, so that
// what follows an escaped backslash is not taken for one.
var pairEscapes = regexp.MustCompile(`\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|(?s:.))`)

// joinPairs writes each pair of escapes, such as \ud83d\ude00, as the character that
// it stands for. The text is that of a literal or a pattern.
func joinPairs(text string) string {
	if !strings.Contains(text, `\u`) {
		return text
	}
	return pairEscapes.ReplaceAllStringFunc(text, func(escape string) string {
		if len(escape) < len(`\ud83d\ude00`) {
			return escape
		}
		high, _ := strconv.ParseUint(escape[2:6], 16, 16)
		low, _ := strconv.ParseUint(escape[8:12], 16, 16)
		return string(utf16.DecodeRune(rune(high), rune(low)))
	})
}

// hasHalf tells whether a literal, its pairs joined, has the escape of a half.
func hasHalf(literal string) bool {
	for rest := literal; ; {
		i := strings.IndexByte(rest, '\\')
		if i < 0 || i+1 == len(rest) {
			return false
		}
		if unitEscape.MatchString(rest[i:]) {
			return true
		}
		rest = rest[i+2:]
	}
}

// joinHalves gives a literal with pairs of escapes the text that they stand for:
// otto's parser takes each half for itself.
func (rw *rewriter) joinHalves(e *ast.StringLiteral) {
	if !strings.ContainsRune(e.Value, utf8.RuneError) {
		return
	}
	joined := joinPairs(e.Literal)
	if hasHalf(joined) {
		rw.refuse(e.Idx, halfReason)
	} else if s, ok := parsePrimary(joined).(*ast.StringLiteral); ok {
		e.Value = s.Value
	}
}

// parsePrimary parses a literal by itself, or returns nil.
func parsePrimary(literal string) ast.Expression {
	program, err := parser.ParseFile(nil, "", "("+literal+")", 0)
	if err != nil || len(program.Body) != 1 {
		return nil
	}
	stmt, ok := program.Body[0].(*ast.ExpressionStatement)
	if !ok {
		return nil
	}
	return stmt.Expression
}

// regexpAt is the regular expression that a text has at an offset.
func regexpAt(text string, offset int) (source, flags string) {
	class := false
	for i := offset + 1; i < len(text) && text[i] != '\n'; i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '/' && !class:
			end := i + 1
			for end < len(text) && isLetter(text[end]) {
				end++
			}
			return text[offset+1 : i], text[i+1 : end]
		}
	}
	return "", ""
}
