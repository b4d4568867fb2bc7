package sqlite

import (
	"context"
	"database/sql/driver"
	"strings"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/demand"
)

// session is what the operations of one transaction need. On a reader tx is
// nil.
type session struct {
	ctx  context.Context
	conn *conn
	tx   *writeTx
}

// write runs a statement that changes data.
func (s *session) write(op, query string, args ...any) (int64, error) {
	if s.tx == nil {
		return 0, errReadOnly(op)
	}
	n, err := s.tx.write(query, args...)
	return n, wrap(op, err)
}

// row returns the first row of a query by key.
func (s *session) row(op, query string, args ...any) ([]driver.Value, error) {
	if err := s.ready(); err != nil {
		return nil, wrap(op, err)
	}
	row, err := s.conn.queryRow(query, args...)
	return row, wrap(op, s.check(err))
}

// rows calls fn for every row of a query, until the context is done.
func (s *session) rows(op, query string, args []any, fn func([]driver.Value) error) error {
	if err := s.ready(); err != nil {
		return wrap(op, err)
	}
	return wrap(op, s.check(s.conn.query(s.ctx, query, args, fn)))
}

// quickRows is rows for a query that finds one row after another: it is enough to
// look at the context now and then, and to have it watched costs more than to read
// a row does. Now and then is by the text, which fn may have to read.
func (s *session) quickRows(op, query string, args []any, fn func([]driver.Value) error) error {
	const perRow = 1 << 10
	if err := s.ready(); err != nil {
		return wrap(op, err)
	}
	return wrap(op, s.check(s.conn.query(context.Background(), query, args, func(row []driver.Value) error {
		work := perRow
		for _, v := range row {
			if text, ok := v.(string); ok {
				work += len(text)
			}
		}
		if err := s.pace(work); err != nil {
			return err
		}
		return fn(row)
	})))
}

// pace is called by whatever goes on for long, with the work that it does next: so
// many bytes of text, where a row counts as 1 KiB.
func (s *session) pace(work int) error {
	const often = 32 << 10
	if s.conn.work += work; s.conn.work < often {
		return nil
	}
	s.conn.work = 0
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if s.conn.reader == nil {
		return nil
	}
	return s.conn.reader.pace(s.ctx)
}

// returns is called with the size of what an operation is about to return, before it
// is held.
func (s *session) returns(bytes int) error {
	if s.conn.reader == nil || s.conn.reader.pacer == nil {
		return nil
	}
	return s.conn.reader.pacer.Read(bytes)
}

// demand is where finds note what they read; nil on the readers of what is not an app's
// data.
func (s *session) demand() *demand.Demand {
	switch {
	case s.tx != nil:
		return s.tx.w.demand
	case s.conn != nil && s.conn.reader != nil:
		return s.conn.reader.pool.demand
	}
	return nil
}

func (s *session) ready() error {
	if s.tx != nil {
		if err := s.tx.usable(); err != nil {
			return err
		}
	}
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if s.conn == nil {
		return &storage.Error{Code: storage.CodeClosed, Msg: "the transaction has ended"}
	}
	return nil
}

func (s *session) check(err error) error {
	if s.tx != nil {
		return s.tx.check(err)
	}
	return err
}

// scopeTx implements [storage.Tx].
type scopeTx struct {
	session
	scope    storage.Scope
	searches *searches // of a writer: see [Store.transact]

	// What the operation on documents at hand is about, see [docs.open].
	collection string
	generation generation
	// reached is nil, or which document its scan has got to, see [session.resumable].
	reached *int64
	cost    demand.Cost
}

func (t *scopeTx) KV() storage.KV     { return (*kv)(t) }
func (t *scopeTx) Docs() storage.Docs { return (*docs)(t) }

// Tx implements [storage.Data].
func (s *Store) Tx(ctx context.Context, scope storage.Scope, fn func(storage.Tx) error) error {
	if err := storage.CheckScope("tx", scope); err != nil {
		return err
	}
	return s.transact(ctx, "tx", scope, fn)
}

// View implements [storage.Data].
func (s *Store) View(ctx context.Context, scope storage.Scope, fn func(storage.Tx) error) error {
	if err := storage.CheckScope("view", scope); err != nil {
		return err
	}
	tx := &scopeTx{session: session{ctx: ctx}, scope: scope}
	return tx.snapshot(s.readers, "view", scope.App, func() error { return fn(tx) })
}

// Get implements [storage.Data].
func (s *Store) Get(ctx context.Context, scope storage.Scope, key string) (storage.Entry, error) {
	const op = "kv.get"
	if err := storage.CheckScope(op, scope); err != nil {
		return storage.Entry{}, err
	}
	c, err := s.readers.get(ctx, op, scope.App, false)
	if err != nil {
		return storage.Entry{}, err
	}
	defer s.readers.put(c)
	tx := scopeTx{session: session{ctx, c.conn, nil}, scope: scope}
	return tx.KV().Get(key)
}

// sqlTx implements [storage.SQL].
type sqlTx struct {
	session
	op string
}

// Write implements [storage.Database].
func (s *Store) Write(ctx context.Context, fn func(storage.SQL) error) error {
	return s.writer.do(ctx, "", "write", func(tx *writeTx) error {
		return fn(&sqlTx{session{ctx, tx.conn, tx}, "write"})
	})
}

// Read implements [storage.Database].
func (s *Store) Read(ctx context.Context, fn func(storage.SQL) error) error {
	return s.system.snapshot(ctx, "read", func(c *conn) error {
		return fn(&sqlTx{session{ctx, c, nil}, "read"})
	})
}

func (t *sqlTx) Exec(query string, args ...any) (int64, error) {
	if endsTransaction(query) {
		return 0, &storage.Error{Code: storage.CodeInvalid, Op: t.op, Msg: "the transaction is the store's",
			Hint: "return an error to undo it, and nil to commit"}
	}
	t.disturb()
	return t.write(t.op, query, args...)
}

// disturb forgets what the writer knows about documents: the statement may change
// them.
func (t *sqlTx) disturb() {
	if t.tx != nil {
		t.tx.generations = nil
		t.tx.w.changeLogs.lose()
	}
}

// endsTransaction catches the statements that would commit, or undo, what
// others have written in the same transaction.
func endsTransaction(query string) bool {
	statement, _ := cutStatement(query)
	word, _, _ := strings.Cut(statement, " ")
	switch strings.ToUpper(strings.TrimSpace(word)) {
	case "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE", "ATTACH", "DETACH", "VACUUM":
		return true
	}
	return false
}

func (t *sqlTx) Query(query string, args []any, row func(scan func(dest ...any) error) error) error {
	s := t.session
	if s.tx != nil && !startsWithSelect(query) {
		if err := s.tx.beforeWrite(); err != nil {
			return wrap(t.op, err)
		}
		t.disturb()
		// To interrupt a statement that writes would end everyone's transaction.
		s.ctx = context.WithoutCancel(s.ctx)
	}
	return s.rows(t.op, query, args, func(values []driver.Value) error {
		return row(func(dest ...any) error { return scan(values, dest) })
	})
}

// startsWithSelect reports whether a statement is certain not to write.
func startsWithSelect(query string) bool {
	const word = "SELECT"
	query = strings.TrimLeft(query, " \t\r\n")
	return len(query) > len(word) && strings.EqualFold(query[:len(word)], word)
}
