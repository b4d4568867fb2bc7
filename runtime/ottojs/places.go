package ottojs

import (
	"strings"

	"github.com/robertkrimen/otto"
	"github.com/robertkrimen/otto/ast"
	"github.com/robertkrimen/otto/token"
)

// otto knows where an error is from by the calls that lead to it. What is called by no
// call of the handler's (getters, and methods that conversions use) notes its place
// when it begins, or an endless recursion of those would have none.

// implicit are the names of properties whose function is called by no call.
var implicit = nameSet("get set toString valueOf toJSON")

// placed has a function note its place.
func (rw *rewriter) placed(fn *ast.FunctionLiteral) {
	body := fn.Body.(*ast.BlockStatement)
	at := body.LeftBrace
	if len(body.List) > 0 {
		at = body.List[0].Idx0()
	}
	rw.directives(body.List) // before it isn't the first any more
	body.List = append([]ast.Statement{&ast.ExpressionStatement{Expression: call(idHere, at)}}, body.List...)
}

func (v *vm) here(otto.FunctionCall) otto.Value { return undefined }

// rightSide has the right side of in and instanceof looked at, for which otto has
// neither a place nor a text that an author would understand.
func rightSide(e *ast.BinaryExpression) ast.Expression {
	if id, ok := e.Right.(*ast.Identifier); ok && standardGlobals[id.Name] && e.Operator == token.INSTANCEOF {
		return id
	}
	return call(idRight, e.Right.Idx0(), e.Right, boolean(e.Operator == token.IN, e.Right.Idx0()))
}

func (v *vm) rightSide(c otto.FunctionCall) otto.Value {
	val := c.Argument(0)
	switch in, _ := c.Argument(1).ToBoolean(); {
	case in && !val.IsObject():
		v.typeError("in wants an object on its right side")
	case !in && !val.IsFunction():
		v.typeError("instanceof wants a function on its right side")
	}
	return val
}

// tidyMade has an error tidied that is made by its name.
func tidyMade(e, callee ast.Expression) ast.Expression {
	if id, ok := callee.(*ast.Identifier); ok && standardGlobals[id.Name] && strings.HasSuffix(id.Name, "Error") {
		return call(idMade, e.Idx0(), e)
	}
	return e
}

// tidyCaught has an error tidied that is caught, which otto itself may have made. A
// declaration has no completion value.
func (rw *rewriter) tidyCaught(c *ast.CatchStatement) {
	body, ok := c.Body.(*ast.BlockStatement)
	if !ok {
		return
	}
	at := body.LeftBrace
	tidy := &ast.VariableExpression{Name: rw.temporary(), Idx: at, Initializer: call(idCatches, at, identifier(c.Parameter.Name, at))}
	body.List = append([]ast.Statement{&ast.VariableStatement{Var: at, List: []ast.Expression{tidy}}}, body.List...)
}

func (v *vm) tidy(val otto.Value) otto.Value {
	if val.Class() == "Error" {
		_, _ = v.lib.tidy.Call(undefined, val) // it may be the stack that is used up
	}
	return val
}

func (v *vm) madeError(c otto.FunctionCall) otto.Value { return v.tidy(c.Argument(0)) }

func (v *vm) catches(c otto.FunctionCall) otto.Value {
	v.run.hasEscaped = false
	return v.tidy(c.Argument(0))
}

// escaped notes what a throw threw, until it is caught, so that a native that otto
// hands the error of can throw the same on.
func (v *vm) escaped(val otto.Value) { v.run.escaped, v.run.hasEscaped = val, true }

// thrownAs is the value that was thrown when otto made err of it. There is none of an
// error of otto's own.
func (v *vm) thrownAs(err error) (otto.Value, bool) {
	val := v.run.escaped
	if !v.run.hasEscaped {
		return undefined, false
	}
	if _, ok := err.(*otto.Error); ok {
		return val, val.Class() == "Error"
	}
	return val, val.Class() != "Error"
}
