package gojajs

import (
	"maps"
	"slices"

	"github.com/dop251/goja"

	"github.com/fazt-sh/fazt/runtime"
)

// record is an ordinary object whose properties are made when they are first
// asked for, as most handlers look at a few of the request's only.
type record struct {
	keys   []string // enumerable, in order
	values map[string]goja.Value
	make   func(key string) goja.Value // nil for a key that it doesn't know
	alias  map[string]string           // further names that aren't enumerable
}

func (r *record) Get(key string) goja.Value {
	if val, ok := r.values[key]; ok {
		return val
	}
	if name, ok := r.alias[key]; ok {
		return r.Get(name)
	}
	if !slices.Contains(r.keys, key) {
		return nil
	}
	return r.keep(key, r.make(key))
}

func (r *record) keep(key string, val goja.Value) goja.Value {
	if r.values == nil {
		r.values = make(map[string]goja.Value)
	}
	r.values[key] = val
	return val
}

func (r *record) Set(key string, val goja.Value) bool {
	if !slices.Contains(r.keys, key) {
		r.keys = append(slices.Clip(r.keys), key)
	}
	r.keep(key, val)
	return true
}

func (r *record) Has(key string) bool {
	_, ok := r.alias[key]
	return ok || slices.Contains(r.keys, key)
}

func (r *record) Delete(key string) bool {
	if i := slices.Index(r.keys, key); i >= 0 {
		r.keys = slices.Delete(slices.Clone(r.keys), i, i+1)
	}
	delete(r.values, key)
	delete(r.alias, key)
	return true
}

func (r *record) Keys() []string { return r.keys }

func (v *vm) requestObject() *goja.Object {
	if v.request == nil {
		v.request = v.js.NewDynamicObject(&record{keys: runtime.RequestFields, make: v.requestField})
	}
	return v.request
}

func (v *vm) requestField(name string) goja.Value {
	r := v.x.Request
	switch name {
	case "headers":
		return v.headers()
	case "files":
		files := v.js.NewObject()
		for _, field := range slices.Sorted(maps.Keys(r.Files)) {
			f := r.Files[field]
			file := v.js.NewObject()
			v.put(file, "name", v.js.ToValue(f.Name))
			v.put(file, "type", v.js.ToValue(f.Type))
			v.put(file, "size", v.js.ToValue(len(f.Data)))
			v.put(file, "data", v.newBytes(f.Data))
			v.put(files, field, file)
		}
		return files
	}
	return v.fromGo(r.Field(name))
}

func (v *vm) headers() goja.Value {
	rec := &record{values: make(map[string]goja.Value), alias: make(map[string]string)}
	for _, h := range v.x.Request.Headers() {
		rec.keys = append(rec.keys, h.Name)
		rec.values[h.Name] = v.js.ToValue(h.Value)
		if h.Alias != "" {
			rec.alias[h.Alias] = h.Name
		}
	}
	return v.js.NewDynamicObject(rec)
}

// put defines a property of an object that Go made, whatever its name and
// whatever the object inherits.
func (v *vm) put(obj *goja.Object, key string, val goja.Value) {
	_ = obj.DefineDataProperty(key, val, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
}
