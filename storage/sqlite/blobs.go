package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"io"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/bodies"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

// bodyTables is the step that brought blobs, and took the bodies that nothing
// names out of contents. A small body that a blob lets go is removed with it:
// one chunk is read together with the name, so nobody is left half-way. A large
// one becomes loose, and is swept when nobody reads it any more.
const bodyTables = `
CREATE TABLE loose_bodies (
	id       INTEGER PRIMARY KEY,
	sweep_at INTEGER NOT NULL -- Unix milliseconds; 0: it is being swept
);
CREATE INDEX loose_bodies_sweep ON loose_bodies (sweep_at);
INSERT INTO loose_bodies (id, sweep_at) SELECT id, 0 FROM contents WHERE ready = 0;
DELETE FROM contents WHERE ready = 0;
DROP INDEX contents_hash;
ALTER TABLE contents DROP COLUMN ready;
CREATE UNIQUE INDEX contents_hash ON contents (hash, encoding);
CREATE TRIGGER contents_deleted AFTER DELETE ON contents BEGIN
	INSERT INTO loose_bodies (id, sweep_at) VALUES (OLD.id, 0);
END;
ALTER TABLE files DROP COLUMN encodings;

CREATE TABLE blobs (
	app        TEXT NOT NULL,
	user       TEXT NOT NULL,
	path       TEXT NOT NULL,
	body       INTEGER NOT NULL,
	size       INTEGER NOT NULL,
	mime       TEXT NOT NULL,
	hash       TEXT NOT NULL,
	updated_at INTEGER NOT NULL,
	PRIMARY KEY (app, user, path)
) WITHOUT ROWID;

CREATE TRIGGER blobs_replaced AFTER UPDATE OF body ON blobs WHEN NEW.body <> OLD.body BEGIN
	DELETE FROM chunks WHERE content = OLD.body AND OLD.size <= 262144;
	INSERT INTO loose_bodies (id, sweep_at) SELECT OLD.body, 0 WHERE OLD.size > 262144;
END;
CREATE TRIGGER blobs_deleted AFTER DELETE ON blobs BEGIN
	DELETE FROM chunks WHERE content = OLD.body AND OLD.size <= 262144;
	INSERT INTO loose_bodies (id, sweep_at) SELECT OLD.body, 0 WHERE OLD.size > 262144;
END;
`

const (
	blobGet    = `SELECT path, size, mime, hash, updated_at, body FROM blobs WHERE app = ? AND user = ? AND path = ?`
	blobDelete = `DELETE FROM blobs WHERE app = ? AND user = ? AND path = ?`
	blobPut    = `INSERT INTO blobs (app, user, path, body, size, mime, hash, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (app, user, path) DO UPDATE SET body = excluded.body, size = excluded.size,
		mime = excluded.mime, hash = excluded.hash, updated_at = excluded.updated_at`
)

var blobList = steady(`SELECT path, size, mime, hash, updated_at FROM blobs
	WHERE app = ? AND user = ? AND path >= ? AND path < ? ORDER BY path LIMIT ?`)

func blob(row []driver.Value) storage.Blob {
	return storage.Blob{
		Path:      row[0].(string),
		Size:      row[1].(int64),
		MIME:      row[2].(string),
		Hash:      row[3].(string),
		UpdatedAt: time.UnixMilli(row[4].(int64)),
	}
}

// PutBlob implements [storage.Blobs].
func (s *Store) PutBlob(ctx context.Context, scope storage.Scope, path string, data io.Reader, mime string) (storage.Blob, error) {
	const op = "s3.put"
	if mime == "" {
		mime = "application/octet-stream"
	}
	err := calls.CheckBlob(op, scope, path)
	if err == nil {
		err = storage.CheckMIME(op, mime)
	}
	if err == nil {
		err = s.quotas.CheckKey(op, "path", path)
	}
	if err != nil {
		return storage.Blob{}, err
	}
	sum := sha256.New()
	d := &draft{store: s, app: scope.App, op: op, check: func(tx *writeTx, size int64) error {
		_, err := tx.reserveBlob(op, scope, path, mime, size)
		return err
	}}
	defer d.discard() // unless it came to be named
	if err := d.read(ctx, io.TeeReader(data, sum)); err != nil {
		return storage.Blob{}, wrap(op, err)
	}
	b := storage.Blob{Path: path, MIME: mime, Size: d.Size, Hash: hex.EncodeToString(sum.Sum(nil))}
	var at int64
	err = s.writer.do(ctx, scope.App, op, func(tx *writeTx) error {
		old, err := tx.reserveBlob(op, scope, path, mime, d.Size)
		if err != nil {
			return err
		}
		body, err := d.name(tx)
		if err != nil {
			return err
		}
		at = time.Now().UnixMilli()
		_, err = tx.write(blobPut, scope.App, scope.User, path, body, b.Size, b.MIME, b.Hash, at)
		s.sweepBody(tx, old)
		return err
	})
	if err != nil {
		return storage.Blob{}, wrap(op, err)
	}
	b.UpdatedAt = time.UnixMilli(at)
	return b, nil
}

