package gojajs

import (
	"maps"
	"slices"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
)

// blockFunctions gives functions that are declared in blocks the meaning that sloppy
// code depends on (ECMA-262, annex B.3.3): such a function is a variable of the whole
// function around, too, which is set where the declaration stands. goja has it in the
// block only. The variable can't be named in the block, so a function that is made
// outside of it sets it.
type blockFunctions struct {
	fixed  map[string]bool // parameters and lexical names of the function itself
	scopes []map[string]bool
	found  map[string]file.Idx
}

// hoisting makes the names that can't be written of a variable's setter.
func hoisting(name string) string { return "sets " + name }

const idHoisted = "was set" // what a setter returned

// hoist does that for a function's body, and returns it with what had to be declared.
func hoist(list *ast.ParameterList, body *ast.BlockStatement) []*ast.VariableDeclaration {
	if !slices.ContainsFunc(body.List, hasBlockFunctions) {
		return nil
	}
	b := &blockFunctions{fixed: lexicalNames(body.List), found: make(map[string]file.Idx)}
	if list != nil {
		for _, p := range list.List {
			boundNames(p.Target, b.fixed)
		}
		boundNames(list.Rest, b.fixed)
	}
	b.fixed["arguments"] = true
	for _, s := range body.List {
		b.inside(s)
	}
	if len(b.found) == 0 {
		return nil
	}
	vars := []*ast.Binding{{Target: identifier(idHoisted, 1)}}
	var setters []ast.Statement
	for _, name := range slices.Sorted(maps.Keys(b.found)) {
		at := b.found[name]
		vars = append(vars, &ast.Binding{Target: identifier(name, at)}, &ast.Binding{Target: identifier(hoisting(name), at)})
		set := &ast.FunctionLiteral{Function: at, ParameterList: parameters([]string{idHoisted}), Source: nativeSource,
			Body: block(&ast.ExpressionStatement{Expression: assign(identifier(name, at), identifier(idHoisted, at))})}
		setters = append(setters, variable(hoisting(name), set, at))
	}
	body.List = behindDirectives(body.List, setters...)
	return []*ast.VariableDeclaration{{Var: 1, List: vars}}
}

// hasBlockFunctions tells whether there is such a function in a statement's blocks.
func hasBlockFunctions(s ast.Statement) bool {
	declared := func(s ast.Statement) bool {
		_, ok := s.(*ast.FunctionDeclaration)
		return ok || hasBlockFunctions(s)
	}
	switch s := s.(type) {
	case *ast.BlockStatement:
		return s != nil && slices.ContainsFunc(s.List, declared)
	case *ast.IfStatement:
		return declared(s.Consequent) || declared(s.Alternate)
	case *ast.LabelledStatement:
		return hasBlockFunctions(s.Statement)
	case *ast.DoWhileStatement:
		return hasBlockFunctions(s.Body)
	case *ast.WhileStatement:
		return hasBlockFunctions(s.Body)
	case *ast.ForStatement:
		return hasBlockFunctions(s.Body)
	case *ast.ForInStatement:
		return hasBlockFunctions(s.Body)
	case *ast.ForOfStatement:
		return hasBlockFunctions(s.Body)
	case *ast.SwitchStatement:
		return slices.ContainsFunc(s.Body, func(c *ast.CaseStatement) bool { return slices.ContainsFunc(c.Consequent, declared) })
	case *ast.TryStatement:
		return hasBlockFunctions(s.Body) || hasBlockFunctions(s.Finally) || s.Catch != nil && hasBlockFunctions(s.Catch.Body)
	}
	return false
}

// variable is the statement that sets a variable, which has no completion value.
func variable(name string, value ast.Expression, at file.Idx) ast.Statement {
	return &ast.VariableStatement{Var: at, List: []*ast.Binding{{Target: identifier(name, at), Initializer: value}}}
}

// inside looks into the blocks of a statement that is in none.
func (b *blockFunctions) inside(s ast.Statement) {
	switch s := s.(type) {
	case *ast.BlockStatement:
		b.block(s)
	case *ast.IfStatement:
		s.Consequent, s.Alternate = b.branch(s.Consequent), b.branch(s.Alternate)
	case *ast.LabelledStatement:
		b.inside(s.Statement)
	case *ast.DoWhileStatement:
		b.inside(s.Body)
	case *ast.WhileStatement:
		b.inside(s.Body)
	case *ast.ForStatement:
		names := map[string]bool{}
		if let, ok := s.Initializer.(*ast.ForLoopInitializerLexicalDecl); ok {
			declaredNames(let.LexicalDeclaration.List, names)
		}
		b.in(names, func() { b.inside(s.Body) })
	case *ast.ForInStatement:
		b.in(loopNames(s.Into), func() { b.inside(s.Body) })
	case *ast.ForOfStatement:
		b.in(loopNames(s.Into), func() { b.inside(s.Body) })
	case *ast.SwitchStatement:
		names := map[string]bool{}
		for _, c := range s.Body {
			maps.Copy(names, lexicalNames(c.Consequent))
		}
		b.in(names, func() {
			for _, c := range s.Body {
				c.Consequent = b.statements(c.Consequent)
			}
		})
	case *ast.TryStatement:
		b.block(s.Body)
		if s.Catch != nil {
			names := map[string]bool{}
			if _, simple := s.Catch.Parameter.(*ast.Identifier); !simple {
				boundNames(s.Catch.Parameter, names)
			}
			b.in(names, func() { b.block(s.Catch.Body) })
		}
		if s.Finally != nil {
			b.block(s.Finally)
		}
	}
}

