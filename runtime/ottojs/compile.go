package ottojs

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/robertkrimen/otto/ast"
	"github.com/robertkrimen/otto/file"
	"github.com/robertkrimen/otto/parser"

	"github.com/fazt-sh/fazt/runtime"
)

// module is one file of a program, parsed and instrumented. The syntax tree is
// not changed any more, so VMs share it.
type module struct {
	name    string
	program *ast.Program
	depth   int             // how deep its expressions and statements nest
	uses    map[string]bool // identifiers that occur in it
	free    *freeNames

	arguments []string // those of moduleParameters that it uses
}

func (m *module) position(at int) *file.Position { return m.program.File.Position(file.Idx(at)) }

// Text around a file while it is parsed, so that return is allowed at its top
// level. The tree's positions are mapped back by giving its file another base.
const (
	before = "(function(){"
	after  = "\n})"
)

func isScript(name string) bool { return strings.HasSuffix(name, ".js") }

// compile parses a file and instruments it.
func compile(name, text string, main bool, passOn map[string]bool) (*module, error) {
	program, err := parse(name, text)
	if err != nil {
		return nil, syntaxError(name, text, len(before), err)
	}
	body := wrapped(program, len(text))
	if body == nil {
		// The file closes the function around it and opens another. By itself
		// it doesn't parse, which gives the error its place.
		if _, err = parser.ParseFile(nil, name, text, 0); err == nil {
			err = errors.New("unexpected token }")
		}
		return nil, syntaxError(name, text, 0, err)
	}
	program.File = file.NewFile(name, text, 1+len(before))
	if sm, err := parser.ReadSourceMap(name, inlineMap(text)); err == nil && sm != nil {
		program.File = program.File.WithSourceMap(sm)
	}
	rw := &rewriter{file: program.File, program: program, uses: make(map[string]bool)}
	free := findFreeNames(body)
	if main {
		rw.merge(body)
		rw.passOn(body, passOn)
		rw.findHandler(body)
	}
	rw.function(body)
	if rw.refusal != nil {
		return nil, rw.refusal
	}
	rw.deepest += instrumentArithmetic(body)
	if main {
		rw.finish(body)
	}
	m := &module{name: name, program: program, depth: rw.deepest, uses: rw.uses, free: free}
	for _, name := range moduleParameters {
		if !rw.uses[name] {
			continue
		}
		m.arguments = append(m.arguments, name)
		body.ParameterList.List = append(body.ParameterList.List, identifier(name, 0))
	}
	wrap(program, body)
	return m, nil
}

// parse parses a file. The beginning of a long one is tried first, since most that
// aren't ES5 are so from the beginning, and all their errors take long.
func parse(name, text string) (*ast.Program, error) {
	const beginning, many = 8 << 10, 20
	if len(text) > 2*beginning {
		_, err := parser.ParseFile(nil, name, before+text[:beginning], 0)
		if list, ok := errors.AsType[*parser.ErrorList](err); ok {
			first := slices.IndexFunc(*list, func(e *parser.Error) bool {
				return offsetOf(text, e.Position.Line, e.Position.Column, len(before)) > beginning-1024
			})
			if first > many || first < 0 && len(*list) > many {
				return nil, err // the cut is not the cause of these
			}
		}
	}
	return parser.ParseFile(nil, name, before+text+after, 0)
}

// wrapped returns the function that the parsed text consists of, or nil if it
// consists of something else.
func wrapped(program *ast.Program, length int) *ast.FunctionLiteral {
	if len(program.Body) != 1 {
		return nil
	}
	stmt, ok := program.Body[0].(*ast.ExpressionStatement)
	if !ok {
		return nil
	}
	fn, ok := stmt.Expression.(*ast.FunctionLiteral)
	if !ok || fn.Body.Idx1() != file.Idx(1+len(before)+length+len(after)-1) {
		return nil
	}
	return fn
}

// inlineMap returns the source map that a bundler put into the last line.
func inlineMap(text string) any {
	const prefix = "//# sourceMappingURL=data:application/json"
	last := strings.TrimRight(text, "\r\n")
	last = last[strings.LastIndexByte(last, '\n')+1:]
	if !strings.HasPrefix(last, prefix) {
		return nil
	}
	_, data, ok := strings.Cut(last, ",")
	raw, err := base64.StdEncoding.DecodeString(data)
	if !ok || err != nil {
		return nil
	}
	return bytes.NewReader(raw)
}

