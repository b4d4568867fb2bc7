package harnesstest

import (
	"cmp"

	"github.com/fazt-sh/fazt/harnesstest/gaps"
)

// Gaps are what the check found lacking: each [gaps.Gap] that it recorded, found by it;
// or, if it failed without one, that it failed, under its own name.
func (r Result) Gaps() (found []gaps.Gap) {
	name := r.Suite + "/" + r.Check
	for _, v := range r.Values {
		if g, ok := v.(gaps.Gap); ok {
			found = append(found, g)
		}
	}
	if r.Outcome == Failed && len(found) == 0 {
		found = []gaps.Gap{{Severity: r.severity, Description: r.Text, Fix: r.fix}}
	}
	for i := range found {
		g := &found[i]
		g.FoundBy, g.ID, g.Category = name, cmp.Or(g.ID, name), cmp.Or(g.Category, r.Suite)
		g.Severity, g.Status = cmp.Or(g.Severity, gaps.High), cmp.Or(g.Status, gaps.Open)
	}
	return found
}

// WithGaps keeps account of what the suite finds: a failed check is a gap, and one that
// passes resolves what it found in earlier runs. A check that does not apply changes
// nothing.
//
//	var found gaps.Tracker
//	harnesstest.Security(t, target, harnesstest.WithGaps(&found))
//	err := found.Save("gaps.json")
//	found.Verify(t)
func WithGaps(t *gaps.Tracker) Option {
	return WithSink(func(r Result) {
		for _, g := range r.Gaps() {
			t.Add(g)
		}
		if r.Outcome == Passed {
			t.Looked(r.Suite + "/" + r.Check)
		}
	})
}
