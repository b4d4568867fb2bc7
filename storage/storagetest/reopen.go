package storagetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

// fillOne stores one of everything.
func fillOne(t *testing.T, s storage.Store) {
	t.Helper()
	d, err := s.Publish(api.WithActor(t.Context(), ann), storage.NewDeployment{Name: "shop", Manifest: json.RawMessage(`{"spa":true}`),
		Engine: "otto", Files: []storage.File{put(t, s, "a", "one", "gzip")}, Indexes: map[string][]string{"items": {"n"}}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	own := storage.Scope{App: d.AppID, User: "u"}
	err = s.Tx(t.Context(), own, func(tx storage.Tx) error {
		if _, err := tx.Docs().Insert("items", json.RawMessage(`{"n":1}`)); err != nil {
			return err
		}
		return tx.KV().Set("k", json.RawMessage(`"v"`), 0)
	})
	if err == nil {
		_, err = s.PutBlob(t.Context(), own, "b", strings.NewReader("bytes"), "text/plain")
	}
	if err := errors.Join(err,
		s.SetAlias(t.Context(), storage.Alias{Label: "www", Kind: storage.AliasApp, App: "shop"}),
		s.SetEnv(t.Context(), d.AppID, map[string][]byte{"KEY": []byte("x")}, "key"),
		s.AppendLogs(t.Context(), []storage.LogLine{{App: d.AppID, Time: time.UnixMilli(time.Now().UnixMilli()), Level: "info", Text: "hello"}}),
	); err != nil {
		t.Fatal(err)
	}
}

// contentsOf returns all that a store shows of what fillOne stored.
func contentsOf(t *testing.T, s storage.Store) (all []any) {
	t.Helper()
	add := func(v any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	app, err := s.App(t.Context(), "shop")
	add(app, err)
	files, err := s.Files(t.Context(), app.ID, app.Current.Version)
	add(files, err)
	for _, f := range files {
		all = append(all, string(readAll(t, s, f.Hash, "")), string(readAll(t, s, f.Hash, "gzip")))
	}
	own := storage.Scope{App: app.ID, User: "u"}
	var docs []json.RawMessage
	add(nil, s.View(t.Context(), own, func(tx storage.Tx) (err error) {
		docs, err = tx.Docs().Find("items", json.RawMessage(`{"n":1}`), storage.FindOptions{})
		return err
	}))
	add(docs, nil)
	entry, err := s.Get(t.Context(), own, "k")
	add(entry, err)
	blobs, err := s.ListBlobs(t.Context(), own, "", storage.Page{})
	add(blobs, err)
	aliases, err := s.Aliases(t.Context())
	add(aliases, err)
	vars, err := s.Env(t.Context(), app.ID)
	add(vars, err)
	lines, err := s.Logs(t.Context(), storage.LogQuery{Apps: []string{app.ID}})
	add(lines, err)
	audit, err := s.Audit(t.Context(), storage.AuditQuery{})
	add(audit, err)
	usage, err := s.Usage(t.Context(), app.ID)
	add(usage.Used, err)
	revision, err := s.Revision(t.Context())
	add(revision, err)
	secret, err := s.Secret(t.Context(), "signs")
	add(secret, err)
	return all
}

// testReopen stores one of everything and opens the data again, twice: beside
// the store, and after it was closed.
func testReopen(t *testing.T, r Reopener, s storage.Store) {
	fillOne(t, s)
	want := contentsOf(t, s)
	for _, how := range []string{"beside", "after"} {
		again := r.Reopen(t)
		diff(t, how, want, contentsOf(t, again))
		if err := errors.Join(again.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	}
}

// testStoresAtOnce has four stores on the same data write, and see each other's
// writes.
func testStoresAtOnce(t *testing.T, r Reopener, s storage.Store) {
	stores := []storage.Store{s, nil, nil, nil}
	var wg sync.WaitGroup
	for i := range stores[1:] {
		wg.Go(func() { stores[i+1] = r.Reopen(t) })
	}
	wg.Wait()
	const each = 50
	secrets := make([]string, len(stores))
	for i, s := range stores {
		wg.Go(func() {
			secret, err := s.Secret(t.Context(), "signs")
			if err != nil {
				t.Error(err)
			}
			secrets[i] = string(secret)
			for n := range each {
				if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
					if err := tx.KV().Set(fmt.Sprintf("%d-%d", i, n), json.RawMessage(`1`), 0); err != nil {
						return err
					}
					_, err := tx.KV().Incr("n", 1)
					return err
				}); err != nil {
					t.Error(err)
				}
				if _, err := stores[(i+1)%len(stores)].Get(t.Context(), scope, fmt.Sprintf("%d-%d", i, n)); err != nil {
					t.Errorf("%d-%d is acknowledged but not visible to another store: %v", i, n, err)
				}
			}
		})
	}
	wg.Wait()
	for _, secret := range secrets {
		if secret != secrets[0] {
			t.Error("the stores have different secrets of the same name")
		}
	}
	versions := map[int64]bool{}
	view(t, s, func(tx storage.Tx) error {
		entries, err := tx.KV().List("", storage.Page{})
		for _, e := range entries {
			if versions[e.Version] {
				t.Errorf("version %d occurs twice", e.Version)
			}
			versions[e.Version] = true
		}
		return err
	})
	diff(t, "the counter", fmt.Sprint(each*len(stores)), get(t, s, "n"))
	for i, s := range stores { // the first to close must not harm the others
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		for _, other := range stores[i+1:] {
			set(t, other, "after", `1`)
		}
	}
}

// testChangedElsewhere waits with nothing but the channel for what another store
// changes.
func testChangedElsewhere(t *testing.T, r Reopener, s storage.Store) {
	other := r.Reopen(t)
	defer other.Close()
	for _, name := range []string{"shop", "blog"} {
		revision, err := s.Revision(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		changed := s.Changed(revision)
		set(t, other, "k", `1`) // is none of the catalogue
		select {
		case <-changed:
			t.Error("announced before it was made")
		default:
		}
		publish(t, other, name, 3)
		<-changed
		if _, err := s.App(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
}

// testFile wants the data to be its owner's alone.
func testFile(t *testing.T, f Filer, s storage.Store) {
	set(t, s, "k", `1`)
	info, err := os.Stat(f.File())
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("%s has mode %o, want 600", f.File(), got)
	}
}

// testChecked changes documents and their index in every way, and checks them.
func testChecked(t *testing.T, c Checker, s storage.Store) {
	app := storage.Scope{App: PublishWritten(t, s)}
	for i := range 100 {
		if err := writeThrice(s, app.App, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Tx(t.Context(), app, func(tx storage.Tx) error {
		if _, err := tx.Docs().Update("items", json.RawMessage(`{"key":{"$prefix":"1"}}`), json.RawMessage(`{"key":"x"}`)); err != nil {
			return err
		}
		_, err := tx.Docs().Delete("items", json.RawMessage(`{"key":{"$prefix":"2"}}`))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c.Check(t)
}
