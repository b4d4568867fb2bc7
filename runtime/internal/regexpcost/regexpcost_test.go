package regexpcost_test

import (
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/runtime/internal/regexpcost"
)

func TestOf(t *testing.T) {
	for _, tt := range []struct {
		source      string
		least, most float64
	}{
		{"", 0, 0},
		{"abc", 3, 3},
		{"a{100}", 100, 110},
		{"(ab{10}){10}", 100, 140},
		{"((((a{100}){100}){100}", 1e6, 2e6},
		{"[^\\]{3,}]{50,}", 400, 500},
		{"[a-z]{3,4}", 20, 24},
		{strings.Repeat(`(?: {0,3}x{3,})`, 30), 200, 500}, // beside one another they don't multiply
		{`\p{L}{20}`, 20_000, 21_000},
		{`[\p{L}\P{N}]{20}`, 40_000, 41_000},
		{`\{5}{`, 3, 6},
		{"a{,5}{b}", 7, 8},
		{"(((", 0, 0},
		{")))a{1000000}", 1e6, 1e6 + 3},
		{"a{99999999999999999999999999}", 10, 40}, // which no engine takes
		{`\`, 1, 1},
		{"[", 1, 1},
	} {
		if got := regexpcost.Of(tt.source); got < tt.least || got > tt.most {
			t.Errorf("Of(%.60q) = %g, not from %g to %g", tt.source, got, tt.least, tt.most)
		}
	}
}

func TestFolded(t *testing.T) {
	for pattern, want := range map[string]float64{
		`[a-z]`: 25, `[^a-c\-\x41-\x43]`: 4, `[\u0100-\uffff_-]{0,62}`: 0xFEFF, `\[a-z]`: 0, `[a-\u{10ffff}-z]`: 0x10FFFF - 'a', `[é-ü`: 19, `[\`: 0,
	} {
		if got := regexpcost.Folded(pattern); got != want {
			t.Errorf("%s: %v, want %v", pattern, got, want)
		}
	}
}
