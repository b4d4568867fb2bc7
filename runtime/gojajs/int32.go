package gojajs

import (
	"math"
	"slices"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"

	"github.com/fazt-sh/fazt/runtime/internal/numbers"
)

// goja takes numbers past 2^63 for 0 where an operator works on 32 bits. So what may be
// that large is brought within 2^32 first, which doesn't change these bits: x | y is
// compiled as x % 2**32 | y % 2**32.

const two32 = 1 << 32

func isBitwise(op token.Token) bool {
	switch op {
	case token.AND, token.OR, token.EXCLUSIVE_OR, token.SHIFT_LEFT, token.SHIFT_RIGHT, token.UNSIGNED_SHIFT_RIGHT:
		return true
	}
	return false
}

// most is a bound of the numbers that an expression can be, without regard to sign:
// infinite for one that says nothing of it.
func most(e ast.Expression) float64 {
	switch n := e.(type) {
	case *ast.NumberLiteral:
		switch val := n.Value.(type) {
		case int64:
			return math.Abs(float64(val))
		case float64:
			return math.Abs(val)
		}
	case *ast.BooleanLiteral, *ast.NullLiteral:
		return 1
	case *ast.UnaryExpression:
		switch n.Operator {
		case token.BITWISE_NOT, token.NOT:
			return two32
		case token.PLUS, token.MINUS:
			return most(n.Operand)
		}
	case *ast.BinaryExpression:
		if isBitwise(n.Operator) {
			return two32
		}
		switch n.Operator {
		case token.REMAINDER:
			return most(n.Right)
		case token.PLUS, token.MINUS:
			return most(n.Left) + most(n.Right)
		case token.MULTIPLY:
			return most(n.Left) * most(n.Right)
		}
	}
	return math.Inf(1)
}

// within32 is an operand of an operator that works on 32 bits.
func (rw *rewriter) within32(e ast.Expression) ast.Expression {
	at := e.Idx0()
	switch {
	case most(e) < 1<<62, rw.file.Name() == libraryName:
		return e
	case rw.mentions.bigints: // of which % may be asked with bigints only
		return call(funcInt32, at, e)
	}
	return &ast.BinaryExpression{Operator: token.REMAINDER, Left: e, Right: &ast.NumberLiteral{Idx: at, Literal: "4294967296", Value: int64(two32)}}
}

// int32 is an operand in a program with bigints.
func (v *vm) int32(c goja.FunctionCall) goja.Value {
	val := v.numeric(c.Argument(0))
	if goja.IsBigInt(val) {
		return val
	}
	return v.js.ToValue(numbers.ToInt32(val.ToFloat()))
}

// assign32 makes x |= y an assignment of x | y, and of what else it is assigned to.
func (rw *rewriter) assign32(n *ast.AssignExpression) ast.Expression {
	if !isBitwise(n.Operator) || rw.file.Name() == libraryName {
		return nil
	}
	n.Right = rw.within32(n.Right)
	op, right := n.Operator, n.Right
	return spelledOut(n, func(left ast.Expression) ast.Expression {
		return &ast.BinaryExpression{Operator: op, Left: rw.within32(left), Right: right}
	})
}

// spelledOut makes x op= y an assignment of a value that x is part of, with what x is made
// of evaluated once. It returns what stands for n if n alone doesn't do.
func spelledOut(n *ast.AssignExpression, value func(left ast.Expression) ast.Expression) ast.Expression {
	var first []ast.Expression // what is done once, before
	once := func(e ast.Expression, as string) ast.Expression {
		switch e.(type) {
		case *ast.Identifier, *ast.ThisExpression, *ast.NumberLiteral, *ast.StringLiteral:
			return e
		}
		at := e.Idx0()
		first = append(first, assign(inside(as, at), e))
		return inside(as, at)
	}
	switch left := n.Left.(type) {
	case *ast.DotExpression:
		if isSuper(left.Left) {
			return nil
		}
		left.Left = once(left.Left, propTarget)
	case *ast.PrivateDotExpression:
		left.Left = once(left.Left, propTarget)
	case *ast.BracketExpression:
		if isSuper(left.Left) {
			return nil
		}
		left.Left = once(left.Left, propTarget)
		left.Member = once(left.Member, propMember)
	case *ast.Identifier:
	default:
		return nil
	}
	n.Operator, n.Right = token.ASSIGN, value(n.Left)
	if len(first) == 0 {
		return nil
	}
	return &ast.SequenceExpression{Sequence: append(first, n)}
}

func isSuper(e ast.Expression) bool {
	_, super := e.(*ast.SuperExpression)
	return super
}

// within32At guards a native that makes 32 bits, or 16, of its arguments.
func within32At(v *vm, c goja.FunctionCall) goja.FunctionCall {
	c.Arguments = slices.Clone(c.Arguments)
	for i, a := range c.Arguments {
		v.checkNumber(a)
		f := v.toNumber(a)
		if math.Abs(f) >= two32 {
			f = float64(numbers.ToInt32(f))
		}
		c.Arguments[i] = v.js.ToValue(f)
	}
	return c
}

// charCodes is within32At for String.fromCharCode.
func charCodes(v *vm, c goja.FunctionCall) goja.FunctionCall {
	return within32At(v, shortNumbers(v, c))
}
