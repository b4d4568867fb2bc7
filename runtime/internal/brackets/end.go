package brackets

import "strings"

// End is where an expression ends that begins at i: at a comma, a semicolon or a
// closing bracket that isn't its own, or at the end of the text. Without a parser a
// slash is taken for a division where a value may end before it.
func End(text string, i int) int {
	depth, value := 0, false
	for i < len(text) {
		switch c := text[i]; {
		case commentLength(text[i:]) > 0:
			i += commentLength(text[i:])
			continue
		case c == ' ', c == '\t', c == '\n', c == '\r':
		case c == '"', c == '\'':
			i, value = stringEnd(text, i), true
			continue
		case c == '`':
			i, value = templateEnd(text, i), true
			continue
		case c == '/' && !value:
			i, value = regexpEnd(text, i), true
			continue
		case c == '(', c == '[', c == '{':
			depth++
			value = false
		case c == ')', c == ']', c == '}':
			if depth == 0 {
				return i
			}
			depth--
			value = true
		case (c == ',' || c == ';') && depth == 0:
			return i
		case IsWord(c):
			word := WordAt(text, i)
			i += len(word)
			value = !before[word]
			continue
		default:
			value = false
		}
		i++
	}
	return len(text)
}

// before are words behind which an operand follows.
var before = map[string]bool{"return": true, "typeof": true, "instanceof": true, "in": true, "of": true, "new": true, "delete": true,
	"void": true, "throw": true, "case": true, "do": true, "else": true, "yield": true, "await": true}

// IsWord tells a character that names, words and numbers consist of.
func IsWord(c byte) bool {
	return c == '_' || c == '$' || c == '#' || c == '\\' || c >= 0x80 || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// WordAt is the word or number that begins at i.
func WordAt(text string, i int) string {
	end := i
	for end < len(text) && IsWord(text[end]) {
		end++
	}
	return text[i:end]
}

// Skip is behind the white space and the comments at i.
func Skip(text string, i int) int {
	for i < len(text) {
		switch n := commentLength(text[i:]); {
		case n > 0:
			i += n
		case strings.IndexByte(" \t\n\r\v\f", text[i]) >= 0:
			i++
		default:
			return i
		}
	}
	return i
}

// templateEnd is behind a template that begins at i.
func templateEnd(text string, i int) int {
	for i++; i < len(text) && text[i] != '`'; i++ {
		switch {
		case text[i] == '\\':
			i++
		case strings.HasPrefix(text[i:], "${"):
			for i = End(text, i+2); i < len(text) && text[i] != '}'; {
				i = End(text, i+1)
			}
		}
	}
	return min(i+1, len(text))
}

// regexpEnd is behind a regular expression that begins at i.
func regexpEnd(text string, i int) int {
	class := false
	for i++; i < len(text) && text[i] != '\n' && (class || text[i] != '/'); i++ {
		switch text[i] {
		case '\\':
			i++
		case '[':
			class = true
		case ']':
			class = false
		}
	}
	return min(i+1, len(text))
}
