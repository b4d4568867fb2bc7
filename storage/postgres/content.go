package postgres

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
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
	forms, whole := make(map[string][]string, len(hashes)), make(map[string]bool, len(hashes))
	err := s.read(ctx, "hasContent", `SELECT c.hash, c.encoding FROM contents c WHERE c.hash = ANY($1)
		AND (c.touched_at > `+clock+` - $2 OR EXISTS (SELECT 1 FROM files f WHERE f.hash = c.hash)) ORDER BY c.hash, c.encoding`,
		[]any{hashes, (contentGrace / 2).Milliseconds()}, func(scan scanFunc) error {
			var hash, encoding string
			err := scan(&hash, &encoding)
			if encoding == "" {
				whole[hash] = true
				forms[hash] = []string{}
			} else if whole[hash] {
				forms[hash] = append(forms[hash], encoding)
			}
			return err
		})
	if err != nil {
		return nil, err
	}
	return forms, nil
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
		return err
	}
	for _, encoding := range stored {
		delete(forms, encoding)
	}
	if len(forms) == 0 {
		return nil
	}
	drafts := make(map[string]*draft, len(forms))
	defer func() {
		for _, d := range drafts {
			d.settle(cmp.Or(err, d.spare))
		}
	}()
	for encoding, data := range forms {
		drafts[encoding] = s.newDraft(c.App, op)
		if err := bodies.ReadContent(op, c.Hash, encoding, data, func(r io.Reader) error { return drafts[encoding].read(ctx, r) }); err != nil {
			return err
		}
	}
	// All forms become visible at once: whoever finds one finds them all.
	return s.write(ctx, c.App, op, func(tx *writeTx) error {
		for _, encoding := range slices.Sorted(maps.Keys(drafts)) { // in one order, or two who do this might wait for each other
			d := drafts[encoding]
			named, err := nameContent(tx, d, c.Hash, encoding)
			if err != nil {
				return err
			}
			if d.spare = nil; !named {
				d.spare = errSpare
			}
		}
		return nil
	})
}

// errSpare is for a draft of what somebody else has stored in the meantime.
var errSpare = errors.New("it is stored already")

const touchContent = "UPDATE contents SET touched_at = " + clock + " WHERE hash = $1"

// keepContent returns the forms that are stored, which then have their whole
// grace before them.
func (s *Store) keepContent(ctx context.Context, op, hash string) ([]string, error) {
	stored := false
	err := s.read(ctx, op, "SELECT 1 FROM contents WHERE hash = $1 LIMIT 1", []any{hash}, func(scanFunc) error { stored = true; return nil })
	if err != nil || !stored {
		return nil, err
	}
	var kept []string
	err = s.write(ctx, "", op, func(tx *writeTx) error {
		var forms []string
		err := tx.returning(touchContent+" RETURNING encoding", []any{hash}, func(scan scanFunc) error {
			var encoding string
			err := scan(&encoding)
			forms = append(forms, encoding)
			return err
		})
		kept = forms
		return err
	})
	if err != nil {
		return nil, err // kept may still be written to
	}
	return kept, nil
}

// nameContent makes a form readable, and reports that. If somebody else has stored it in
// the meantime, theirs stays.
func nameContent(tx *writeTx, d *draft, hash, encoding string) (named bool, err error) {
	n, err := tx.exec(touchContent+" AND encoding = $2", hash, encoding)
	if err != nil || n > 0 {
		return false, err
	}
	n, err = tx.exec("INSERT INTO contents (hash, encoding, body, size, touched_at) VALUES ($1, $2, $3, $4, "+clock+`)
		ON CONFLICT (hash, encoding) DO NOTHING`, hash, encoding, d.id, d.Size)
	if err != nil || n == 0 {
		return false, err
	}
	return true, d.name(tx)
}

// OpenContent implements [storage.Contents]. The reader holds no connection
// between two reads, and may be used after ctx has ended. It is not safe for
// concurrent use.
func (s *Store) OpenContent(ctx context.Context, hash, encoding string) (io.ReadSeekCloser, error) {
	const op = "openContent"
	var id string
	var size int64
	var first []byte
	err := s.read(ctx, op, `SELECT c.body, c.size, k.data FROM contents c LEFT JOIN chunks k ON k.body = c.body AND k.n = 0
		WHERE c.hash = $1 AND c.encoding = $2`, []any{hash, encoding}, func(scan scanFunc) error { return scan(&id, &size, &first) })
	if err == nil && id == "" {
		err = errNotFound(op, fmt.Sprintf("no content %s (encoding %q)", hash, encoding))
	}
	if err != nil {
		return nil, err
	}
	r, err := s.openBody(ctx, op, id, size, first)
	if err != nil {
		return nil, err
	}
	return r, nil
}
