package gojajs

import (
	"reflect"
	"regexp"
	"strconv"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/token"
)

// lowering makes what goja has of asynchronous generators and for await, which it
// has not.
//
// An asynchronous generator becomes a function that gives a generator to the library,
// which runs it: the generator yields {await: x} where the author awaits, and
// {emit: x} where the author yields. A for await becomes a while that awaits.
type lowering struct {
	rw        *rewriter
	loops     map[int]bool // see mended
	functions []functionKind
	seen      map[any]bool
	made      map[*ast.BlockStatement]*ast.Statement // of a for await, and where its loop is
	count     int
}

type functionKind struct{ async, generator bool }

// lower does that for a file.
func (m *mended) lower(rw *rewriter) {
	if m.mayNeedLowering() {
		l := &lowering{rw: rw, loops: m.loops, seen: make(map[any]bool), made: make(map[*ast.BlockStatement]*ast.Statement)}
		l.walk(reflect.ValueOf(m.body))
	}
}

// asyncStar is how an asynchronous generator begins.
var asyncStar = regexp.MustCompile(`async\b[^;{}()=]*\*`)

// mayNeedLowering tells whether a text may have what is lowered. Where there is a sign
// of it, that takes a pass over its tree.
func (m *mended) mayNeedLowering() bool {
	found := len(m.loops) > 0
	if found || !asyncStar.MatchString(m.text) {
		return found
	}
	nodes(reflect.ValueOf(m.body), make(map[any]bool), func(node any) bool {
		fn, ok := node.(*ast.FunctionLiteral)
		found = found || ok && fn.Async && fn.Generator
		return !found
	})
	return found
}

// walk visits a tree, whose nodes are replaced when their children are done.
func (l *lowering) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return
		}
		l.walk(v.Elem())
		if r := l.replace(v.Interface()); r != nil && v.CanSet() {
			v.Set(reflect.ValueOf(r))
		}
	case reflect.Pointer:
		if v.IsNil() || l.seen[v.Interface()] {
			return
		}
		node := v.Interface()
		l.seen[node] = true
		kind, isFunction := kindOf(node)
		if isFunction {
			l.functions = append(l.functions, kind)
		}
		l.walk(v.Elem())
		if isFunction {
			l.functions = l.functions[:len(l.functions)-1]
		}
		if fn, ok := node.(*ast.FunctionLiteral); ok && kind.async && kind.generator {
			l.generator(fn)
		}
		if ret, ok := node.(*ast.ReturnStatement); ok && ret.Argument != nil && l.inGenerator() {
			ret.Argument = awaiting(ret.Return, ret.Argument)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			l.walk(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			l.walk(v.Index(i))
		}
	}
}

func kindOf(node any) (functionKind, bool) {
	switch n := node.(type) {
	case *ast.FunctionLiteral:
		return functionKind{n.Async, n.Generator}, true
	case *ast.ArrowFunctionLiteral:
		return functionKind{async: n.Async}, true
	}
	return functionKind{}, false
}

func (l *lowering) function() functionKind {
	if len(l.functions) == 0 {
		return functionKind{}
	}
	return l.functions[len(l.functions)-1]
}

func (l *lowering) inGenerator() bool {
	kind := l.function()
	return kind.async && kind.generator
}

// replace returns what stands for a node, or nil to keep it.
func (l *lowering) replace(node any) any {
	switch n := node.(type) {
	case *ast.LabelledStatement:
		return l.labelled(n)
	case *ast.ForOfStatement:
		if l.isLoop(n) {
			return l.forAwait(n)
		}
	}
	if !l.inGenerator() {
		return nil
	}
	switch n := node.(type) {
	case *ast.AwaitExpression:
		return awaiting(n.Await, n.Argument)
	case *ast.YieldExpression:
		if n.Delegate {
			return &ast.YieldExpression{Yield: n.Yield, Delegate: true, Argument: call(funcDelegate, n.Yield, n.Argument)}
		}
		value := n.Argument
		if value == nil {
			return &ast.YieldExpression{Yield: n.Yield, Argument: request("emit", undefined(n.Yield), n.Yield)}
		}
		return &ast.YieldExpression{Yield: n.Yield, Argument: request("emit", awaiting(n.Yield, value), n.Yield)}
	case *ast.SuperExpression:
		l.rw.refuse(n.Idx, "super can't be used in an asynchronous generator; call the method in one of this class, and that from here")
	}
	return nil
}

