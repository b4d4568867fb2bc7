package postgres

import (
	"github.com/fazt-sh/fazt/storage/internal/demand"
)

const (
	collectionGet  = `SELECT generation, count, bytes FROM collections WHERE app = $1 AND "user" = $2 AND name = $3`
	collectionKeep = `INSERT INTO collections (app, "user", name, generation, count, bytes) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (app, "user", name) DO UPDATE SET generation = excluded.generation, count = excluded.count, bytes = excluded.bytes`
	collectionDelete = `DELETE FROM collections WHERE app = $1 AND "user" = $2 AND name = $3`
	clearedInsert    = `INSERT INTO cleared (app, "user", generation, name) VALUES ($1, $2, $3, $4)`
)

// collectionName names a collection of all users of an app.
type collectionName = demand.Collection

// collectionKey names a collection.
type collectionKey struct{ app, user, name string }

func (k collectionKey) ofAll() collectionName { return collectionName{App: k.app, Name: k.name} }

// collectionState is how many documents one has, and how large they are, with the
// collection's name for each. Its generation is 0 if it has none.
type collectionState struct {
	collectionKey
	generation int64
	count      int64
	bytes      int64

	// Of a transaction that writes:
	stored  bool // there is a row of it
	changed bool
}

// readCollection reads a collection as a reader sees it.
func readCollection(rows *rowBuffer, c *collectionState) error {
	if len(rows.rows) == 0 {
		return nil
	}
	c.stored = true
	return rows.scan(0, &c.generation, &c.count, &c.bytes)
}

// state returns what the transaction knows of an app.
func (b *batchTx) state(app string) *appState {
	st := b.apps[app]
	if st == nil {
		st = &appState{app: app}
		if b.apps == nil {
			b.apps = make(map[string]*appState)
		}
		b.apps[app] = st
	}
	return st
}

// collection returns a collection, which the transaction keeps in memory: it is read
// once, with the indexes that it has, and written back before the commit.
func (tx *writeTx) collection(key collectionKey) (*collectionState, error) {
	if err := tx.usable(); err != nil {
		return nil, err
	}
	c := tx.collections[key]
	_, indexed := tx.indexes[key.ofAll()]
	if c != nil && indexed {
		return c, nil
	}
	read := c
	if c == nil {
		read = &collectionState{collectionKey: key}
		tx.pending = append(tx.pending, statement{query: collectionGet, args: []any{key.app, key.user, key.name},
			got: func(rows *rowBuffer) error { return readCollection(rows, read) }})
	}
	if !indexed {
		tx.pending = append(tx.pending, tx.readIndexes(key.ofAll()))
	}
	if err := tx.flush(); err != nil {
		return nil, err
	}
	if c == nil {
		if tx.collections == nil {
			tx.collections = make(map[collectionKey]*collectionState)
		}
		tx.collections[key] = read
	}
	return read, nil
}

// change notes that the request at hand changes a collection.
func (tx *writeTx) change(c *collectionState, count, bytes int64) {
	before := *c
	tx.undo = append(tx.undo, func() { *c = before })
	c.changed = true
	c.count += count
	c.bytes += bytes
}

// begin gives a collection that has no documents a generation.
func (tx *writeTx) begin(c *collectionState) error {
	if c.generation != 0 {
		return nil
	}
	n, err := tx.next()
	if err != nil {
		return err
	}
	tx.change(c, 0, 0)
	c.generation = n
	return nil
}

// clear empties a collection in one short step, whatever its size, and returns how many
// documents it had. They are swept later.
func (d *docs) clear(op, name string) (int, error) {
	c := d.collection
	n := c.count
	if n == 0 {
		return 0, nil
	}
	if err := d.tx.queue(clearedInsert, c.app, c.user, c.generation, c.name); err != nil {
		return 0, wrap(op, err)
	}
	d.tx.grow(c.app, -c.bytes-n*rowBytes)
	d.tx.change(c, -n, -c.bytes)
	c.generation = 0
	w := d.tx.w
	d.tx.onCommit(func() {
		w.demand.ForgetKeys(c.ofAll(), c.user)
		w.cleared()
	})
	return int(n), nil
}

// collectionStatements write back the collections that have changed.
func (b *batchTx) collectionStatements() (list []statement) {
	for _, c := range b.collections {
		switch {
		case !c.changed:
		case c.generation != 0:
			list = append(list, statement{query: collectionKeep, args: []any{c.app, c.user, c.name, c.generation, c.count, c.bytes}})
		case c.stored:
			list = append(list, statement{query: collectionDelete, args: []any{c.app, c.user, c.name}})
		}
	}
	return list
}
