package sqlite_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

const (
	maxLog   = 64 << 20
	maxBatch = 6 << 20 // of these tests, with all that is changed beside the values
)

// inBubbleAt is inBubble for a test that looks at the files.
func inBubbleAt(t *testing.T, test func(t *testing.T, s *sqlite.Store, log string)) {
	path := filepath.Join(t.TempDir(), "data.db")
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path)
		defer func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
		test(t, s, path+"-wal")
	})
}

func sizeOf(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// write4MB changes four values of 1 MB so many times, and returns how large the log was
// at most.
func write4MB(t *testing.T, s *sqlite.Store, log string, times int) (most int64) {
	t.Helper()
	for range times {
		err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
			// A value like the one before it would not be written.
			value := fmt.Appendf(nil, "%q", strings.Repeat(rand.Text(), 1<<20/26-1))
			for i := range 4 {
				if err := tx.KV().Set(fmt.Sprint("large", i), value, 0); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, sizeOf(t, log))
	}
	return most
}

// TestLogIsBounded writes 100 MB while two readers take turns such that there is always
// a snapshot: short ones, of which none is ended, and long ones, which read on until
// they are. The log stays short.
func TestLogIsBounded(t *testing.T) {
	tests := []struct {
		name  string
		lasts time.Duration
		ended bool
	}{
		{"short", time.Millisecond, false},
		{"long", 10 * time.Second, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inBubbleAt(t, func(t *testing.T, s *sqlite.Store, log string) {
				if err := set(s, t.Context(), "k"); err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithCancel(t.Context())
				var wg sync.WaitGroup
				var ended, whole, open atomic.Int64
				for range 2 {
					wg.Go(func() {
						for ctx.Err() == nil {
							err := s.View(t.Context(), scope, func(tx storage.Tx) error {
								open.Add(1)
								defer open.Add(-1)
								// It goes on until the other has begun, if that may begin.
								for begun := time.Now(); ctx.Err() == nil && (time.Since(begun) < test.lasts || open.Load() < 2); {
									if _, err := tx.KV().Get("k"); err != nil {
										return err
									}
									time.Sleep(100 * time.Microsecond)
									if test.lasts < time.Second && time.Since(begun) > 2*test.lasts {
										break
									}
								}
								return nil
							})
							switch {
							case err == nil:
								whole.Add(1)
							case storage.CodeOf(err) == storage.CodeOverloaded:
								ended.Add(1)
							default:
								t.Error(err)
							}
						}
					})
				}
				most := int64(0)
				for range 25 {
					most = max(most, write4MB(t, s, log, 1))
					time.Sleep(300 * time.Microsecond) // and readers go on
				}
				stop()
				wg.Wait()
				t.Logf("the log had %d MiB at most; %d reads were ended, %d were not", most>>20, ended.Load(), whole.Load())
				if most > maxLog+maxBatch {
					t.Errorf("the log grew to %d bytes", most)
				}
				if got := ended.Load() > 0; got != test.ended {
					t.Errorf("%d reads were ended", ended.Load())
				}
			})
		})
	}
}

// TestLogBesideAFunctionThatWaits has a snapshot that can't be ended, as the function
// that has it doesn't read. Writes go on, and the log is short again after it.
func TestLogBesideAFunctionThatWaits(t *testing.T) {
	inBubbleAt(t, func(t *testing.T, s *sqlite.Store, log string) {
		if err := set(s, t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		begun, free, viewed := make(chan struct{}), make(chan struct{}), make(chan error)
		go func() {
			viewed <- s.View(t.Context(), scope, func(tx storage.Tx) error {
				if _, err := tx.KV().Get("k"); err != nil {
					return err
				}
				close(begun)
				<-free
				_, err := tx.KV().Get("k")
				return err
			})
		}()
		<-begun
		if most := write4MB(t, s, log, 25); most < 90<<20 {
			t.Errorf("the log had %d bytes at most: nothing kept it", most)
		}
		close(free)
		if err := <-viewed; storage.CodeOf(err) != storage.CodeOverloaded {
			t.Errorf("the view: %v, want %s", err, storage.CodeOverloaded)
		}
		write4MB(t, s, log, 15)
		if size := sizeOf(t, log); size > maxLog+maxBatch {
			t.Errorf("the log still has %d bytes", size)
		}
		if !has(t, s, "k") {
			t.Error("a read after all that finds nothing")
		}
	})
}

// TestLongQueryIsEnded has an operator's query run while the log grows.
func TestLongQueryIsEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	s := open(t, path)
	defer s.Close()
	if err := set(s, t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	err := s.View(t.Context(), scope, func(tx storage.Tx) error {
		if _, err := tx.KV().Get("k"); err != nil {
			return err
		}
		write4MB(t, s, path+"-wal", 14) // the log is nearly as long as it may be
		asked := make(chan error)
		go func() {
			_, err := s.Query(t.Context(), "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n", 1)
			asked <- err
		}()
		for sqlite.Snapshots(s) < 2 {
			runtime.Gosched()
		}
		for {
			select {
			case err := <-asked:
				return err
			default:
				write4MB(t, s, path+"-wal", 1)
			}
		}
	})
	if storage.CodeOf(err) != storage.CodeOverloaded {
		t.Errorf("got %v, want %s", err, storage.CodeOverloaded)
	}
}

// TestFoldsBesideTheWriter keeps the log from being folded: writes don't wait for that,
// and none of them does it. Then it is done, without another write.
func TestFoldsBesideTheWriter(t *testing.T) {
	inBubbleAt(t, func(t *testing.T, s *sqlite.Store, log string) {
		data := strings.TrimSuffix(log, "-wal")
		release := sqlite.HoldFolding(s)
		before := sizeOf(t, data)
		write4MB(t, s, log, 6)
		synctest.Wait()
		if size := sizeOf(t, data); size != before {
			t.Errorf("the data file grew from %d to %d bytes", before, size)
		}
		release()
		synctest.Wait()
		if size := sizeOf(t, data); size < 4<<20 {
			t.Errorf("the data file still has %d bytes", size)
		}
	})
}

// TestLogsInShortSteps appends lines of 1 MB together.
func TestLogsInShortSteps(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		lines := make([]storage.LogLine, 128)
		for i := range lines {
			lines[i] = storage.LogLine{App: "a", Time: time.Now(), Level: "info", Text: strings.Repeat("x", 8<<10)}
		}
		before := s.Stats().Batches
		if err := s.AppendLogs(t.Context(), lines); err != nil {
			t.Fatal(err)
		}
		if n := s.Stats().Batches - before; n < 16 {
			t.Errorf("%d transactions", n)
		}
		wantCount(t, s, "lines", "SELECT count(*) FROM logs", int64(len(lines)))
	})
}
