package fazt

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/fazt-sh/fazt/storage"
)

// encodings are the content codings that files are stored in, best first.
var encodings = []string{"zstd", "gzip"}

const (
	// minCompressed is the smallest file worth compressing: below it the
	// headers weigh more than what is saved.
	minCompressed = 512
	// maxCompressed is the largest file that is compressed, since that happens
	// in memory.
	maxCompressed = 16 << 20
)

// store writes the content of every file that the store has not yet, and
// returns the list to publish. Content is immutable and not seen by anybody
// until it is published, so a failure half-way leaves nothing to undo.
func (b *bundle) store(ctx context.Context, to storage.Contents) ([]storage.File, error) {
	files := make([]storage.File, len(b.files))
	hashes := make([]string, len(b.files))
	for i, f := range b.files {
		hash, err := b.hash(i)
		if err != nil {
			return nil, err
		}
		files[i] = storage.File{Path: f.path, Hash: hash, Size: f.size}
		hashes[i] = hash
	}
	stored, err := to.HasContent(ctx, hashes)
	if err != nil {
		return nil, err
	}
	for i, hash := range hashes {
		if _, ok := stored[hash]; ok {
			continue // with its compressed forms
		}
		if err := b.put(ctx, to, i, hash); err != nil {
			return nil, err
		}
		stored[hash] = nil
	}
	return files, nil
}

// put stores one file and its compressed forms.
func (b *bundle) put(ctx context.Context, to storage.Contents, i int, hash string) error {
	encoded, err := b.encode(i)
	if err != nil {
		return err
	}
	r, err := b.files[i].open()
	if err != nil {
		return err
	}
	defer r.Close()
	return to.PutContent(ctx, storage.Content{Hash: hash, Data: r, Encoded: encoded})
}

// hash reads a file through, and refuses one that is not as long as it was when
// its size was checked.
func (b *bundle) hash(i int) (string, error) {
	f := b.files[i]
	r, err := f.open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(r, f.size+1))
	if err != nil {
		return "", fmt.Errorf("%s: %w", f.path, err)
	}
	if n != f.size {
		return "", fmt.Errorf("%s: changed while it was read; deploy again", f.path)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// encode compresses a file in each coding that makes it smaller by a tenth.
func (b *bundle) encode(i int) (map[string][]byte, error) {
	f := b.files[i]
	if f.size < minCompressed || f.size > maxCompressed || !servable("/"+f.path) || !compressible(mimeType(f.path)) {
		return nil, nil
	}
	data, err := b.read(i)
	if err != nil {
		return nil, err
	}
	encoded := make(map[string][]byte)
	for _, name := range encodings {
		packed, err := compress(name, data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.path, err)
		}
		if len(packed) < len(data)*9/10 {
			encoded[name] = packed
		}
	}
	return encoded, nil
}

func compress(encoding string, data []byte) ([]byte, error) {
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	if encoding == "zstd" {
		w, err = zstd.NewWriter(&out, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1))
	} else {
		w, err = gzip.NewWriterLevel(&out, gzip.BestCompression)
	}
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
