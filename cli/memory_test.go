package cli_test

import (
	"runtime"
	"testing"

	"github.com/fazt-sh/fazt/cli"
)

// TestBurstIsGivenBack uses 64 MB and lets go of them. When little has happened from one
// look to the next, the machine has them back, whether they were collected before or not.
func TestBurstIsGivenBack(t *testing.T) {
	burstIsGivenBack(t, true)
	burstIsGivenBack(t, false)
}

func burstIsGivenBack(t *testing.T, collected bool) {
	look := cli.WatchHeap()
	burst := make([][]byte, 64)
	for i := range burst {
		burst[i] = make([]byte, 1<<20)
		for j := 0; j < len(burst[i]); j += 4096 {
			burst[i][j] = 1
		}
	}
	if !collected {
		runtime.GC() // which finds it alive
	}
	runtime.KeepAlive(burst)
	burst = nil
	if collected {
		runtime.GC()
	}
	for range 5 { // at the first, more than little has happened
		look()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if kept := m.HeapIdle - m.HeapReleased + m.HeapAlloc; kept > 60<<20 {
		t.Errorf("collected %v: %d bytes are kept", collected, kept)
	}
}

// TestMemoryLimit: garbage has half as much room as what is alive, at least.
func TestMemoryLimit(t *testing.T) {
	for alive, want := range map[int64]int64{0: 320 << 20, 213 << 20: 320 << 20, 400 << 20: 600 << 20} {
		if got := cli.LimitFor(alive); got != want {
			t.Errorf("with %d MiB alive the limit is %d MiB, want %d", alive>>20, got>>20, want>>20)
		}
	}
}
