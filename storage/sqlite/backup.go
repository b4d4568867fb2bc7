package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// copyPages is how many pages are copied between two looks at the context:
	// a megabyte, a few milliseconds.
	copyPages = 256
	// maxFindings is how many faults of a damaged file an error names.
	maxFindings = 3
	// tempPattern is how a file is named that is not whole yet.
	tempPattern = ".fazt-*"
)

// Backup implements [storage.Maintenance]. While it runs, the write-ahead log
// grows by what is written.
func (s *Store) Backup(ctx context.Context, path string, progress storage.Progress) error {
	select {
	case <-s.readers.closed:
		return errClosed("backup")
	default:
	}
	return BackupFile(ctx, s.path, path, progress)
}

// BackupFile is [Store.Backup] for the data file of another process, or of
// none.
func BackupFile(ctx context.Context, dataFile, path string, progress storage.Progress) error {
	const op = "backup"
	path, err := filepath.Abs(path)
	if err != nil {
		return cantWrite(op, path, err)
	}
	if err := refuseExisting(op, path, "give the name of a new file"); err != nil {
		return err
	}
	c, err := openExisting(op, dataFile)
	if err != nil {
		return err
	}
	defer useLogMeanwhile(dataFile)() // the last to go, so that it can end that
	defer c.close()
	temp, err := copyChecked(ctx, op, c, path, progress)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	return publishNew(op, temp, path, "give the name of a new file")
}

// useLogMeanwhile has a data file that was closed, and needs no log, use one until
// done is called: without, who reads it for long would keep a server from starting.
// Where that can't be done, nobody starts one there either.
func useLogMeanwhile(path string) (done func()) {
	c, err := openConn(path, "mode", "rw", "_busy_timeout", "0")
	if err != nil {
		return func() {}
	}
	mode, err := c.queryRow("PRAGMA journal_mode")
	if err == nil && len(mode) == 1 && mode[0] == "delete" {
		if mode, err = c.queryRow("PRAGMA journal_mode = WAL"); err == nil && len(mode) == 1 && mode[0] == "wal" {
			return func() {
				c.queryRow("PRAGMA journal_mode = DELETE") // fails if a server has it by now
				c.close()
			}
		}
	}
	c.close()
	return func() {}
}

// publishNew gives a file its final name, unless somebody else has taken that
// meanwhile: a link is refused then, where a rename would replace. A file
// system without links gets the check and the rename, one after the other.
func publishNew(op, temp, path, hint string) error {
	err := os.Link(temp, path)
	if err != nil {
		if err := refuseExisting(op, path, hint); err != nil {
			return err
		}
		return rename(op, temp, path)
	}
	return syncDir(op, path)
}

func refuseExisting(op, path, hint string) error {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = fs.ErrExist
	}
	code := storage.CodeUnavailable
	if errors.Is(err, fs.ErrExist) {
		code = storage.CodeConflict
	}
	return &storage.Error{Code: code, Op: op, Path: path, Err: err, Hint: hint}
}

// copyChecked copies all that c reads into a new file beside path, checks it,
// and returns its name.
//
// The copy is made in one read transaction. Without it SQLite would begin anew
// whenever somebody has written, and beside a busy writer never end
// (https://www.sqlite.org/c3ref/backup_finish.html, "Concurrent Usage").
func copyChecked(ctx context.Context, op string, c *conn, path string, progress storage.Progress) (temp string, err error) {
	removeLeft(filepath.Dir(path))
	if err := checkRoom(op, c, path); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(path), tempPattern) // mode 0600
	if err != nil {
		return "", cantWrite(op, path, err)
	}
	name := f.Name()
	defer func() {
		if err != nil {
			removeDatabase(name)
		}
	}()
	if err := f.Close(); err != nil {
		return "", cantWrite(op, path, err)
	}
	if _, err := c.exec("BEGIN"); err != nil {
		return "", wrap(op, err)
	}
	defer c.exec("ROLLBACK") // there is nothing to keep
	// The first read takes the snapshot, not BEGIN.
	if _, err := c.queryInt("SELECT count(*) FROM sqlite_schema"); err != nil {
		return "", wrap(op, err)
	}
	if err := copyPagesOf(ctx, c, name, progress); err != nil {
		return "", wrap(op, err)
	}
	want, err := countRows(ctx, c)
	if err != nil {
		return "", wrap(op, err)
	}
	if err := checkCopy(ctx, op, name, want); err != nil {
		return "", err
	}
	if err := syncFile(op, name); err != nil {
		return "", err
	}
	return name, ctx.Err()
}

// leftAge is how long nothing was written to a copy whose process has ended: one that
// goes on is written to all the time, or read.
const leftAge = 24 * time.Hour

// removeLeft removes what copies have left in a directory whose processes were killed.
func removeLeft(dir string) {
	left, _ := filepath.Glob(filepath.Join(escapeGlob(dir), tempPattern))
	for _, name := range left {
		if info, err := os.Lstat(name); err == nil && time.Since(info.ModTime()) > leftAge {
			os.RemoveAll(name)
		}
	}
}

// spareRoom is how much room a copy leaves on its disk, in bytes, which may be the one
// that the data file grows on. Deploys and large blobs leave it, too.
const spareRoom = 64 << 20