// syntaxError places the parser's first error in the author's text.
func syntaxError(name, text string, shift int, err error) error {
	e := &runtime.Error{Code: runtime.CodeSyntax, Name: "SyntaxError", File: name, Message: err.Error()}
	list, ok := errors.AsType[*parser.ErrorList](err)
	if !ok || len(*list) == 0 {
		return e
	}
	first := (*list)[0]
	offset := offsetOf(text, first.Position.Line, first.Position.Column, shift)
	e.Message = first.Message
	if newer, at := newerSyntax(text, offset); newer != "" {
		e.Code, e.Message = runtime.CodeUnsupported, newer+" is newer than otto's language, ES5 ("+first.Message+")"
		offset = at
	}
	if offset == len(text) && e.Code == runtime.CodeSyntax {
		e.Message = "Unexpected end of the file" // the parser went on into what was put behind it
	}
	e.Line, e.Column = position(text, offset)
	if strings.HasPrefix(first.Message, "Invalid regular expression") {
		e.Code, e.Message = runtime.CodeUnsupported, "otto can't have this regular expression"
		if reason := patternRefusal(regexpAt(text, offset)); reason != "" {
			e.Message = reason
		}
	}
	return e
}

// offsetOf is where a position of the parser is in a text that had shift more
// bytes in its first line. What is behind the text is at its end.
func offsetOf(text string, line, column, shift int) int {
	if line == 1 {
		return min(max(column-1-shift, 0), len(text))
	}
	offset := 0
	for range line - 1 {
		i := strings.IndexByte(text[offset:], '\n')
		if i < 0 {
			return len(text)
		}
		offset += i + 1
	}
	return min(offset+column-1, len(text))
}

// position counts from 1, columns in bytes.
func position(text string, offset int) (line, column int) {
	head := text[:offset]
	return 1 + strings.Count(head, "\n"), offset - strings.LastIndexByte(head, '\n')
}

// The identifiers below can't be written in JavaScript, as they contain a
// space, and they are bound by a function around the one that holds the file.
// So no code can name, shadow or pass them.
const (
	idKey       = "key ()"     // checks a property that is being assigned
	idSum       = "sum ()"     // the result of +
	idPassed    = "passed ()"  // calls a host function for the visitor
	idMethod    = "method ()"  // the name of a method
	idNumber    = "number ()"  // an operand as a number
	idInt32     = "int32 ()"   // an operand as a number of 32 bits
	idLess      = "less ()"    // one of <, >, <= and >=
	idEqual     = "equal ()"   // ==
	idSetLength = "set length" // array.length = n
	idObject    = "object ()"  // what for...in walks
	idNames     = "names ()"   // an object with the properties that it is to visit
	idMade      = "made ()"    // takes an error that was made
	idCatches   = "catches ()" // takes what was caught
	idRight     = "right ()"   // the right side of in and instanceof
	idHere      = "here ()"    // notes a place for errors
	idThrow     = "throw ()"   // notes where a value was thrown
	idEnd       = "end ()"     // the main file's end was reached; returns the function to call
	idCaught    = "caught ()"  // takes what the main file throws
	idRequest   = "request ()" // the request, for the main file's function
	idNext      = "next ()"    // that function
	idThrown    = "was thrown" // what the main file throws
	idLast      = "last value" // the main file's completion value
	idCalled    = "was called" // the main file's handler has been called
)

// secretParameters are those of the function around the one that holds a file.
var secretParameters = []string{idKey, idSum, idPassed, idMethod, idNumber, idInt32, idLess, idEqual, idSetLength, idObject, idNames, idMade, idCatches, idHere, idRight, idThrow, idEnd, idCaught}

// moduleParameters are those of the function that holds a file, as far as the
// file uses them: otto's calls take time for each.
var moduleParameters = []string{"exports", "require", "module", "request", idRequest}

// wrap makes the program an expression that evaluates to a function of the
// secret values, which returns the function that holds the file.
func wrap(program *ast.Program, body *ast.FunctionLiteral) {
	// A parameter named arguments keeps otto from making an arguments object,
	// whose callee would lead to this function.
	body.ParameterList.List = append(body.ParameterList.List, identifier("arguments", 0))
	outer := &ast.FunctionLiteral{
		Source:        nativeSource(""),
		ParameterList: &ast.ParameterList{},
		Body:          &ast.BlockStatement{List: []ast.Statement{&ast.ReturnStatement{Argument: body}}},
	}
	for _, name := range secretParameters {
		outer.ParameterList.List = append(outer.ParameterList.List, identifier(name, 0))
	}
	body.Source = nativeSource("")
	program.Body = []ast.Statement{&ast.ExpressionStatement{Expression: outer}}
	program.DeclarationList = nil
}

func nativeSource(name string) string { return "function " + name + "() { [native code] }" }

func identifier(name string, at file.Idx) *ast.Identifier {
	return &ast.Identifier{Name: name, Idx: at}
}
