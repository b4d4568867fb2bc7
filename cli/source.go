package cli

import (
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
	"github.com/fazt-sh/fazt/internal/site"
)

// source is what of a directory is deployed, as it was when it was read: all
// but dot-files, node_modules, logs, editors' leftovers and what .gitignore
// files in the directory exclude. It is an [fs.FS].
//
// Whoever can write into the directory must not have other files deployed: names are
// looked up below the open directory, and what is opened is the very file that was
// listed, or nothing.
type source struct {
	dir   string
	roots []*os.Root           // the directory; that of an app's sources beside what was built
	dirs  map[string]directory // "." at the top
	files map[string]listed

	called string   // its name, where the directory's means nothing
	from   string   // the repository that it came from, whose settings are a stranger's
	left   []string // out, sorted; directories with a slash at the end
	// privateIgnored says that something in private/ is git-ignored, which it
	// is left out for unless asked for.
	privateIgnored bool
}

// directory is what was listed of one.
type directory struct {
	fs.FileInfo
	entries []fs.DirEntry
}

// listed is a file as it was when its directory was read.
type listed struct {
	fs.FileInfo
	root *os.Root
}

// checkApp says early and cheaply when dir holds no app: it may be a whole disk.
func checkApp(dir string) error {
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no directory %s; give the path of an app's directory", dir)
	case err != nil:
		return fmt.Errorf("cannot read the app: %w", err)
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory; give the path of an app's directory", dir)
	}
	real := realPath(dir)
	home, err := os.UserHomeDir()
	if filepath.Dir(real) == real || err == nil && real == realPath(home) {
		return fmt.Errorf("%s is not an app's directory but all that you have; give the path of one", dir)
	}
	return nil
}

