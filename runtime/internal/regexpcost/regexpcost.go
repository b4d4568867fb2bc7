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

// Of estimates, before it is compiled, how large a regular expression will be: the
// number of its characters, each as often as it and the groups around it are repeated,
// where a class of Unicode's is as long as a thousand.
func Of(source string) float64 {
	groups := make([]group, 1, 16)
	for i := 0; i < len(source); {
		top := &groups[len(groups)-1]
		n := 1
		switch c := source[i]; c {
		case '\\':
			n = escapeLength(source[i:])
			top.add(float64(n) + unicodeClasses(source[i:i+n]))
		case '[':
			n = classLength(source[i:])
			top.add(float64(n) + unicodeClasses(source[i:i+n]))
		case '(':
			groups = append(groups, group{})
		case ')':
			if len(groups) > 1 {
				inner := top.sum + 2
				groups = groups[:len(groups)-1]
				groups[len(groups)-1].add(inner)
			}
		case '{':
			var times float64
			if times, n = repetition(source[i:]); n == 0 {
				n = 1
				top.add(1)
				break
			}
			top.sum += top.last * (times - 1)
			top.last *= times
		default:
			top.add(1)
		}
		i += n
	}
	sum := 0.0
	for _, g := range groups { // those that nothing closes, too
		sum += g.sum
	}
	return sum
}

// group is a part in parentheses, and what its last item costs, which may be repeated.
type group struct{ sum, last float64 }

func (g *group) add(cost float64) {
	g.sum += cost
	g.last = cost
}

func unicodeClasses(text string) float64 {
	return 1000 * float64(strings.Count(text, `\p`)+strings.Count(text, `\P`))
}

// escapeLength is how long an escape is, with the name of a class of Unicode's.
func escapeLength(s string) int {
	if len(s) > 2 && (s[1] == 'p' || s[1] == 'P' || s[1] == 'u') && s[2] == '{' {
		if end := strings.IndexByte(s, '}'); end >= 0 {
			return end + 1
		}
	}
	return min(2, len(s))
}

func classLength(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ']':
			return i + 1
		}
	}
	return len(s)
}

// repetition reads {2}, {2,} or {2,3}, and how long that is; 0 is something else.
func repetition(s string) (times float64, length int) {
	end := strings.IndexByte(s, '}')
	if end < 0 || end > 24 {
		return 0, 0
	}
	least, most, open := strings.Cut(s[1:end], ",")
	n, err := strconv.ParseUint(least, 10, 64)
	if err != nil {
		return 0, 0
	}
	times = float64(n)
	switch {
	case open && most == "":
		times++
	case open:
		m, err := strconv.ParseUint(most, 10, 64)
		if err != nil {
			return 0, 0
		}
		times = max(times, float64(m))
	}
	return max(times, 1), end + 1
}
