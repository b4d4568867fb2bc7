package bundle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"sync"
	"syscall"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/fazt-sh/fazt/runtime"
)

// Bounds of what is bundled, of which most is not used and left out.
const (
	maxFileBytes = 4 << 20
	maxBytes     = 32 << 20
	maxFiles     = 5000
)

// namespace is what esbuild calls the file system that files are read from: not its own,
// so that it looks at nothing else.
const namespace = "app"

// scripts are the endings of files that are parsed.
var scripts = []string{".js", ".ts", ".tsx", ".mts", ".cts", ".jsx", ".mjs", ".cjs"}

var loaders = map[string]api.Loader{".js": api.LoaderJS, ".mjs": api.LoaderJS, ".cjs": api.LoaderJS, ".jsx": api.LoaderJSX,
	".ts": api.LoaderTS, ".mts": api.LoaderTS, ".cts": api.LoaderTS, ".tsx": api.LoaderTSX, ".json": api.LoaderJSON, ".txt": api.LoaderText}

// needing matches what may need to be bundled: import or export, or require of a package.
var needing = regexp.MustCompile(`\b(import|export)\b|require\s*\(\s*["'` + "`" + `][^./]|require\s*\(\s*["'` + "`" + `][^"'` + "`" + `]*\.(m?ts|tsx|jsx|mjs|cjs)["'` + "`" + `]`)

// otherMap matches the line by which a file names its own source map, whose sources are
// hardly there.
var otherMap = regexp.MustCompile(`(?m)^[ \t]*//[#@] sourceMappingURL=.*$`)

// builder bundles one app. esbuild calls its methods on many goroutines.
type builder struct {
	ctx      context.Context
	fsys     fs.FS
	main     string
	tsconfig string

	mu       sync.Mutex
	resolver resolver
	texts    map[string]string // of the files that were read
	bytes    int
	why      map[[2]string]error // why an import, by file and name, leads nowhere
	failed   error               // what no import is to blame for
}

func newBuilder(ctx context.Context, fsys fs.FS, main string) *builder {
	b := &builder{ctx: ctx, fsys: fsys, main: main, texts: make(map[string]string), why: make(map[[2]string]error)}
	b.resolver = resolver{fsys: fsys, manifests: make(map[string]*manifest), real: make(map[string]string)}
	for _, name := range []string{"api/tsconfig.json", "tsconfig.json"} {
		if text, err := readFile(fsys, name); err == nil {
			b.tsconfig = onlyCompilerOptions(text)
			break
		}
	}
	return b
}

// onlyCompilerOptions leaves out what would make esbuild look for other files.
func onlyCompilerOptions(text []byte) string {
	var config struct {
		CompilerOptions json.RawMessage `json:"compilerOptions,omitempty"`
	}
	if json.Unmarshal(text, &config) != nil {
		return string(text) // with comments, which esbuild knows; it says what is wrong otherwise
	}
	made, err := json.Marshal(config)
	if err != nil {
		return ""
	}
	return string(made)
}

// options are those of every build.
func (b *builder) options(free *freeNames) api.BuildOptions {
	define := free.define()
	define["process.env.NODE_ENV"] = `"production"`
	define["global"] = "globalThis"
	jsx := api.JSXAutomatic // which can be had from a package that is no React, by a comment
	if strings.Contains(b.tsconfig, `"jsx"`) || strings.Contains(b.tsconfig, `"jsxFactory"`) {
		jsx = api.JSXTransform // or as it says
	}
	return api.BuildOptions{
		JSX:      jsx,
		LogLevel: api.LogLevelSilent, LogLimit: 50, Platform: api.PlatformNeutral, Charset: api.CharsetASCII,
		Target: api.ES2022, Supported: unsupported, Define: define, TsconfigRaw: b.tsconfig, LegalComments: api.LegalCommentsNone,
		Plugins: []api.Plugin{{Name: "fazt", Setup: func(build api.PluginBuild) { b.plug(build, free) }}},
	}
}

// unsupported are parts of ES2022 that goja doesn't have, so that esbuild writes others
// for them.
var unsupported = map[string]bool{
	"async-generator": false, "for-await": false, "dynamic-import": false, "import-meta": false, "class-private-brand-check": false,
	// goja knows no fields that are called get, set or async.
	"class-field": false, "class-static-field": false,
	"top-level-await": true,
}

func (b *builder) plug(build api.PluginBuild, free *freeNames) {
	build.OnResolve(api.OnResolveOptions{Filter: ".*"}, b.onResolve)
	build.OnLoad(api.OnLoadOptions{Filter: ".*", Namespace: namespace}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
		return b.onLoad(args, free)
	})
}

