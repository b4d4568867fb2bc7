package numbers_test

import (
	"math"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/runtime/internal/literal"
	"github.com/fazt-sh/fazt/runtime/internal/numbers"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]float64{
		"": 0, " \n\u00A0": 0, " 12 ": 12, "\uFEFF7": 7, "-.5": -0.5, "5.": 5, "1e3": 1000, "+1E-2": 0.01, "Infinity": math.Inf(1), "-Infinity": math.Inf(-1),
		"0x1F": 31, "0Xff": 255, "0b101": 5, "0o17": 15, "0xFFFFFFFFFFFFFFFFFF": 4722366482869645213695, "1e400": math.Inf(1), "00010": 10,
		"0x" + strings.Repeat("f", 300): math.Inf(1), "0x20000000000001": 9007199254740992, "0x20000000000003": 9007199254740996,
	} {
		if got := numbers.Parse(text); got != want {
			t.Errorf("Parse(%q) is %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"1_0", "0x_1f", "0x1.8p1", "1e1_0", "inf", "INFINITY", "+inf", "infinity", "nan", "-0x10", "0x", "0b2", "0o8", "-", ".", "1e", "1,2", "12px", "1 2", "0x1g", "1n"} {
		if got := numbers.Parse(text); !math.IsNaN(got) {
			t.Errorf("Parse(%q) is %v, want NaN", text, got)
		}
	}
	if got := numbers.Parse("-0"); got != 0 || !math.Signbit(got) {
		t.Errorf("Parse(-0) is %v", got)
	}
}

func TestParseInt(t *testing.T) {
	for _, c := range []struct {
		text  string
		radix int32
		want  float64
	}{
		{"12px", 0, 12}, {"  -7", 0, -7}, {"0x1F", 0, 31}, {"0x1F", 16, 31}, {"0x1F", 10, 0}, {"z", 36, 35}, {"9", 8, math.NaN()}, {"123", 1, math.NaN()},
		{"9223372036854775807", 10, 9223372036854775807}, {strings.Repeat("9", 400), 10, math.Inf(1)}, {strings.Repeat("f", 20), 16, 1208925819614629174706175},
		{"", 10, math.NaN()}, {"0x", 0, math.NaN()}, {"1_000", 10, 1}, {"+5", 10, 5},
	} {
		if got := numbers.ParseInt(c.text, c.radix); got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("ParseInt(%q, %d) is %v, want %v", c.text, c.radix, got, c.want)
		}
	}
}

func TestToInt32(t *testing.T) {
	for f, want := range map[float64]int32{
		1e20: 1661992960, -1e20: -1661992960, 1e19: -1981284352, 1e18: -1486618624, 2147483648: -2147483648, 4294967296.5: 0, -1.9: -1,
		math.Inf(1): 0, 1 << 62: 0, 9007199254740993: 0, 1e300: 0, -2147483649: 2147483647,
	} {
		if got := numbers.ToInt32(f); got != want {
			t.Errorf("ToInt32(%v) is %d, want %d", f, got, want)
		}
	}
}

func TestFormat(t *testing.T) {
	for got, want := range map[string]string{
		numbers.Fixed(2.5, 0):                                    "3", // a half goes up
		numbers.Fixed(-2.5, 0):                                   "-3",
		numbers.Fixed(8.345, 2):                                  "8.35",
		numbers.Fixed(1.005, 2):                                  "1.00",
		numbers.Fixed(1.45, 1):                                   "1.4",
		numbers.Fixed(0.1, 20):                                   "0.10000000000000000555",
		numbers.Fixed(0.5, 0) + "/0":                             "1/0",
		numbers.Fixed(1e21, 2):                                   "1e+21",
		numbers.Fixed(math.Copysign(0, -1), 1):                   "0.0",
		numbers.Fixed(-1e-10, 2):                                 "-0.00",
		numbers.Precision(25, 1):                                 "3e+1",
		numbers.Precision(1.25, 2):                               "1.3",
		numbers.Precision(123.456, 4):                            "123.5",
		numbers.Precision(0.00001, 1):                            "0.00001",
		numbers.Precision(1e-7, 3):                               "1.00e-7",
		numbers.Precision(1e21, 3):                               "1.00e+21",
		numbers.Precision(123456, 2):                             "1.2e+5",
		numbers.Precision(0, 3):                                  "0.00",
		numbers.Precision(99.99, 3):                              "100",
		numbers.Exponential(1234.5, 2):                           "1.23e+3",
		numbers.Exponential(1.25, 1):                             "1.3e+0",
		numbers.Exponential(0, -1):                               "0e+0",
		numbers.Exponential(-5e-324, -1):                         "-5e-324",
		numbers.Radix(255.5, 16):                                 "ff.8",
		numbers.Radix(-7.25, 2):                                  "-111.01",
		numbers.Radix(1e21, 36):                                  "5v1j4f4ds7c000",
		numbers.Radix(0.1, 3):                                    "0.0022002200220022002200220022002201",
		numbers.Radix(1.0/3, 36):                                 "0.c",
		numbers.Radix(123456789.123, 36):                         "21i3v9.4feor",
		numbers.Radix(math.Inf(-1), 2):                           "-Infinity",
		literal.FormatNumber(numbers.Round(0.49999999999999994)): "0",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for f, want := range map[float64]float64{-0.5: math.Copysign(0, -1), 2.5: 3, -2.5: -2, -0.4: math.Copysign(0, -1), 4503599627370495.5: 4503599627370496} {
		if got := numbers.Round(f); got != want || math.Signbit(got) != math.Signbit(want) {
			t.Errorf("Round(%v) is %v, want %v", f, got, want)
		}
	}
}
