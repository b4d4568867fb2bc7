// Package regexpcost estimates what it takes to compile regular expressions.
package regexpcost

import (
	"strconv"
	"strings"
)

// Bounds of [Of], which takes some 50 ns for each unit.
const (
	// Max is for one regular expression.
	Max = 1e6
	// MaxProgram is for those in the text of a program, all together: engines
	// compile them when it is loaded.
	MaxProgram = 10 * Max
	// Least is what the shortest costs.
	Least = 30
)

// Of estimates, before it is compiled, how large a regular expression will be:
// its length times its repetitions, where a class of Unicode's is as long as a
// thousand characters.
func Of(source string) float64 {
	classes := strings.Count(source, `\p`) + strings.Count(source, `\P`)
	size, repeat := float64(len(source)+1000*classes), 1.0
	for rest := source; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			break
		}
		rest = after
		most := 1.0
		for _, n := range strings.FieldsFunc(after[:strings.IndexByte(after+"}", '}')], func(r rune) bool { return r == ',' }) {
			if f, err := strconv.ParseFloat(n, 64); err == nil {
				most = max(most, f)
			}
		}
		repeat = min(repeat*most, 1000) // RE2 refuses more
	}
	return size * repeat
}
