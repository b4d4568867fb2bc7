package intl

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/fazt-sh/fazt/runtime/internal/numbers"
)

func numberOf(text string) float64 { return numbers.Parse(text) }

// decimal is a number in digits: 0.d1d2d3... times ten to the power of exp, without zeros
// at either end.
type decimal struct {
	negative bool
	digits   []byte // as characters
	exp      int
}

// parseDecimal reads what JavaScript prints a number or a bigint as.
func parseDecimal(s string) (d decimal) {
	if d.negative = strings.HasPrefix(s, "-"); d.negative {
		s = s[1:]
	}
	mantissa, exponent, _ := strings.Cut(s, "e")
	e, _ := strconv.Atoi(strings.TrimPrefix(exponent, "+"))
	whole, fraction, _ := strings.Cut(mantissa, ".")
	d.digits = []byte(whole + fraction)
	d.exp = len(whole) + e
	d.trim()
	return d
}

func (d *decimal) trim() {
	n := len(d.digits)
	d.digits = bytes.TrimLeft(d.digits, "0")
	d.exp -= n - len(d.digits)
	d.digits = bytes.TrimRight(d.digits, "0")
	if len(d.digits) == 0 {
		d.exp = 0
	}
}

func (d *decimal) zero() bool { return len(d.digits) == 0 }

// round keeps the first n digits, which may be none or less; halves go away from zero.
func (d *decimal) round(n int) {
	if n >= len(d.digits) {
		return
	}
	if n < 0 {
		d.digits, d.exp = nil, 0
		return
	}
	up := d.digits[n] >= '5'
	d.digits = bytes.Clone(d.digits[:n])
	if !up {
		d.trim()
		return
	}
	for i := n - 1; i >= 0; i-- {
		if d.digits[i] != '9' {
			d.digits[i]++
			d.trim()
			return
		}
		d.digits[i] = '0'
	}
	d.digits = []byte{'1'}
	d.exp++
}

// split are the digits before and behind the point, with at least so many of them.
func (d *decimal) split(whole, fraction int) (string, string) {
	var before, behind string
	switch {
	case d.exp <= 0 && !d.zero():
		behind = strings.Repeat("0", -d.exp) + string(d.digits)
	case d.exp >= len(d.digits):
		before = string(d.digits) + strings.Repeat("0", d.exp-len(d.digits))
	default:
		before, behind = string(d.digits[:d.exp]), string(d.digits[d.exp:])
	}
	if n := whole - len(before); n > 0 {
		before = strings.Repeat("0", n) + before
	}
	if n := fraction - len(behind); n > 0 {
		behind += strings.Repeat("0", n)
	}
	return before, behind
}
