package sqlite_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
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

// TestBackupFile copies data files that no store of this process has open.
func TestBackupFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "data.db")
	s := open(t, path)
	if err := set(s, t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), path, nil); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("over the data file: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	into := t.TempDir()
	if err := sqlite.BackupFile(t.Context(), filepath.Join(dir, "none"), filepath.Join(into, "a"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
	if diff := cmp.Diff([]string{}, names(t, into)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if err := sqlite.BackupFile(t.Context(), path, filepath.Join(into, "a"), nil); err != nil {
		t.Errorf("of a file that nobody has open: %v", err)
	}
}

func TestRestore(t *testing.T) {
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "data.db"), filepath.Join(t.TempDir(), "copy.db")
	s := open(t, path)
	if err := set(s, t.Context(), "old"); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), copied, nil); err != nil {
		t.Fatal(err)
	}
	if err := set(s, t.Context(), "new"); err != nil {
		t.Fatal(err)
	}
	keys := func(path string) (found []string) {
		t.Helper()
		s := open(t, path)
		defer s.Close()
		for _, key := range []string{"old", "new"} {
			if has(t, s, key) {
				found = append(found, key)
			}
		}
		return found
	}

	// Open here, open in another process, or there without a word of force.
	if err := sqlite.Restore(t.Context(), copied, path, true, nil); storage.CodeOf(err) != storage.CodeOverloaded {
		t.Errorf("over an open file: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c := startChild(t, "hold", path)
	c.line(t)
	if err := sqlite.Restore(t.Context(), copied, path, true, nil); storage.CodeOf(err) != storage.CodeOverloaded {
		t.Errorf("over a file that another process has open: %v", err)
	}
	c.finish(t)
	if err := sqlite.Restore(t.Context(), copied, path, false, nil); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("without force: %v", err)
	}
	if diff := cmp.Diff([]string{"old", "new"}, keys(path)); diff != "" {
		t.Errorf("after refusals (-want +got):\n%s", diff)
	}

	// A kill leaves a log, which must not be taken for the new file's.
	killed := startChild(t, "hold", path)
	killed.line(t)
	killed.Process.Kill()
	killed.Wait()
	var last, total int64
	if err := sqlite.Restore(t.Context(), copied, path, true, func(done, of int64) { last, total = done, of }); err != nil {
		t.Fatal(err)
	}
	if total == 0 || last != total {
		t.Errorf("progress %d of %d", last, total)
	}
	if diff := cmp.Diff([]string{"data.db"}, names(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"old"}, keys(path)); diff != "" {
		t.Errorf("after a restore (-want +got):\n%s", diff)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}

	fresh := filepath.Join(t.TempDir(), "sub", "data.db")
	if err := sqlite.Restore(t.Context(), copied, fresh, false, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"old"}, keys(fresh)); diff != "" {
		t.Errorf("where nothing was (-want +got):\n%s", diff)
	}
	damagedFile := filepath.Join(t.TempDir(), "data.db")
	if err := os.WriteFile(damagedFile, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Restore(t.Context(), copied, damagedFile, true, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"old"}, keys(damagedFile)); diff != "" {
		t.Errorf("over a damaged file (-want +got):\n%s", diff)
	}
}

// TestRestoreRefuses gives it what is no backup.
func TestRestoreRefuses(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.db")
	s := open(t, filepath.Join(dir, "data.db"))
	for i := range 200 {
		if err := set(s, t.Context(), fmt.Sprint(strings.Repeat("k", 300), i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.Backup(t.Context(), good, nil), s.Close()); err != nil {
		t.Fatal(err)
	}
	bytes, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, change func([]byte) []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, change(append([]byte(nil), bytes...)), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	newer := write("newer.db", func(b []byte) []byte { return b })
	other := open(t, newer)
	if err := errors.Join(other.Write(t.Context(), func(q storage.SQL) error {
		_, err := q.Exec("INSERT INTO migrations (module, step, applied_at) VALUES ('storage', 1000, 0)")
		return err
	}), other.Close()); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path string
		code       storage.Code
	}{
		{"nothing", filepath.Join(dir, "none"), storage.CodeUnavailable},
		{"an empty file", write("empty", func([]byte) []byte { return nil }), storage.CodeFormat},
		{"a text", write("text", func([]byte) []byte { return []byte(strings.Repeat("text ", 2000)) }), storage.CodeFormat},
		{"another program's", write("foreign.db", func(b []byte) []byte { b[71]++; return b }), storage.CodeFormat},
		{"half of one", write("half.db", func(b []byte) []byte { return b[:len(b)/2] }), storage.CodeFormat},
		{"a damaged page", write("page.db", func(b []byte) []byte { copy(b[len(b)-4096:], strings.Repeat("x", 4096)); return b }), storage.CodeFormat},
		{"damaged pages", write("pages.db", func(b []byte) []byte { clear(b[4096 : len(b)-4096]); return b }), storage.CodeFormat},
		{"a newer fazt's", newer, storage.CodeFormat},
		{"a directory", dir, storage.CodeFormat},
	}
	for _, tt := range tests {
		into := t.TempDir()
		err := sqlite.Restore(t.Context(), tt.path, filepath.Join(into, "data.db"), true, nil)
		if storage.CodeOf(err) != tt.code {
			t.Errorf("%s: %v (code %s), want %s", tt.name, err, storage.CodeOf(err), tt.code)
		}
		if diff := cmp.Diff([]string{}, names(t, into)); diff != "" {
			t.Errorf("%s: files (-want +got):\n%s", tt.name, diff)
		}
	}
}