// checkOutside refuses a data file, and a key file if one is named, that would be
// deployed with the app.
func checkOutside(data location, keyFile, dir string) error {
	for _, f := range []struct{ what, path string }{{"data", string(data)}, {"key", keyFile}} {
		if f.path == "" || f.what == "data" && data.isDatabase() {
			continue
		}
		relative, err := filepath.Rel(realPath(dir), filepath.Join(realPath(filepath.Dir(f.path)), filepath.Base(f.path)))
		if err != nil || !filepath.IsLocal(relative) || slices.ContainsFunc(strings.Split(filepath.ToSlash(relative), "/"), leftOut) {
			continue
		}
		return fmt.Errorf("the %s file %s is inside the app's directory and would be deployed with it; put it elsewhere", f.what, f.path)
	}
	return nil
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
// git-ignored. Close the source.
func readSource(dir string, private bool) (*source, error) {
	s := &source{dir: dir, dirs: make(map[string]directory), files: make(map[string]listed)}
	root, err := os.OpenRoot(dir)
	if err == nil {
		s.roots = []*os.Root{root}
		err = s.read(reading{root: root, in: root, private: private}, ".", nil)
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("cannot read the app: %w", err)
	}
	return s, nil
}

// close lets the directories go.
func (s *source) close() {
	for _, root := range s.roots {
		root.Close() // was only read from
	}
}

// reading is how a directory is read.
type reading struct {
	root    *os.Root
	in      *os.Root // the directory above
	private bool
	rules   []scoped // of the directories above
}

// scoped are the rules of the .gitignore file in one directory.
type scoped struct {
	dir   string
	rules gitignore.Rules
}

// read lists a directory, if it is the one that was listed, and those below it.
func (s *source) read(r reading, dir string, was fs.FileInfo) error {
	here, err := r.in.OpenRoot(path.Base(dir))
	if err != nil {
		return err
	}
	defer here.Close()
	info, err := here.Stat(".")
	if err == nil && was != nil && !os.SameFile(info, was) {
		err = replaced(dir)
	}
	if err != nil {
		return err
	}
	entries, err := fs.ReadDir(here.FS(), ".")
	if err != nil {
		return err
	}
	r.in = here
	text, err := readFile(here, ".gitignore")
	switch {
	case err == nil:
		// Clipped, so that neighbouring directories do not share what is appended.
		r.rules = append(slices.Clip(r.rules), scoped{dir, gitignore.Parse(string(text))})
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	kept := directory{FileInfo: info}
	if was != nil { // by its own name
		kept.FileInfo = was
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if leftOut(e.Name()) {
			s.leave(name, e)
			continue
		}
		if ignored(r.rules, name, e.IsDir()) {
			inPrivate := name == "private" || strings.HasPrefix(name, "private/")
			s.privateIgnored = s.privateIgnored || inPrivate
			if !inPrivate || !r.private {
				s.leave(name, e)
				continue
			}
		}
		info, err := here.Lstat(e.Name())
		if err == nil {
			err = s.add(r, name, info)
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone since it was listed, as an editor's temporary file is
		}
		if err != nil {
			return err
		}
		kept.entries = append(kept.entries, fs.FileInfoToDirEntry(info))
	}
	s.dirs[dir] = kept
	return nil
}

// leave notes what is left out, but for what is git's own.
func (s *source) leave(name string, e fs.DirEntry) {
	if e.Name() == ".git" || e.Name() == ".gitignore" {
		return
	}
	if e.IsDir() {
		name += "/"
	}
	s.left = append(s.left, name)
}

func (s *source) add(r reading, name string, info fs.FileInfo) error {
	if info.IsDir() {
		return s.read(r, name, info)
	}
	s.files[name] = listed{info, r.root}
	return nil
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
	if len(s.files) != len(t.files) {
		return false
	}
	for name, a := range s.files {
		b, ok := t.files[name]
		if !ok || a.Size() != b.Size() || !a.ModTime().Equal(b.ModTime()) || a.Mode() != b.Mode() || !os.SameFile(a.FileInfo, b.FileInfo) {
			return false
		}
	}
	return true
}

// Open opens a file or directory of s by its slash-separated name.
func (s *source) Open(name string) (fs.File, error) {
	if d, ok := s.dirs[name]; ok {
		return &openDirectory{directory: d, name: name, rest: d.entries}, nil
	}
	l, ok := s.files[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return openListed(l.root, name, l.FileInfo)
}

// openListed opens a file that was listed by a name. Another that has taken its
// place, one that a symbolic link leads to among them, is not there.
func openListed(root *os.Root, name string, was fs.FileInfo) (*os.File, error) {
	f, err := open(root, name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !os.SameFile(info, was) {
		err = replaced(name)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// replaced is the error of a name that stands for another file than it did.
func replaced(name string) error {
	return fmt.Errorf("%s was replaced while the app was read; deploy again: %w", name, fs.ErrNotExist)
}

// open opens a regular file or a directory. It refuses what else has a name: to
// open a named pipe is to wait for whoever writes into it, and a device may have
// no end.
func open(root *os.Root, name string) (*os.File, error) {
	// Without waiting, and looked at once it is open: the name may have changed
	// hands since it was listed.
	f, err := root.OpenFile(filepath.FromSlash(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		err = fmt.Errorf("%s is not a regular file; remove it", filepath.Join(root.Name(), filepath.FromSlash(name)))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func readFile(root *os.Root, name string) ([]byte, error) {
	f, err := open(root, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// ReadDir lists a directory of s.
func (s *source) ReadDir(name string) ([]fs.DirEntry, error) {
	d, ok := s.dirs[name]
	if !ok {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	return slices.Clone(d.entries), nil
}

// openDirectory is a directory that lists only what is deployed.
type openDirectory struct {
	directory
	name string
	rest []fs.DirEntry
}

func (d *openDirectory) Stat() (fs.FileInfo, error) { return d.FileInfo, nil }

func (d *openDirectory) Close() error { return nil }

func (d *openDirectory) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: errors.New("is a directory")}
}

// ReadDir follows [fs.ReadDirFile].
func (d *openDirectory) ReadDir(n int) ([]fs.DirEntry, error) {
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
	for _, name := range []string{site.ConfigPath, site.ManifestPath} {
		text, err := fs.ReadFile(s, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if manifest, _, broken := site.ParseManifest(name, text); err == nil && broken == nil && manifest.Name != "" {
			return manifest.Name, nil
		}
		break
	}
	called := s.called
	if called == "" {
		dir, err := filepath.Abs(s.dir)
		if err != nil {
			return "", err
		}
		called = filepath.Base(dir)
	}
	name := labelOf(called)
	if name == "" {
		return "", fmt.Errorf("the directory's name %q has nothing that can be in an app's name; give one with --name", called)
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
