package gaps_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/harnesstest/gaps"
)

func tracker(found ...gaps.Gap) *gaps.Tracker {
	var t gaps.Tracker
	for _, g := range found {
		t.Add(g)
	}
	return &t
}

func TestDefaults(t *testing.T) {
	got := tracker(gaps.Gap{FoundBy: "Security/headers/slow", Description: "it waits"}).Gaps()
	want := []gaps.Gap{{ID: "Security/headers/slow", Category: "Security", Severity: gaps.High, Description: "it waits",
		FoundBy: "Security/headers/slow", Status: gaps.Open}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestGapsThatCannotBeUsed(t *testing.T) {
	for _, test := range []struct {
		gap  gaps.Gap
		want string
	}{
		{gaps.Gap{}, "without an id"},
		{gaps.Gap{ID: "x", Severity: "terrible"}, `severity "terrible"`},
		{gaps.Gap{ID: "x", Status: "perhaps"}, `status "perhaps"`},
	} {
		if err := new(gaps.Tracker).Merge([]gaps.Gap{test.gap}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("merge %+v: %v", test.gap, err)
		}
		func() {
			defer func() {
				if said := fmt.Sprint(recover()); !strings.Contains(said, test.want) {
					t.Errorf("add %+v: %s", test.gap, said)
				}
			}()
			tracker(test.gap)
		}()
	}
}

func TestOrder(t *testing.T) {
	var ids []string
	for _, g := range tracker(gaps.Gap{ID: "low", Severity: gaps.Low}, gaps.Gap{ID: "b"}, gaps.Gap{ID: "old", Severity: gaps.Critical, Status: gaps.Resolved},
		gaps.Gap{ID: "a"}, gaps.Gap{ID: "critical", Severity: gaps.Critical}, gaps.Gap{ID: "medium", Severity: gaps.Medium}).Gaps() {
		ids = append(ids, g.ID)
	}
	if diff := cmp.Diff([]string{"critical", "a", "b", "medium", "low", "old"}, ids); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestMerge(t *testing.T) {
	found := tracker(
		gaps.Gap{ID: "again", FoundBy: "S/again", Description: "new words"},
		gaps.Gap{ID: "back", FoundBy: "S/back", Description: "it is back"},
		gaps.Gap{ID: "new", FoundBy: "S/new"},
	)
	for _, check := range []string{"S/again", "S/back", "S/new", "S/fixed", "S/fixed before"} {
		found.Looked(check)
	}
	if err := found.Merge([]gaps.Gap{
		{ID: "again", FoundBy: "S/again", Description: "old words", Fix: "known", Reopened: 2},
		{ID: "back", FoundBy: "S/back", Status: gaps.Resolved, Reopened: 1},
		{ID: "fixed", FoundBy: "S/fixed", Description: "it was", Severity: gaps.Critical},
		{ID: "fixed before", FoundBy: "S/fixed before", Status: gaps.Resolved},
		{ID: "skipped", FoundBy: "S/skipped", Severity: gaps.Low},
	}); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, g := range found.Gaps() {
		got[g.ID] = fmt.Sprint(g.Status, " ", g.Severity, " ", g.Reopened, " ", g.Description, g.Fix)
	}
	want := map[string]string{
		"again":        "open high 2 new wordsknown",
		"back":         "open high 2 it is back",
		"new":          "open high 0 ",
		"fixed":        "resolved critical 0 it was",
		"fixed before": "resolved high 0 ",
		"skipped":      "open low 0 ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

type failing struct {
	testing.TB
	said string
}

func (f *failing) Helper()           {}
func (f *failing) Error(args ...any) { f.said += fmt.Sprint(args...) }

func TestOpenCriticalOnesFailTheRun(t *testing.T) {
	f := &failing{TB: t}
	tracker(gaps.Gap{ID: "a"}, gaps.Gap{ID: "b", Severity: gaps.Critical, Status: gaps.Resolved}).Verify(f)
	if f.said != "" {
		t.Errorf("it said %s", f.said)
	}
	tracker(gaps.Gap{ID: "a"}, gaps.Gap{ID: "lost", Severity: gaps.Critical, Description: "3 writes"}).Verify(f)
	if f.said != "gaps: critical and open: lost: 3 writes" {
		t.Errorf("it said %s", f.said)
	}
}

func TestSave(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gaps.json")
	first := tracker(gaps.Gap{ID: "a", FoundBy: "S/a", Description: "<it> & more"}, gaps.Gap{ID: "b", FoundBy: "S/b"})
	if err := first.Save(path); err != nil {
		t.Fatal(err)
	}
	second := tracker(gaps.Gap{ID: "a", FoundBy: "S/a", Description: "<it> & more"})
	second.Looked("S/b")
	if err := second.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := gaps.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(second.Gaps(), got); diff != "" || len(got) != 2 || got[1].Status != gaps.Resolved {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	names, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(names) != 1 {
		t.Errorf("it left %v: %v", names, err)
	}
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	for name, content := range map[string]string{
		"not a file of gaps": `[]`,
		"version 2":          `{"version": 2, "gaps": []}`,
		"unknown field":      `{"version": 1, "gaps": [{"id": "x", "when": 1}]}`,
		`severity "bad"`:     `{"version": 1, "gaps": [{"id": "x", "severity": "bad"}]}`,
	} {
		path := filepath.Join(t.TempDir(), "gaps.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := tracker(gaps.Gap{ID: "a"}).Save(path); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", content, err)
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != content {
			t.Errorf("%s became %s: %v", content, now, err)
		}
	}
	if err := tracker().Save(filepath.Join(t.TempDir(), "none", "gaps.json")); err == nil {
		t.Error("saved in a directory that is not there")
	}
}

func TestMarkdown(t *testing.T) {
	var b bytes.Buffer
	if err := tracker(
		gaps.Gap{ID: "lost", FoundBy: "Resilience/kill", Severity: gaps.Critical, Description: "3 of 10 were\n# lost", Fix: "fsync *before* the answer", Reopened: 1},
		gaps.Gap{ID: "slow", FoundBy: "Security/headers/slow"},
		gaps.Gap{ID: "old_one", FoundBy: "S/old", Status: gaps.Resolved},
	).WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	want := `# Gaps

Open: 1 critical, 1 high; resolved: 1.

## critical: lost

    3 of 10 were
    # lost

- Category: Resilience
- Found by: Resilience/kill
- How to fix: fsync \*before\* the answer
- It was resolved before: 1 times

## high: slow

- Category: Security
- Found by: Security/headers/slow

## Resolved

- high: old\_one
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	b.Reset()
	if err := tracker().WriteMarkdown(&b); err != nil || b.String() != "# Gaps\n\nNone is open; resolved: 0.\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
	path := filepath.Join(t.TempDir(), "gaps.md")
	if err := tracker().Save(path); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(text), "# Gaps") {
		t.Errorf("%q: %v", text, err)
	}
}

func TestTrackerIsShared(t *testing.T) {
	var found gaps.Tracker
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			found.Add(gaps.Gap{ID: fmt.Sprint(n)})
			found.Looked(fmt.Sprint(n))
			found.Gaps()
		})
	}
	all.Wait()
	if n := len(found.Gaps()); n != 20 {
		t.Errorf("%d of 20 are known", n)
	}
}
