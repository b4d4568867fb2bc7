package gojajs

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"
)

// Whenever goja captures the stack, for an error or because it is asked how deep
// calls nest, it reads the name of each native on it, as any code would read the
// property: a getter or a toString runs there, which captures the stack again, and
// so on until the Go stack overflows. And the stack as text has each name as often
// as it is on the stack. So a native's name stays a short text, whoever has the
// native: it can be neither deleted nor defined as anything else. Functions of
// JavaScript have the name that stands in the program, which is short, too.

// maxName bounds the names of functions, in units of UTF-16.
const maxName = 1024

const noName = "the name of a function of the language can't be changed in this way; use Object.defineProperty with a short text as value"

// isNative tells whether a value is a function of Go's, or a proxy of one.
func (v *vm) isNative(val goja.Value) bool {
	obj, ok := val.(*goja.Object)
	for ok && obj != nil && isProxy(obj) {
		obj = obj.Export().(goja.Proxy).Target()
	}
	f := nativeFunc(nil)
	if obj != nil {
		f = code(obj)
	}
	return f != nil && !v.script.shared.written[reflect.ValueOf(f).Pointer()]
}

// writtenFunctions are the Go functions that call what is written in JavaScript:
// one for all functions of a kind.
func writtenFunctions() (map[uintptr]bool, error) {
	list, err := goja.New().RunString(`[function () {}, () => 1, {m() {}}.m, class {}, class extends Object {}, function* () {},
		{*m() {}}.m, async function () {}, async () => 1, {async m() {}}.m]`)
	if err != nil {
		return nil, err
	}
	written := make(map[uintptr]bool)
	for _, key := range list.(*goja.Object).Keys() {
		if f := code(list.(*goja.Object).Get(key).(*goja.Object)); f != nil {
			written[reflect.ValueOf(f).Pointer()] = true
		}
	}
	return written, nil
}

func isProxy(obj *goja.Object) bool { return obj.ExportType() == reflect.TypeFor[goja.Proxy]() }

// naming looks at a call that defines one property.
func naming(v *vm, c goja.FunctionCall) goja.FunctionCall {
	if !v.isNative(c.Argument(0)) || !isName(c.Argument(1)) {
		return c
	}
	given, ok := c.Argument(2).(*goja.Object)
	if !ok {
		return c // which throws
	}
	s, ok := given.Get("value").(goja.String)
	if !ok || s.Length() > maxName || isProxy(given) {
		v.typeError(noName)
	}
	d := v.js.CreateObject(nil)
	for key, val := range map[string]any{"value": s, "writable": false, "enumerable": false, "configurable": true} {
		_ = d.Set(key, val)
	}
	return with(c, 2, d)
}

func isName(key goja.Value) bool {
	s, ok := key.(goja.String)
	return ok && s.String() == "name"
}

// namingAll looks at a call that defines many properties.
func namingAll(v *vm, c goja.FunctionCall) goja.FunctionCall {
	if v.isNative(c.Argument(0)) {
		if obj, ok := c.Argument(1).(*goja.Object); ok && (isProxy(obj) || slices.Contains(obj.GetOwnPropertyNames(), "name")) {
			v.typeError(noName)
		}
	}
	return c
}

// deleting looks at a call that deletes a property.
func deleting(v *vm, c goja.FunctionCall) goja.FunctionCall {
	if c = touching(v, named(v, c)); v.isNative(c.Argument(0)) && isName(c.Argument(1)) {
		v.typeError(noName)
	}
	return c
}

// owner stands around what a property is deleted of, or what gets a field.
func (v *vm) owner(c goja.FunctionCall) goja.Value {
	if v.isNative(c.Argument(0)) {
		v.typeError(noName)
	}
	return c.Argument(0)
}

// shortName is a function's name for another that stands for it.
func (v *vm) shortName(f *goja.Object) goja.Value {
	if s, ok := f.Get("name").(goja.String); ok && s.Length() <= maxName {
		return s
	}
	return v.js.ToValue("")
}

// mayBeName tells whether a property is called name, or may be.
func mayBeName(key ast.Expression) bool {
	lit, ok := key.(*ast.StringLiteral)
	return !isNumeric(key) && (!ok || lit.Value == "name")
}

// keepName has a look at the object in delete o.name, and in what may be one.
func (rw *rewriter) keepName(n *ast.UnaryExpression) {
	if n.Operator != token.DELETE {
		return
	}
	operand := n.Operand
	chain, optional := operand.(*ast.OptionalChain)
	if optional {
		operand = chain.Expression
	}
	var of *ast.Expression
	switch e := operand.(type) {
	case *ast.DotExpression:
		if e.Identifier.Name == "name" {
			of = &e.Left
		}
	case *ast.BracketExpression:
		if mayBeName(e.Member) {
			of = &e.Left
		}
	}
	if of == nil {
		return
	}
	if _, ok := (*of).(*ast.SuperExpression); ok {
		return // deletes nothing
	}
	if !optional {
		*of = call(funcOwner, (*of).Idx0(), *of)
		return
	}
	inner := *of
	if o, ok := inner.(*ast.Optional); ok {
		inner = o.Expression
	}
	*of = &ast.Optional{Expression: call(funcOwner, inner.Idx0(), &ast.OptionalChain{Expression: inner})}
}

// keepNameOf is keepName for a field, since a constructor may return any object
// for it.
func (rw *rewriter) keepNameOf(n *ast.FieldDefinition) {
	if n.Static || !n.Computed && !mayBeName(n.Key) {
		return
	}
	at := n.Key.Idx0()
	list := []ast.Expression{call(funcOwner, at, &ast.ThisExpression{Idx: at})}
	if n.Initializer == nil {
		list = append(list, &ast.UnaryExpression{Operator: token.VOID, Idx: at, Operand: &ast.NumberLiteral{Idx: at, Literal: "0", Value: int64(0)}})
	} else {
		list = append(list, n.Initializer)
	}
	n.Initializer = &ast.SequenceExpression{Sequence: list}
}

// checkName refuses a name that is too long for the stack as text.
func (rw *rewriter) checkName(node any) {
	name, at := "", ast.Node(nil)
	key := func(k ast.Expression) {
		if lit, ok := k.(*ast.StringLiteral); ok {
			name, at = lit.Value.String(), lit
		}
	}
	switch n := node.(type) {
	case *ast.Identifier:
		name, at = n.Name.String(), n
	case *ast.PrivateIdentifier:
		name, at = n.Name.String(), n
	case *ast.PropertyKeyed:
		if _, class := n.Value.(*ast.ClassLiteral); class || isWritten(n.Value) {
			key(n.Key)
		}
	case *ast.MethodDefinition:
		key(n.Key)
	case *ast.FieldDefinition:
		key(n.Key)
	}
	if len(name) > maxName {
		rw.refuse(at.Idx0(), fmt.Sprintf("a name is longer than %d characters", maxName))
	}
}
