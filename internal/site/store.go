package site

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
// included, and returns the list to publish, with what its names say of the content. Content is immutable and not seen
// by anybody until it is published, so a failure half-way leaves nothing to undo.
// An error is of the file's reader or of to, or says that a file has changed
// since its size was checked. What computes takes turns, see [Site.Turn]; ctx ends
// it between two slices.
func (s *Site) Store(ctx context.Context, to Contents) ([]storage.File, error) {
	w := newWork(s.Turn)
	files := make([]storage.File, len(s.files))
	hashes := make([]string, len(s.files))
	names := newReferences(s.files)
	for i, f := range s.files {
		look := func([]byte) {}
		if names.begin(i, f) {
			look = names.read
		}
		hash, err := hash(ctx, w, f, look)
		if err != nil {
			return nil, f.in(err)
		}
		files[i] = storage.File{Path: f.path, Hash: hash, Size: f.size}
		hashes[i] = hash
		names.end()
	}
	for i, hashed := range s.hashed(names) {
		files[i].Hashed = hashed
	}
	stored, err := to.HasContent(ctx, hashes)
	if err != nil {
		return nil, err
	}
	pack, err := newPacker(w)
	if err != nil {
		return nil, err
	}
	for i, hash := range hashes {
		if _, ok := stored[hash]; ok {
			s.progress(i)
			continue // with its compressed forms
		}
		if err := s.put(ctx, to, pack, s.files[i], hash); err != nil {
			return nil, err
		}
		stored[hash] = nil
		s.progress(i)
	}
	return files, nil
}

// progress tells that the files up to one are stored.
func (s *Site) progress(last int) {
	if s.Progress == nil {
		return
	}
	s.stored += s.files[last].size
	s.Progress(s.stored, s.size)
}

// put stores one file and its compressed forms.
func (s *Site) put(ctx context.Context, to Contents, pack *packer, f file, hash string) error {
	c := storage.Content{App: s.App, Hash: hash}
	if s.isPacked(f) {
		var err error
		if c.Encoded, err = pack.pack(ctx, f); err != nil {
			return f.in(err)
		}
	}
	r, err := f.open()
	if err != nil {
		return err
	}
	defer r.Close()
	c.Data = &reader{pack.work, ctx, r}
	return to.PutContent(ctx, c)
}

// hash reads a file through, which look sees too, and refuses one that is not as long
// as it was when its size was checked.
func hash(ctx context.Context, w work, f file, look func([]byte)) (string, error) {
	r, err := f.open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	sum := sha256.New()
	n, err := w.each(ctx, io.LimitReader(r, f.size+1), func(slice []byte) error {
		return w.do(ctx, func() error { sum.Write(slice); look(slice); return nil })
	})
	if err != nil {
		return "", err
	}
	if n != f.size {
		return "", errChanged
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
