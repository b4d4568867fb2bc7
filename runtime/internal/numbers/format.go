package numbers

import (
	"math"
	"strconv"
	"strings"

	"github.com/fazt-sh/fazt/runtime/internal/literal"
)

// notFinite is the text of what has no digits.
func notFinite(f float64) bool { return math.IsNaN(f) || math.IsInf(f, 0) }

// Fixed is toFixed, with digits of 0 to 100 behind the point.
func Fixed(f float64, digits int) string {
	if notFinite(f) || math.Abs(f) >= 1e21 {
		return literal.FormatNumber(f)
	}
	s := round(math.Abs(f), 'f', digits)
	if f < 0 {
		return "-" + s
	}
	return s
}

// Exponential is toExponential, with digits of 0 to 100 behind the point, or as many as
// needed for digits of -1.
func Exponential(f float64, digits int) string {
	if notFinite(f) {
		return literal.FormatNumber(f)
	}
	s := ""
	if f < 0 {
		s = "-"
	}
	if digits < 0 {
		return s + exponent(strconv.FormatFloat(math.Abs(f), 'e', -1, 64))
	}
	return s + exponent(round(math.Abs(f), 'e', digits))
}

// Precision is toPrecision, with 1 to 100 digits in all.
func Precision(f float64, digits int) string {
	if notFinite(f) {
		return literal.FormatNumber(f)
	}
	sign := ""
	if f < 0 {
		sign, f = "-", -f
	}
	f = math.Abs(f)
	s := round(f, 'e', digits-1)
	mantissa, exp, _ := strings.Cut(s, "e")
	e, _ := strconv.Atoi(exp)
	if e < -6 || e >= digits {
		return sign + exponent(s)
	}
	all := strings.Replace(mantissa, ".", "", 1)
	switch {
	case e < 0:
		return sign + "0." + strings.Repeat("0", -e-1) + all
	case e+1 < len(all):
		return sign + all[:e+1] + "." + all[e+1:]
	}
	return sign + all
}

// mostDigits is more than any number has in all.
const mostDigits = 1100

// round is strconv.FormatFloat of what isn't negative, with halves away from 0, where Go
// takes the even neighbour.
func round(f float64, format byte, digits int) string {
	if s := strconv.FormatFloat(f, format, digits+1, 64); isHalf(s, format) {
		exact := strconv.FormatFloat(f, format, mostDigits, 64)
		exact, _, _ = strings.Cut(exact, "e")
		point := strings.IndexByte(exact, '.')
		if strings.Trim(exact[point+digits+2:], "0") == "" && exact[point+digits+1] == '5' {
			f = math.Nextafter(f, math.Inf(1))
		}
	}
	return strconv.FormatFloat(f, format, digits, 64)
}

func isHalf(s string, format byte) bool {
	if format == 'e' {
		s, _, _ = strings.Cut(s, "e")
	}
	return s[len(s)-1] == '5'
}

// exponent takes the padding out of an exponent: 1e+05 is 1e+5 in JavaScript.
func exponent(s string) string {
	i := strings.IndexByte(s, 'e')
	if i >= 0 && len(s) > i+3 && s[i+2] == '0' {
		return s[:i+2] + s[i+3:]
	}
	return s
}

const digitChars = "0123456789abcdefghijklmnopqrstuvwxyz"

// Radix is toString of a radix of 2 to 36. The language leaves open how many digits a
// fraction has: these are the fewest that are nearer to f than to its neighbours, as in
// other engines.
func Radix(f float64, radix int) string {
	if radix == 10 || notFinite(f) {
		return literal.FormatNumber(f)
	}
	sign := ""
	if f < 0 {
		sign, f = "-", -f
	}
	whole, fraction := math.Modf(f)
	behind, carry := fractionDigits(fraction, math.Max((math.Nextafter(f, math.Inf(1))-f)/2, math.SmallestNonzeroFloat64), radix)
	if carry {
		whole++
	}
	s := sign + wholeDigits(whole, float64(radix))
	if behind != "" {
		s += "." + behind
	}
	return s
}

// fractionDigits prints a fraction to within delta, and tells whether it was rounded up to 1.
func fractionDigits(fraction, delta float64, radix int) (text string, carry bool) {
	var digits []byte
	for fraction >= delta {
		fraction *= float64(radix)
		delta *= float64(radix)
		digit := int(fraction)
		fraction -= float64(digit)
		digits = append(digits, byte(digit))
		if up := fraction > 0.5 || fraction == 0.5 && digit&1 == 1; up && fraction+delta > 1 {
			for carry = true; carry && len(digits) > 0; {
				last := len(digits) - 1
				if carry = int(digits[last])+1 == radix; carry {
					digits = digits[:last]
				} else {
					digits[last]++
				}
			}
			break
		}
	}
	for i, d := range digits {
		digits[i] = digitChars[d]
	}
	return string(digits), carry
}

// wholeDigits prints a whole number; the last digits of a very large one are 0.
func wholeDigits(whole, radix float64) string {
	var b []byte
	for whole/radix >= 1<<53 {
		whole /= radix
		b = append(b, '0')
	}
	for whole = math.Trunc(whole); ; {
		digit := math.Mod(whole, radix)
		b = append(b, digitChars[int(digit)])
		if whole = (whole - digit) / radix; whole < 1 {
			break
		}
	}
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}
