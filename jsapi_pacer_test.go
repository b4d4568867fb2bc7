package fazt_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// pacedStore is a store that paces as it likes what reads for handlers.
type pacedStore struct {
	storage.Store
	pace func(ctx context.Context, pacer storage.Pacer) error
}

func (s *pacedStore) paced(ctx context.Context, scope storage.Scope) error {
	if scope.App == "" {
		return nil
	}
	return s.pace(ctx, storage.PacerOf(ctx))
}

func (s *pacedStore) View(ctx context.Context, scope storage.Scope, fn func(storage.Tx) error) error {
	if err := s.paced(ctx, scope); err != nil {
		return err
	}
	return s.Store.View(ctx, scope, fn)
}

func (s *pacedStore) Get(ctx context.Context, scope storage.Scope, key string) (storage.Entry, error) {
	if err := s.paced(ctx, scope); err != nil {
		return storage.Entry{}, err
	}
	return s.Store.Get(ctx, scope, key)
}

func (s *pacedStore) Find(ctx context.Context, scope storage.Scope, collection string, query json.RawMessage, opt storage.FindOptions) ([]json.RawMessage, error) {
	if err := s.paced(ctx, scope); err != nil {
		return nil, err
	}
	return s.Store.Find(ctx, scope, collection, query, opt)
}

func (s *pacedStore) OpenBlob(ctx context.Context, scope storage.Scope, path string) (storage.Blob, io.ReadSeekCloser, error) {
	if err := s.paced(ctx, scope); err != nil {
		return storage.Blob{}, nil, err
	}
	return s.Store.OpenBlob(ctx, scope, path)
}

func (s *pacedStore) StatBlob(ctx context.Context, scope storage.Scope, path string) (storage.Blob, error) {
	if err := s.paced(ctx, scope); err != nil {
		return storage.Blob{}, err
	}
	return s.Store.StatBlob(ctx, scope, path)
}

func (s *pacedStore) ListBlobs(ctx context.Context, scope storage.Scope, prefix string, page storage.Page) ([]storage.Blob, error) {
	if err := s.paced(ctx, scope); err != nil {
		return nil, err
	}
	return s.Store.ListBlobs(ctx, scope, prefix, page)
}

func openPaced(t *testing.T, pace func(context.Context, storage.Pacer) error, change func(*fazt.Options)) *fazt.Server {
	t.Helper()
	store := openStore(t)
	return open(t, func(o *fazt.Options) {
		o.DataFile, o.Store = "", &pacedStore{store, pace}
		change(o)
	})
}

// openStore makes a store that outlives its servers.
func openStore(t *testing.T) storage.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "data.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

var readingCalls = []string{
	`kv.get('k')`, `kv.getVersion('k')`, `kv.list()`, `ds.find('c')`, `ds.findOne('c', 'x')`, `ds.count('c')`,
	`s3.get('b')`, `s3.getBytes('b')`, `s3.list()`, `s3.serve('b')`,
}

// What a reading call computes, waits for and returns is its run's.
func TestReadsArePaced(t *testing.T) {
	waited, paced := 0, 0
	srv := openPaced(t, func(ctx context.Context, pacer storage.Pacer) error {
		w, ok := pacer.(storage.Waiter)
		if !ok {
			return fmt.Errorf("the pacer is %T", pacer)
		}
		paced++
		if err := w.Pace(ctx); err != nil {
			return err
		}
		return storage.Wait(ctx, func() error { waited++; return w.Read(10) })
	}, func(*fazt.Options) {})
	for i, call := range readingCalls {
		waited, paced = 0, 0
		deploy(t, srv, "app", files("api/main.js", `fazt.storage.`+call+`; 'read'`))
		if got := get(srv, "http://app.localhost/api"); got != "200 read" || waited != 1 || paced != 1 {
			t.Errorf("%d: %s: %s, paced %d times and waited %d times", i, call, got, paced, waited)
		}
	}
}

