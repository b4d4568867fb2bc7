package ottojs

import (
	"math"
	"math/bits"

	"github.com/robertkrimen/otto"

	"github.com/fazt-sh/fazt/runtime/internal/numbers"
)

// ofOne are the functions of Math with one argument. otto's own read a text in Go's
// syntax, and round 0.49999999999999994 up.
var ofOne = map[string]func(float64) float64{
	"abs": math.Abs, "acos": math.Acos, "acosh": math.Acosh, "asin": math.Asin, "asinh": math.Asinh, "atan": math.Atan, "atanh": math.Atanh,
	"cbrt": math.Cbrt, "ceil": math.Ceil, "cos": math.Cos, "cosh": math.Cosh, "exp": math.Exp, "expm1": math.Expm1, "floor": math.Floor,
	"log": math.Log, "log10": math.Log10, "log1p": math.Log1p, "log2": math.Log2, "round": numbers.Round, "sin": math.Sin, "sinh": math.Sinh,
	"sqrt": math.Sqrt, "tan": math.Tan, "tanh": math.Tanh, "trunc": math.Trunc, "fround": func(f float64) float64 { return float64(float32(f)) },
	"sign": func(f float64) float64 {
		if f == 0 || math.IsNaN(f) {
			return f
		}
		return math.Copysign(1, f)
	},
	"clz32": func(f float64) float64 { return float64(bits.LeadingZeros32(uint32(numbers.ToInt32(f)))) },
}

// maths makes the functions of Math.
func (v *vm) maths() map[string]native {
	all := make(map[string]native)
	for name, f := range ofOne {
		all[name] = func(c otto.FunctionCall) otto.Value { return v.value(f(v.toNumber(c.Argument(0)))) }
	}
	all["atan2"] = func(c otto.FunctionCall) otto.Value {
		y := v.toNumber(c.Argument(0))
		return v.value(math.Atan2(y, v.toNumber(c.Argument(1))))
	}
	all["imul"] = func(c otto.FunctionCall) otto.Value {
		a := numbers.ToInt32(v.toNumber(c.Argument(0)))
		return v.value(int(a * numbers.ToInt32(v.toNumber(c.Argument(1)))))
	}
	all["pow"] = func(c otto.FunctionCall) otto.Value {
		x := v.toNumber(c.Argument(0))
		y := v.toNumber(c.Argument(1))
		if math.IsNaN(y) || math.Abs(x) == 1 && math.IsInf(y, 0) {
			return otto.NaNValue() // Go says 1
		}
		return v.value(math.Pow(x, y))
	}
	all["max"] = v.extreme(math.Inf(-1), math.Max)
	all["min"] = v.extreme(math.Inf(1), math.Min)
	return all
}

// extreme makes Math.max or Math.min. One that isn't a number decides, which Go's don't
// say of an infinity beside it.
func (v *vm) extreme(least float64, choose func(a, b float64) float64) native {
	return func(c otto.FunctionCall) otto.Value {
		result, nan := least, false
		for _, arg := range c.ArgumentList {
			f := v.toNumber(arg)
			nan = nan || math.IsNaN(f)
			result = choose(result, f)
		}
		if nan {
			return otto.NaNValue()
		}
		return v.value(result)
	}
}
