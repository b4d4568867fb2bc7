package gojajs

import (
	"math/big"
	"reflect"
	"slices"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/token"
	"github.com/dop251/goja/unistring"
)

// findHandler looks for a top-level function or variable named handler. A
// function of that name notes when it is called; where another value may be
// meant, the calls by that name do, see rewriter.replace.
func (rw *rewriter) findHandler(body *ast.FunctionLiteral) {
	for _, s := range body.Body.List {
		switch s := s.(type) {
		case *ast.FunctionDeclaration:
			if s.Function.Name.Name == "handler" {
				rw.handler = true
				rw.handlers = append(rw.handlers, s.Function)
			}
		case *ast.VariableStatement:
			rw.findVariable(s.List)
		case *ast.LexicalDeclaration:
			rw.findVariable(s.List)
		}
	}
}

// onlyHandler returns the function called handler that a file consists of, if
// nothing in it could tell that it is the file's own function instead: to make
// one, and to call it, takes as long as all that a small handler does.
func onlyHandler(body *ast.FunctionLiteral) *ast.FunctionLiteral {
	if len(body.Body.List) != 1 || body.Async {
		return nil
	}
	decl, ok := body.Body.List[0].(*ast.FunctionDeclaration)
	if !ok || decl.Function.Name.Name != "handler" {
		return nil
	}
	names := []string{"handler", "arguments", "exports", "require", "module"}
	switch list := decl.Function.ParameterList; {
	case list.Rest != nil, len(list.List) > 1:
		return nil
	case len(list.List) == 0:
		names = append(names, "request")
	default:
		p := list.List[0]
		if id, ok := p.Target.(*ast.Identifier); !ok || id.Name != "request" || p.Initializer != nil {
			return nil
		}
	}
	found := false
	each(reflect.ValueOf(decl.Function.Body), make(map[any]bool), func(v reflect.Value) {
		name, ok := v.Interface().(unistring.String)
		found = found || ok && slices.Contains(names, name.String())
	})
	if found {
		return nil
	}
	return decl.Function
}

func (rw *rewriter) findVariable(list []*ast.Binding) {
	for _, b := range list {
		if id, ok := b.Target.(*ast.Identifier); !ok || id.Name != "handler" {
			continue
		}
		rw.handler = true
		switch fn := b.Initializer.(type) {
		case *ast.FunctionLiteral, *ast.ArrowFunctionLiteral:
			rw.handlers = append(rw.handlers, fn)
		}
	}
}

// noteCall makes a handler note that it has been called, in place of its
// checkpoint.
func noteCall(fn any) {
	switch fn := fn.(type) {
	case *ast.FunctionLiteral:
		noteIn(fn.Body)
	case *ast.ArrowFunctionLiteral:
		switch body := fn.Body.(type) {
		case *ast.BlockStatement:
			noteIn(body)
		case *ast.ExpressionBody:
			at := body.Expression.Idx0()
			body.Expression = &ast.SequenceExpression{Sequence: []ast.Expression{called(at), body.Expression}}
		}
	}
}

func noteIn(body *ast.BlockStatement) {
	for i, s := range body.List {
		if e, ok := s.(*ast.ExpressionStatement); ok && !isString(e.Expression) {
			at := body.LeftBrace
			body.List[i] = &ast.ExpressionStatement{Expression: &ast.SequenceExpression{Sequence: []ast.Expression{e.Expression, called(at)}}}
			return
		}
	}
}

func called(at file.Idx) ast.Expression {
	return assign(identifier(idCalled, at), &ast.BooleanLiteral{Idx: at, Literal: "true", Value: true})
}

