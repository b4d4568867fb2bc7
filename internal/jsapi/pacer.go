package jsapi

import (
	"context"
	"time"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// pacer is the [storage.Waiter] of an operation that reads: what that computes is the
// run's, and so are the bytes that it returns.
type pacer struct {
	inv *Invocation
	ctx context.Context // the host function's
}

func (p *pacer) Pace(ctx context.Context) error { return runtime.Checkpoint(ctx) }

func (p *pacer) Contended(ctx context.Context) bool { return runtime.Contended(ctx) }

func (p *pacer) Wait(ctx context.Context, wait func() error) error {
	return runtime.Blocking(ctx, wait)
}

func (p *pacer) Charge(ctx context.Context, d time.Duration) { runtime.Charge(ctx, d) }

func (p *pacer) Read(bytes int) error { return p.inv.read(p.ctx, int64(bytes), bytes) }

// paced returns the context of a reading operation that is paced.
func (inv *Invocation) paced(ctx context.Context) context.Context {
	return storage.WithPacer(ctx, &pacer{inv, ctx})
}

// read charges bytes of the store before they are read, and what will hold them.
func (inv *Invocation) read(ctx context.Context, bytes int64, held int) error {
	if err := inv.Read(bytes); err != nil {
		inv.exceeded = err
		return err
	}
	return runtime.Hold(ctx, int64(held))
}

// wrote charges the arguments of a write before it is made.
func (inv *Invocation) wrote(args runtime.Args) error {
	var bytes int64
	for i := range args {
		v := args.At(i)
		bytes += int64(len(v.Text()) + len(v.Raw()))
	}
	if err := inv.Write(bytes); err != nil {
		return stop(inv.api.opt.Explain(err))
	}
	return nil
}

// reads reports whether operations of the kind read, so that they are paced: documents
// are searched for those that a write is to change. The writing itself is done by the
// store's writer, which waits for nobody.
func (k kind) reads() bool { return k == kvRead || k == docsRead || k == docsWrite || k == blobRead }

// writes reports whether an operation of the kind writes bytes that count: blobs
// have a quota of their own.
func (k kind) writes() bool { return k == kvWrite || k == docsWrite }