// sweepBody has the sweeper look, once the transaction is on disk, if a body that
// was let go in it is not removed yet.
func (s *Store) sweepBody(tx *writeTx, size int64) {
	if size > bodies.ChunkSize {
		tx.notify = append(tx.notify, s.sweeper.now)
	}
}

// StatBlob implements [storage.Blobs].
func (s *Store) StatBlob(ctx context.Context, scope storage.Scope, path string) (storage.Blob, error) {
	const op = "s3.stat"
	if err := calls.CheckBlob(op, scope, path); err != nil {
		return storage.Blob{}, err
	}
	var b storage.Blob
	err := s.readers.snapshotFor(ctx, op, scope.App, func(c *conn) (err error) {
		b, _, err = findBlob(c, op, scope, path)
		return err
	})
	return b, wrap(op, err)
}

func findBlob(c *conn, op string, scope storage.Scope, path string) (b storage.Blob, body int64, err error) {
	row, err := c.queryRow(blobGet, scope.App, scope.User, path)
	if err == nil && row == nil {
		err = errNotFound(op, "no such blob")
	}
	if err != nil {
		return storage.Blob{}, 0, err
	}
	return blob(row), row[5].(int64), nil
}

// OpenBlob implements [storage.Blobs].
func (s *Store) OpenBlob(ctx context.Context, scope storage.Scope, path string) (storage.Blob, io.ReadSeekCloser, error) {
	const op = "s3.open"
	if err := calls.CheckBlob(op, scope, path); err != nil {
		return storage.Blob{}, nil, err
	}
	var b storage.Blob
	r, err := s.openBody(ctx, op, scope.App, func(c *conn) (body, size int64, err error) {
		found, body, err := findBlob(c, op, scope, path)
		if err == nil {
			b = found
		}
		return body, found.Size, err
	})
	if err != nil {
		return storage.Blob{}, nil, err
	}
	return b, r, nil
}

// DeleteBlob implements [storage.Blobs].
func (s *Store) DeleteBlob(ctx context.Context, scope storage.Scope, path string) (bool, error) {
	const op = "s3.delete"
	if err := calls.CheckBlob(op, scope, path); err != nil {
		return false, err
	}
	there := false
	err := s.writer.do(ctx, scope.App, op, func(tx *writeTx) error {
		old, _, err := findBlob(tx.conn, op, scope, path)
		if there = err == nil; !there {
			if storage.CodeOf(err) == storage.CodeNotFound {
				return nil
			}
			return err
		}
		s.sweepBody(tx, old.Size)
		_, err = tx.write(blobDelete, scope.App, scope.User, path)
		return err
	})
	if err != nil {
		return false, wrap(op, err)
	}
	return there, nil
}

// ListBlobs implements [storage.Blobs].
func (s *Store) ListBlobs(ctx context.Context, scope storage.Scope, prefix string, page storage.Page) ([]storage.Blob, error) {
	const op = "s3.list"
	if err := storage.CheckScope(op, scope); err != nil {
		return nil, err
	}
	span, err := listSpan(op, prefix, page)
	if err != nil {
		return nil, err
	}
	var blobs []storage.Blob
	d := session{ctx: ctx}
	list := func() error {
		blobs = []storage.Blob{}
		size := resultSize{session: &d, op: op, limit: page.Limit}
		return d.quickRows(op, blobList, []any{scope.App, scope.User, span.from, span.to, span.limit}, func(row []driver.Value) error {
			b := blob(row)
			if err := size.add(len(b.Path) + len(b.MIME) + len(b.Hash)); err != nil {
				return err
			}
			blobs = append(blobs, b)
			return nil
		})
	}
	if err := d.snapshot(s.readers, op, scope.App, func() error { return d.operation(op, list) }); err != nil {
		return nil, err
	}
	return blobs, nil
}
