package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/fazt-sh/fazt/cli/gitignore"
)

// source is what of a directory is deployed, as it was when it was read: all
// but dot-files, node_modules, logs, editors' leftovers and what .gitignore
// files in the directory exclude. It is an [fs.FS].
type source struct {
	dir      string
	children map[string][]fs.DirEntry // by directory, "." at the top
	infos    map[string]fs.FileInfo   // by file

	// privateIgnored says that something in private/ is git-ignored, which it
	// is left out for unless asked for.
	privateIgnored bool
}

// checkApp says early and cheaply when dir holds no app: it may be a whole disk.
func checkApp(dir string) error {
	for _, name := range []string{"index.html", "manifest.json", "api/main.js"} {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err == nil {
			return nil
		}
	}
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no directory %s; give the path of an app's directory", dir)
	case err != nil:
		return fmt.Errorf("cannot read the app: %w", err)
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory; give the path of an app's directory", dir)
	}
	return fmt.Errorf("there is no app in %s: no index.html, manifest.json or api/main.js; is it the right directory?", dir)
}

// checkOutside refuses a data file that would be deployed with the app.
func checkOutside(dataFile, dir string) error {
	relative, err := filepath.Rel(realPath(dir), filepath.Join(realPath(filepath.Dir(dataFile)), filepath.Base(dataFile)))
	if err != nil || !filepath.IsLocal(relative) || slices.ContainsFunc(strings.Split(filepath.ToSlash(relative), "/"), leftOut) {
		return nil
	}
	return fmt.Errorf("the data file %s is inside the app's directory and would be deployed with it; put it elsewhere", dataFile)
}

// realPath is path made absolute, through symbolic links as far as it exists.
func realPath(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return path
}

// readSource lists dir. With private set, private/ is taken even where it is
// git-ignored.
func readSource(dir string, private bool) (*source, error) {
	s := &source{dir: dir, children: make(map[string][]fs.DirEntry), infos: make(map[string]fs.FileInfo)}
	if err := s.read(".", nil, private); err != nil {
		return nil, fmt.Errorf("cannot read the app: %w", err)
	}
	return s, nil
}

// scoped are the rules of the .gitignore file in one directory.
type scoped struct {
	dir   string
	rules gitignore.Rules
}

func (s *source) read(dir string, outer []scoped, private bool) error {
	entries, err := os.ReadDir(s.path(dir))
	if err != nil {
		return err
	}
	rules := outer
	text, err := readFile(s.path(path.Join(dir, ".gitignore")))
	switch {
	case err == nil:
		// Clipped, so that neighbouring directories do not share what is appended.
		rules = append(slices.Clip(outer), scoped{dir, gitignore.Parse(string(text))})
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	kept := []fs.DirEntry{}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if leftOut(e.Name()) {
			continue
		}
		if ignored(rules, name, e.IsDir()) {
			inPrivate := name == "private" || strings.HasPrefix(name, "private/")
			s.privateIgnored = s.privateIgnored || inPrivate
			if !inPrivate || !private {
				continue
			}
		}
		err := s.add(name, e, rules, private)
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone since it was listed, as an editor's temporary file is
		}
		if err != nil {
			return err
		}
		kept = append(kept, e)
	}
	s.children[dir] = kept
	return nil
}

func (s *source) add(name string, e fs.DirEntry, rules []scoped, private bool) error {
	if e.IsDir() {
		return s.read(name, rules, private)
	}
	info, err := e.Info()
	if err == nil {
		s.infos[name] = info
	}
	return err
}

// leftOut reports whether files and directories of that name are never
// deployed.
func leftOut(name string) bool {
	switch {
	case name[0] == '.', name == "node_modules", strings.HasSuffix(name, ".log"):
		return true
	case strings.HasSuffix(name, "~"), name[0] == '#' && strings.HasSuffix(name, "#"):
		return true // written beside the file being edited
	}
	return false
}

// ignored asks the innermost rules first: theirs is the last word.
func ignored(rules []scoped, name string, dir bool) bool {
	for _, r := range slices.Backward(rules) {
		relative := name
		if r.dir != "." {
			relative = strings.TrimPrefix(name, r.dir+"/")
		}
		if excluded, ok := r.rules.Match(relative, dir); ok {
			return excluded
		}
	}
	return false
}

func (s *source) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// same reports whether nothing was added, removed or written between s and t.
func (s *source) same(t *source) bool {
	if len(s.infos) != len(t.infos) {
		return false
	}
	for name, a := range s.infos {
		b, ok := t.infos[name]
		if !ok || a.Size() != b.Size() || !a.ModTime().Equal(b.ModTime()) || a.Mode() != b.Mode() || !os.SameFile(a, b) {
			return false
		}
	}
	return true
}

// Open opens a file or directory of s by its slash-separated name.
func (s *source) Open(name string) (fs.File, error) {
	children, isDir := s.children[name]
	if _, isFile := s.infos[name]; !isDir && !isFile {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	f, err := open(s.path(name))
	if err != nil {
		return nil, err
	}
	if !isDir {
		return f, nil
	}
	return &sourceDir{File: f, rest: children}, nil
}

// open opens a regular file or a directory. It refuses what else has a name: to
// open a named pipe is to wait for whoever writes into it, and a device may have
// no end.
func open(path string) (*os.File, error) {
	// Without waiting, and looked at once it is open: the name may have changed
	// hands since it was listed.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		err = fmt.Errorf("%s is not a regular file; remove it", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func readFile(path string) ([]byte, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// ReadDir lists a directory of s.
func (s *source) ReadDir(name string) ([]fs.DirEntry, error) {
	children, ok := s.children[name]
	if !ok {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	return slices.Clone(children), nil
}

// sourceDir is an open directory that lists only what is deployed.
type sourceDir struct {
	fs.File
	rest []fs.DirEntry
}

// ReadDir follows [fs.ReadDirFile].
func (d *sourceDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(d.rest)
	} else if len(d.rest) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.rest))
	out := slices.Clone(d.rest[:n])
	d.rest = d.rest[n:]
	return out, nil
}

// appName is the name that s is deployed under unless the command line gives
// one: the manifest's, else the directory's made into a valid name. A manifest
// that cannot be read is the deploy's to report.
func (s *source) appName() (string, error) {
	var manifest struct{ Name string }
	if text, err := fs.ReadFile(s, "manifest.json"); err == nil && json.Unmarshal(text, &manifest) == nil && manifest.Name != "" {
		return manifest.Name, nil
	}
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		return "", err
	}
	name := labelOf(filepath.Base(dir))
	if name == "" {
		return "", fmt.Errorf("the directory's name %q has nothing that can be in an app's name; give one with --name", filepath.Base(dir))
	}
	return name, nil
}

// labelOf makes a host label of any text: "My App!" becomes "my-app".
func labelOf(text string) string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	label := strings.Join(words, "-")
	return strings.Trim(label[:min(len(label), 63)], "-")
}
