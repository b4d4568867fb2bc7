package sqlite_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// The benchmarks of this file time two ways of doing a thing by turns, in one
// run and on one disk, and report how they compare: a busy machine slows both.

// pair times two functions by turns, and reports the medians of the times that
// each takes for one of its n operations, and their ratio.
func pair(b *testing.B, nameA string, nA int, a func(), nameB string, nB int, fb func()) {
	var timesA, timesB []time.Duration
	for b.Loop() {
		start := time.Now()
		a()
		mid := time.Now()
		fb()
		timesA, timesB = append(timesA, mid.Sub(start)), append(timesB, time.Since(mid))
	}
	median := func(times []time.Duration, n int) float64 {
		slices.Sort(times)
		return float64(times[len(times)/2].Nanoseconds()) / float64(n) / 1000
	}
	usA, usB := median(timesA, nA), median(timesB, nB)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(usA, "us/"+nameA)
	b.ReportMetric(usB, "us/"+nameB)
	b.ReportMetric(usA/usB, "ratio")
}

// concurrently calls fn n times from each of 64 goroutines.
func concurrently(n int, fn func()) {
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range n {
				fn()
			}
		})
	}
	wg.Wait()
}

// sets and inserts return functions that write one row of 256 bytes.
func sets(b *testing.B, s *sqlite.Store) func() {
	keys := make(chan string, 10_000)
	for i := range cap(keys) {
		keys <- fmt.Sprintf("key-%d", i)
	}
	return func() {
		key := <-keys
		if err := s.Tx(context.Background(), benchScope, func(tx storage.Tx) error {
			return tx.KV().Set(key, benchValue, 0)
		}); err != nil {
			b.Error(err)
		}
		keys <- key
	}
}

func inserts(b *testing.B, s *sqlite.Store, app string) func() {
	doc := json.RawMessage(`{"session":"s","text":"` + strings.Repeat("v", 228) + `"}`)
	return func() {
		if err := s.Tx(context.Background(), storage.Scope{App: app}, func(tx storage.Tx) error {
			_, err := tx.Docs().Insert("items", doc)
			return err
		}); err != nil {
			b.Error(err)
		}
	}
}

// BenchmarkGroupCommit compares a durable set of a single caller, which pays for
// one commit each, with one of 64 callers. The claim: a ratio of 10.
func BenchmarkGroupCommit(b *testing.B) {
	s := openBench(b)
	set := sets(b, s)
	pair(b, "single", 64, func() {
		for range 64 {
			set()
		}
	}, "of-64", 64*32, func() { concurrently(32, set) })
}

// BenchmarkInsertToSet compares a document's insert with a key's set, both by
// 64 callers. The claim: no more than twice the time, with an index too.
func BenchmarkInsertToSet(b *testing.B) {
	for _, indexes := range []int{0, 1} {
		b.Run(fmt.Sprintf("indexes=%d", indexes), func(b *testing.B) {
			s := openBench(b)
			app := publish(b, s, "shop", map[string][]string{"items": []string{"session"}[:indexes]})
			insert, set := inserts(b, s, app), sets(b, s)
			pair(b, "insert", 64*32, func() { concurrently(32, insert) }, "set", 64*32, func() { concurrently(32, set) })
		})
	}
}

// BenchmarkOtherAppsIndexes compares an insert beside a thousand indexes of
// other apps with one in a store without any. The claim: they make no
// difference.
func BenchmarkOtherAppsIndexes(b *testing.B) {
	full, empty := openBench(b), openBench(b)
	for i := range 1000 {
		publish(b, full, fmt.Sprintf("app-%d", i), map[string][]string{"items": {"session"}})
	}
	a, e := inserts(b, full, "app"), inserts(b, empty, "app")
	pair(b, "among-1000", 64*32, func() { concurrently(32, a) }, "alone", 64*32, func() { concurrently(32, e) })
}

// BenchmarkIndexedFind finds documents by an indexed field in a collection of
// 100,000 and in one of 1,000. The claim: under 100 us, and no more than twice
// the time.
func BenchmarkIndexedFind(b *testing.B) {
	s := openBench(b)
	app := publish(b, s, "shop", map[string][]string{"large": {"session"}, "small": {"session"}})
	for _, matches := range []int{1, 10} {
		for collection, size := range map[string]int{"large": 100_000, "small": 1000} {
			fill(b, s, app, collection, size, matches)
		}
		b.Run(fmt.Sprintf("matches=%d", matches), func(b *testing.B) {
			n := 0
			find := func(collection string, size int) func() {
				return func() {
					for range 100 {
						n += 7919 // a prime, to jump about
						query := fmt.Appendf(nil, `{"session":"s%d-%d"}`, matches, n%(size/matches))
						if err := s.View(b.Context(), storage.Scope{App: app}, func(tx storage.Tx) error {
							docs, err := tx.Docs().Find(collection, query, storage.FindOptions{})
							if err == nil && len(docs) != matches {
								err = fmt.Errorf("%d documents, want %d", len(docs), matches)
							}
							return err
						}); err != nil {
							b.Fatal(err)
						}
					}
				}
			}
			pair(b, "in-100000", 100, find("large", 100_000), "in-1000", 100, find("small", 1000))
		})
	}
}

// fill inserts documents of which as many as matches have the same session.
func fill(b *testing.B, s *sqlite.Store, app, collection string, size, matches int) {
	b.Helper()
	note := strings.Repeat("n", 200)
	for start := 0; start < size; start += 1000 {
		if err := s.Tx(b.Context(), storage.Scope{App: app}, func(tx storage.Tx) error {
			for i := start; i < start+1000; i++ {
				// The documents of a session lie far apart, as they do in life.
				doc := fmt.Appendf(nil, `{"session":"s%d-%d","n":%d,"note":%q}`, matches, i%(size/matches), i, note)
				if _, err := tx.Docs().Insert(collection, doc); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
}

func publish(tb testing.TB, s *sqlite.Store, name string, indexes map[string][]string) (app string) {
	tb.Helper()
	d, err := s.Publish(tb.Context(), storage.NewDeployment{Name: name, Indexes: indexes}, 3)
	if err != nil {
		tb.Fatal(err)
	}
	return d.AppID
}
