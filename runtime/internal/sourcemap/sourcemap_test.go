package sourcemap_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime/internal/sourcemap"
)

func TestFind(t *testing.T) {
	// Line 1 begins with what is of no source; line 3 has three places.
	m, err := sourcemap.Parse("api/main.js", `{"version": 3, "sources": ["a.ts", "../b.ts"], "sourcesContent": ["text"], "mappings": "A;;AAAA,IAAIA,KCCJ;"}`)
	if err != nil {
		t.Fatal(err)
	}
	type at struct{ line, column int }
	for place, want := range map[at]sourcemap.Place{
		{1, 1}: {}, {2, 1}: {}, {0, 1}: {}, {3, 0}: {}, {4, 1}: {}, {5, 1}: {},
		{3, 1}: {File: "api/a.ts", Line: 1, Column: 1}, {3, 4}: {File: "api/a.ts", Line: 1, Column: 1},
		{3, 5}: {File: "api/a.ts", Line: 1, Column: 5}, {3, 99}: {File: "b.ts", Line: 2, Column: 1},
	} {
		got, ok := m.Find(place.line, place.column)
		if diff := cmp.Diff(want, got); diff != "" || ok != (want.File != "") {
			t.Errorf("%v: %v %s", place, ok, diff)
		}
	}
	if text, ok := m.Text("api/a.ts"); text != "text" || !ok {
		t.Errorf("%q, %v", text, ok)
	}
	if _, ok := m.Text("b.ts"); ok {
		t.Error("there is a text of a file without one")
	}
}

// What a map takes to be read is bounded by how long it is: each of its sources has the
// root before its name.
func TestLongRoot(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED under -short: a long text read in one goroutine")
	}
	for _, root := range []string{strings.Repeat("a/../", 400_000), strings.Repeat("a", 1000)} {
		text := `{"version": 3, "sourceRoot": "` + root + `", "sources": ["x"` + strings.Repeat(`,"x"`, 500_000) + `], "mappings": "A"}`
		if _, err := sourcemap.Parse("api/main.js", text); err == nil {
			t.Errorf("a root of %d bytes before each of 500,001 sources is taken", len(root))
		}
	}
	if _, err := sourcemap.Parse("api/main.js", `{"version": 3, "sourceRoot": "`+strings.Repeat("a", 1000)+`", "sources": ["x"`+strings.Repeat(`,"x"`, 1000)+`], "mappings": "A"}`); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"version": 3, "sources": ["a.ts"], "mappings": "A;;AAAA,IAAIA,KCCJ;"}`, 3, 5)
	f.Add(`{"version": 3, "sources": [null], "sourcesContent": [null], "mappings": "AAAA;!"}`, 2, 1)
	f.Add(`{"version": 3, "sources": ["a"], "mappings": "ggggggE,D"}`, 1, 1)
	f.Fuzz(func(t *testing.T, text string, line, column int) {
		m, err := sourcemap.Parse("api/main.js", text)
		if err != nil {
			return
		}
		if p, ok := m.Find(line, column); ok && (p.Line < 1 || p.Column < 1 || p.File == "") {
			t.Errorf("%+v", p)
		}
	})
}
