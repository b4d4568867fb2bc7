package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

const rowBytes = storage.RowBytes

const (
	// buildRows and buildBytes bound one transaction of a build, which keeps the app's
	// writers waiting for some milliseconds.
	buildRows  = 500
	buildBytes = 4 << 20

	selectIndexes = `SELECT id, field, state FROM indexes WHERE app = $1 AND collection = $2 AND state <> 'dropped'`
	insertIndex   = `INSERT INTO indexes (id, app, collection, field, state, automatic, used_at, built_user, built_seq)
		VALUES ($1, $2, $3, $4, 'building', $5, $6, '', 0)`
	dropIndex = `UPDATE indexes SET state = 'dropped' WHERE id = $1`

	entryInsert = `INSERT INTO index_entries (app, index_id, "user", generation, value, seq) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`
	entryDelete = `DELETE FROM index_entries WHERE app = $1 AND index_id = $2 AND "user" = $3 AND generation = $4 AND value = $5 AND seq = $6`
)

// index is an indexed field of a collection.
type index struct {
	id    int64
	field string
	path  storage.Path
	ready bool // every document has its entry
}

func scanIndexes(rows *rowBuffer) ([]index, error) {
	found := []index{}
	err := rows.each(func(scan scanFunc) error {
		var x index
		var state string
		if err := scan(&x.id, &x.field, &state); err != nil {
			return err
		}
		x.path, x.ready = storage.ParsePath(x.field), state == "ready"
		found = append(found, x)
		return nil
	})
	return found, err
}

// readIndexes is the statement that reads the indexes of a collection for the
// transaction, also those being built.
func (b *batchTx) readIndexes(key collectionName) statement {
	return statement{query: selectIndexes, args: []any{key.App, key.Name}, got: func(rows *rowBuffer) error {
		found, err := scanIndexes(rows)
		if b.indexes == nil {
			b.indexes = make(map[collectionName][]index)
		}
		b.indexes[key] = found
		return err
	}}
}

// indexesOf returns the indexes of a collection, also those being built. A transaction
// that writes remembers them.
func (d *docs) indexesOf(op, name string) ([]index, error) {
	if d.tx != nil {
		key := collectionKey{d.scope.App, d.scope.User, name}
		if _, err := d.tx.collection(key); err != nil {
			return nil, wrap(op, err)
		}
		return d.tx.indexes[key.ofAll()], nil
	}
	rows, err := d.q.rows(d.ctx, selectIndexes, []any{d.scope.App, name})
	if err != nil {
		return nil, wrap(op, err)
	}
	return scanIndexes(rows)
}

// addEntries makes the entries of a new document.
func (tx *writeTx) addEntries(c *collectionState, seq int64, body string) error {
	for _, x := range tx.indexes[c.ofAll()] {
		if err := tx.queue(entryInsert, c.app, x.id, c.user, c.generation, storage.IndexKey(body, x.path), seq); err != nil {
			return err
		}
	}
	return nil
}

// updateEntries changes the entries of a document where its values have changed. An
// empty text stands for a document that is no more.
func (tx *writeTx) updateEntries(c *collectionState, seq int64, before, after string) error {
	for _, x := range tx.indexes[c.ofAll()] {
		old := storage.IndexKey(before, x.path)
		var key []byte
		if after != "" {
			if key = storage.IndexKey(after, x.path); bytes.Equal(old, key) {
				continue
			}
		}
		if err := tx.queue(entryDelete, c.app, x.id, c.user, c.generation, old, seq); err != nil {
			return err
		}
		if after == "" {
			continue
		}
		if err := tx.queue(entryInsert, c.app, x.id, c.user, c.generation, key, seq); err != nil {
			return err
		}
	}
	return nil
}

// declareIndexes makes want the indexes of an app, by collection, besides those that
// have made themselves; one of these that is in want stays from now on. A new one is kept
// up by everybody who writes from this transaction on, and built by the indexer: a deploy
// takes no longer for an app with much data, and finds are right with an index or
// without. It takes the app's turn.
func (s *Store) declareIndexes(tx *writeTx, app string, want map[string][]string) error {
	type had struct {
		id                int64
		collection, field string
		automatic         int64
	}
	if err := tx.lock(app); err != nil {
		return err
	}
	tx.forgetIndexes()
	var have []had
	err := tx.query(context.Background(), "SELECT id, collection, field, automatic FROM indexes WHERE app = $1 AND state <> 'dropped'", []any{app},
		func(scan scanFunc) error {
			var x had
			err := scan(&x.id, &x.collection, &x.field, &x.automatic)
			have = append(have, x)
			return err
		})
	if err != nil {
		return err
	}
	kept := make(map[string][]string)
	for _, x := range have {
		switch wanted := slices.Contains(want[x.collection], x.field); {
		case wanted:
			kept[x.collection] = append(kept[x.collection], x.field)
			if x.automatic != 0 {
				err = tx.queue("UPDATE indexes SET automatic = 0 WHERE id = $1", x.id)
			}
		case x.automatic == 0:
			err = tx.queue(dropIndex, x.id)
		}
		if err != nil {
			return err
		}
	}
	for collection, fields := range want {
		for _, field := range fields {
			if slices.Contains(kept[collection], field) {
				continue
			}
			if err := s.addIndex(tx, app, collection, field, 0); err != nil {
				return err
			}
		}
	}
	tx.onCommit(s.indexer.now)
	return nil
}

