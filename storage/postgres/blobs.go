package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

const (
	selectBlob = `SELECT b.path, b.size, b.mime, b.hash, b.updated_at, b.body FROM blobs b WHERE b.app = $1 AND b."user" = $2 AND b.path = $3`
	openBlob   = `SELECT b.path, b.size, b.mime, b.hash, b.updated_at, b.body, k.data FROM blobs b
		LEFT JOIN chunks k ON k.body = b.body AND k.n = 0 WHERE b.app = $1 AND b."user" = $2 AND b.path = $3`
	listBlobs = `SELECT path, size, mime, hash, updated_at FROM blobs
		WHERE app = $1 AND "user" = $2 AND path >= $3 AND path < $4 ORDER BY path LIMIT $5`
	putBlob = `INSERT INTO blobs (app, "user", path, body, size, mime, hash, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (app, "user", path) DO UPDATE SET body = excluded.body, size = excluded.size,
		mime = excluded.mime, hash = excluded.hash, updated_at = excluded.updated_at`
	deleteBlob = `DELETE FROM blobs WHERE app = $1 AND "user" = $2 AND path = $3`
)

// storedBlob is a blob and its body.
type storedBlob struct {
	storage.Blob
	body  string
	first []byte // its first chunk, where that was read
}

// blob reads a row that has more columns than those of a blob into the rest.
func blob(scan scanFunc, b *storage.Blob, rest ...any) error {
	var at int64
	err := scan(append([]any{&b.Path, &b.Size, &b.MIME, &b.Hash, &at}, rest...)...)
	b.UpdatedAt = time.UnixMilli(at)
	return err
}

// PutBlob implements [storage.Blobs].
func (s *Store) PutBlob(ctx context.Context, scope storage.Scope, path string, data io.Reader, mime string) (_ storage.Blob, err error) {
	const op = "s3.put"
	if mime == "" {
		mime = "application/octet-stream"
	}
	err = calls.CheckBlob(op, scope, path)
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
	d := s.newDraft(scope.App, op)
	d.check = func(tx *writeTx, size int64) error {
		_, err := s.reserveBlob(tx, op, scope, path, mime, size)
		return err
	}
	defer func() { d.settle(err) }()
	if err := d.read(ctx, io.TeeReader(data, sum)); err != nil {
		return storage.Blob{}, err
	}
	b := storage.Blob{Path: path, MIME: mime, Size: d.Size, Hash: hex.EncodeToString(sum.Sum(nil))}
	var at int64
	if err := s.write(ctx, scope.App, op, func(tx *writeTx) error {
		at = time.Now().UnixMilli()
		return s.nameBlob(tx, op, scope, b, d, at)
	}); err != nil {
		return storage.Blob{}, err
	}
	b.UpdatedAt = time.UnixMilli(at)
	return b, nil
}

// nameBlob has a blob name a body, and lets go of the one that it named before.
func (s *Store) nameBlob(tx *writeTx, op string, scope storage.Scope, b storage.Blob, d *draft, at int64) error {
	old, err := s.reserveBlob(tx, op, scope, b.Path, b.MIME, b.Size)
	if err != nil {
		return err
	}
	if err := d.name(tx); err != nil {
		return err
	}
	if _, err := tx.exec(putBlob, scope.App, scope.User, b.Path, d.id, b.Size, b.MIME, b.Hash, at); err != nil {
		return err
	}
	grown := blobBytes(b)
	if old.body != "" {
		if err := letGo(tx, old.body, old.Size); err != nil {
			return err
		}
		grown -= blobBytes(old.Blob)
	}
	tx.grow(scope.App, grown)
	return nil
}

// blobBytes is what a blob counts.
func blobBytes(b storage.Blob) int64 { return b.Size + int64(len(b.Path)+len(b.MIME)+storage.RowBytes) }

