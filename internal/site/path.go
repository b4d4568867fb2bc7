package site

import (
	"io/fs"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MainPath is the handler's place in an app.
const MainPath = "api/main.js"

// OwnPrefix begins the paths that the server itself answers on an app's host. No
// app can have files there: reading one that does fails.
const OwnPrefix = "/_fazt/"

// validFileName reports whether a name is a relative path that means the same
// everywhere: no dots that lead elsewhere, no backslash, nothing unprintable.
func validFileName(name string) bool {
	return fs.ValidPath(name) && name != "." && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool {
		return r == '\\' || !unicode.IsPrint(r)
	})
}

// IsSource reports whether a file, by its path in the app, can be reached by a
// handler's require, and so counts as its source.
func IsSource(name string) bool {
	return strings.HasPrefix(name, "api/") && (path.Ext(name) == ".js" || path.Ext(name) == ".json")
}

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
// handler's source, the manifest and what starts with a dot may not.
func IsServable(p string) bool {
	return p != "/api" && !strings.HasPrefix(p, "/api/") && p != "/manifest.json" && !strings.Contains(p, "/.")
}

// HasContentHash reports whether a build tool put a hash of the content into
// the file's name: app.3f2a91bc.js, index-B7xYz12_.js. A wrong yes would keep a
// stale file in browsers for a year, so words and dates are not taken for one:
// it must be hex with a digit and a letter, or 8 characters with a digit and a
// capital letter.
func HasContentHash(name string) bool {
	base := path.Base(name)
	base = strings.TrimSuffix(base, path.Ext(base))
	hash := base[strings.LastIndexAny(base, ".-")+1:]
	if len(base) >= 9 && (base[len(base)-9] == '-' || base[len(base)-9] == '.') {
		hash = base[len(base)-8:] // may itself contain a hyphen
	}
	if len(hash) < 8 || len(hash) == len(base) {
		return false
	}
	var digits, hexLetters, upper, other int
	for _, c := range hash {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'f':
			hexLetters++
		case c >= 'A' && c <= 'Z':
			upper++
		default:
			other++
		}
	}
	isHex := upper == 0 && other == 0 && hexLetters > 0
	return digits > 0 && (isHex || len(hash) == 8 && upper > 0)
}
