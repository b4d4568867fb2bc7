package esregexp

import (
	"cmp"
	"slices"
	"sort"
	"sync"
	"unicode"
)

// span is a range of characters, both ends included.
type span struct{ lo, hi rune }

// set is a set of characters: spans in order that don't touch.
type set []span

const maxRune = unicode.MaxRune

// top is the last character that the pattern can match.
func (f Flags) top() rune {
	if f.Unicode || f.Runes {
		return maxRune
	}
	return 0xFFFF
}

// normalized makes a set of spans in any order.
func (s set) normalized() set {
	if len(s) < 2 {
		return s
	}
	s = slices.Clone(s)
	slices.SortFunc(s, func(a, b span) int { return cmp.Compare(a.lo, b.lo) })
	out := s[:1]
	for _, r := range s[1:] {
		if last := &out[len(out)-1]; r.lo <= last.hi+1 {
			last.hi = max(last.hi, r.hi)
		} else {
			out = append(out, r)
		}
	}
	return out
}

func (s set) negated(top rune) set {
	var out set
	next := rune(0)
	for _, r := range s {
		if r.lo > next {
			out = append(out, span{next, min(r.lo-1, top)})
		}
		next = r.hi + 1
	}
	if next <= top {
		out = append(out, span{next, top})
	}
	return out
}

func (s set) has(c rune) bool {
	if len(s) <= 4 {
		for _, r := range s {
			if c <= r.hi {
				return c >= r.lo
			}
		}
		return false
	}
	i := sort.Search(len(s), func(i int) bool { return c <= s[i].hi })
	return i < len(s) && c >= s[i].lo
}

var (
	digits    = set{{'0', '9'}}
	spaces    = set{{'\t', '\r'}, {' ', ' '}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}}
	words     = set{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}
	lineEnds  = set{{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}
	foldWords = set{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}, {0x17F, 0x17F}, {0x212A, 0x212A}}
)

// wordSet is \w: with both flags it has what folds into it.
func (f Flags) wordSet() set {
	if f.Unicode && f.IgnoreCase {
		return foldWords
	}
	return words
}

func (p *parser) dot() set {
	if p.DotAll {
		return set{{0, p.top()}}
	}
	return lineEnds.negated(p.top())
}

// one is a character, with those that are the same but for case.
func (p *parser) one(c rune) node { return char{p.folded(set{{c, c}})} }

// folded adds to a set what is the same but for case, if case doesn't matter.
func (p *parser) folded(s set) set {
	if !p.IgnoreCase || p.only {
		return s
	}
	all := folds(p.Unicode)
	n := 0
	for _, r := range s {
		n += int(r.hi-r.lo) + 1
	}
	var more set
	add := func(c rune) {
		for _, other := range all.same[canonical(c, p.Unicode)] {
			if !s.has(other) {
				more = append(more, span{other, other})
			}
		}
	}
	if n <= len(all.list) {
		p.spend(n)
		for _, r := range s {
			for c := r.lo; c <= r.hi; c++ {
				add(c)
			}
		}
	} else {
		p.spend(len(all.list))
		for _, c := range all.list {
			if s.has(c) {
				add(c)
			}
		}
	}
	if more == nil {
		return s
	}
	return append(more, s...).normalized()
}

// spend counts what a pattern's sets take to be made.
func (p *parser) spend(n int) {
	if p.work += n; p.work > maxWork {
		p.fail("Regular expression too large")
	}
}

// foldTable has the characters that have others of the same canonical one.
type foldTable struct {
	list []rune
	same map[rune][]rune // by the canonical one
}

var (
	unicodeFolds = sync.OnceValue(func() *foldTable { return newFolds(true) })
	upperFolds   = sync.OnceValue(func() *foldTable { return newFolds(false) })
)

func folds(u bool) *foldTable {
	if u {
		return unicodeFolds()
	}
	return upperFolds()
}

func newFolds(u bool) *foldTable {
	t := &foldTable{same: make(map[rune][]rune)}
	for c := rune(0); c <= 0x1E943; c++ { // the last that has a case
		if unicode.SimpleFold(c) != c {
			k := canonical(c, u)
			t.same[k] = append(t.same[k], c)
		}
	}
	for k, list := range t.same {
		if len(list) == 1 {
			delete(t.same, k)
			continue
		}
		t.list = append(t.list, list...)
	}
	slices.Sort(t.list)
	return t
}

// canonical is the standard's Canonicalize, for patterns in which case doesn't matter:
// with u simple case folding, without it the capital, unless that is several
// characters, or is of ASCII while the character isn't.
func canonical(c rune, u bool) rune {
	if u {
		least := c
		for f := unicode.SimpleFold(c); f != c; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}
	switch {
	case c < 0x80:
		if 'a' <= c && c <= 'z' {
			return c - 0x20
		}
		return c
	case c >= 0x1F80 && c <= 0x1FAF, slices.Contains(iotas, c):
		return c
	}
	if upper := unicode.ToUpper(c); upper >= 0x80 {
		return upper
	}
	return c
}

// iotas are letters with an iota below, whose capitals are two letters in full.
var iotas = []rune{0x1FB3, 0x1FBC, 0x1FC3, 0x1FCC, 0x1FF3, 0x1FFC}
