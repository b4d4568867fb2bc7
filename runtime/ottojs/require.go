package ottojs

import (
	"strings"

	"github.com/robertkrimen/otto"

	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// newModule makes the module object of a file, as CommonJS has it.
func (v *vm) newModule(name string) (module, exports otto.Value) {
	module, exports = v.newObject(), v.newObject()
	v.set(module, "id", v.value(name))
	v.set(module, "filename", v.value(name))
	v.set(module, "exports", exports)
	v.set(module, "loaded", otto.FalseValue())
	v.remember(name, module)
	return module, exports
}

func (v *vm) remember(name string, module otto.Value) {
	if v.run.modules == nil {
		v.run.modules = make(map[string]otto.Value)
	}
	v.run.modules[name] = module
}

// require returns the require function of a file. It belongs to the VM; the
// modules that it loads belong to the run.
func (v *vm) require(from string) otto.Value {
	if fn, ok := v.loads[from]; ok {
		return fn
	}
	fn := v.must(v.otto.ToValue(native(func(c otto.FunctionCall) otto.Value {
		file, err := js.Resolve(v.script.unit, from, c.Argument(0).String())
		if err != nil {
			v.throw(err)
		}
		return v.load(file)
	})))
	if err := v.harden(fn); err != nil {
		v.rethrow(err)
	}
	v.loads[from] = fn
	return fn
}

// load returns a file's exports. Within a cycle these are unfinished, as in
// Node, and a file that throws is loaded anew the next time.
func (v *vm) load(file string) otto.Value {
	if module, ok := v.run.modules[file]; ok {
		return v.get(module, "exports")
	}
	if strings.HasSuffix(file, ".json") {
		exports, err := js.ParseModule[any](builder{v}, file, v.script.unit.Files[file])
		if err != nil {
			v.throw(err)
		}
		module, _ := v.newModule(file)
		v.set(module, "exports", exports)
		return v.value(exports)
	}
	m := v.script.modules[file]
	fn, err := v.file(m)
	if err != nil {
		v.throw(err)
	}
	module, exports := v.newModule(file)
	done := false
	defer func() {
		if !done {
			delete(v.run.modules, file)
		}
	}()
	var args []any
	for _, arg := range v.fileArguments(m, module, exports) {
		args = append(args, arg)
	}
	v.invoke(fn, undefined, args...)
	done = true
	v.set(module, "loaded", otto.TrueValue())
	return v.get(module, "exports")
}
