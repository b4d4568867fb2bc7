package calls

import "strings"

// CutStatement returns the first statement of a text of SQL without what precedes it, and
// what follows its semicolon. tokenSize returns the length of the comment, the quoted text
// or the other token that a text begins with, by the rules of the database.
func CutStatement(text string, tokenSize func(string) int) (statement, rest string) {
	start := -1
	for i := 0; i < len(text); {
		size := tokenSize(text[i:])
		switch token := text[i : i+size]; {
		case token == ";":
			if start >= 0 {
				return text[start:i], text[i+1:]
			}
		case strings.HasPrefix(token, "--"), strings.HasPrefix(token, "/*"), strings.Contains(" \t\n\f\r", token):
		case start < 0:
			start = i
		}
		i += size
	}
	if start < 0 {
		return "", ""
	}
	return text[start:], ""
}
