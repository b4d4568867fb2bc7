package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"slices"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// indexTables is the step that brought indexes.
//
// One table holds the entries of all of them. SQLite's own indexes on an
// expression would be tried for every document of every app that is written,
// and a path that is bound, as every name of a caller's must be, never uses one.
// An index has a number that is never given out again, so that what is left of
// one that was dropped can't be taken for another's.
const indexTables = `
CREATE TABLE indexes (
	id         INTEGER PRIMARY KEY,
	app        TEXT NOT NULL,
	collection TEXT NOT NULL,
	field      TEXT NOT NULL, -- a dotted path
	state      TEXT NOT NULL, -- building, ready, dropped
	built_user TEXT NOT NULL, -- the last document that was indexed by the build
	built_seq  INTEGER NOT NULL
);
CREATE UNIQUE INDEX indexes_field ON indexes (app, collection, field) WHERE state <> 'dropped';
CREATE INDEX indexes_unready ON indexes (state) WHERE state <> 'ready';

-- An entry for each document in each index of its collection, kept by whoever
-- writes the document, in the same transaction.
CREATE TABLE index_entries (
	app      TEXT NOT NULL,
	index_id INTEGER NOT NULL,
	user     TEXT NOT NULL,
	value    BLOB NOT NULL,
	seq      INTEGER NOT NULL, -- of the document
	PRIMARY KEY (app, index_id, user, value, seq)
) WITHOUT ROWID;
`

// automaticIndexes is the step that brought indexes that make themselves.
const automaticIndexes = `
ALTER TABLE indexes ADD COLUMN automatic INTEGER NOT NULL DEFAULT 0;
ALTER TABLE indexes ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0; -- Unix milliseconds; of an automatic one at first when it was made
CREATE INDEX indexes_automatic ON indexes (used_at) WHERE automatic = 1;
`

const (
	// buildRows and buildBytes bound one transaction of a build, which keeps
	// writers waiting for a few milliseconds.
	buildRows  = 200
	buildBytes = 4 << 20

	selectIndexes = `SELECT id, field, state FROM indexes WHERE app = ? AND collection = ? AND state <> 'dropped'`
	insertIndex   = `INSERT INTO indexes (id, app, collection, field, state, built_user, built_seq, automatic, used_at) VALUES (?, ?, ?, ?, 'building', '', 0, ?, ?)`
	dropIndex     = `UPDATE indexes SET state = 'dropped' WHERE id = ?`

	entryInsert = `INSERT OR IGNORE INTO index_entries (app, index_id, user, value, seq) VALUES (?, ?, ?, ?, ?)`
	entryDelete = `DELETE FROM index_entries WHERE app = ? AND index_id = ? AND user = ? AND value = ? AND seq = ?`
)

// index is an indexed field of a collection.
type index struct {
	id    int64
	field string
	path  storage.Path
	ready bool // every document has its entry
}

func readIndex(row []driver.Value) index {
	field := row[1].(string)
	return index{id: row[0].(int64), field: field, path: storage.ParsePath(field), ready: row[2] == "ready"}
}

// indexesOf returns the indexes of a collection, also those being built. A
// writer remembers them for its batch, in which only Publish changes them.
func (s *session) indexesOf(app, collection string) ([]index, error) {
	key := [2]string{app, collection}
	if s.tx != nil {
		if found, ok := s.tx.indexes[key]; ok {
			return found, nil
		}
	}
	if err := s.ready(); err != nil {
		return nil, err
	}
	var found []index
	// A few rows by a key are not worth interrupting, which costs the driver a
	// goroutine.
	err := s.conn.query(context.Background(), selectIndexes, []any{app, collection}, func(row []driver.Value) error {
		found = append(found, readIndex(row))
		return nil
	})
	if err = wrap("indexes", s.check(err)); err == nil && s.tx != nil {
		if s.tx.indexes == nil {
			s.tx.indexes = make(map[[2]string][]index)
		}
		s.tx.indexes[key] = found
	}
	return found, err
}

// addEntries makes the entries of a new document.
func (d *docs) addEntries(op, collection string, seq int64, body string) error {
	indexes, err := d.indexesOf(d.scope.App, collection)
	if err != nil {
		return err
	}
	for _, x := range indexes {
		key := storage.IndexKey(body, x.path)
		if _, err := d.write(op, entryInsert, d.scope.App, x.id, d.scope.User, key, seq); err != nil {
			return err
		}
	}
	return nil
}

// updateEntries changes the entries of a document where its values have changed. An
// empty text stands for a document that is no more.
func (d *docs) updateEntries(op, collection string, seq int64, before, after string) error {
	indexes, err := d.indexesOf(d.scope.App, collection)
	if err != nil {
		return err
	}
	for _, x := range indexes {
		old := storage.IndexKey(before, x.path)
		var key []byte
		if after != "" {
			if key = storage.IndexKey(after, x.path); bytes.Equal(old, key) {
				continue
			}
		}
		if _, err := d.write(op, entryDelete, d.scope.App, x.id, d.scope.User, old, seq); err != nil {
			return err
		}
		if after == "" {
			continue
		}
		if _, err := d.write(op, entryInsert, d.scope.App, x.id, d.scope.User, key, seq); err != nil {
			return err
		}
	}
	return nil
}

// removeEntries removes the entries of a document that is deleted.
func (d *docs) removeEntries(op, collection string, seq int64, body string) error {
	return d.updateEntries(op, collection, seq, body, "")
}

