package storagetest

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
)

// Open opens an empty store. The suite closes it.
type Open func(testing.TB) storage.Store

// Run runs the suite. Each test has a store of its own.
func Run(t *testing.T, open Open) {
	tests := []struct {
		name string
		test func(*testing.T, storage.Store)
	}{
		{"KV", testKV},
		{"KVErrors", testKVErrors},
		{"KVExpiry", testKVExpiry},
		{"KVVersions", testKVVersions},
		{"KVIncr", testKVIncr},
		{"KVList", testKVList},
		{"KVListLimits", testKVListLimits},
		{"Docs", testDocs},
		{"DocsErrors", testDocsErrors},
		{"DocsOrder", testDocsOrder},
		{"DocsSort", testDocsSort},
		{"DocsUpdate", testDocsUpdate},
		{"DocsUpdateIsAtomic", testDocsUpdateIsAtomic},
		{"DocsUpsert", testDocsUpsert},
		{"DocsDelete", testDocsDelete},
		{"DocsNames", testDocsNames},
		{"DocsLimits", testDocsLimits},
		{"Scopes", testScopes},
		{"TxRollback", testTxRollback},
		{"TxIsolatesNeighbours", testTxIsolatesNeighbours},
		{"TxPanic", testTxPanic},
		{"TxContext", testTxContext},
		{"TxReadsItsWrites", testTxReadsItsWrites},
		{"ViewIsASnapshot", testViewIsASnapshot},
		{"ViewReadOnly", testViewReadOnly},
		{"CountersAreLinear", testCountersAreLinear},
		{"Database", testDatabase},
		{"Migrate", testMigrate},
		{"Query", testQuery},
		{"QueryRefuses", testQueryRefuses},
		{"QueryHidesSecrets", testQueryHidesSecrets},
		{"Publish", testPublish},
		{"PublishErrors", testPublishErrors},
		{"PublishIsAtomic", testPublishIsAtomic},
		{"Versions", testVersions},
		{"RemoveApp", testRemoveApp},
		{"RemoveAppKeepData", testRemoveAppKeepData},
		{"Content", testContent},
		{"ContentErrors", testContentErrors},
		{"LargeContent", testLargeContent},
		{"Changed", testChanged},
		{"Close", testClose},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
			tt.test(t, s)
		})
	}
}

var scope = storage.Scope{App: "app"}

// tx runs fn in a transaction that must succeed.
func tx(t testing.TB, s storage.Store, fn func(storage.Tx) error) {
	t.Helper()
	if err := s.Tx(context.Background(), scope, fn); err != nil {
		t.Fatalf("Tx: %v", err)
	}
}

// view runs fn on a snapshot, which must succeed.
func view(t testing.TB, s storage.Store, fn func(storage.Tx) error) {
	t.Helper()
	if err := s.View(context.Background(), scope, fn); err != nil {
		t.Fatalf("View: %v", err)
	}
}

func set(t testing.TB, s storage.Store, key, value string) {
	t.Helper()
	tx(t, s, func(tx storage.Tx) error { return tx.KV().Set(key, json.RawMessage(value), 0) })
}

// get returns a key's value, or "" if it is not there.
func get(t testing.TB, s storage.Store, key string) string {
	t.Helper()
	var e storage.Entry
	err := s.View(context.Background(), scope, func(tx storage.Tx) (err error) {
		e, err = tx.KV().Get(key)
		return err
	})
	if storage.CodeOf(err) == storage.CodeNotFound {
		return ""
	}
	if err != nil {
		t.Fatalf("get %q: %v", key, err)
	}
	return string(e.Value)
}

func insert(t testing.TB, s storage.Store, collection string, docs ...string) (ids []string) {
	t.Helper()
	tx(t, s, func(tx storage.Tx) error {
		for _, doc := range docs {
			id, err := tx.Docs().Insert(collection, json.RawMessage(doc))
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return nil
	})
	return ids
}

// find returns one field of each document found, as JSON.
func find(t testing.TB, s storage.Store, collection, query, field string, opt storage.FindOptions) []string {
	t.Helper()
	got := []string{}
	view(t, s, func(tx storage.Tx) error {
		docs, err := tx.Docs().Find(collection, json.RawMessage(query), opt)
		for _, doc := range docs {
			var fields map[string]json.RawMessage
			if err := json.Unmarshal(doc, &fields); err != nil {
				return err
			}
			got = append(got, string(fields[field]))
		}
		return err
	})
	return got
}

func diff(t testing.TB, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func wantCode(t testing.TB, what string, err error, code storage.Code) {
	t.Helper()
	if got := storage.CodeOf(err); got != code {
		t.Errorf("%s: got %v (code %q), want code %s", what, err, got, code)
	}
}
