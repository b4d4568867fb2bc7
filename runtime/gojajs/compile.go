package gojajs

import (
	"bytes"
	"encoding/base64"
	"errors"
	"reflect"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/parser"
	"github.com/dop251/goja/token"
	"github.com/dop251/goja/unistring"
	"github.com/go-sourcemap/sourcemap"

	"github.com/fazt-sh/fazt/runtime"
)

// module is one file of a program. Its compiled program is not changed any
// more, so VMs share it: it evaluates to the function that holds the file.
type module struct {
	name    string
	program *goja.Program
	async   bool            // it awaits at its top level
	uses    map[string]bool // identifiers that occur in it
}

// Text around a file while it is parsed, so that return is allowed at its top
// level, and await in the main file.
const (
	before      = "(function(){"
	beforeAsync = "(async function(){"
	after       = "\n})"
)

// parsed is a file that is to be compiled.
type parsed struct {
	*mended
	name, text string
	main       bool
	err        error
	missing    *missing // nil if it wants nothing that isn't there
}

// compile instruments a file and compiles it. What the file mentions is added to
// what rw has. check is called between the passes.
func (f *parsed) compile(rw *rewriter, check func() error) (*module, error) {
	name, text, main := f.name, f.text, f.main
	if f.err == nil {
		f.err = f.settle()
	}
	if f.err != nil {
		return nil, syntaxError(name, text, len(before), f.err)
	}
	program, body := f.program, f.body
	program.File = file.NewFile(name, text, 1)
	if sm := inlineMap(text); sm != nil {
		program.File.SetSourceMap(sm)
	}
	rw.file, rw.uses, rw.skip = program.File, make(map[string]bool), make(map[any]bool)
	rw.text, rw.body = text, body
	if mayMiss(text) {
		f.missing = findMissing(body)
	}
	f.lower(rw)
	finish := main
	if handler := onlyHandler(body); main && handler != nil {
		body, finish = handler, false
		body.ParameterList = parameters(nil) // request is one of the file's
	}
	if finish {
		rw.findHandler(body)
	}
	if main {
		passOn(f.body, rw.passOn)
	}
	if err := check(); err != nil {
		return nil, err
	}
	elsewhere := rw.mentions.values["Date"]
	delete(rw.mentions.values, "Date")
	rw.walk(reflect.ValueOf(body))
	rw.finishDates()
	if elsewhere {
		rw.mentions.values["Date"] = true
	}
	if rw.refusal != nil {
		return nil, rw.refusal
	}
	if finish {
		rw.finish(body)
	}
	wrap(program, body, rw.uses["arguments"])
	if err := check(); err != nil {
		return nil, err
	}
	compiled, err := goja.CompileAST(program, false)
	if err != nil {
		if m, failed := f.again(rw, err, check); m != nil || failed != nil {
			return m, failed
		}
		return nil, compileError(name, err)
	}
	return &module{name: name, program: compiled, async: f.prefix == beforeAsync, uses: rw.uses}, nil
}

// parseFile parses a file. The main file is an asynchronous function if it awaits at
// its top level; elsewhere await is a name like any other.
func parseFile(name, text string, main bool, check func() error) *parsed {
	f := &parsed{name: name, text: text, main: main}
	if main && strings.Contains(text, "await") {
		f.mended, f.err = parse(name, beforeAsync, text, check)
		if f.err == nil && f.awaits() {
			return f
		}
	}
	f.mended, f.err = parse(name, before, text, check)
	return f
}

// awaits tells whether a file has an await, or a for await, that isn't in another
// function.
func (m *mended) awaits() (found bool) {
	nodes(reflect.ValueOf(m.body.Body), make(map[any]bool), func(node any) bool {
		switch n := node.(type) {
		case *ast.AwaitExpression:
			found = true
		case *ast.ForOfStatement:
			found = found || m.loops[m.author(int(n.For)-1-len(m.prefix))]
		case *ast.FunctionLiteral, *ast.ArrowFunctionLiteral, *ast.ClassLiteral:
			return false
		}
		return !found
	})
	return found
}

