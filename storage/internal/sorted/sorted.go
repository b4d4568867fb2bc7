// Package sorted keeps the first matches of a sorted find. It is shared by the engines
// of package storage.
package sorted

import (
	"cmp"
	"slices"

	"github.com/fazt-sh/fazt/storage"
)

// Row is about how many bytes a sorted find holds for each match, besides a text to sort
// by.
const Row = 64

// First keeps the first matches of a sorted find, as many as limit, whatever the
// order in which it is given them: an index has those that are equal in its own.
type First struct {
	Limit int
	Desc  bool
	Held  int // bytes

	matches []Match // fewer than twice the limit, sorted up to the last
	cut     bool    // the match at limit-1 is the last that is kept
}

// Match is a document by its number.
type Match struct {
	Key storage.SortKey
	Seq int64
}

func (f *First) compare(a, b Match) int {
	c := cmp.Or(a.Key.Compare(b.Key), cmp.Compare(a.Seq, b.Seq))
	if f.Desc {
		return -c
	}
	return c
}

// Takes reports whether a match may be among the first so far. One that is equal to the
// last of them is not, if it is known to come later.
func (f *First) Takes(key storage.SortKey, later bool) bool {
	if !f.cut {
		return true
	}
	c := key.Compare(f.matches[f.Limit-1].Key)
	if f.Desc {
		c = -c
	}
	return c < 0 || c == 0 && !later
}

// Add keeps one that it takes, if it is among the first.
func (f *First) Add(key storage.SortKey, seq int64) {
	if f.cut && f.compare(Match{key, seq}, f.matches[f.Limit-1]) >= 0 {
		return
	}
	f.matches = append(f.matches, Match{key.Clone(), seq})
	f.Held += Row + key.Size()
	if len(f.matches) >= 2*f.Limit {
		f.sort()
	}
}

func (f *First) sort() {
	slices.SortFunc(f.matches, f.compare)
	if len(f.matches) < f.Limit {
		return
	}
	for _, m := range f.matches[f.Limit:] {
		f.Held -= Row + m.Key.Size()
	}
	clear(f.matches[f.Limit:])
	f.matches, f.cut = f.matches[:f.Limit], true
}

// Sorted returns them in order.
func (f *First) Sorted() []Match {
	f.sort()
	return f.matches
}
