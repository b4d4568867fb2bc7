package postgres

import (
	"context"
	"errors"
	"io"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/bodies"
)

// A body is bytes of any length, in chunks under a random id that is never given out
// again. A content of the catalogue names one, and so does a blob. What nothing names,
// because it is being uploaded or was let go, is on the list of loose bodies, from
// which the sweeper takes it: nothing is ever both, and so a crash leaves nothing
// behind that is not found again.
const (
	// letGoUntil is until when a body that is let go now is kept for those who read it,
	// on any server: for a minute, by the database's clock. Each server renews that for
	// its own readers every upkeepInterval: see [pins].
	letGoUntil = clock + " + 60000"

	insertChunk = "INSERT INTO chunks (body, n, data) VALUES ($1, $2, $3)"
	// firstChunk stores the first of several chunks, and nextChunk each after it unless
	// the sweeper has begun with the body. A body whose time is 0 is past saving.
	firstChunk = "WITH loose AS (INSERT INTO loose_bodies (id, sweep_at) VALUES ($1, " + clock + ` + $4) RETURNING id)
		INSERT INTO chunks (body, n, data) SELECT id, $2, $3 FROM loose`
	nextChunk = "WITH loose AS (UPDATE loose_bodies SET sweep_at = " + clock + ` + $4 WHERE id = $1 AND sweep_at > 0 RETURNING id)
		INSERT INTO chunks (body, n, data) SELECT id, $2, $3 FROM loose`
	selectChunk = "SELECT data FROM chunks WHERE body = $1 AND n = $2"

	takeLoose = "DELETE FROM loose_bodies WHERE id = $1 AND sweep_at > 0"
	makeLoose = "INSERT INTO loose_bodies (id, sweep_at) VALUES ($1, " + letGoUntil + ")"
)

// draft is a body that nothing names yet. Its last chunk stays in memory until
// it is named, so that a small one is stored in that one transaction.
type draft struct {
	bodies.Cutter
	store *Store
	app   string // whose work it is; "" is the server's own
	op    string
	check func(tx *writeTx, size int64) error // refuses a body that grows too large, if it is set

	id string
	n  int // how many chunks are stored

	spare error // why it is not needed after all, if it isn't
}

func (s *Store) newDraft(app, op string) *draft {
	return &draft{store: s, app: app, op: op, id: newID()}
}

// read stores data, a chunk a transaction, up to its last chunk.
func (d *draft) read(ctx context.Context, data io.Reader) error {
	return d.Cut(data, func() error { return d.put(ctx) })
}

// put stores a chunk that is not the last.
func (d *draft) put(ctx context.Context) error {
	query := nextChunk
	if d.n == 0 {
		query = firstChunk
	}
	err := d.store.write(ctx, d.app, d.op, func(tx *writeTx) error {
		if d.check != nil {
			if err := d.check(tx, d.Size); err != nil {
				return err
			}
		}
		n, err := tx.exec(query, d.id, d.n, d.Last.Bytes(), bodies.UploadGrace.Milliseconds())
		if err == nil && n == 0 {
			err = bodies.ErrSwept(d.op)
		}
		return err
	})
	if err == nil {
		d.n++
	}
	if e, ok := errors.AsType[*storage.Error](err); ok && e.Code == storage.CodeUncertain {
		// Whether the chunk was stored or not: what it is a part of was certainly not.
		lost := *e
		lost.Code = storage.CodeUnavailable
		return &lost
	}
	return err
}

// name completes the body, in the transaction in which something comes to name it.
func (d *draft) name(tx *writeTx) error {
	if d.n > 0 {
		if n, err := tx.exec(takeLoose, d.id); err != nil || n == 0 {
			return cmpErr(err, bodies.ErrSwept(d.op))
		}
	}
	if d.Last.Len() == 0 {
		return nil
	}
	_, err := tx.exec(insertChunk, d.id, d.n, d.Last.Bytes())
	return err
}

// settle is told what became of the body. One that was not named the sweeper may have; one
// of which that is not known it finds when its upload would have been abandoned.
func (d *draft) settle(err error) {
	if d.n > 0 && err != nil && storage.CodeOf(err) != storage.CodeUncertain {
		d.store.sweeper.discard(d.id)
	}
}

// cmpErr is the first error that there is.
func cmpErr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// letGo has a body that nothing names any more swept. One of a single chunk is removed
// at once: it is read together with its name, so nobody is left half-way.
func letGo(tx *writeTx, body string, size int64) (err error) {
	if size <= bodies.ChunkSize {
		_, err = tx.exec("DELETE FROM chunks WHERE body = $1", body)
	} else {
		_, err = tx.exec(makeLoose, body)
	}
	return err
}

// bodyReader reads a body, a chunk at a time. It holds no connection between two
// reads. It is not safe for concurrent use.
type bodyReader struct {
	store  *Store
	ctx    context.Context
	op     string
	id     string
	size   int64
	offset int64
	chunk  []byte
	loaded int64 // the number of the chunk
	pinned bool
	closed bool
}

// openBody returns a reader of a body whose first chunk was read in one statement with
// its name, so that it was not swept before. From then on it is kept for a
// minute, which is renewed for as long as it is pinned.
func (s *Store) openBody(ctx context.Context, op, id string, size int64, first []byte) (*bodyReader, error) {
	r := &bodyReader{store: s, ctx: context.WithoutCancel(ctx), op: op, id: id, size: size, chunk: first}
	if int64(len(first)) != min(size, bodies.ChunkSize) {
		return nil, bodies.ErrSwept(op)
	}
	if r.pinned = size > bodies.ChunkSize; r.pinned {
		s.reading.add(id)
	}
	return r, nil
}

func (r *bodyReader) Read(p []byte) (int, error) {
	if r.closed {
		return 0, errClosed(r.op)
	}
	if r.offset >= r.size {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	n := r.offset / bodies.ChunkSize
	if r.loaded != n {
		if err := r.load(n); err != nil {
			return 0, err
		}
	}
	copied := copy(p, r.chunk[r.offset-n*bodies.ChunkSize:])
	r.offset += int64(copied)
	return copied, nil
}

// load reads a chunk, which must have its full length: what has been swept is an error
// and never a hole.
func (r *bodyReader) load(n int64) error {
	r.chunk, r.loaded = nil, -1
	err := r.store.read(r.ctx, r.op, selectChunk, []any{r.id, n}, func(scan scanFunc) error { return scan(&r.chunk) })
	if err == nil && int64(len(r.chunk)) != min(bodies.ChunkSize, r.size-n*bodies.ChunkSize) {
		err = bodies.ErrSwept(r.op)
	}
	if err == nil {
		r.loaded = n
	}
	return err
}

func (r *bodyReader) Seek(offset int64, whence int) (int64, error) {
	to, err := bodies.Seek(r.op, r.size, r.offset, offset, whence)
	if err == nil {
		r.offset = to
	}
	return to, err
}

func (r *bodyReader) Close() error {
	if !r.closed {
		r.closed, r.chunk = true, nil
		if r.pinned {
			r.store.reading.remove(r.id)
		}
	}
	return nil
}
