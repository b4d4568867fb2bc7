package gojajs

import (
	"reflect"
	"slices"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/token"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/brackets"
	"github.com/fazt-sh/fazt/runtime/internal/esregexp"
	"github.com/fazt-sh/fazt/runtime/internal/js"
)

// rewriter instruments a file's syntax tree in place:
//
//   - Every function body and every loop body begins with a checkpoint. goja's
//     interrupt can end a run between any two instructions, but only here can a
//     run wait: for its slot, or for the memory to be measured.
//   - What goja would do in one native step that nothing can interrupt goes
//     through a function of ours: ...x, and ** and its like on bigints.
//   - The result of + goes through a check, since text that grows with itself soon
//     is longer than can be copied in time.
//   - A property name that is computed goes through a check, since it may name
//     a native that has to be guarded first, see vm.key.
//
// It also collects what the file mentions, which tells the natives that it can
// reach, see features.go.
type rewriter struct {
	file     *file.File
	mentions *mentions
	uses     map[string]bool
	refusal  *runtime.Error
	seen     map[any]bool
	skip     map[any]bool // nodes whose mention isn't a value, and objects' spreads
	handler  bool         // the file declares handler at its top level
	handlers []any        // the functions that are it
	dates    dateUses     // see finishDates
	scopes   []scope
	caught   map[string]bool // names of what is caught, see again
	passOn   map[string]bool // names of host functions, see passer
	strict   int             // how many functions and classes are around that make code strict

	text     string // the file's
	body     *ast.FunctionLiteral
	brackets []brackets.Pair // nil until they are needed
	regexps  map[int]int     // where regular expressions were that have been replaced
	patterns float64         // what goja compiles of the literals so far costs, see maxOwnProgram
}

// mentions are the names in a program: all of them, and those whose value may
// be stored or passed on, rather than called or looked into.
type mentions struct {
	names, values map[string]bool
	bigints       bool // the program may have bigints
	arrays        bool // its syntax makes arrays
}

func (rw *rewriter) refuse(at file.Idx, reason string) {
	if rw.refusal == nil {
		p := rw.file.Position(int(at) - 1)
		rw.refusal = &runtime.Error{Code: runtime.CodeUnsupported, Message: reason, File: p.Filename, Line: p.Line, Column: p.Column}
	}
}

func (rw *rewriter) name(name string, value bool) {
	rw.mentions.names[name] = true
	if value {
		rw.mentions.values[name] = true
	}
}

// walk visits a tree, a node before its children, and gives expressions the
// chance to be replaced when their children are done.
func (rw *rewriter) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return
		}
		rw.walk(v.Elem())
		if e, ok := v.Interface().(ast.Expression); ok && v.CanSet() {
			if r := rw.replace(e); r != nil {
				v.Set(reflect.ValueOf(r))
			}
		}
	case reflect.Pointer:
		if v.IsNil() || rw.visited(v.Interface()) {
			return
		}
		rw.node(v.Interface())
		rw.walk(v.Elem())
		rw.after(v.Interface())
	case reflect.Struct:
		for i := range v.NumField() {
			rw.walk(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			rw.walk(v.Index(i))
		}
	}
}

func (rw *rewriter) visited(node any) bool {
	if rw.seen == nil {
		rw.seen = make(map[any]bool)
	}
	if rw.seen[node] {
		return true
	}
	rw.seen[node] = true
	return false
}

