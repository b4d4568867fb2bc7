package postgres

import (
	"encoding/json"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

const (
	docsTaken  = `SELECT 1 FROM documents WHERE id = $4 AND collection = $3 AND app || '' = $1 AND "user" || '' = $2`
	docsInsert = `INSERT INTO documents (app, "user", collection, seq, id, body, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	docsUpdate = `UPDATE documents SET body = $5, updated_at = $6 WHERE app = $1 AND "user" = $2 AND collection = $3 AND seq = $4`
	docsDelete = `DELETE FROM documents WHERE app = $1 AND "user" = $2 AND collection = $3 AND seq = $4`
)

func (d *docs) Insert(collection string, doc json.RawMessage) (string, error) {
	const op = "ds.insert"
	if err := storage.CheckKey(op, "collection", collection); err != nil {
		return "", err
	}
	now := time.Now().UnixMilli()
	made := ""
	id, body, err := storage.NewDocument(doc, func() string { made = calls.NewDocumentID(); return made }, now)
	if err != nil {
		return "", calls.WithOp(op, err)
	}
	return id, d.insert(op, collection, id, body, now, id == made)
}

// insert stores a document. fresh says that its id can't be taken.
func (d *docs) insert(op, name, id, body string, now int64, fresh bool) error {
	if d.tx == nil {
		return errReadOnly(op)
	}
	size := int64(len(name) + len(body))
	if err := d.reserve(op, body, size+rowBytes); err != nil {
		return err
	}
	if err := d.open(op, name); err != nil {
		return err
	}
	tx, c := d.tx, d.collection
	if !fresh && c.count > 0 {
		var n int
		taken, err := d.readOne(op, docsTaken, d.key(id), &n)
		if err != nil {
			return err
		}
		if taken {
			return calls.ErrTaken(op, id)
		}
	}
	if err := tx.begin(c); err != nil {
		return wrap(op, err)
	}
	seq, err := tx.nextSeq(c.app)
	if err != nil {
		return wrap(op, err)
	}
	if err := tx.queue(docsInsert, d.key(seq, id, body, now, now)...); err != nil {
		return wrap(op, err)
	}
	tx.change(c, 1, size)
	tx.grow(c.app, size+rowBytes)
	tx.w.demand.Inserted(c.ofAll())
	return d.whole(op, tx.addEntries(c, seq, body))
}

// nextSeq returns the number of an app's next document.
func (tx *writeTx) nextSeq(app string) (int64, error) {
	st := tx.state(app)
	if !st.known {
		if err := tx.flush(); err != nil {
			return 0, err
		}
	}
	st.seq++
	return st.seq, nil // one of a request that is undone is left out
}

// whole passes on how the rest of a write was made whose first part is there
// already. Without the rest there must be none of it: the transaction fails, also if
// its caller goes on in spite of the error.
func (d *docs) whole(op string, err error) error {
	if err = wrap(op, err); err != nil {
		d.tx.fail(err)
	}
	return err
}

// reserve refuses a document past a quota.
func (d *docs) reserve(op, body string, grow int64) error {
	if err := d.store.quotas.CheckDocument(op, body); err != nil {
		return err
	}
	return d.tx.reserve(op, d.scope.App, grow)
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
		made := ""
		id, body, err := c.Upsert(q, func() string { made = calls.NewDocumentID(); return made }, now)
		if err != nil {
			return 0, calls.WithOp(op, err)
		}
		return 1, d.insert(op, collection, id, body, now, id == made)
	})
}

// update changes the matches. none, if it is not nil, is called when there is none.
func (d *docs) update(op, collection string, query, changes json.RawMessage, none func(*storage.Expr, *storage.Changes) (int, error)) (n int, err error) {
	q, err := d.parseWrite(op, collection, query)
	if err != nil {
		return 0, err
	}
	c, err := storage.ParseChanges(changes)
	if err != nil {
		return 0, calls.WithOp(op, err)
	}
	found, err := d.matches(op, q)
	if err != nil {
		return 0, err
	}
	n, err = d.writeAll(op, q, found, d.changing(op, c))
	if err != nil {
		return 0, err
	}
	if n == 0 && none != nil {
		return none(q, c)
	}
	return n, nil
}

// writeFunc writes matches.
type writeFunc func([]match) error

// changing makes changes.
func (d *docs) changing(op string, changes *storage.Changes) writeFunc {
	now := time.Now().UnixMilli()
	c := d.collection
	return func(list []match) (err error) {
		done := 0
		defer func() {
			if err != nil && done > 0 { // half of an update is none
				d.tx.fail(err)
			}
		}()
		for _, m := range list {
			changed, err := changes.Apply(m.body, now)
			if err != nil {
				return calls.WithOp(op, err)
			}
			grown := int64(len(changed) - len(m.body))
			if err := d.reserve(op, changed, grown); err != nil {
				return err
			}
			if err := d.tx.queue(docsUpdate, d.key(m.seq, changed, now)...); err != nil {
				return wrap(op, err)
			}
			if grown != 0 {
				d.tx.change(c, 0, grown)
				d.tx.grow(c.app, grown)
			}
			if err := d.whole(op, d.tx.updateEntries(c, m.seq, m.body, changed)); err != nil {
				return err
			}
			done++
		}
		return nil
	}
}

// removing removes.
func (d *docs) removing(op string) writeFunc {
	c := d.collection
	return func(list []match) error {
		size := int64(0)
		for _, m := range list {
			if err := d.whole(op, d.tx.queue(docsDelete, d.key(m.seq)...)); err != nil {
				return err
			}
			size += int64(len(c.name) + len(m.body))
		}
		n := int64(len(list))
		d.tx.change(c, -n, -size)
		d.tx.grow(c.app, -size-n*rowBytes)
		for _, m := range list {
			if err := d.whole(op, d.tx.updateEntries(c, m.seq, m.body, "")); err != nil {
				return err
			}
		}
		return nil
	}
}

func (d *docs) Delete(collection string, query json.RawMessage) (n int, err error) {
	const op = "ds.delete"
	q, err := d.parseWrite(op, collection, query)
	if err != nil {
		return 0, err
	}
	if q.MatchesAll() {
		return d.clear(op, collection)
	}
	found, err := d.matches(op, q)
	if err != nil {
		return 0, err
	}
	return d.writeAll(op, q, found, d.removing(op))
}

func (d *docs) DeleteOldest(collection string, keep int) (n int, err error) {
	const op = "ds.deleteOldest"
	if err := calls.CheckKeepNewest(op, collection, keep); err != nil {
		return 0, err
	}
	if d.tx == nil {
		return 0, errReadOnly(op)
	}
	if err := d.open(op, collection); err != nil {
		return 0, err
	}
	count, size := d.collection.count, d.collection.bytes
	switch {
	case count <= int64(keep):
		return 0, nil
	case keep == 0:
		return d.clear(op, collection)
	}
	gone := int(count) - keep
	if err := d.tx.admit(op, gone, size/count*int64(gone)); err != nil {
		return 0, err
	}
	return d.removeOldest(op, gone)
}

// removeOldest removes so many documents.
func (d *docs) removeOldest(op string, n int) (int, error) {
	found := matches{}
	err := d.scan(op, false, func(seq int64, body string) error {
		found.add(seq, body)
		if len(found.list) == n {
			return errStop
		}
		return nil
	})
	if err = ignoreStop(err); err != nil {
		return 0, err
	}
	return d.writeAll(op, &storage.Expr{Op: storage.OpAnd}, &found, d.removing(op))
}