// checkRoom refuses a copy for which there is no room, before a disk is full that
// others write to.
func checkRoom(op string, c *conn, path string) error {
	free, known := freeBytes(filepath.Dir(path))
	if !known {
		return nil
	}
	pages, err := c.queryInt("PRAGMA page_count")
	if err != nil {
		return wrap(op, err)
	}
	pageSize, err := c.queryInt("PRAGMA page_size")
	if err != nil {
		return wrap(op, err)
	}
	if size := pages * pageSize; free < size+spareRoom {
		return &storage.Error{Code: storage.CodeUnavailable, Op: op, Path: path,
			Msg:  fmt.Sprintf("a copy of %d MB would leave less than %d MB of its disk free, which has %d MB now", size>>20+1, spareRoom>>20, free>>20),
			Hint: "make room, or give another directory"}
	}
	return nil
}

// syncFile puts a file's bytes on disk before it gets its name. SQLite has done so;
// that it does is not what a backup should depend on.
func syncFile(op, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return cantWrite(op, path, err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return cantWrite(op, path, err)
	}
	return nil
}

// copyPagesOf copies the database that c reads over the file at path. The copy
// needs no other file beside it, neither a log nor an index of one, and says so.
func copyPagesOf(ctx context.Context, c *conn, path string, progress storage.Progress) (err error) {
	pageSize, err := c.queryInt("PRAGMA page_size")
	if err != nil {
		return err
	}
	to, err := openConn(path, "mode", "rw")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.close()) }()
	if err := stepPages(ctx, c, to, pageSize, progress); err != nil {
		return err
	}
	_, err = to.queryRow("PRAGMA journal_mode = DELETE")
	return err
}

func stepPages(ctx context.Context, c, to *conn, pageSize int64, progress storage.Progress) error {
	b, err := to.raw.Backup("main", c.raw, "main")
	if err != nil {
		return err
	}
	for done := false; !done; {
		if err := ctx.Err(); err != nil {
			return errors.Join(err, b.Finish())
		}
		if done, err = b.Step(copyPages); err != nil {
			return errors.Join(err, b.Finish())
		}
		if progress != nil {
			total := int64(b.PageCount())
			progress((total-int64(b.Remaining()))*pageSize, total*pageSize)
		}
	}
	return b.Finish()
}

// removeDatabase removes a database that nobody has open.
func removeDatabase(path string) {
	for _, suffix := range []string{"", "-journal", "-wal", "-shm"} {
		os.Remove(path + suffix)
	}
}

// countRows returns how many rows each table has.
func countRows(ctx context.Context, c *conn) (map[string]int64, error) {
	var tables []string
	err := c.query(ctx, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name", nil, func(row []driver.Value) error {
		tables = append(tables, row[0].(string))
		return nil
	})
	if err != nil {
		return nil, err
	}
	counts := make(map[string]int64, len(tables))
	for _, table := range tables {
		query := `SELECT count(*) FROM "` + strings.ReplaceAll(table, `"`, `""`) + `"`
		err := c.query(ctx, query, nil, func(row []driver.Value) error {
			counts[table] = row[0].(int64)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// checkCopy returns an error unless the database at path, which nobody has
// open, is sound and has the rows that it should have.
func checkCopy(ctx context.Context, op, path string, want map[string]int64) error {
	c, err := openConn(path, "mode", "ro", "immutable", "1")
	if err != nil {
		return wrap(op, err)
	}
	defer c.close()
	if err := checkIntegrity(ctx, op, path, c); err != nil {
		return err
	}
	got, err := countRows(ctx, c)
	if err != nil {
		return wrap(op, err)
	}
	for table, n := range want {
		if got[table] != n {
			return damaged(op, path, fmt.Sprintf("the copy has %d rows of %s, not %d", got[table], table, n), nil)
		}
	}
	return nil
}

// checkIntegrity has SQLite look at every page.
func checkIntegrity(ctx context.Context, op, path string, c *conn) error {
	var findings []string
	err := c.query(ctx, fmt.Sprintf("PRAGMA integrity_check(%d)", maxFindings), nil, func(row []driver.Value) error {
		findings = append(findings, fmt.Sprint(row[0]))
		return nil
	})
	if isDamage(err) {
		return damaged(op, path, "it is damaged", err)
	}
	if err != nil {
		return wrap(op, err)
	}
	if len(findings) != 1 || findings[0] != "ok" {
		return damaged(op, path, "it is damaged: "+strings.Join(findings, ", "), nil)
	}
	return nil
}

func damaged(op, path, msg string, err error) error {
	return &storage.Error{Code: storage.CodeFormat, Op: op, Path: path, Msg: msg, Err: err, Hint: "use another backup, and check the disk"}
}

func cantWrite(op, path string, err error) error {
	return &storage.Error{Code: storage.CodeUnavailable, Op: op, Path: path, Msg: "the file can't be written", Err: err,
		Hint: "check that the directory exists, that this user may write to it and that there is room"}
}

// rename gives a finished file its name, so that this too survives the end of
// the machine.
func rename(op, from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return cantWrite(op, to, err)
	}
	return syncDir(op, to)
}

// syncDir puts a file's new name on disk.
func syncDir(op, to string) error {
	dir, err := os.Open(filepath.Dir(to))
	if err != nil {
		return cantWrite(op, to, err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return cantWrite(op, to, err)
	}
	return nil
}
