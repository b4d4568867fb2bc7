package postgres

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
const chunkTime = 10 * time.Millisecond

const docsNewest = `SELECT coalesce(max(seq), 0) FROM documents WHERE app = $1 AND "user" = $2 AND collection = $3`

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
	end            int64           // of the newest when the search began; -1 before
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
	return c.write(&chunkedWrite{op: op, collection: collection, query: query, changes: changes, end: -1})
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
	return c.write(&chunkedWrite{op: op, collection: collection, query: query, end: -1})
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
	for {
		seqs, err := c.search(w)
		if err != nil {
			return w.written, calls.Unfinished(w.op, err, w.written)
		}
		full := len(seqs) == maxMatches
		for len(seqs) > 0 {
			n, done, err := c.chunk(w, seqs)
			if err != nil {
				return w.written, calls.Unfinished(w.op, err, w.written)
			}
			w.written += n
			w.seq, seqs = seqs[done-1], seqs[done:]
		}
		if !full {
			return w.written, nil
		}
	}
}

// search returns the numbers of the next matches.
func (c *chunked) search(w *chunkedWrite) (seqs []int64, err error) {
	err = c.store.snapshot(c.ctx, w.op, func(q querier) error {
		d := &docs{scopeTx: &scopeTx{ctx: c.ctx, store: c.store, q: q, scope: c.scope}}
		e, err := d.parse(w.op, w.collection, w.query)
		if err != nil {
			return err
		}
		if w.end < 0 {
			if _, err := d.readOne(w.op, docsNewest, d.key(), &w.end); err != nil {
				return err
			}
		}
		defer d.finish(e, storage.FindOptions{})
		from, err := d.choose(w.op, e, storage.FindOptions{})
		if err != nil {
			return err
		}
		return d.documentsFrom(w.op, e, from, false, func(seq int64, _ string) error {
			switch {
			case seq <= w.seq:
				return nil
			case seq > w.end || len(seqs) == maxMatches:
				return errStop
			}
			seqs = append(seqs, seq)
			return nil
		})
	})
	return seqs, err
}

// chunk writes some of the matches in one transaction, and returns how many it wrote
// and how many of the list it is through with.
func (c *chunked) chunk(w *chunkedWrite, seqs []int64) (written, through int, err error) {
	n, done := 0, 0
	err = c.transact(w.op, func(d *docs) error {
		n, done = 0, 0
		q, err := d.parse(w.op, w.collection, w.query)
		if err != nil {
			return err
		}
		write := d.removing(w.op)
		if w.changes != nil {
			changes, err := storage.ParseChanges(w.changes)
			if err != nil {
				return err
			}
			write = d.changing(w.op, changes)
		}
		if d.collection.generation == 0 { // it was emptied
			done = len(seqs)
			return nil
		}
		part := seqs[:min(len(seqs), d.chunkRows())]
		bodies, err := d.bodies(w.op, part)
		if err != nil {
			return err
		}
		found := matches{}
		for _, seq := range part {
			if body, ok := bodies[seq]; ok && q.Match(body) {
				found.add(seq, body)
			}
		}
		done = len(part)
		n, err = d.writeAll(w.op, q, &found, write)
		return err
	})
	if err != nil {
		return 0, 0, err // not n and done, for the same reason
	}
	return n, done, nil
}

// chunkRows is how many documents are written in a chunk.
func (d *docs) chunkRows() int {
	c := d.collection
	each := int64(1)
	if c.count > 0 {
		each = max(1, units(c.count, c.bytes)/c.count)
	}
	return max(1, int(chunkTime/(time.Duration(each)*d.tx.w.unit())))
}

func (c *chunked) transact(op string, fn func(*docs) error) error {
	return c.store.write(c.ctx, c.scope.App, op, func(tx *writeTx) error {
		return fn(&docs{scopeTx: &scopeTx{ctx: c.ctx, store: c.store, q: tx, tx: tx, scope: c.scope}})
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
			if err := d.open(op, collection); err != nil {
				return err
			}
			n, left = 0, min(limit, int(d.collection.count)-keep)
			if left <= 0 {
				return nil
			}
			var err error
			n, err = d.removeOldest(op, min(left, d.chunkRows()))
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