// forgetIndexes has the transaction read indexes again, also if the request is undone.
func (tx *writeTx) forgetIndexes() { tx.indexes = nil }

// addIndex begins an index. One of few documents is ready at once.
func (s *Store) addIndex(tx *writeTx, app, collection, field string, automatic int64) error {
	id, err := tx.next()
	if err != nil {
		return err
	}
	usedAt := int64(0)
	if automatic != 0 {
		usedAt = time.Now().UnixMilli()
	}
	if err := tx.queue(insertIndex, id, app, collection, field, automatic, usedAt); err != nil {
		return err
	}
	_, err = buildIndex(tx, id)
	return err
}

const (
	buildNext  = `SELECT app, collection, field, built_user, built_seq FROM indexes WHERE id = $1 AND state = 'building'`
	buildScan  = `SELECT seq, body FROM documents WHERE app = $1 AND "user" = $2 AND collection = $3 AND seq > $4 ORDER BY seq LIMIT $5`
	buildUser  = `SELECT "user" FROM collections WHERE app = $1 AND name = $2 AND "user" > $3 ORDER BY "user" LIMIT 1`
	buildReady = `UPDATE indexes SET state = 'ready' WHERE id = $1`
	buildNote  = `UPDATE indexes SET built_user = $2, built_seq = $3 WHERE id = $1`
)

// buildIndex indexes the next documents of a collection, and reports whether the index is
// ready. What is written meanwhile has its entries already, and the index remembers how
// far its build has come, so that any server can go on with it. It is called with the
// app's turn.
func buildIndex(tx *writeTx, id int64) (ready bool, err error) {
	var name, field string
	key := collectionKey{}
	seq := int64(0)
	found, err := one(tx.r.ctx, tx, buildNext, []any{id}, &key.app, &name, &field, &key.user, &seq)
	if err != nil || !found {
		return true, err
	}
	key.name = name
	path := storage.ParsePath(field)
	defer tx.forgetIndexes()
	for rows, size := 0, 0; rows < buildRows && size < buildBytes; {
		n, last, bytes, err := buildChunk(tx, id, key, seq, buildRows-rows, path)
		if err != nil {
			return false, err
		}
		if rows, size = rows+n, size+bytes; n > 0 {
			seq = last
			continue
		}
		// One user's documents are done.
		more, err := one(tx.r.ctx, tx, buildUser, []any{key.app, key.name, key.user}, &key.user)
		if err != nil {
			return false, err
		}
		if !more {
			return true, tx.queue(buildReady, id)
		}
		seq = 0
		rows++ // a user without such documents is work too
	}
	return false, tx.queue(buildNote, id, key.user, seq)
}

// buildChunk indexes up to limit documents of one user after seq.
func buildChunk(tx *writeTx, id int64, key collectionKey, seq int64, limit int, path storage.Path) (n int, last int64, size int, err error) {
	c, err := tx.collection(key)
	if err != nil || c.count == 0 {
		return 0, 0, 0, err
	}
	limit = min(limit, max(1, int(buildBytes/max(1, c.bytes/c.count))))
	rows, err := tx.batchRows(buildScan, key.app, key.user, c.generation, seq, limit)
	if err != nil {
		return 0, 0, 0, err
	}
	for i := range rows.rows {
		last = rows.int64(i, 0)
		body := rows.text(i, 1)
		size += len(body)
		if err := tx.queue(entryInsert, key.app, id, key.user, c.generation, storage.IndexKey(body, path), last); err != nil {
			return 0, 0, 0, err
		}
	}
	return len(rows.rows), last, size, nil
}

// batchRows is rows for a statement of the store's own.
func (tx *writeTx) batchRows(query string, args ...any) (*rowBuffer, error) {
	return tx.rows(tx.r.ctx, query, args)
}

// int64 returns a column that is a BIGINT and not NULL.
func (b *rowBuffer) int64(row, column int) int64 {
	if v := b.rows[row][column]; len(v) == 8 && b.fields[column].Format == 1 {
		return int64(binary.BigEndian.Uint64(v))
	}
	var n int64
	dest := make([]any, len(b.fields))
	dest[column] = &n
	b.scan(row, dest...) // of a text that is no number, 0
	return n
}

// text returns a column that is a TEXT and not NULL, and as long as the buffer.
func (b *rowBuffer) text(row, column int) string { return string(b.rows[row][column]) }