// reserveBlob returns an error if there may be no blob of that size in place of the one
// at its path, which it returns.
func (s *Store) reserveBlob(tx *writeTx, op string, scope storage.Scope, path, mime string, size int64) (old storedBlob, err error) {
	if size > s.quotas.Blob {
		return old, storage.OverQuota(op, path, "the blob", size, s.quotas.Blob)
	}
	if old, err = findBlob(tx, scope, path); err != nil {
		return old, err
	}
	grow := blobBytes(storage.Blob{Path: path, MIME: mime, Size: size})
	if old.body != "" {
		grow -= blobBytes(old.Blob)
	}
	return old, tx.reserve(op, scope.App, grow)
}

// findBlob returns a blob, or one without a body where there is none.
func findBlob(tx *writeTx, scope storage.Scope, path string) (b storedBlob, err error) {
	err = tx.each(selectBlob, []any{scope.App, scope.User, path}, func(scan scanFunc) error { return blob(scan, &b.Blob, &b.body) })
	return b, err
}

// StatBlob implements [storage.Blobs].
func (s *Store) StatBlob(ctx context.Context, scope storage.Scope, path string) (storage.Blob, error) {
	b, err := s.findBlob(ctx, "s3.stat", selectBlob, scope, path, func(b *storedBlob) []any { return []any{&b.body} })
	return b.Blob, err
}

// findBlob reads a blob with what into gives the rest of the query's columns to.
func (s *Store) findBlob(ctx context.Context, op, query string, scope storage.Scope, path string, into func(*storedBlob) []any) (b storedBlob, err error) {
	if err := calls.CheckBlob(op, scope, path); err != nil {
		return storedBlob{}, err
	}
	err = s.read(ctx, op, query, []any{scope.App, scope.User, path}, func(scan scanFunc) error { return blob(scan, &b.Blob, into(&b)...) })
	if err == nil && b.body == "" {
		err = errNotFound(op, "no such blob")
	}
	if err != nil {
		return storedBlob{}, err
	}
	return b, nil
}

// OpenBlob implements [storage.Blobs].
func (s *Store) OpenBlob(ctx context.Context, scope storage.Scope, path string) (storage.Blob, io.ReadSeekCloser, error) {
	const op = "s3.open"
	b, err := s.findBlob(ctx, op, openBlob, scope, path, func(b *storedBlob) []any { return []any{&b.body, &b.first} })
	if err != nil {
		return storage.Blob{}, nil, err
	}
	r, err := s.openBody(ctx, op, b.body, b.Size, b.first)
	if err != nil {
		return storage.Blob{}, nil, err
	}
	return b.Blob, r, nil
}

// DeleteBlob implements [storage.Blobs].
func (s *Store) DeleteBlob(ctx context.Context, scope storage.Scope, path string) (bool, error) {
	const op = "s3.delete"
	if err := calls.CheckBlob(op, scope, path); err != nil {
		return false, err
	}
	there := false
	err := s.write(ctx, scope.App, op, func(tx *writeTx) error {
		old, err := findBlob(tx, scope, path)
		if there = old.body != ""; !there || err != nil {
			return err
		}
		if _, err := tx.exec(deleteBlob, scope.App, scope.User, path); err != nil {
			return err
		}
		if err := letGo(tx, old.body, old.Size); err != nil {
			return err
		}
		tx.grow(scope.App, -blobBytes(old.Blob))
		return nil
	})
	if err != nil {
		return false, err
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
	blobs := []storage.Blob{}
	size := newResultSize(ctx, op, page.Limit)
	err = s.read(ctx, op, listBlobs, []any{scope.App, scope.User, span.from, span.to, span.limit}, func(scan scanFunc) error {
		var b storage.Blob
		if err := blob(scan, &b); err != nil {
			return err
		}
		if err := size.add(len(b.Path) + len(b.MIME) + len(b.Hash)); err != nil {
			return err
		}
		blobs = append(blobs, b)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return blobs, nil
}
