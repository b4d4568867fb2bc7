package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/bodies"
)

// contentGrace is how long content that no version refers to is kept, for the
// deployment that is about to.
const contentGrace = time.Hour

// HasContent implements [storage.Contents]. Content that nothing refers to is
// reported for the first half of its grace only, so that it is still there when
// the deployment that asked is published.
func (s *Store) HasContent(ctx context.Context, hashes []string) (map[string][]string, error) {
	const op = "hasContent"
	has := make(map[string][]string, len(hashes))
	fresh := time.Now().Add(-contentGrace / 2).UnixMilli()
	err := s.system.snapshot(ctx, op, func(c *conn) error {
		for _, h := range hashes {
			forms, err := contentForms(ctx, c, h, fresh)
			if err != nil {
				return err
			}
			if len(forms) > 0 && forms[0] == "" {
				has[h] = forms[1:]
			}
		}
		return nil
	})
	if err != nil {
		return nil, wrap(op, err)
	}
	return has, nil
}

// contentForms returns the encodings of a content, "" first, that are referred
// to or were touched after fresh.
func contentForms(ctx context.Context, c *conn, hash string, fresh int64) ([]string, error) {
	var forms []string
	err := c.query(ctx, `SELECT encoding FROM contents WHERE hash = ?1
		AND (touched_at > ?2 OR EXISTS (SELECT 1 FROM files WHERE hash = ?1)) ORDER BY encoding`, []any{hash, fresh},
		func(row []driver.Value) error { forms = append(forms, row[0].(string)); return nil })
	return forms, err
}

// PutContent implements [storage.Contents]. Bytes that do not have the hash
// are refused with [storage.CodeInvalid]. Those that are stored already are not
// read again.
func (s *Store) PutContent(ctx context.Context, c storage.Content) (err error) {
	const op = "putContent"
	if err := bodies.CheckHash(op, c.Hash); err != nil {
		return err
	}
	forms := map[string]io.Reader{"": c.Data}
	for encoding, data := range c.Encoded {
		forms[encoding] = bytes.NewReader(data)
	}
	stored, err := s.keepContent(ctx, op, c.Hash)
	if err != nil {
		return wrap(op, err)
	}
	for _, encoding := range stored {
		delete(forms, encoding)
	}
	if len(forms) == 0 {
		return nil
	}
	if err := s.leavesSpare(op); err != nil {
		return err
	}
	drafts := make(map[string]*draft, len(forms))
	defer func() {
		for _, d := range drafts {
			d.discard() // what did not come to be named
		}
	}()
	for encoding, data := range forms {
		drafts[encoding] = &draft{store: s, app: c.App, op: op}
		if err := bodies.ReadContent(op, c.Hash, encoding, data, func(r io.Reader) error { return drafts[encoding].read(ctx, r) }); err != nil {
			return wrap(op, err)
		}
	}
	// All forms become visible at once: whoever finds one finds them all.
	return wrap(op, s.writer.do(ctx, c.App, op, func(tx *writeTx) error {
		for encoding, d := range drafts {
			if err := nameContent(tx, d, c.Hash, encoding); err != nil {
				return err
			}
		}
		return nil
	}))
}

// keepContent returns the forms that are stored, which then have their whole
// grace before them.
func (s *Store) keepContent(ctx context.Context, op, hash string) (forms []string, err error) {
	err = s.system.snapshot(ctx, op, func(c *conn) error {
		forms, err = contentForms(ctx, c, hash, 0)
		return err
	})
	if err != nil || len(forms) == 0 {
		return nil, err
	}
	var kept []string
	err = s.writer.do(ctx, "", op, func(tx *writeTx) (err error) {
		if _, err := tx.write("UPDATE contents SET touched_at = max(touched_at, ?) WHERE hash = ?", time.Now().UnixMilli(), hash); err != nil {
			return err
		}
		kept, err = contentForms(tx.ctx, tx.conn, hash, 0)
		return err
	})
	if err != nil {
		return nil, err // kept may still be written to
	}
	return kept, nil
}

// nameContent makes a form readable. If somebody else has stored it in the
// meantime, theirs stays.
func nameContent(tx *writeTx, d *draft, hash, encoding string) error {
	now := time.Now().UnixMilli()
	n, err := tx.write("UPDATE contents SET touched_at = max(touched_at, ?) WHERE hash = ? AND encoding = ?", now, hash, encoding)
	if err != nil || n > 0 {
		return err
	}
	id, err := d.name(tx)
	if err == nil {
		_, err = tx.write("INSERT INTO contents (id, hash, encoding, size, touched_at) VALUES (?, ?, ?, ?, ?)",
			id, hash, encoding, d.Size, now)
	}
	return err
}

// OpenContent implements [storage.Contents]. The reader holds no connection
// between two reads, and may be used after ctx has ended. It is not safe for
// concurrent use.
func (s *Store) OpenContent(ctx context.Context, hash, encoding string) (io.ReadSeekCloser, error) {
	const op = "openContent"
	r, err := s.openBody(ctx, op, "", func(c *conn) (id, size int64, err error) {
		row, err := c.queryRow("SELECT id, size FROM contents WHERE hash = ? AND encoding = ?", hash, encoding)
		if err != nil {
			return 0, 0, err
		}
		if row == nil {
			return 0, 0, errNotFound(op, fmt.Sprintf("no content %s (encoding %q)", hash, encoding))
		}
		return row[0].(int64), row[1].(int64), nil
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// doubtHashes takes back that a file's name carries a hash of its content where another
// version that is kept has other bytes under it.
func doubtHashes(tx *writeTx, app string, version int) error {
	_, err := tx.write(`UPDATE files SET hashed = 0 WHERE app = ?1 AND version = ?2 AND hashed = 1 AND EXISTS (
		SELECT 1 FROM deployments d CROSS JOIN files other ON other.app = d.app AND other.version = d.version AND other.path = files.path
		WHERE d.app = ?1 AND other.hash <> files.hash)`, app, version)
	return err
}
