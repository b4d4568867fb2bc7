package gojajs

import (
	"math"
	"strconv"
	"strings"

	"github.com/dop251/goja"
)

// localeNumber is Number.prototype.toLocaleString, as en-US has it: thousands
// separated, at most three decimals.
func localeNumber(v *vm, c goja.FunctionCall) goja.Value {
	val := v.unboxed(c.This)
	var digits string
	switch {
	case goja.IsBigInt(val):
		digits = val.String()
	case !goja.IsNumber(val):
		v.typeError("this is not a number")
	default:
		f := val.ToFloat()
		if math.IsNaN(f) {
			return v.js.ToValue("NaN")
		}
		if math.IsInf(f, 0) {
			return v.js.ToValue(strings.Replace(val.String(), "Infinity", "∞", 1))
		}
		digits = strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(f, 'f', 3, 64), "0"), ".")
	}
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	whole, fraction, decimals := strings.Cut(digits, ".")
	var b strings.Builder
	b.WriteString(sign)
	for i, d := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	if decimals {
		b.WriteString("." + fraction)
	}
	return v.js.ToValue(b.String())
}
