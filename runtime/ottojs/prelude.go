package ottojs

import (
	_ "embed"
	"strings"

	"github.com/robertkrimen/otto"
	"github.com/robertkrimen/otto/ast"
	"github.com/robertkrimen/otto/parser"

	"github.com/fazt-sh/fazt/runtime"
)

const preludeName = "<prelude>"

// The prelude is what otto needs to be safe, then what it lacks.
//
//go:embed prelude.js
var preludeSource string

//go:embed library.js
var librarySource string

func parsePreludes() ([]*ast.Program, error) {
	var all []*ast.Program
	for _, source := range []string{preludeSource, librarySource, runtime.WebLibrary} {
		program, err := parsePrelude(source)
		if err != nil {
			return nil, err
		}
		all = append(all, program)
	}
	return all, nil
}

// parsePrelude parses a file of the prelude. Its functions print as native code.
func parsePrelude(source string) (*ast.Program, error) {
	program, err := parser.ParseFile(nil, preludeName, source, 0)
	if err != nil {
		return nil, err
	}
	ast.Walk(hideSource{}, program)
	exposeNames(program)
	return program, nil
}

type hideSource struct{}

func (h hideSource) Enter(n ast.Node) ast.Visitor {
	if fn, ok := n.(*ast.FunctionLiteral); ok {
		name := ""
		if fn.Name != nil {
			name = fn.Name.Name
		}
		if !strings.Contains(fn.Source, "arguments") {
			// A parameter of this name saves making an arguments object.
			fn.ParameterList.List = append(fn.ParameterList.List, identifier("arguments", 0))
		}
		fn.Source = nativeSource(name)
	}
	return h
}

func (hideSource) Exit(ast.Node) {}

// exposeNames adds to what the prelude returns a list of all that it declares,
// so that install can make it unchangeable: a callback's caller is one of these
// functions, and a property left on it would be there for the next request.
func exposeNames(program *ast.Program) {
	fn := program.Body[0].(*ast.ExpressionStatement).Expression.(*ast.FunctionLiteral)
	list := &ast.ArrayLiteral{}
	for _, d := range fn.DeclarationList {
		switch d := d.(type) {
		case *ast.FunctionDeclaration:
			list.Value = append(list.Value, identifier(d.Function.Name.Name, 0))
		case *ast.VariableDeclaration:
			for _, v := range d.List {
				list.Value = append(list.Value, identifier(v.Name, 0))
			}
		}
	}
	body := fn.Body.(*ast.BlockStatement).List
	result := body[len(body)-1].(*ast.ReturnStatement).Argument.(*ast.ObjectLiteral)
	result.Value = append(result.Value, ast.Property{Key: "declared", Kind: "value", Value: list})
}

// inherited are the names that the prototypes of the standard library have.
// Those are read-only here, and an object that inherits a read-only property
// can't be assigned one of its own: toString, say. Assignments to these names,
// and only these, go through vm.key, which makes them work.
var inherited = func() map[string]bool {
	m := map[string]bool{"__proto__": true}
	for name := range strings.FieldsSeq(`
		constructor toString toLocaleString valueOf hasOwnProperty isPrototypeOf propertyIsEnumerable
		apply call bind length caller arguments name message toJSON
		concat lastIndexOf pop push reverse shift unshift slice sort splice indexOf join forEach filter map every
		some reduce reduceRight find findIndex includes fill flat flatMap keys values entries copyWithin at
		charAt charCodeAt codePointAt localeCompare match replace search split substr substring startsWith endsWith
		trim trimLeft trimRight trimStart trimEnd toLowerCase toUpperCase toLocaleLowerCase toLocaleUpperCase
		repeat padStart padEnd normalize replaceAll
		exec test compile source global ignoreCase multiline lastIndex flags
		toFixed toExponential toPrecision getTime setTime toISOString`) {
		m[name] = true
	}
	delete(m, "name")    // Error.prototype has accessors for these two, being
	delete(m, "message") // assigned so often
	return m
}()

// install runs the prelude in a new VM.
func (v *vm) install() error {
	bridge, err := v.bridge()
	if err != nil {
		return err
	}
	roots := []otto.Value{bridge.Value()}
	for _, program := range v.script.prelude {
		run, err := v.otto.Run(program)
		if err != nil {
			return err
		}
		lib, err := run.Call(undefined, bridge)
		if err != nil {
			return err
		}
		if err := v.keep(lib); err != nil {
			return err
		}
		declared, err := lib.Object().Get("declared")
		if err != nil {
			return err
		}
		for _, i := range declared.Object().Keys() {
			val, err := declared.Object().Get(i)
			if err != nil {
				return err
			}
			roots = append(roots, val)
		}
		roots = append(roots, lib)
	}
	if err := v.installHost(); err != nil {
		return err
	}
	if err := v.bindSecrets(); err != nil {
		return err
	}
	if v.datePrototype, err = v.otto.Run("Date.prototype"); err != nil {
		return err
	}
	return v.hardenAll(roots...)
}

// keep takes what the prelude has for Go.
func (v *vm) keep(lib otto.Value) error {
	for name, dst := range map[string]*otto.Value{
		"attempt": &v.lib.attempt, "bind": &v.lib.bind, "object": &v.lib.object, "create": &v.lib.create, "array": &v.lib.array, "define": &v.lib.define,
		"defineProperty": &v.lib.property, "permit": &v.lib.permit, "setLength": &v.lib.setLength, "requestPrototype": &v.lib.request, "text": &v.lib.text,
		"remove": &v.lib.remove, "bytes": &v.lib.bytes, "freeze": &v.lib.freeze,
		"names": &v.lib.names, "fix": &v.lib.fix, "number": &v.lib.number, "regexp": &v.lib.regexp, "setTime": &v.lib.setTime,
	} {
		val, err := lib.Object().Get(name)
		if err != nil {
			return err
		}
		if val.IsObject() {
			*dst = val
		}
	}
	for _, name := range []string{"URL", "URLSearchParams"} {
		val, err := lib.Object().Get(name)
		if err != nil || !val.IsFunction() {
			return err
		}
		if err := v.global.Set(name, val); err != nil {
			return err
		}
	}
	return nil
}
