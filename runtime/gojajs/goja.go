package gojajs

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/dop251/goja"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// Engine is the goja engine, for runtime.Options.Engines. One serves any number
// of runtimes.
type Engine struct {
	shared func() (*shared, error)
}

// shared is what all programs have in common.
type shared struct {
	features map[string]*feature
	library  *module
	newer    map[string]*module
	web      *goja.Program
	intl     *goja.Program
	globals  map[string]func(v *vm) goja.Value
	passedOn map[string]guard
	written  map[uintptr]bool // see writtenFunctions
}

// New returns the engine.
func New() *Engine { return &Engine{shared: sync.OnceValues(newShared)} }

func newShared() (*shared, error) {
	lib, err := compileLibrary(librarySource)
	if err != nil {
		return nil, err
	}
	newer, err := compileNewer()
	if err != nil {
		return nil, err
	}
	web, err := goja.Compile(libraryName, js.WebLibrary, false)
	if err != nil {
		return nil, err
	}
	intl, err := goja.Compile(libraryName, js.IntlLibrary, false)
	if err != nil {
		return nil, err
	}
	features, err := allFeatures()
	if err != nil {
		return nil, err
	}
	written, err := writtenFunctions()
	if err != nil {
		return nil, err
	}
	return &shared{written: written, features: features, library: lib, newer: newer, web: web, intl: intl, globals: globals, passedOn: passedOn}, nil
}

func compileLibrary(source string) (*module, error) {
	m := mentions{names: make(map[string]bool), values: make(map[string]bool)}
	whole := func() error { return nil }
	return parseFile(libraryName, source, false, whole).compile(&rewriter{mentions: &m}, whole)
}

// Name is "goja".
func (*Engine) Name() string { return "goja" }

// Compile parses and compiles every .js file of the program.
func (e *Engine) Compile(unit runtime.Unit) (runtime.Script, error) {
	all, err := e.shared()
	if err != nil {
		return nil, err
	}
	s := &script{unit: unit, shared: all, modules: make(map[string]*module)}
	m := mentions{names: make(map[string]bool), values: make(map[string]bool)}
	var files []*parsed
	for _, name := range slices.Sorted(maps.Keys(unit.Files)) {
		if name != unit.Main && !strings.HasSuffix(name, ".js") {
			continue
		}
		s.web = s.web || strings.Contains(unit.Files[name], js.WebHeaders)
		file := parseFile(name, unit.Files[name], name == unit.Main, unit.Check)
		if file.err == nil {
			m.bigints = m.bigints || mayHaveBigInts(file.program)
		}
		files = append(files, file)
		if err := unit.Check(); err != nil {
			return nil, err
		}
	}
	for _, file := range files {
		module, err := file.compile(&rewriter{mentions: &m, passOn: unit.PassOn}, unit.Check)
		if err != nil {
			return nil, err
		}
		s.modules[file.name] = module
	}
	if !unit.Bundled() { // whose maker has looked
		if err := checkMissing(files); err != nil {
			return nil, err
		}
	}
	s.bigints = m.bigints
	s.start = all.mentioned(m)
	s.arrays = m.arrays || all.makesArrays(m)
	s.names = slices.Sorted(maps.Keys(m.names))
	return s, nil
}
