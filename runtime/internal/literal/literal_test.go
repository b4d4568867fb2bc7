package literal_test

import (
	"math"
	"testing"

	"github.com/fazt-sh/fazt/runtime/internal/literal"
)

// TestNumbers has what Node prints.
func TestNumbers(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0", math.Copysign(0, -1): "0", -1: "-1", 0.1: "0.1", 1e-6: "0.000001", 1e-7: "1e-7", 1.5e-10: "1.5e-10",
		123456789012345680000: "123456789012345680000", 1e21: "1e+21", 5e-324: "5e-324", math.MaxFloat64: "1.7976931348623157e+308",
		math.Inf(1): "Infinity", math.Inf(-1): "-Infinity",
	} {
		if got := literal.FormatNumber(f); got != want {
			t.Errorf("%g: got %s, want %s", f, got, want)
		}
	}
	if got := literal.FormatNumber(math.NaN()); got != "NaN" {
		t.Errorf("NaN: got %s", got)
	}
}

// TestStrings has what JSON.stringify prints of UTF-16 text, whose lone surrogates
// Go has as three bytes.
func TestStrings(t *testing.T) {
	for s, want := range map[string]string{
		"":                        `""`,
		"a<b>&\u2028":             "\"a<b>&\u2028\"",
		"\"\\/\b\f\n\r\t\x01\x7f": `"\"\\/\b\f\n\r\t\u0001` + "\x7f\"",
		"é😀":                      `"é😀"`,
		"x\xed\xa0\x80y":          `"x\ud800y"`,
		"\xff":                    "\"\uFFFD\"",
	} {
		if got := string(literal.AppendQuoted(nil, s)); got != want {
			t.Errorf("%q: got %s, want %s", s, got, want)
		}
	}
}
