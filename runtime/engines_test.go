package runtime_test

import (
	"testing"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/gojajs"
	"github.com/fazt-sh/fazt/runtime/ottojs"
	"github.com/fazt-sh/fazt/runtime/runtimetest"
)

// engines are all that the suite in runtimetest is run on.
var engines = []runtime.Engine{ottojs.New(), gojajs.New()}

func forEachEngine(t *testing.T, test func(*testing.T, runtime.Engine)) {
	for _, e := range engines {
		t.Run(e.Name(), func(t *testing.T) { test(t, e) })
	}
}

func TestConformance(t *testing.T) { forEachEngine(t, runtimetest.Conformance) }

func TestHostile(t *testing.T) { forEachEngine(t, runtimetest.Hostile) }

// BenchmarkHostile shows how late hostile handlers end.
//
//	go test -run '^$' -bench Hostile -benchtime 1x ./runtime
func BenchmarkHostile(b *testing.B) {
	for _, e := range engines {
		b.Run(e.Name(), func(b *testing.B) { runtimetest.Lateness(b, e) })
	}
}

func TestIsolation(t *testing.T) { forEachEngine(t, runtimetest.Isolation) }

func TestNewer(t *testing.T) { runtimetest.Newer(t, gojajs.New()) }
