package fazt

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// blobBinder makes the blob functions of one scope.
type blobBinder struct {
	server *Server
	scope  scopeFunc

	reading, writing *budget.Operation
}

// bind gives handlers the functions under prefix.
func (b blobBinder) bind(h map[string]any, prefix string) {
	store, read, write := b.server.store, b.reading, b.writing
	h[prefix+"put"] = scoped(write, b.scope, b.put)
	h[prefix+"get"] = scoped(read, b.scope, b.whole(func(blob storage.Blob, data []byte) (runtime.Value, error) {
		return runtime.From(struct {
			Data []byte `json:"data"` // base64
			MIME string `json:"mime"`
			Size int64  `json:"size"`
			Hash string `json:"hash"`
		}{data, blob.MIME, blob.Size, blob.Hash})
	}))
	h[prefix+"getBytes"] = scoped(read, b.scope, b.whole(func(_ storage.Blob, data []byte) (runtime.Value, error) {
		return runtime.Bytes(data), nil
	}))
	h[prefix+"delete"] = scoped(write, b.scope, func(args runtime.Args) (scopedOperation, error) {
		path, err := args.String(0)
		return func(ctx context.Context, scope storage.Scope) (runtime.Value, error) {
			was, err := store.DeleteBlob(ctx, scope, path)
			return runtime.Bool(was), err
		}, err
	})
	h[prefix+"list"] = scoped(read, b.scope, func(args runtime.Args) (scopedOperation, error) {
		start, err := optionalString(args, 0)
		if err != nil {
			return nil, err
		}
		page, err := pageArg(args, 1)
		return func(ctx context.Context, scope storage.Scope) (runtime.Value, error) {
			blobs, err := store.ListBlobs(ctx, scope, start, page)
			if err != nil {
				return runtime.Value{}, err
			}
			return blobList(blobs)
		}, err
	})
	h[prefix+"serve"] = scoped(read, b.scope, b.serve)
	h[prefix+"url"] = runtime.Func(b.url)
}

func (b blobBinder) put(args runtime.Args) (scopedOperation, error) {
	path, err := args.String(0)
	if err != nil {
		return nil, err
	}
	data, err := args.Bytes(1)
	if err != nil {
		return nil, err
	}
	mime, err := optionalString(args, 2)
	if err == nil && mime == "" {
		mime = mimeType(path)
	}
	return func(ctx context.Context, scope storage.Scope) (runtime.Value, error) {
		blob, err := b.server.store.PutBlob(ctx, scope, path, bytes.NewReader(data), mime)
		if err != nil {
			return runtime.Value{}, err
		}
		return runtime.From(struct {
			Path string `json:"path"`
			MIME string `json:"mime"`
			Size int64  `json:"size"`
			Hash string `json:"hash"`
		}{blob.Path, blob.MIME, blob.Size, blob.Hash})
	}, err
}

// whole reads a blob into memory, or gives null if there is none. What is larger
// than an upload may be is left to url and serve.
func (b blobBinder) whole(give func(storage.Blob, []byte) (runtime.Value, error)) func(runtime.Args) (scopedOperation, error) {
	return func(args runtime.Args) (scopedOperation, error) {
		path, err := args.String(0)
		return func(ctx context.Context, scope storage.Scope) (runtime.Value, error) {
			blob, r, err := b.server.store.OpenBlob(ctx, scope, path)
			if storage.CodeOf(err) == storage.CodeNotFound {
				return runtime.Null(), nil
			}
			if err != nil {
				return runtime.Value{}, err
			}
			defer r.Close()
			if most := b.server.opt.MaxUpload; blob.Size > most {
				return runtime.Value{}, &runtime.HostError{Code: string(storage.CodeResultTooLarge),
					Message: fmt.Sprintf("the blob has %d bytes, more than the %d that a handler is given at once; send it with serve, or link to it with url", blob.Size, most)}
			}
			data := make([]byte, blob.Size)
			for n := 0; n < len(data); {
				if err := ctx.Err(); err != nil {
					return runtime.Value{}, err
				}
				step, err := io.ReadFull(r, data[n:min(n+1<<20, len(data))])
				if err != nil {
					return runtime.Value{}, err
				}
				n += step
			}
			return give(blob, data)
		}, err
	}
}

func blobList(blobs []storage.Blob) (runtime.Value, error) {
	type row struct {
		Path      string `json:"path"`
		MIME      string `json:"mime"`
		Size      int64  `json:"size"`
		UpdatedAt int64  `json:"updatedAt"`
	}
	rows := make([]row, len(blobs))
	for i, b := range blobs {
		rows[i] = row{b.Path, b.MIME, b.Size, b.UpdatedAt.UnixMilli()}
	}
	return runtime.From(rows)
}

// serve makes a response that streams the blob, or a 404 if there is none.
func (b blobBinder) serve(args runtime.Args) (scopedOperation, error) {
	path, err := args.String(0)
	return func(ctx context.Context, scope storage.Scope) (runtime.Value, error) {
		_, err := b.server.store.StatBlob(ctx, scope, path)
		if storage.CodeOf(err) == storage.CodeNotFound {
			return runtime.Respond(noBlob.stop().Response), nil
		}
		if err != nil {
			return runtime.Value{}, err
		}
		return runtime.Respond(runtime.Response{
			Status: http.StatusOK,
			Header: http.Header{},
			Stream: &blobStream{server: b.server, scope: scope, path: path},
		}), nil
	}, err
}

const (
	// blobURLLife is how long a signed URL works unless the app says otherwise,
	// and maxBlobURLLife how long it may at most.
	blobURLLife    = time.Hour
	maxBlobURLLife = 7 * 24 * time.Hour
)

// url signs a URL for a blob, which need not be there yet. It costs no storage
// operation.
func (b blobBinder) url(ctx context.Context, args runtime.Args) (runtime.Value, error) {
	scope, err := b.scope(ctx)
	if err != nil {
		return runtime.Value{}, err
	}
	path, err := args.String(0)
	if err != nil {
		return runtime.Value{}, err
	}
	if err := storage.CheckKey("s3.url", "path", path); err != nil {
		return runtime.Value{}, hostError(err)
	}
	life := blobURLLife
	if args.Has(1) {
		var opt struct{ Expires json.Number }
		if err := args.Unmarshal(1, &opt); err != nil {
			return runtime.Value{}, err
		}
		if opt.Expires != "" {
			ms, err := opt.Expires.Float64()
			life = time.Duration(ms * float64(time.Millisecond))
			if most := maxBlobURLLife.Milliseconds(); err != nil || ms < 1 || ms > float64(most) {
				return runtime.Value{}, runtime.Invalid("argument 2: expires must be a number of milliseconds from 1 to %d, not %s", most, opt.Expires)
			}
		}
	}
	link := blobLink{scope: scope, path: path, expires: time.Now().Add(life).UnixMilli()}
	return runtime.String(mountPrefix(callFrom(ctx).request) + link.url(b.server.blobKey)), nil
}
