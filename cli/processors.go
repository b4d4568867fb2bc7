package cli

import (
	"os"
	"runtime"
)

// spareProcessor gives Go one processor more than handlers may use at once, and returns
// how many those are: as many as the machine has, or 0 for what the operator has set.
//
// Go looks for what has come over the network when a processor of its has nothing else
// to do. While every one computes that is every 10 ms, for everybody who waits. One
// to which no handler gets waits in the kernel instead, which shares the machine's
// processors between the handlers and whatever comes, at once.
func spareProcessor() (slots int) {
	if os.Getenv("GOMAXPROCS") != "" {
		return 0
	}
	slots = runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(slots + 1)
	return slots
}