// node looks at a node before its children are.
func (rw *rewriter) node(node any) {
	rw.checkName(node)
	rw.noteDate(node)
	switch n := node.(type) {
	case *ast.Identifier:
		name := n.Name.String()
		rw.uses[name] = true
		rw.name(name, !rw.skip[n])
		rw.arguments(n)
	case *ast.DotExpression:
		rw.name(n.Identifier.Name.String(), !rw.skip[n])
		if id, ok := n.Left.(*ast.Identifier); !ok || id.Name != "Object" {
			rw.walks(n.Identifier.Name.String())
		}
		if n.Identifier.Name == "prototype" {
			rw.harmless(n.Left)
		} else {
			rw.lookedInto(n.Left)
		}
		n.Identifier.Idx = n.Left.Idx0() // errors are where the expression begins, as on otto
	case *ast.BracketExpression:
		rw.lookedInto(n.Left)
		n.LeftBracket = n.Left.Idx0()
		if lit, ok := n.Member.(*ast.StringLiteral); ok {
			rw.name(lit.Value.String(), !rw.skip[n])
			rw.walks(lit.Value.String())
		}
	case *ast.PropertyShort:
		if n.Name.Name == "arguments" && rw.scopes[len(rw.scopes)-1].arrows > 0 {
			rw.refuse(n.Name.Idx, noArguments)
		}
		rw.uses[n.Name.Name.String()] = true
		rw.name(n.Name.Name.String(), true)
		rw.walks(n.Name.Name.String())
	case *ast.PropertyKeyed:
		if lit, ok := n.Key.(*ast.StringLiteral); ok {
			rw.name(lit.Value.String(), true)
			rw.walks(lit.Value.String())
		}
	case *ast.CallExpression:
		rw.harmless(n.Callee)
		rw.ownFunction(n.Callee)
		n.LeftParenthesis = n.Callee.Idx0()
	case *ast.NewExpression:
		rw.harmless(n.Callee)
		n.New = n.Callee.Idx0()
	case *ast.ArrayLiteral:
		rw.mentions.arrays = true
	case *ast.FunctionLiteral:
		if n.Generator {
			rw.name(iterators, false)
		}
		rw.scopes = append(rw.scopes, scope{fn: n})
		n.DeclarationList = append(n.DeclarationList, rw.enter(n.ParameterList, n.Body)...)
	case *ast.ArrowFunctionLiteral:
		rw.scopes[len(rw.scopes)-1].arrows++
		body, _ := n.Body.(*ast.BlockStatement)
		n.DeclarationList = append(n.DeclarationList, rw.enter(n.ParameterList, body)...)
	case *ast.ParameterList:
		rw.mentions.arrays = rw.mentions.arrays || n.Rest != nil
	case *ast.TemplateLiteral:
		rw.harmless(n.Tag)
		rw.mentions.arrays = rw.mentions.arrays || n.Tag != nil
	case *ast.ClassLiteral:
		rw.strict++
		rw.lookedInto(n.SuperClass)
		if n.SuperClass != nil {
			rw.name(numberTexts, false)
		}
	case *ast.BinaryExpression:
		rw.associate(n)
		switch n.Operator {
		case token.STRICT_EQUAL, token.STRICT_NOT_EQUAL, token.INSTANCEOF:
			rw.harmless(n.Left)
			rw.harmless(n.Right)
		}
	case *ast.UnaryExpression:
		if n.Operator == token.TYPEOF {
			rw.harmless(n.Operand)
		}
	case *ast.RegExpLiteral:
		rw.name(expressions, false)
		rw.checkPattern(n)
	case *ast.ArrayPattern:
		if n.Rest != nil {
			rw.name(restOfArray, false)
		}
	case *ast.YieldExpression:
		if n.Delegate {
			rw.name(delegation, false)
		}
	case *ast.CatchStatement:
		rw.name("Error", false)
		rw.setCaught(n)
	case *ast.ObjectLiteral:
		for _, p := range n.Value {
			if s, ok := p.(*ast.SpreadElement); ok {
				rw.skip[s] = true
			}
		}
	case *ast.WithStatement:
		rw.refuse(n.With, "the with statement can't be run safely")
	}
}

// walks notes a name that may give an iterator, as list.values does; Object.values
// doesn't.
func (rw *rewriter) walks(name string) {
	if slices.Contains(walks, name) {
		rw.name(iterators, false)
	}
}

// checkPattern refuses a regular expression that is none, as goja takes some.
func (rw *rewriter) checkPattern(n *ast.RegExpLiteral) {
	for flag, instead := range map[string]string{
		"v": "write the class with the flag u",
		"d": "take the index of the match, and the lengths of its groups",
	} {
		if strings.Contains(n.Flags, flag) {
			rw.refuse(n.Idx, "the regular expression flag "+flag+" is not available; "+instead)
			return
		}
	}
	if err := esregexp.Check(n.Pattern, esregexp.ParseFlags(n.Flags)); err != nil && rw.refusal == nil {
		rw.refuse(n.Idx, err.Error())
		rw.refusal.Code, rw.refusal.Name = runtime.CodeSyntax, "SyntaxError"
	}
}

