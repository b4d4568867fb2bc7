package storage

import (
	"context"
	"io"
)

// Contents are the bytes of apps' files, each once, under their hash. Deploys
// store them before they are published, and static files are read from them.
type Contents interface {
	// HasContent tells which of the hashes are stored already, and in which
	// encodings besides the bytes as they are. What is not stored has no entry.
	HasContent(ctx context.Context, hashes []string) (map[string][]string, error)
	// PutContent stores a file's bytes and its compressed forms under their
	// hash, in short transactions. Content that no version refers to within an
	// hour is swept. Bytes that do not have the hash are [CodeInvalid]; an error
	// of c.Data's is returned as it is.
	PutContent(ctx context.Context, c Content) error
	// OpenContent reads a file's bytes as they were stored; encoding is "" or
	// one that the File lists. The reader is good until it is closed, and holds
	// no more than a chunk in memory. What is not stored is [CodeNotFound].
	OpenContent(ctx context.Context, hash, encoding string) (io.ReadSeekCloser, error)
}

// Content is a file's bytes with their compressed forms.
type Content struct {
	App     string // as whose work it is stored; "" is the server's own
	Hash    string
	Data    io.Reader
	Encoded map[string][]byte // by Content-Encoding: "gzip", "zstd"
}
