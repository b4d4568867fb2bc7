package bundle

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/fazt-sh/fazt/runtime"
)

// packagesFile has the packages of a handler that isn't one program, and beside it in
// packagesFolder a file for each name by which one is required.
const (
	packagesFile   = "api/node_modules.js"
	packagesFolder = "api/node_modules/"
)

// own are the author's files that went in.
func (b *built) own() (names []string) {
	for _, name := range b.inputs() {
		if !isPackaged(name) {
			names = append(names, name)
		}
	}
	return names
}

func (b *built) isModule(name string) bool { return b.meta.Inputs[namespace+":"+name].Format == "esm" }

// imports tells a file with import statements, which may be CommonJS all the same.
func (b *built) imports(name string) bool {
	for _, i := range b.meta.Inputs[namespace+":"+name].Imports {
		if i.Kind == "import-statement" {
			return true
		}
	}
	return b.isModule(name)
}

// required are the names of packages that the author's files have.
func (b *built) required() (names []string) {
	for _, file := range b.own() {
		for _, i := range b.meta.Inputs[namespace+":"+file].Imports {
			to := strings.TrimPrefix(i.Path, namespace+":")
			if !i.External && i.Original != "" && !isRelative(i.Original) && (isPackaged(to) || isOurs(to) || strings.HasPrefix(i.Original, "#")) {
				names = append(names, i.Original)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// pieces tells whether a handler that isn't a module with a default export has anything
// to be made.
func (b *builder) pieces(made *built) bool {
	return len(made.required()) > 0 || slices.ContainsFunc(made.own(), func(name string) bool { return toBeMade(made, name) })
}

// toBeMade tells a file that isn't plain JavaScript.
func toBeMade(made *built, name string) bool {
	switch path.Ext(name) {
	case ".json":
		return false
	case ".js":
		return made.imports(name)
	}
	return true
}

// split makes each file what a server runs, and one program of the packages.
func (b *builder) split(made *built) (*Result, error) {
	r := &Result{Files: make(map[string][]byte)}
	for _, name := range made.own() {
		if !strings.HasPrefix(name, "api/") {
			return nil, &runtime.Error{Code: runtime.CodeUnsupported, File: name,
				Message: "a handler without export default has its files under api/; move this one there, or give the handler a default export"}
		}
		if !toBeMade(made, name) {
			continue
		}
		as := strings.TrimSuffix(name, path.Ext(name)) + ".js"
		if slices.Contains(made.own(), as) && as != name {
			return nil, &runtime.Error{Code: runtime.CodeLoad, File: name, Message: fmt.Sprintf("%s is there, too, and both are used under that name; rename one", as)}
		}
		if err := b.transform(r, name, as, made.imports(name)); err != nil {
			return nil, err
		}
	}
	names := made.required()
	if len(names) == 0 {
		return r, nil
	}
	entry := []string{"module.exports = {"}
	for _, name := range names {
		if strings.HasPrefix(name, "#") {
			return nil, &runtime.Error{Code: runtime.CodeUnsupported, File: b.main, Message: fmt.Sprintf("%q is imported by a file without export default, which can't have names of package.json; write the path", name)}
		}
		q := strconv.Quote(name)
		entry = append(entry, fmt.Sprintf("get %s() { return require(%s); },", q, q))
		up := strings.Repeat("../", 1+strings.Count(name, "/"))
		r.Files[packagesFolder+name+".js"] = fmt.Appendf(nil, "module.exports = require(%q)[%s];\n", up+path.Base(packagesFile), q)
	}
	b.mu.Lock()
	b.texts[packagesEntry] = strings.Join(append(entry, "};"), "\n")
	b.mu.Unlock()
	packages, err := b.build(packagesEntry, api.FormatCommonJS, "// The npm packages of this handler, bundled by fazt.", false)
	if err != nil {
		return nil, err
	}
	r.Files[packagesFile], r.Files[packagesFile+".map"] = packages.code, packages.sourceMap
	r.suspects = packages.suspects
	return r, nil
}

// transform makes a file by itself, which keeps the form that it has.
func (b *builder) transform(r *Result, name, as string, module bool) error {
	text := b.text(name)
	if path.Ext(name) == ".txt" {
		r.Files[as] = fmt.Appendf(nil, "module.exports = %s;\n", strconv.Quote(text))
		return nil
	}
	opt := api.TransformOptions{
		LogLevel: api.LogLevelSilent, LogLimit: 50, Platform: api.PlatformNeutral, Charset: api.CharsetASCII, Target: api.ES2022, Supported: unsupported,
		TsconfigRaw: b.tsconfig, LegalComments: api.LegalCommentsNone, Loader: loaders[path.Ext(name)], Sourcefile: name,
		Sourcemap: api.SourceMapExternal, SourcesContent: api.SourcesContentInclude, Define: map[string]string{"process.env.NODE_ENV": `"production"`},
	}
	if module {
		opt.Format = api.FormatCommonJS
	}
	result := api.Transform(text, opt)
	if err := b.errorOf(result.Errors); err != nil {
		return err
	}
	places, err := b.relocate(result.Map, as)
	if err != nil {
		return err
	}
	r.Files[as], r.Files[as+".map"] = result.Code, places
	return nil
}
