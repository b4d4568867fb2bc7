package gojajs

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// record is an ordinary object whose properties are made when they are first
// asked for, as most handlers look at a few of the request's only.
type record struct {
	keys   []string // enumerable, in order
	values values   // what has been made or assigned
	vm     *vm
	fields []js.HeaderField // of the headers, whose aliases are further names, not enumerable
}

// make makes a property of the headers if there are any, else of the request.
func (r *record) make(key string) goja.Value {
	for _, f := range r.fields {
		if f.Name == key {
			return r.vm.js.ToValue(f.Value)
		}
	}
	return r.vm.requestField(key)
}

func (r *record) Get(key string) goja.Value {
	if val, ok := r.values.get(key); ok {
		return val
	}
	if slices.Contains(r.keys, key) {
		return r.values.set(key, r.make(key))
	}
	if i := r.alias(key); i >= 0 {
		return r.Get(r.fields[i].Name)
	}
	return nil
}

func (r *record) alias(key string) int {
	return slices.IndexFunc(r.fields, func(f js.HeaderField) bool { return f.Alias == key && key != "" })
}

func (r *record) Set(key string, val goja.Value) bool {
	if !slices.Contains(r.keys, key) {
		r.keys = append(slices.Clip(r.keys), key)
	}
	r.values.set(key, val)
	return true
}

func (r *record) Has(key string) bool { return slices.Contains(r.keys, key) || r.alias(key) >= 0 }

func (r *record) Delete(key string) bool {
	if i := slices.Index(r.keys, key); i >= 0 {
		r.keys = slices.Delete(slices.Clone(r.keys), i, i+1)
		r.values.remove(key)
	}
	if i := r.alias(key); i >= 0 {
		r.fields[i].Alias = ""
	}
	return true
}

func (r *record) Keys() []string { return r.keys }

func (v *vm) requestObject() *goja.Object {
	if v.request == nil {
		v.record = record{keys: js.RequestFields, vm: v, values: v.fields[:0]}
		v.request = v.js.NewDynamicObject(&v.record)
	}
	return v.request
}

func (v *vm) requestField(name string) goja.Value {
	r := v.x.Request
	switch name {
	case "headers":
		return v.headers()
	case "files", "filesAll":
		if len(r.Files) == 0 {
			return goja.Undefined()
		}
		files := v.js.NewObject()
		for _, field := range js.FileNames(r) {
			if name == "files" {
				v.put(files, field, v.upload(r.Files[field][0]))
				continue
			}
			var all []any
			for _, f := range r.Files[field] {
				all = append(all, v.upload(f))
			}
			v.put(files, field, v.newArray(all...))
		}
		return files
	}
	return v.asForeign(func() goja.Value { return v.fromGo(js.RequestField(r, name)) })
}

func (v *vm) upload(f runtime.UploadedFile) goja.Value {
	file := v.js.NewObject()
	v.put(file, "name", v.js.ToValue(f.Name))
	v.put(file, "type", v.js.ToValue(f.Type))
	v.put(file, "size", v.js.ToValue(len(f.Data)))
	v.put(file, "data", v.newBytes(slices.Clone(f.Data))) // the handler may write to its own
	return file
}

func (v *vm) headers() goja.Value {
	fields := js.RequestHeaders(v.x.Request)
	keys := make([]string, len(fields))
	for i, f := range fields {
		if keys[i] = f.Name; strings.HasPrefix(f.Name, "$") {
			return v.foreignHeaders(fields)
		}
	}
	return v.js.NewDynamicObject(&record{keys: keys, fields: fields, vm: v})
}

// foreignHeaders are headers of which one looks like an operator. An object of goja's
// own can be marked, and what is copied of it.
func (v *vm) foreignHeaders(fields []js.HeaderField) goja.Value {
	obj := v.js.NewObject()
	for _, f := range fields {
		val := v.js.ToValue(f.Value)
		v.put(obj, f.Name, val)
		if f.Alias != "" {
			_ = obj.DefineDataProperty(f.Alias, val, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		}
	}
	v.markForeign(obj)
	return obj
}

// put defines a property of an object that Go made, whatever its name and
// whatever the object inherits.
func (v *vm) put(obj *goja.Object, key string, val goja.Value) {
	if !utf8.ValidString(key) {
		v.library("put", obj, v.NewString(key), val)
		return
	}
	_ = obj.DefineDataProperty(key, val, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
}
