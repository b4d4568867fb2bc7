package history_test

import (
	"fmt"
	"sync"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/history"
)

// A register whose reads may be stale is found out.
func Example() {
	var mu sync.Mutex
	var value, before int64
	write := func(v int64) {
		mu.Lock()
		defer mu.Unlock()
		before, value = value, v
	}
	read := func() int64 {
		mu.Lock()
		defer mu.Unlock()
		return before // and not value
	}
	var rec history.Recorder
	for n := range int64(3) {
		call := rec.Invoke(1, history.Input{Op: history.Write, Key: "x", Value: n + 1})
		write(n + 1)
		call.Return(history.Output{})
		call = rec.Invoke(2, history.Input{Op: history.Read, Key: "x"})
		v := read()
		call.Return(history.Output{Value: v, OK: v > 0})
	}
	fmt.Println(history.Check(history.Register(), rec.Operations(), time.Minute, ""))
	// Output: history: not linearizable: 6 operations
}
