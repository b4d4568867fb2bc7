package bundle

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/fazt-sh/fazt/runtime"
)

// resolver finds what an import means, as Node and other bundlers do, in a file system.
type resolver struct {
	fsys      fs.FS
	manifests map[string]*manifest // by folder; nil for none
	real      map[string]string    // of folders that may be links
}

// Conditions of exports: those of places that have the web's APIs but no pages, then
// those of browsers. Node's own are not among them.
var (
	importConditions  = []string{"fazt", "worker", "browser", "module", "import"}
	requireConditions = []string{"fazt", "worker", "browser", "module", "require"}
)

// Endings that are tried behind a path, and what a path may have in their place: where
// TypeScript says ./x.js, it means ./x.ts.
var (
	endings   = []string{"", ".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs", ".cjs", ".json"}
	packaged  = []string{"", ".js", ".mjs", ".cjs", ".json"}
	rewritten = map[string][]string{".js": {".ts", ".tsx"}, ".jsx": {".tsx"}, ".mjs": {".mts"}, ".cjs": {".cts"}}
)

// emptyModule is the path of a module that stands for one that browsers do without.
const emptyModule = "(empty)"

// found is where an import leads.
type found struct {
	path string // in the file system, or emptyModule, or that of a module of ours
	pure bool   // it can be left out when nothing of it is used
}

// unresolved says why an import leads nowhere, and what to do.
type unresolved struct{ reason string }

func (u *unresolved) Error() string { return u.reason }

func nowhere(format string, args ...any) error { return &unresolved{fmt.Sprintf(format, args...)} }

// resolve finds what name means in a file.
func (r *resolver) resolve(from, name string, require bool) (found, error) {
	if name == "" || len(name) > 1024 || !utf8.ValidString(name) || strings.ContainsAny(name, "\\\x00") {
		return found{}, nowhere("%.80q is no path that can be looked for", name)
	}
	// What a package has instead for browsers.
	owner, err := r.owner(path.Dir(from))
	if err != nil {
		return found{}, err
	}
	if to, ok := owner.instead(from, name); ok {
		if to == "" {
			return found{path: emptyModule}, nil
		}
		name = to
		if isRelative(name) {
			from = path.Join(owner.dir, "package.json")
		}
	}
	switch {
	case isRelative(name):
		return r.relative(from, name)
	case strings.HasPrefix(name, "#"):
		return r.internal(from, name, owner, require)
	case strings.HasPrefix(name, "/"), strings.Contains(name, "://"), strings.HasPrefix(name, "data:"):
		return found{}, nowhere("%.80q can't be imported; begin the path of a file of the app with ./ or ../, and install packages from npm", name)
	}
	return r.bare(from, name, require)
}

func isRelative(name string) bool {
	return name == "." || name == ".." || strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../")
}

// instead is what the browser field of the package has for a name in one of its files.
func (m *manifest) instead(from, name string) (to string, ok bool) {
	if m == nil || len(m.browser) == 0 {
		return "", false
	}
	key := name
	if isRelative(name) {
		key = "./" + strings.TrimPrefix(path.Join(path.Dir(from), name), m.dir+"/")
	}
	for _, k := range []string{key, key + ".js", key + ".json", key + "/index.js"} {
		if to, ok = m.browser[k]; ok {
			return to, to != name
		}
	}
	return "", false
}

func (r *resolver) relative(from, name string) (found, error) {
	target := path.Join(path.Dir(from), name)
	if target == ".." || strings.HasPrefix(target, "../") {
		return found{}, nowhere("%q leads out of the app's folder; copy what it needs into api/", name)
	}
	if f, ok, err := r.fileOrFolder(target, strings.HasSuffix(name, "/"), isPackaged(from)); ok || err != nil {
		return f, err
	}
	if isPackaged(from) {
		return found{}, nowhere("there is no %s, which the package %s has to have; install it anew", target, packageOf(from))
	}
	return found{}, nowhere("there is no %s, nor with .ts, .js, .json or /index.js behind it", target)
}

func isPackaged(name string) bool { return strings.Contains("/"+name, "/node_modules/") }