func undefined(at file.Idx) ast.Expression {
	return &ast.UnaryExpression{Operator: token.VOID, Idx: at, Operand: &ast.NumberLiteral{Idx: at, Literal: "0", Value: int64(0)}}
}

// request is what a generator yields: an object with one property.
func request(key string, value ast.Expression, at file.Idx) ast.Expression {
	return &ast.ObjectLiteral{LeftBrace: at, RightBrace: at, Value: []ast.Property{
		&ast.PropertyKeyed{Key: stringLiteral(key, at), Kind: ast.PropertyKindValue, Value: value}}}
}

func awaiting(at file.Idx, value ast.Expression) ast.Expression {
	return &ast.YieldExpression{Yield: at, Argument: request("await", value, at)}
}

// generator makes a function of an asynchronous generator.
func (l *lowering) generator(fn *ast.FunctionLiteral) {
	at := fn.Function
	inner := &ast.FunctionLiteral{Function: at, ParameterList: fn.ParameterList, Body: fn.Body, Source: fn.Source,
		DeclarationList: fn.DeclarationList, Generator: true}
	length := 0
	for length < len(fn.ParameterList.List) && fn.ParameterList.List[length].Initializer == nil {
		length++
	}
	names := make([]string, length)
	for i := range names {
		names[i] = "parameter " + strconv.Itoa(i)
	}
	body := block(&ast.ReturnStatement{Return: at,
		Argument: call(funcGenerator, at, inner, &ast.ThisExpression{Idx: at}, identifier("arguments", at))})
	if isStrict(fn.Body.List) {
		strict := &ast.StringLiteral{Idx: at, Literal: `'use strict'`, Value: "use strict"}
		body.List = append([]ast.Statement{&ast.ExpressionStatement{Expression: strict}}, body.List...)
	}
	body.LeftBrace, body.RightBrace = fn.Body.LeftBrace, fn.Body.RightBrace
	fn.Async, fn.Generator = false, false
	fn.ParameterList, fn.DeclarationList, fn.Body = parameters(names), nil, body
}

func (l *lowering) isLoop(n *ast.ForOfStatement) bool { return l.loops[int(n.For)-1] }

// labelled has a label stand before the loop that was made of a for await.
func (l *lowering) labelled(n *ast.LabelledStatement) any {
	made, ok := n.Statement.(*ast.BlockStatement)
	if !ok || l.made[made] == nil {
		return nil
	}
	loop := l.made[made]
	*loop = &ast.LabelledStatement{Label: n.Label, Colon: n.Colon, Statement: *loop}
	return made
}

