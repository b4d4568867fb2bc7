package postgres

import (
	"strconv"
	"strings"
	"sync"

	"github.com/fazt-sh/fazt/storage/internal/calls"
)

// tokenSize returns the length of the comment, the quoted text or the single byte that
// s begins with, by PostgreSQL's rules
// (https://www.postgresql.org/docs/current/sql-syntax-lexical.html). What has no end goes
// on to the end of s.
func tokenSize(s string) int {
	switch {
	case strings.HasPrefix(s, "--"):
		return endOf(s, 2, "\n")
	case strings.HasPrefix(s, "/*"):
		return commentSize(s)
	case s[0] == '\'', s[0] == '"':
		// A doubled quote is two quoted texts side by side, which makes no difference.
		return endOf(s, 1, s[:1])
	case (s[0] == 'E' || s[0] == 'e') && strings.HasPrefix(s[1:], "'"):
		return escapedSize(s)
	case s[0] == '$':
		return dollarSize(s)
	case isWord(s[0]):
		n := 1
		for n < len(s) && (isWord(s[n]) || s[n] == '$') {
			n++
		}
		return n
	}
	return 1
}

func endOf(s string, start int, end string) int {
	if i := strings.Index(s[start:], end); i >= 0 {
		return start + i + len(end)
	}
	return len(s)
}

// commentSize is that of a comment, in which others may be.
func commentSize(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], "/*"):
			depth++
			i++
		case strings.HasPrefix(s[i:], "*/"):
			i++
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// escapedSize is that of a text like E'it\'s'.
func escapedSize(s string) int {
	for i := 2; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '\'':
			return i + 1
		}
	}
	return len(s)
}

// dollarSize is that of a text like $tag$...$tag$, or 1.
func dollarSize(s string) int {
	n := 1
	for n < len(s) && isWord(s[n]) {
		n++
	}
	if n == len(s) || s[n] != '$' || n > 1 && '0' <= s[1] && s[1] <= '9' {
		return 1
	}
	return endOf(s, n+1, s[:n+1])
}

// isWord reports whether a byte can be part of a name that is not quoted.
func isWord(c byte) bool {
	return c == '_' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// cutStatement returns the first statement of a text without the comments before it,
// and what follows its semicolon.
func cutStatement(text string) (statement, rest string) { return calls.CutStatement(text, tokenSize) }

// placeholders are the statements of other packages that were translated, of which there
// are few.
var placeholders sync.Map

// numbered puts $1, $2 and so on in the place of each ? that stands for a value.
func numbered(query string) string {
	if strings.IndexByte(query, '?') < 0 {
		return query
	}
	if known, ok := placeholders.Load(query); ok {
		return known.(string)
	}
	var b strings.Builder
	n := 0
	for i := 0; i < len(query); {
		size := tokenSize(query[i:])
		if token := query[i : i+size]; token == "?" {
			n++
			b.WriteString("$" + strconv.Itoa(n))
		} else {
			b.WriteString(token)
		}
		i += size
	}
	placeholders.Store(strings.Clone(query), b.String())
	return b.String()
}
