package fazt

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// Deployment says what a deploy made.
type Deployment struct {
	App          string // name
	AppID        string // random; the app's data belongs to it
	Version      int    // 1, 2, 3 ...
	Files        int
	Size         int64  // bytes, uncompressed
	Engine       string // that runs the handler; "" without one
	EngineReason string // why not the first one, "" if it is
}

// ErrInvalidApp is wrapped by the errors of a deploy that say what is wrong with
// the app itself. Nothing was changed.
var ErrInvalidApp = errors.New("invalid app")

// A DeployOption changes one deploy.
type DeployOption func(*manifest)

// SPA overrides the manifest's "spa" key: whether a path without a file and
// without an extension answers index.html.
func SPA(on bool) DeployOption { return func(m *manifest) { m.SPA = on } }

// Deploy makes the files of fsys the current version of the app of that name,
// making the app if there is none. Visitors get the whole old version or the
// whole new one. An error means that nothing changed; it wraps [ErrInvalidApp]
// when the app is at fault, and a [runtime.Error] with file, line and column
// when its JavaScript is. An empty name stands for the manifest's own.
func (s *Server) Deploy(ctx context.Context, name string, fsys fs.FS, opts ...DeployOption) (*Deployment, error) {
	b, err := s.readFS(fsys)
	if err != nil {
		return nil, err
	}
	return s.deploy(ctx, name, b, opts)
}

// DeployZIP is [Server.Deploy] for a ZIP archive of the app's directory.
func (s *Server) DeployZIP(ctx context.Context, name string, r io.ReaderAt, size int64, opts ...DeployOption) (*Deployment, error) {
	b, err := s.readZIP(r, size)
	if err != nil {
		return nil, err
	}
	return s.deploy(ctx, name, b, opts)
}

func (s *Server) deploy(ctx context.Context, name string, b *bundle, opts []DeployOption) (*Deployment, error) {
	m, err := b.manifest()
	if err != nil {
		return nil, invalid(err)
	}
	for _, opt := range opts {
		opt(&m)
	}
	if name == "" {
		name = m.Name
	}
	if name, err = cleanName(name); err != nil {
		return nil, invalid(err)
	}
	d := storage.NewDeployment{Name: name, Indexes: m.Indexes}
	var reason string
	if source, ok, err := b.source(m.Engine, int64(s.runtime.Limits().SourceBytes)); err != nil {
		return nil, invalid(err)
	} else if ok {
		// Compiled here only to find mistakes before anything is written.
		program, err := s.runtime.Load(source)
		if err != nil {
			return nil, invalid(err)
		}
		d.Engine, reason = program.Engine()
	}
	if d.Manifest, err = json.Marshal(m); err != nil {
		return nil, err
	}
	if d.Files, err = b.store(ctx, s.store); err != nil {
		return nil, fmt.Errorf("fazt: deploy %s: %w", name, err)
	}
	done, err := s.store.Publish(ctx, d, s.opt.Deploy.KeepVersions)
	if err != nil {
		return nil, fmt.Errorf("fazt: deploy %s: %w", name, err)
	}
	// The deploy is made; a reader that went away must not stop it being served.
	if err := s.reload(context.WithoutCancel(ctx)); err != nil {
		return nil, fmt.Errorf("fazt: %s version %d is stored, but not served yet: %w", name, done.Version, err)
	}
	return &Deployment{
		App: name, AppID: done.AppID, Version: done.Version, Files: done.Files, Size: done.Size,
		Engine: d.Engine, EngineReason: reason,
	}, nil
}

func invalid(err error) error { return fmt.Errorf("%w: %w", ErrInvalidApp, err) }

// bundle is an app's files before they are stored.
type bundle struct {
	files []bundleFile
	index map[string]int  // of files, by path
	dirs  map[string]bool // that the files are in
}

func newBundle() *bundle { return &bundle{index: make(map[string]int), dirs: make(map[string]bool)} }

// validFileName reports whether a name is a relative path that means the same
// everywhere: no dots that lead elsewhere, no backslash, nothing unprintable.
func validFileName(name string) bool {
	return fs.ValidPath(name) && name != "." && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool {
		return r == '\\' || !unicode.IsPrint(r)
	})
}

type bundleFile struct {
	path string
	size int64
	open func() (io.ReadCloser, error)
}

