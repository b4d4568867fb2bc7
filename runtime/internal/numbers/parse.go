package numbers

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Spaces are the characters that the language takes for white space or ends of lines.
const Spaces = "\t\n\v\f\r \u00A0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF"

// Parse is the number that a text is: that of Number(text), of +text and of arithmetic.
// A text that is none is NaN, an empty one 0.
func Parse(text string) float64 {
	s := strings.Trim(text, Spaces)
	if s == "" {
		return 0
	}
	if len(s) > 2 && s[0] == '0' {
		switch s[1] | 0x20 {
		case 'x':
			return whole(s[2:], 16)
		case 'o':
			return whole(s[2:], 8)
		case 'b':
			return whole(s[2:], 2)
		}
	}
	if Prefix(s) != len(s) {
		return math.NaN()
	}
	f, _ := strconv.ParseFloat(s, 64) // out of range is an infinity
	return f
}

// whole reads digits of a base that is a power of two.
func whole(digits string, base int) float64 {
	for i := range len(digits) {
		if digitOf(digits[i]) >= base {
			return math.NaN()
		}
	}
	n, err := strconv.ParseUint(digits, base, 53)
	if err == nil {
		return float64(n)
	}
	if len(strings.TrimLeft(digits, "0")) > 1100 {
		return math.Inf(1)
	}
	long, _ := new(big.Int).SetString(digits, base)
	f, _ := new(big.Float).SetInt(long).Float64()
	return f
}

// digitOf is what a digit stands for, 99 for what is none.
func digitOf(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'z':
		return int(c|0x20-'a') + 10
	}
	return 99
}

// ParseFloat is the global function: the number that a text begins with.
func ParseFloat(text string) float64 {
	s := strings.TrimLeft(text, Spaces)
	n := Prefix(s)
	if n == 0 {
		return math.NaN()
	}
	f, _ := strconv.ParseFloat(s[:n], 64) // out of range is an infinity
	return f
}

// Prefix is the length of the decimal literal or Infinity that a text begins with.
func Prefix(s string) int {
	i := 0
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	if strings.HasPrefix(s[i:], "Infinity") {
		return i + len("Infinity")
	}
	digits := func() int {
		start := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i - start
	}
	n := digits()
	if i < len(s) && s[i] == '.' {
		i++
		n += digits()
	}
	if n == 0 {
		return 0
	}
	end := i
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if digits() > 0 {
			end = i
		}
	}
	return end
}

// ParseInt is the global function. radix is what ToInt32 makes of its second argument,
// 0 for none.
func ParseInt(text string, radix int32) float64 {
	s := strings.TrimLeft(text, Spaces)
	sign := 1.0
	if s != "" && (s[0] == '+' || s[0] == '-') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	if (radix == 0 || radix == 16) && len(s) > 1 && s[0] == '0' && s[1]|0x20 == 'x' {
		s, radix = s[2:], 16
	}
	if radix == 0 {
		radix = 10
	}
	if radix < 2 || radix > 36 {
		return math.NaN()
	}
	n := 0
	for n < len(s) && digitOf(s[n]) < int(radix) {
		n++
	}
	if n == 0 {
		return math.NaN()
	}
	return sign * integer(strings.TrimLeft(s[:n], "0"), int(radix))
}

func integer(digits string, radix int) float64 {
	if digits == "" {
		return 0
	}
	if radix == 10 {
		f, _ := strconv.ParseFloat(digits, 64)
		return f
	}
	if n, err := strconv.ParseUint(digits, radix, 53); err == nil {
		return float64(n)
	}
	if len(digits) > 1100 {
		return math.Inf(1) // 2^1100 is past the largest number
	}
	long, _ := new(big.Int).SetString(digits, radix)
	f, _ := new(big.Float).SetInt(long).Float64()
	return f
}

// ToInt32 is what the bitwise operators make of a number: its whole part modulo 2^32.
func ToInt32(f float64) int32 {
	if i := int32(f); float64(i) == f {
		return i
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return int32(uint32(int64(math.Mod(math.Trunc(f), 1<<32))))
}

// Round is Math.round: halves go up.
func Round(f float64) float64 {
	if f != f || math.Abs(f) >= 1<<52 {
		return f
	}
	whole := math.Floor(f)
	if f-whole >= 0.5 {
		whole++
	}
	return math.Copysign(whole, f)
}
