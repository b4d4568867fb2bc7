package site_test

import (
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/internal/site"
)

func TestCleanName(t *testing.T) {
	for name, want := range map[string]string{
		"notes": "notes", "NOTES": "notes", "404": "404", "root": "root", "a-b": "a-b", strings.Repeat("a", 63): strings.Repeat("a", 63),
		"": "", "-a": "", "a-": "", "a.b": "", "a_b": "", "ä": "", "\u212aiosk": "", "www": "", "Admin": "", "localhost": "", strings.Repeat("a", 64): "",
	} {
		if got, err := site.CleanName(name); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v; want %q", name, got, err, want)
		}
	}
}
