package gaps_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/harnesstest/gaps"
)

// What is read is either refused, or can be merged, written, and read again as it was.
func FuzzRead(f *testing.F) {
	f.Add(`{"version": 1, "gaps": [{"id": "a", "severity": "low", "found_by": "S/a", "status": "resolved"}, {"id": "a"}]}`)
	f.Add(`{"version": 1, "gaps": [{"found_by": "/", "fix": "<\n# x"}]}`)
	f.Add(`{"version": 2}`)
	f.Fuzz(func(t *testing.T, text string) {
		read, err := gaps.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		var found gaps.Tracker
		if found.Merge(read) != nil {
			return
		}
		var written bytes.Buffer
		if err := found.WriteJSON(&written); err != nil {
			t.Fatal(err)
		}
		again, err := gaps.Read(&written)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(found.Gaps(), again); diff != "" {
			t.Errorf("-written +read:\n%s", diff)
		}
		if err := found.WriteMarkdown(&written); err != nil {
			t.Error(err)
		}
	})
}