// forAwait makes this of for await (const x of list) body:
//
//	const loop = forAwait(list);
//	try {
//	  while (loop.take(await loop.next())) { const x = loop.value; body }
//	} catch (e) { loop.fail(); throw e }
//	finally { if (loop.open) loop.closed(await loop.close()); }
func (l *lowering) forAwait(n *ast.ForOfStatement) any {
	at := n.For
	if !l.function().async {
		l.rw.refuse(at, "for await needs an async function around it")
		return nil
	}
	l.count++
	id, caught := "loop "+strconv.Itoa(l.count), "caught "+strconv.Itoa(l.count)
	property := func(name string) ast.Expression {
		return &ast.DotExpression{Left: identifier(id, at), Identifier: *identifier(name, at)}
	}
	method := func(name string, args ...ast.Expression) ast.Expression {
		return &ast.CallExpression{Callee: property(name), LeftParenthesis: at, RightParenthesis: at, ArgumentList: args}
	}
	await := func(e ast.Expression) ast.Expression {
		if l.inGenerator() {
			return awaiting(at, e)
		}
		return &ast.AwaitExpression{Await: at, Argument: e}
	}
	do := func(e ast.Expression) ast.Statement { return &ast.ExpressionStatement{Expression: e} }
	turn := blockAt(at, take(n.Into, property("value"), at), n.Body)
	body := blockAt(at, &ast.WhileStatement{While: at, Test: method("take", await(method("next"))), Body: turn})
	made := blockAt(at,
		&ast.LexicalDeclaration{Idx: at, Token: token.CONST, List: []*ast.Binding{
			{Target: identifier(id, at), Initializer: call(funcForAwait, at, n.Source)}}},
		&ast.TryStatement{Try: at, Body: body,
			Catch: &ast.CatchStatement{Catch: at, Parameter: identifier(caught, at), Body: blockAt(at,
				&ast.VariableStatement{Var: at, List: []*ast.Binding{{Target: identifier(idHoisted, at), Initializer: method("fail")}}},
				&ast.ThrowStatement{Throw: at, Argument: identifier(caught, at)})},
			Finally: blockAt(at, &ast.IfStatement{If: at, Test: property("open"), Consequent: do(method("closed", await(method("close"))))})},
	)
	l.made[made] = &body.List[0]
	return made
}

func blockAt(at file.Idx, list ...ast.Statement) *ast.BlockStatement {
	return &ast.BlockStatement{LeftBrace: at, List: list, RightBrace: at}
}

// take binds a loop's variable.
func take(into ast.ForInto, value ast.Expression, at file.Idx) ast.Statement {
	switch into := into.(type) {
	case *ast.ForIntoVar:
		into.Binding.Initializer = value
		return &ast.VariableStatement{Var: at, List: []*ast.Binding{into.Binding}}
	case *ast.ForDeclaration:
		keyword := token.LET
		if into.IsConst {
			keyword = token.CONST
		}
		return &ast.LexicalDeclaration{Idx: at, Token: keyword, List: []*ast.Binding{{Target: into.Target, Initializer: value}}}
	}
	return &ast.ExpressionStatement{Expression: assign(into.(*ast.ForIntoExpression).Expression, value)}
}

// asyncGenerator makes the object that a call of an asynchronous generator gives: of
// the generator that stands for it, this, and the arguments.
func (v *vm) asyncGenerator(c goja.FunctionCall) goja.Value {
	f, _ := goja.AssertFunction(c.Argument(0))
	list := v.argumentList(c.Argument(2)).(*goja.Object)
	args := make([]goja.Value, v.lengthOf(list))
	for i := range args {
		args[i] = list.Get(strconv.Itoa(i))
	}
	made := v.library("asyncGenerator", v.must(f(c.Argument(1), args...)), v.asyncIterator())
	v.asyncMade = made.(*goja.Object).Prototype()
	return made
}

// delegate is what yield* in one goes through.
func (v *vm) delegate(c goja.FunctionCall) goja.Value {
	return v.library("delegate", c.Argument(0), v.asyncIterator())
}

func (v *vm) forAwait(c goja.FunctionCall) goja.Value {
	return v.library("forAwait", c.Argument(0), v.asyncIterator())
}

// asyncIterator is Symbol.asyncIterator, which goja has not.
func (v *vm) asyncIterator() *goja.Symbol {
	if v.asyncSymbol == nil {
		v.asyncSymbol = goja.NewSymbol("Symbol.asyncIterator")
	}
	return v.asyncSymbol
}

// prepareAsyncIterator gives it to Symbol.
func (v *vm) prepareAsyncIterator() {
	_ = v.holder("Symbol").DefineDataProperty("asyncIterator", v.asyncIterator(), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
}
