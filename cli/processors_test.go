package cli_test

import (
	"runtime"
	"testing"

	"github.com/fazt-sh/fazt/cli"
)

// TestSpareProcessor gives Go a processor to which no handler gets, but where an operator
// has said how many there are.
func TestSpareProcessor(t *testing.T) {
	n := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(n)
	t.Setenv("GOMAXPROCS", "3")
	if slots := cli.SpareProcessor(); slots != 0 || runtime.GOMAXPROCS(0) != n {
		t.Errorf("an operator's setting is changed to %d, and %d slots", runtime.GOMAXPROCS(0), slots)
	}
	t.Setenv("GOMAXPROCS", "")
	if slots := cli.SpareProcessor(); slots != n || runtime.GOMAXPROCS(0) != n+1 {
		t.Errorf("%d processors for %d slots, where there were %d", runtime.GOMAXPROCS(0), slots, n)
	}
}