// TestSearchingIsComputing has a handler change nothing, again and again, for which many
// documents are searched: that is what its run computes.
func TestSearchingIsComputing(t *testing.T) {
	store := openStore(t)
	srv := open(t, func(o *fazt.Options) { o.DataFile, o.Store, o.Handler.CPU = "", store, 100*time.Millisecond })
	for _, call := range []string{
		`ds.update('c', {n: {$contains: 'x'}}, {a: 1})`, `ds.delete('c', {n: {$contains: 'x'}})`,
		`ds.update('c', {n: {$contains: 'x'}}, {a: 1}, {chunks: true})`,
	} {
		fillNumbers(t, store, deploy(t, srv, "app", files("api/main.js", `for (;;) fazt.storage.`+call)).AppID, 5000)
		if f := fail(t, srv, "http://app.localhost/api"); f.Error.Code != "BUDGET_CPU" {
			t.Errorf("%s: %+v", call, f)
		}
	}
}

// TestWritingIsComputing has a handler update a few documents, again and again, which the
// store does on its writer: that is computed for the run all the same.
func TestWritingIsComputing(t *testing.T) {
	store := openStore(t)
	srv := open(t, func(o *fazt.Options) { o.DataFile, o.Store, o.Handler.CPU = "", store, 30*time.Millisecond })
	a := deploy(t, srv, "app", files("api/main.js", `for (;;) fazt.storage.ds.update('c', {n: {$lt: 50}}, {$inc: {a: 1}})`))
	fillNumbers(t, store, a.AppID, 500)
	if f := fail(t, srv, "http://app.localhost/api"); f.Error.Code != "BUDGET_CPU" {
		t.Errorf("%+v", f)
	}
}

// fillNumbers makes an app's collection c of so many documents.
func fillNumbers(t *testing.T, store storage.Store, app string, count int) {
	t.Helper()
	if err := store.Tx(t.Context(), storage.Scope{App: app}, func(tx storage.Tx) error {
		for i := range count {
			if _, err := tx.Docs().Insert("c", fmt.Appendf(nil, `{"n":%d}`, i)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// A handler that has read too much ends, whatever it catches.
func TestReadingEnds(t *testing.T) {
	for what, change := range map[string]func(*fazt.Options){
		"500 BUDGET_READ":   func(o *fazt.Options) { o.Budget.ReadBytes = 8 << 20 },
		"503 BUDGET_MEMORY": func(o *fazt.Options) { o.Handler.Memory = 8 << 20 },
	} {
		t.Run(what, func(t *testing.T) {
			srv := openPaced(t, func(_ context.Context, pacer storage.Pacer) error { return pacer.Read(3 << 20) }, change)
			for _, call := range readingCalls {
				deploy(t, srv, "app", files("api/main.js", `for (;;) { try { fazt.storage.`+call+`; } catch (e) { } }`))
				if f := fail(t, srv, "http://app.localhost/api"); fmt.Sprint(f.Status, " ", f.Error.Code) != what {
					t.Errorf("%s: %+v", call, f)
				}
			}
		})
	}
}

// TestBlobsAreTheirReadersMemory has one app read large blobs while another answers
// in a line, which nobody may stop for its neighbour's memory.
func TestBlobsAreTheirReadersMemory(t *testing.T) {
	store := openStore(t)
	srv := open(t, func(o *fazt.Options) {
		o.DataFile, o.Store = "", store
		o.Budget = budget.Config{RequestTimeout: 5 * time.Minute, StorageOpTimeout: time.Minute}
		o.Handler.CPU = time.Minute
	})
	deploy(t, srv, "b", files("api/main.js", `'fine'`))
	a := deploy(t, srv, "a", files("api/main.js", `fazt.storage.s3.getBytes('blob').length`))
	blob := strings.Repeat("0123456789abcdef", 30<<20/16)
	if _, err := store.PutBlob(t.Context(), storage.Scope{App: a.AppID}, "blob", strings.NewReader(blob), ""); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for ctx.Err() == nil {
				// What two of its own runs need may be put down to one of them.
				if got := get(srv, "http://a.localhost/api"); got != "200 31457280" && !strings.Contains(got, `"retryable":true`) {
					t.Errorf("reading: %s", got)
					return
				}
			}
		})
	}
	for range 300 {
		if got := get(srv, "http://b.localhost/api"); got != "200 fine" {
			t.Errorf("beside it: %s", got)
		}
	}
	stop()
	readers.Wait()
}
