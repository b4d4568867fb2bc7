package sqlite_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

func openBench(b *testing.B) *sqlite.Store {
	b.Helper()
	s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "data.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

var benchScope = storage.Scope{App: "app"}

// benchValue is 256 bytes of JSON.
var benchValue = json.RawMessage(`"` + strings.Repeat("v", 254) + `"`)

// BenchmarkSet is the durable upsert of 256 bytes. The claim is the ratio: 64
// callers share commits, a single caller pays for one each.
func BenchmarkSet(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := openBench(b)
			var n atomic.Int64
			set := func() {
				key := fmt.Sprintf("key-%d", n.Add(1)%10_000)
				if err := s.Tx(context.Background(), benchScope, func(tx storage.Tx) error {
					return tx.KV().Set(key, benchValue, 0)
				}); err != nil {
					b.Error(err)
				}
			}
			b.ReportAllocs()
			if callers == 1 {
				for b.Loop() {
					set()
				}
			} else {
				b.SetParallelism(callers / 2) // of two processors
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						set()
					}
				})
			}
			b.ReportMetric(float64(s.Stats().Commits)/float64(s.Stats().Batches), "writes/commit")
		})
	}
}

func BenchmarkGet(b *testing.B) {
	s := openBench(b)
	if err := s.Tx(b.Context(), benchScope, func(tx storage.Tx) error {
		return tx.KV().Set("key", benchValue, 0)
	}); err != nil {
		b.Fatal(err)
	}
	b.Run("in a view", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := s.View(b.Context(), benchScope, func(tx storage.Tx) error {
				_, err := tx.KV().Get("key")
				return err
			}); err != nil {
				b.Fatal(err)
			}
		}
	})
	get := func() {
		if _, err := s.Get(b.Context(), benchScope, "key"); err != nil {
			b.Error(err)
		}
	}
	b.Run("callers=1", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			get()
		}
	})
	b.Run("callers=64", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				get()
			}
		})
	})
}

func benchDoc(i int) json.RawMessage {
	return fmt.Appendf(nil, `{"session":"s%d","name":"item %d","price":%d,"tags":["a","b"],"meta":{"owner":"u%d","note":%q}}`,
		i%100, i, i, i%7, strings.Repeat("n", 128))
}

func BenchmarkInsert(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := openBench(b)
			var n atomic.Int64
			b.ReportAllocs()
			b.SetParallelism(max(1, callers/2))
			insert := func() {
				doc := benchDoc(int(n.Add(1)))
				if err := s.Tx(context.Background(), benchScope, func(tx storage.Tx) error {
					_, err := tx.Docs().Insert("items", doc)
					return err
				}); err != nil {
					b.Error(err)
				}
			}
			if callers == 1 {
				for b.Loop() {
					insert()
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					insert()
				}
			})
		})
	}
}

// BenchmarkFind looks for 100 of 10,000 documents. "sql" is the same search
// with SQLite's own JSON functions, which is what trying the query in Go is
// measured against.
func BenchmarkFind(b *testing.B) {
	s := openBench(b)
	if err := s.Tx(b.Context(), benchScope, func(tx storage.Tx) error {
		for i := range 10_000 {
			if _, err := tx.Docs().Insert("items", benchDoc(i)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	find := func(b *testing.B, query string, opt storage.FindOptions, want int) {
		b.Helper()
		b.ReportAllocs()
		for b.Loop() {
			if err := s.View(b.Context(), benchScope, func(tx storage.Tx) error {
				docs, err := tx.Docs().Find("items", json.RawMessage(query), opt)
				if err == nil && len(docs) != want {
					err = fmt.Errorf("%d documents, want %d", len(docs), want)
				}
				return err
			}); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("equal", func(b *testing.B) { find(b, `{"session":"s7"}`, storage.FindOptions{}, 100) })
	b.Run("nested", func(b *testing.B) { find(b, `{"meta.owner":"u3","session":"s7"}`, storage.FindOptions{}, 14) })
	b.Run("sorted", func(b *testing.B) {
		find(b, `{}`, storage.FindOptions{Sort: "price", Desc: true, Limit: 10}, 10)
	})
	b.Run("first", func(b *testing.B) { find(b, `{"session":"s7"}`, storage.FindOptions{Limit: 1}, 1) })
	b.Run("sql", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			n := 0
			if err := s.Read(b.Context(), func(q storage.SQL) error {
				return q.Query(`SELECT body FROM docs WHERE app = ? AND user = '' AND collection = 'items'
					AND json_extract(body, ?) = ? ORDER BY seq`, []any{"app", "$.session", "s7"},
					func(scan func(...any) error) error {
						var body string
						n++
						return scan(&body)
					})
			}); err != nil || n != 100 {
				b.Fatal(n, err)
			}
		}
	})
}

// BenchmarkPublish publishes an app of 20,000 files, the most that is allowed:
// other writers wait for so long.
func BenchmarkPublish(b *testing.B) {
	s := openBench(b)
	files := make([]storage.File, 20_000)
	for i := range files {
		data := fmt.Sprint(i % 100)
		sum := sha256.Sum256([]byte(data))
		hash := hex.EncodeToString(sum[:])
		if i < 100 {
			if err := s.PutContent(b.Context(), storage.Content{Hash: hash, Data: strings.NewReader(data),
				Encoded: map[string][]byte{"gzip": []byte("z")}}); err != nil {
				b.Fatal(err)
			}
		}
		files[i] = storage.File{Path: fmt.Sprintf("assets/%05d.js", i), Hash: hash, Size: int64(len(data)), Encodings: []string{"gzip"}}
	}
	for b.Loop() {
		if _, err := s.Publish(b.Context(), storage.NewDeployment{Name: "shop", Files: files}, 2); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkApp finds an app by its name among 10,000: one read by a key.
func BenchmarkApp(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "data.db"))
	defer s.Close()
	for i := range 100 {
		publish(b, s, fmt.Sprint("a", i), nil)
	}
	if err := s.Write(b.Context(), func(q storage.SQL) error {
		_, err := q.Exec(`WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 9900)
			INSERT INTO apps (id, name, version, created_at) SELECT 'i' || n, 'n' || n, 1, 0 FROM c`)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := s.App(b.Context(), fmt.Sprint("a", i%100)); err != nil {
			b.Fatal(err)
		}
	}
}