func (b *builder) onResolve(args api.OnResolveArgs) (api.OnResolveResult, error) {
	if args.Path == webModule {
		return api.OnResolveResult{Path: webModule, Namespace: namespace, SideEffects: api.SideEffectsFalse}, nil
	}
	if args.Kind == api.ResolveEntryPoint {
		// esbuild puts ./ before it where the process's own directory has such a file.
		return api.OnResolveResult{Path: path.Clean(args.Path), Namespace: namespace}, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	require := args.Kind == api.ResolveJSRequireCall || args.Kind == api.ResolveJSRequireResolve
	f, err := b.resolver.resolve(args.Importer, args.Path, require)
	if err != nil {
		b.why[[2]string{args.Importer, args.Path}] = err
		if strings.Contains(args.Path, ":") && !strings.HasPrefix(args.Path, "node:") {
			// esbuild would leave it to others, or look into it by itself.
			return api.OnResolveResult{Errors: []api.Message{{Text: fmt.Sprintf("Could not resolve %q", args.Path)}}}, nil
		}
		// Without a result esbuild fails by itself, unless it is tried for.
		return api.OnResolveResult{}, nil
	}
	result := api.OnResolveResult{Path: f.path, Namespace: namespace}
	if f.pure {
		result.SideEffects = api.SideEffectsFalse
	}
	return result, nil
}

func (b *builder) onLoad(args api.OnLoadArgs, free *freeNames) (api.OnLoadResult, error) {
	text, err := b.load(args.Path)
	if err != nil {
		return api.OnLoadResult{}, err
	}
	free.look(text)
	loader := loaders[path.Ext(args.Path)]
	if isOurs(args.Path) {
		loader = api.LoaderJS
	}
	return api.OnLoadResult{Contents: &text, Loader: loader}, nil
}

// load reads a file once, and measures it.
func (b *builder) load(name string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if text, ok := b.texts[name]; ok {
		return text, nil
	}
	text, err := b.read(name)
	if err != nil {
		if b.failed == nil {
			b.failed = err
		}
		return "", err
	}
	b.texts[name] = text
	return text, nil
}

func (b *builder) read(name string) (string, error) {
	if text, ok := ours[name]; ok {
		return text, nil
	}
	if err := context.Cause(b.ctx); err != nil {
		return "", err
	}
	refuse := func(format string, args ...any) error {
		return &runtime.Error{Code: runtime.CodeUnsupported, File: name, Message: fmt.Sprintf(format, args...)}
	}
	ending := path.Ext(name)
	if loaders[ending] == api.LoaderNone {
		return "", refuse("a file that ends in %q can't be bundled; handlers read other files by fazt.private", ending)
	}
	data, err := readFile(b.fsys, name)
	if err != nil {
		return "", err
	}
	b.bytes += len(data)
	switch {
	case len(data) > maxFileBytes:
		return "", refuse("this file has more than %d MiB, the most that is bundled", maxFileBytes>>20)
	case b.bytes > maxBytes:
		return "", refuse("this file brings what is imported past %d MiB, the most that is bundled; import less", maxBytes>>20)
	case len(b.texts) >= maxFiles:
		return "", refuse("this is more than the %d files that can be imported; import less", maxFiles)
	}
	text := otherMap.ReplaceAllString(strings.TrimPrefix(string(data), "\ufeff"), "")
	if ending != ".txt" {
		if err := checkNesting(name, text, ending == ".tsx" || ending == ".jsx"); err != nil {
			return "", err
		}
	}
	return text, nil
}

// text is that of a file that was read.
func (b *builder) text(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.texts[name]
}

// readFile reads no more of a file than is bundled, and a little.
func readFile(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFileBytes+1))
}

func isNotDirectory(err error) bool { return errors.Is(err, syscall.ENOTDIR) }

// relocate makes the files of a source map relative to where it lies, and leaves out the
// text of packages, of which lines are hardly looked at.
func (b *builder) relocate(text []byte, file string) ([]byte, error) {
	var m struct {
		Version  int       `json:"version"`
		File     string    `json:"file"`
		Sources  []*string `json:"sources"`
		Content  []*string `json:"sourcesContent"`
		Mappings string    `json:"mappings"`
		Names    []string  `json:"names"`
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, err
	}
	m.File, m.Names = path.Base(file), []string{} // which nothing looks at
	for i, source := range m.Sources {
		name := strings.TrimPrefix(*source, namespace+":")
		if (isPackaged(name) || isOurs(name)) && i < len(m.Content) {
			m.Content[i] = nil
		}
		if isOurs(name) {
			m.Sources[i] = nil
			continue
		}
		if rest, ok := strings.CutPrefix(name, path.Dir(file)+"/"); ok {
			name = rest
		} else {
			name = strings.Repeat("../", 1+strings.Count(path.Dir(file), "/")) + name
		}
		m.Sources[i] = &name
	}
	return json.Marshal(m)
}
