package storage

import (
	"context"
	"io"
	"mime"
	"strings"
	"time"
)

// MaxMIME is the longest media type of a blob, in bytes.
const MaxMIME = 255

// Blobs are a scope's files: bytes of any length up to a quota, under a path
// that obeys the rules of a key. They are streamed in both directions, so that
// memory does not grow with them, and are no part of a [Tx]. A scope, a path, a
// media type or a page that can't be is [CodeInvalid]. Host functions are their
// users, and the answers to signed URLs.
type Blobs interface {
	// PutBlob stores data under path, in place of what was there. Nothing shows
	// before all of it is stored, and a slow reader keeps no other writer
	// waiting. An empty mime is "application/octet-stream". A blob that is too
	// large for its quota or its app's is [CodeQuotaExceeded], as soon as that
	// shows; data's own error is returned as it is.
	PutBlob(ctx context.Context, scope Scope, path string, data io.Reader, mime string) (Blob, error)
	// StatBlob describes the blob, or is [CodeNotFound].
	StatBlob(ctx context.Context, scope Scope, path string) (Blob, error)
	// OpenBlob returns the blob's bytes, or [CodeNotFound]. The reader holds a
	// chunk of 256 KiB and no connection, may be used when ctx has ended, and
	// must be closed; a [Waiter] of ctx is told of its waits. It goes on with the same bytes when the blob is replaced
	// or deleted; only another process that sweeps them can make it fail.
	OpenBlob(ctx context.Context, scope Scope, path string) (Blob, io.ReadSeekCloser, error)
	// DeleteBlob reports whether the blob was there.
	DeleteBlob(ctx context.Context, scope Scope, path string) (bool, error)
	// ListBlobs returns the blobs whose path starts with prefix, in byte order
	// of the path.
	ListBlobs(ctx context.Context, scope Scope, prefix string, page Page) ([]Blob, error)
}

// Blob describes a blob.
type Blob struct {
	Path      string
	MIME      string
	Size      int64  // bytes
	Hash      string // lower-case hex SHA-256 of the bytes
	UpdatedAt time.Time
}

// CheckMIME returns an [Error] unless s is a media type such as "image/png" or
// "text/html; charset=utf-8", of at most [MaxMIME] bytes.
func CheckMIME(op, s string) error {
	if len(s) > MaxMIME {
		return OverQuota(op, "mime", "the media type", int64(len(s)), MaxMIME)
	}
	kind, _, err := mime.ParseMediaType(s)
	if err != nil || !strings.Contains(kind, "/") {
		return &Error{Code: CodeInvalid, Op: op, Path: "mime", Msg: "is not a media type", Hint: `write it as "image/png"`}
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return &Error{Code: CodeInvalid, Op: op, Path: "mime", Msg: "has a character that no header may have"}
		}
	}
	return nil
}
