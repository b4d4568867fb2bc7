package site

import (
	"context"
	"io"
)

// sliceBytes is how much of a file is worked on before others get their turn: a
// millisecond or a few, for the slowest coding.
const sliceBytes = 64 << 10

// Turn runs a slice of work that computes when it is the turn of whoever it is done
// for, and returns its error. An error of the Turn's own, such as that of ctx, ends
// the work.
type Turn func(ctx context.Context, slice func() error) error

// work is done in slices, one after the other, for one goroutine.
type work struct {
	turn Turn
	buf  []byte
}

func newWork(turn Turn) work {
	if turn == nil {
		turn = func(_ context.Context, slice func() error) error { return slice() }
	}
	return work{turn: turn, buf: make([]byte, sliceBytes)}
}

func (w work) do(ctx context.Context, slice func() error) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return w.turn(ctx, slice)
}

// read fills a buffer, which may be made smaller, in one slice: what is read may have
// to be expanded first.
func (w work) read(ctx context.Context, r io.Reader, p []byte) (n int, err error) {
	p = p[:min(len(p), sliceBytes)]
	turned := w.do(ctx, func() error { n, err = r.Read(p); return nil })
	if turned != nil {
		return 0, turned
	}
	return n, err
}

// each calls fn for one slice of r after another, and returns how long r is. fn takes
// its own turns.
func (w work) each(ctx context.Context, r io.Reader, fn func(slice []byte) error) (size int64, err error) {
	for {
		n, err := w.read(ctx, r, w.buf)
		size += int64(n)
		if n > 0 {
			if err := fn(w.buf[:n]); err != nil {
				return size, err
			}
		}
		if err == io.EOF {
			return size, nil
		}
		if err != nil {
			return size, err
		}
	}
}

// reader reads in slices.
type reader struct {
	work work
	ctx  context.Context
	r    io.Reader
}

func (r *reader) Read(p []byte) (int, error) { return r.work.read(r.ctx, r.r, p) }
