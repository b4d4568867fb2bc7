package gaps_test

import (
	"fmt"
	"os"

	"github.com/fazt-sh/fazt/harnesstest/gaps"
)

func Example() {
	var found gaps.Tracker
	found.Add(gaps.Gap{
		FoundBy: "Security/headers/slow", Severity: gaps.Medium, Description: "A header that never ends is waited for.", Fix: "Set ReadHeaderTimeout.",
	})
	found.Looked("Security/cookies/flags")
	// What the run before had found, from its file:
	if err := found.Merge([]gaps.Gap{{FoundBy: "Security/cookies/flags", Description: "A cookie without HttpOnly."}}); err != nil {
		fmt.Println(err)
	}
	found.WriteMarkdown(os.Stdout)
	// Output:
	// # Gaps
	//
	// Open: 1 medium; resolved: 1.
	//
	// ## medium: Security/headers/slow
	//
	//     A header that never ends is waited for.
	//
	// - Category: Security
	// - Found by: Security/headers/slow
	// - How to fix: Set ReadHeaderTimeout.
	//
	// ## Resolved
	//
	// - high: Security/cookies/flags
}
