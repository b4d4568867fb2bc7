package site

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/parser"
	"github.com/dop251/goja/token"

	"github.com/fazt-sh/fazt/runtime"
)

// maxRead is up to which size a main file is read for what it answers with: what is
// larger was made by a program.
const maxRead = 256 << 10

// CheckAnswers refuses a main file that defines functions, and never can answer a request
// by one, with the place of the first that was meant to: a lone function called handle,
// or exports.handler, as other platforms have them. Any code at the top that could
// respond by itself is taken to. The source must have been loaded before, which bounds
// how deep it nests.
func CheckAnswers(source runtime.Source) error {
	text := source.Files[source.Main]
	if len(text) > maxRead || source.Maps[source.Main] != "" {
		return nil
	}
	// A function may have a return, as a script here may.
	const open, end = "(function(){", "\n})"
	program, err := parser.ParseFile(nil, "", open+text+end, 0, parser.WithDisableSourceMaps)
	if err != nil || len(program.Body) != 1 {
		return nil // a module, or of an engine's own language
	}
	statement, _ := program.Body[0].(*ast.ExpressionStatement)
	if statement == nil {
		return nil
	}
	main, _ := statement.Expression.(*ast.FunctionLiteral)
	if main == nil {
		return nil
	}
	r := &mainReader{}
	for _, s := range main.Body.List {
		if !r.read(s) {
			return nil
		}
	}
	found, ok := r.found()
	if !ok {
		return nil
	}
	line, column, sourceLine := placeIn(text, int(found.at)-1-len(open))
	return invalid(&runtime.Error{Code: runtime.CodeLoad, Message: found.advice(),
		File: source.Main, Line: line, Column: column, SourceLine: sourceLine})
}

// placeIn is where a byte of a text is, counted from 1, and that line.
func placeIn(text string, offset int) (line, column int, sourceLine string) {
	offset = min(max(offset, 0), len(text))
	start := strings.LastIndexByte(text[:offset], '\n') + 1
	sourceLine, _, _ = strings.Cut(text[start:], "\n")
	const most = 400
	if sourceLine = strings.TrimSuffix(sourceLine, "\r"); len(sourceLine) > most {
		sourceLine = strings.ToValidUTF8(sourceLine[:most], "")
	}
	return 1 + strings.Count(text[:start], "\n"), offset - start + 1, sourceLine
}

// mainReader finds what of a main file could have been meant to answer.
type mainReader struct {
	functions []definition
	exports   []definition
}

// definition is a function with a name, or what is exported under one.
type definition struct {
	name   string
	at     int // a byte, from 1
	export bool
}

func (d definition) advice() string {
	if d.export {
		return fmt.Sprintf("nothing here answers a request: %s is not looked at; write module.exports = function (request) { ... }", d.name)
	}
	return fmt.Sprintf("nothing here answers a request: %s is never called; call it handler, or write %s(request) as the last line", d.name, d.name)
}

// found is what was most likely meant.
func (r *mainReader) found() (definition, bool) {
	if len(r.exports) > 0 {
		return r.exports[0], true
	}
	for _, name := range []string{"handle", "main", "index", "handleRequest", "onRequest", "fetch", "GET"} {
		if i := slices.IndexFunc(r.functions, func(d definition) bool { return d.name == name }); i >= 0 {
			return r.functions[i], true
		}
	}
	if len(r.functions) > 0 {
		return r.functions[len(r.functions)-1], true
	}
	return definition{}, false
}

// read reads a statement at the top, and reports false when it may answer, or defines
// what does.
func (r *mainReader) read(s ast.Statement) bool {
	switch s := s.(type) {
	case *ast.EmptyStatement, *ast.ClassDeclaration:
		return true
	case *ast.FunctionDeclaration:
		return r.function(s.Function.Name, int(s.Idx0()))
	case *ast.VariableStatement:
		return r.bindings(s.List)
	case *ast.LexicalDeclaration:
		return r.bindings(s.List)
	case *ast.ExpressionStatement:
		switch e := s.Expression.(type) {
		case *ast.StringLiteral: // a directive
			return true
		case *ast.AssignExpression:
			return r.assignment(e)
		}
	}
	return false
}

func (r *mainReader) function(name *ast.Identifier, at int) bool {
	if name == nil || name.Name == "handler" {
		return false
	}
	r.functions = append(r.functions, definition{name: name.Name.String(), at: at})
	return true
}

func (r *mainReader) bindings(list []*ast.Binding) bool {
	for _, b := range list {
		name, _ := b.Target.(*ast.Identifier)
		if name == nil { // a pattern
			if names(b.Target, "handler") || !isInert(b.Initializer) {
				return false
			}
			continue
		}
		switch {
		case name.Name == "handler":
			return false
		case isFunction(b.Initializer):
			if !r.function(name, int(name.Idx)) {
				return false
			}
		case !isInert(b.Initializer):
			return false
		}
	}
	return true
}

