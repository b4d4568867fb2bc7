package sqlite_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
	"github.com/fazt-sh/fazt/storage/storagetest"
	"github.com/fazt-sh/fazt/storage/transfer"
)

// fillFile makes a data file with some of everything.
func fillFile(t *testing.T, path string) {
	t.Helper()
	s := open(t, path)
	storagetest.FillAll(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func newFile(path string) sqlite.NewFile {
	return sqlite.NewFile{Path: path, Modules: []sqlite.Module{{Name: storagetest.FillModule, Steps: storagetest.FillSteps()}}}
}

func TestMove(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from.db"), filepath.Join(dir, "to.db")
	fillFile(t, from)
	counts, err := transfer.Move(t.Context(), sqlite.File(from), newFile(to), nil)
	if err != nil {
		t.Fatal(err)
	}
	storagetest.CheckCounts(t, counts)
	moved := open(t, to)
	storagetest.CheckAll(t, moved)
	if err := moved.Close(); err != nil {
		t.Fatal(err)
	}
	dataFile{path: to}.Check(t)
	if _, err := transfer.Move(t.Context(), sqlite.File(from), newFile(to), nil); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("over a file that is there: %v", err)
	}
}

// lossy leaves out the first row of a table.
type lossy struct {
	transfer.Source
	table string
}

func (l lossy) Dump(ctx context.Context, put transfer.Put) error {
	lost := false
	return l.Source.Dump(ctx, func(t *transfer.Table, values []any) error {
		if t.Name == l.table && !lost {
			lost = true
			return nil
		}
		return put(t, values)
	})
}

// forgetful is a file that loses such a row.
type forgetful struct {
	sqlite.NewFile
	table string
}

func (f forgetful) Load(ctx context.Context, fill func(transfer.Put) error, check func(transfer.Source) error) error {
	return f.NewFile.Load(ctx, fill, func(arrived transfer.Source) error { return check(lossy{arrived, f.table}) })
}

func TestMoveKeepsNothingThatDiffers(t *testing.T) {
	dir := t.TempDir()
	from := filepath.Join(dir, "from.db")
	fillFile(t, from)
	for _, table := range []string{"kv", "docs", "blob_chunks", storagetest.FillTable} {
		to := filepath.Join(dir, table)
		_, err := transfer.Move(t.Context(), sqlite.File(from), forgetful{newFile(to), table}, nil)
		var se *storage.Error
		if !errors.As(err, &se) || se.Path != table {
			t.Errorf("%s: %v", table, err)
		}
		if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a file is left: %v", table, err)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	to := filepath.Join(dir, "cancelled")
	if _, err := transfer.Move(cancelled, sqlite.File(from), newFile(to), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
