package postgres

import (
	"context"
	"database/sql/driver"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fazt-sh/fazt/storage"
)

// Write implements [storage.Database].
func (s *Store) Write(ctx context.Context, fn func(storage.SQL) error) error {
	const op = "write"
	return s.write(ctx, "", op, func(tx *writeTx) error {
		return fn(&sqlTx{ctx: ctx, op: op, q: tx, tx: tx})
	})
}

// Read implements [storage.Database].
func (s *Store) Read(ctx context.Context, fn func(storage.SQL) error) error {
	const op = "read"
	return s.snapshot(ctx, op, func(q querier) error {
		return fn(&sqlTx{ctx: ctx, op: op, q: q})
	})
}

// sqlTx implements [storage.SQL].
type sqlTx struct {
	ctx context.Context
	op  string
	q   querier
	tx  *writeTx // nil where nothing is written
}

func (t *sqlTx) Exec(query string, args ...any) (int64, error) {
	if err := t.check(query); err != nil {
		return 0, err
	}
	if t.tx == nil {
		return 0, errReadOnly(t.op)
	}
	n, err := t.tx.exec(numbered(query), args...)
	return n, wrapSQL(t.op, err)
}

// check refuses the statements that would commit, or undo, what others have written in
// the same transaction.
func (t *sqlTx) check(query string) error {
	word, _, _ := strings.Cut(firstWords(query), " ")
	switch word {
	case "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "PREPARE":
		return &storage.Error{Code: storage.CodeInvalid, Op: t.op, Msg: "the transaction is the store's",
			Hint: "return an error to undo it, and nil to commit"}
	}
	return nil
}

func (t *sqlTx) Query(query string, args []any, row func(scan func(dest ...any) error) error) error {
	if err := t.check(query); err != nil {
		return err
	}
	if startsWithSelect(query) {
		args = findable(args)
	}
	var caller error // its own, which is returned as it is
	each := func(scan scanFunc) error {
		caller = row(func(dest ...any) error { return wrapSQL("scan", scan(withFlags(dest)...)) })
		return caller
	}
	var err error
	if t.tx != nil {
		err = t.tx.guardedRows(numbered(query), args, each)
	} else {
		err = t.q.query(t.ctx, numbered(query), args, each)
	}
	if caller != nil {
		return caller
	}
	return wrapSQL(t.op, err)
}

// findable makes texts that no row can have, with a NUL or not in UTF-8, into others that
// none has: who looks for one finds nothing, as on every engine, and no error.
func findable(args []any) []any {
	var changed []any
	for i, a := range args {
		text, ok := a.(string)
		if !ok || utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 {
			continue
		}
		if changed == nil {
			changed = slices.Clone(args)
		}
		changed[i] = strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd")
	}
	if changed != nil {
		return changed
	}
	return args
}

// withFlags has a bool take a number, as in [database/sql]: flags are stored as 0 or 1.
func withFlags(dest []any) []any {
	var changed []any
	for i, d := range dest {
		if b, ok := d.(*bool); ok {
			if changed == nil {
				changed = slices.Clone(dest)
			}
			changed[i] = (*flag)(b)
		}
	}
	if changed != nil {
		return changed
	}
	return dest
}

// flag implements [database/sql.Scanner].
type flag bool

func (f *flag) Scan(v any) error {
	b, err := driver.Bool.ConvertValue(v)
	if err == nil {
		*f = flag(b.(bool))
	}
	return err
}

// guardedRows is rows for a statement that may fail, and may write.
func (tx *writeTx) guardedRows(query string, args []any, fn func(scan scanFunc) error) error {
	var rows *rowBuffer
	err := tx.guarded(statement{query: query, args: args, writes: !startsWithSelect(query),
		got: func(r *rowBuffer) error { rows = r; return nil }})
	if err != nil {
		return err
	}
	return rows.each(fn)
}

// startsWithSelect reports whether a statement is certain not to write, as far as the
// store's own packages write any.
func startsWithSelect(query string) bool { return strings.HasPrefix(firstWords(query), "SELECT ") }
