package gitignore

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// bracket translates the bracket expression that s begins with and returns its
// length in s, or 0 if it is not closed or not well formed. It never matches a
// slash.
func bracket(s string) (expr string, length int) {
	i := 1
	negated := i < len(s) && (s[i] == '!' || s[i] == '^')
	if negated {
		i++
	}
	var ranges strings.Builder
	for first := true; ; first = false {
		if i >= len(s) {
			return "", 0
		}
		if s[i] == ']' && !first {
			return set(ranges.String(), negated), i + 1
		}
		if strings.HasPrefix(s[i:], "[:") {
			name, _, _ := strings.Cut(s[i+2:], ":]")
			class, ok := posix[name]
			if !ok {
				return "", 0
			}
			ranges.WriteString(class)
			i += len("[:") + len(name) + len(":]")
			continue
		}
		lo, n := element(s[i:])
		if n == 0 {
			return "", 0
		}
		i += n
		hi := lo
		if strings.HasPrefix(s[i:], "-") && !strings.HasPrefix(s[i:], "-]") {
			hi, n = element(s[i+1:])
			if n == 0 {
				return "", 0
			}
			i += 1 + n
		}
		addRange(&ranges, lo, hi)
	}
}

// posix has the named classes as ranges of package regexp, ASCII as in git, and
// without the slash.
var posix = map[string]string{
	"alnum":  `0-9A-Za-z`,
	"alpha":  `A-Za-z`,
	"blank":  `\t `,
	"cntrl":  `\x00-\x1f\x7f`,
	"digit":  `0-9`,
	"graph":  `!-.0-~`,
	"lower":  `a-z`,
	"print":  ` -.0-~`,
	"punct":  `!-.:-@\[-` + "`" + `{-~`,
	"space":  `\t-\r `,
	"upper":  `A-Z`,
	"xdigit": `0-9A-Fa-f`,
}

// element reads one character of a bracket expression, escaped or not.
func element(s string) (r rune, length int) {
	escape := 0
	if strings.HasPrefix(s, `\`) {
		escape = 1
	}
	if len(s) == escape {
		return 0, 0
	}
	r, n := utf8.DecodeRuneInString(s[escape:])
	return r, escape + n
}

// addRange writes lo to hi without the slash. A range that runs backwards is
// empty, as it is to git.
func addRange(b *strings.Builder, lo, hi rune) {
	write := func(lo, hi rune) {
		if lo <= hi {
			fmt.Fprintf(b, `\x{%x}-\x{%x}`, lo, hi)
		}
	}
	if lo <= '/' && '/' <= hi {
		write(lo, '/'-1)
		lo = '/' + 1
	}
	write(lo, hi)
}

func set(ranges string, negated bool) string {
	switch {
	case negated:
		return "[^/" + ranges + "]"
	case ranges == "":
		return `[^\x{0}-\x{10ffff}]` // nothing is in it
	}
	return "[" + ranges + "]"
}

func runeLen(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}
