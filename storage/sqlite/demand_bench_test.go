package sqlite_test

import (
	"encoding/json"
	"testing"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// BenchmarkIndexCost compares what is done with 10,000 documents: to scan each, to read each
// by its entry in an index, and to index each. The claims are indexCost and entryCost in
// package storage, which also go by what a document's scan will cost when it is faster.
func BenchmarkIndexCost(b *testing.B) {
	const documents = 10_000
	s := openBench(b)
	app := publish(b, s, "shop", nil)
	scope := storage.Scope{App: app}
	insertDocs(b, s, scope, "items", 0, documents)
	count := func(b *testing.B) {
		if err := s.View(b.Context(), scope, func(tx storage.Tx) error {
			_, err := tx.Docs().Count("items", json.RawMessage(`{"rare":{"$gte":0}}`))
			return err
		}); err != nil {
			b.Fatal(err)
		}
	}
	perDocument := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/documents, "ns/document")
	}
	b.Run("scan", func(b *testing.B) {
		for b.Loop() {
			count(b)
		}
		perDocument(b)
	})
	b.Run("index", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			publish(b, s, "shop", nil)
			if err := sqlite.WaitForIndexes(b.Context(), s); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			publish(b, s, "shop", map[string][]string{"items": {"rare"}})
			if err := sqlite.WaitForIndexes(b.Context(), s); err != nil {
				b.Fatal(err)
			}
		}
		perDocument(b)
	})
	b.Run("entries", func(b *testing.B) {
		for b.Loop() {
			count(b)
		}
		perDocument(b)
	})
}
