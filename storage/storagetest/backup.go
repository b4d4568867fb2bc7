package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fazt-sh/fazt/storage"
)

// names returns the files of a directory, hidden ones too.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := []string{}
	for _, e := range entries {
		found = append(found, e.Name())
	}
	return found
}

// writers are 32 callers who write without a pause.
type writers struct {
	mu   sync.Mutex
	keys []string // acknowledged
	quit chan struct{}
	done sync.WaitGroup
}

// startWriters returns when a thousand writes are acknowledged.
func startWriters(t *testing.T, s storage.Store, app string) *writers {
	t.Helper()
	w := &writers{quit: make(chan struct{})}
	enough, reached := context.WithCancel(t.Context()) // or one has failed
	defer reached()
	for g := range 32 {
		w.done.Go(func() {
			defer reached()
			for n := 0; ; n++ {
				select {
				case <-w.quit:
					return
				default:
				}
				key := fmt.Sprintf("%d-%d", g, n)
				if err := writeThrice(s, app, key); err != nil {
					t.Error(err)
					return
				}
				w.mu.Lock()
				if w.keys = append(w.keys, key); len(w.keys) >= 1000 {
					reached()
				}
				w.mu.Unlock()
			}
		})
	}
	<-enough.Done()
	return w
}

func (w *writers) acknowledged() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.keys)
}

func (w *writers) stop() {
	close(w.quit)
	w.done.Wait()
}

// testBackup copies a store of some megabytes while 32 callers write to it
// without a pause. Each transaction writes a key and a document and counts
// itself, so a copy of anything but one moment between two of them shows.
func testBackup(t *testing.T, r Restorer, s storage.Store) {
	app := PublishWritten(t, s)
	large := json.RawMessage(`"` + strings.Repeat("v", 1<<19) + `"`)
	for i := range 40 {
		set(t, s, fmt.Sprint("ballast", i), string(large))
	}
	w := startWriters(t, s, app)
	defer w.stop()
	before := w.acknowledged()
	dir := t.TempDir()
	copied := filepath.Join(dir, "backup")
	var steps, last, total int64
	err := s.Backup(t.Context(), copied, func(done, of int64) {
		if done < last || done > of {
			t.Errorf("progress from %d to %d of %d", last, done, of)
		}
		if steps++; steps == 1 {
			// In the middle of it, a write takes no longer than it takes.
			for n := range 100 {
				if err := writeThrice(s, app, fmt.Sprintf("during-%d", n)); err != nil {
					t.Error(err)
				}
			}
		}
		last, total = done, of
	})
	if err != nil {
		t.Fatal(err)
	}
	if steps < 10 || last != total || total < 20<<20 {
		t.Errorf("%d steps, the last at %d of %d", steps, last, total)
	}
	t.Logf("%d writes before, %d until the end", len(before), len(w.acknowledged()))
	diff(t, "files", []string{"backup"}, names(t, dir))
	info, err := os.Stat(copied)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := s.Backup(t.Context(), copied, nil); storage.CodeOf(err) != storage.CodeConflict || !errors.Is(err, fs.ErrExist) {
		t.Errorf("over an existing file: %v", err)
	}
	restored := r.Restore(t, copied)
	defer restored.Close()
	for _, wrong := range Damage(t, restored, app, before, nil) {
		t.Error(wrong)
	}
}

// testBackupErrors wants no file, and no trace of one, where there is no backup.
func testBackupErrors(t *testing.T, s storage.Store) {
	set(t, s, "k", `1`)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	into := t.TempDir()
	if err := s.Backup(cancelled, filepath.Join(into, "a"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	halfway, stop := context.WithCancel(t.Context())
	if err := s.Backup(halfway, filepath.Join(into, "a"), func(int64, int64) { stop() }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled half-way: %v", err)
	}
	wantCode(t, "no directory", s.Backup(t.Context(), filepath.Join(into, "none", "a"), nil), storage.CodeUnavailable)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "closed", s.Backup(t.Context(), filepath.Join(into, "a"), nil), storage.CodeClosed)
	diff(t, "files", []string{}, names(t, into))
}
