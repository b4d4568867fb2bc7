package fazt_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/harnesstest/report"
)

// The README's figures are those of the saved reports in testdata/performance:
//
//	FAZT_REPORT=/tmp/report go test -count=2 -tags=integration -run TestBaseline ./harnesstest   # baseline.json
//	FAZT_REPORT=/tmp/report go test -run '^$' -bench HTTP -benchtime 1x .                        # handlers.json
//
// each a report.json under another name. With the first, CI compares. Then
// go test -run TestREADME -update . writes the README.
func TestREADMEFigures(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	now := string(readme)
	for _, name := range []string{"baseline", "handlers"} {
		r, err := report.ReadFile(os.DirFS("testdata/performance"), name+".json")
		if err != nil {
			t.Fatal(err)
		}
		var figures bytes.Buffer
		if err := r.Figures(&figures); err != nil {
			t.Fatal(err)
		}
		begin, end := "<!-- "+name+".json -->\n", "<!-- /"+name+".json -->"
		before, rest, ok := strings.Cut(now, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("README.md has no place for %s: %s...%s", name, begin, end)
		}
		now = before + begin + figures.String() + end + after
	}
	if *update {
		if err := os.WriteFile("README.md", []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(now, string(readme)); diff != "" {
		t.Errorf("to write the README anew: go test -run TestREADME -update . (-want +got):\n%s", diff)
	}
}