// declareIndexes makes want the indexes of an app, by collection, besides those that
// have made themselves; one of these that is in want stays from now on. A new one of
// a small collection is ready at once. That of a large one is kept up by
// everybody who writes from this transaction on, and built by the indexer: a
// deploy takes no longer for an app with much data, can't fail over it, and
// finds are right with an index or without.
func declareIndexes(tx *writeTx, app string, want map[string][]string) (unfinished bool, err error) {
	tx.indexes = nil
	var have [][]driver.Value
	err = tx.conn.query(tx.ctx, "SELECT id, collection, field, automatic FROM indexes WHERE app = ? AND state <> 'dropped'", []any{app},
		func(row []driver.Value) error { have = append(have, slices.Clone(row)); return nil })
	if err != nil {
		return false, err
	}
	kept := make(map[string][]string)
	for _, row := range have {
		collection, field := row[1].(string), row[2].(string)
		automatic := row[3] != int64(0)
		switch wanted := slices.Contains(want[collection], field); {
		case wanted:
			kept[collection] = append(kept[collection], field)
			if automatic {
				_, err = tx.write("UPDATE indexes SET automatic = 0 WHERE id = ?", row[0])
			}
		case !automatic:
			_, err = tx.write(dropIndex, row[0])
			unfinished = true
		}
		if err != nil {
			return false, err
		}
	}
	for collection, fields := range want {
		for _, field := range fields {
			if slices.Contains(kept[collection], field) {
				continue
			}
			ready, err := addIndex(tx, app, collection, field, false)
			if err != nil {
				return false, err
			}
			unfinished = unfinished || !ready
		}
	}
	return unfinished, nil
}

func addIndex(tx *writeTx, app, collection, field string, automatic bool) (ready bool, err error) {
	id, err := tx.next()
	if err != nil {
		return false, err
	}
	usedAt := int64(0)
	if automatic {
		usedAt = time.Now().UnixMilli()
	}
	if _, err := tx.write(insertIndex, id, app, collection, field, automatic, usedAt); err != nil {
		return false, err
	}
	return buildIndex(tx, id)
}

// buildIndex indexes the next documents of a collection, and reports whether
// the index is ready. What is written meanwhile has its entries already, and
// the index remembers how far its build has come, so that any process can go on
// with it.
func buildIndex(tx *writeTx, id int64) (ready bool, err error) {
	row, err := tx.conn.queryRow("SELECT app, collection, field, built_user, built_seq FROM indexes WHERE id = ? AND state = 'building'", id)
	if err != nil || row == nil {
		return true, err
	}
	app, collection, path := row[0], row[1], storage.ParsePath(row[2].(string))
	user, seq := row[3].(string), row[4].(int64)
	for rows, size := 0, 0; rows < buildRows && size < buildBytes; {
		n, last, bytes, err := buildChunk(tx, id, app, user, collection, seq, buildRows-rows, path)
		if err != nil {
			return false, err
		}
		if rows, size = rows+n, size+bytes; n > 0 {
			seq = last
			continue
		}
		// One user's documents are done; that user's other collections are
		// stepped over.
		next, err := tx.conn.queryRow("SELECT user FROM collections WHERE app = ? AND user > ? ORDER BY user LIMIT 1", app, user)
		if err != nil {
			return false, err
		}
		if next == nil {
			tx.indexes = nil
			_, err = tx.write("UPDATE indexes SET state = 'ready' WHERE id = ?", id)
			return true, err
		}
		user, seq = next[0].(string), 0
		rows++ // a user without such documents is work too
	}
	_, err = tx.write("UPDATE indexes SET built_user = ?, built_seq = ? WHERE id = ?", user, seq, id)
	return false, err
}

// buildChunk indexes up to limit documents of one user after seq.
func buildChunk(tx *writeTx, id int64, app, user, collection any, seq int64, limit int, path storage.Path) (n int, last int64, size int, err error) {
	type entry struct {
		key []byte
		seq int64
	}
	var entries []entry
	s := session{tx.ctx, tx.conn, tx}
	g, err := s.generationOf("build index", collectionKey{app.(string), user.(string), collection.(string)})
	if err != nil || g == nil {
		return 0, 0, 0, err
	}
	err = tx.conn.query(tx.ctx, docsScan, []any{app, user, g, seq}, func(row []driver.Value) error {
		body := row[1].(string)
		last = row[0].(int64)
		size += len(body)
		entries = append(entries, entry{storage.IndexKey(body, path), last})
		if len(entries) == limit || size >= buildBytes {
			return errStop
		}
		return nil
	})
	if err != nil && err != errStop {
		return 0, 0, 0, err
	}
	for _, e := range entries {
		if _, err := tx.write(entryInsert, app, id, user, e.key, e.seq); err != nil {
			return 0, 0, 0, err
		}
	}
	return len(entries), last, size, nil
}

// removeIndexes is for an app whose documents are gone. What a request that is
// still running writes has no entries from then on.
func (w *sweeper) removeIndexes(app any) error {
	ids, err := w.find("SELECT id FROM indexes WHERE app = ? LIMIT 1", app)
	if err != nil || len(ids) == 0 {
		return err
	}
	defer w.store.indexer.now()
	return w.each("UPDATE indexes SET state = 'dropped' WHERE app = ? AND state <> 'dropped'", app)
}
