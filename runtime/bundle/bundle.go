package bundle

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/fazt-sh/fazt/runtime"
)

// Result is a handler that was bundled.
type Result struct {
	// Files are what a server runs, by their path in the app: api/main.js with
	// api/main.js.map, or the files of a script or a CommonJS file as they have become.
	// They take the place of files of those names.
	Files map[string][]byte
	// Main is the file that the author wrote, such as api/main.ts.
	Main string
	// Inputs are all files that went in, sorted, those of packages among them.
	Inputs []string
	// Packages are the names of the packages that went in, sorted.
	Packages []string
	// Warnings are what its author should know, a sentence each, with file and line.
	Warnings []string

	suspects []use  // globals that aren't there, and that packages mention
	whole    string // of one program, what runs when it is loaded
	unclear  bool   // whether its default export is a function is known only then
}

// Size is how many bytes the files have, but for their source maps.
func (r *Result) Size() (size int) {
	for name, text := range r.Files {
		if !strings.HasSuffix(name, ".map") {
			size += len(text)
		}
	}
	return size
}

// mains are what the main file may be called, the most particular first.
var mains = []string{"api/main.ts", "api/main.tsx", "api/main.mts", "api/main.jsx", "api/main.mjs", runtime.DefaultMain}

// Bundle makes the handler of an app into what a server runs. fsys is the app's folder,
// with node_modules if packages are used; a link in it has to stay inside. The result is
// nil for an app without a handler, and for one that runs as it is.
//
// The error is a [*runtime.Error] with the place in the author's source, or one of fsys,
// or the cause of ctx's end, which is looked at before each file.
func Bundle(ctx context.Context, fsys fs.FS) (*Result, error) {
	main, err := findMain(fsys)
	if main == "" || err != nil {
		return nil, err
	}
	if main == runtime.DefaultMain {
		if text, err := readFile(fsys, main); runtime.IsBundled(string(text)) || err != nil {
			return nil, err
		}
		if needed, err := mayNeed(fsys); !needed || err != nil {
			return nil, err
		}
	}
	b := newBuilder(ctx, fsys, main)
	built, err := b.whole()
	if err != nil {
		return nil, err
	}
	var made *Result
	switch {
	case built.isModule(main) && slices.Contains(built.names, "default"):
		made, err = b.program(built)
	case built.isModule(main) && len(built.names) > 0:
		return nil, b.noDefault(built)
	case !b.pieces(built):
		return nil, nil
	default:
		made, err = b.split(built)
	}
	if err != nil {
		return nil, err
	}
	made.Main, made.Inputs, made.Packages = main, built.inputs(), built.packages()
	made.Warnings = b.warnings(built.warnings)
	return made, b.tryLoading(made)
}

// findMain is the main file, "" without one.
func findMain(fsys fs.FS) (string, error) {
	var there []string
	for _, name := range mains {
		switch info, err := fs.Stat(fsys, name); {
		case missing(err):
		case err != nil:
			return "", err
		case info.Mode().IsRegular():
			there = append(there, name)
		}
	}
	if len(there) == 2 && there[1] == runtime.DefaultMain {
		// What was deployed and then pulled has what was made of the source beside it.
		text, err := readFile(fsys, runtime.DefaultMain)
		if err != nil {
			return "", err
		}
		if runtime.IsBundled(string(text)) {
			there = there[:1]
		}
	}
	switch len(there) {
	case 0:
		return "", nil
	case 1:
		return there[0], nil
	}
	return "", &runtime.Error{Code: runtime.CodeLoad, File: there[0], Message: fmt.Sprintf("there is %s, too, and only one can be the handler; remove or rename one", there[1])}
}

// mayNeed tells whether a handler in plain JavaScript may have something that needs to be
// bundled: cheaply, since most have nothing.
func mayNeed(fsys fs.FS) (needed bool, err error) {
	err = fs.WalkDir(fsys, "api", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "node_modules":
			return fs.SkipDir
		case d.IsDir() || !slices.Contains(scripts, path.Ext(name)):
			return nil
		}
		text, err := readFile(fsys, name)
		if err != nil {
			return err
		}
		if path.Ext(name) != ".js" || needing.Match(text) {
			needed = true
			return fs.SkipAll
		}
		return nil
	})
	return needed, err
}

// built is what esbuild made of a handler.
type built struct {
	code, sourceMap []byte
	names           []string // that it exports
	meta            meta
	warnings        []api.Message
	free            *freeNames
	suspects        []use
}

// meta is esbuild's account of what it has done.
type meta struct {
	Inputs map[string]struct {
		Format  string // "esm", "cjs" or ""
		Imports []struct {
			Path, Kind, Original string
			External             bool
		}
	}
	Outputs map[string]struct {
		Exports []string
		Inputs  map[string]struct{ BytesInOutput int }
	}
}

// inputs are the files that went in.
func (b *built) inputs() (names []string) {
	for name := range b.meta.Inputs {
		if file, ok := strings.CutPrefix(name, namespace+":"); ok && !isOurs(file) {
			names = append(names, file)
		}
	}
	slices.Sort(names)
	return names
}

