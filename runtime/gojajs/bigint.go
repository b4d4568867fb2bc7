package gojajs

import (
	"math"
	"math/big"
	"strconv"

	"github.com/dop251/goja"
)

// Bounds of bigints: a step of arithmetic can't be interrupted.
const (
	maxBigBits   = 1 << 20
	maxBigDigits = 100_000
)

// checkBigInt refuses to read a bigint that takes too long.
func checkBigInt(v *vm, c goja.FunctionCall) goja.FunctionCall {
	if s, ok := c.Argument(0).(goja.String); ok && s.Length() > maxBigDigits {
		v.rangeError("BigInt: the text is longer than " + strconv.Itoa(maxBigDigits) + " digits")
	}
	return c
}

func checkBits(v *vm, c goja.FunctionCall) goja.FunctionCall {
	if c.Argument(0).ToNumber().ToFloat() > maxBigBits {
		v.tooManyBits()
	}
	return c
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
