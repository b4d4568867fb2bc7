package site

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fazt-sh/fazt/runtime"
)

// MainPath is the handler's place in an app.
const MainPath = "api/main.js"

// ConfigPath is the place of what configures an app, and ManifestPath where it is looked
// for otherwise: a web app manifest has that name, too.
const (
	ConfigPath   = "fazt.json"
	ManifestPath = "manifest.json"
)

// OwnPrefix begins the paths that the server itself answers on an app's host. No
// app can have files there: reading one that does fails.
const OwnPrefix = "/_fazt/"

// checkFileName says what is wrong with a file's name, and where: it must be a
// relative path that means the same everywhere, and that can be shown. Any other
// character is somebody's language, or a picture.
func checkFileName(name string) error {
	shown := fmt.Sprintf("file name %q", shorten(name))
	if !utf8.ValidString(name) {
		return fmt.Errorf("%s: is not in UTF-8; rename it, or pack it by a program that writes UTF-8", shown)
	}
	for i, r := range name {
		what := ""
		switch {
		case r == '\\':
			what = "a backslash"
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			what = "a control character"
		case r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069':
			what = "a character that turns the direction of writing"
		default:
			continue
		}
		return fmt.Errorf("%s: has %s, %U, as its byte %d; rename it", shown, what, r, i+1)
	}
	if !fs.ValidPath(name) || name == "." {
		return fmt.Errorf("%s: use a relative path with forward slashes, without .. in it", shown)
	}
	if n := len(name); n > maxNameBytes {
		return fmt.Errorf("%s has %d bytes; the limit is %d", shown, n, maxNameBytes)
	}
	if strings.HasPrefix("/"+name, OwnPrefix) {
		return fmt.Errorf("%s: %s belongs to the server; use another directory", shown, OwnPrefix)
	}
	return nil
}

// IsSource reports whether a file, by its path in the app, can be reached by a
// handler's require, and so counts as its source.
func IsSource(name string) bool {
	return strings.HasPrefix(name, "api/") && (path.Ext(name) == ".js" || path.Ext(name) == ".json")
}

// mapEnding is that of source maps of a handler's source.
const mapEnding = ".js.map"

// MapOf is the path of what a file under api/ is the source map of. ok is false for any
// other file.
func MapOf(name string) (source string, ok bool) {
	if !strings.HasPrefix(name, "api/") || !strings.HasSuffix(name, mapEnding) {
		return "", false
	}
	return strings.TrimSuffix(name, ".map"), true
}

// MaxMapBytes is how long the source maps of an app may be together that are looked at.
// Without one, errors have the places in what was made of the author's source.
const MaxMapBytes = 8 << 20

// InProgram reports whether a source file is part of the program that a main file begins:
// what package bundle has made is all in there, beside the files that it was made of.
func InProgram(main, name string) bool { return name == MainPath || !runtime.IsBundled(main) }

// unbundled are what a main file may be called that package bundle makes a handler of.
var unbundled = []string{"api/main.ts", "api/main.tsx", "api/main.mts", "api/main.jsx", "api/main.mjs"}

// CleanPath resolves . and .. and doubled slashes, and keeps a slash at the
// end. It reports whether the path can name anything: a backslash or a NUL is
// never part of a file's name here.
func CleanPath(p string) (string, bool) {
	if strings.ContainsAny(p, "\\\x00") {
		return "", false
	}
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	clean := path.Clean(p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return clean, true
}

// IsPrivate reports whether a cleaned path is of what only signed-in users may
// read.
func IsPrivate(p string) bool { return p == "/private" || strings.HasPrefix(p, "/private/") }

// IsServable reports whether a cleaned path may name a file that is served: the
// handler's source, fazt.json and what starts with a dot may not, but for
// .well-known (RFC 8615). Whether manifest.json may depends on what it is, see
// [Manifest.IsServable].
func IsServable(p string) bool {
	return p != "/api" && !strings.HasPrefix(p, "/api/") && p != "/"+ConfigPath && !hasDotSegment(p)
}

// IsPackaging reports whether a cleaned path is that of a file by which packages are
// installed. An app with a handler has them to be bundled again, and tells nobody which
// packages in which versions it is made of.
func IsPackaging(p string) bool {
	switch p {
	case "/package.json", "/package-lock.json", "/npm-shrinkwrap.json", "/yarn.lock", "/pnpm-lock.yaml", "/bun.lock", "/bun.lockb":
		return true
	}
	return false
}

func hasDotSegment(p string) bool {
	for {
		i := strings.Index(p, "/.")
		if i < 0 {
			return false
		}
		p = p[i+1:]
		segment, _, _ := strings.Cut(p, "/")
		if segment != ".well-known" {
			return true
		}
	}
}
