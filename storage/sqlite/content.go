package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// chunkSize is how many bytes of a content one row holds, and so how much
	// of it is in memory when it is stored or read. Smaller chunks cost more
	// rows, larger ones more memory for each reader.
	chunkSize = 256 << 10

	// contentGrace is how long content that no version refers to is kept, for
	// the deployment that is about to, and for those who are still reading it.
	contentGrace = time.Hour
)

// HasContent implements [storage.Catalogue]. Content that nothing refers to is
// reported for the first half of its grace only, so that it is still there when
// the deployment that asked is published.
func (s *Store) HasContent(ctx context.Context, hashes []string) (map[string]bool, error) {
	const op = "hasContent"
	has := make(map[string]bool, len(hashes))
	fresh := time.Now().Add(-contentGrace / 2).UnixMilli()
	err := s.system.snapshot(ctx, op, func(c *conn) error {
		for _, h := range hashes {
			if err := ctx.Err(); err != nil {
				return err
			}
			n, err := c.queryInt(`SELECT count(*) FROM contents WHERE hash = ?1 AND encoding = '' AND ready = 1
				AND (touched_at > ?2 OR EXISTS (SELECT 1 FROM files WHERE hash = ?1))`, h, fresh)
			if err != nil {
				return err
			}
			has[h] = n > 0
		}
		return nil
	})
	if err != nil {
		return nil, wrap(op, err)
	}
	return has, nil
}

// PutContent implements [storage.Catalogue]. Bytes that do not have the hash
// are refused with [storage.CodeInvalid]. Those that are stored already are not
// read again.
func (s *Store) PutContent(ctx context.Context, c storage.Content) error {
	const op = "putContent"
	if b, err := hex.DecodeString(c.Hash); err != nil || len(b) != sha256.Size || hex.EncodeToString(b) != c.Hash {
		return &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "the hash is not a SHA-256 in lower-case hex"}
	}
	forms := map[string]io.Reader{"": c.Data}
	for encoding, data := range c.Encoded {
		forms[encoding] = bytes.NewReader(data)
	}
	u := upload{store: s, op: op, hash: c.Hash}
	for encoding, data := range forms {
		if err := u.put(ctx, encoding, data); err != nil {
			u.discard(ctx)
			return wrap(op, err)
		}
	}
	return wrap(op, u.finish(ctx))
}

// upload stores the forms of one content. Nothing of it shows before finish.
type upload struct {
	store *Store
	op    string
	hash  string
	rows  []int64 // ids in contents
}

// put stores one form, unless it is there already.
func (u *upload) put(ctx context.Context, encoding string, data io.Reader) error {
	id, err := u.begin(ctx, encoding)
	if err != nil || id == 0 {
		return err
	}
	u.rows = append(u.rows, id)
	var sum hash.Hash
	if encoding == "" {
		sum = sha256.New()
		data = io.TeeReader(data, sum)
	}
	if err := u.copy(ctx, id, data); err != nil {
		return err
	}
	if sum != nil && hex.EncodeToString(sum.Sum(nil)) != u.hash {
		return &storage.Error{Code: storage.CodeInvalid, Op: u.op, Msg: "the bytes do not have the hash " + u.hash}
	}
	return nil
}

// begin makes the row of a form and returns its id, or 0 if it is stored.
func (u *upload) begin(ctx context.Context, encoding string) (int64, error) {
	var id int64
	now := time.Now().UnixMilli()
	err := u.store.writer.do(ctx, u.op, func(tx *writeTx) error {
		id = 0
		touched, err := tx.write("UPDATE contents SET touched_at = max(touched_at, ?) WHERE hash = ? AND encoding = ? AND ready = 1",
			now, u.hash, encoding)
		if err != nil || touched > 0 {
			return err
		}
		if id, err = tx.next(); err != nil {
			return err
		}
		_, err = tx.write("INSERT INTO contents (id, hash, encoding, size, ready, touched_at) VALUES (?, ?, ?, 0, 0, ?)",
			id, u.hash, encoding, now)
		return err
	})
	if err != nil {
		return 0, err // id may still be written to
	}
	return id, nil
}

// copy stores data in chunks, a transaction each.
func (u *upload) copy(ctx context.Context, id int64, data io.Reader) error {
	chunk := make([]byte, chunkSize)
	for n := 0; ; n++ {
		size, err := io.ReadFull(data, chunk)
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return err
		}
		if size > 0 {
			if err := u.store.writer.do(ctx, u.op, func(tx *writeTx) error {
				return putChunk(tx, id, n, chunk[:size])
			}); err != nil {
				return err
			}
		}
		if last {
			return nil
		}
	}
}

func putChunk(tx *writeTx, id int64, n int, data []byte) error {
	there, err := tx.write("UPDATE contents SET size = size + ?, touched_at = ? WHERE id = ?", len(data), time.Now().UnixMilli(), id)
	if err != nil {
		return err
	}
	if there == 0 {
		return errSwept("putContent")
	}
	_, err = tx.write("INSERT INTO chunks (content, n, data) VALUES (?, ?, ?)", id, n, data)
	return err
}