// packageOf is the name of the package that a file is in.
func packageOf(file string) string {
	_, rest, _ := cutLast("/"+file, "/node_modules/")
	return packageName(rest)
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// packageName is the part of what is imported that names the package.
func packageName(name string) string {
	first, rest, _ := strings.Cut(name, "/")
	if strings.HasPrefix(name, "@") {
		second, _, _ := strings.Cut(rest, "/")
		return first + "/" + second
	}
	return first
}

// fileOrFolder finds a file, or the one that a folder stands for.
func (r *resolver) fileOrFolder(target string, folder, inPackage bool) (found, bool, error) {
	if !folder {
		if f, ok, err := r.file(target, inPackage); ok || err != nil {
			return f, ok, err
		}
	}
	m, err := r.manifest(target)
	if err != nil {
		return found{}, false, err
	}
	if m != nil {
		for _, main := range m.main {
			if f, ok, err := r.mainFile(m, main); ok || err != nil {
				return f, ok, err
			}
		}
	}
	return r.file(path.Join(target, "index"), inPackage)
}

// mainFile is what a field of a package.json names.
func (r *resolver) mainFile(m *manifest, main string) (found, bool, error) {
	target := path.Join(m.dir, main)
	if !within(target, m.dir) {
		return found{}, false, nil
	}
	if to, ok := m.instead(path.Join(m.dir, "package.json"), "./"+strings.TrimPrefix(main, "./")); ok && to != "" {
		target = path.Join(m.dir, to)
	}
	if f, ok, err := r.file(target, true); ok || err != nil {
		return f, ok, err
	}
	return r.file(path.Join(target, "index"), true)
}

func within(target, dir string) bool {
	return dir == "." && target != ".." && !strings.HasPrefix(target, "../") || target == dir || strings.HasPrefix(target, dir+"/")
}

// file finds a file by a path that may lack its ending.
func (r *resolver) file(target string, inPackage bool) (found, bool, error) {
	tried := endings
	if inPackage {
		tried = packaged
	}
	for _, ending := range tried {
		if f, ok, err := r.exactly(target + ending); ok || err != nil {
			return f, ok, err
		}
	}
	ending := path.Ext(target)
	for _, other := range rewritten[ending] {
		if f, ok, err := r.exactly(strings.TrimSuffix(target, ending) + other); ok || err != nil {
			return f, ok, err
		}
	}
	return found{}, false, nil
}

func (r *resolver) exactly(name string) (found, bool, error) {
	if !fs.ValidPath(name) {
		return found{}, false, nil
	}
	info, err := fs.Stat(r.fsys, name)
	if missing(err) || err == nil && !info.Mode().IsRegular() {
		return found{}, false, nil
	}
	if err != nil {
		return found{}, false, err
	}
	owner, err := r.owner(path.Dir(name))
	return found{path: name, pure: isPackaged(name) && owner != nil && owner.pure(name)}, true, err
}

// missing also takes a file in the middle of a path for one that isn't there.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) || isNotDirectory(err)
}

// internal finds what a package calls by a name that begins with #.
func (r *resolver) internal(from, name string, owner *manifest, require bool) (found, error) {
	if owner == nil || owner.imports == nil {
		return found{}, nowhere("%q isn't in the imports of the package.json above this file", name)
	}
	target, ok := owner.imports.find(name, conditions(require))
	switch {
	case !ok:
		return found{}, nowhere("%q isn't in the imports of %s", name, path.Join(owner.dir, "package.json"))
	case !strings.HasPrefix(target, "./"):
		return r.bare(from, target, require)
	}
	return r.inPackage(owner, name, target)
}

func conditions(require bool) []string {
	if require {
		return requireConditions
	}
	return importConditions
}

// inPackage is the file that exports or imports name.
func (r *resolver) inPackage(m *manifest, name, target string) (found, error) {
	file := path.Join(m.dir, target)
	if strings.HasPrefix(target, "./") && within(file, m.dir) {
		f, ok, err := r.exactly(file)
		if ok || err != nil {
			return f, err
		}
		if !isPackaged(file) {
			if f, ok, err = r.file(file, false); ok || err != nil {
				return f, err
			}
		}
	}
	return found{}, nowhere("%q should be %s, which isn't there; install the package anew", name, file)
}

