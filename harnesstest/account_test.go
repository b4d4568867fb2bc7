package harnesstest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/harnesstest/gaps"
)

func TestFailedChecksAreGaps(t *testing.T) {
	try := func(c harnesstest.Check) (found []gaps.Gap) {
		res := c.Try(t, harnesstest.Handler(t, teapot))
		res.Suite = "Mine"
		return res.Gaps()
	}
	fails := harnesstest.Check{Name: "a", Severity: gaps.Critical, Fix: "mend it", Run: func(p *harnesstest.Probe) { p.Error("it is broken") }}
	records := harnesstest.Check{Name: "b", Run: func(p *harnesstest.Probe) {
		p.Record(gaps.Gap{ID: "b-1", Severity: gaps.Low, Description: "small"})
		p.Record(42)
	}}
	got := append(try(fails), try(records)...)
	want := []gaps.Gap{
		{ID: "Mine/a", Category: "Mine", Severity: gaps.Critical, Description: "it is broken", FoundBy: "Mine/a", Fix: "mend it", Status: gaps.Open},
		{ID: "b-1", Category: "Mine", Severity: gaps.Low, Description: "small", FoundBy: "Mine/b", Status: gaps.Open},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if found := try(harnesstest.Check{Run: func(*harnesstest.Probe) {}}); len(found) > 0 {
		t.Errorf("a check that passes found %v", found)
	}
}

func TestWithGaps(t *testing.T) {
	needs := []harnesstest.Capability{harnesstest.Need[harnesstest.Deployer]()}
	suite := harnesstest.Suite{Name: "Mine", Checks: []harnesstest.Check{
		{Name: "passes", Run: func(*harnesstest.Probe) {}},
		{Name: "records", Run: func(p *harnesstest.Probe) { p.Record(gaps.Gap{ID: "found", Severity: gaps.Medium}) }},
		{Name: "skipped", Needs: needs},
	}}
	var found gaps.Tracker
	suite.Run(t, harnesstest.Handler(t, teapot), harnesstest.WithGaps(&found))
	if err := found.Merge([]gaps.Gap{{FoundBy: "Mine/passes"}, {FoundBy: "Mine/skipped"}, {ID: "found", Status: gaps.Resolved}}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range found.Gaps() {
		got = append(got, g.ID+" "+string(g.Status))
	}
	if want := "Mine/skipped open, found open, Mine/passes resolved"; strings.Join(got, ", ") != want {
		t.Errorf("got %q, want %s", got, want)
	}
}
