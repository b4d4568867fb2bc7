package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mattn/go-sqlite3"

	"github.com/fazt-sh/fazt/storage"
)

// Restore puts a copy of a backup in the place of a data file. It refuses a
// file that is not a backup of fazt's or of a newer fazt, and one that is
// damaged ([storage.CodeFormat]). It refuses to replace a data file
// ([storage.CodeConflict]) unless force is set, and one that any process has
// open ([storage.CodeOverloaded]) even then. A damaged data file is replaced
// without that check, which can't be made on it: stop the server first.
//
// The copy is checked before anything is replaced; after an error the data file
// is as it was. One of an older fazt is rebuilt, so that it can become smaller when
// something is deleted, which takes as long again. progress may be nil.
func Restore(ctx context.Context, backup, dataFile string, force bool, progress storage.Progress) error {
	const op = "restore"
	dataFile, err := filepath.Abs(dataFile)
	if err != nil {
		return cantWrite(op, dataFile, err)
	}
	there := exists(dataFile) || exists(dataFile+"-wal") || exists(dataFile+"-journal")
	if there && !force {
		return refuseExisting(op, existing(dataFile), "its data would be lost; to replace it all the same, restore with --force, or force in Go")
	}
	c, err := openBackup(op, backup)
	if err != nil {
		return err
	}
	defer c.close()
	if err := checkIntegrity(ctx, op, backup, c); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dataFile), 0o700); err != nil {
		return cantWrite(op, dataFile, err)
	}
	temp, err := copyChecked(ctx, op, c, dataFile, progress)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	if err := rebuild(ctx, op, temp); err != nil {
		return err
	}
	if !there {
		if there = exists(dataFile+"-wal") || exists(dataFile+"-journal"); there {
			return refuseExisting(op, existing(dataFile), "it was made meanwhile; to replace its data, restore with --force, or force in Go")
		}
		return publishNew(op, temp, dataFile, "it was made meanwhile; to replace its data, restore with --force, or force in Go")
	}
	return replace(op, temp, dataFile)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// existing returns which of a data file's files is there.
func existing(dataFile string) string {
	for _, suffix := range []string{"", "-wal"} {
		if exists(dataFile + suffix) {
			return dataFile + suffix
		}
	}
	return dataFile + "-journal"
}

// openBackup opens a backup. One without a log beside it, as Backup makes them,
// is opened as a file that does not change, so that it can lie on a medium that
// can't be written.
func openBackup(op, path string) (c *conn, err error) {
	if exists(path + "-wal") {
		c, err = openExisting(op, path) // a data file
	} else {
		c, err = openExisting(op, path, "immutable", "1")
	}
	if isDamage(err) {
		err = damaged(op, path, "it is damaged", err)
	}
	return c, err
}

// replace puts a new database in the place of one that nobody has open.
func replace(op, temp, dataFile string) error {
	old, err := seize(op, dataFile)
	if err != nil {
		return err
	}
	if old != nil {
		defer old.close()
	}
	// A log that is left would be taken for the new file's.
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if err := os.Remove(dataFile + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return cantWrite(op, dataFile+suffix, err)
		}
	}
	if err := rename(op, temp, dataFile); err != nil || old == nil {
		return err
	}
	// A process that opened the old file a moment ago waits for our lock. It
	// must not go on with a file that has no name any more, and put its log
	// beside the new one: so that is a data file no longer. The restore is done,
	// whether this succeeds or not.
	old.exec("PRAGMA application_id = 0")
	return nil
}

// seize locks a database that nobody has open, with its log folded into it, so
// that nobody can open it. To leave the log takes every connection's absence,
// which is how another one is noticed
// (https://www.sqlite.org/pragma.html#pragma_journal_mode). It returns nil for
// a file that SQLite can't read.
func seize(op, path string) (*conn, error) {
	if !exists(path) {
		return nil, nil
	}
	c, err := openConn(path, "mode", "rw", "_busy_timeout", "0")
	if err == nil {
		if err = lockAlone(c); err == nil {
			return c, nil
		}
		c.close()
	}
	switch {
	case isBusy(err):
		return nil, &storage.Error{Code: storage.CodeOverloaded, Op: op, Path: path, Msg: "a process has the data file open", Err: err,
			Hint: "stop the server and whatever else uses it, then try again"}
	case isDamage(err):
		return nil, nil
	}
	return nil, cantWrite(op, path, err)
}

// lockAlone leaves c with an exclusive lock, and without a journal: that would
// be found by its name, beside whatever has the file's name by then.
func lockAlone(c *conn) error {
	for _, pragma := range []string{"locking_mode = EXCLUSIVE", "journal_mode = DELETE"} {
		if _, err := c.queryRow("PRAGMA " + pragma); err != nil {
			return err
		}
	}
	if _, err := c.exec("BEGIN EXCLUSIVE"); err != nil {
		return err
	}
	if _, err := c.exec("COMMIT"); err != nil { // the lock stays
		return err
	}
	_, err := c.queryRow("PRAGMA journal_mode = OFF")
	return err
}

// isDamage reports whether a file was not what SQLite can read.
func isDamage(err error) bool {
	se, ok := errors.AsType[sqlite3.Error](err)
	return ok && (se.Code == sqlite3.ErrCorrupt || se.Code == sqlite3.ErrNotADB)
}
