package postgres

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
	"github.com/fazt-sh/fazt/storage/transfer"
)

// Backup implements [storage.Maintenance]. The copy is a data file, as package sqlite
// has it: what [sqlite.Restore] makes a data file of, and [Store.Load] fills a database
// from. Beside it, in the same directory, as much room again is needed while it is made.
//
// Tables of other packages are in it if they have been migrated by this Store.
func (s *Store) Backup(ctx context.Context, path string, progress storage.Progress) (err error) {
	const op = "backup"
	if err := s.usable(ctx, op); err != nil {
		return err
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return &storage.Error{Code: storage.CodeUnavailable, Op: op, Path: path, Err: err}
	}
	if _, err := os.Lstat(path); err == nil {
		return &storage.Error{Code: storage.CodeConflict, Op: op, Path: path, Err: os.ErrExist, Hint: "give the name of a new file"}
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".fazt-backup-")
	if err != nil {
		return &storage.Error{Code: storage.CodeUnavailable, Op: op, Path: path, Err: err, Hint: "name a file in a directory that is there and can be written to"}
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "data.db")
	if _, err := transfer.Move(ctx, s, sqlite.NewFile{Path: file, Modules: s.others.list()}, nil); err != nil {
		return s.failed(op, err)
	}
	return sqlite.BackupFile(ctx, file, path, progress)
}

// otherModules are the packages whose tables a Store has migrated.
type otherModules struct {
	mu    sync.Mutex
	steps map[string][]string
}

func (m *otherModules) add(name string, steps []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.steps == nil {
		m.steps = make(map[string][]string)
	}
	m.steps[name] = slices.Clone(steps)
}

func (m *otherModules) list() (list []sqlite.Module) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, steps := range m.steps {
		list = append(list, sqlite.Module{Name: name, Steps: steps})
	}
	return list
}

// makesTable finds the names of the tables that a step makes.
var makesTable = regexp.MustCompile(`(?i)\bCREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?"?([a-z_][a-z0-9_]*)`)

// tables are those that the packages' steps have made.
func (m *otherModules) tables() (names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, steps := range m.steps {
		for _, step := range steps {
			for _, found := range makesTable.FindAllStringSubmatch(step, -1) {
				names = append(names, found[1])
			}
		}
	}
	return names
}
