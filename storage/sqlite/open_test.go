package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

func TestOpenMakesThePrivateFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b?c#d%20 e")
	path := filepath.Join(dir, "data file?x=1.db")
	s := open(t, path)
	defer s.Close()
	if err := set(s, t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{filepath.Dir(dir): 0o700, dir: 0o700, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600} {
		info, err := os.Stat(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
}

func TestOpenKeepsData(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	for i := range 3 {
		s := open(t, path)
		for k := range i {
			if !has(t, s, fmt.Sprint(k)) {
				t.Errorf("opened %d times, %d is gone", i, k)
			}
		}
		if err := set(s, t.Context(), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the log was not folded in: %v", err)
		}
	}
}

// makeDatabase runs statements on a database of another program's.
func makeDatabase(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
}

// newerFile makes a data file as a future fazt would leave it.
func newerFile(t *testing.T, path string) {
	t.Helper()
	s := open(t, path)
	if err := s.Write(t.Context(), func(q storage.SQL) error {
		_, err := q.Exec("INSERT INTO migrations (module, step, applied_at) VALUES ('storage', 1000, 1)")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// refused are files that are not for us.
var refused = []struct {
	name string
	make func(t *testing.T, path string)
	says string
}{
	{"text", func(t *testing.T, path string) { writeFile(t, path, "not a database\n") }, "not a database"},
	{"long text", func(t *testing.T, path string) { writeFile(t, path, strings.Repeat("not a database\n", 1000)) }, "not a database"},
	{"cut off", func(t *testing.T, path string) { writeFile(t, path, "SQLite format 3\x00") }, "not a database"},
	{"another's tables", func(t *testing.T, path string) { makeDatabase(t, path, "CREATE TABLE t (a)") }, "another program's"},
	{"another's log", func(t *testing.T, path string) {
		makeDatabase(t, path, "PRAGMA journal_mode = WAL", "CREATE TABLE t (a)")
	}, "another program's"},
	{"another's id", func(t *testing.T, path string) { makeDatabase(t, path, "PRAGMA application_id = 7") }, "0x7"},
	{"newer", newerFile, "version 1000"},
	{"directory", func(t *testing.T, path string) {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}, "regular file"},
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// contents returns the names and bytes of a directory's files.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files[path] = string(b)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return files
}

func TestRefusesFilesThatAreNotOurs(t *testing.T) {
	for _, tt := range refused {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "data.db")
			tt.make(t, path)
			before := contents(t, dir)
			s, openErr := sqlite.Open(t.Context(), path, sqlite.Options{})
			if openErr == nil {
				s.Close()
			}
			_, queryErr := sqlite.QueryFile(t.Context(), path, "SELECT 1", 1)
			for name, err := range map[string]error{"Open": openErr, "QueryFile": queryErr} {
				e, ok := errors.AsType[*storage.Error](err)
				if !ok || e.Code != storage.CodeFormat || e.Hint == "" || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%s: %v, want %s that says %q", name, err, storage.CodeFormat, tt.says)
				}
			}
			after := contents(t, dir)
			for name, b := range before {
				if after[name] != b {
					t.Errorf("%s has changed", name)
				}
			}
			// Reading one of our own files may leave an empty log beside it.
			if tt.name != "newer" && len(after) != len(before) {
				t.Errorf("%d files, were %d", len(after), len(before))
			}
		})
	}
}

func TestAdoptsAnEmptyFile(t *testing.T) {
	for name, make := range map[string]func(*testing.T, string){
		"nothing":  func(t *testing.T, path string) { writeFile(t, path, "") },
		"database": func(t *testing.T, path string) { makeDatabase(t, path, "VACUUM", "PRAGMA user_version = 0") },
		"dropped":  func(t *testing.T, path string) { makeDatabase(t, path, "CREATE TABLE t (a)", "DROP TABLE t") },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "data.db")
			make(t, path)
			_, err := sqlite.QueryFile(t.Context(), path, "SELECT 1", 1)
			if storage.CodeOf(err) != storage.CodeFormat {
				t.Errorf("QueryFile: %v", err)
			}
			s := open(t, path)
			defer s.Close()
			if err := set(s, t.Context(), "k"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestQueryFileWithoutAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "data.db")
	_, err := sqlite.QueryFile(t.Context(), path, "SELECT 1", 1)
	e, ok := errors.AsType[*storage.Error](err)
	if !ok || e.Code != storage.CodeUnavailable || e.Hint == "" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a query has made the directory")
	}
}

// TestOpenWhatCannotBeWritten runs as a user without rights, in a child if this
// process has them all.
func TestOpenWhatCannotBeWritten(t *testing.T) {
	base := t.TempDir()
	for dir := base; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	locked := filepath.Join(base, "locked")
	if err := os.Mkdir(locked, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(locked, "data.db")
	s := open(t, file)
	if err := set(s, t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(file, 0o444), os.Chmod(locked, 0o555)); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(locked, 0o755)
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	runAsNobody(t, file, filepath.Join(locked, "new.db"), filepath.Join(locked, "dir", "new.db"))
	after, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) {
		t.Error("the file has changed")
	}
}

// nobodyChild opens files that it can't write.
func nobodyChild(paths []string) error {
	for _, path := range paths {
		s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
		if err == nil {
			s.Close()
			return fmt.Errorf("%s was opened", path)
		}
		e, ok := errors.AsType[*storage.Error](err)
		if !ok || e.Code != storage.CodeUnavailable || !strings.Contains(e.Hint, "write") {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// TestOpenContext ends the context before the store could be opened.
func TestOpenContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(t.TempDir(), "data.db")
	if _, err := sqlite.Open(ctx, path, sqlite.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	s := open(t, path)
	defer s.Close()
	if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error { return tx.KV().Set("k", json.RawMessage(`1`), 0) }); err != nil {
		t.Error(err)
	}
}
