package site

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/fazt-sh/fazt/runtime"
)

// ErrInvalid is wrapped by the errors that say what is wrong with the app
// itself.
var ErrInvalid = errors.New("invalid app")

func invalid(err error) error {
	if errors.Is(err, ErrInvalid) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrInvalid, err)
}

// in says in which file an error is, unless it does so itself.
func (f file) in(err error) error {
	if err == nil || errors.Is(err, ErrInvalid) {
		return err
	}
	return fmt.Errorf("%s: %w", f.path, err)
}

// Limits bounds an app. Zero allows nothing.
type Limits struct {
	FileBytes int64 // one file, uncompressed
	AppBytes  int64 // all files, uncompressed
	Files     int   // how many
}

// maxNameBytes is the longest path of a file.
const maxNameBytes = 1024

// Site is an app that has been read: the names and sizes of its files are known
// and allowed. Their bytes are read when they are asked for, so what they were
// read from must stay open.
type Site struct {
	// Manifest is the app's own. What is changed in it counts for [Site.Source].
	Manifest Manifest
	// Warnings are what its author should know, and what stops no deploy: a sentence
	// each, with the file and the line where there is one.
	Warnings []string
	// Turn runs the slices of [Site.Store]. Default: nil, which runs them at once.
	Turn Turn
	// App is as whose work the store is to count what Store writes. Default: "",
	// the server's own.
	App string
	// Progress is told how many bytes of how many Store has stored. Default: nil.
	Progress func(stored, total int64)

	files  []file
	size   int64 // of all files
	stored int64
	index  map[string]int  // of files, by path
	dirs   map[string]bool // that the files are in
}

type file struct {
	path string
	size int64
	open func() (io.ReadCloser, error)
}

// ReadFS reads an app from its directory. An error wraps [ErrInvalid] when the
// app is at fault; others are those of fsys.
func ReadFS(fsys fs.FS, limits Limits) (*Site, error) {
	if fsys == nil {
		return nil, invalid(errors.New("there is no file system, but nil; give one, such as os.DirFS(\"my-app\")"))
	}
	s := newSite()
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return irregular(p)
		}
		return s.add(file{path: p, size: info.Size(), open: func() (io.ReadCloser, error) { return fsys.Open(p) }}, limits)
	})
	if errors.Is(err, ErrInvalid) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("fazt: read the app: %w", err)
	}
	return s.finish()
}

func newSite() *Site { return &Site{index: make(map[string]int), dirs: make(map[string]bool)} }

func irregular(name string) error {
	return invalid(fmt.Errorf("%s: is a link or a device; deploy regular files only", name))
}

// add takes one file if its name and the sizes so far allow it.
func (s *Site) add(f file, limits Limits) error {
	if err := checkFileName(f.path); err != nil {
		return invalid(err)
	}
	switch {
	case f.size > limits.FileBytes:
		return invalid(fmt.Errorf("%s: has %d bytes; the limit for one file is %d", f.path, f.size, limits.FileBytes))
	case s.size+f.size > limits.AppBytes:
		return invalid(fmt.Errorf("%s: brings the app past %d bytes, the limit for all files together", f.path, limits.AppBytes))
	case len(s.files) >= limits.Files:
		return invalid(fmt.Errorf("%s: is more than the %d files that an app may have", f.path, limits.Files))
	}
	if _, ok := s.index[f.path]; ok {
		return invalid(fmt.Errorf("%s: is there twice", f.path))
	}
	if s.dirs[f.path] {
		return invalid(fmt.Errorf("%s: is a file and a directory", f.path))
	}
	for dir := path.Dir(f.path); dir != "."; dir = path.Dir(dir) {
		if _, ok := s.index[dir]; ok {
			return invalid(fmt.Errorf("%s: is a file and a directory", dir))
		}
		s.dirs[dir] = true
	}
	s.index[f.path] = len(s.files)
	s.files = append(s.files, f)
	s.size += f.size
	return nil
}

