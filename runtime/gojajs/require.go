package gojajs

import (
	"strings"

	"github.com/dop251/goja"

	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// newModule makes the module object of a file, as CommonJS has it.
func (v *vm) newModule(name string) *goja.Object {
	module := v.js.NewObject()
	_ = module.Set("id", name)
	_ = module.Set("filename", name)
	_ = module.Set("exports", v.js.NewObject())
	_ = module.Set("loaded", false)
	if v.modules == nil {
		v.modules = make(map[string]*goja.Object)
	}
	v.modules[name] = module
	return module
}

// require returns the require function of a file.
func (v *vm) require(from string) goja.Value {
	if fn, ok := v.loads[from]; ok {
		return fn
	}
	fn := v.native("require", func(c goja.FunctionCall) goja.Value {
		file, err := js.Resolve(v.script.unit, from, c.Argument(0).String())
		if err != nil {
			v.throw(err)
		}
		return v.load(file)
	})
	if v.loads == nil {
		v.loads = make(map[string]goja.Value)
	}
	v.loads[from] = fn
	return fn
}

// load returns a file's exports. Within a cycle these are unfinished, as in
// Node, and a file that throws is loaded anew the next time.
func (v *vm) load(file string) goja.Value {
	if module, ok := v.modules[file]; ok {
		return module.Get("exports")
	}
	if strings.HasSuffix(file, ".json") {
		exports, err := js.ParseModule[goja.Value](v, file, v.script.unit.Files[file])
		if err != nil {
			v.throw(err)
		}
		_ = v.newModule(file).Set("exports", exports)
		return exports
	}
	module := v.newModule(file)
	if _, _, err := v.run(v.script.modules[file], module); err != nil {
		delete(v.modules, file)
		panic(rethrown(err))
	}
	_ = module.Set("loaded", true)
	return module.Get("exports")
}