// finish makes the main file report, when its end is reached without a return,
// its completion value, and calls the handler if there is one to be called.
func (rw *rewriter) finish(body *ast.FunctionLiteral) {
	keepCompletion(body.Body.List)
	for _, fn := range rw.handlers {
		noteCall(fn)
	}
	at := max(body.Body.RightBrace, 1)
	vars := []*ast.Binding{{Target: identifier(idLast, 1)}}
	tell := func(property string, e ast.Expression) {
		body.Body.List = append(body.Body.List, &ast.ExpressionStatement{Expression: assign(inside(property, at), e)})
	}
	if rw.handler {
		vars = append(vars, &ast.Binding{Target: identifier(idCalled, 1)})
		tell(propCalled, identifier(idCalled, at))
		tell(propHandler, identifier("handler", at))
		handler := &ast.CallExpression{Callee: identifier("handler", at), LeftParenthesis: at, RightParenthesis: at,
			ArgumentList: []ast.Expression{inside(propRequest, at)}}
		body.Body.List = append(body.Body.List, &ast.IfStatement{If: at, Test: inside(propWanted, at),
			Consequent: &ast.ReturnStatement{Return: at, Argument: handler}})
	}
	tell(propEnd, identifier(idLast, at))
	body.DeclarationList = append(body.DeclarationList, &ast.VariableDeclaration{Var: 1, List: vars})
}

// keepCompletion assigns the values of the statements that may give a list its
// completion value, from the last up to the first that surely does. It reports
// whether one surely does.
func keepCompletion(list []ast.Statement) bool {
	for i := len(list) - 1; i >= 0; i-- {
		if keepStatement(list[i]) {
			return true
		}
	}
	return false
}

func keepStatement(s ast.Statement) bool {
	switch s := s.(type) {
	case *ast.ExpressionStatement:
		if isCheckpoint(s) || isString(s.Expression) && directive(s) {
			return false
		}
		s.Expression = assign(identifier(idLast, s.Expression.Idx0()), s.Expression)
		return true
	case *ast.BlockStatement:
		return keepCompletion(s.List)
	case *ast.IfStatement:
		a := keepStatement(s.Consequent)
		return s.Alternate != nil && keepStatement(s.Alternate) && a
	case *ast.LabelledStatement:
		keepStatement(s.Statement)
	case *ast.DoWhileStatement:
		keepStatement(s.Body)
	case *ast.WhileStatement:
		keepStatement(s.Body)
	case *ast.ForStatement:
		keepStatement(s.Body)
	case *ast.ForInStatement:
		keepStatement(s.Body)
	case *ast.ForOfStatement:
		keepStatement(s.Body)
	case *ast.SwitchStatement:
		for _, c := range s.Body {
			keepCompletion(c.Consequent)
		}
	case *ast.TryStatement:
		a := keepStatement(s.Body)
		return (s.Catch == nil || keepStatement(s.Catch.Body)) && a
	}
	return false
}

func isCheckpoint(s *ast.ExpressionStatement) bool {
	dot, ok := s.Expression.(*ast.DotExpression)
	if !ok {
		return false
	}
	id, ok := dot.Left.(*ast.Identifier)
	return ok && id.Name == idInside
}

// directive tells 'use strict', which has to stay what it is.
func directive(s *ast.ExpressionStatement) bool {
	return s.Expression.(*ast.StringLiteral).Value == "use strict"
}

// replace returns what stands for an expression, or nil to keep it.
func (rw *rewriter) replace(e ast.Expression) ast.Expression {
	switch n := e.(type) {
	case *ast.BinaryExpression:
		if rw.mentions.bigints && growing[n.Operator] != "" {
			return binary(n.Operator, n.Left, n.Right)
		}
		if rw.mentions.bigints && n.Operator == token.SHIFT_RIGHT {
			n.Right = call(funcShift, n.Right.Idx0(), n.Right)
		}
		if isBitwise(n.Operator) {
			n.Left, n.Right = rw.within32(n.Left), rw.within32(n.Right)
		}
		if op := comparing[n.Operator]; rw.mentions.bigints && op != "" && !isLiteral(n.Left) && !isLiteral(n.Right) {
			return call(funcCompare, n.Left.Idx0(), stringLiteral(op, n.Left.Idx0()), n.Left, n.Right)
		}
		if n.Operator == token.PLUS && mayBeLong(n.Left) && mayBeLong(n.Right) {
			return call(funcSum, n.Left.Idx0(), n)
		}
	case *ast.AssignExpression:
		if n.Operator == token.PLUS && mayBeLong(n.Right) {
			return call(funcSum, n.Left.Idx0(), n)
		}
		if e := rw.growProperty(n); e != nil {
			return e
		}
		if e := rw.assign32(n); e != nil {
			return e
		}
	case *ast.TemplateLiteral:
		return sumOfTemplate(n)
	case *ast.RegExpLiteral:
		return rw.replaceRefused(n)
	case *ast.CallExpression:
		// A variable's value may be a function that notes nothing.
		id, ok := n.Callee.(*ast.Identifier)
		if ok && id.Name == "handler" && rw.handler && len(rw.handlers) == 0 {
			n.Callee = &ast.SequenceExpression{Sequence: []ast.Expression{called(id.Idx), id}}
		}
	}
	return nil
}

