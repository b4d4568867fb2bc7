package storage_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
)

// collection is what a planned find meets: how many entries its query has in the
// index of each field, and how many of the first documents match.
type collection struct {
	fields  []string
	entries map[string]int
	matches int
}

// follow answers plans until one reads, and returns all of them as texts.
func (c *collection) follow(t *testing.T, q *storage.Expr, opt storage.FindOptions) (steps []string) {
	t.Helper()
	var known storage.Statistics
	for i, field := range c.fields {
		known.Indexes = append(known.Indexes, storage.IndexStatistics{ID: int64(i + 1), Field: field})
	}
	for {
		p := storage.ChoosePlan(q, opt, known)
		field := ""
		if p.Index > 0 {
			field = c.fields[p.Index-1]
		}
		switch p.Access {
		case storage.CountEntries:
			steps = append(steps, fmt.Sprint("count ", field, " ", p.Limit))
			n := c.entries[field]
			known.Count(p, min(n, p.Limit), n <= p.Limit)
		case storage.TryAll:
			steps = append(steps, fmt.Sprint("try ", p.Limit))
			known.Try(c.matches)
		default:
			text := map[storage.Access]string{storage.ReadAll: "all", storage.ReadID: "id " + p.ID, storage.ReadKey: "key of " + field,
				storage.ReadEntries: "entries of " + field, storage.ReadOrder: "order of " + field}[p.Access]
			return append(steps, text)
		}
		if len(steps) > 20 {
			t.Fatalf("never reads: %q", steps)
		}
	}
}

