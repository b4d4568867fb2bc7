package ottojs

import (
	_ "embed"
	"maps"
	"slices"
	"strings"

	"github.com/robertkrimen/otto"
	"github.com/robertkrimen/otto/ast"
	"github.com/robertkrimen/otto/file"
	"github.com/robertkrimen/otto/parser"

	"github.com/fazt-sh/fazt/runtime/internal/js"
)

const preludeName = "<prelude>"

// The prelude is what otto needs to be safe, then what it lacks.
//
//go:embed prelude.js
var preludeSource string

//go:embed library.js
var librarySource string

// preludes are the files of the prelude, compiled once for all VMs.
type preludes struct {
	base  []*otto.Script // runs when a VM is made
	intl  *otto.Script   // when a program reaches for Intl
	web   *otto.Script   // when a program reaches for one of webGlobals
	empty *otto.Script   // see vm.newObject
}

func compilePreludes() (*preludes, error) {
	var all []*otto.Script
	for _, source := range []string{preludeSource, librarySource, js.WebLibrary, js.IntlLibrary} {
		text, err := hideFunctions(source)
		if err != nil {
			return nil, err
		}
		script, err := otto.New().Compile(preludeName, text)
		if err != nil {
			return nil, err
		}
		all = append(all, script)
	}
	empty, err := otto.New().Compile(preludeName, "({})")
	if err != nil {
		return nil, err
	}
	return &preludes{base: all[:2], web: all[2], intl: all[3], empty: empty}, nil
}

// nativeMark begins the parameters of the prelude's functions, so that
// functionText knows them.
const nativeMark = "/*native*/"

// hideFunctions changes the text of a file of the prelude. Its functions print
// as native code, and make no arguments object unless they use it: a parameter
// of that name keeps otto from that. What the file returns gets a list of all
// that it declares, so that install can make it unchangeable: a callback's
// caller is one of these functions, and a property left on it would be there for
// the next request.
func hideFunctions(source string) (string, error) {
	program, err := parser.ParseFile(nil, preludeName, source, 0)
	if err != nil {
		return "", err
	}
	edits := make(insertions)
	ast.Walk(edits, program)
	fn := program.Body[0].(*ast.ExpressionStatement).Expression.(*ast.FunctionLiteral)
	body := fn.Body.(*ast.BlockStatement).List
	result := body[len(body)-1].(*ast.ReturnStatement).Argument.(*ast.ObjectLiteral)
	edits[result.RightBrace] = ", declared: [" + strings.Join(declared(fn), ", ") + "]"
	return edits.apply(source), nil
}

func declared(fn *ast.FunctionLiteral) (names []string) {
	for _, d := range fn.DeclarationList {
		switch d := d.(type) {
		case *ast.FunctionDeclaration:
			names = append(names, d.Function.Name.Name)
		case *ast.VariableDeclaration:
			for _, v := range d.List {
				names = append(names, v.Name)
			}
		}
	}
	return names
}

// insertions are texts to insert, by where.
type insertions map[file.Idx]string

// Enter and Exit make it an [ast.Visitor] that marks functions.
func (in insertions) Enter(n ast.Node) ast.Visitor {
	if fn, ok := n.(*ast.FunctionLiteral); ok {
		params := fn.ParameterList
		in[params.Opening+1] = nativeMark
		if !strings.Contains(fn.Source, "arguments") {
			comma := ", "
			if len(params.List) == 0 {
				comma = ""
			}
			in[params.Closing] += comma + "arguments"
		}
	}
	return in
}

func (in insertions) Exit(ast.Node) {}

func (in insertions) apply(source string) string {
	var b strings.Builder
	done := 0
	for _, at := range slices.Sorted(maps.Keys(in)) {
		offset := int(at) - 1 // an Idx counts from 1
		b.WriteString(source[done:offset])
		b.WriteString(in[at])
		done = offset
	}
	b.WriteString(source[done:])
	return b.String()
}