func errSwept(op string) error {
	return &storage.Error{Code: storage.CodeNotFound, Op: op, Msg: "the content has been swept", Hint: "store it again"}
}

// finish makes every form readable at once. A form that somebody else stored in
// the meantime is theirs; ours is left for the sweeper.
func (u *upload) finish(ctx context.Context) error {
	if len(u.rows) == 0 {
		return nil
	}
	return u.store.writer.do(ctx, u.op, func(tx *writeTx) error {
		for _, id := range u.rows {
			if err := u.show(tx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

func (u *upload) show(tx *writeTx, id int64) error {
	row, err := tx.conn.queryRow(`SELECT (SELECT count(*) FROM contents other
		WHERE other.hash = mine.hash AND other.encoding = mine.encoding AND other.ready = 1)
		FROM contents mine WHERE id = ?`, id)
	if err != nil {
		return err
	}
	if row == nil {
		return errSwept(u.op)
	}
	if row[0] == int64(0) {
		_, err = tx.write("UPDATE contents SET ready = 1, touched_at = ? WHERE id = ?", time.Now().UnixMilli(), id)
	}
	return err
}

// discard marks what was stored as old, so that the next sweep takes it. If
// that fails, the upload is swept as an abandoned one, within the hour.
func (u *upload) discard(ctx context.Context) {
	if len(u.rows) == 0 {
		return
	}
	u.store.writer.do(ctx, u.op, func(tx *writeTx) error {
		for _, id := range u.rows {
			if _, err := tx.write("UPDATE contents SET touched_at = 0 WHERE id = ? AND ready = 0", id); err != nil {
				return err
			}
		}
		return nil
	})
}

// OpenContent implements [storage.Catalogue]. The reader holds no connection
// between two reads, and may be used after ctx has ended. It is not safe for
// concurrent use.
func (s *Store) OpenContent(ctx context.Context, hash, encoding string) (io.ReadSeekCloser, error) {
	const op = "openContent"
	r := &contentReader{store: s, ctx: context.WithoutCancel(ctx), loaded: -1}
	err := s.system.snapshot(ctx, op, func(c *conn) error {
		row, err := c.queryRow("SELECT id, size FROM contents WHERE hash = ? AND encoding = ? AND ready = 1", hash, encoding)
		if err != nil {
			return err
		}
		if row == nil {
			return errNotFound(op, fmt.Sprintf("no content %s (encoding %q)", hash, encoding))
		}
		r.id, r.size = row[0].(int64), row[1].(int64)
		return nil
	})
	if err != nil {
		return nil, wrap(op, err)
	}
	s.reading.add(r.id)
	return r, nil
}

// contentReader reads one form of a content, a chunk at a time.
type contentReader struct {
	store  *Store
	ctx    context.Context
	id     int64
	size   int64
	offset int64
	chunk  []byte
	loaded int64 // the number of the chunk
	closed bool
}

func (r *contentReader) Read(p []byte) (int, error) {
	if r.closed {
		return 0, errClosed("readContent")
	}
	if r.offset >= r.size {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	n := r.offset / chunkSize
	if err := r.load(n); err != nil {
		return 0, err
	}
	copied := copy(p, r.chunk[r.offset-n*chunkSize:])
	r.offset += int64(copied)
	return copied, nil
}

func (r *contentReader) load(n int64) error {
	const op = "readContent"
	if r.loaded == n {
		return nil
	}
	want := min(chunkSize, r.size-n*chunkSize)
	err := r.store.system.snapshot(r.ctx, op, func(c *conn) error {
		row, err := c.queryRow("SELECT data FROM chunks WHERE content = ? AND n = ?", r.id, n)
		if err != nil {
			return err
		}
		r.chunk, r.loaded = nil, n
		if row != nil {
			r.chunk, _ = row[0].([]byte)
		}
		if int64(len(r.chunk)) != want {
			r.loaded = -1
			return errSwept(op)
		}
		return nil
	})
	return wrap(op, err)
}

func (r *contentReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.offset
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 || whence < io.SeekStart || whence > io.SeekEnd {
		return 0, &storage.Error{Code: storage.CodeInvalid, Op: "seekContent", Msg: "no such offset"}
	}
	r.offset = offset
	return offset, nil
}

func (r *contentReader) Close() error {
	if !r.closed {
		r.closed, r.chunk = true, nil
		r.store.reading.remove(r.id)
	}
	return nil
}

// pins counts who reads which content, so that it is not swept under them.
type pins struct {
	mu    sync.Mutex
	count map[int64]int
}

func (p *pins) add(id int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count == nil {
		p.count = make(map[int64]int)
	}
	p.count[id]++
}

func (p *pins) remove(id int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count[id]--; p.count[id] == 0 {
		delete(p.count, id)
	}
}

func (p *pins) has(id int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count[id] > 0
}
