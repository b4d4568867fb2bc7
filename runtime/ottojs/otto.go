package ottojs

import (
	"fmt"
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
	if err := checkSize(unit); err != nil {
		return nil, err
	}
	s := &script{unit: unit, prelude: lib, modules: make(map[string]*module)}
	for _, name := range slices.Sorted(maps.Keys(unit.Files)) {
		if name != unit.Main && !isScript(name) {
			continue
		}
		m, err := compile(name, unit.Files[name], name == unit.Main, unit.PassOn)
		if err != nil {
			return nil, err
		}
		if err := unit.Check(); err != nil {
			return nil, err
		}
		s.modules[name] = m
		s.depth = max(s.depth, m.depth)
	}
	if err := s.missing(); err != nil {
		return nil, err
	}
	return s, nil
}

// missing refuses a program that wants what another engine has. What a file gives to
// the global object the others have, too.
func (s *script) missing() error {
	assigned := make(map[string]bool)
	for _, m := range s.modules {
		maps.Copy(assigned, m.free.assigned)
	}
	for _, name := range slices.Sorted(maps.Keys(s.modules)) {
		m := s.modules[name]
		for _, n := range m.free.newer {
			if !assigned[n.name] && !m.free.guarded[n.name] {
				return n.refusal(m.program.File)
			}
		}
		if len(m.free.needs) > 0 && !s.unit.Last {
			return m.free.needs[0].refusal(m.program.File)
		}
	}
	return nil
}

// maxSource bounds a program's text, in bytes. A text that isn't ES5 may be wrong at
// each word, and otto's parser counts the lines up to every error: what this many
// bytes take is some seconds, and grows with the square.
const maxSource = 128 << 10

func checkSize(unit runtime.Unit) error {
	if unit.Bundled() {
		return &runtime.Error{Code: runtime.CodeUnsupported, Message: "the program is bundled, of modules, TypeScript or packages, which takes newer language"}
	}
	size := 0
	for name, text := range unit.Files {
		if name == unit.Main || isScript(name) {
			size += len(text)
		}
	}
	if size <= maxSource {
		return nil
	}
	return &runtime.Error{Code: runtime.CodeUnsupported, File: unit.Main, Message: "the program is larger than otto is given",
		Allowed: fmt.Sprintf("%d bytes", maxSource), Used: fmt.Sprintf("%d bytes", size)}
}