// functionText is what Function.prototype.toString makes of a function's source.
func functionText(source string) string {
	if head, _, ok := strings.Cut(source, "("+nativeMark); ok && !strings.ContainsAny(head, "({") {
		return nativeSource(strings.TrimSpace(strings.TrimPrefix(head, "function")))
	}
	return source
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
		some reduce reduceRight find findIndex findLast findLastIndex toSorted toReversed toSpliced with includes fill flat flatMap keys values entries copyWithin at
		charAt charCodeAt codePointAt localeCompare match replace search split substr substring startsWith endsWith
		trim trimLeft trimRight trimStart trimEnd toLowerCase toUpperCase toLocaleLowerCase toLocaleUpperCase
		repeat padStart padEnd normalize replaceAll isWellFormed toWellFormed
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
	bridge, err := v.makeBridge()
	if err != nil {
		return err
	}
	v.bridge = bridge.Value()
	roots := []otto.Value{v.bridge}
	for _, script := range v.script.prelude.base {
		lib, own, err := v.runPrelude(script)
		if err != nil {
			return err
		}
		if err := v.keep(lib); err != nil {
			return err
		}
		roots = append(roots, own...)
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
	if err := v.hardenAll(roots...); err != nil {
		return err
	}
	return v.installWeb()
}

// runPrelude runs a file of the prelude. It returns what the file has for Go,
// and all that is to be made unchangeable.
func (v *vm) runPrelude(script *otto.Script) (lib otto.Value, own []otto.Value, err error) {
	run, err := v.otto.Run(script)
	if err != nil {
		return undefined, nil, err
	}
	if lib, err = run.Call(undefined, v.bridge); err != nil {
		return undefined, nil, err
	}
	list, err := lib.Object().Get("declared")
	if err != nil {
		return undefined, nil, err
	}
	for _, i := range list.Object().Keys() {
		val, err := list.Object().Get(i)
		if err != nil {
			return undefined, nil, err
		}
		own = append(own, val)
	}
	return lib, append(own, lib), nil
}

// webGlobals are made when they are first asked for: they are a fifth of a VM,
// and few programs use them.
var webGlobals = []string{"URL", "URLSearchParams", "Intl"}

// installWeb defines webGlobals as accessors, when all else is unchangeable.
func (v *vm) installWeb() error {
	for _, name := range webGlobals {
		get, err := v.otto.ToValue(native(func(otto.FunctionCall) otto.Value { return v.webGlobal(name) }))
		if err != nil {
			return err
		}
		if err := v.harden(get); err != nil {
			return err
		}
		d := v.newObject()
		v.set(d, "get", get)
		if _, err := v.lib.property.Call(undefined, v.global.Value(), name, d); err != nil {
			return err
		}
	}
	return nil
}

// webGlobal is one of webGlobals. If making them fails, as when the stack is
// nearly used up, the next call tries again.
func (v *vm) webGlobal(name string) otto.Value {
	made, script := &v.web, v.script.prelude.web
	if name == "Intl" {
		made, script = &v.intl, v.script.prelude.intl
	}
	if !made.IsObject() {
		lib, own, err := v.runPrelude(script)
		if err != nil {
			v.rethrow(err)
		}
		for _, root := range own {
			if err := v.harden(root); err != nil {
				v.rethrow(err)
			}
		}
		*made = lib
	}
	return v.get(*made, name)
}

// keep takes what the prelude has for Go.
func (v *vm) keep(lib otto.Value) error {
	for name, dst := range map[string]*otto.Value{
		"primitive": &v.lib.primitive, "equal": &v.lib.equal, "attempt": &v.lib.attempt, "inside": &v.lib.inside, "bind": &v.lib.bind, "create": &v.lib.create, "array": &v.lib.array, "plain": &v.lib.plain, "define": &v.lib.define,
		"defineProperty": &v.lib.property, "permit": &v.lib.permit, "setLength": &v.lib.setLength, "requestPrototype": &v.lib.request, "object": &v.lib.object, "tidy": &v.lib.tidy, "restack": &v.lib.restack, "visible": &v.lib.visible, "text": &v.lib.text,
		"remove": &v.lib.remove, "bytes": &v.lib.bytes, "freeze": &v.lib.freeze,
		"names": &v.lib.names, "fix": &v.lib.fix, "number": &v.lib.number, "regexp": &v.lib.regexp, "getTime": &v.lib.getTime, "setTime": &v.lib.setTime,
	} {
		val, err := lib.Object().Get(name)
		if err != nil {
			return err
		}
		if val.IsObject() {
			*dst = val
		}
	}
	return nil
}
