package ottojs

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/robertkrimen/otto/ast"

	"github.com/fazt-sh/fazt/runtime/internal/literal"
)

// keys gives an object literal the keys that it is written with. otto's parser takes
// a number as it is spelt and each half of a surrogate pair for itself, and its tree
// doesn't tell 0x10 from '0x10', so the source is read for it.
func (rw *rewriter) keys(e *ast.ObjectLiteral) {
	plain := true
	for _, p := range e.Value {
		plain = plain && !isOddKey(p.Key)
	}
	if plain {
		return
	}
	if rw.keyTokens == nil {
		rw.keyTokens = findKeys(rw.program, rw.file.Source())
	}
	tokens := rw.keyTokens[int(e.LeftBrace)-1-len(before)]
	if len(tokens) != len(e.Value) {
		rw.refuse(e.LeftBrace, "otto can't tell the keys of this object; write them as texts")
		return
	}
	for i, token := range tokens {
		if !isOddKey(e.Value[i].Key) {
			continue
		}
		if token[0] != '\'' && token[0] != '"' {
			e.Value[i].Key = numberText(token)
			continue
		}
		if s := (&ast.StringLiteral{Idx: e.LeftBrace, Literal: token, Value: e.Value[i].Key}); s.Value != "" {
			rw.joinHalves(s)
			e.Value[i].Key = s.Value
		}
	}
}

// isOddKey tells a key that may have been written otherwise.
func isOddKey(key string) bool {
	return key != "" && (key[0] == '.' || '0' <= key[0] && key[0] <= '9') && index(key) == index("") || strings.ContainsRune(key, utf8.RuneError)
}

// numberText is a number as JavaScript prints it.
func numberText(token string) string {
	switch n := parsePrimary(token).(type) {
	case *ast.NumberLiteral:
		switch value := n.Value.(type) {
		case int64:
			return literal.FormatNumber(float64(value))
		case float64:
			return literal.FormatNumber(value)
		}
	}
	return token
}

// sourceToken is a token, or what is between two.
var sourceToken = regexp.MustCompile(`^(?:[\s\x{A0}\x{FEFF}\x{2028}\x{2029}]+|//[^\n\r\x{2028}\x{2029}]*|/\*(?s:.*?)\*/` +
	`|"(?:[^"\\]|\\(?s:.))*"|'(?:[^'\\]|\\(?s:.))*'` +
	`|0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?` +
	`|[\w$\\\x{80}-\x{10FFFF}]+|(?s:.))`)

// objectPlaces collects where object literals begin.
type objectPlaces map[int]bool

// Enter and Exit make it an [ast.Visitor].
func (p objectPlaces) Enter(n ast.Node) ast.Visitor {
	if o, ok := n.(*ast.ObjectLiteral); ok {
		p[int(o.LeftBrace)-1-len(before)] = true
	}
	return p
}

func (p objectPlaces) Exit(ast.Node) {}

// findKeys returns the keys of all object literals of a source as they stand there, by
// where a literal begins.
func findKeys(program *ast.Program, source string) map[int][]string {
	type bracket struct {
		at     int
		object bool
		key    bool // a key comes next
	}
	regexps, objects := make(regexpPlaces), make(objectPlaces)
	ast.Walk(regexps, program)
	ast.Walk(objects, program)
	found, open := make(map[int][]string), []bracket{{}}
	for i := 0; i < len(source); {
		if n := regexps[i]; n > 0 {
			i += n
			continue
		}
		token := source[i : i+max(1, len(sourceToken.FindString(source[i:])))]
		top := &open[len(open)-1]
		switch c := token[0]; {
		case strings.HasPrefix(token, "//"), strings.HasPrefix(token, "/*"), strings.TrimSpace(token) == "":
		case c == '(' || c == '[' || c == '{':
			open = append(open, bracket{at: i, object: objects[i], key: objects[i]})
		case c == ')' || c == ']' || c == '}':
			open = open[:max(1, len(open)-1)]
		case c == ',':
			top.key = top.object
		case top.key && !beginsAccessor(token, source[i+len(token):]):
			found[top.at] = append(found[top.at], token)
			top.key = false
		}
		i += len(token)
	}
	return found
}

// beginsAccessor tells the words get and set before a key from a key.
func beginsAccessor(token, rest string) bool {
	if token != "get" && token != "set" {
		return false
	}
	for {
		next := sourceToken.FindString(rest)
		if !strings.HasPrefix(next, "//") && !strings.HasPrefix(next, "/*") && strings.TrimSpace(next) != "" {
			return next != ":"
		}
		if next == "" {
			return false
		}
		rest = rest[len(next):]
	}
}