func parse(name, prefix, text string, check func() error) (*mended, error) {
	m, err := mend(name, prefix, text, after, check)
	if err != nil {
		return nil, err
	}
	if m.body == nil {
		// The file closes the function around it and opens another. By itself
		// it doesn't parse, which gives the error its place.
		if _, err = parser.ParseFile(nil, name, strings.Repeat(" ", len(before))+text, 0, parser.WithDisableSourceMaps); err == nil {
			err = errors.New("unexpected token }")
		}
		return nil, err
	}
	return m, nil
}

// wrapped returns the function that a text of some length consists of, which is in
// parentheses, or nil if it consists of something else.
func wrapped(program *ast.Program, length int) *ast.FunctionLiteral {
	if len(program.Body) != 1 {
		return nil
	}
	stmt, ok := program.Body[0].(*ast.ExpressionStatement)
	if !ok {
		return nil
	}
	fn, ok := stmt.Expression.(*ast.FunctionLiteral)
	if !ok || fn.Body.RightBrace != file.Idx(length-1) {
		return nil
	}
	return fn
}

// inlineMap returns the source map that a bundler put into the last line.
func inlineMap(text string) *sourcemap.Consumer {
	const prefix = "//# sourceMappingURL=data:application/json"
	last := strings.TrimRight(text, "\r\n")
	last = last[strings.LastIndexByte(last, '\n')+1:]
	if !strings.HasPrefix(last, prefix) {
		return nil
	}
	_, data, _ := strings.Cut(last, ",")
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return nil
	}
	sm, err := sourcemap.Parse("", bytes.TrimSpace(raw))
	if err != nil {
		return nil
	}
	return sm
}