// sumOfTemplate makes a template that puts several texts together one of
// templates that put two together each, all of them checked. It returns nil for
// any other.
func sumOfTemplate(n *ast.TemplateLiteral) ast.Expression {
	if n.Tag != nil || len(n.Expressions) < 2 {
		return nil
	}
	for len(n.Expressions) > 2 {
		first := *n
		none := &ast.TemplateElement{Idx: n.Elements[2].Idx, Valid: true}
		first.Elements = []*ast.TemplateElement{n.Elements[0], n.Elements[1], none}
		first.Expressions = n.Expressions[:2:2]
		n.Elements = append([]*ast.TemplateElement{none}, n.Elements[2:]...)
		n.Expressions = append([]ast.Expression{call(funcSum, n.OpenQuote, &first)}, n.Expressions[2:]...)
	}
	return call(funcSum, n.OpenQuote, n)
}

// growing are the operators whose result on bigints can be much larger than
// what they are given.
var growing = map[token.Token]string{token.EXPONENT: "**", token.MULTIPLY: "*", token.SHIFT_LEFT: "<<"}

func binary(op token.Token, left, right ast.Expression) ast.Expression {
	at := left.Idx0()
	return call(funcBinary, at, stringLiteral(growing[op], at), left, right)
}

// comparing are the operators that read a text as a bigint to compare it with
// one.
var comparing = map[token.Token]string{token.EQUAL: "==", token.NOT_EQUAL: "!=", token.LESS: "<", token.GREATER: ">",
	token.LESS_OR_EQUAL: "<=", token.GREATER_OR_EQUAL: ">="}

// isLiteral tells what a comparison can't take long with.
func isLiteral(e ast.Expression) bool {
	switch e := e.(type) {
	case *ast.NumberLiteral:
		_, big := e.Value.(*big.Int)
		return !big
	case *ast.StringLiteral:
		return len(e.Literal) < maxBigDigits
	case *ast.BooleanLiteral, *ast.NullLiteral:
		return true
	}
	return false
}

func stringLiteral(text string, at file.Idx) ast.Expression {
	return &ast.StringLiteral{Idx: at, Literal: text, Value: identifier(text, at).Name}
}

// keepBigint makes x **= y of bigints an assignment of x ** y.
func (rw *rewriter) keepBigint(n *ast.AssignExpression) {
	if rw.mentions.bigints && n.Operator == token.SHIFT_RIGHT {
		n.Right = call(funcShift, n.Right.Idx0(), n.Right)
	}
	if !rw.mentions.bigints || growing[n.Operator] == "" {
		return
	}
	switch left := n.Left.(type) {
	case *ast.Identifier:
		n.Right = binary(n.Operator, identifier(left.Name.String(), left.Idx), n.Right)
		n.Operator = token.ASSIGN
		return
	case *ast.DotExpression:
		if !isSuper(left.Left) {
			return // see growProperty
		}
	case *ast.BracketExpression:
		if !isSuper(left.Left) {
			return
		}
	case *ast.PrivateDotExpression:
		return
	}
	rw.refuse(n.Left.Idx0(), "in a program with bigints, write super.x = super.x "+growing[n.Operator]+" y instead of super.x "+growing[n.Operator]+"= y")
}

// growProperty is keepBigint of o.x **= y.
func (rw *rewriter) growProperty(n *ast.AssignExpression) ast.Expression {
	op, right := n.Operator, n.Right
	if !rw.mentions.bigints || growing[op] == "" {
		return nil
	}
	return spelledOut(n, func(left ast.Expression) ast.Expression { return binary(op, left, right) })
}