// add takes one file if its name and the sizes so far allow it.
func (b *bundle) add(f bundleFile, total int64, limits DeployLimits) error {
	switch {
	case !validFileName(f.path):
		return invalid(fmt.Errorf("file name %q: use a relative path with forward slashes, without .. in it", f.path))
	case strings.HasPrefix("/"+f.path, ownPrefix):
		return invalid(fmt.Errorf("file name %q: %s belongs to the server; use another directory", f.path, ownPrefix))
	case len(f.path) > 1024:
		return invalid(fmt.Errorf("file name %q (shortened) has %d bytes; the limit is 1024", f.path[:64], len(f.path)))
	case f.size > limits.FileBytes:
		return invalid(fmt.Errorf("%s: has %d bytes; the limit for one file is %d", f.path, f.size, limits.FileBytes))
	case total+f.size > limits.AppBytes:
		return invalid(fmt.Errorf("%s: brings the app past %d bytes, the limit for all files together", f.path, limits.AppBytes))
	case len(b.files) >= limits.Files:
		return invalid(fmt.Errorf("%s: is more than the %d files that an app may have", f.path, limits.Files))
	}
	if _, ok := b.index[f.path]; ok {
		return invalid(fmt.Errorf("%s: is there twice", f.path))
	}
	if b.dirs[f.path] {
		return invalid(fmt.Errorf("%s: is a file and a directory", f.path))
	}
	for dir := path.Dir(f.path); dir != "."; dir = path.Dir(dir) {
		if _, ok := b.index[dir]; ok {
			return invalid(fmt.Errorf("%s: is a file and a directory", dir))
		}
		b.dirs[dir] = true
	}
	b.index[f.path] = len(b.files)
	b.files = append(b.files, f)
	return nil
}

func (s *Server) readFS(fsys fs.FS) (*bundle, error) {
	b := newBundle()
	var total int64
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return invalid(fmt.Errorf("%s: is a link or a device; deploy regular files only", p))
		}
		f := bundleFile{path: p, size: info.Size(), open: func() (io.ReadCloser, error) { return fsys.Open(p) }}
		if err := b.add(f, total, s.opt.Deploy); err != nil {
			return err
		}
		total += f.size
		return nil
	})
	if err != nil && !errors.Is(err, ErrInvalidApp) {
		err = fmt.Errorf("fazt: read the app: %w", err)
	}
	if err != nil {
		return nil, err
	}
	return b, b.check()
}

func (s *Server) readZIP(r io.ReaderAt, size int64) (*bundle, error) {
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // add names the insecure path
		return nil, invalid(err)
	}
	b := newBundle()
	var total int64
	if limit := 2 * s.opt.Deploy.Files; len(z.File) > limit { // directories are entries too
		return nil, invalid(fmt.Errorf("the ZIP has %d entries; the limit is %d", len(z.File), limit))
	}
	for _, entry := range z.File {
		name := entry.Name
		if entry.Mode().IsDir() {
			name = strings.TrimSuffix(name, "/")
			if !validFileName(name) {
				return nil, invalid(fmt.Errorf("directory name %q: use a relative path, without .. in it", entry.Name))
			}
			continue
		}
		if !entry.Mode().IsRegular() {
			return nil, invalid(fmt.Errorf("%s: is a link or a device; deploy regular files only", name))
		}
		if entry.UncompressedSize64 > 1<<62 {
			return nil, invalid(fmt.Errorf("%s: claims an impossible size", name))
		}
		// archive/zip stops with an error at the size that the entry claims, so
		// a lying entry expands no further than the limits checked here.
		f := bundleFile{path: name, size: int64(entry.UncompressedSize64), open: entry.Open}
		if err := b.add(f, total, s.opt.Deploy); err != nil {
			return nil, err
		}
		total += f.size
	}
	return b, b.check()
}

// check refuses a directory that is no app, most likely the wrong one.
func (b *bundle) check() error {
	for _, name := range []string{"index.html", "manifest.json", mainPath} {
		if _, ok := b.index[name]; ok {
			return nil
		}
	}
	return invalid(fmt.Errorf("there is no index.html, no manifest.json and no %s at its top; is it the right directory?", mainPath))
}

func (b *bundle) read(i int) ([]byte, error) {
	f := b.files[i]
	r, err := f.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, f.size+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	if int64(len(data)) != f.size {
		return nil, fmt.Errorf("%s: changed while it was read; deploy again", f.path)
	}
	return data, nil
}

func (b *bundle) manifest() (manifest, error) {
	i, ok := b.index["manifest.json"]
	if !ok {
		return manifest{}, nil
	}
	text, err := b.read(i)
	if err != nil {
		return manifest{}, err
	}
	return parseManifest(text)
}

// source returns the handler's files; ok is false for an app without one.
func (b *bundle) source(engine string, limit int64) (source runtime.Source, ok bool, err error) {
	if _, ok := b.index[mainPath]; !ok {
		return source, false, nil
	}
	source = runtime.Source{Files: make(map[string]string), Main: mainPath, Engine: engine}
	var size int64
	for i, f := range b.files {
		if !isSource(f.path) {
			continue
		}
		if size += f.size; size > limit {
			return source, false, fmt.Errorf("%s: brings the handler's source, all .js and .json files under api/, past %d bytes; keep data in storage, or under private/", f.path, limit)
		}
		text, err := b.read(i)
		if err != nil {
			return source, false, err
		}
		source.Files[f.path] = string(text)
	}
	return source, true, nil
}