func (b *built) packages() (names []string) {
	for _, file := range b.inputs() {
		if isPackaged(file) {
			names = append(names, packageOf(file))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// whole bundles the main file with all that it imports.
func (b *builder) whole() (*built, error) {
	return b.build(b.main, api.FormatESModule, fmt.Sprintf(lead, b.main), false)
}

// lead stands before a program, and tail behind it: in a block, so that no name in it is
// one of those that a handler is given, and strict, as modules are.
const (
	lead = runtime.BundleMark + " from %s, which is to be edited, and not this.\n\"use strict\";var fazt$main = module;{"
	tail = "}"
)

// build bundles a file with what it imports. before is put in front. With web, it has
// what packages need that are written for the web's requests and responses, which a
// program has where it uses that.
func (b *builder) build(entry string, format api.Format, before string, web bool) (*built, error) {
	for try := range len(marks) {
		free := newFreeNames(marks[try], web)
		opt := b.options(free)
		if web {
			opt.Inject = []string{webModule}
		}
		opt.EntryPoints, opt.Bundle, opt.Metafile, opt.Format = []string{entry}, true, true, format
		opt.Sourcemap, opt.SourcesContent, opt.Outfile = api.SourceMapExternal, api.SourcesContentInclude, runtime.DefaultMain
		opt.Banner = map[string]string{"js": before}
		opt.TreeShaking = api.TreeShakingTrue
		result := api.Build(opt)
		if b.failed != nil {
			return nil, b.failed
		}
		if err := b.errorOf(result.Errors); err != nil {
			return nil, err
		}
		if free.found.Load() {
			continue // a file has the mark itself
		}
		made := &built{warnings: result.Warnings, free: free}
		if err := json.Unmarshal([]byte(result.Metafile), &made.meta); err != nil {
			return nil, err
		}
		for _, out := range made.meta.Outputs {
			made.names = append(made.names, out.Exports...)
		}
		for _, f := range result.OutputFiles {
			if strings.HasSuffix(f.Path, ".map") {
				made.sourceMap = f.Contents
			} else {
				made.code = f.Contents
			}
		}
		whole := entry == packagesEntry || made.isModule(entry) && slices.Contains(made.names, "default")
		if whole && !web && free.needsWeb(string(made.code)) {
			return b.build(entry, format, before, true)
		}
		var err error
		if made.sourceMap, err = b.relocate(made.sourceMap, runtime.DefaultMain); err != nil {
			return nil, err
		}
		if err := b.warningOf(result.Warnings); err != nil {
			return nil, err
		}
		made.code, err = b.checkFree(made)
		return made, err
	}
	return nil, &runtime.Error{Code: runtime.CodeUnsupported, File: b.main,
		Message: "the source has names that are needed for bundling, such as " + marks[0] + "rocess; rename them"}
}

// program is an ES module as one file, whose module.exports is its default export.
func (b *builder) program(made *built) (*Result, error) {
	code, local, err := cutExports(string(made.code))
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(noFunction.FindAllStringSubmatch(code, -1), func(m []string) bool { return m[1] == local }) {
		return nil, b.defaultError("the default export is no function")
	}
	if regexp.MustCompile(fmt.Sprintf(isClass, regexp.QuoteMeta(local))).MatchString(code) {
		return nil, b.defaultError("the default export is a class and no function")
	}
	unclear := !regexp.MustCompile(fmt.Sprintf(isFunction, local)).MatchString(code)
	code += fmt.Sprintf("if (typeof %s !== \"function\") throw new TypeError(%q + (%s && %s.fetch ? %q : \"a value of the type \" + typeof %s + %q));\n",
		local, "the default export of "+b.main+" is ", local, local, hasFetch, local, "; write export default function (request) { ... }")
	loading := code + tail
	code += fmt.Sprintf("fazt$main.exports = %s;\n%s\n", local, tail)
	return &Result{Files: map[string][]byte{
		runtime.DefaultMain:          []byte(code),
		runtime.DefaultMain + ".map": made.sourceMap,
	}, suspects: made.suspects, unclear: unclear, whole: loading}, nil
}

const (
	// isFunction matches what evidently makes a function of a name.
	isFunction = `(?m)^(?:(?:async )?function\*? ?%[1]s\b|var %[1]s = (?:async\b|function\b|\(?[\w$, ]*\)? =>))`
	// isClass matches what evidently makes a class of a name, which can't be called.
	isClass = `(?m)^(?:class %[1]s\b|(?:var|let|const) %[1]s = class\b)`
	// hasFetch is what other servers take for a handler.
	hasFetch = "an object with fetch, which fazt does not call; write a function that does, such as the one in docs/packages.md"
)

// cutExports takes the list of exports, which esbuild puts at the end, off a program, and
// says what the default is called inside.
func cutExports(code string) (rest, local string, err error) {
	const begin = "\nexport {\n"
	i := strings.LastIndex(code, begin)
	if i < 0 {
		return "", "", fmt.Errorf("bundle: there is no list of exports in what was made")
	}
	for line := range strings.SplitSeq(code[i+len(begin):], "\n") {
		name, as, ok := strings.Cut(strings.Trim(line, " ,"), " as ")
		if ok && as == "default" {
			return code[:i+1], name, nil
		}
	}
	return "", "", fmt.Errorf("bundle: there is no default in the list of exports of what was made")
}

// noFunction matches a default export that evidently is another value.
var noFunction = regexp.MustCompile("(?m)^var (\\w+_default) = (?:[-+0-9\"'`{\\[/]|true\\b|false\\b|null\\b|void\\b)")

// defaultError is an error of what the main file exports.
func (b *builder) defaultError(what string) error {
	return b.atExport(what + ", which is what answers requests; write export default function (request) { ... }")
}

// atExport is an error with the place where the main file exports something.
func (b *builder) atExport(message string) error {
	line, column := placeOf(b.text(b.main), "export")
	return &runtime.Error{Code: runtime.CodeUnsupported, File: b.main, Line: line, Column: column, SourceLine: lineOf(b.text(b.main), line), Message: message}
}

// noDefault is the error of a module that exports all kinds of things.
func (b *builder) noDefault(made *built) error {
	return b.defaultError(fmt.Sprintf("this module exports %s, but no default", strings.Join(made.names, ", ")))
}
