package runtime

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// nodeModules are Node's own modules, with what there is instead.
var nodeModules = map[string]string{
	"fs": "fazt.private and fazt.storage", "path": "plain string functions", "http": "request and respond",
	"https": "request and respond", "http2": "request and respond", "crypto": "the global crypto", "url": "the globals URL and URLSearchParams",
	"querystring": "the global URLSearchParams", "util": "console.log", "buffer": "TextEncoder, atob and btoa",
	"os": "fazt.env", "process": "fazt.env", "child_process": "", "net": "", "stream": "", "events": "",
	"assert": "", "timers": "setTimeout", "zlib": "", "worker_threads": "", "cluster": "", "dns": "", "tls": "", "vm": "",
	"readline": "", "string_decoder": "TextDecoder", "async_hooks": "", "console": "the global console", "constants": "", "dgram": "",
	"diagnostics_channel": "", "domain": "", "inspector": "", "module": "", "perf_hooks": "Date.now()", "punycode": "", "repl": "", "sys": "",
	"tty": "", "v8": "", "wasi": "", "trace_events": "", "test": "", "sqlite": "fazt.storage",
}

// NodeModule tells whether a name is that of one of Node's own modules, and what there is
// instead, if anything.
func NodeModule(name string) (instead string, ok bool) {
	plain := strings.TrimPrefix(name, "node:")
	base, _, _ := strings.Cut(plain, "/")
	instead, ok = nodeModules[base]
	return instead, ok || plain != name
}

// WhyNoPackage says why require doesn't find a name that is no path, and what to do.
func WhyNoPackage(name string) string {
	switch instead, node := NodeModule(name); {
	case node && instead != "":
		return "Node's modules don't exist here; use " + instead
	case node:
		return "Node's modules don't exist here"
	}
	return "the package isn't in this program; put it into package.json and let fazt app deploy bundle it, or begin the path of your own file with ./"
}

// required is a package that a file requires for sure.
type required struct {
	name string
	at   int
}

// noteRequire looks at a word of the source: a call of require with a literal name that
// is no path, outside of a try. A file that declares require, passes it on or asks for
// its type is one that brings its own, or can do without.
func (n *nesting) noteRequire(word string) {
	if word != "require" || n.ownRequire {
		return
	}
	rest := strings.TrimLeft(n.src[n.pos:], " \t\r\n")
	if !strings.HasPrefix(rest, "(") || n.word == "function" {
		n.ownRequire = true
		return
	}
	rest = strings.TrimLeft(rest[1:], " \t\r\n")
	if n.required.name != "" || rest == "" || rest[0] != '"' && rest[0] != '\'' {
		return
	}
	name, rest, ok := strings.Cut(rest[1:min(len(rest), maxPackageName)], rest[:1])
	if !ok || name == "" || strings.ContainsAny(name, "\\\n") || name[0] == '.' || name[0] == '/' || !strings.HasPrefix(strings.TrimLeft(rest, " \t\r\n"), ")") {
		return
	}
	for _, l := range n.levels {
		if l.open == '{' && l.word == "try" {
			return
		}
	}
	n.required = required{name, n.start}
}

// maxPackageName is how long a name may be that is looked at, in bytes, with what is
// around it.
const maxPackageName = 300

// missingPackage is the error of the first file that requires a package which isn't in the
// program, or nil.
func (u Unit) missingPackage() *Error {
	if u.Bundled() {
		return nil
	}
	for _, file := range slices.Sorted(maps.Keys(u.required)) {
		r, src := u.required[file], u.Files[file]
		if _, ok := u.Files[path.Join(path.Dir(u.Main), "node_modules", r.name)+".js"]; !ok {
			return &Error{Code: CodeUnsupported, Message: fmt.Sprintf("require(%q): %s", r.name, WhyNoPackage(r.name)),
				File: file, Line: 1 + strings.Count(src[:r.at], "\n"), Column: r.at - strings.LastIndexByte(src[:r.at], '\n')}
		}
	}
	return nil
}
