// Package bodies cuts what is uploaded into the chunks that a database holds, and checks
// it. It is shared by the engines of package storage.
package bodies

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// ChunkSize is how many bytes of a body one row holds, and so how much of it
	// is in memory when it is stored or read. Smaller chunks cost more rows and
	// commits, larger ones more memory for each reader.
	ChunkSize = 256 << 10

	// UploadGrace is how long an upload may take for its next chunk before it
	// counts as abandoned.
	UploadGrace = time.Hour
)

// Cutter cuts a body into chunks. The last one, of [ChunkSize] bytes at most, stays in memory, so
// that a small body is stored in the transaction that names it.
type Cutter struct {
	Size int64 // of all that was read, in bytes
	Last bytes.Buffer
}

// Cut reads a body, and calls put for each chunk but the last while it is in Last. It
// returns the first error of either.
func (c *Cutter) Cut(data io.Reader, put func() error) error {
	in := bufio.NewReader(data)
	for {
		c.Last.Reset()
		n, err := io.CopyN(&c.Last, in, ChunkSize)
		c.Size += n
		if err == nil {
			_, err = in.Peek(1)
		}
		if err == io.EOF { // one that is wrapped says that something broke
			return nil
		}
		if err == nil {
			err = put()
		}
		if err != nil {
			return err
		}
	}
}

// CheckHash returns an error with [storage.CodeInvalid] if a text is no SHA-256 in
// lower-case hex.
func CheckHash(op, text string) error {
	if b, err := hex.DecodeString(text); err != nil || len(b) != sha256.Size || hex.EncodeToString(b) != text {
		return &storage.Error{Code: storage.CodeInvalid, Op: op, Path: "hash", Msg: "is not a SHA-256 in lower-case hex"}
	}
	return nil
}

// ReadContent has read read one form of a content. The bytes as they are, encoding "",
// must have the hash that is wanted, or else it returns [storage.CodeInvalid].
func ReadContent(op, want, encoding string, data io.Reader, read func(io.Reader) error) error {
	var sum hash.Hash
	if encoding == "" {
		sum = sha256.New()
		data = io.TeeReader(data, sum)
	}
	if err := read(data); err != nil {
		return err
	}
	if sum != nil && hex.EncodeToString(sum.Sum(nil)) != want {
		return &storage.Error{Code: storage.CodeInvalid, Op: op, Path: "data", Msg: "the bytes do not have the hash " + want}
	}
	return nil
}

// Seek returns where [io.Seeker] comes to in a body of size bytes, from the byte at, or
// [storage.CodeInvalid]. It may be past the end.
func Seek(op string, size, at, offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += at
	case io.SeekEnd:
		offset += size
	}
	if offset < 0 || whence < io.SeekStart || whence > io.SeekEnd {
		return 0, &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "no such offset"}
	}
	return offset, nil
}

// ErrSwept is for bytes that were there when they were looked for, or begun, and are not
// any more.
func ErrSwept(op string) error {
	return &storage.Error{Code: storage.CodeNotFound, Op: op, Msg: "the bytes have been swept", Hint: "store them again"}
}