// harmless notes that an expression is called, or used in another way that can't
// pass on what it names.
func (rw *rewriter) harmless(e ast.Expression) {
	switch n := e.(type) {
	case *ast.OptionalChain:
		rw.harmless(n.Expression)
	case *ast.Optional:
		rw.harmless(n.Expression)
	case *ast.Identifier, *ast.DotExpression, *ast.BracketExpression:
		rw.skip[n] = true
	}
}

// lookedInto notes that a property is asked of what an expression names, or that
// a class extends it. That passes a method on, as by trim.valueOf(), or the
// function of an accessor; and Object as by Object.valueOf(). Other globals are
// no danger by themselves.
func (rw *rewriter) lookedInto(e ast.Expression) {
	switch n := e.(type) {
	case *ast.OptionalChain:
		rw.lookedInto(n.Expression)
	case *ast.Optional:
		rw.lookedInto(n.Expression)
	case *ast.Identifier:
		if !slices.Contains(valueConstructors, n.Name.String()) {
			rw.skip[n] = true
		}
	}
}

// ownFunction notes a call as of Object.keys, which passes Object on to a native
// only: nobody can put another function there without a use of Object's value.
func (rw *rewriter) ownFunction(callee ast.Expression) {
	dot, ok := callee.(*ast.DotExpression)
	if !ok {
		return
	}
	if id, ok := dot.Left.(*ast.Identifier); ok && slices.Contains(ownFunctions[id.Name.String()], dot.Identifier.Name.String()) {
		rw.skip[id] = true
	}
}

// enter looks at a function before its children are, and returns what it declares
// besides.
func (rw *rewriter) enter(list *ast.ParameterList, body *ast.BlockStatement) []*ast.VariableDeclaration {
	if body != nil && isStrict(body.List) {
		rw.strict++
	}
	if body == nil || rw.strict > 0 {
		return nil
	}
	return hoist(list, body)
}

func (rw *rewriter) leave(body *ast.BlockStatement) {
	if isStrict(body.List) {
		rw.strict--
	}
}

// after changes a node whose children are done.
func (rw *rewriter) after(node any) {
	switch n := node.(type) {
	case *ast.FunctionLiteral:
		rw.leave(n.Body)
		if rw.scopes[len(rw.scopes)-1].arguments {
			keepArguments(n)
		}
		rw.scopes = rw.scopes[:len(rw.scopes)-1]
		if rw.file.Name() == libraryName {
			n.Source = nativeSourceOf(n.Name)
		}
		n.Body.List = behindDirectives(n.Body.List, checkpoint(n.Body.LeftBrace))
	case *ast.ArrowFunctionLiteral:
		rw.scopes[len(rw.scopes)-1].arrows--
		if body, ok := n.Body.(*ast.BlockStatement); ok {
			rw.leave(body)
		}
		switch body := n.Body.(type) {
		case *ast.BlockStatement:
			body.List = behindDirectives(body.List, checkpoint(body.LeftBrace))
		case *ast.ExpressionBody:
			at := body.Expression.Idx0()
			body.Expression = &ast.SequenceExpression{Sequence: []ast.Expression{inside(propCheck, at), body.Expression}}
		}
	case *ast.ForStatement:
		n.Body = loop(n.Body)
	case *ast.ForInStatement:
		n.Body = loop(n.Body)
	case *ast.ForOfStatement:
		n.Body = loop(n.Body)
	case *ast.WhileStatement:
		n.Body = loop(n.Body)
	case *ast.DoWhileStatement:
		n.Body = loop(n.Body)
	case *ast.ClassLiteral:
		rw.strict--
	case *ast.BracketExpression:
		n.Member = lookAtKey(n.Member, funcKey)
	case *ast.PropertyKeyed:
		if n.Computed {
			look := funcKey
			if n.Kind == ast.PropertyKindMethod || n.Kind == ast.PropertyKindValue && isWritten(n.Value) {
				look = funcMethod
			}
			n.Key = lookAtKey(n.Key, look)
		}
	case *ast.MethodDefinition:
		if n.Computed && n.Kind != ast.PropertyKindMethod {
			n.Key = lookAtKey(n.Key, funcKey)
		}
	case *ast.FieldDefinition:
		if n.Computed {
			n.Key = lookAtKey(n.Key, funcKey)
		}
		rw.keepNameOf(n)
	case *ast.UnaryExpression:
		rw.keepName(n)
		if n.Operator == token.BITWISE_NOT {
			n.Operand = rw.within32(n.Operand)
		}
	case *ast.SpreadElement:
		name := funcList
		if rw.skip[n] {
			name = funcObject
		}
		n.Expression = call(name, n.Expression.Idx0(), n.Expression)
	case *ast.AssignExpression:
		rw.keepBigint(n)
	}
}

