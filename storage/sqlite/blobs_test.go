package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// bodies returns how many chunks there are, and how many loose bodies.
func bodies(t *testing.T, s *sqlite.Store) [2]int64 {
	t.Helper()
	return [2]int64{count(t, s, "SELECT count(*) FROM chunks"), count(t, s, "SELECT count(*) FROM loose_bodies")}
}

func wantBodies(t *testing.T, s *sqlite.Store, what string, chunks, loose int64) {
	t.Helper()
	if d := cmp.Diff([2]int64{chunks, loose}, bodies(t, s)); d != "" {
		t.Errorf("%s, chunks and loose bodies (-want +got):\n%s", what, d)
	}
}

func putBlob(t *testing.T, s *sqlite.Store, path string, size int) {
	t.Helper()
	if _, err := s.PutBlob(context.Background(), scope, path, strings.NewReader(strings.Repeat("x", size)), ""); err != nil {
		t.Fatal(err)
	}
}

// TestSweepsBlobs replaces and deletes blobs: what they let go is gone without
// the clock moving, unless somebody reads it.
func TestSweepsBlobs(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		for _, size := range []int{0, 1, 1 << 18, 1<<18 + 1, 6 << 20, 1} {
			putBlob(t, s, "p", size)
			synctest.Wait()
			chunks := (int64(size) + 1<<18 - 1) >> 18
			wantBodies(t, s, fmt.Sprint(size), chunks, 0)
		}
		putBlob(t, s, "p", 6<<20)
		_, r, err := s.OpenBlob(t.Context(), scope, "p")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.DeleteBlob(t.Context(), scope, "p"); err != nil {
			t.Fatal(err)
		}
		wait(24 * time.Hour)
		wantBodies(t, s, "read", 24, 1)
		data, err := io.ReadAll(r)
		if err != nil || len(data) != 6<<20 {
			t.Errorf("%d bytes, %v", len(data), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		wait(2 * time.Minute)
		wantBodies(t, s, "closed", 0, 0)
	})
}

// TestSweepsBrokenUploads has uploads fail: at once if the server knows, within
// the hour if it was killed.
func TestSweepsBrokenUploads(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		broken := errors.New("broken")
		big := strings.Repeat("x", 3<<20)
		for _, data := range []io.Reader{
			io.MultiReader(strings.NewReader(big), iotest.ErrReader(broken)),
			io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken)),
		} {
			if _, err := s.PutBlob(t.Context(), scope, "p", data, ""); !errors.Is(err, broken) {
				t.Error(err)
			}
			synctest.Wait()
			wantBodies(t, s, "broken", 0, 0)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := s.PutBlob(ctx, scope, "p", io.MultiReader(strings.NewReader(big), readerFunc(func([]byte) (int, error) {
			cancel()
			return 0, io.EOF
		})), ""); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		synctest.Wait()
		wantBodies(t, s, "cancelled", 0, 0)

		// A chunk every 50 minutes is slow, but no crime.
		rest := bytes.NewReader([]byte(big))
		slow := readerFunc(func(p []byte) (int, error) {
			if rest.Len()%(1<<18) == 0 {
				time.Sleep(50 * time.Minute)
			}
			return rest.Read(p[:min(len(p), 1<<18)])
		})
		if _, err := s.PutBlob(t.Context(), scope, "p", slow, ""); err != nil {
			t.Error(err)
		}
		wantBodies(t, s, "slow", 12, 0)

		// An upload that stops for longer is swept, and then can't go on.
		stopped := io.MultiReader(strings.NewReader(big), readerFunc(func(p []byte) (int, error) {
			time.Sleep(3 * time.Hour)
			return 0, io.EOF
		}))
		_, err := s.PutBlob(t.Context(), scope, "q", stopped, "")
		if storage.CodeOf(err) != storage.CodeNotFound {
			t.Errorf("a stopped upload: %v", err)
		}
		synctest.Wait()
		wantBodies(t, s, "stopped", 12, 0)
	})
}

// TestSlowUploadHoldsNobodyUp writes keys between the chunks of an upload.
func TestSlowUploadHoldsNobodyUp(t *testing.T) {
	s := open(t, t.TempDir()+"/data.db")
	defer s.Close()
	n := 0
	data := readerFunc(func(p []byte) (int, error) {
		if n++; n > 20 {
			return 0, io.EOF
		}
		if err := set(s, t.Context(), fmt.Sprint("k", n)); err != nil {
			return 0, err
		}
		return len(p), nil
	})
	if _, err := s.PutBlob(t.Context(), scope, "p", data, ""); err != nil {
		t.Error(err)
	}
}

// TestBlobSweptByAnother has another store sweep what this one reads: the reader
// fails, and never makes up bytes.
func TestBlobSweptByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := t.TempDir() + "/data.db"
		s, other := open(t, path), open(t, path)
		defer other.Close()
		defer s.Close()
		putBlob(t, s, "p", 1<<20)
		_, r, err := s.OpenBlob(t.Context(), scope, "p")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := io.CopyN(io.Discard, r, 10); err != nil {
			t.Fatal(err)
		}
		putBlob(t, other, "p", 2<<20)
		synctest.Wait()
		wantBodies(t, s, "swept", 8, 0)
		n, err := io.Copy(io.Discard, r)
		if storage.CodeOf(err) != storage.CodeNotFound || n > 1<<18 {
			t.Errorf("read %d bytes more, %v", n, err)
		}
	})
}

func TestExpiredKeysStopCounting(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		setTTL := func(ttl time.Duration) {
			t.Helper()
			if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error { return tx.KV().Set("key", benchValue, ttl) }); err != nil {
				t.Fatal(err)
			}
		}
		wantUsed := func(what string, want int64) {
			t.Helper()
			if u, err := s.Usage(t.Context(), scope.App); err != nil || u.Used != want {
				t.Errorf("%s: %+v, %v; want %d", what, u, err, want)
			}
		}
		setTTL(time.Second)
		wait(2 * time.Second)
		setTTL(time.Second) // over one that has expired, and is still there
		wantUsed("overwritten", 3+256+storage.RowBytes)
		wait(3 * time.Minute)
		wantUsed("swept", 0)
	})
}

func TestSweepsLogs(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		add := func(app string, n int) {
			t.Helper()
			lines := make([]storage.LogLine, n)
			for i := range lines {
				lines[i] = storage.LogLine{App: app, Time: time.Now(), Text: fmt.Sprint(i)}
			}
			if err := s.AppendLogs(t.Context(), lines); err != nil {
				t.Fatal(err)
			}
		}
		add("busy", storage.LogLines+1234)
		add("quiet", 5)
		wait(2 * time.Minute)
		wantCount(t, s, "busy", "SELECT count(*) FROM logs WHERE app = 'busy'", storage.LogLines)
		wantCount(t, s, "quiet", "SELECT count(*) FROM logs WHERE app = 'quiet'", 5)
		newest, err := s.Logs(t.Context(), storage.LogQuery{Apps: []string{"busy"}, Newest: true, Limit: 1})
		if err != nil || newest.Lines[0].Text != fmt.Sprint(storage.LogLines+1233) {
			t.Errorf("the newest: %+v, %v", newest, err)
		}
		wait(6 * 24 * time.Hour)
		add("quiet", 1)
		wait(25 * time.Hour)
		wantCount(t, s, "left after a week", "SELECT count(*) FROM logs", 1)
		before := s.Stats().Batches
		wait(10 * time.Minute)
		if n := s.Stats().Batches - before; n != 0 {
			t.Errorf("%d transactions with nothing to sweep", n)
		}
	})
}
