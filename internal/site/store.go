package site

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/fazt-sh/fazt/storage"
)

// Contents is the part of a store that takes the bytes of files. It is what
// [storage.Catalogue] says of these methods.
type Contents interface {
	HasContent(ctx context.Context, hashes []string) (map[string][]string, error)
	PutContent(ctx context.Context, c storage.Content) error
}

// Store writes the content of every file that to has not yet, compressed forms
// included, and returns the list to publish. Content is immutable and not seen
// by anybody until it is published, so a failure half-way leaves nothing to undo.
// An error is of the file's reader or of to, or says that a file has changed
// since its size was checked.
func (s *Site) Store(ctx context.Context, to Contents) ([]storage.File, error) {
	files := make([]storage.File, len(s.files))
	hashes := make([]string, len(s.files))
	for i, f := range s.files {
		hash, err := s.hash(i)
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
		if err := s.put(ctx, to, i, hash); err != nil {
			return nil, err
		}
		stored[hash] = nil
	}
	return files, nil
}

// put stores one file and its compressed forms.
func (s *Site) put(ctx context.Context, to Contents, i int, hash string) error {
	encoded, err := s.encode(i)
	if err != nil {
		return err
	}
	r, err := s.files[i].open()
	if err != nil {
		return err
	}
	defer r.Close()
	return to.PutContent(ctx, storage.Content{Hash: hash, Data: r, Encoded: encoded})
}

// hash reads a file through, and refuses one that is not as long as it was when
// its size was checked.
func (s *Site) hash(i int) (string, error) {
	f := s.files[i]
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
		return "", changed(f)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
