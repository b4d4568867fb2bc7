package ottojs

import (
	"strconv"

	"github.com/robertkrimen/otto/ast"
	"github.com/robertkrimen/otto/file"
	"github.com/robertkrimen/otto/token"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/brackets"
	"github.com/fazt-sh/fazt/runtime/internal/js"
	"github.com/fazt-sh/fazt/runtime/internal/regexpcost"
)

// rewriter instruments a file's syntax tree in place:
//
//   - Every function body and every loop body begins with a debugger statement.
//     The VM's debugger handler is the checkpoint: a plain Go call, which
//     costs far less than calling a function, and which has no name that code
//     could get hold of. Positions and Function.prototype.toString don't change.
//   - Assignments to a property that isn't harmless by its name go through a
//     check, see vm.key.
//   - The result of + goes through a check, since text that grows with itself soon
//     is longer than can be copied in time.
//   - A throw notes its place, as a thrown string has none.
type rewriter struct {
	file     *file.File
	program  *ast.Program
	brackets []brackets.Pair // nil until they are needed
	uses     map[string]bool
	refusal  *runtime.Error
	handler  bool                   // the file declares handler at its top level
	handlers []*ast.FunctionLiteral // that are it
	merged   bool                   // its body is the file's end, see merge
	before   int                    // how many statements are before that
	level    int
	patterns float64 // size of the regular expressions since the last checkpoint among them
	deepest  int

	temporaries []*ast.VariableExpression // of the function that is being instrumented, see order.go
}

func (rw *rewriter) refuse(at file.Idx, reason string) {
	if rw.refusal == nil {
		rw.refusal = refusal(rw.file, at, reason)
	}
}

func refusal(f *file.File, at file.Idx, reason string) *runtime.Error {
	e := &runtime.Error{Code: runtime.CodeUnsupported, Message: reason, File: f.Name()}
	if p := f.Position(at); p != nil {
		e.File, e.Line, e.Column = p.Filename, p.Line, p.Column
	}
	return e
}

// function instruments a function: its body, and the functions declared in it,
// which the tree has at two places.
func (rw *rewriter) function(fn *ast.FunctionLiteral) {
	rw.level++
	outer := rw.temporaries
	rw.temporaries = nil
	defer func() {
		if len(rw.temporaries) > 0 {
			fn.DeclarationList = append(fn.DeclarationList, &ast.VariableDeclaration{List: rw.temporaries})
		}
		rw.temporaries = outer
		rw.level--
	}()
	if fn.Name != nil {
		rw.shortName(fn.Name)
	}
	body := fn.Body.(*ast.BlockStatement)
	rw.blockFunctions(fn)
	rw.directives(body.List)
	rw.statements(body.List)
	body.List = append([]ast.Statement{checkpoint(body.LeftBrace)}, body.List...)
	for _, d := range fn.DeclarationList {
		if d, ok := d.(*ast.FunctionDeclaration); ok {
			rw.function(d.Function)
		}
	}
}

// shortName refuses a name that errors would quote at length, for each frame.
func (rw *rewriter) shortName(id *ast.Identifier) {
	if len(id.Name) > maxName {
		rw.refuse(id.Idx, "this name is too long")
	}
}

// directives refuses 'use strict', which otto reads and ignores.
func (rw *rewriter) directives(list []ast.Statement) {
	for _, s := range list {
		e, ok := s.(*ast.ExpressionStatement)
		if !ok {
			return
		}
		lit, ok := e.Expression.(*ast.StringLiteral)
		if !ok {
			return
		}
		if lit.Literal == `'use strict'` || lit.Literal == `"use strict"` {
			rw.refuse(lit.Idx, "otto has no strict mode, which 'use strict' asks for")
		}
	}
}

func checkpoint(at file.Idx) ast.Statement { return &ast.DebuggerStatement{Debugger: at} }

