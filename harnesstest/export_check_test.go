package harnesstest

import (
	"testing"
	"time"
)

// TryWithin is [Check.Try] of a check that gives up waiting sooner.
func TryWithin(c Check, tb testing.TB, target Target, patience time.Duration) Result {
	return c.try(tb, target, patience)
}