// bare finds a package, in the node_modules of the file's folder and those above.
func (r *resolver) bare(from, name string, require bool) (found, error) {
	plain := strings.TrimPrefix(name, "node:")
	if plain == name {
		pkg := packageName(name)
		for dir := path.Dir(from); ; dir = path.Dir(dir) {
			if path.Base(dir) != "node_modules" {
				f, ok, err := r.inFolder(path.Join(dir, "node_modules", pkg), name, require)
				if ok || err != nil {
					return f, err
				}
			}
			if dir == "." {
				break
			}
		}
	}
	instead, node := runtime.NodeModule(name)
	switch {
	case plain == "crypto" && !(require && isPackaged(from)):
		return found{path: cryptoModule, pure: true}, nil
	case node && instead != "":
		return found{}, nowhere("%q is Node's own and not there; use %s", name, instead)
	case node:
		return found{}, nowhere("%q is Node's own and not there", name)
	}
	pkg := packageName(name)
	m, err := r.owner(path.Dir(from))
	return found{}, cmp.Or[error](err, &MissingPackage{Name: pkg, Listed: m != nil && m.needs[pkg]})
}

// MissingPackage is what an error of [Bundle] wraps when a package isn't in node_modules.
type MissingPackage struct {
	Name   string
	Listed bool // it is in package.json, so that installing what that has is enough
}

func (m *MissingPackage) Error() string {
	return fmt.Sprintf("the package %q isn't in node_modules", m.Name)
}

// inFolder finds what a name means in the package in a folder, if there is one.
func (r *resolver) inFolder(dir, name string, require bool) (found, bool, error) {
	dir, ok, err := r.realFolder(dir)
	if !ok || err != nil {
		return found{}, false, err
	}
	m, err := r.manifest(dir)
	if err != nil {
		return found{}, false, err
	}
	subpath := "." + strings.TrimPrefix(name, packageName(name))
	if m == nil || m.exports == nil {
		f, ok, err := r.fileOrFolder(path.Join(dir, subpath), strings.HasSuffix(name, "/"), true)
		if !ok && err == nil {
			err = nowhere("the package %s has no %s; look at its documentation for what it exports", packageName(name), subpath)
		}
		return f, true, err
	}
	target, ok := m.exports.find(subpath, conditions(require))
	if !ok {
		target, ok = m.exports.find(subpath, conditions(!require)) // as Node requires ES modules, too
	}
	if !ok {
		return found{}, true, nowhere("the package %s doesn't export %s; look at its documentation for what it exports", packageName(name), subpath)
	}
	if to, other := m.instead(path.Join(dir, "package.json"), target); other && to != "" && strings.HasPrefix(to, "./") {
		target = to
	}
	f, err := r.inPackage(m, name, target)
	return f, true, err
}

// maxLinks is how many links are followed to a folder.
const maxLinks = 20

// realFolder is the folder that a path leads to through a link, as pnpm lays packages
// out: what a package needs is beside where it really is.
func (r *resolver) realFolder(dir string) (string, bool, error) {
	if real, ok := r.real[dir]; ok {
		return real, real != "", nil
	}
	at := dir
	for range maxLinks {
		to, err := fs.ReadLink(r.fsys, at)
		if err != nil || path.IsAbs(to) {
			break // it is no link
		}
		if at = path.Join(path.Dir(at), to); !fs.ValidPath(at) {
			return "", false, nowhere("the package in %s is a link out of the app's folder; install it into the app", dir)
		}
	}
	info, err := fs.Stat(r.fsys, at)
	switch {
	case missing(err) || err == nil && !info.IsDir():
		at = ""
	case err != nil:
		return "", false, err
	}
	r.real[dir] = at
	return at, at != "", nil
}

// owner is the nearest package.json around a folder, or nil.
func (r *resolver) owner(dir string) (*manifest, error) {
	for ; ; dir = path.Dir(dir) {
		if path.Base(dir) == "node_modules" {
			return nil, nil
		}
		m, err := r.manifest(dir)
		if m != nil || err != nil || dir == "." {
			return m, err
		}
	}
}

// manifest is the package.json of a folder, or nil.
func (r *resolver) manifest(dir string) (*manifest, error) {
	if m, ok := r.manifests[dir]; ok {
		return m, nil
	}
	name := path.Join(dir, "package.json")
	text, err := readFile(r.fsys, name)
	var m *manifest
	switch {
	case missing(err):
	case err != nil:
		return nil, err
	default:
		if m, err = parseManifest(dir, text); err != nil {
			return nil, nowhere("%s can't be read, as it is no JSON", name)
		}
	}
	r.manifests[dir] = m
	return m, nil
}
