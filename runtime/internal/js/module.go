package js

import (
	"fmt"
	"path"
	"strings"

	"github.com/fazt-sh/fazt/runtime"
)

// nodeModules are Node's own modules, with what there is instead.
var nodeModules = map[string]string{
	"fs": "fazt.private and fazt.storage", "path": "plain string functions", "http": "request and respond",
	"https": "request and respond", "crypto": "the global crypto", "url": "the globals URL and URLSearchParams",
	"querystring": "the global URLSearchParams", "util": "console.log", "buffer": "TextEncoder, atob and btoa",
	"os": "fazt.env", "process": "fazt.env", "child_process": "", "net": "", "stream": "", "events": "",
	"assert": "", "timers": "", "zlib": "", "worker_threads": "", "cluster": "", "dns": "", "tls": "", "vm": "",
	"readline": "", "string_decoder": "TextDecoder",
}

// maxModulePath bounds the names for which require looks, and which it quotes.
const maxModulePath = 1024

// Resolve finds the file of a unit that require(name) means in the file from. It stays
// inside the folder of the main file, and guesses ".js", ".json" and
// "/index.js" as Node does. The error is a [*HostError].
func Resolve(u runtime.Unit, from, name string) (string, error) {
	if len(name) > maxModulePath {
		return "", missing("require: the path is longer than %d characters", maxModulePath)
	}
	if !strings.HasPrefix(name, "./") && !strings.HasPrefix(name, "../") && name != "." && name != ".." {
		return "", bareName(name)
	}
	root := path.Dir(u.Main)
	target := path.Join(path.Dir(from), name)
	if root != "." && target != root && !strings.HasPrefix(target, root+"/") || target == ".." || strings.HasPrefix(target, "../") {
		return "", missing("require(%q) leads out of %s/, where a handler's files have to be", name, root)
	}
	for _, guess := range []string{"", ".js", ".json", "/index.js", "/index.json"} {
		file := target + guess
		if strings.HasSuffix(name, "/") && guess != "/index.js" && guess != "/index.json" {
			continue
		}
		if _, ok := u.Files[file]; ok {
			return file, nil
		}
	}
	return "", missing("require(%q): there is no %s, nor with .js, .json or /index.js behind it", name, target)
}

func bareName(name string) error {
	base, _, _ := strings.Cut(strings.TrimPrefix(name, "node:"), "/")
	instead, node := nodeModules[base]
	switch {
	case node && instead != "":
		return missing("require(%q): Node's modules don't exist here; use %s", name, instead)
	case node || strings.HasPrefix(name, "node:"):
		return missing("require(%q): Node's modules don't exist here", name)
	case name == "" || strings.HasPrefix(name, "/"):
		return missing("require(%q): begin the path with ./ or ../", name)
	}
	return missing("require(%q): the package isn't in this program; add it to package.json and deploy again, or begin the path of your own file with ./", name)
}

func missing(format string, args ...any) error {
	return &runtime.HostError{Code: "MODULE_NOT_FOUND", Message: fmt.Sprintf(format, args...)}
}
