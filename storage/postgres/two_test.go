package postgres_test

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"testing"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/storagetest"
)

// TestTwoStores runs what the suite knows of transactions on two Stores of one database,
// as two servers have: each call goes to the one that the last did not go to. The history
// of single keys is checked by package clustertest: its versions, which each server takes
// from numbers of its own, do not repeat, and do not rise from one server to the other.
func TestTwoStores(t *testing.T) {
	storagetest.RunSome(t, func(tb testing.TB) storagetest.Engine { return twoEngines{engine{database(tb)}} },
		"Model", "LinearizableQueries", "CountersAreLinear", "BatchesShareACommit", "TxIsolatesNeighbours",
		"KVVersions", "DocsOrder", "DocsClear", "UsageIsExact", "QuotaUnderLoad", "ViewIsASnapshot")
}

// twoEngines opens a database twice.
type twoEngines struct{ engine }

func (e twoEngines) Open(tb testing.TB, quotas storage.Quotas) storage.Store {
	tb.Helper()
	second := e.engine.Open(tb, quotas)
	tb.Cleanup(func() {
		if err := second.Close(); err != nil {
			tb.Error(err)
		}
	})
	return &twoStores{Store: e.engine.Open(tb, quotas), second: second}
}

// twoStores has the calls that apps make go to two stores by turns.
type twoStores struct {
	storage.Store
	second storage.Store
	calls  atomic.Uint64
}

func (t *twoStores) next() storage.Store {
	if t.calls.Add(1)%2 == 0 {
		return t.second
	}
	return t.Store
}

func (t *twoStores) Tx(ctx context.Context, scope storage.Scope, fn func(storage.Tx) error) error {
	return t.next().Tx(ctx, scope, fn)
}

func (t *twoStores) View(ctx context.Context, scope storage.Scope, fn func(storage.Tx) error) error {
	return t.next().View(ctx, scope, fn)
}

func (t *twoStores) Get(ctx context.Context, scope storage.Scope, key string) (storage.Entry, error) {
	return t.next().Get(ctx, scope, key)
}

func (t *twoStores) Find(ctx context.Context, scope storage.Scope, collection string, query json.RawMessage, opt storage.FindOptions) ([]json.RawMessage, error) {
	return t.next().Find(ctx, scope, collection, query, opt)
}

func (t *twoStores) InChunks(ctx context.Context, scope storage.Scope) storage.ChunkedDocs {
	return t.next().InChunks(ctx, scope)
}

func (t *twoStores) Pipeline() storage.Pipeline { return t.next().Pipeline() }
