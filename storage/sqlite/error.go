package sqlite

import (
	"errors"

	"github.com/mattn/go-sqlite3"

	"github.com/fazt-sh/fazt/storage"
)

// wrap turns an error of the driver's into a [storage.Error] that says which
// operation failed and what to do. An error that is one already, a context's,
// or a caller's own is returned as it is.
func wrap(op string, err error) error {
	se, ok := errors.AsType[sqlite3.Error](err)
	if !ok {
		return err
	}
	if _, wrapped := errors.AsType[*storage.Error](err); wrapped {
		return err
	}
	e := &storage.Error{Op: op, Err: err}
	switch se.Code {
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		e.Code, e.Hint = storage.CodeOverloaded, "another process holds the data file's lock; try again"
	case sqlite3.ErrFull:
		e.Code, e.Hint = storage.CodeUnavailable, "free some disk space"
	case sqlite3.ErrReadonly, sqlite3.ErrAuth, sqlite3.ErrPerm:
		e.Code, e.Hint = storage.CodeReadOnly, "only reads are allowed here"
	case sqlite3.ErrConstraint:
		e.Code = storage.CodeInvalid
		if isTaken(err) {
			e.Code = storage.CodeConflict
		}
	case sqlite3.ErrError, sqlite3.ErrMismatch, sqlite3.ErrRange, sqlite3.ErrMisuse, sqlite3.ErrTooBig:
		e.Code = storage.CodeInvalid
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		e.Code, e.Hint = storage.CodeUnavailable, "the data file is damaged; restore a backup"
	default:
		e.Code, e.Hint = storage.CodeUnavailable, "check the disk that holds the data file"
	}
	return e
}

// isTaken reports whether a row with the same key was there before.
func isTaken(err error) bool {
	se, ok := errors.AsType[sqlite3.Error](err)
	return ok && (se.ExtendedCode == sqlite3.ErrConstraintUnique || se.ExtendedCode == sqlite3.ErrConstraintPrimaryKey)
}

func isBusy(err error) bool {
	se, ok := errors.AsType[sqlite3.Error](err)
	return ok && (se.Code == sqlite3.ErrBusy || se.Code == sqlite3.ErrLocked)
}

// commitUnknown reports whether a COMMIT that failed with err may have reached
// the disk: its last frame was written, and then the fsync failed.
func commitUnknown(err error) bool {
	se, ok := errors.AsType[sqlite3.Error](err)
	return ok && (se.ExtendedCode == sqlite3.ErrIoErrFsync || se.ExtendedCode == sqlite3.ErrIoErrDirFsync)
}

func errClosed(op string) error {
	return &storage.Error{Code: storage.CodeClosed, Op: op, Msg: "the store is closed"}
}

func errNotFound(op, msg string) error {
	return &storage.Error{Code: storage.CodeNotFound, Op: op, Msg: msg}
}
