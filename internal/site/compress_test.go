package site_test

import (
	"testing"

	"github.com/fazt-sh/fazt/internal/site"
)

func TestChooseEncoding(t *testing.T) {
	both := []string{"zstd", "gzip"}
	for _, test := range []struct {
		accept  string
		offered []string
		want    string
	}{
		{"", both, ""},
		{"gzip;Q=0", both, ""},
		{"gzip", both, "gzip"},
		{"gzip, deflate, br, zstd", both, "zstd"},
		{"gzip, zstd;q=0", both, "gzip"},
		{"gzip; q=0.0, *;q=0.5", both, "zstd"},
		{"*;q=0", both, ""},
		{"GZIP", []string{"gzip"}, "gzip"},
		{"zstd", []string{"gzip"}, ""},
	} {
		if got := site.ChooseEncoding(test.accept, test.offered); got != test.want {
			t.Errorf("%q of %v: got %q, want %q", test.accept, test.offered, got, test.want)
		}
	}
}
