package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/fazt-sh/fazt/storage"
)

// applicationID marks a data file as fazt's: "fazt" in ASCII, in the field of
// the header that SQLite keeps for this (https://www.sqlite.org/fileformat.html,
// offset 68).
const applicationID = 0x66617a74

// prepareFile makes the data file and its directory if they are missing, and
// returns the file's absolute path. It refuses what is not ours without
// changing anything.
func prepareFile(path string) (string, error) {
	if path == "" || path == ":memory:" || strings.HasPrefix(path, "file:") {
		return "", &storage.Error{Code: storage.CodeInvalid, Op: "open",
			Msg: fmt.Sprintf("%q is not the path of a file", path), Hint: "give one, such as data.db; for data that nobody keeps, one in a temporary directory"}
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", unusable(path, err)
	}
	_, err = inspect(abs)
	if errors.Is(err, fs.ErrNotExist) {
		err = createFile(abs)
	}
	return abs, err
}

// createFile makes an empty file that only its owner can read, unless another
// process is faster.
//
// The file is made under another name: closing any descriptor of a file gives
// up all locks that the process holds on it, also those of a connection that
// found the file in the meantime (https://www.sqlite.org/howtocorrupt.html,
// section 2.2). For the same reason nothing here opens an existing data file
// but SQLite.
func createFile(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return unusable(path, err)
	}
	f, err := os.CreateTemp(dir, ".fazt-*")
	if err != nil {
		return unusable(path, err)
	}
	defer os.Remove(f.Name())
	if err := f.Close(); err != nil {
		return unusable(path, err)
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return unusable(path, err)
	}
	return nil
}

// inspect reports whether the file at path is one of ours: ours is false if it
// is empty, and still to be made. Any other file is an error, and so is one
// that does not exist ([fs.ErrNotExist]).
func inspect(path string) (ours bool, err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return false, unusable(path, err)
	case !info.Mode().IsRegular():
		return false, notOurs(path, "it is not a regular file")
	case info.Size() == 0:
		return false, nil
	}
	// Immutable keeps SQLite from making a log or an index beside a file that
	// may not be ours. What is asked for is in the file itself, also when a log
	// exists: openWriter sets it before it switches the log on.
	c, id, err := openMarked(path, "mode", "ro", "immutable", "1")
	if isDamage(err) && exists(path+"-wal") {
		// A checkpoint that is under way, or was when its process was killed, has
		// written the first page and not yet the rest. The log has it all.
		c, id, err = openMarked(path, "mode", "ro")
	}
	if err != nil {
		return false, notADatabase(path, err)
	}
	defer c.close()
	if id == applicationID {
		return true, nil
	}
	if id != 0 {
		return false, notOurs(path, fmt.Sprintf("it is another program's database, with application id %#x", id))
	}
	return false, refuseTables(c, path)
}

// openMarked opens a file and reads what program its database belongs to.
func openMarked(path string, options ...string) (c *conn, id int64, err error) {
	if c, err = openConn(path, options...); err != nil {
		return nil, 0, err
	}
	if id, err = c.queryInt("PRAGMA application_id"); err != nil {
		c.close()
		return nil, 0, err
	}
	return c, id, nil
}

// refuseTables returns an error unless the database is empty.
func refuseTables(c *conn, path string) error {
	tables, err := c.queryInt("SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return notADatabase(path, err)
	}
	if tables > 0 {
		return notOurs(path, "it is another program's database")
	}
	return nil
}

func notADatabase(path string, err error) error {
	if se, ok := errors.AsType[sqlite3.Error](err); ok {
		if se.Code == sqlite3.ErrNotADB || se.Code == sqlite3.ErrCorrupt {
			return notOurs(path, "it is not a database")
		}
		return unusable(path, err)
	}
	return err
}

func unusable(path string, err error) error {
	if isBusy(err) {
		return &storage.Error{Code: storage.CodeOverloaded, Op: "open", Path: path, Err: err,
			Hint: "another program holds the data file's lock; let it end its transaction, or try again"}
	}
	return &storage.Error{Code: storage.CodeUnavailable, Op: "open", Path: path, Msg: "the data file can't be used",
		Err: err, Hint: "check that the path is right and that this user may read and write the file and its directory"}
}

