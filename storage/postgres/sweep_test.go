package postgres_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/postgres"
)

// number is what a query of one number finds.
func number(t *testing.T, s *postgres.Store, query string, args ...any) (n int64) {
	t.Helper()
	if err := s.Read(t.Context(), func(q storage.SQL) error {
		return q.Query(query, args, func(scan func(...any) error) error { return scan(&n) })
	}); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func wantNumber(t *testing.T, s *postgres.Store, what string, want int64, query string, args ...any) {
	t.Helper()
	if got := number(t, s, query, args...); got != want {
		t.Errorf("%s: %d, want %d", what, got, want)
	}
}

// change changes rows directly, as time would.
func change(t *testing.T, s *postgres.Store, query string, args ...any) {
	t.Helper()
	if err := s.Write(t.Context(), func(q storage.SQL) error { _, err := q.Exec(query, args...); return err }); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// sweep has a store sweep now, which no other does.
func sweep(t *testing.T, s *postgres.Store) {
	t.Helper()
	for {
		swept, err := s.SweepNow(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if swept {
			return
		}
		<-time.After(10 * time.Millisecond) // its own sweeper is at it
	}
}

func TestSweepsExpiredKeys(t *testing.T) {
	s := open(t, database(t))
	scopes := []storage.Scope{{App: "a"}, {App: "a", User: "u"}, {App: "b"}}
	for _, scope := range scopes {
		if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
			for i := range 700 {
				if err := tx.KV().Set(fmt.Sprintf("short-%d", i), json.RawMessage(`1`), time.Hour); err != nil {
					return err
				}
			}
			return errors.Join(tx.KV().Set("long", json.RawMessage(`1`), 2*time.Hour), tx.KV().Set("ever", json.RawMessage(`1`), 0))
		}); err != nil {
			t.Fatal(err)
		}
	}
	sweep(t, s)
	wantNumber(t, s, "before", 3*702, "SELECT count(*) FROM kv")
	change(t, s, "UPDATE kv SET expires_at = expires_at - ? WHERE expires_at > 0", (90 * time.Minute).Milliseconds())
	sweep(t, s)
	wantNumber(t, s, "after", 3*2, "SELECT count(*) FROM kv")
	for app, users := range map[string]int64{"a": 2, "b": 1} {
		usage, err := s.Usage(t.Context(), app)
		if want := users * int64(len("long1ever1")+2*storage.RowBytes); usage.Used != want || err != nil {
			t.Errorf("%s uses %d, %v; want %d", app, usage.Used, err, want)
		}
	}
}

func TestSweepsRemovedApps(t *testing.T) {
	s := open(t, database(t))
	ids := map[string]string{}
	fill := func(app string) {
		t.Helper()
		for _, user := range []string{"", "u"} {
			scope := storage.Scope{App: app, User: user}
			if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
				for i := range 600 {
					if err := tx.KV().Set(fmt.Sprint(i), json.RawMessage(`1`), 0); err != nil {
						return err
					}
					if _, err := tx.Docs().Insert("items", json.RawMessage(`{"n":1}`)); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.PutBlob(t.Context(), scope, "b", strings.NewReader("x"), ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{"gone", "kept", "other"} {
		d, err := s.Publish(t.Context(), storage.NewDeployment{Name: name, Indexes: map[string][]string{"items": {"n"}}}, 3)
		if err != nil {
			t.Fatal(err)
		}
		ids[name] = d.AppID
		fill(d.AppID)
	}
	for name, keep := range map[string]bool{"gone": false, "kept": true} {
		if err := s.RemoveApp(t.Context(), ids[name], keep); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what, name string, rows int64) {
		t.Helper()
		for _, table := range []string{"kv", "documents", "index_entries"} {
			wantNumber(t, s, what+": "+table+" of "+name, rows, "SELECT count(*) FROM "+table+" WHERE app = ?", ids[name])
		}
	}
	sweep(t, s)
	want("removed", "gone", 0)
	want("removed", "kept", 1200)
	want("removed", "other", 1200)
	fill(ids["gone"]) // by a request that was running
	sweep(t, s)
	want("written after", "gone", 0)
	wantNumber(t, s, "what it used", 0, "SELECT count(*) FROM usage WHERE app = ?", ids["gone"])
	wantNumber(t, s, "remembered", 2, "SELECT count(*) FROM removed_apps")
	change(t, s, "UPDATE removed_apps SET removed_at = removed_at - ?", (61 * time.Minute).Milliseconds())
	sweep(t, s)
	wantNumber(t, s, "forgotten", 1, "SELECT count(*) FROM removed_apps")
	want("an hour later", "kept", 1200)
}

func TestSweepsContent(t *testing.T) {
	s := open(t, database(t))
	put := func(data string) storage.File {
		t.Helper()
		hash := sum(data)
		if err := s.PutContent(t.Context(), storage.Content{Hash: hash, Data: strings.NewReader(data), Encoded: map[string][]byte{"gzip": []byte("z")}}); err != nil {
			t.Fatal(err)
		}
		return storage.File{Path: "f", Hash: hash, Size: int64(len(data))}
	}
	deploy := func(f storage.File) {
		t.Helper()
		if _, err := s.Publish(t.Context(), storage.NewDeployment{Name: "shop", Files: []storage.File{f}}, 1); err != nil {
			t.Fatal(err)
		}
	}
	later := func(d time.Duration) {
		t.Helper()
		change(t, s, "UPDATE contents SET touched_at = touched_at - ?", d.Milliseconds())
		sweep(t, s)
	}
	stored := func(f storage.File) bool {
		return number(t, s, "SELECT count(*) FROM contents WHERE hash = ?", f.Hash) > 0
	}
	reported := func(f storage.File) bool {
		t.Helper()
		has, err := s.HasContent(t.Context(), []string{f.Hash})
		if err != nil {
			t.Fatal(err)
		}
		_, ok := has[f.Hash]
		return ok
	}
	orphan, first, second, third := put("orphan"), put(strings.Repeat("x", 3<<20)), put("second"), put("third")
	deploy(first)
	later(59 * time.Minute)
	if !stored(orphan) || reported(orphan) {
		t.Errorf("content that is about to be swept: stored %t, reported %t", stored(orphan), reported(orphan))
	}
	put("third") // somebody wants it, and has another hour
	if !reported(first) || !reported(third) {
		t.Error("content that stays is not reported")
	}
	later(3 * time.Minute)
	if stored(orphan) || stored(second) || !stored(first) || !stored(third) {
		t.Errorf("stored: orphan %t, second %t, first %t, third %t", stored(orphan), stored(second), stored(first), stored(third))
	}
	deploy(third) // and first is let go
	if !reported(first) {
		t.Error("content that was let go a moment ago is not reported")
	}
	later(2 * time.Hour)
	if stored(first) || !stored(third) {
		t.Errorf("stored: first %t, third %t", stored(first), stored(third))
	}
	change(t, s, "UPDATE loose_bodies SET sweep_at = 1")
	sweep(t, s)
	wantNumber(t, s, "chunks", 2, "SELECT count(*) FROM chunks")
	wantNumber(t, s, "bodies on the list", 0, "SELECT count(*) FROM loose_bodies")
}

// TestSweepsAbandonedUploads breaks uploads off, and lets a slow one be.
func TestSweepsAbandonedUploads(t *testing.T) {
	s := open(t, database(t))
	large := strings.Repeat("x", 1<<20)
	ctx, cancel := context.WithCancel(t.Context())
	broken := io.MultiReader(strings.NewReader(large), readerFunc(func([]byte) (int, error) { cancel(); return 0, io.ErrUnexpectedEOF }))
	if err := s.PutContent(ctx, storage.Content{Hash: sum(large), Data: broken}); err == nil {
		t.Error("a broken upload was stored")
	}
	if _, err := s.PutBlob(t.Context(), storage.Scope{App: "a"}, "b", io.MultiReader(strings.NewReader(large), iotest.ErrReader(io.ErrUnexpectedEOF)), ""); err == nil {
		t.Error("a broken blob was stored")
	}
	swept := 0
	slow := io.MultiReader(strings.NewReader(large), readerFunc(func(p []byte) (int, error) {
		sweep(t, s)
		swept++
		wantNumber(t, s, "while the slow one is under way", 3, "SELECT count(*) FROM chunks")
		return 0, io.EOF
	}))
	if err := s.PutContent(t.Context(), storage.Content{Hash: sum(large), Data: slow}); err != nil {
		t.Errorf("a slow upload: %v", err)
	}
	sweep(t, s)
	wantNumber(t, s, "chunks", 4, "SELECT count(*) FROM chunks")
	if swept == 0 {
		t.Error("nothing was swept meanwhile")
	}
	// A server that ends half-way leaves its upload to the others.
	change(t, s, "INSERT INTO loose_bodies (id, sweep_at) VALUES ('left', 1)")
	change(t, s, "INSERT INTO chunks (body, n, data) VALUES ('left', 0, ?)", []byte("x"))
	sweep(t, s)
	wantNumber(t, s, "chunks", 4, "SELECT count(*) FROM chunks")
}

// TestReadOnWhileSwept reads a large blob on one server while another replaces it and
// sweeps what it was.
func TestReadOnWhileSwept(t *testing.T) {
	url := database(t)
	here, there := open(t, url), open(t, url)
	scope := storage.Scope{App: "a"}
	old := bytes.Repeat([]byte("o"), 1<<20)
	if _, err := there.PutBlob(t.Context(), scope, "b", bytes.NewReader(old), ""); err != nil {
		t.Fatal(err)
	}
	_, r, err := here.OpenBlob(t.Context(), scope, "b")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	minuteLater := func() {
		t.Helper()
		change(t, there, "UPDATE loose_bodies SET sweep_at = sweep_at - 60000 WHERE sweep_at > 60000")
	}
	if _, err := there.PutBlob(t.Context(), scope, "b", strings.NewReader("new"), ""); err != nil {
		t.Fatal(err)
	}
	sweep(t, there) // who reads has a minute
	if err := here.RenewPinned(t.Context()); err != nil {
		t.Fatal(err)
	}
	minuteLater()
	if err := here.RenewPinned(t.Context()); err != nil { // and another each time
		t.Fatal(err)
	}
	sweep(t, there)
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, old) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := here.RenewPinned(t.Context()); err != nil {
		t.Fatal(err)
	}
	minuteLater()
	sweep(t, there)
	wantNumber(t, there, "chunks", 1, "SELECT count(*) FROM chunks")
}

func TestSweepsLogsAndAudit(t *testing.T) {
	s := open(t, database(t))
	d, err := s.Publish(t.Context(), storage.NewDeployment{Name: "shop"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UnixMilli()
	lines := func(app string, first, n, at int64) {
		t.Helper()
		change(t, s, `INSERT INTO logs (id, app, at, level, text, request_id)
			SELECT n, ?, ?, 'info', '', '' FROM generate_series(CAST(? AS BIGINT), CAST(? AS BIGINT)) AS s (n)`, app, at, first, first+n-1)
	}
	const old = 1234
	lines("other", 1, old, now-storage.LogAge.Milliseconds()-1000)
	lines(d.AppID, 10_000, storage.LogLines, now)
	sweep(t, s)
	wantNumber(t, s, "just enough", storage.LogLines, "SELECT count(*) FROM logs")
	lines(d.AppID, 30_000, 777, now)
	sweep(t, s)
	wantNumber(t, s, "lines", storage.LogLines, "SELECT count(*) FROM logs")
	wantNumber(t, s, "the oldest line", 10_777, "SELECT min(id) FROM logs")

	entries := func(first, n int64) {
		t.Helper()
		change(t, s, `INSERT INTO audit (id, at, actor_kind, actor_id, actor_name, actor_addr, action, target, details)
			SELECT to_char(n, 'FM000000000'), 0, '', '', '', '', '', '', '{}' FROM generate_series(CAST(? AS BIGINT), CAST(? AS BIGINT)) AS s (n)`, first, first+n-1)
	}
	change(t, s, "DELETE FROM audit")
	entries(1, storage.AuditRows)
	sweep(t, s)
	wantNumber(t, s, "just enough", storage.AuditRows, "SELECT count(*) FROM audit")
	entries(storage.AuditRows+1, old)
	sweep(t, s)
	wantNumber(t, s, "entries", storage.AuditRows, "SELECT count(*) FROM audit")
	wantNumber(t, s, "the oldest entry", old+1, "SELECT CAST(min(id) AS BIGINT) FROM audit")
}

// TestSweepsEmptiedCollections has nothing left of documents that nobody can see.
func TestSweepsEmptiedCollections(t *testing.T) {
	s := open(t, database(t))
	d, err := s.Publish(t.Context(), storage.NewDeployment{Name: "shop", Indexes: map[string][]string{"items": {"n"}}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	scope := storage.Scope{App: d.AppID}
	for i := range 2 {
		if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
			if i == 1 {
				if _, err := tx.Docs().Delete("items", json.RawMessage(`{}`)); err != nil {
					return err
				}
			}
			for range 700 >> (9 * i) {
				if _, err := tx.Docs().Insert("items", json.RawMessage(`{"n":1}`)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	sweep(t, s)
	for _, table := range []string{"documents", "index_entries", "docs"} {
		wantNumber(t, s, table, 1, "SELECT count(*) FROM "+table)
	}
	wantNumber(t, s, "generations", 0, "SELECT count(*) FROM cleared")
}

// TestSweepsOnOneServer: while one server sweeps, no other does.
func TestSweepsOnOneServer(t *testing.T) {
	url := database(t)
	stores := []*postgres.Store{open(t, url), open(t, url), open(t, url)}
	for {
		ok, err := stores[0].AcquireLease(t.Context(), postgres.SweepLease, "another", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			break
		}
		<-time.After(10 * time.Millisecond) // they sweep when they are opened
	}
	var swept []bool
	all := func() []bool {
		t.Helper()
		swept = nil
		for _, s := range stores {
			ok, err := s.SweepNow(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			swept = append(swept, ok)
		}
		return swept
	}
	if diff := cmp.Diff([]bool{false, false, false}, all()); diff != "" {
		t.Errorf("while another sweeps (-want +got):\n%s", diff)
	}
	if err := stores[0].ReleaseLease(t.Context(), postgres.SweepLease, "another"); err != nil {
		t.Fatal(err)
	}
	sweep(t, stores[2])
}
