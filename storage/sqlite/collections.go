package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/demand"
)

// collectionTables is the step that brought collections that can be emptied at
// once.
//
// A collection has a generation, which is part of the key of its documents: to
// empty it means to forget the generation, and the next insert begins another. What
// documents.collection holds is a number of eight bytes, big-endian, that was never
// given out before. A collection of an older data file keeps its name there until it
// is emptied, so that no document has to move: the one is a blob and the other a
// text, which SQLite never takes for each other.
//
// Triggers keep the number and size of each collection's documents, and of that what
// the app uses. What nobody can see any more is in none of them.
const collectionTables = `
DROP TRIGGER docs_inserted;
DROP TRIGGER docs_updated;
DROP TRIGGER docs_deleted;
ALTER TABLE docs RENAME TO documents;

CREATE TABLE collections (
	app        TEXT NOT NULL,
	user       TEXT NOT NULL,
	name       TEXT NOT NULL,
	generation TEXT NOT NULL, -- documents.collection
	count      INTEGER NOT NULL,
	bytes      INTEGER NOT NULL, -- of the documents, with the name for each
	PRIMARY KEY (app, user, name)
) WITHOUT ROWID;
INSERT INTO collections (app, user, name, generation, count, bytes)
	SELECT app, user, collection, collection, count(*), sum(octet_length(collection) + octet_length(body))
	FROM documents GROUP BY app, user, collection;
CREATE UNIQUE INDEX collections_generation ON collections (app, user, generation);
CREATE INDEX collections_empty ON collections (count) WHERE count = 0;

-- Generations whose documents are still to be swept.
CREATE TABLE cleared (
	app        TEXT NOT NULL,
	user       TEXT NOT NULL,
	generation TEXT NOT NULL,
	name       TEXT NOT NULL,
	PRIMARY KEY (app, user, generation)
) WITHOUT ROWID;

CREATE TRIGGER documents_inserted AFTER INSERT ON documents BEGIN
	UPDATE collections SET count = count + 1, bytes = bytes + octet_length(name) + octet_length(NEW.body)
		WHERE app = NEW.app AND user = NEW.user AND generation = NEW.collection;
END;
CREATE TRIGGER documents_updated AFTER UPDATE OF body ON documents WHEN octet_length(NEW.body) <> octet_length(OLD.body) BEGIN
	UPDATE collections SET bytes = bytes + octet_length(NEW.body) - octet_length(OLD.body)
		WHERE app = NEW.app AND user = NEW.user AND generation = NEW.collection;
END;
CREATE TRIGGER documents_deleted AFTER DELETE ON documents BEGIN
	UPDATE collections SET count = count - 1, bytes = bytes - octet_length(name) - octet_length(OLD.body)
		WHERE app = OLD.app AND user = OLD.user AND generation = OLD.collection;
END;
CREATE TRIGGER collections_changed AFTER UPDATE OF bytes ON collections WHEN NEW.bytes <> OLD.bytes BEGIN
	INSERT INTO usage (app, bytes) VALUES (NEW.app, NEW.bytes - OLD.bytes)
		ON CONFLICT (app) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER collections_deleted AFTER DELETE ON collections WHEN OLD.bytes <> 0 BEGIN
	UPDATE usage SET bytes = bytes - OLD.bytes WHERE app = OLD.app;
END;

-- What operators know documents by.
CREATE VIEW docs AS SELECT d.app, d.user, c.name AS collection, d.seq, d.id, d.body, d.created_at, d.updated_at
	FROM collections c JOIN documents d ON d.app = c.app AND d.user = c.user AND d.collection = c.generation;
CREATE TRIGGER docs_insert INSTEAD OF INSERT ON docs BEGIN
	INSERT OR IGNORE INTO collections (app, user, name, generation, count, bytes)
		VALUES (NEW.app, NEW.user, NEW.collection, randomblob(9), 0, 0);
	INSERT INTO documents (app, user, collection, seq, id, body, created_at, updated_at)
		SELECT app, user, generation, NEW.seq, NEW.id, NEW.body, NEW.created_at, NEW.updated_at
		FROM collections WHERE app = NEW.app AND user = NEW.user AND name = NEW.collection;
END;
CREATE TRIGGER docs_update INSTEAD OF UPDATE OF id, body, created_at, updated_at ON docs BEGIN
	UPDATE documents SET id = NEW.id, body = NEW.body, created_at = NEW.created_at, updated_at = NEW.updated_at
		WHERE app = OLD.app AND user = OLD.user AND seq = OLD.seq AND collection =
			(SELECT generation FROM collections WHERE app = OLD.app AND user = OLD.user AND name = OLD.collection);
END;
CREATE TRIGGER docs_delete INSTEAD OF DELETE ON docs BEGIN
	DELETE FROM documents WHERE app = OLD.app AND user = OLD.user AND seq = OLD.seq AND collection =
		(SELECT generation FROM collections WHERE app = OLD.app AND user = OLD.user AND name = OLD.collection);
END;
`

const (
	collectionGet    = `SELECT generation, count, bytes FROM collections WHERE app = ? AND user = ? AND name = ?`
	collectionInsert = `INSERT INTO collections (app, user, name, generation, count, bytes) VALUES (?, ?, ?, ?, 0, 0)`
	collectionDelete = `DELETE FROM collections WHERE app = ? AND user = ? AND name = ?`
	clearedInsert    = `INSERT INTO cleared (app, user, generation, name) VALUES (?, ?, ?, ?)`
)

// generation is what the key of a collection's documents has in the place of the
// collection's name. nil is that of a collection without documents.
type generation any

