package ottojs

import (
	"slices"

	"github.com/robertkrimen/otto/ast"
)

// findHandler looks for a top-level function or variable named handler. A
// function of that name notes when it is called; for a variable that is assigned
// later the calls by that name do, see rewriter.call.
func (rw *rewriter) findHandler(body *ast.FunctionLiteral) {
	for _, d := range body.DeclarationList {
		switch d := d.(type) {
		case *ast.FunctionDeclaration:
			if d.Function.Name.Name == "handler" {
				rw.handler = true
				rw.handlers = append(rw.handlers, d.Function)
			}
		case *ast.VariableDeclaration:
			for _, v := range d.List {
				if v.Name != "handler" {
					continue
				}
				rw.handler = true
				if fn, ok := v.Initializer.(*ast.FunctionLiteral); ok {
					rw.handlers = append(rw.handlers, fn)
				}
			}
		}
	}
}

func noteCall(fn *ast.FunctionLiteral) {
	block := fn.Body.(*ast.BlockStatement)
	at := block.LeftBrace
	block.List = append([]ast.Statement{&ast.ExpressionStatement{Expression: assignTo(idCalled, at, boolean(true, at))}}, block.List...)
}

// finish makes the main file report, when its end is reached without a return,
// its completion value, and call the function that it left for the request, if
// there is one to be called. What is thrown goes to Go, which otto would only
// give a text of it.
func (rw *rewriter) finish(body *ast.FunctionLiteral) {
	block := body.Body.(*ast.BlockStatement)
	at := block.RightBrace
	switch {
	case rw.merged:
		rw.guardMerged(body, block)
	case rw.handler || !endsInReturn(block.List):
		rw.finishAtEnd(body, block)
	}
	block.List = []ast.Statement{&ast.TryStatement{
		Try:  block.LeftBrace,
		Body: &ast.BlockStatement{List: block.List, LeftBrace: block.LeftBrace, RightBrace: at},
		Catch: &ast.CatchStatement{Catch: at, Parameter: identifier(idThrown, at), Body: &ast.BlockStatement{
			List:      []ast.Statement{&ast.ExpressionStatement{Expression: call(idCaught, at, identifier(idThrown, at))}},
			LeftBrace: at, RightBrace: at}},
	}}
}

// guardMerged has a handler that was merged run only where it would have been
// called: not if the file has responded before, which takes more than a declaration.
func (rw *rewriter) guardMerged(body *ast.FunctionLiteral, block *ast.BlockStatement) {
	before, handler := block.List[:1+rw.before], block.List[1+rw.before:] // a checkpoint is the first
	if !slices.ContainsFunc(before[1:], func(s ast.Statement) bool { return !isInert(s) }) {
		return
	}
	keepCompletion(before)
	at := block.RightBrace
	body.DeclarationList = append(body.DeclarationList,
		&ast.VariableDeclaration{List: []*ast.VariableExpression{{Name: idLast}}})
	block.List = append(slices.Clip(before), &ast.IfStatement{
		If: at, Test: call(idEnd, at, identifier(idLast, at), &ast.NullLiteral{Idx: at, Literal: "null"}),
		Consequent: &ast.BlockStatement{List: handler, LeftBrace: at, RightBrace: at}})
}

// finishAtEnd adds to the main file what is done when its end is reached.
func (rw *rewriter) finishAtEnd(body *ast.FunctionLiteral, block *ast.BlockStatement) {
	keepCompletion(block.List)
	for _, fn := range rw.handlers {
		noteCall(fn)
	}
	at := block.RightBrace
	args := []ast.Expression{identifier(idLast, at)}
	vars := &ast.VariableDeclaration{}
	declare := func(name string) { vars.List = append(vars.List, &ast.VariableExpression{Name: name}) }
	declare(idLast)
	if rw.handler {
		declare(idCalled)
		args = append(args, identifier(idCalled, at), identifier("handler", at))
	}
	end := call(idEnd, at, args...)
	if rw.handler || rw.uses["module"] || rw.uses["exports"] {
		declare(idNext)
		rw.uses[idRequest] = true
		block.List = append(block.List, &ast.IfStatement{If: at, Test: assignTo(idNext, at, end),
			Consequent: &ast.ReturnStatement{Return: at, Argument: call(idNext, at, identifier(idRequest, at))}})
	} else {
		block.List = append(block.List, &ast.ExpressionStatement{Expression: end})
	}
	body.DeclarationList = append(body.DeclarationList, vars)
}

func endsInReturn(list []ast.Statement) bool {
	if len(list) == 0 {
		return false
	}
	_, ok := list[len(list)-1].(*ast.ReturnStatement)
	return ok
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
		s.Expression = assignTo(idLast, s.Idx0(), s.Expression)
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
