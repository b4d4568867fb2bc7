package regexpcost

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Folded is what the flag i adds to Of: each character of a range in a class is looked
// up for others of the same letter.
func Folded(source string) float64 {
	sum := 0.0
	for i := 0; i < len(source); {
		switch source[i] {
		case '\\':
			i += escapeLength(source[i:])
		case '[':
			n := classLength(source[i:])
			sum += ranges(source[i : i+n])
			i += n
		default:
			i++
		}
	}
	return sum
}

// ranges is how many characters the ranges of a class have.
func ranges(class string) float64 {
	sum, last := 0.0, rune(-1)
	for i := 1; i < len(class); {
		c, n := member(class[i:])
		if c != '-' || n != 1 || last < 0 || i+1 >= len(class)-1 {
			last = c
			i += n
			continue
		}
		hi, n := member(class[i+1:])
		sum += float64(max(hi-last, 0))
		last = -1
		i += 1 + n
	}
	return sum
}

// member is the character at the beginning of a part of a class, and how long it is.
func member(s string) (rune, int) {
	digits := ""
	n := 0
	switch {
	case strings.HasPrefix(s, `\u{`):
		n = strings.IndexByte(s+"}", '}')
		digits = s[3:n]
		n++
	case strings.HasPrefix(s, `\u`) && len(s) >= 6:
		digits, n = s[2:6], 6
	case strings.HasPrefix(s, `\x`) && len(s) >= 4:
		digits, n = s[2:4], 4
	}
	if c, err := strconv.ParseUint(digits, 16, 32); err == nil {
		return rune(min(c, utf8.MaxRune)), min(n, len(s))
	}
	if s[0] == '\\' && len(s) > 1 {
		c, n := utf8.DecodeRuneInString(s[1:])
		return c, 1 + n
	}
	return utf8.DecodeRuneInString(s)
}
