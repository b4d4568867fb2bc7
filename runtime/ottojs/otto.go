package ottojs

import (
	"maps"
	"slices"
	"sync"

	"github.com/fazt-sh/fazt/runtime"
)

// Engine is the otto engine, for runtime.Options.Engines. One serves any number
// of runtimes.
type Engine struct {
	prelude func() (*preludes, error)
}

// New returns the engine.
func New() *Engine { return &Engine{prelude: sync.OnceValues(compilePreludes)} }

// Name is "otto".
func (*Engine) Name() string { return "otto" }

// Compile parses every .js file of the program.
func (e *Engine) Compile(unit runtime.Unit) (runtime.Script, error) {
	lib, err := e.prelude()
	if err != nil {
		return nil, err
	}
	s := &script{unit: unit, prelude: lib, modules: make(map[string]*module)}
	for _, name := range slices.Sorted(maps.Keys(unit.Files)) {
		if name != unit.Main && !isScript(name) {
			continue
		}
		m, err := compile(name, unit.Files[name], name == unit.Main)
		if err != nil {
			return nil, err
		}
		s.modules[name] = m
		s.depth = max(s.depth, m.depth)
	}
	return s, nil
}
