package esregexp

import (
	"strconv"
	"strings"
)

// linear writes a pattern for RE2.
type linear struct {
	Flags
	out    strings.Builder
	cannot bool // RE2 would match something else, or can't do it
	edges  bool // there is a ^ or a $
}

// node writes a part. repeated tells whether it may be matched several times.
func (l *linear) node(n node, repeated bool) {
	switch n := n.(type) {
	case char:
		l.set(n.set)
	case sequence:
		for _, part := range n {
			l.node(part, repeated)
		}
	case alternatives:
		l.out.WriteString("(?:")
		for i, part := range n {
			if i > 0 {
				l.out.WriteByte('|')
			}
			l.node(part, repeated)
		}
		l.out.WriteByte(')')
	case group:
		l.out.WriteByte('(')
		l.node(n.body, repeated)
		l.out.WriteByte(')')
	case repeat:
		l.repeat(n)
	case edge:
		l.edges = l.edges || n == lineStart || n == lineEnd
		l.cannot = l.cannot || (n == word || n == noWord) && l.Unicode && l.IgnoreCase
		if n == word || n == noWord {
			l.out.WriteByte('\\')
		}
		l.out.WriteByte(byte(n))
	default:
		l.cannot = true
	}
}

// repeat writes a quantifier. The standard forgets what a repeated group has captured
// when it begins anew, and takes no turn that matches nothing; RE2 does neither, which
// only shows where a group may take no part in a turn, or the body may match nothing.
func (l *linear) repeat(n repeat) {
	groups := n.first < n.last
	switch {
	case groups && n.max > 1 && mayMiss(n.body),
		matchesNothing(n.body) && (groups || !nothingLast(n.body)):
		l.cannot = true
	}
	l.out.WriteString("(?:")
	l.node(n.body, true)
	l.out.WriteByte(')')
	switch {
	case n.min == 0 && n.max == endless:
		l.out.WriteByte('*')
	case n.min == 1 && n.max == endless:
		l.out.WriteByte('+')
	case n.min == 0 && n.max == 1:
		l.out.WriteByte('?')
	case n.max == endless:
		l.out.WriteString("{" + strconv.Itoa(n.min) + ",}")
	default:
		l.out.WriteString("{" + strconv.Itoa(n.min) + "," + strconv.Itoa(n.max) + "}")
	}
	if n.lazy {
		l.out.WriteByte('?')
	}
}

// mayMiss tells whether a group inside may take no part where the rest matches.
func mayMiss(n node) bool {
	switch n := n.(type) {
	case sequence:
		for _, part := range n {
			if mayMiss(part) {
				return true
			}
		}
	case alternatives:
		for _, part := range n {
			if hasGroups(part) {
				return true
			}
		}
	case group:
		return mayMiss(n.body)
	case repeat:
		return n.first < n.last && n.min == 0 || mayMiss(n.body)
	}
	return false
}

func hasGroups(n node) bool {
	switch n := n.(type) {
	case sequence:
		for _, part := range n {
			if hasGroups(part) {
				return true
			}
		}
	case alternatives:
		return hasGroups(sequence(n))
	case group:
		return true
	case repeat:
		return n.first < n.last
	}
	return false
}

// matchesNothing tells whether a part may match the empty text.
func matchesNothing(n node) bool {
	switch n := n.(type) {
	case char, back: // a back-reference is none of RE2's
		return false
	case sequence:
		for _, part := range n {
			if !matchesNothing(part) {
				return false
			}
		}
	case alternatives:
		for _, part := range n {
			if matchesNothing(part) {
				return true
			}
		}
		return false
	case group:
		return matchesNothing(n.body)
	case repeat:
		return n.min == 0 || matchesNothing(n.body)
	}
	return true
}

// nothingLast tells whether the empty text is what a part matches last of all, after
// all else that it could match there. Then it is the same to leave the loop with it
// as to refuse it.
func nothingLast(n node) bool {
	switch n := n.(type) {
	case sequence:
		for _, part := range n {
			if !nothingLast(part) {
				return false
			}
		}
	case alternatives:
		for i, part := range n {
			if matchesNothing(part) && (i < len(n)-1 || !nothingLast(part)) {
				return false
			}
		}
	case group:
		return nothingLast(n.body)
	case repeat:
		return !n.lazy && (!matchesNothing(n.body) || nothingLast(n.body))
	}
	return true
}

func (l *linear) set(s set) {
	if len(s) == 1 && s[0].lo == s[0].hi {
		l.char(s[0].lo)
		return
	}
	if len(s) == 0 {
		l.out.WriteString(`[^\x{0}-\x{10FFFF}]`)
		return
	}
	l.out.WriteByte('[')
	for _, r := range s {
		l.char(r.lo)
		if r.lo < r.hi {
			l.out.WriteByte('-')
			l.char(r.hi)
		}
	}
	l.out.WriteByte(']')
}

func (l *linear) char(c rune) {
	if c < 0x80 && words.has(c) {
		l.out.WriteByte(byte(c))
		return
	}
	l.out.WriteString(`\x{` + strconv.FormatInt(int64(c), 16) + `}`)
}

// expanded is how many instructions RE2 has for a part, which repeats what has a
// quantifier with numbers.
func expanded(n node) float64 {
	sum := 1.0
	switch n := n.(type) {
	case sequence:
		for _, part := range n {
			sum += expanded(part)
		}
	case alternatives:
		for _, part := range n {
			sum += 1 + expanded(part)
		}
	case group:
		sum += 1 + expanded(n.body)
	case look:
		sum += expanded(n.body)
	case repeat:
		times := n.max
		if n.max == endless {
			times = n.min + 1
		}
		sum += float64(times) * (1 + expanded(n.body))
	}
	return sum
}
