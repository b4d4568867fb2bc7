package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/bundle"
)

// bundleApp makes the handler of an app into what a server runs, and returns the app
// with it, and nil if there was nothing to be made. With install, the packages that
// package.json has are installed if none are. An error of the app's own wraps
// fazt.ErrInvalidApp.
func bundleApp(c *cli.Context, s *source, install bool) (fs.FS, *bundle.Result, error) {
	made, err := s.bundle(c)
	if _, lacking := errors.AsType[*bundle.MissingPackage](err); lacking && install {
		done, failed := s.installPackages(c)
		if failed != nil {
			return nil, nil, failed
		}
		if done {
			made, err = s.bundle(c)
		}
	}
	if _, ok := errors.AsType[*runtime.Error](err); ok {
		err = fmt.Errorf("%w: %w", fazt.ErrInvalidApp, err)
	}
	if made == nil || err != nil {
		return s, nil, err
	}
	return &overlay{base: s, files: made.Files, made: time.Now()}, made, nil
}

// tellBundle says what was bundled.
func tellBundle(c *cli.Context, made *bundle.Result) {
	if made == nil {
		return
	}
	what := fmt.Sprintf("bundled %s: %s, %s", made.Main, counted(len(made.Inputs), "file"), size(int64(made.Size())))
	if len(made.Packages) > 0 {
		what += ", with " + strings.Join(made.Packages, ", ")
	}
	note(c.App.ErrWriter, "%s", what)
	tellWarnings(c, made.Warnings)
}

func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// bundle bundles what is deployed, with the packages beside it.
func (s *source) bundle(c *cli.Context) (*bundle.Result, error) {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the app: %w", err)
	}
	defer root.Close()
	return bundle.Bundle(c.Context, &withPackages{source: s, rest: root.FS().(restFS)})
}

// installPackages installs what package.json has, without running any program of the
// packages' own, and reports whether there was anything to do.
func (s *source) installPackages(c *cli.Context) (done bool, err error) {
	if isThere(s.dir, "node_modules") || !isThere(s.dir, "package.json") {
		return false, nil // what lacks was left out by whoever installed the rest
	}
	b := &build{dir: s.dir, title: cmp.Or(s.called, filepath.Clean(s.dir)), manager: managerOf(s.dir)}
	if s.from != "" {
		// Of their settings, some name a program that they run.
		if err := confirm(c, "install the packages of "+s.from+" by "+b.manager.name+", whose settings in there may do all that you may"); err != nil {
			return false, err
		}
	}
	if _, err := exec.LookPath(b.manager.name); err != nil {
		return false, fmt.Errorf("the packages of %s are installed by %s, which is not here; install it, or put the packages into node_modules by another", b.title, b.manager.name)
	}
	return true, b.do(c, append(slices.Clone(b.manager.install), "--ignore-scripts")...)
}

// restFS is the directory of an app, as it is.
type restFS interface {
	fs.StatFS
	fs.ReadDirFS
	fs.ReadLinkFS
}

// withPackages is what is deployed and, for what is imported from elsewhere in the app's
// directory, such as node_modules, that.
type withPackages struct {
	*source
	rest restFS
}

func (w *withPackages) Open(name string) (fs.File, error) {
	if _, ok := w.files[name]; ok {
		return w.source.Open(name)
	}
	return w.rest.Open(name)
}

func (w *withPackages) Stat(name string) (fs.FileInfo, error) {
	if f, ok := w.files[name]; ok {
		return f.FileInfo, nil
	}
	return w.rest.Stat(name)
}

func (w *withPackages) ReadDir(name string) ([]fs.DirEntry, error) {
	if _, ok := w.dirs[name]; ok {
		return w.source.ReadDir(name)
	}
	return w.rest.ReadDir(name)
}

func (w *withPackages) ReadLink(name string) (string, error) { return w.rest.ReadLink(name) }

func (w *withPackages) Lstat(name string) (fs.FileInfo, error) { return w.rest.Lstat(name) }

// overlay is a file system with more files, which take the place of those of their names.
type overlay struct {
	base  fs.FS
	files map[string][]byte
	made  time.Time
}

func (o *overlay) Open(name string) (fs.File, error) {
	if text, ok := o.files[name]; ok {
		return &madeFile{Reader: bytes.NewReader(text), madeInfo: o.info(name)}, nil
	}
	f, err := o.base.Open(name)
	if errors.Is(err, fs.ErrNotExist) && o.isDir(name) {
		return &madeFile{Reader: bytes.NewReader(nil), madeInfo: o.info(name)}, nil
	}
	return f, err
}

// isDir tells whether there is a file below.
func (o *overlay) isDir(name string) bool {
	for file := range o.files {
		if strings.HasPrefix(file, name+"/") {
			return true
		}
	}
	return false
}

// ReadDir lists a directory of both.
func (o *overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := fs.ReadDir(o.base, name)
	if err != nil && !(errors.Is(err, fs.ErrNotExist) && o.isDir(name)) {
		return nil, err
	}
	more := make(map[string]bool)
	for file := range o.files {
		if rest, ok := strings.CutPrefix(file, name+"/"); ok || name == "." {
			if !ok {
				rest = file
			}
			first, _, _ := strings.Cut(rest, "/")
			more[first] = true
		}
	}
	for first := range more {
		at := path.Join(name, first)
		i := slices.IndexFunc(list, func(e fs.DirEntry) bool { return e.Name() == first })
		switch {
		case i < 0:
			list = append(list, fs.FileInfoToDirEntry(o.info(at)))
		case !list[i].IsDir() || o.files[at] != nil:
			list[i] = fs.FileInfoToDirEntry(o.info(at))
		}
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}

func (o *overlay) info(name string) madeInfo {
	text, file := o.files[name]
	return madeInfo{name: path.Base(name), size: int64(len(text)), dir: !file, made: o.made}
}

// madeFile is one that lies in memory.
type madeFile struct {
	io.Reader
	madeInfo
}

func (f *madeFile) Stat() (fs.FileInfo, error) { return f.madeInfo, nil }
func (f *madeFile) Close() error               { return nil }

// madeInfo describes one.
type madeInfo struct {
	name string
	size int64
	dir  bool
	made time.Time
}

func (i madeInfo) Name() string       { return i.name }
func (i madeInfo) Size() int64        { return i.size }
func (i madeInfo) IsDir() bool        { return i.dir }
func (i madeInfo) ModTime() time.Time { return i.made }
func (i madeInfo) Sys() any           { return nil }
func (i madeInfo) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}