// each visits all that a tree consists of, once, but the insides of a bigint.
func each(v reflect.Value, seen map[any]bool, visit func(reflect.Value)) {
	switch v.Kind() {
	case reflect.Interface:
		each(v.Elem(), seen, visit)
	case reflect.Pointer:
		if v.IsNil() || v.Type() == reflect.TypeFor[*file.File]() || seen[v.Interface()] {
			return
		}
		seen[v.Interface()] = true
		each(v.Elem(), seen, visit)
	case reflect.Struct:
		for i := range v.NumField() {
			each(v.Field(i), seen, visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			each(v.Index(i), seen, visit)
		}
	default:
		if v.IsValid() && v.CanInterface() {
			visit(v)
		}
	}
}

// nodes visits the nodes of a tree once, a node before its children, which are left
// out if visit returns false.
func nodes(v reflect.Value, seen map[any]bool, visit func(node any) bool) {
	switch v.Kind() {
	case reflect.Interface:
		nodes(v.Elem(), seen, visit)
	case reflect.Pointer:
		if v.IsNil() || seen[v.Interface()] {
			return
		}
		seen[v.Interface()] = true
		if visit(v.Interface()) {
			nodes(v.Elem(), seen, visit)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			nodes(v.Field(i), seen, visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			nodes(v.Index(i), seen, visit)
		}
	}
}

// syntaxError places the parser's first error in the author's text.
func syntaxError(name, text string, shift int, err error) error {
	if e, ok := errors.AsType[*runtime.Error](err); ok {
		return e
	}
	e := &runtime.Error{Code: runtime.CodeSyntax, Name: "SyntaxError", File: name, Message: err.Error()}
	var list parser.ErrorList
	if !errors.As(err, &list) || len(list) == 0 {
		return e
	}
	first := list[0]
	e.Message, e.Line, e.Column = first.Message, first.Position.Line, first.Position.Column
	if e.Line == 1 {
		e.Column = max(e.Column-shift, 1)
	}
	if last := 1 + strings.Count(text, "\n"); e.Line > last {
		// The parser went on into what was put behind the text.
		e.Message, e.Line, e.Column = "Unexpected end of the file", last, len(text)-strings.LastIndexByte(text, '\n')
	}
	if first.Message == "Invalid UTF-8 character" {
		e.Message = "the file is not UTF-8 here; save it as UTF-8"
	}
	if hint := unsupported(text, e.Line, e.Column); hint != "" {
		e.Code, e.Message = runtime.CodeUnsupported, hint
	}
	return e
}

// unsupported says what to write instead of a part of the language that goja
// doesn't know, if that is what the parser stopped at, or right behind.
func unsupported(text string, line, column int) string {
	for range line - 1 {
		_, text, _ = strings.Cut(text, "\n")
	}
	text, _, _ = strings.Cut(text, "\n")
	at := min(column-1, len(text))
	before, rest := strings.TrimRight(text[:at], " "), text[at:]
	is := func(word string) bool { return strings.HasPrefix(rest, word) || strings.HasSuffix(before, word) }
	switch {
	case is("import"):
		return "import is for handlers that are bundled, as fazt app deploy does; deploy the folder by it, or write const x = require('./x')"
	case is("export"):
		return "export is for handlers that are bundled, as fazt app deploy does; deploy the folder by it, or write module.exports = function (request) { ... }, or exports.name = ... in a file that others require"
	}
	return ""
}

// compileError is for what goja finds only when it compiles, such as a variable
// that is declared twice.
func compileError(name string, err error) error {
	e := &runtime.Error{Code: runtime.CodeSyntax, Name: "SyntaxError", File: name, Message: err.Error()}
	var ce *goja.CompilerSyntaxError
	if errors.As(err, &ce) {
		e.Message = ce.Message
		if ce.File != nil {
			p := ce.File.Position(ce.Offset)
			e.File, e.Line, e.Column = p.Filename, p.Line, p.Column
		}
	}
	return e
}

// The identifiers below can't be written in JavaScript, as they contain a
// space. So no code can name or shadow them.
const (
	idInside = "inside ()"  // the properties below
	idLast   = "last value" // the main file's completion value
	idCalled = "was called" // the main file's handler has been called
)

// moduleParameters are what the function gets that holds a file.
var moduleParameters = [moduleArguments]string{"exports", "require", "module", "request", idInside}

const moduleArguments = 5

// wrap makes the program an expression that evaluates to the function that
// holds the file.
func wrap(program *ast.Program, body *ast.FunctionLiteral, usesArguments bool) {
	body.ParameterList = parameters(moduleParameters[:])
	body.Source = nativeSource
	if usesArguments {
		for _, key := range []ast.Expression{
			&ast.NumberLiteral{Idx: 1, Literal: "4", Value: int64(len(moduleParameters) - 1)},
			&ast.StringLiteral{Idx: 1, Literal: `"callee"`, Value: "callee"},
		} {
			body.Body.List = behindDirectives(body.Body.List, hideArgument(key))
		}
	}
	program.Body = []ast.Statement{&ast.ExpressionStatement{Expression: body}}
	program.DeclarationList = nil
}

// hideArgument takes a property out of the file's arguments: idInside, and the
// file's function, which could be called with another object in its place. A
// file that declares a variable called arguments has none, which the statement
// may fail at, as for strict code's callee, which there is no way to reach.
func hideArgument(key ast.Expression) ast.Statement {
	property := &ast.BracketExpression{Left: identifier("arguments", 1), LeftBracket: 1, RightBracket: 1, Member: key}
	hide := &ast.ExpressionStatement{Expression: &ast.UnaryExpression{Operator: token.DELETE, Idx: 1, Operand: property}}
	return &ast.TryStatement{Try: 1, Body: block(hide), Catch: &ast.CatchStatement{Catch: 1, Body: block()}}
}

func block(list ...ast.Statement) *ast.BlockStatement {
	return &ast.BlockStatement{LeftBrace: 1, List: list, RightBrace: 1}
}

const nativeSource = "function () { [native code] }"

// nativeSourceOf is the source of a function of the library's.
func nativeSourceOf(name *ast.Identifier) string {
	if name == nil {
		return nativeSource
	}
	return "function " + name.Name.String() + "() { [native code] }"
}

func parameters(names []string) *ast.ParameterList {
	list := &ast.ParameterList{Opening: 1, Closing: 1}
	for _, name := range names {
		list.List = append(list.List, &ast.Binding{Target: identifier(name, 1)})
	}
	return list
}

func identifier(name string, at file.Idx) *ast.Identifier {
	return &ast.Identifier{Name: unistring.NewFromString(name), Idx: at}
}
