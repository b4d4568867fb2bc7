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
	"sync/atomic"
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

// testBackup copies a store of some megabytes while 32 callers write to it
// without a pause. Each transaction writes a key and a document and counts
// itself, so a copy of anything but one moment between two of them shows.
func testBackup(t *testing.T, r Restorer, s storage.Store) {
	app := PublishWritten(t, s)
	large := json.RawMessage(`"` + strings.Repeat("v", 1<<19) + `"`)
	for i := range 40 {
		set(t, s, fmt.Sprint("ballast", i), string(large))
	}
	var mu sync.Mutex
	var acknowledged []string
	var writes atomic.Int64
	stop := make(chan struct{})
	enough, reached := context.WithCancel(t.Context()) // or one has failed
	defer reached()
	var writers sync.WaitGroup
	for g := range 32 {
		writers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				key := fmt.Sprintf("%d-%d", g, n)
				if err := writeThrice(s, app, key); err != nil {
					t.Error(err)
					reached()
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, key)
				mu.Unlock()
				if writes.Add(1) == 1000 {
					reached()
				}
			}
		})
	}
	defer writers.Wait()
	defer close(stop)
	<-enough.Done()
	mu.Lock()
	before := slices.Clone(acknowledged)
	mu.Unlock()
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
	t.Logf("%d writes before, %d until the end", len(before), writes.Load())
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