func (rw *rewriter) loop(body ast.Statement) ast.Statement {
	rw.statement(body)
	block, ok := body.(*ast.BlockStatement)
	if !ok {
		block = &ast.BlockStatement{List: []ast.Statement{body}, LeftBrace: body.Idx0(), RightBrace: body.Idx1()}
	}
	block.List = append([]ast.Statement{checkpoint(body.Idx0())}, block.List...)
	return block
}

func (rw *rewriter) statements(list []ast.Statement) {
	for _, s := range list {
		rw.statement(s)
	}
}

func (rw *rewriter) statement(s ast.Statement) {
	rw.level++
	rw.deepest = max(rw.deepest, rw.level)
	defer func() { rw.level-- }()
	switch s := s.(type) {
	case *ast.BlockStatement:
		rw.statements(s.List)
	case *ast.DoWhileStatement:
		s.Test = rw.expression(s.Test)
		s.Body = rw.loop(s.Body)
	case *ast.WhileStatement:
		s.Test = rw.expression(s.Test)
		s.Body = rw.loop(s.Body)
	case *ast.ForStatement:
		s.Initializer, s.Test, s.Update = rw.expression(s.Initializer), rw.expression(s.Test), rw.expression(s.Update)
		s.Body = rw.loop(s.Body)
	case *ast.ForInStatement:
		rw.forIn(s)
	case *ast.ExpressionStatement:
		s.Expression = rw.expression(s.Expression)
	case *ast.IfStatement:
		s.Test = rw.expression(s.Test)
		rw.statement(s.Consequent)
		if s.Alternate != nil {
			rw.statement(s.Alternate)
		}
	case *ast.LabelledStatement:
		rw.statement(s.Statement)
		s.Statement = labelled(s.Statement)
	case *ast.ReturnStatement:
		s.Argument = rw.expression(s.Argument)
	case *ast.SwitchStatement:
		s.Discriminant = valueOf(rw.expression(s.Discriminant))
		for _, c := range s.Body {
			c.Test = rw.expression(c.Test)
			rw.statements(c.Consequent)
		}
	case *ast.ThrowStatement:
		at := s.Throw
		s.Argument = call(idThrow, at, rw.expression(s.Argument), number(int(at)), text(rw.file.Name(), at))
	case *ast.TryStatement:
		rw.statement(s.Body)
		if s.Catch != nil {
			rw.statement(s.Catch.Body)
		}
		if s.Finally != nil {
			rw.statement(s.Finally)
		}
	case *ast.VariableStatement:
		for i, v := range s.List {
			s.List[i] = rw.expression(v)
		}
	case *ast.WithStatement:
		rw.refuse(s.With, "the with statement can't be run safely on otto")
	}
}

func (rw *rewriter) expressions(list []ast.Expression) {
	for i, e := range list {
		list[i] = rw.expression(e)
	}
}

// expression instruments e and returns what to put in its place.
func (rw *rewriter) expression(e ast.Expression) ast.Expression {
	rw.level++
	rw.deepest = max(rw.deepest, rw.level)
	defer func() { rw.level-- }()
	switch e := e.(type) {
	case *ast.ArrayLiteral:
		rw.expressions(e.Value)
	case *ast.AssignExpression:
		return rw.assign(e)
	case *ast.BinaryExpression:
		rw.associate(e)
		if e.Operator == token.PLUS && mayBeLong(e.Left) && mayBeLong(e.Right) {
			return rw.sum(e, func() { e.Left, e.Right = rw.expression(e.Left), rw.expression(e.Right) })
		}
		e.Left, e.Right = rw.expression(e.Left), rw.expression(e.Right)
	case *ast.BracketExpression:
		if name, ok := e.Member.(*ast.StringLiteral); ok {
			rw.lastMatch(e.Left, name.Value)
		}
		e.Left, e.Member = rw.expression(e.Left), rw.expression(e.Member)
	case *ast.CallExpression:
		return rw.call(e)
	case *ast.ConditionalExpression:
		e.Test, e.Consequent, e.Alternate = rw.expression(e.Test), rw.expression(e.Consequent), rw.expression(e.Alternate)
	case *ast.DotExpression:
		rw.lastMatch(e.Left, e.Identifier.Name)
		e.Left = rw.expression(e.Left)
	case *ast.FunctionLiteral:
		rw.function(e)
	case *ast.Identifier:
		rw.uses[e.Name] = true
		rw.shortName(e)
	case *ast.NewExpression:
		e.Callee = rw.expression(e.Callee)
		rw.expressions(e.ArgumentList)
	case *ast.ObjectLiteral:
		for i := range e.Value {
			e.Value[i].Value = rw.expression(e.Value[i].Value)
		}
	case *ast.RegExpLiteral:
		return rw.regexp(e)
	case *ast.SequenceExpression:
		rw.expressions(e.Sequence)
	case *ast.StringLiteral:
		rw.joinHalves(e)
	case *ast.UnaryExpression:
		e.Operand = rw.expression(e.Operand)
		if e.Operator == token.INCREMENT || e.Operator == token.DECREMENT {
			e.Operand = rw.target(e.Operand)
		}
	case *ast.VariableExpression:
		e.Initializer = rw.expression(e.Initializer)
	}
	return e
}

