package postgres

import (
	"context"
	"strings"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

// scopeTx implements [storage.Tx].
type scopeTx struct {
	ctx   context.Context
	store *Store
	q     querier
	tx    *writeTx // nil where nothing is written
	scope storage.Scope
}

func (t *scopeTx) KV() storage.KV     { return (*kv)(t) }
func (t *scopeTx) Docs() storage.Docs { return &docs{scopeTx: t} }

// Tx implements [storage.Data].
func (s *Store) Tx(ctx context.Context, scope storage.Scope, fn func(storage.Tx) error) error {
	const op = "tx"
	if err := storage.CheckScope(op, scope); err != nil {
		return err
	}
	return s.write(ctx, scope.App, op, func(tx *writeTx) error {
		return fn(&scopeTx{ctx: ctx, store: s, q: tx, tx: tx, scope: scope})
	})
}

// View implements [storage.Data].
func (s *Store) View(ctx context.Context, scope storage.Scope, fn func(storage.Tx) error) error {
	const op = "view"
	if err := storage.CheckScope(op, scope); err != nil {
		return err
	}
	return s.snapshot(ctx, op, func(q querier) error {
		return fn(&scopeTx{ctx: ctx, store: s, q: q, scope: scope})
	})
}

// Get implements [storage.Data].
func (s *Store) Get(ctx context.Context, scope storage.Scope, key string) (storage.Entry, error) {
	const op = "kv.get"
	if err := storage.CheckScope(op, scope); err != nil {
		return storage.Entry{}, err
	}
	if err := s.usable(ctx, op); err != nil {
		return storage.Entry{}, err
	}
	tx := scopeTx{ctx: ctx, store: s, q: pooled{s}, scope: scope}
	e, err := tx.KV().Get(key)
	return e, s.failed(op, err)
}

// read calls fn for every row of a query.
func (t *scopeTx) read(op, query string, args []any, fn func(scan scanFunc) error) error {
	return wrap(op, t.q.query(t.ctx, query, args, fn))
}

// readOne reads the first row of a query, and reports whether there is one.
func (t *scopeTx) readOne(op, query string, args []any, dest ...any) (found bool, err error) {
	found, err = one(t.ctx, t.q, query, args, dest...)
	return found, wrap(op, err)
}

// returns is called with the size of what an operation is about to return, before it
// is held.
func (t *scopeTx) returns(bytes int) error {
	if t.tx != nil {
		return nil
	}
	if p := storage.PacerOf(t.ctx); p != nil {
		return p.Read(bytes)
	}
	return nil
}

// size returns what counts what a list or a find gathers.
func (t *scopeTx) size(op string, limit int) *resultSize {
	if t.tx != nil {
		return &resultSize{op: op, limit: limit}
	}
	return newResultSize(t.ctx, op, limit)
}

// pace is called by whatever computes for long, about every half millisecond.
func (t *scopeTx) pace() error {
	if err := t.ctx.Err(); err != nil {
		return err
	}
	if t.tx != nil {
		return nil
	}
	if p := storage.PacerOf(t.ctx); p != nil {
		return p.Pace(t.ctx)
	}
	return nil
}

// span is the names that a page is taken from, from one up to and without the other, and
// how many rows to ask for.
type span struct {
	from, to string
	limit    int
}

func listSpan(op, prefix string, page storage.Page) (span, error) {
	limit, err := calls.CheckList(op, prefix, page)
	if err != nil {
		return span{}, err
	}
	from := prefix
	if page.After != "" {
		// No name has a NUL, so this is the first after page.After.
		from = max(prefix, page.After+"\x01")
	}
	return span{from, prefixEnd(prefix), limit}, nil
}

// lastText is after all names, in the order of bytes.
var lastText = strings.Repeat("\U0010ffff", storage.MaxKey/4+1)

// prefixEnd returns a text that is after all names that start with prefix and before all
// others that are after these. The order of UTF-8's bytes is that of its code points.
func prefixEnd(prefix string) string {
	runes := []rune(prefix)
	for i := len(runes) - 1; i >= 0; i-- {
		switch runes[i] {
		case '\U0010ffff':
			continue
		case 0xd7ff: // before the surrogates, which are no code points
			runes[i] = 0xe000
		default:
			runes[i]++
		}
		return string(runes[:i+1])
	}
	return lastText
}

// resultSize counts what a list or a find gathers.
type resultSize struct {
	op    string
	limit int                   // the caller's
	read  func(bytes int) error // told of each row; may be nil
	rows  int
	bytes int
}

// newResultSize returns one that tells the context's pacer.
func newResultSize(ctx context.Context, op string, limit int) *resultSize {
	r := &resultSize{op: op, limit: limit}
	if p := storage.PacerOf(ctx); p != nil {
		r.read = p.Read
	}
	return r
}

// add is called before a row is held.
func (r *resultSize) add(n int) error {
	r.rows++
	r.bytes += n
	if err := calls.CheckResult(r.op, r.limit, r.rows, r.bytes); err != nil {
		return err
	}
	if r.read == nil {
		return nil
	}
	return r.read(n)
}
