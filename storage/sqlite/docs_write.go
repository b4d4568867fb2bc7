package sqlite

import (
	"cmp"
	"database/sql/driver"
	"encoding/json"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

const (
	docsInsert = `INSERT INTO documents (app, user, collection, seq, id, body, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	docsUpdate = `UPDATE documents SET body = ?, updated_at = ? WHERE app = ? AND user = ? AND collection = ? AND seq = ?`
	docsDelete = `DELETE FROM documents WHERE app = ? AND user = ? AND collection = ? AND seq = ?`
)

var docsOldest = steady(`SELECT seq FROM documents WHERE app = ? AND user = ? AND collection = ? ORDER BY seq LIMIT ?`)

func (d *docs) Insert(collection string, doc json.RawMessage) (string, error) {
	const op = "ds.insert"
	if err := storage.CheckKey(op, "collection", collection); err != nil {
		return "", err
	}
	now := time.Now().UnixMilli()
	id, body, err := storage.NewDocument(doc, calls.NewDocumentID, now)
	if err != nil {
		return "", calls.WithOp(op, err)
	}
	return id, d.insert(op, collection, id, body, now)
}

func (d *docs) insert(op, collection, id, body string, now int64) error {
	if d.tx == nil {
		return errReadOnly(op)
	}
	if err := d.reserve(op, body, len(collection)+len(body)+storage.RowBytes); err != nil {
		return err
	}
	if err := d.begin(op, collection); err != nil {
		return err
	}
	if err := d.open(op, collection); err != nil {
		return err
	}
	seq, err := d.tx.next()
	if err != nil {
		return wrap(op, err)
	}
	_, err = d.write(op, docsInsert, d.key(collection, seq, id, body, now, now)...)
	if storage.CodeOf(err) == storage.CodeConflict {
		return calls.ErrTaken(op, id)
	}
	if err != nil {
		return err
	}
	d.noteChange(collection, seq)
	d.tx.w.demand.Inserted(d.asked(collection))
	return d.whole(d.addEntries(op, collection, seq, body))
}

// whole passes on how the rest of a write was made whose first part is there
// already. Without the rest there must be none of it: the transaction fails, also if
// its caller goes on in spite of the error.
func (d *docs) whole(err error) error {
	if err != nil {
		d.tx.fail(err)
	}
	return err
}

// reserve refuses a document past a quota.
func (d *docs) reserve(op, body string, grow int) error {
	if err := d.tx.w.quotas.CheckDocument(op, body); err != nil {
		return err
	}
	return d.tx.reserve(op, d.scope.App, int64(grow))
}

// parseWrite is parse for an operation that changes the matches. It takes no
// missing query for one that matches all.
func (d *docs) parseWrite(op, collection string, query json.RawMessage) (*storage.Expr, error) {
	if err := calls.RequireQuery(op, query); err != nil {
		return nil, err
	}
	if d.tx == nil {
		return nil, errReadOnly(op)
	}
	return d.parse(op, collection, query)
}

func (d *docs) Update(collection string, query, changes json.RawMessage) (int, error) {
	return d.update("ds.update", collection, query, changes, nil)
}

func (d *docs) Upsert(collection string, query, changes json.RawMessage) (int, error) {
	const op = "ds.upsert"
	return d.update(op, collection, query, changes, func(q *storage.Expr, c *storage.Changes) (int, error) {
		now := time.Now().UnixMilli()
		id, body, err := c.Upsert(q, calls.NewDocumentID, now)
		if err != nil {
			return 0, calls.WithOp(op, err)
		}
		return 1, d.insert(op, collection, id, body, now)
	})
}

// update changes the matches. none, if it is not nil, is called when there is none.
func (d *docs) update(op, collection string, query, changes json.RawMessage, none func(*storage.Expr, *storage.Changes) (int, error)) (n int, err error) {
	defer d.blame(op, &err)
	q, err := d.parseWrite(op, collection, query)
	if err != nil {
		return 0, err
	}
	c, err := storage.ParseChanges(changes)
	if err != nil {
		return 0, calls.WithOp(op, err)
	}
	found, err := d.matches(op, collection, query, q)
	if err != nil {
		return 0, err
	}
	n, err = d.writeAll(op, collection, q, found, d.changing(op, collection, c))
	if err != nil {
		return 0, err
	}
	if n == 0 && none != nil {
		if n, err = none(q, c); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// writeFunc writes one match.
type writeFunc func(match) error

// changing makes changes.
func (d *docs) changing(op, collection string, c *storage.Changes) writeFunc {
	now := time.Now().UnixMilli()
	return func(m match) error {
		changed, err := c.Apply(m.body, now)
		if storage.CodeOf(err) == storage.CodeFormat {
			err = cmp.Or(d.broken(op), err)
		}
		if err != nil {
			return calls.WithOp(op, err)
		}
		if err := d.reserve(op, changed, len(changed)-len(m.body)); err != nil {
			return err
		}
		args := append([]any{changed, now}, d.key(collection, m.seq)...)
		if _, err := d.write(op, docsUpdate, args...); err != nil {
			return err
		}
		d.noteChange(collection, m.seq)
		return d.whole(d.updateEntries(op, collection, m.seq, m.body, changed))
	}
}

// removing removes.
func (d *docs) removing(op, collection string) writeFunc {
	return func(m match) error {
		if _, err := d.write(op, docsDelete, d.key(collection, m.seq)...); err != nil {
			return err
		}
		return d.whole(d.removeEntries(op, collection, m.seq, m.body))
	}
}

func (d *docs) Delete(collection string, query json.RawMessage) (n int, err error) {
	const op = "ds.delete"
	defer d.blame(op, &err)
	q, err := d.parseWrite(op, collection, query)
	if err != nil {
		return 0, err
	}
	if q.MatchesAll() {
		return d.clear(op, collection)
	}
	found, err := d.matches(op, collection, query, q)
	if err != nil {
		return 0, err
	}
	return d.writeAll(op, collection, q, found, d.removing(op, collection))
}

func (d *docs) DeleteOldest(collection string, keep int) (n int, err error) {
	const op = "ds.deleteOldest"
	defer d.blame(op, &err)
	if err := calls.CheckKeepNewest(op, collection, keep); err != nil {
		return 0, err
	}
	if d.tx == nil {
		return 0, errReadOnly(op)
	}
	if err := d.open(op, collection); err != nil {
		return 0, err
	}
	count, size, err := d.size(op, collection)
	switch {
	case err != nil || count <= keep:
		return 0, err
	case keep == 0:
		return d.clear(op, collection)
	}
	found := matches{count: count - keep, bytes: size / int64(count) * int64(count-keep)}
	if err := d.tx.admit(op, &found); err != nil {
		return 0, err
	}
	return d.removeOldest(op, collection, found.count)
}

func (d *docs) removeOldest(op, collection string, n int) (int, error) {
	var found matches
	err := d.quickRows(op, docsOldest, d.key(collection, n), func(row []driver.Value) error {
		found.list = append(found.list, match{seq: row[0].(int64)})
		return nil
	})
	if err != nil {
		return 0, err
	}
	n, _, err = d.writeEach(op, collection, &storage.Expr{Op: storage.OpAnd}, found.list, 0, d.removing(op, collection))
	return n, err
}