// newGeneration makes one of a number that was never given out before.
func newGeneration(n int64) generation { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// firstSeq returns a number that is below those of all of the generation's
// documents, and above those of the same collection's generations before.
func firstSeq(g generation) int64 {
	if b, ok := g.([]byte); ok && len(b) == 8 {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0 // of an older data file, or made by an operator
}

// collectionKey names a collection.
type collectionKey struct{ app, user, name string }

// generationOf returns a collection's generation. A writer remembers it for its
// batch, in which only the writer itself changes it.
func (s *session) generationOf(op string, key collectionKey) (generation, error) {
	if s.tx != nil {
		if g, ok := s.tx.generations[key]; ok {
			return g, nil
		}
	}
	row, err := s.row(op, collectionGet, key.app, key.user, key.name)
	if err != nil {
		return nil, err
	}
	var g generation
	if row != nil {
		g = row[0]
	}
	if s.tx != nil {
		s.tx.setGeneration(key, g)
	}
	return g, nil
}

func (tx *writeTx) setGeneration(key collectionKey, g generation) {
	if tx.generations == nil {
		tx.generations = make(map[collectionKey]generation)
	}
	tx.generations[key] = g
}

// size returns how many documents a collection has, and how large they are, with
// the collection's name for each.
func (d *docs) size(op, collection string) (count int, bytes int64, err error) {
	row, err := d.row(op, collectionGet, d.scope.App, d.scope.User, collection)
	if err != nil || row == nil {
		return 0, 0, err
	}
	return int(row[1].(int64)), row[2].(int64), nil
}

// begin gives a collection that has no documents a generation.
func (d *docs) begin(op, collection string) error {
	key := collectionKey{d.scope.App, d.scope.User, collection}
	g, err := d.generationOf(op, key)
	if err != nil || g != nil {
		return err
	}
	n, err := d.tx.next()
	if err != nil {
		return wrap(op, err)
	}
	g = newGeneration(n)
	if _, err := d.write(op, collectionInsert, key.app, key.user, key.name, g); err != nil {
		return err
	}
	d.tx.setGeneration(key, g)
	return nil
}

// clear empties a collection in one short step, whatever its size, and returns how
// many documents it had. They are swept later.
func (d *docs) clear(op, collection string) (int, error) {
	key := collectionKey{d.scope.App, d.scope.User, collection}
	g, err := d.generationOf(op, key)
	if err != nil {
		return 0, err
	}
	n, _, err := d.size(op, collection)
	if err != nil || n == 0 {
		return 0, err
	}
	if _, err := d.write(op, collectionDelete, key.app, key.user, key.name); err != nil {
		return 0, err
	}
	d.tx.setGeneration(key, nil)
	if _, err := d.write(op, clearedInsert, key.app, key.user, g, key.name); err != nil {
		return 0, d.whole(err)
	}
	forget := func() { d.tx.w.demand.ForgetKeys(demand.Collection{App: key.app, Name: key.name}, key.user) }
	d.tx.notify = append(d.tx.notify, d.tx.w.cleared, forget)
	return n, nil
}

// cleared removes the documents that nobody can see any more, and their entries in
// indexes, a few at a time. What is read here may have been swept by another process
// meanwhile.
func (w *sweeper) cleared() error {
	rows, err := list(w.ctx, w.store, "sweep", func(row []driver.Value) clearedGeneration {
		app, _ := row[0].(string)
		user, _ := row[1].(string)
		name, _ := row[3].(string)
		return clearedGeneration{collectionKey{app, user, name}, row[2]}
	}, "SELECT app, user, generation, name FROM cleared")
	if err != nil {
		return err
	}
	for _, c := range rows {
		for swept := false; !swept; {
			err := w.store.writer.do(w.ctx, c.app, "sweep", func(tx *writeTx) (err error) {
				swept, err = c.sweep(w.ctx, tx)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	empty, err := w.find("SELECT 1 FROM collections WHERE count = 0 LIMIT 1")
	if err != nil || len(empty) == 0 {
		return err
	}
	return w.each(`DELETE FROM collections WHERE (app, user, name) IN (
		SELECT app, user, name FROM collections WHERE count = 0 LIMIT ?)`, sweepRows)
}

type clearedGeneration struct {
	collectionKey
	generation generation
}

// sweep removes the next documents of a generation, and reports whether there are
// no more.
func (c clearedGeneration) sweep(ctx context.Context, tx *writeTx) (swept bool, err error) {
	type document struct {
		seq  int64
		body string
	}
	var chunk []document
	size := 0
	err = tx.conn.query(ctx, docsScan, []any{c.app, c.user, c.generation, 0}, func(row []driver.Value) error {
		body, _ := row[1].(string)
		chunk = append(chunk, document{row[0].(int64), body})
		if size += len(body); len(chunk) == int(sweepRows) || size >= buildBytes {
			return errStop
		}
		return nil
	})
	if err = ignoreStop(err); err != nil {
		return false, err
	}
	if len(chunk) == 0 {
		_, err := tx.write("DELETE FROM cleared WHERE app = ? AND user = ? AND generation = ?", c.app, c.user, c.generation)
		return true, err
	}
	d := &docs{session: session{ctx, tx.conn, tx}, scope: storage.Scope{App: c.app, User: c.user}}
	for start, i := time.Now(), 0; i < len(chunk) && time.Since(start) <= sweepTime; i++ {
		row := chunk[i]
		if err := d.removeEntries("sweep", c.name, row.seq, row.body); err != nil {
			return false, err
		}
		if _, err := tx.write(docsDelete, c.app, c.user, c.generation, row.seq); err != nil {
			return false, err
		}
	}
	return false, nil
}
