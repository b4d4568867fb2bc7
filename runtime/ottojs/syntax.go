package ottojs

import (
	"regexp"
	"strings"
)

// Constructs that ES5 doesn't know, by how they begin.
var newerTokens = []struct{ text, name string }{
	{"=>", "an arrow function"}, {"`", "a template string"}, {"...", "spread"}, {"?.", "optional chaining"},
	{"??", "the ?? operator"}, {"**", "the ** operator"},
}

var newerWords = map[string]string{
	"class": "class", "let": "let", "const": "const", "import": "import", "export": "export", "async": "async",
	"await": "await", "super": "super", "yield": "a generator", "of": "a for...of loop", "extends": "class",
}

// newerSyntax finds out whether the source is newer than ES5 at the place where
// it didn't parse, or just before. It returns the construct and its place.
func newerSyntax(text string, offset int) (name string, at int) {
	for _, back := range []int{0, 1} {
		if at := offset - back; at >= 0 {
			for _, t := range newerTokens {
				if strings.HasPrefix(text[at:], t.text) {
					return t.name, at
				}
			}
		}
	}
	if name := newerWords[wordAt(text[offset:])]; name != "" {
		return name, offset
	}
	head := strings.TrimRight(text[:offset], " \t\r\n")
	word := lastWord(head)
	at = len(head) - len(word)
	switch next := text[offset:]; {
	case newerWords[word] != "":
		return newerWords[word], at
	case word == "var" && next != "" && (next[0] == '{' || next[0] == '['):
		return "destructuring", offset
	case word == "function" && strings.HasPrefix(next, "*"):
		return "a generator", offset
	case arrowHead.MatchString(text[max(0, offset-1):]): // the place is behind the parenthesis
		return "an arrow function", max(0, offset-1)
	case strings.HasSuffix(head, "=>"):
		return "an arrow function", len(head) - 2
	}
	return "", 0
}

// arrowHead is the parameters of an arrow function, which otto takes for what is assigned to.
var arrowHead = regexp.MustCompile(`^\([^()]*\)\s*=>`)

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' }

// wordAt is the word of small letters that s begins with.
func wordAt(s string) string {
	n := 0
	for n < len(s) && isLetter(s[n]) {
		n++
	}
	return s[:n]
}

func lastWord(s string) string {
	n := len(s)
	for n > 0 && isLetter(s[n-1]) {
		n--
	}
	return s[n:]
}
