package ottojs

import (
	"strings"

	"github.com/robertkrimen/otto"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// request is the handler's argument. What a run reads of it is made then.
func (v *vm) request() otto.Value {
	if v.run.request.IsUndefined() {
		v.run.request = v.must(v.lib.create.Call(undefined, v.lib.request))
	}
	return v.run.request
}

// requestField makes the accessor of a request's property, which keeps the value
// in the request when it is first read.
func (v *vm) requestField(c otto.FunctionCall) otto.Value {
	name := c.Argument(0).String()
	read := func(c otto.FunctionCall) otto.Value {
		if !c.This.IsObject() || c.This == v.lib.request || c.This == v.global.Value() {
			return undefined // a global that isn't enumerable would stay for the next request
		}
		val := v.requestValue(name)
		if val.IsObject() {
			v.defineOwn(c.This, name, val)
		}
		return val
	}
	return v.must(v.otto.ToValue(native(read)))
}

func (v *vm) requestValue(name string) otto.Value {
	r := v.x.Request
	switch name {
	case "headers":
		obj := v.newObject()
		for _, h := range js.RequestHeaders(r) {
			val := v.value(h.Value)
			v.set(obj, h.Name, val)
			if h.Alias != "" {
				v.defineOwn(obj, h.Alias, val)
			}
			if strings.HasPrefix(h.Name, "$") {
				v.markForeign(obj)
			}
		}
		return obj
	case "files", "filesAll":
		if len(r.Files) == 0 {
			return undefined
		}
		files := v.newObject()
		for _, field := range js.FileNames(r) {
			if name == "files" {
				v.set(files, field, v.upload(r.Files[field][0]))
				continue
			}
			var all []any
			for _, f := range r.Files[field] {
				all = append(all, v.upload(f))
			}
			v.set(files, field, v.newArray(all))
		}
		return files
	}
	return v.asForeign(func() otto.Value { return v.fromGo(js.RequestField(r, name)) })
}

func (v *vm) upload(f runtime.UploadedFile) otto.Value {
	file := v.newObject()
	v.set(file, "name", f.Name)
	v.set(file, "type", f.Type)
	v.set(file, "size", len(f.Data))
	v.set(file, "data", v.newBytes(f.Data))
	return file
}

// defineOwn defines a property that can be written and deleted and isn't
// enumerable, whatever the object inherits. The descriptor is the VM's, as making
// one takes longer than all else; nothing but otto's defineProperty sees it.
func (v *vm) defineOwn(obj otto.Value, name string, val otto.Value) {
	if !v.descriptor.IsObject() {
		v.descriptor = v.newObject()
		v.set(v.descriptor, "writable", true)
		v.set(v.descriptor, "configurable", true)
	}
	v.set(v.descriptor, "value", val)
	v.must(v.lib.property.Call(undefined, []otto.Value{obj, v.value(name), v.descriptor}))
	v.set(v.descriptor, "value", undefined) // which may be large
}
