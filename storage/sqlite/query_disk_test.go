package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
	"github.com/fazt-sh/fazt/storage/storagetest"
)

// written is how many bytes this process has given to write(2) and its like so far
// (proc(5), /proc/pid/io), and resident how much memory it has.
func written(t *testing.T) int64 { return counted(t, "/proc/self/io", "wchar:") }

func resident(t *testing.T) int64 { return counted(t, "/proc/self/status", "VmHWM:") << 10 }

func counted(t *testing.T, file, name string) int64 {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		if fields := strings.Fields(string(line)); len(fields) > 1 && fields[0] == name {
			n, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("%s has no %s", file, name)
	return 0
}

// TestQueryKeepsOffTheDisk: what has no end is ended by the memory that it takes, long
// before its time is over, and writes no file meanwhile.
func TestQueryKeepsOffTheDisk(t *testing.T) {
	if _, err := os.Stat("/proc/self/io"); err != nil {
		t.Skip("SKIPPED: this system does not tell what a process writes: ", err)
	}
	s := open(t, filepath.Join(t.TempDir(), "data.db"))
	defer s.Close()
	before, peak := written(t), resident(t)
	exceeded := 0
	for _, text := range storagetest.EndlessStatements(t) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // some take memory slowly
		table, err := s.Query(ctx, text, 1)
		cancel()
		switch {
		case err == nil && !table.Truncated:
			t.Errorf("%s: %d rows", text, len(table.Rows))
		case storage.CodeOf(err) == storage.CodeQuotaExceeded:
			exceeded++
		case err != nil && !errors.Is(err, context.DeadlineExceeded):
			t.Errorf("%s: %v", text, err)
		}
	}
	wrote, grew := written(t)-before, resident(t)-peak
	t.Logf("%d statements were ended for their memory; %d bytes written, %d MiB more memory at most", exceeded, wrote, grew>>20)
	if wrote > 1<<20 {
		t.Errorf("the statements wrote %d bytes", wrote)
	}
	if grew > 512<<20 {
		t.Errorf("the process grew by %d MiB", grew>>20)
	}
}

// TestExecBounds: a statement that writes without end takes no more of the disk than
// it may, and is undone.
func TestExecBounds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Exec(t.Context(), `INSERT INTO logs (app, at, level, text, request_id)
		WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT 'a', n, 'info', hex(zeroblob(500000)), '' FROM c`)
	if err == nil {
		t.Fatal("it was made")
	}
	t.Log(err)
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		if err != nil || info.Size() > 320<<20 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	table, err := s.Query(t.Context(), "SELECT (SELECT count(*) FROM logs), (SELECT count(*) FROM audit)", 1)
	if err != nil || table.Rows[0][0] != int64(0) || table.Rows[0][1] != int64(0) {
		t.Errorf("left: %+v, %v", table, err)
	}
	if err := set(s, t.Context(), "after"); err != nil {
		t.Error(err)
	}
}