// patternsBetween is the size of the regular expressions that are come to, at
// most, between two checkpoints: some 50 ms. Each is compiled whenever it is.
const patternsBetween = 3e5

// regexp puts a checkpoint before a regular expression where there have been many.
func (rw *rewriter) regexp(e *ast.RegExpLiteral) ast.Expression {
	if reason := patternRefusal(e.Pattern, e.Flags); reason != "" {
		rw.refuse(e.Idx, reason)
	}
	if rw.patterns += regexpcost.Of(e.Pattern) + regexpcost.Least; rw.patterns < patternsBetween {
		return e
	}
	rw.patterns = 0
	f := &ast.FunctionLiteral{
		Source:        nativeSource(""),
		ParameterList: &ast.ParameterList{List: []*ast.Identifier{identifier("arguments", 0)}}, // see wrap
		Body: &ast.BlockStatement{List: []ast.Statement{
			checkpoint(e.Idx), &ast.ReturnStatement{Return: e.Idx, Argument: e},
		}},
	}
	return &ast.CallExpression{Callee: f, LeftParenthesis: e.Idx, RightParenthesis: e.Idx1()}
}

// assign turns array.length = n into a call that shortens step by step, because
// otto deletes elements one by one, each in a walk over all.
func (rw *rewriter) assign(e *ast.AssignExpression) ast.Expression {
	if e.Operator != token.ASSIGN && !isSettled(e.Right) {
		return rw.compound(e)
	}
	if e.Operator == token.PLUS && mayBeLong(e.Right) {
		return rw.sum(e, func() { e.Left, e.Right = rw.target(rw.expression(e.Left)), rw.expression(e.Right) })
	}
	e.Left, e.Right = rw.expression(e.Left), rw.expression(e.Right)
	if dot, ok := e.Left.(*ast.DotExpression); ok && e.Operator == token.ASSIGN && dot.Identifier.Name == "length" {
		return call(idSetLength, dot.Idx0(), dot.Left, e.Right)
	}
	e.Left = rw.target(e.Left)
	return e
}

// sum has the result of an addition looked at, whose operands inside instruments.
func (rw *rewriter) sum(e ast.Expression, inside func()) ast.Expression {
	rw.level++ // the call around it
	inside()
	rw.level--
	return call(idSum, e.Idx0(), e)
}

// target checks the property that is being assigned, unless its name is
// harmless.
func (rw *rewriter) target(e ast.Expression) ast.Expression {
	switch e := e.(type) {
	case *ast.DotExpression:
		name := e.Identifier.Name
		if name != "length" && !inherited[name] {
			return e
		}
		return &ast.BracketExpression{Left: e.Left, Member: call(idKey, e.Idx0(), repeatable(e.Left), text(name, e.Identifier.Idx))}
	case *ast.BracketExpression:
		if !isNumber(e.Member) {
			e.Member = call(idKey, e.Idx0(), repeatable(e.Left), e.Member)
		}
	}
	return e
}

