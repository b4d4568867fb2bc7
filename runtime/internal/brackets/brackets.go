// Package brackets finds which brackets of JavaScript source belong together. The
// parsers of both engines leave parentheses out of their trees.
package brackets

import "strings"

// Pair is where a bracket opens and where it closes, in bytes.
type Pair struct{ Open, Close int }

// Pairs are those of a text that parses, in the order in which they close. regexps
// has where each regular expression begins, and how long it is: only a parser can
// tell one from a division.
func Pairs(text string, regexps map[int]int) []Pair {
	var (
		pairs []Pair
		open  []int // places of ( [ {, and of the ${ of templates
	)
	for i := 0; i < len(text); {
		if n := regexps[i]; n > 0 {
			i += n
			continue
		}
		switch text[i] {
		case '"', '\'':
			i = stringEnd(text, i)
			continue
		case '`':
			i = templatePart(text, i+1, &open)
			continue
		case '/':
			if n := commentLength(text[i:]); n > 0 {
				i += n
				continue
			}
		case '(', '[', '{':
			open = append(open, i)
		case ')', ']', '}':
			if len(open) == 0 {
				break
			}
			at := open[len(open)-1]
			open = open[:len(open)-1]
			if text[at] == '$' {
				i = templatePart(text, i+1, &open)
				continue
			}
			pairs = append(pairs, Pair{at, i})
		}
		i++
	}
	return pairs
}

// Between tells whether a pair is around two places and not around a third.
func Between(pairs []Pair, first, last, outside int) bool {
	for _, p := range pairs {
		if p.Open < first && last < p.Close && !(p.Open < outside && outside < p.Close) {
			return true
		}
	}
	return false
}

// stringEnd is behind a string that begins at i.
func stringEnd(text string, i int) int {
	quote := text[i]
	for i++; i < len(text) && text[i] != quote; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(text))
}

// templatePart is behind a template's text that begins at i, and behind the ${ or
// the quote that ends it.
func templatePart(text string, i int, open *[]int) int {
	for ; i < len(text) && text[i] != '`'; i++ {
		switch {
		case text[i] == '\\':
			i++
		case strings.HasPrefix(text[i:], "${"):
			*open = append(*open, i)
			return i + 2
		}
	}
	return i + 1
}

// commentLength is that of a comment, 0 for what is none.
func commentLength(text string) int {
	switch {
	case strings.HasPrefix(text, "/*"):
		if end := strings.Index(text[2:], "*/"); end >= 0 {
			return end + 4
		}
		return len(text)
	case strings.HasPrefix(text, "//"):
		end := len(text)
		for _, sep := range []string{"\n", "\r", "\u2028", "\u2029"} {
			if i := strings.Index(text[:end], sep); i >= 0 {
				end = i
			}
		}
		return end
	}
	return 0
}
