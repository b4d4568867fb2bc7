package sqlite

import (
	"cmp"
	"slices"

	"github.com/fazt-sh/fazt/storage"
)

// firstSorted keeps the first matches of a sorted find, as many as limit, whatever the
// order in which it is given them: an index has those that are equal in its own.
type firstSorted struct {
	limit   int
	desc    bool
	matches []sortedMatch // fewer than twice the limit, sorted up to the last
	cut     bool          // the match at limit-1 is the last that is kept
	held    int           // bytes
}

type sortedMatch struct {
	key storage.SortKey
	seq int64
}

func (f *firstSorted) compare(a, b sortedMatch) int {
	c := cmp.Or(a.key.Compare(b.key), cmp.Compare(a.seq, b.seq))
	if f.desc {
		return -c
	}
	return c
}

// takes reports whether a match may be among the first so far. One that is equal to the
// last of them is not, if it is known to come later.
func (f *firstSorted) takes(key storage.SortKey, later bool) bool {
	if !f.cut {
		return true
	}
	c := key.Compare(f.matches[f.limit-1].key)
	if f.desc {
		c = -c
	}
	return c < 0 || c == 0 && !later
}

// add keeps one that it takes, if it is among the first.
func (f *firstSorted) add(key storage.SortKey, seq int64) {
	if f.cut && f.compare(sortedMatch{key, seq}, f.matches[f.limit-1]) >= 0 {
		return
	}
	f.matches = append(f.matches, sortedMatch{key.Clone(), seq})
	f.held += sortedRow + key.Size()
	if len(f.matches) >= 2*f.limit {
		f.sort()
	}
}

func (f *firstSorted) sort() {
	slices.SortFunc(f.matches, f.compare)
	if len(f.matches) < f.limit {
		return
	}
	for _, m := range f.matches[f.limit:] {
		f.held -= sortedRow + m.key.Size()
	}
	clear(f.matches[f.limit:])
	f.matches, f.cut = f.matches[:f.limit], true
}

// sorted returns them in order.
func (f *firstSorted) sorted() []sortedMatch {
	f.sort()
	return f.matches
}
