package ottojs

import (
	"fmt"

	"github.com/robertkrimen/otto/ast"
	"github.com/robertkrimen/otto/token"
)

// otto reads some values later than the language says, walks the properties of an
// object that may change meanwhile, and knows labels of blocks and loops only. The
// statements and expressions concerned are written in terms that it gets right, with
// variables of the function around them that code can't name.

// temporary declares a variable in the function that is being instrumented.
func (rw *rewriter) temporary() string {
	name := fmt.Sprintf("temporary %d", len(rw.temporaries))
	rw.temporaries = append(rw.temporaries, &ast.VariableExpression{Name: name})
	return name
}

// valueOf takes the value of e at once, where otto would take it each time that it
// is compared.
func valueOf(e ast.Expression) ast.Expression {
	return &ast.SequenceExpression{Sequence: []ast.Expression{e}}
}

// labelled makes a block of a statement whose label otto would forget.
func labelled(s ast.Statement) ast.Statement {
	switch s.(type) {
	case *ast.BlockStatement, *ast.LabelledStatement, *ast.SwitchStatement,
		*ast.ForStatement, *ast.ForInStatement, *ast.WhileStatement, *ast.DoWhileStatement:
		return s
	}
	return &ast.BlockStatement{List: []ast.Statement{s}, LeftBrace: s.Idx0(), RightBrace: s.Idx1()}
}

// isSettled tells an expression that runs no code of the handler's when it is
// evaluated, and so can't change what stands on the left.
func isSettled(e ast.Expression) bool {
	switch e.(type) {
	case *ast.NumberLiteral, *ast.StringLiteral, *ast.BooleanLiteral, *ast.NullLiteral, *ast.RegExpLiteral,
		*ast.FunctionLiteral, *ast.Identifier, *ast.ThisExpression:
		return true
	}
	return false
}

// compound makes a = a + b of a += b, since otto would read a after b. An object that
// is not settled is evaluated once, and so is a property.
func (rw *rewriter) compound(e *ast.AssignExpression) ast.Expression {
	const deeper = 3 // than it was written
	rw.level += deeper
	defer func() { rw.level -= deeper }()
	var first []ast.Expression
	once := func(e ast.Expression) ast.Expression {
		if isSettled(e) {
			return e
		}
		name, at := rw.temporary(), e.Idx0()
		first = append(first, assignTo(name, at, e))
		return identifier(name, at)
	}
	build := func() ast.Expression {
		target := rw.target(rw.expression(e.Left))
		switch t := target.(type) {
		case *ast.DotExpression:
			t.Left = once(t.Left)
		case *ast.BracketExpression:
			t.Left = once(t.Left)
			t.Member = once(t.Member)
		}
		sum := &ast.BinaryExpression{Operator: e.Operator, Left: again(target), Right: rw.expression(e.Right)}
		assign := &ast.AssignExpression{Operator: token.ASSIGN, Left: target, Right: sum}
		if len(first) == 0 {
			return assign
		}
		return &ast.SequenceExpression{Sequence: append(first, assign)}
	}
	if e.Operator == token.PLUS && mayBeLong(e.Right) {
		return call(idSum, e.Idx0(), build())
	}
	return build()
}

// again is another node for the same variable or property.
func again(e ast.Expression) ast.Expression {
	switch e := e.(type) {
	case *ast.DotExpression:
		return &ast.DotExpression{Left: e.Left, Identifier: e.Identifier}
	case *ast.BracketExpression:
		return &ast.BracketExpression{Left: e.Left, Member: e.Member, LeftBracket: e.LeftBracket, RightBracket: e.RightBracket}
	}
	return e
}

// forIn makes
//
//	for (name in names(object)) if (name in object) { target = name; ... }
//
// of for (target in object) ..., where names has the properties that are to be
// visited: otto visits one twice that is in a prototype, too, and others not at all
// when some are deleted on the way.
func (rw *rewriter) forIn(s *ast.ForInStatement) {
	const deeper = 2 // than it was written
	rw.level += deeper
	defer func() { rw.level -= deeper }()
	at := s.For
	object, name := rw.temporary(), rw.temporary()
	source := []ast.Expression{assignTo(object, at, call(idObject, at, rw.expression(s.Source))), call(idNames, at, identifier(object, at))}
	if v, ok := s.Into.(*ast.VariableExpression); ok {
		if v.Initializer != nil {
			source = append([]ast.Expression{assignTo(v.Name, v.Idx, rw.expression(v.Initializer))}, source...)
		}
		s.Into = identifier(v.Name, v.Idx)
	}
	into := rw.assign(&ast.AssignExpression{Operator: token.ASSIGN, Left: s.Into, Right: identifier(name, at)})
	there := &ast.BinaryExpression{Operator: token.IN, Left: identifier(name, at), Right: identifier(object, at)}
	test := &ast.BinaryExpression{Operator: token.LOGICAL_AND, Left: there,
		Right: &ast.SequenceExpression{Sequence: []ast.Expression{into, boolean(true, at)}}}
	rw.statement(s.Body)
	s.Into = identifier(name, at)
	s.Source = &ast.SequenceExpression{Sequence: source}
	s.Body = &ast.BlockStatement{LeftBrace: s.Body.Idx0(), RightBrace: s.Body.Idx1(), List: []ast.Statement{
		checkpoint(s.Body.Idx0()), &ast.IfStatement{If: at, Test: test, Consequent: s.Body}}}
}
