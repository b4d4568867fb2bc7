package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mattn/go-sqlite3"

	"github.com/fazt-sh/fazt/storage"
)

// Restore puts a copy of a backup in the place of a data file. It refuses a
// file that is not a backup of fazt's or of a newer fazt, one that is damaged, and
// the copy of an open data file without its log ([storage.CodeFormat]): tables,
// columns and the types of their values have to be those that fazt made, and there
// may be no triggers and views of others. modules are the other packages that keep
// tables in the data file; what others have on record may be there, too, and is not
// looked at.
//
// It refuses to replace a data file ([storage.CodeConflict]) unless force is set,
// and even then one that has another name as well, by a hard link, and one that any
// process has open ([storage.CodeOverloaded]). Where the data file is a symbolic
// link, what it leads to is replaced. A damaged data file is replaced without the
// check for processes, which can't be made on it: stop the server first.
//
// The copy is checked and on disk before anything is replaced. After an error, and
// after a crash at any moment, the data file is the whole old one or the whole new
// one. A backup of an older fazt is rebuilt, so that it can become smaller when
// something is deleted, which takes as long again. progress may be nil.
func Restore(ctx context.Context, backup, dataFile string, force bool, progress storage.Progress, modules ...Module) error {
	const op = "restore"
	dataFile, err := resolve(op, dataFile)
	if err != nil {
		return err
	}
	c, err := openBackup(op, backup)
	if err != nil {
		return err
	}
	defer c.close()
	there := exists(dataFile) || exists(dataFile+"-wal") || exists(dataFile+"-journal")
	if there && !force {
		return refuseExisting(op, existing(dataFile), "its data would be lost; to replace it all the same, restore with --force")
	}
	if err := refuseLinked(op, dataFile); err != nil {
		return err
	}
	if err := checkBackup(ctx, op, backup, c, modules); err != nil {
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
	reached(ctx, "copied")
	if !there {
		if there = exists(dataFile+"-wal") || exists(dataFile+"-journal"); there {
			return refuseExisting(op, existing(dataFile), "it was made meanwhile; to replace its data, restore with --force")
		}
		return publishNew(op, temp, dataFile, "it was made meanwhile; to replace its data, restore with --force")
	}
	return replace(ctx, op, temp, dataFile)
}

// checkBackup returns an error unless c reads what fazt has written, undamaged.
func checkBackup(ctx context.Context, op, path string, c *conn, modules []Module) error {
	if err := checkIntegrity(ctx, op, path, c); err != nil {
		return err
	}
	return checkSchema(ctx, op, path, c, modules)
}

// stepKey is the context's key for what a test has called at each step of a
// restore.
type stepKey struct{}

// reached tells a test that a step of a restore has been made.
func reached(ctx context.Context, step string) {
	if fn, ok := ctx.Value(stepKey{}).(func(string)); ok {
		fn(step)
	}
}

// maxLinks is how many symbolic links are followed.
const maxLinks = 40

// resolve returns the absolute path that a path leads to by symbolic links, whether
// a file is there or not. SQLite, too, has a log beside the file and not beside the
// link.
func resolve(op, path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", cantWrite(op, path, err)
	}
	for range maxLinks {
		to, err := os.Readlink(path)
		if err != nil {
			return path, nil // it is no link, or is not there
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return "", cantWrite(op, path, errors.New("too many symbolic links"))
}

// refuseLinked returns an error if a data file has two names or more: it would be
// replaced under one, and stay as it is under the others. A name that only an
// interrupted restore or backup has left is taken away.
func refuseLinked(op, path string) error {
	info, err := os.Lstat(path)
	if err != nil || links(info) < 2 {
		return nil
	}
	left, _ := filepath.Glob(filepath.Join(escapeGlob(filepath.Dir(path)), tempPattern))
	for _, name := range left {
		if other, err := os.Lstat(name); err == nil && os.SameFile(info, other) {
			os.Remove(name)
		}
	}
	if info, err = os.Lstat(path); err != nil || links(info) < 2 {
		return nil
	}
	return &storage.Error{Code: storage.CodeConflict, Op: op, Path: path,
		Msg:  fmt.Sprintf("the data file has %d names (hard links), and only this one would get the new data", links(info)),
		Hint: "remove this name or the others first, then try again"}
}

// escapeGlob makes a path mean itself in a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
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
	path, err = resolve(op, path)
	if err != nil {
		return nil, err
	}
	if exists(path+"-wal") || exists(path+"-journal") {
		c, err = openExisting(op, path) // a data file
	} else if err = refuseLogless(op, path); err == nil {
		c, err = openExisting(op, path, "immutable", "1")
	}
	if isDamage(err) {
		err = damaged(op, path, "it is damaged", err)
	}
	return c, err
}

// refuseLogless returns an error for the copy of a data file that was open, without
// the log in which its last writes were. A backup says of itself that it needs
// none, and so does a data file that was closed (https://www.sqlite.org/fileformat.html,
// offset 18); those of a fazt before that has marked them so can't be told from such a
// copy, and are taken for what their operator says that they are.
func refuseLogless(op, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return nil // openExisting says it better
	}
	defer f.Close() // no process has it open: there would be a log
	version := make([]byte, 1)
	if _, err := f.ReadAt(version, 18); err != nil || version[0] != 2 || madeBeforeMarks(path) {
		return nil
	}
	return &storage.Error{Code: storage.CodeFormat, Op: op, Path: path,
		Msg: "it is the copy of a data file that was open, without its log (" + filepath.Base(path) + "-wal), which has the last writes",
		Hint: "copy both files, or make a backup with fazt backup; to do without what is missing, " +
			"make one of this copy: fazt backup <new file> --db " + path}
}

// markedFrom is how many steps the tables of a data file have had, at least, that the
// first fazt made which marks files that need no log.
const markedFrom = 8

// madeBeforeMarks reports whether a file is of a fazt that did not mark files that need
// no log.
func madeBeforeMarks(path string) bool {
	c, err := openConn(path, "mode", "ro", "immutable", "1")
	if err != nil {
		return false
	}
	defer c.close()
	steps, err := schemaVersion(c, module)
	return err == nil && steps > 0 && steps < markedFrom
}

// replace puts a new database in the place of one that nobody has open.
func replace(ctx context.Context, op, temp, dataFile string) error {
	old, err := seize(op, dataFile)
	if err != nil {
		return err
	}
	if old != nil {
		defer old.close()
	}
	reached(ctx, "seized")
	// A log that is left would be taken for the new file's. The old one is whole
	// without: its log is folded into it, or it can't be read.
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if err := os.Remove(dataFile + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return cantWrite(op, dataFile+suffix, err)
		}
	}
	if err := syncDir(op, dataFile); err != nil {
		return err
	}
	reached(ctx, "log removed")
	if err := os.Rename(temp, dataFile); err != nil {
		return cantWrite(op, dataFile, err)
	}
	reached(ctx, "renamed")
	if err := syncDir(op, dataFile); err != nil || old == nil {
		return err
	}
	reached(ctx, "on disk")
	// A process that opened the old file a moment ago waits for our lock. It
	// must not go on with a file that has no name any more, and put its log
	// beside the new one: so that is a data file no longer. The restore is done,
	// whether this succeeds or not.
	old.exec("PRAGMA application_id = 0")
	reached(ctx, "disowned")
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