// behindDirectives puts statements behind the directives that a body begins with.
func behindDirectives(list []ast.Statement, more ...ast.Statement) []ast.Statement {
	n := 0
	for ; n < len(list); n++ {
		if s, ok := list[n].(*ast.ExpressionStatement); !ok || !isString(s.Expression) {
			break
		}
	}
	return slices.Insert(slices.Clone(list), n, more...)
}

func isString(e ast.Expression) bool {
	_, ok := e.(*ast.StringLiteral)
	return ok
}

func checkpoint(at file.Idx) ast.Statement {
	return &ast.ExpressionStatement{Expression: inside(propCheck, at)}
}

func loop(body ast.Statement) ast.Statement {
	at := body.Idx0()
	return &ast.BlockStatement{LeftBrace: at, List: []ast.Statement{checkpoint(at), body}, RightBrace: at}
}

// inside is a property of the object that only instrumented code has, see
// insideObject.
func inside(property string, at file.Idx) *ast.DotExpression {
	return &ast.DotExpression{Left: identifier(idInside, at), Identifier: *identifier(property, at)}
}

// call calls a function of that object.
func call(function string, at file.Idx, args ...ast.Expression) *ast.CallExpression {
	return &ast.CallExpression{Callee: inside(function, at), LeftParenthesis: at, ArgumentList: args, RightParenthesis: at}
}

func assign(to ast.Expression, value ast.Expression) *ast.AssignExpression {
	return &ast.AssignExpression{Operator: token.ASSIGN, Left: to, Right: value}
}

// lookAtKey wraps a computed property name, unless it is evidently a number or
// written out. A plain variable is only looked at when it isn't a number.
func lookAtKey(e ast.Expression, by string) ast.Expression {
	if isNumeric(e) || isString(e) {
		return e
	}
	at := e.Idx0()
	look := call(by, at, e)
	id, ok := e.(*ast.Identifier)
	if !ok {
		return look
	}
	typeOf := &ast.UnaryExpression{Operator: token.TYPEOF, Idx: at, Operand: identifier(id.Name.String(), id.Idx)}
	return &ast.ConditionalExpression{
		Test: &ast.BinaryExpression{Operator: token.STRICT_EQUAL, Left: typeOf, Comparison: true,
			Right: &ast.StringLiteral{Idx: at, Literal: `"number"`, Value: "number"}},
		// The plus is for a global with a getter, which may give something else now.
		Consequent: &ast.UnaryExpression{Operator: token.PLUS, Idx: at, Operand: identifier(id.Name.String(), id.Idx)},
		Alternate:  look,
	}
}

func isNumeric(e ast.Expression) bool {
	switch n := e.(type) {
	case *ast.NumberLiteral:
		return true
	case *ast.UnaryExpression:
		return n.Operator == token.INCREMENT || n.Operator == token.DECREMENT || n.Operator == token.MINUS
	case *ast.BinaryExpression:
		switch n.Operator {
		case token.MINUS, token.MULTIPLY, token.SLASH, token.REMAINDER, token.AND, token.OR, token.EXCLUSIVE_OR,
			token.SHIFT_LEFT, token.SHIFT_RIGHT, token.UNSIGNED_SHIFT_RIGHT:
			return true
		case token.PLUS:
			return isNumeric(n.Left) && isNumeric(n.Right)
		}
	}
	return false
}

// mayBeLong tells whether an operand of + may be a long text. One that isn't, on
// either side, makes a text but a little longer, as often as the run comes to it.
func mayBeLong(e ast.Expression) bool {
	switch n := e.(type) {
	case *ast.StringLiteral:
		return len(n.Literal) > js.ShortLiteral
	case *ast.BooleanLiteral, *ast.NullLiteral:
		return false
	case *ast.BinaryExpression:
		if n.Operator == token.PLUS {
			return mayBeLong(n.Left) || mayBeLong(n.Right)
		}
	}
	return !isNumeric(e)
}

// isWritten tells whether an expression is a function that is written there.
func isWritten(e ast.Expression) bool {
	switch e.(type) {
	case *ast.FunctionLiteral, *ast.ArrowFunctionLiteral:
		return true
	}
	return false
}