func (b *blockFunctions) block(s *ast.BlockStatement) {
	b.in(lexicalNames(s.List), func() { s.List = b.statements(s.List) })
}

// branch makes a block of a function that is the whole of an if's branch.
func (b *blockFunctions) branch(s ast.Statement) ast.Statement {
	if fn, ok := s.(*ast.FunctionDeclaration); ok {
		s = &ast.BlockStatement{LeftBrace: fn.Idx0(), List: []ast.Statement{fn}, RightBrace: fn.Idx0()}
	}
	b.inside(s)
	return s
}

func (b *blockFunctions) in(names map[string]bool, do func()) {
	b.scopes = append(b.scopes, names)
	do()
	b.scopes = b.scopes[:len(b.scopes)-1]
}

// statements are those of a block.
func (b *blockFunctions) statements(list []ast.Statement) []ast.Statement {
	var out []ast.Statement
	for i, s := range list {
		if fn, ok := s.(*ast.FunctionDeclaration); ok && b.hoists(fn.Function) {
			name, at := fn.Function.Name.Name.String(), fn.Function.Name.Idx
			b.found[name] = at
			set := &ast.CallExpression{Callee: identifier(hoisting(name), at), LeftParenthesis: at, RightParenthesis: at,
				ArgumentList: []ast.Expression{identifier(name, at)}}
			if out == nil {
				out = slices.Clone(list[:i])
			}
			out = append(out, fn, variable(idHoisted, set, at))
			continue
		}
		b.inside(s)
		if out != nil {
			out = append(out, s)
		}
	}
	if out == nil {
		return list
	}
	return out
}

// hoists tells whether a variable of a function's name would be no error there.
func (b *blockFunctions) hoists(fn *ast.FunctionLiteral) bool {
	name := fn.Name.Name.String()
	return !fn.Async && !fn.Generator && !b.fixed[name] &&
		!slices.ContainsFunc(b.scopes, func(scope map[string]bool) bool { return scope[name] })
}

// lexicalNames are those that let, const and class declare in a list of statements.
func lexicalNames(list []ast.Statement) map[string]bool {
	names := make(map[string]bool)
	for _, s := range list {
		switch s := s.(type) {
		case *ast.LexicalDeclaration:
			declaredNames(s.List, names)
		case *ast.ClassDeclaration:
			names[s.Class.Name.Name.String()] = true
		}
	}
	return names
}

func loopNames(into ast.ForInto) map[string]bool {
	names := make(map[string]bool)
	if let, ok := into.(*ast.ForDeclaration); ok {
		boundNames(let.Target, names)
	}
	return names
}

func declaredNames(list []*ast.Binding, names map[string]bool) {
	for _, d := range list {
		boundNames(d.Target, names)
	}
}

// boundNames adds the names that a pattern binds.
func boundNames(e ast.Expression, names map[string]bool) {
	switch e := e.(type) {
	case *ast.Identifier:
		names[e.Name.String()] = true
	case *ast.AssignExpression:
		boundNames(e.Left, names)
	case *ast.ArrayPattern:
		for _, element := range e.Elements {
			boundNames(element, names)
		}
		boundNames(e.Rest, names)
	case *ast.ObjectPattern:
		for _, p := range e.Properties {
			switch p := p.(type) {
			case *ast.PropertyShort:
				names[p.Name.Name.String()] = true
			case *ast.PropertyKeyed:
				boundNames(p.Value, names)
			}
		}
		boundNames(e.Rest, names)
	}
}

// isStrict tells whether a body begins with the directive.
func isStrict(list []ast.Statement) bool {
	for _, s := range list {
		e, ok := s.(*ast.ExpressionStatement)
		if !ok || !isString(e.Expression) {
			return false
		}
		if lit := e.Expression.(*ast.StringLiteral).Literal; lit == `'use strict'` || lit == `"use strict"` {
			return true
		}
	}
	return false
}
