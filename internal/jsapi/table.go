package jsapi

import (
	"slices"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// Function is a function that handlers can call.
type Function struct {
	// Name is dotted, and stands below each of its group's prefixes.
	Name   string
	Params []Param
	Result Type

	// make returns a [runtime.Func] or a [runtime.Brief].
	make func(binder) any
}

// Param is a parameter of a [Function].
type Param struct {
	Name     string
	Type     Type
	Optional bool
}

// Type is a JavaScript type in TypeScript's notation.
type Type string

// The types that are more than a word of TypeScript's own.
const (
	typeString  Type = "string"
	typeNumber  Type = "number"
	typeBoolean Type = "boolean"
	typeVoid    Type = "void"
	typeAny     Type = "any"  // whatever JSON has
	typeData    Type = "Data" // bytes, or a string for its UTF-8
)

// required and optional make parameters.
func required(name string, t Type) Param { return Param{Name: name, Type: t} }
func optional(name string, t Type) Param { return Param{Name: name, Type: t, Optional: true} }

// Group is the functions that stand below the same prefixes.
type Group struct {
	Prefixes  []string
	Functions []Function
}

// The prefixes of a store: the app's own under two names, and its visitor's.
const (
	storagePrefix = "fazt.storage"
	appPrefix     = "fazt.app"
	userPrefix    = "fazt.app.user"
)

// Table is every function of the server's own.
func Table() []Group {
	data := slices.Concat(kvFunctions, docsFunctions, blobFunctions, batchFunctions)
	return []Group{
		{Prefixes: []string{storagePrefix, appPrefix, userPrefix}, Functions: data},
		{Prefixes: []string{"fazt.auth"}, Functions: authFunctions},
		{Prefixes: []string{"fazt.env"}, Functions: envFunctions},
		{Prefixes: []string{"fazt.private"}, Functions: privateFunctions},
		{Prefixes: []string{"fazt.budget"}, Functions: budgetFunctions},
	}
}

// Globals are the names that handlers have already, so that no function of an
// embedder's may begin with one.
var Globals = []string{"fazt", "console", "request", "respond", "require", "module", "exports", "handler"}

// Options are what the functions work on. All are required.
type Options struct {
	Store storage.Store
	// MaxBytes is the largest blob or private file, in bytes, that a handler is
	// given whole.
	MaxBytes int64
	// BlobURL signs a URL of a blob, below its app's host, that works until
	// expires.
	BlobURL func(scope storage.Scope, path string, expires time.Time) string
	// Explain turns an error of any package into its code and message. Those
	// with the code INTERNAL reach JavaScript without one.
	Explain func(error) *api.Error
}

// API is the functions of one server.
type API struct{ opt Options }

// New returns the functions that work on opt.
func New(opt Options) *API { return &API{opt} }

// Host returns the functions of the [Table] by their whole names, for a
// [runtime.Host].
func (a *API) Host() map[string]any {
	host := make(map[string]any)
	for _, g := range Table() {
		for _, prefix := range g.Prefixes {
			b := binder{api: a, scope: appScope}
			if prefix == userPrefix {
				b.scope = userScope
			}
			for _, f := range g.Functions {
				name := prefix + "." + f.Name
				host[name] = runtime.WithExact(f.checked(name, f.make(b)), f.exact()...)
			}
		}
	}
	return host
}

// PassOn are the names of the functions that return what is stored, or lists of it: see
// [runtime.Options].
func PassOn() (names []string) {
	for _, g := range Table() {
		for _, prefix := range g.Prefixes {
			for _, f := range g.Functions {
				if strings.HasSuffix(string(f.Result), "[]") || f.Name == "kv.get" || f.Name == "ds.findOne" {
					names = append(names, prefix+"."+f.Name)
				}
			}
		}
	}
	return names
}

// exact are the arguments that say which data are meant.
func (f Function) exact() (args []runtime.Exact) {
	for i, p := range f.Params {
		switch p.Type {
		case typeQuery, typeIDOrQuery, typeChanges:
			args = append(args, runtime.Exact{Arg: i})
		case typeBatch:
			args = append(args, runtime.Exact{Arg: i, Below: []string{"query", "changes"}})
		}
	}
	return args
}

// String is the function as TypeScript declares it.
func (f Function) String() string {
	params := make([]string, len(f.Params))
	for i, p := range f.Params {
		mark := ": "
		if p.Optional {
			mark = "?: "
		}
		params[i] = p.Name + mark + string(p.Type)
	}
	return f.Name + "(" + strings.Join(params, ", ") + "): " + string(f.Result)
}
