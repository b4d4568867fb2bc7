package postgres

import (
	"context"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/fazt-sh/fazt/storage"
)

// startCatalogue begins the work in the background that belongs to all but apps' data.
func (s *Store) startCatalogue() {
	s.watch = newWatch(s.Revision, s.logger)
	s.atClose(s.watch.close)
	s.background.Go(s.upkeep)
	s.sweeper = startSweeper(s)
	s.writer.cleared = s.sweeper.now
}

// list returns what each row of a query makes.
func list[T any](ctx context.Context, s *Store, op string, make func(scanFunc) (T, error), query string, args ...any) ([]T, error) {
	items := []T{}
	err := s.read(ctx, op, query, args, func(scan scanFunc) error {
		item, err := make(scan)
		items = append(items, item)
		return err
	})
	if err != nil {
		return nil, err
	}
	return items, nil
}

// only returns what the only row of a query by a key makes, or [storage.CodeNotFound].
func only[T any](ctx context.Context, s *Store, op, missing string, make func(scanFunc) (T, error), query string, args ...any) (item T, err error) {
	items, err := list(ctx, s, op, make, query, args...)
	if err == nil && len(items) == 0 {
		err = errNotFound(op, missing)
	}
	if err != nil {
		return item, err
	}
	return items[0], nil
}

// exec runs one statement that is a transaction by itself and needs no turn, of what the
// store keeps for itself, and returns how many rows it changed. After an error it may
// have been made or not.
func (s *Store) exec(ctx context.Context, op, statement string, args ...any) (n int64, err error) {
	if err := s.usable(ctx, op); err != nil {
		return 0, err
	}
	err = storage.Wait(ctx, func() error {
		var tag pgconn.CommandTag
		tag, err := s.pool.Exec(ctx, statement, args...)
		n = tag.RowsAffected()
		return err
	})
	return n, s.failed(op, err)
}

// each reads in a write transaction, and calls fn for every row.
func (tx *writeTx) each(query string, args []any, fn func(scan scanFunc) error) error {
	return tx.query(tx.r.ctx, query, args, fn)
}

// returning is each for a statement that changes the rows, and that no constraint can
// make fail.
func (tx *writeTx) returning(query string, args []any, fn func(scan scanFunc) error) error {
	rows, err := tx.changed(query, args)
	if err != nil {
		return err
	}
	return rows.each(fn)
}

// sql lends the transaction to package storage.
func (tx *writeTx) sql(op string) storage.SQL { return &sqlTx{ctx: tx.r.ctx, op: op, q: tx, tx: tx} }