// assignment reads a chain of them, such as exports = module.exports = f.
func (r *mainReader) assignment(e *ast.AssignExpression) bool {
	if e.Operator != token.ASSIGN {
		return isInert(e)
	}
	if next, ok := e.Right.(*ast.AssignExpression); ok {
		if !r.assignment(next) {
			return false
		}
	} else if !isFunction(e.Right) && !isInert(e.Right) {
		return false
	}
	at := int(e.Idx0())
	switch path := pathOf(e.Left); {
	case path == "module.exports":
		object, isObject := e.Right.(*ast.ObjectLiteral)
		if !isObject {
			return false
		}
		if len(object.Value) > 0 {
			r.exports = append(r.exports, definition{name: "a property of module.exports", at: at, export: true})
		}
	case strings.HasPrefix(path, "module.exports.") || strings.HasPrefix(path, "exports."):
		if !strings.HasSuffix(path, ".__esModule") {
			r.exports = append(r.exports, definition{name: path, at: at, export: true})
		}
	case path == "handler" || strings.HasSuffix(path, ".handler"):
		return false
	case path != "" && !strings.Contains(path, ".") && isFunction(e.Right):
		r.functions = append(r.functions, definition{name: path, at: at})
	}
	return true
}

// pathOf is a name with the properties that follow it, "module.exports", or "".
func pathOf(e ast.Expression) string {
	switch e := e.(type) {
	case *ast.Identifier:
		return e.Name.String()
	case *ast.DotExpression:
		if left := pathOf(e.Left); left != "" {
			return left + "." + e.Identifier.Name.String()
		}
	case *ast.BracketExpression:
		if key, ok := e.Member.(*ast.StringLiteral); ok {
			if left := pathOf(e.Left); left != "" {
				return left + "." + key.Value.String()
			}
		}
	}
	return ""
}

func isFunction(e ast.Expression) bool {
	switch e.(type) {
	case *ast.FunctionLiteral, *ast.ArrowFunctionLiteral:
		return true
	}
	return false
}

// inertGlobals call no function of the app's, as long as they are given none.
var inertGlobals = []string{
	"require", "fazt", "console", "crypto", "Object", "JSON", "Math", "Number", "String", "Boolean", "Date", "Array", "Symbol", "BigInt",
	"RegExp", "Map", "Set", "WeakMap", "WeakSet", "Error", "URL", "URLSearchParams", "TextEncoder", "TextDecoder", "Intl", "parseInt",
	"parseFloat", "Uint8Array",
}

// isInert reports whether to evaluate an expression surely calls none of the app's
// functions, and doesn't respond.
func isInert(e ast.Expression) bool {
	inert := true
	visit(reflect.ValueOf(e), func(node any) bool {
		switch n := node.(type) {
		case *ast.FunctionLiteral, *ast.ArrowFunctionLiteral:
			return false // is made, and not called
		case *ast.Identifier:
			inert = inert && n.Name != "respond"
		case *ast.CallExpression:
			inert = inert && isInertCall(n.Callee, n.ArgumentList)
		case *ast.NewExpression:
			inert = inert && isInertCall(n.Callee, n.ArgumentList)
		case *ast.TemplateLiteral:
			inert = inert && n.Tag == nil
		case *ast.AwaitExpression, *ast.YieldExpression, *ast.ClassLiteral, *ast.BadExpression:
			inert = false
		}
		return inert
	})
	return inert
}

func isInertCall(callee ast.Expression, arguments []ast.Expression) bool {
	root, _, _ := strings.Cut(pathOf(callee), ".")
	return slices.Contains(inertGlobals, root) && !slices.ContainsFunc(arguments, isFunction)
}

// names reports whether a pattern has a name.
func names(pattern any, name string) bool {
	found := false
	visit(reflect.ValueOf(pattern), func(node any) bool {
		if id, ok := node.(*ast.Identifier); ok {
			found = found || id.Name.String() == name
		}
		if short, ok := node.(*ast.PropertyShort); ok {
			found = found || short.Name.Name.String() == name
		}
		return !found
	})
	return found
}

// visit calls f with the nodes of a syntax tree, and goes below those for which it says
// true.
func visit(v reflect.Value, f func(node any) bool) {
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			visit(v.Elem(), f)
		}
	case reflect.Pointer:
		if !v.IsNil() && f(v.Interface()) {
			visit(v.Elem(), f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				visit(v.Field(i), f)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			visit(v.Index(i), f)
		}
	}
}

// scriptNames begin the names of what other platforms take for a handler.
var scriptNames = []string{"index", "handler", "server", "app", "_worker", "[[path]]", "hello"}

// checkMain refuses an app whose handler is where other platforms have theirs, so that
// nothing would run it.
func (s *Site) checkMain() error {
	if _, ok := s.index[MainPath]; ok {
		return nil
	}
	pages := false // such as an API's documentation has
	misnamed, first := "", ""
	for _, f := range s.files {
		name, below := strings.CutPrefix(f.path, "api/")
		if !below {
			continue
		}
		pages = pages || strings.HasSuffix(name, ".html")
		stem, extension, _ := strings.Cut(name, ".")
		if stem == "main" {
			return nil // it is bundled before it is deployed
		}
		if !slices.Contains([]string{"js", "mjs", "cjs", "ts", "mts", "tsx", "jsx"}, extension) {
			continue
		}
		first = cmp.Or(first, f.path)
		if slices.Contains(scriptNames, stem) {
			misnamed = cmp.Or(misnamed, f.path)
		}
	}
	if misnamed != "" && !pages {
		return invalid(fmt.Errorf("%s:1: nothing runs this file: the handler is %s, which answers every path under /api; rename it", misnamed, MainPath))
	}
	if first != "" {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%s:1: nothing runs this file, and nothing serves it, without the handler %s", first, MainPath))
	}
	return nil
}
