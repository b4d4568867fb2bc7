package sqlite_test

import (
	"encoding/json"
	"testing"

	"github.com/fazt-sh/fazt/storage"
)

// BenchmarkFewDocuments compares the finds that most handlers make, among 10,000
// documents, with a get of one key.
func BenchmarkFewDocuments(b *testing.B) {
	s := openBench(b)
	app := publish(b, s, "shop", map[string][]string{"items": {"rare", "n"}})
	scope := storage.Scope{App: app}
	insertDocs(b, s, scope, "items", 0, 10_000)
	if err := s.Tx(b.Context(), scope, func(tx storage.Tx) error { return tx.KV().Set("key", benchValue, 0) }); err != nil {
		b.Fatal(err)
	}
	// So few at a time that most are timed while nothing else gets the processor.
	const times = 20
	get := func() {
		for range times {
			if _, err := s.Get(b.Context(), scope, "key"); err != nil {
				b.Fatal(err)
			}
		}
	}
	for _, find := range []struct {
		name, query string
		opt         storage.FindOptions
		want        int
	}{
		{"id", `{"id":"7777"}`, storage.FindOptions{Limit: 1}, 1},
		{"indexed", `{"rare":777}`, storage.FindOptions{}, 10},
		{"newest", `{}`, storage.FindOptions{Desc: true, Limit: 20}, 20},
		{"sorted", `{}`, storage.FindOptions{Sort: "n", Desc: true, Limit: 20}, 20},
	} {
		b.Run(find.name, func(b *testing.B) {
			b.ReportAllocs()
			pair(b, find.name, times, func() {
				for range times {
					docs, err := s.Find(b.Context(), scope, "items", json.RawMessage(find.query), find.opt)
					if err != nil || len(docs) != find.want {
						b.Fatalf("%d documents, want %d: %v", len(docs), find.want, err)
					}
				}
			}, "get", times, get)
		})
	}
}
