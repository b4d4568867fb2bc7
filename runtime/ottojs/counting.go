package ottojs

import (
	"reflect"
	"slices"

	"github.com/robertkrimen/otto/ast"
	"github.com/robertkrimen/otto/file"
	"github.com/robertkrimen/otto/token"
)

// A variable that all assignments give a number is one, whoever reads it: code can't be
// made at run time, and there is no with.

// scopes are the variables of a file's functions.
type scopes struct {
	all     map[*ast.FunctionLiteral]*scope
	current *scope
}

// scope has the variables of a function.
type scope struct {
	outer     *scope
	function  *ast.FunctionLiteral
	variables map[string]*variable
}

// variable is what is known of one.
type variable struct {
	values []assigned
	other  bool // it may be anything
}

// assigned is what a variable is given, in the scope where that is done.
type assigned struct {
	value ast.Expression
	scope *scope
}

// enter goes into a function. What it returns goes out again.
func (s *scopes) enter(fn *ast.FunctionLiteral) (leave func()) {
	was := s.current
	s.current = s.all[fn]
	return func() { s.current = was }
}

func (s *scope) find(name string) *variable {
	for ; s != nil; s = s.outer {
		if v := s.variables[name]; v != nil {
			return v
		}
	}
	return nil
}

// findCounting finds the variables that are numbers.
func findCounting(body *ast.FunctionLiteral) *scopes {
	s := &scopes{all: make(map[*ast.FunctionLiteral]*scope)}
	var all []*variable
	s.collect(reflect.ValueOf(body), make(map[any]bool), &all)
	for changed := true; changed; {
		changed = false
		for _, v := range all {
			if v.other {
				continue
			}
			for _, a := range v.values {
				s.current = a.scope
				if !s.isNumber(a.value) {
					v.other, changed = true, true
					break
				}
			}
		}
	}
	s.current = nil
	return s
}

// declare makes the scope of a function.
func (s *scopes) declare(fn *ast.FunctionLiteral, all *[]*variable) {
	sc := &scope{outer: s.current, function: fn, variables: make(map[string]*variable)}
	s.all[fn] = sc
	add := func(name string, other bool) {
		v := sc.variables[name]
		if v == nil {
			v = &variable{}
			sc.variables[name] = v
			*all = append(*all, v)
		}
		v.other = v.other || other
	}
	if fn.Name != nil {
		add(fn.Name.Name, true)
	}
	for _, p := range fn.ParameterList.List {
		add(p.Name, true)
	}
	for _, d := range fn.DeclarationList {
		switch d := d.(type) {
		case *ast.FunctionDeclaration:
			add(d.Function.Name.Name, true)
		case *ast.VariableDeclaration:
			for _, v := range d.List {
				add(v.Name, false)
			}
		}
	}
}

// collect notes what variables are given.
func (s *scopes) collect(v reflect.Value, seen map[any]bool, all *[]*variable) {
	switch v.Kind() {
	case reflect.Interface:
		s.collect(v.Elem(), seen, all)
	case reflect.Pointer:
		if v.IsNil() || seen[v.Interface()] || v.Type() == reflect.TypeFor[*file.File]() {
			return
		}
		seen[v.Interface()] = true
		if fn, ok := v.Interface().(*ast.FunctionLiteral); ok {
			s.declare(fn, all)
			defer s.enter(fn)()
		}
		s.note(v.Interface())
		s.collect(v.Elem(), seen, all)
	case reflect.Struct:
		for i := range v.NumField() {
			s.collect(v.Field(i), seen, all)
		}
	case reflect.Slice:
		for i := range v.Len() {
			s.collect(v.Index(i), seen, all)
		}
	}
}

func (s *scopes) note(node any) {
	give := func(name string, value ast.Expression) {
		v := s.current.find(name)
		switch {
		case v == nil:
		case value == nil:
			v.other = true
		default:
			v.values = append(v.values, assigned{value, s.current})
		}
	}
	switch n := node.(type) {
	case *ast.VariableExpression:
		if n.Initializer != nil {
			give(n.Name, n.Initializer)
		}
	case *ast.AssignExpression:
		if id, ok := n.Left.(*ast.Identifier); ok && (n.Operator == token.ASSIGN || n.Operator == token.PLUS) {
			give(id.Name, n.Right)
		}
	case *ast.ForInStatement:
		switch into := n.Into.(type) {
		case *ast.VariableExpression:
			give(into.Name, nil)
		case *ast.Identifier:
			give(into.Name, nil)
		}
	case *ast.CatchStatement:
		if n.Parameter != nil {
			give(n.Parameter.Name, nil) // a variable of that name, too: there is no telling them apart here
		}
	}
}

// numericNames are methods and properties that nobody gives a text.
var numericNames = []string{"length", "charCodeAt", "indexOf", "lastIndexOf", "getTime"}

// isNumber tells what is surely no text, and no object that may become one: a number,
// undefined, null or a boolean.
func (s *scopes) isNumber(e ast.Expression) bool {
	switch e := e.(type) {
	case *ast.NumberLiteral, *ast.BooleanLiteral, *ast.NullLiteral:
		return true
	case *ast.Identifier:
		v := s.current.find(e.Name)
		return v != nil && !v.other || v == nil && (e.Name == "undefined" || e.Name == "NaN" || e.Name == "Infinity")
	case *ast.UnaryExpression:
		return e.Operator != token.TYPEOF
	case *ast.BinaryExpression:
		switch e.Operator {
		case token.PLUS, token.LOGICAL_AND, token.LOGICAL_OR:
			return s.isNumber(e.Left) && s.isNumber(e.Right)
		}
		return true
	case *ast.ConditionalExpression:
		return s.isNumber(e.Consequent) && s.isNumber(e.Alternate)
	case *ast.SequenceExpression:
		return s.isNumber(e.Sequence[len(e.Sequence)-1])
	case *ast.AssignExpression:
		switch e.Operator {
		case token.ASSIGN:
			return s.isNumber(e.Right)
		case token.PLUS:
			return s.isNumber(e.Left) && s.isNumber(e.Right)
		}
		return true
	case *ast.DotExpression:
		if id, ok := e.Left.(*ast.Identifier); ok && s.current.find(id.Name) == nil && (id.Name == "Math" || id.Name == "Number") {
			return true // a constant
		}
		return e.Identifier.Name == "length"
	case *ast.CallExpression:
		return s.returnsNumber(e)
	}
	return false
}

// returnsNumber tells calls of functions that return a number, or a boolean.
func (s *scopes) returnsNumber(e *ast.CallExpression) bool {
	switch callee := e.Callee.(type) {
	case *ast.Identifier:
		switch callee.Name {
		case idNumber, idInt32, idLess, idEqual:
			return true
		case idSum:
			return s.isNumber(e.ArgumentList[0])
		case "Number", "parseInt", "parseFloat", "isNaN", "isFinite":
			return s.current.find(callee.Name) == nil
		}
	case *ast.DotExpression:
		if id, ok := callee.Left.(*ast.Identifier); ok && s.current.find(id.Name) == nil && (id.Name == "Math" || id.Name == "Date") {
			return callee.Identifier.Name != "toString"
		}
		return slices.Contains(numericNames, callee.Identifier.Name)
	}
	return false
}
