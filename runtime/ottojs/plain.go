package ottojs

import (
	"regexp"
	"strings"
)

// When Go reads what a handler answers, getters and conversions may run. If all
// of them are natives, nothing bounds how deep they call one another, unless Go
// reads inside of a call, see vm.catch; and that call takes a tenth of a small
// handler's time. A program that can't have put a native where reading would call
// it is spared that: one that doesn't write the name of any conversion, of what
// makes accessors or binds, nor a name that it computes.

// conversions are parts of such names. What they stand in, a text or a comment,
// doesn't matter.
var conversions = []string{"toJSON", "toISOString", "toString", "toLocale", "valueOf", "join", "definePropert", "create", "bind",
	"rototype", "constructor", "__", `\u`}

// accessors: get or set with anything but a call behind it.
var accessors = regexp.MustCompile(`\b[gs]et\b\s*[^\s(]`)

// computedName finds what may be a property name in brackets: a bracket after the
// end of an expression, with more in it than digits.
var computedName = regexp.MustCompile(`[^\s(,=:\[{;!&|?+*%<~^-]\s*\[(?:[^0-9]|[0-9]+[^0-9\]])`)

var returned = regexp.MustCompile(`\breturn\s*\[`)

// isPlain tells whether a file is one of a program that needs no bound.
func isPlain(text string) bool {
	for _, part := range conversions {
		if strings.Contains(text, part) {
			return false
		}
	}
	return !accessors.MatchString(text) && !computedName.MatchString(returned.ReplaceAllString(text, "=["))
}