func parseQuery(t *testing.T, query string) *storage.Expr {
	t.Helper()
	q, err := storage.ParseQuery(json.RawMessage(query))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestChoosePlan(t *testing.T) {
	const most = storage.MaxEntries
	ab := []string{"a", "b"}
	page := storage.FindOptions{Limit: 3, Offset: 2}
	byB := storage.FindOptions{Limit: 3, Sort: "b"}
	tests := []struct {
		name  string
		query string
		opt   storage.FindOptions
		have  collection
		want  []string
	}{
		{"no condition", `{}`, storage.FindOptions{}, collection{fields: ab}, []string{"all"}},
		{"no index", `{"a":1}`, storage.FindOptions{}, collection{}, []string{"all"}},
		{"another field", `{"c":1}`, storage.FindOptions{}, collection{fields: ab}, []string{"all"}},
		{"no help", `{"$or":[{"a":1},{"b":1}]}`, storage.FindOptions{}, collection{fields: ab}, []string{"all"}},
		{"id", `{"id":"x","a":1}`, storage.FindOptions{}, collection{fields: ab}, []string{"id x"}},
		{"id, sorted", `{"id":"x"}`, byB, collection{fields: ab}, []string{"id x"}},
		{"one key", `{"a":1}`, storage.FindOptions{}, collection{fields: ab, entries: map[string]int{"a": most + 1}}, []string{"key of a"}},
		{"a range", `{"a":{"$gt":1}}`, storage.FindOptions{}, collection{fields: ab, entries: map[string]int{"a": 256}},
			[]string{"count a 256", "entries of a"}},
		{"no entries", `{"a":{"$in":[]}}`, storage.FindOptions{}, collection{fields: ab}, []string{"count a 256", "entries of a"}},
		{"a wide range", `{"a":{"$gt":1}}`, storage.FindOptions{}, collection{fields: ab, entries: map[string]int{"a": 257}},
			[]string{"count a 256", "count a 4096", "entries of a"}},
		{"too wide a range", `{"a":{"$gt":1}}`, storage.FindOptions{}, collection{fields: ab, entries: map[string]int{"a": most + 1}},
			[]string{"count a 256", "count a 4096", "count a 65536", "all"}},
		{"the rarer of two", `{"a":1,"b":2}`, storage.FindOptions{}, collection{fields: ab, entries: map[string]int{"a": 5000, "b": 9}},
			[]string{"count a 256", "count b 256", "entries of b"}},
		{"two common ones, one a key", `{"a":{"$gt":1},"b":2}`, storage.FindOptions{},
			collection{fields: ab, entries: map[string]int{"a": most + 1, "b": most + 1}},
			[]string{"count a 256", "count b 256", "count a 4096", "count b 4096", "count a 65536", "count b 65536", "key of b"}},
		{"a page that is near", `{"a":{"$gt":1}}`, page, collection{fields: ab, entries: map[string]int{"a": 5000}, matches: 5},
			[]string{"count a 256", "count a 4096", "try 4096", "all"}},
		{"a page that is far", `{"a":{"$gt":1}}`, page, collection{fields: ab, entries: map[string]int{"a": 5000}, matches: 4},
			[]string{"count a 256", "count a 4096", "try 4096", "count a 65536", "entries of a"}},
		{"sorted by an index", `{}`, byB, collection{fields: ab}, []string{"order of b"}},
		{"sorted without a limit", `{"b":{"$gt":1}}`, storage.FindOptions{Sort: "b"}, collection{fields: ab, entries: map[string]int{"b": 9}},
			[]string{"count b 256", "entries of b"}},
		{"few to sort", `{"a":1}`, byB, collection{fields: ab, entries: map[string]int{"a": 4096}}, []string{"count a 4096", "entries of a"}},
		{"many to sort", `{"a":1}`, byB, collection{fields: ab, entries: map[string]int{"a": 4097}}, []string{"count a 4096", "order of b"}},
		{"sorted by no index", `{"a":{"$gt":1}}`, storage.FindOptions{Limit: 3, Sort: "c"},
			collection{fields: ab, entries: map[string]int{"a": most + 1}}, []string{"count a 256", "count a 4096", "count a 65536", "all"}},
	}
	for _, tt := range tests {
		q := parseQuery(t, tt.query)
		got := tt.have.follow(t, q, tt.opt)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if !storage.NeedsIndexes(q, tt.opt) {
			without := (&collection{}).follow(t, q, tt.opt)
			if diff := cmp.Diff(got, without); diff != "" {
				t.Errorf("%s: needs no indexes, and goes by them (-with +without):\n%s", tt.name, diff)
			}
		}
	}
}

// TestChoosePlanRanges holds the ranges of a plan against the query's own.
func TestChoosePlanRanges(t *testing.T) {
	list := func(n int) string {
		text := `[0`
		for i := 1; i < n; i++ {
			text += fmt.Sprint(",", i)
		}
		return `{"a":{"$in":` + text + `]}}`
	}
	known := storage.Statistics{Indexes: []storage.IndexStatistics{{ID: 7, Field: "a"}}}
	for n, want := range map[int]int{2: 2, 256: 256, 257: 1} {
		q := parseQuery(t, list(n))
		p := storage.ChoosePlan(q, storage.FindOptions{}, known)
		all, _ := q.IndexRanges("a")
		if p.Access != storage.CountEntries || p.Index != 7 || len(p.Ranges) != want {
			t.Errorf("%d values: %+v", n, p)
			continue
		}
		if diff := cmp.Diff([][]byte{all[0].From, all[n-1].To}, [][]byte{p.Ranges[0].From, p.Ranges[want-1].To}); diff != "" {
			t.Errorf("%d values: from and to (-want +got):\n%s", n, diff)
		}
	}
	sorted := storage.FindOptions{Sort: "a", Limit: 1}
	whole := []storage.IndexRange{{From: []byte{0}, To: []byte{0xff}}}
	if diff := cmp.Diff(whole, storage.ChoosePlan(parseQuery(t, `{}`), sorted, known).Ranges); diff != "" {
		t.Errorf("the whole index (-want +got):\n%s", diff)
	}
}

// TestChoosePlanEnds follows plans through random collections: each find reads
// after three answers for each index and one more, at most.
func TestChoosePlanEnds(t *testing.T) {
	queries := []string{`{"a":1}`, `{"a":{"$gt":1},"b":2}`, `{"a":{"$in":[1,2]},"b":{"$lt":3},"c":4}`, `{"c":{"$prefix":"x"}}`}
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		have := collection{fields: []string{"a", "b", "c"}[:r.IntN(4)], entries: map[string]int{}, matches: r.IntN(5)}
		for _, field := range have.fields {
			have.entries[field] = r.IntN(1 << r.IntN(20))
		}
		opt := storage.FindOptions{Limit: r.IntN(4), Offset: r.IntN(3), Sort: []string{"", "a", "z"}[r.IntN(3)]}
		steps := have.follow(t, parseQuery(t, queries[r.IntN(len(queries))]), opt)
		if len(steps) > 3*len(have.fields)+2 {
			t.Errorf("%+v: %q", have, steps)
		}
	}
}
