package gojajs

import (
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"

	"github.com/fazt-sh/fazt/runtime/internal/numbers"
)

// Bounds of bigints: a step of arithmetic can't be interrupted.
const (
	maxBigBits   = 1 << 20
	maxBigDigits = 100_000
)

// bigintSources are the natives that make a bigint of what is none. In a program
// without these names they are refused, see madeBigInt.
var bigintSources = []string{"BigInt", "getBigInt64", "getBigUint64"}

// mayHaveBigInts tells whether a file has a bigint, or names what makes one.
func mayHaveBigInts(program *ast.Program) (found bool) {
	nodes(reflect.ValueOf(program), make(map[any]bool), func(node any) bool {
		switch n := node.(type) {
		case *ast.NumberLiteral:
			_, big := n.Value.(*big.Int)
			found = found || big
		case *ast.StringLiteral:
			found = found || slices.Contains(bigintSources, n.Value.String())
		case *ast.Identifier:
			found = found || slices.Contains(bigintSources, n.Name.String())
		case *ast.DotExpression:
			found = found || slices.Contains(bigintSources, n.Identifier.Name.String())
		}
		return !found
	})
	return found
}

// madeBigInt guards a native that makes a bigint: it is there where the program was
// compiled for it, as its operators go through functions of ours then.
func madeBigInt(v *vm, native *goja.Object) goja.Value {
	if !v.script.bigints {
		name := native.Get("name").String()
		return refused("name "+name+" in the program's text to use it")(v, native)
	}
	return plainGuard(v, native)
}

// checkBigInt refuses to read a bigint that takes too long.
func checkBigInt(v *vm, c goja.FunctionCall) goja.FunctionCall {
	if s, ok := c.Argument(0).(goja.String); ok && s.Length() > maxBigDigits {
		v.rangeError("BigInt: the text is longer than " + strconv.Itoa(maxBigDigits) + " digits")
	}
	return c
}

func checkBits(v *vm, c goja.FunctionCall) goja.FunctionCall {
	bits := c.Argument(0).ToNumber() // once, as another time it may be another
	if bits.ToFloat() > maxBigBits {
		v.tooManyBits()
	}
	return with(with(c, 0, bits), 1, v.readable(c.Argument(1)))
}

// bigintAt guards a native that reads an argument as a bigint.
func bigintAt(i int) guard {
	return checking(func(v *vm, c goja.FunctionCall) goja.FunctionCall { return with(c, i, v.readable(c.Argument(i))) })
}

// readable is the primitive that a value is, which is read as a bigint if it is
// a text: in quadratic time.
func (v *vm) readable(val goja.Value) goja.Value {
	if _, ok := val.(*goja.Object); ok {
		val = v.library("primitive", val)
	}
	if s, ok := val.(goja.String); ok && s.Length() > maxBigDigits {
		v.rangeError("the text is longer than " + strconv.Itoa(maxBigDigits) + " digits")
	}
	return val
}

// compare does the operators that read a text as a bigint where the other side
// is one.
func (v *vm) compare(c goja.FunctionCall) goja.Value {
	op, a, b := c.Argument(0), c.Argument(1), c.Argument(2)
	switch {
	case goja.IsBigInt(a) && !goja.IsBigInt(b):
		b = v.readable(b)
	case goja.IsBigInt(b) && !goja.IsBigInt(a):
		a = v.readable(a)
	}
	return v.library("compare", op, a, b)
}

// shift is what a value is shifted right by. Less than nothing would make a
// bigint longer.
func (v *vm) shift(c goja.FunctionCall) goja.Value {
	by := v.numeric(c.Argument(0))
	if n := bigOf(by); n != nil && n.Sign() < 0 {
		v.rangeError("write << to shift a bigint to the left")
	}
	return by
}

func (v *vm) tooManyBits() { v.rangeError("Maximum BigInt size exceeded") }

// binary does the operators that make large bigints of small ones.
func (v *vm) binary(c goja.FunctionCall) goja.Value {
	op := c.Argument(0).String()
	a, b := v.numeric(c.Argument(1)), v.numeric(c.Argument(2))
	x, y := bigOf(a), bigOf(b)
	if x != nil && y != nil {
		bits := float64(x.BitLen())
		switch op {
		case "**":
			bits *= math.Abs(toFloat(y))
		case "*":
			bits += float64(y.BitLen())
		case "<<":
			bits += math.Max(toFloat(y), 0)
		}
		if bits > maxBigBits && x.BitLen() > 1 || bits > 16*maxBigBits {
			v.tooManyBits()
		}
	}
	if op == "<<" && x == nil && y == nil {
		a, b = v.js.ToValue(numbers.ToInt32(a.ToFloat())), v.js.ToValue(numbers.ToInt32(b.ToFloat()))
	}
	return v.library("binary", v.js.ToValue(op), a, b)
}

// numeric is the number or bigint that an operand is.
func (v *vm) numeric(val goja.Value) goja.Value {
	if _, ok := val.(*goja.Object); ok {
		val = v.library("primitive", val)
	}
	if goja.IsBigInt(val) {
		return val
	}
	return val.ToNumber()
}

// isBoxedBigInt tells Object(1n).
func isBoxedBigInt(obj *goja.Object) bool { return obj.ExportType() == reflect.TypeFor[*big.Int]() }

func bigOf(val goja.Value) *big.Int {
	if !goja.IsBigInt(val) {
		return nil
	}
	n, _ := val.Export().(*big.Int)
	return n
}

func toFloat(n *big.Int) float64 {
	f, _ := new(big.Float).SetInt(n).Float64()
	return f
}