// finish refuses what has no files, and reads the manifest.
func (s *Site) finish() (*Site, error) {
	if len(s.files) == 0 {
		return nil, invalid(errors.New("there are no files in it; is it the right directory?"))
	}
	if err := s.readManifest(); err != nil {
		return nil, invalid(err)
	}
	if err := s.checkMain(); err != nil {
		return nil, err
	}
	_, hasPage := s.index["index.html"]
	_, hasMain := s.index[MainPath]
	if !hasPage && !hasMain {
		s.Warnings = append(s.Warnings, "there is no index.html and no "+MainPath+" at the top, so the app's address itself answers 404")
	}
	if len(s.Manifest.Routes) > 0 && !hasMain {
		s.Warnings = append(s.Warnings, "routes do nothing without the handler that answers them, "+MainPath)
	}
	return s, nil
}

// readManifest reads fazt.json, or else manifest.json.
func (s *Site) readManifest() error {
	i, ok := s.index[ConfigPath]
	j, other := s.index[ManifestPath]
	if !ok && !other {
		return nil
	}
	if !ok {
		i = j
	}
	f := s.files[i]
	if err := checkManifestSize(f.path, f.size); err != nil {
		return err
	}
	text, err := s.read(i)
	if err != nil {
		return err
	}
	if s.Manifest, s.Warnings, err = ParseManifest(f.path, text); err != nil {
		return err
	}
	s.Manifest.ServesManifest = s.Manifest.ServesManifest || ok && other
	return nil
}

// read returns a file's bytes.
func (s *Site) read(i int) ([]byte, error) {
	f := s.files[i]
	r, err := f.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, f.size+1))
	if err != nil {
		return nil, f.in(err)
	}
	if int64(len(data)) != f.size {
		return nil, fmt.Errorf("%s: %w", f.path, errChanged)
	}
	return data, nil
}

var errChanged = errors.New("changed while it was read; deploy again")

// Source returns the handler's files, for the engine that the manifest names.
// They may have limit bytes together. ok is false for an app without a handler.
// An error wraps [ErrInvalid].
func (s *Site) Source(limit int64) (source runtime.Source, ok bool, err error) {
	at, ok := s.index[MainPath]
	if !ok {
		return source, false, s.checkBundled()
	}
	source = runtime.Source{Files: make(map[string]string), Maps: make(map[string]string), Main: MainPath, Engine: s.Manifest.Engine}
	var size, mapBytes int64
	var main []byte
	if s.files[at].size <= limit {
		if main, err = s.read(at); err != nil {
			return source, false, invalid(err)
		}
	}
	for i, f := range s.files {
		if file, ok := MapOf(f.path); ok && InProgram(string(main), file) && mapBytes+f.size <= MaxMapBytes {
			mapBytes += f.size
			text, err := s.read(i)
			if err != nil {
				return source, false, invalid(err)
			}
			source.Maps[file] = string(text)
		}
		if !IsSource(f.path) || !InProgram(string(main), f.path) {
			continue
		}
		if size += f.size; size > limit {
			return source, false, invalid(fmt.Errorf("%s: brings the handler's source, all .js and .json files under api/, past %d bytes; keep data in storage, or under private/", f.path, limit))
		}
		text, err := s.read(i)
		if err != nil {
			return source, false, invalid(err)
		}
		source.Files[f.path] = string(text)
	}
	return source, true, nil
}

// checkBundled refuses an app whose handler has yet to be made into what a server runs.
func (s *Site) checkBundled() error {
	for _, name := range unbundled {
		if _, ok := s.index[name]; ok {
			return invalid(fmt.Errorf("%s:1:1: has to be bundled before it is uploaded; deploy the app's folder by fazt app deploy, "+
				"or call bundle.Bundle of package runtime/bundle before Server.Deploy", name))
		}
	}
	return nil
}