// repeatable returns e if it can be evaluated twice, else null.
func repeatable(e ast.Expression) ast.Expression {
	switch e := e.(type) {
	case *ast.Identifier, *ast.ThisExpression, *ast.StringLiteral, *ast.NumberLiteral:
		return e
	case *ast.DotExpression:
		if _, null := repeatable(e.Left).(*ast.NullLiteral); !null {
			return e
		}
	case *ast.BracketExpression:
		if _, null := repeatable(e.Left).(*ast.NullLiteral); !null {
			if _, null := repeatable(e.Member).(*ast.NullLiteral); !null {
				return e
			}
		}
	}
	return &ast.NullLiteral{Idx: e.Idx0(), Literal: "null"}
}

// isNumber tells what can only evaluate to a number.
func isNumber(e ast.Expression) bool {
	switch e := e.(type) {
	case *ast.NumberLiteral:
		return true
	case *ast.UnaryExpression:
		switch e.Operator {
		case token.INCREMENT, token.DECREMENT, token.PLUS, token.MINUS, token.BITWISE_NOT:
			return true
		}
	case *ast.BinaryExpression:
		switch e.Operator {
		case token.MINUS, token.MULTIPLY, token.SLASH, token.REMAINDER, token.AND, token.OR, token.EXCLUSIVE_OR,
			token.SHIFT_LEFT, token.SHIFT_RIGHT, token.UNSIGNED_SHIFT_RIGHT:
			return true
		}
	}
	return false
}

// mayBeLong tells whether an operand of + may be a long text. One that isn't, on
// either side, makes a text but a little longer, as often as the run comes to it.
func mayBeLong(e ast.Expression) bool {
	switch e := e.(type) {
	case *ast.StringLiteral:
		return len(e.Value) > js.ShortLiteral
	case *ast.BooleanLiteral, *ast.NullLiteral:
		return false
	case *ast.BinaryExpression:
		if e.Operator == token.PLUS {
			return mayBeLong(e.Left) || mayBeLong(e.Right)
		}
	}
	return !isNumber(e)
}

// call notes that a call of handler by its name has happened.
func (rw *rewriter) call(e *ast.CallExpression) ast.Expression {
	e.Callee = rw.expression(e.Callee)
	rw.method(e.Callee)
	rw.expressions(e.ArgumentList)
	callee := e.Callee
	if dot, ok := callee.(*ast.DotExpression); ok && (dot.Identifier.Name == "call" || dot.Identifier.Name == "apply") {
		callee = dot.Left
	}
	if id, ok := callee.(*ast.Identifier); ok && rw.handler && id.Name == "handler" {
		return &ast.SequenceExpression{Sequence: []ast.Expression{
			assignTo(idCalled, e.Idx0(), boolean(true, e.Idx0())), e}}
	}
	return e
}

// method has the name looked at of a method that is computed: if there is none of
// that name, otto quotes it.
func (rw *rewriter) method(callee ast.Expression) {
	if e, ok := callee.(*ast.BracketExpression); ok && mayBeLong(e.Member) {
		e.Member = call(idMethod, e.Idx0(), e.Member)
	}
}

func call(name string, at file.Idx, args ...ast.Expression) ast.Expression {
	return &ast.CallExpression{Callee: identifier(name, at), ArgumentList: args, LeftParenthesis: at, RightParenthesis: at}
}

func assignTo(name string, at file.Idx, value ast.Expression) ast.Expression {
	return &ast.AssignExpression{Operator: token.ASSIGN, Left: identifier(name, at), Right: value}
}

func number(n int) ast.Expression { return &ast.NumberLiteral{Value: int64(n), Literal: "0"} }

func text(s string, at file.Idx) ast.Expression {
	return &ast.StringLiteral{Value: s, Literal: s, Idx: at}
}

func boolean(b bool, at file.Idx) ast.Expression {
	return &ast.BooleanLiteral{Value: b, Literal: strconv.FormatBool(b), Idx: at}
}
