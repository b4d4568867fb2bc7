package sqlite_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// What follows are faults that were once there.

func openAt(t *testing.T, path string, opt sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func setLarge(t *testing.T, s *sqlite.Store, app, key string) {
	t.Helper()
	value := json.RawMessage(`"` + strings.Repeat("x", 100_000) + `"`)
	if err := s.Tx(t.Context(), storage.Scope{App: app}, func(tx storage.Tx) error { return tx.KV().Set(key, value, 0) }); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestOpenAfterKillDuringCheckpoint lays out the files as a process leaves them
// that is killed when a checkpoint has written the first page: the page counts
// more pages than the file has, and the log has the rest.
func TestOpenAfterKillDuringCheckpoint(t *testing.T) {
	dir := t.TempDir()
	path, killed := filepath.Join(dir, "data.db"), filepath.Join(dir, "killed.db")
	s := openAt(t, path, sqlite.Options{})
	for i := range 20 {
		setLarge(t, s, "app", fmt.Sprint("k", i))
	}
	database, log := read(t, path), read(t, path+"-wal")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	copy(database[:4096], read(t, path))
	for name, data := range map[string][]byte{killed: database, killed + "-wal": log} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := sqlite.QueryFile(t.Context(), killed, "SELECT count(*) FROM kv", 1); err != nil {
		t.Errorf("query: %v", err)
	}
	openAt(t, killed, sqlite.Options{})
}

// TestRestoreDoesNotReplaceWhatCameMeanwhile has a server make the data file
// while a backup is copied to its place.
func TestRestoreDoesNotReplaceWhatCameMeanwhile(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, filepath.Join(dir, "data.db"), sqlite.Options{})
	for i := range 20 {
		setLarge(t, s, "app", fmt.Sprint("k", i))
	}
	backup, target := filepath.Join(dir, "backup.db"), filepath.Join(dir, "target.db")
	if err := s.Backup(t.Context(), backup, nil); err != nil {
		t.Fatal(err)
	}
	var live *sqlite.Store
	err := sqlite.Restore(t.Context(), backup, target, false, func(int64, int64) {
		if live == nil {
			live = openAt(t, target, sqlite.Options{})
			setLarge(t, live, "live", "k")
		}
	})
	if storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("restore: %v; want CONFLICT", err)
	}
	if err := live.Close(); err != nil {
		t.Fatal(err)
	}
	rows, err := sqlite.QueryFile(t.Context(), target, "SELECT app FROM kv", 10)
	if err != nil || len(rows.Rows) != 1 || rows.Rows[0][0] != "live" {
		t.Errorf("the target has %v, %v; want what was written there", rows, err)
	}
}

// TestFailedRequestLendsNoQuota has a request free space and fail, while
// another of its batch wants that space.
func TestFailedRequestLendsNoQuota(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "data.db"), sqlite.Options{Quotas: storage.Quotas{Total: 1_000_000}})
	scope := storage.Scope{App: "app"}
	for i := range 9 {
		setLarge(t, s, "app", fmt.Sprint("k", i))
	}
	held, release := make(chan struct{}), make(chan struct{})
	done := make(chan error, 3)
	go func() {
		done <- s.Tx(t.Context(), storage.Scope{App: "other"}, func(storage.Tx) error { close(held); <-release; return nil })
	}()
	<-held
	go func() {
		done <- s.Tx(t.Context(), scope, func(tx storage.Tx) error {
			for i := range 9 {
				if _, err := tx.KV().Delete(fmt.Sprint("k", i)); err != nil {
					return err
				}
			}
			if err := tx.KV().Set("small", json.RawMessage("1"), 0); err != nil {
				return err
			}
			return errors.New("changed my mind")
		})
	}()
	waitDepth(s, 1)
	go func() {
		done <- s.Tx(t.Context(), scope, func(tx storage.Tx) error {
			return tx.KV().Set("more", json.RawMessage(`"`+strings.Repeat("x", 900_000)+`"`), 0)
		})
	}()
	waitDepth(s, 2)
	close(release)
	for range 3 {
		<-done
	}
	if u, err := s.Usage(t.Context(), "app"); err != nil || u.Used > u.Allowed {
		t.Errorf("usage is %+v, %v", u, err)
	}
}

// waitDepth returns when n requests wait for the writer.
func waitDepth(s *sqlite.Store, n int) {
	for s.Stats().Depth < n {
		runtime.Gosched()
	}
}

// TestPanicInRowClosesStatement panics inside a statement's row: one that stayed open would hold the writer to
// an old snapshot, and refuse all its writes once another process has written.
func TestPanicInRowClosesStatement(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	s, other := openAt(t, path, sqlite.Options{}), openAt(t, path, sqlite.Options{})
	setLarge(t, s, "app", "k")
	err := s.Write(t.Context(), func(tx storage.SQL) error {
		return tx.Query("SELECT name FROM sqlite_schema", nil, func(func(...any) error) error { panic("in a row") })
	})
	if err == nil {
		t.Error("the panic was no error")
	}
	for range 2 {
		setLarge(t, other, "app", "k")
		setLarge(t, s, "app", "k")
	}
}

type brokenUpload struct{ left int }

func (r *brokenUpload) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, fmt.Errorf("the client went away: %w", io.EOF)
	}
	r.left--
	return copy(p, "bytes"), nil
}

func TestBrokenUploadIsNoBlob(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "data.db"), sqlite.Options{})
	if b, err := s.PutBlob(t.Context(), storage.Scope{App: "app"}, "x", &brokenUpload{3}, ""); err == nil {
		t.Errorf("stored as %+v", b)
	}
}

// endingContext is done from its n-th look on.
type endingContext struct {
	context.Context
	n atomic.Int64
}

func (c *endingContext) Err() error {
	if c.n.Add(-1) < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// TestDocumentIsNeverWithoutItsIndex ends the context at every step of an
// insert whose caller ignores the error.
func TestDocumentIsNeverWithoutItsIndex(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "data.db"), sqlite.Options{})
	d, err := s.Publish(t.Context(), storage.NewDeployment{Name: "app", Indexes: map[string][]string{"c": {"f"}}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	scope := storage.Scope{App: d.AppID}
	for n := range 8 {
		ctx := &endingContext{Context: t.Context()}
		ctx.n.Store(int64(n))
		// The outcome is either; what must hold is below.
		_ = s.Tx(ctx, scope, func(tx storage.Tx) error {
			_, _ = tx.Docs().Insert("c", json.RawMessage(fmt.Sprintf(`{"id":"d%d","f":%d}`, n, n)))
			return nil
		})
		err := s.View(t.Context(), scope, func(tx storage.Tx) error {
			byIndex, err := tx.Docs().Count("c", json.RawMessage(fmt.Sprintf(`{"f":%d}`, n)))
			if err != nil {
				return err
			}
			byID, err := tx.Docs().Count("c", json.RawMessage(fmt.Sprintf(`{"id":"d%d"}`, n)))
			if byIndex != byID {
				t.Errorf("step %d: %d by index, %d by id", n, byIndex, byID)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
