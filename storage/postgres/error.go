package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/fazt-sh/fazt/storage"
)

// The conditions that are looked for, by the names of the appendix "PostgreSQL Error Codes".
const (
	uniqueViolation      = "23505"
	readOnlyTransaction  = "25006"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	queryCanceled        = "57014"
	lockNotAvailable     = "55P03"
	duplicateTable       = "42P07"
	duplicateColumn      = "42701"
	duplicateObject      = "42710"
	undefinedTable       = "42P01"
	undefinedColumn      = "42703"
	undefinedObject      = "42704"
)

// sqlState is the condition that the database has reported, or "".
func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// retryable reports whether a transaction that failed with err was not made, and may
// succeed when it is run again.
func retryable(err error) bool {
	switch sqlState(err) {
	case serializationFailure, deadlockDetected, lockNotAvailable, queryCanceled:
		return true
	}
	return false
}

// away reports whether err says that the database is not there, or is going, or has
// become a standby; the connection is of no use any more.
func away(err error) bool {
	if state := sqlState(err); state != "" {
		switch state[:2] {
		case "08", "53", "58": // connection, out of resources, system
			return true
		}
		switch state {
		case readOnlyTransaction, "57P01", "57P02", "57P03", "25P03", "XX000":
			return true
		}
		return false
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true // also where the time for it was up
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return false // which is a net.Error, too
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return err != nil && (strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "conn busy"))
}

// wrap turns an error of the driver's into a [storage.Error] that says which
// operation failed and what to do. An error that is one already, a context's, or a
// caller's own is returned as it is.
func wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	if _, wrapped := errors.AsType[*storage.Error](err); wrapped {
		return err
	}
	state := sqlState(err)
	// What the end of a context has done to a connection is the context's error; but the
	// time in which one is made is the store's own.
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	if state == "" || state == queryCanceled {
		for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
			if errors.Is(err, ended) && !(connecting && ended == context.DeadlineExceeded) {
				return ended
			}
		}
	}
	e := &storage.Error{Op: op, Err: err}
	switch {
	case state == uniqueViolation:
		e.Code = storage.CodeConflict
	case state == readOnlyTransaction && !errors.Is(err, errDemoted):
		e.Code, e.Hint = storage.CodeReadOnly, "only reads are allowed here"
	case state == "53300": // too_many_connections
		e.Code, e.Msg, e.Hint = storage.CodeUnavailable, "the database takes no more connections", "raise its max_connections, or give each server fewer with pool_max_conns in the URL"
	case state == "3D000": // invalid_catalog_name
		e.Code, e.Msg, e.Hint = storage.CodeUnavailable, "there is no such database", "make it: CREATE DATABASE fazt OWNER fazt ENCODING 'UTF8' TEMPLATE template0"
	case away(err):
		e.Code, e.Msg = storage.CodeUnavailable, "the database can't be reached"
		e.Hint = "try again; check that PostgreSQL is running and takes connections"
	case state == queryCanceled:
		e.Code, e.Msg, e.Hint = storage.CodeOverloaded, "the database has ended the statement", "try again; if it has a statement_timeout, one of 30 s or more is needed"
	case retryable(err):
		e.Code, e.Msg, e.Hint = storage.CodeOverloaded, "others wrote the same data", "try again"
	case state == "42501": // insufficient_privilege
		e.Code, e.Hint = storage.CodeReadOnly, "the database's user has no right to do this"
	case state != "" && strings.Contains("22 23 25 26 42 0A 21 2F 54 55", state[:2]):
		e.Code = storage.CodeInvalid
	case state != "":
		e.Code, e.Hint = storage.CodeUnavailable, "check the database's log"
	default:
		return err
	}
	return e
}

// wrapSQL is wrap for a statement that somebody else has written: what the driver can't
// make of it or its values is their fault.
func wrapSQL(op string, err error) error {
	wrapped := wrap(op, err)
	if wrapped != nil && wrapped == err && storage.CodeOf(err) == "" && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return &storage.Error{Code: storage.CodeInvalid, Op: op, Err: err}
	}
	return wrapped
}

// errDemoted marks that the server, which was to be a primary, takes no writes.
var errDemoted = errors.New("the server has become a standby")

func errClosed(op string) error {
	return &storage.Error{Code: storage.CodeClosed, Op: op, Msg: "the store is closed"}
}

func errNotFound(op, msg string) error {
	return &storage.Error{Code: storage.CodeNotFound, Op: op, Msg: msg}
}

func errReadOnly(op string) error {
	return &storage.Error{Code: storage.CodeReadOnly, Op: op, Msg: "a view only reads", Hint: "use Tx to write"}
}
