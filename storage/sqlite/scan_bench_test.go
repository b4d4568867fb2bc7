package sqlite_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// BenchmarkScan looks through 10,000 documents of 165 bytes without an index.
// The claim: a document takes less time than the driver takes to fetch one.
func BenchmarkScan(b *testing.B) {
	s := openBench(b)
	fillUsers(b, s, 10_000)
	for _, bench := range []struct {
		name, query string
		opt         storage.FindOptions
		want        int
	}{
		{"name", `{"name":"user-9999"}`, storage.FindOptions{}, 1},
		{"limit", `{"name":"user-9999"}`, storage.FindOptions{Limit: 1}, 1},
		{"contains", `{"email":{"$contains":"9999@"}}`, storage.FindOptions{}, 1},
		{"tag", `{"tags":{"$contains":"c"}}`, storage.FindOptions{}, 0},
		{"range", `{"n":{"$gte":9990}}`, storage.FindOptions{}, 10},
		{"or", `{"$or":[{"name":"user-9999"},{"n":1}]}`, storage.FindOptions{}, 2},
		{"hundred", `{"age":7}`, storage.FindOptions{Limit: 112}, 112},
		{"sorted", `{}`, storage.FindOptions{Sort: "age", Limit: 20}, 20},
		{"sorted by text", `{}`, storage.FindOptions{Sort: "name", Desc: true, Limit: 20}, 20},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := s.View(b.Context(), benchScope, func(tx storage.Tx) error {
					found, err := tx.Docs().Find("users", json.RawMessage(bench.query), bench.opt)
					if err == nil && len(found) != bench.want {
						err = fmt.Errorf("%d documents, want %d", len(found), bench.want)
					}
					return err
				}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("count", func(b *testing.B) {
		for b.Loop() {
			if err := s.View(b.Context(), benchScope, func(tx storage.Tx) error {
				_, err := tx.Docs().Count("users", json.RawMessage(`{"age":{"$lt":10}}`))
				return err
			}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func fillUsers(tb testing.TB, s *sqlite.Store, n int) {
	tb.Helper()
	for start := 0; start < n; start += 1000 {
		if err := s.Tx(tb.Context(), benchScope, func(tx storage.Tx) error {
			for i := start; i < start+1000; i++ {
				doc := fmt.Appendf(nil, `{"name":"user-%d","age":%d,"email":"user-%d@example.org","tags":["a","b"],"n":%d}`, i, i%90, i, i)
				if _, err := tx.Docs().Insert("users", doc); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			tb.Fatal(err)
		}
	}
}
