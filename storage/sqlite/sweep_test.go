package sqlite_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// count returns the number that a query asks for.
func count(t *testing.T, s *sqlite.Store, query string) int64 {
	t.Helper()
	table, err := s.Query(t.Context(), query, 1)
	if err != nil {
		t.Fatal(err)
	}
	return table.Rows[0][0].(int64)
}

func wantCount(t *testing.T, s *sqlite.Store, what, query string, want int64) {
	t.Helper()
	if got := count(t, s, query); got != want {
		t.Errorf("%s: %d, want %d", what, got, want)
	}
}

// wait lets d pass, and the sweeper finish what it does then.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestSweepsExpiredKeys(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
			for i := range 1000 {
				if err := tx.KV().Set(fmt.Sprintf("short-%d", i), json.RawMessage(`1`), time.Second); err != nil {
					return err
				}
			}
			if err := tx.KV().Set("long", json.RawMessage(`1`), time.Hour); err != nil {
				return err
			}
			return tx.KV().Set("ever", json.RawMessage(`1`), 0)
		}); err != nil {
			t.Fatal(err)
		}
		wait(time.Second - time.Millisecond)
		if !has(t, s, "short-0") {
			t.Error("expired too soon")
		}
		wait(time.Millisecond)
		if has(t, s, "short-0") {
			t.Error("visible after its time")
		}
		wantCount(t, s, "rows before the sweep", "SELECT count(*) FROM kv", 1002)
		before := s.Stats().Batches
		wait(2 * time.Minute)
		wantCount(t, s, "rows after it", "SELECT count(*) FROM kv", 2)
		if n := s.Stats().Batches - before; n < 5 {
			t.Errorf("swept in %d transactions, not in small ones", n)
		}
		before = s.Stats().Batches
		wait(10 * time.Minute)
		if n := s.Stats().Batches - before; n != 0 {
			t.Errorf("%d transactions with nothing to sweep", n)
		}
		wait(time.Hour)
		if has(t, s, "long") || !has(t, s, "ever") {
			t.Error("the wrong key has expired")
		}
	})
}

func TestSweepsRemovedApps(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		fill := func(app string) {
			for _, user := range []string{"", "u"} {
				if err := s.Tx(t.Context(), storage.Scope{App: app, User: user}, func(tx storage.Tx) error {
					for i := range 500 {
						if err := tx.KV().Set(fmt.Sprint(i), json.RawMessage(`1`), 0); err != nil {
							return err
						}
						if _, err := tx.Docs().Insert("items", json.RawMessage(`{}`)); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
			}
		}
		ids := map[string]string{}
		for _, name := range []string{"gone", "kept", "other"} {
			d, err := s.Publish(t.Context(), storage.NewDeployment{Name: name}, 3)
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
		synctest.Wait() // at once, and not when the clock says
		rows := func(name string) string {
			return fmt.Sprintf("SELECT (SELECT count(*) FROM kv WHERE app = '%s') + (SELECT count(*) FROM docs WHERE app = '%[1]s')", ids[name])
		}
		wantCount(t, s, "gone", rows("gone"), 0)
		wantCount(t, s, "kept", rows("kept"), 2000)
		wantCount(t, s, "other", rows("other"), 2000)

		fill(ids["gone"]) // by a request that was running
		wait(2 * time.Hour)
		wantCount(t, s, "written after", rows("gone"), 0)
		wantCount(t, s, "remembered", "SELECT count(*) FROM removed_apps", 1)
		wantCount(t, s, "kept", rows("kept"), 2000)
	})
}

func TestSweepsContent(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		put := func(data string) storage.File {
			sum := sha256.Sum256([]byte(data))
			hash := hex.EncodeToString(sum[:])
			if err := s.PutContent(t.Context(), storage.Content{Hash: hash, Data: strings.NewReader(data),
				Encoded: map[string][]byte{"gzip": []byte("z")}}); err != nil {
				t.Fatal(err)
			}
			return storage.File{Path: "f", Hash: hash, Size: int64(len(data))}
		}
		deploy := func(f storage.File) string {
			d, err := s.Publish(t.Context(), storage.NewDeployment{Name: "shop", Files: []storage.File{f}}, 1)
			if err != nil {
				t.Fatal(err)
			}
			return d.AppID
		}
		stored := func(f storage.File) bool {
			return count(t, s, "SELECT count(*) FROM contents WHERE hash = '"+f.Hash+"'") > 0
		}
		reported := func(f storage.File) bool {
			has, err := s.HasContent(t.Context(), []string{f.Hash})
			if err != nil {
				t.Fatal(err)
			}
			_, ok := has[f.Hash]
			return ok
		}
		large := strings.Repeat("x", 20<<20)
		orphan, first, second, third := put("orphan"), put(large), put("second"), put("third")
		deploy(first)
		wait(59 * time.Minute)
		if !stored(orphan) {
			t.Error("swept within its hour")
		}
		if reported(orphan) {
			t.Error("content that is about to be swept is reported")
		}
		put("third") // somebody wants it, and has another hour
		if !reported(first) || !reported(third) {
			t.Error("content that stays is not reported")
		}
		wait(3 * time.Minute)
		if stored(orphan) || stored(second) || !stored(first) || !stored(third) {
			t.Errorf("stored: orphan %t, second %t, first %t, third %t", stored(orphan), stored(second), stored(first), stored(third))
		}

		r, err := s.OpenContent(t.Context(), first.Hash, "")
		if err != nil {
			t.Fatal(err)
		}
		id := deploy(third) // and first is let go
		if !reported(first) {
			t.Error("content that was let go a moment ago is not reported")
		}
		wait(3 * time.Hour)
		data, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(data, []byte(large)) {
			t.Errorf("a reader got %d bytes, %v", len(data), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		wait(2 * time.Minute)
		if stored(first) || !stored(third) {
			t.Errorf("stored: first %t, third %t", stored(first), stored(third))
		}
		if err := s.RemoveApp(t.Context(), id, false); err != nil {
			t.Fatal(err)
		}
		wait(2 * time.Hour)
		left := []int64{count(t, s, "SELECT count(*) FROM contents"), count(t, s, "SELECT count(*) FROM chunks")}
		if diff := cmp.Diff([]int64{0, 0}, left); diff != "" {
			t.Errorf("contents and chunks (-want +got):\n%s", diff)
		}
	})
}

// TestSweepsAbandonedUploads breaks an upload off, and lets a slow one be.
func TestSweepsAbandonedUploads(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		body := strings.Repeat("x", 1<<20)
		sum := sha256.Sum256([]byte(body))
		hash := hex.EncodeToString(sum[:])
		broken := readerFunc(func(p []byte) (int, error) { cancel(); return copy(p, body), nil })
		if err := s.PutContent(ctx, storage.Content{Hash: hash, Data: broken}); err == nil {
			t.Error("a broken upload was stored")
		}
		rest := strings.NewReader(body)
		slow := readerFunc(func(p []byte) (int, error) {
			time.Sleep(25 * time.Minute)
			return rest.Read(p[:min(len(p), 256<<10)])
		})
		if err := s.PutContent(t.Context(), storage.Content{Hash: hash, Data: slow}); err != nil {
			t.Errorf("a slow upload: %v", err)
		}
		wantCount(t, s, "contents", "SELECT count(*) FROM contents", 1)
		wantCount(t, s, "chunks", "SELECT count(*) FROM chunks", 4)
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
