package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

// chunkTime is for how long one transaction of a write in chunks goes on, about.
const chunkTime = 5 * time.Millisecond

var docsNewest = steady(`SELECT seq FROM documents WHERE app = ? AND user = ? AND collection = ? ORDER BY seq DESC LIMIT 1`)

// chunked implements [storage.ChunkedDocs].
type chunked struct {
	store *Store
	ctx   context.Context
	scope storage.Scope
}

// InChunks implements [storage.Data].
func (s *Store) InChunks(ctx context.Context, scope storage.Scope) storage.ChunkedDocs {
	return &chunked{s, ctx, scope}
}

// chunkedWrite is one call.
type chunkedWrite struct {
	op, collection string
	query          json.RawMessage
	changes        json.RawMessage // nil removes
	seq            int64           // of the last document that was searched for
	end            int64           // of the newest when the first match was found
	written        int
}

func (c *chunked) Update(collection string, query, changes json.RawMessage) (int, error) {
	const op = "ds.update"
	if err := c.check(op, query); err != nil {
		return 0, err
	}
	if _, err := storage.ParseChanges(changes); err != nil {
		return 0, calls.WithOp(op, err)
	}
	return c.write(&chunkedWrite{op: op, collection: collection, query: query, changes: changes})
}

func (c *chunked) Delete(collection string, query json.RawMessage) (int, error) {
	const op = "ds.delete"
	if err := c.check(op, query); err != nil {
		return 0, err
	}
	q, err := storage.ParseQuery(query)
	if err != nil {
		return 0, calls.WithOp(op, err)
	}
	if q.MatchesAll() {
		return c.clear(collection)
	}
	return c.write(&chunkedWrite{op: op, collection: collection, query: query})
}

func (c *chunked) check(op string, query json.RawMessage) error {
	if err := storage.CheckScope(op, c.scope); err != nil {
		return err
	}
	return calls.RequireQuery(op, query)
}

func (c *chunked) clear(collection string) (int, error) {
	n := 0
	err := c.store.Tx(c.ctx, c.scope, func(tx storage.Tx) (err error) {
		n, err = tx.Docs().Delete(collection, json.RawMessage(`{}`))
		return err
	})
	if err != nil {
		return 0, err // not n: a transaction that was given up may still set it
	}
	return n, nil
}

// write searches for as many matches as are held at once, writes them in as many
// transactions as that takes, and goes on after the last of them.
func (c *chunked) write(w *chunkedWrite) (int, error) {
	w.end = math.MaxInt64
	for {
		list, err := c.search(w)
		if err != nil {
			return w.written, calls.Unfinished(w.op, err, w.written)
		}
		full := len(list) == maxMatches
		for len(list) > 0 {
			n, done, err := c.chunk(w, list)
			if err != nil {
				return w.written, calls.Unfinished(w.op, err, w.written)
			}
			w.written += n
			w.seq, list = list[done-1].seq, list[done:]
		}
		if !full {
			return w.written, nil
		}
	}
}

// search returns the next matches.
func (c *chunked) search(w *chunkedWrite) ([]match, error) {
	var found matches
	err := c.store.searchAfter(c.ctx, c.scope, w.op, w.collection, w.query, w.seq, func(d *docs, seq int64, body string) error {
		if w.end == math.MaxInt64 {
			row, err := d.row(w.op, docsNewest, d.key(w.collection)...)
			if err != nil {
				return err
			}
			w.end = row[0].(int64)
		}
		if seq > w.end || len(found.list) == maxMatches {
			return errStop
		}
		found.add(seq, body)
		return nil
	})
	return found.list, err
}

// chunk writes some of the matches in one transaction, and returns how many it wrote
// and how many of the list it is through with.
func (c *chunked) chunk(w *chunkedWrite, list []match) (written, through int, err error) {
	n, done := 0, 0
	err = c.transact(w.op, func(d *docs) error {
		q, err := d.parse(w.op, w.collection, w.query)
		if err != nil {
			return err
		}
		write := d.removing(w.op, w.collection)
		if w.changes != nil {
			changes, err := storage.ParseChanges(w.changes)
			if err != nil {
				return err
			}
			write = d.changing(w.op, w.collection, changes)
		}
		n, done, err = d.writeEach(w.op, w.collection, q, list, chunkTime, write)
		return err
	})
	if err != nil {
		return 0, 0, err // not n and done, for the same reason
	}
	return n, done, nil
}

func (c *chunked) transact(op string, fn func(*docs) error) error {
	return c.store.writer.do(c.ctx, c.scope.App, op, func(tx *writeTx) (err error) {
		d := &docs{session: session{c.ctx, tx.conn, tx}, scope: c.scope}
		defer d.blame(op, &err)
		return fn(d)
	})
}

// DeleteOldest removes no more than are too many when it is called.
func (c *chunked) DeleteOldest(collection string, keep int) (int, error) {
	const op = "ds.deleteOldest"
	if err := errors.Join(storage.CheckScope(op, c.scope), calls.CheckKeepNewest(op, collection, keep)); err != nil {
		return 0, err
	}
	if keep == 0 {
		return c.clear(collection)
	}
	w := &chunkedWrite{op: op}
	for limit := math.MaxInt; ; {
		n, left := 0, 0
		err := c.transact(op, func(d *docs) error {
			count, size, err := d.size(op, collection)
			if err != nil {
				return err
			}
			n, left = 0, min(limit, count-keep)
			if left <= 0 {
				return nil
			}
			if err := d.open(op, collection); err != nil {
				return err
			}
			each := time.Duration(max(1, units(count, size)/int64(count))) * d.tx.w.unit()
			n, err = d.removeOldest(op, collection, min(left, max(1, int(chunkTime/each))))
			return err
		})
		if err != nil {
			return w.written, calls.Unfinished(w.op, err, w.written)
		}
		w.written += n
		if limit = left - n; limit <= 0 {
			return w.written, nil
		}
	}
}
