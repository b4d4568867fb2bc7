package jsapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/internal/site"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

const blobInfo Type = "{path: string, mime: string, size: number, hash: string}"

var blobFunctions = []Function{
	{Name: "s3.put", Params: []Param{required("path", typeString), required("data", typeData), optional("mime", typeString)},
		Result: blobInfo, make: binder.blobPut},
	{Name: "s3.get", Params: []Param{required("path", typeString)},
		Result: "{data: string, mime: string, size: number, hash: string} | null", make: binder.blobGet},
	{Name: "s3.getBytes", Params: []Param{required("path", typeString)}, Result: "Bytes | null", make: binder.blobGetBytes},
	{Name: "s3.delete", Params: []Param{required("path", typeString)}, Result: typeBoolean, make: binder.blobDelete},
	{Name: "s3.list", Params: []Param{optional("prefix", typeString), optional("page", pageOptions)},
		Result: "{path: string, mime: string, size: number, updatedAt: number}[]", make: binder.blobList},
	{Name: "s3.serve", Params: []Param{required("path", typeString)}, Result: "Response", make: binder.blobServe},
	{Name: "s3.url", Params: []Param{required("path", typeString), optional("options", "{expires?: number}")},
		Result: typeString, make: binder.blobURL},
}

// blobGet makes JSON text of the blob as it is read, so that its bytes are there but
// once.
func (b binder) blobGet() any {
	return runtime.Brief(b.scoped(blobRead, b.wholeBlob(whole{
		start: `{"data":"`,
		size:  base64.StdEncoding.EncodedLen,
		add:   base64.StdEncoding.AppendEncode,
		end: func(blob storage.Blob, text []byte) (runtime.Value, error) {
			rest, err := json.Marshal(struct {
				MIME string `json:"mime"`
				Size int64  `json:"size"`
				Hash string `json:"hash"`
			}{blob.MIME, blob.Size, blob.Hash})
			text = append(append(text, `",`...), bytes.TrimPrefix(rest, []byte("{"))...)
			return runtime.JSON(text), err
		},
	})))
}

func (b binder) blobGetBytes() any {
	return runtime.Brief(b.scoped(blobRead, b.wholeBlob(whole{
		size: func(n int) int { return n },
		add:  func(data, chunk []byte) []byte { return append(data, chunk...) },
		end:  func(_ storage.Blob, data []byte) (runtime.Value, error) { return runtime.Bytes(data), nil },
	})))
}

func (b binder) blobDelete() any {
	return b.scoped(blobWrite, func(args runtime.Args) (scopedOperation, error) {
		path, err := args.String(0)
		return func(ctx context.Context, scope storage.Scope) (runtime.Value, error) {
			was, err := b.api.opt.Store.DeleteBlob(ctx, scope, path)
			return runtime.Bool(was), err
		}, err
	})
}

func (b binder) blobList() any {
	return runtime.Brief(b.scoped(blobRead, func(args runtime.Args) (scopedOperation, error) {
		start, err := optionalString(args, 0)
		if err != nil {
			return nil, err
		}
		page, err := pageArg(args, 1)
		return func(ctx context.Context, scope storage.Scope) (runtime.Value, error) {
			blobs, err := b.api.opt.Store.ListBlobs(ctx, scope, start, page)
			if err != nil {
				return runtime.Value{}, err
			}
			return blobRows(ctx, blobs)
		}, err
	}))
}

func (b binder) blobPut() any {
	return b.scoped(blobWrite, func(args runtime.Args) (scopedOperation, error) {
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
			mime = site.MIMEType(path)
		}
		return func(ctx context.Context, scope storage.Scope) (runtime.Value, error) {
			blob, err := b.api.opt.Store.PutBlob(ctx, scope, path, bytes.NewReader(data), mime)
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
	})
}

// whole says what is made of a blob in memory: start, what add makes of each chunk,
// size bytes in all for those of the blob, and then its end.
type whole struct {
	start string
	size  func(n int) int
	add   func(made, chunk []byte) []byte
	end   func(blob storage.Blob, made []byte) (runtime.Value, error)
}

const (
	// blobChunk is how much of a blob is read between two checkpoints. Base64 makes
	// four characters of three bytes, so it has to be a multiple of three.
	blobChunk = 192 << 10
	// blobRest is room for what stands beside a blob's bytes in its JSON.
	blobRest = 256 + storage.MaxMIME
)

