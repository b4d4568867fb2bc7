package ottojs

import (
	"math"

	"github.com/robertkrimen/otto"

	"github.com/fazt-sh/fazt/runtime/internal/literal"
	"github.com/fazt-sh/fazt/runtime/internal/numbers"
)

// numberNatives are what the prelude gets for numbers and dates.
func (v *vm) numberNatives() map[string]native {
	return map[string]native{
		"number": v.numberOf, "int32": v.int32, "parseFloat": v.parseFloat, "parseInt": v.parseInt, "formatNumber": v.formatNumber,
		"dateParse": v.dateParse, "dateClip": v.dateClip, "dateNew": v.dateNew, "dateSet": v.dateSet, "dateText": v.dateText,
	}
}

// toNumber is what the language makes of a value as a number. otto reads a text as Go
// does: '1_0' as 10.
func (v *vm) toNumber(val otto.Value) float64 {
	if val.IsObject() {
		val = v.invoke(v.lib.primitive, undefined, val)
	}
	if val.IsString() {
		return numbers.Parse(val.String())
	}
	f, _ := val.ToFloat()
	return f
}

func (v *vm) numberOf(c otto.FunctionCall) otto.Value { return v.value(v.toNumber(c.Argument(0))) }

// parseInt is the global function.
func (v *vm) parseInt(c otto.FunctionCall) otto.Value {
	return v.value(numbers.ParseInt(c.Argument(0).String(), numbers.ToInt32(v.toNumber(c.Argument(1)))))
}

// parseFloat is the global function. otto's own takes quadratic time.
func (v *vm) parseFloat(c otto.FunctionCall) otto.Value {
	return v.value(numbers.ParseFloat(c.Argument(0).String()))
}

// formatNumber is a method of Number.prototype that prints a number, with its argument.
func (v *vm) formatNumber(c otto.FunctionCall) otto.Value {
	f, name, given := v.Number(c.Argument(0)), c.Argument(1).String(), c.Argument(2)
	least, most := 0.0, 100.0
	switch name {
	case "toPrecision":
		least = 1
	case "toString":
		least, most = 2, 36
	}
	n := math.Trunc(v.toNumber(given))
	if math.IsNaN(n) {
		n = 0
	}
	finite := !math.IsNaN(f) && !math.IsInf(f, 0)
	if given.IsDefined() && (finite || name == "toString" || name == "toFixed") && (n < least || n > most) {
		what := "the number of digits"
		if name == "toString" {
			what = "the radix"
		}
		v.rangeError("%s: %s must be from %v to %v", name, what, least, most)
	}
	switch {
	case name == "toFixed":
		return v.value(numbers.Fixed(f, int(n)))
	case name == "toExponential" && given.IsUndefined():
		return v.value(numbers.Exponential(f, -1))
	case name == "toExponential":
		return v.value(numbers.Exponential(f, int(n)))
	case given.IsUndefined():
		return v.value(literal.FormatNumber(f))
	case name == "toPrecision":
		return v.value(numbers.Precision(f, int(n)))
	}
	return v.value(numbers.Radix(f, int(n)))
}