func notOurs(path, why string) error {
	return &storage.Error{Code: storage.CodeFormat, Op: "open", Path: path,
		Msg: "not a fazt data file: " + why, Hint: "give the path of another file, or of a new one"}
}

// openWriter opens the connection that writes, and marks a new file as ours.
func openWriter(ctx context.Context, path string) (*conn, error) {
	c, err := openConn(path, "mode", "rw", "_txlock", "immediate")
	if err != nil {
		return nil, unusable(path, err)
	}
	if err = letShrink(c); err == nil {
		err = claim(c, path)
	}
	if err == nil {
		err = useLog(ctx, c, path)
	}
	for _, pragma := range []string{
		"journal_size_limit = " + strconv.Itoa(restartLog),
		"wal_autocheckpoint = 0", // see checkpointer
		"temp_store = MEMORY",    // savepoints copy pages aside; in memory that costs no file
	} {
		if err == nil {
			_, err = c.exec("PRAGMA " + pragma)
		}
	}
	if err != nil {
		c.close()
		if storage.CodeOf(err) == "" && !errors.Is(err, ctx.Err()) {
			err = unusable(path, err)
		}
		return nil, err
	}
	return c, nil
}

// letShrink has a file that is still empty keep what it takes to give pages back, see
// [vacuum]. SQLite must be told before there is a first page.
func letShrink(c *conn) error {
	pages, err := c.queryInt("PRAGMA page_count")
	if err != nil || pages > 0 {
		return err
	}
	_, err = c.exec("PRAGMA auto_vacuum = INCREMENTAL")
	return err
}

// claim writes our application id into a database that has no tables yet. It
// decides under the write lock, so that two processes may make one file at
// once, and before anything else is changed. A file that is ours already stays so,
// which needs no lock: another program may hold it for long.
func claim(c *conn, path string) error {
	if id, err := c.queryInt("PRAGMA application_id"); err == nil && id == applicationID {
		return refuseNewer(c)
	}
	if _, err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	id, err := c.queryInt("PRAGMA application_id")
	if err == nil && id != applicationID {
		err = claimEmpty(c, path)
	} else if err == nil {
		err = refuseNewer(c)
	}
	if err != nil {
		c.exec("ROLLBACK") // the first error is the one that tells
		return err
	}
	_, err = c.exec("COMMIT")
	return err
}

// refuseNewer returns an error for a data file of a newer fazt, before anything is
// changed. migrateStep does so again.
func refuseNewer(c *conn) error {
	version, err := schemaVersion(c, module)
	if err == nil && version > len(schema) {
		err = errNewer("open", module, version, len(schema))
	}
	return err
}

func claimEmpty(c *conn, path string) error {
	if err := refuseTables(c, path); err != nil {
		return err
	}
	_, err := c.exec("PRAGMA application_id = " + strconv.Itoa(applicationID))
	return err
}

// switchTimeout is how long opening waits for the lock that the switch to a log needs.
// Whoever reads a data file that was closed holds it up, and so does another program's
// transaction. The file is used without a log then, and the writer switches later.
const switchTimeout = 250 * time.Millisecond

// useLog switches the file to a write-ahead log, if the lock for that can be had. SQLite
// does not wait for it, so this does.
func useLog(ctx context.Context, c *conn, path string) error {
	timeout := time.NewTimer(switchTimeout)
	defer timeout.Stop()
	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()
	for {
		done, err := switchLog(c)
		if err == nil && !done {
			return &storage.Error{Code: storage.CodeUnavailable, Op: "open", Path: path,
				Msg:  "the file system does not support a write-ahead log",
				Hint: "keep the data file on a local disk"}
		}
		if !isBusy(err) {
			return err
		}
		select {
		case <-retry.C:
		case <-timeout.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// switchLog switches to a log at once, or not.
func switchLog(c *conn) (done bool, err error) {
	row, err := c.queryRow("PRAGMA journal_mode = WAL")
	return len(row) == 1 && row[0] == "wal", err
}

// useLog switches to the log that opening could not switch to, if there is none yet.
func (w *writer) useLog() {
	if w.logless {
		done, err := switchLog(w.conn)
		w.logless = err != nil || !done
	}
}