// wholeBlob reads a blob into memory, or gives null if there is none. What is larger
// than an upload may be is left to url and serve.
func (b binder) wholeBlob(w whole) func(runtime.Args) (scopedOperation, error) {
	return func(args runtime.Args) (scopedOperation, error) {
		path, err := args.String(0)
		return func(ctx context.Context, scope storage.Scope) (runtime.Value, error) {
			blob, r, err := b.api.opt.Store.OpenBlob(ctx, scope, path)
			if storage.CodeOf(err) == storage.CodeNotFound {
				return runtime.Null(), nil
			}
			if err != nil {
				return runtime.Value{}, err
			}
			defer r.Close()
			if most := b.api.opt.MaxBytes; blob.Size > most {
				return runtime.Value{}, &runtime.HostError{Code: string(storage.CodeResultTooLarge),
					Message: fmt.Sprintf("the blob has %d bytes, more than the %d that a handler is given at once; send it with serve, or link to it with url", blob.Size, most)}
			}
			size := len(w.start) + w.size(int(blob.Size)) + blobRest
			if err := From(ctx).read(ctx, blob.Size, size); err != nil {
				return runtime.Value{}, err
			}
			made := append(make([]byte, 0, size), w.start...)
			chunk := make([]byte, min(blobChunk, blob.Size))
			for left := blob.Size; left > 0; left -= int64(len(chunk)) {
				if err := runtime.Checkpoint(ctx); err != nil {
					return runtime.Value{}, err
				}
				chunk = chunk[:min(int64(len(chunk)), left)]
				if _, err := io.ReadFull(r, chunk); err != nil {
					return runtime.Value{}, err
				}
				made = w.add(made, chunk)
			}
			return w.end(blob, made)
		}, err
	}
}

func blobRows(ctx context.Context, blobs []storage.Blob) (runtime.Value, error) {
	type row struct {
		Path      string `json:"path"`
		MIME      string `json:"mime"`
		Size      int64  `json:"size"`
		UpdatedAt int64  `json:"updatedAt"`
	}
	const names = len(`{"path":"","mime":"","size":1234567890,"updatedAt":1234567890123},`)
	size := 0
	for _, b := range blobs {
		size += names + len(b.Path) + len(b.MIME)
	}
	rows, err := newArray(ctx, size)
	if err != nil {
		return runtime.Value{}, err
	}
	for _, b := range blobs {
		text, err := json.Marshal(row{b.Path, b.MIME, b.Size, b.UpdatedAt.UnixMilli()})
		if err == nil {
			err = rows.next()
		}
		if err != nil {
			return runtime.Value{}, err
		}
		rows.text = append(rows.text, text...)
	}
	return rows.value(), nil
}

// Stream is the Stream of a [runtime.Response] that is a blob, which whoever
// sends the response reads from the store.
type Stream struct {
	Scope storage.Scope
	Path  string
}

// NoBlob is the answer to a request for a blob that isn't there.
var NoBlob = &api.Error{Status: http.StatusNotFound, Code: "NOT_FOUND", Message: "there is no such file"}

// blobServe makes a response that streams the blob, or a 404 if there is none.
func (b binder) blobServe() any {
	return runtime.Brief(b.scoped(blobRead, func(args runtime.Args) (scopedOperation, error) {
		path, err := args.String(0)
		return func(ctx context.Context, scope storage.Scope) (runtime.Value, error) {
			_, err := b.api.opt.Store.StatBlob(ctx, scope, path)
			if storage.CodeOf(err) == storage.CodeNotFound {
				return runtime.Respond(stop(NoBlob).Response), nil
			}
			if err != nil {
				return runtime.Value{}, err
			}
			return runtime.Respond(runtime.Response{
				Status: http.StatusOK,
				Header: http.Header{},
				Stream: &Stream{Scope: scope, Path: path},
			}), nil
		}, err
	}))
}

const (
	// blobURLLife is how long a signed URL works unless the app says otherwise,
	// and maxBlobURLLife how long it may at most.
	blobURLLife    = time.Hour
	maxBlobURLLife = 7 * 24 * time.Hour
)

// blobURL signs a URL for a blob, which need not be there yet. It costs no
// storage operation.
func (b binder) blobURL() any {
	return runtime.Func(func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
		inv := From(ctx)
		scope, err := b.scope(inv)
		if err != nil {
			return runtime.Value{}, err
		}
		path, err := args.String(0)
		if err != nil {
			return runtime.Value{}, err
		}
		if err := storage.CheckKey("s3.url", "path", path); err != nil {
			return runtime.Value{}, b.api.hostError(err)
		}
		life, err := lifeArg(args, 1)
		if err != nil {
			return runtime.Value{}, err
		}
		link := b.api.opt.BlobURL(scope, path, time.Now().Add(life))
		if inv.Visitor != nil {
			link = inv.Visitor.URL(link)
		}
		return runtime.String(link), nil
	})
}

// lifeArg reads {expires}, in milliseconds.
func lifeArg(args runtime.Args, i int) (time.Duration, error) {
	ms := float64(blobURLLife.Milliseconds())
	if err := readOptions(args, i, option{"expires", &ms}); err != nil {
		return 0, err
	}
	if most := maxBlobURLLife.Milliseconds(); ms < 1 || ms > float64(most) {
		return 0, runtime.Invalid("argument %d: expires must be a number of milliseconds from 1 to %d, not %s", i+1, most, strconv.FormatFloat(ms, 'f', -1, 64))
	}
	return time.Duration(ms * float64(time.Millisecond)), nil
}
