package js

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/fazt-sh/fazt/runtime"
)

// bundledEndings are those that package bundle makes .js files of.
var bundledEndings = []string{".ts", ".tsx", ".mts", ".cts", ".jsx", ".mjs", ".cjs", ".txt"}

// maxModulePath bounds the names for which require looks, and which it quotes.
const maxModulePath = 1024

// Resolve finds the file of a unit that require(name) means in the file from. It stays
// inside the folder of the main file, and guesses ".js", ".json" and
// "/index.js" as Node does. The error is a [*HostError].
func Resolve(u runtime.Unit, from, name string) (string, error) {
	if len(name) > maxModulePath {
		return "", missing("require: the path is longer than %d characters", maxModulePath)
	}
	root := path.Dir(u.Main)
	if !strings.HasPrefix(name, "./") && !strings.HasPrefix(name, "../") && name != "." && name != ".." {
		if bundled := path.Join(root, "node_modules", name) + ".js"; u.Files[bundled] != "" {
			return bundled, nil // see package bundle
		}
		return "", bareName(name)
	}
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
	// What was TypeScript, or of another ending, has become a .js file.
	if ending := path.Ext(target); slices.Contains(bundledEndings, ending) {
		if file := strings.TrimSuffix(target, ending) + ".js"; u.Files[file] != "" {
			return file, nil
		}
	}
	return "", missing("require(%q): there is no %s, nor with .js, .json or /index.js behind it", name, target)
}

func bareName(name string) error {
	if name == "" || strings.HasPrefix(name, "/") {
		return missing("require(%q): begin the path with ./ or ../", name)
	}
	return missing("require(%q): %s", name, runtime.WhyNoPackage(name))
}

func missing(format string, args ...any) error {
	return &runtime.HostError{Code: "MODULE_NOT_FOUND", Message: fmt.Sprintf(format, args...)}
}
