package budget

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// ErrOverloaded reports that a caller was not admitted: too many wait already,
// or none of the slots came free in time. Trying again later may work.
var ErrOverloaded = errors.New("budget: overloaded")

// Slots bounds how many callers compute at once. Beyond them, callers wait in a
// queue of bounded length, each no longer than its own deadline.
type Slots struct {
	free    chan struct{}
	waiting atomic.Int64
	queue   int64
	wait    time.Duration
}

// NewSlots makes n slots with a queue of the given length, in which nobody
// waits longer than wait to be admitted. All three must be positive.
func NewSlots(n, queue int, wait time.Duration) *Slots {
	return &Slots{free: make(chan struct{}, n), queue: int64(queue), wait: wait}
}

// Enter admits a new caller. It returns an error that wraps [ErrOverloaded]
// when the queue is full or the wait is over, and ctx's own error when that
// ends first.
func (s *Slots) Enter(ctx context.Context) error {
	select {
	case s.free <- struct{}{}:
		return nil
	default:
	}
	if n := s.waiting.Add(1); n > s.queue {
		s.waiting.Add(-1)
		return fmt.Errorf("%w: %d callers wait already", ErrOverloaded, s.queue)
	}
	defer s.waiting.Add(-1)
	limit := time.NewTimer(s.wait)
	defer limit.Stop()
	select {
	case s.free <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-limit.C:
		return fmt.Errorf("%w: no slot came free within %v", ErrOverloaded, s.wait)
	}
}

// Resume takes a slot again after [Slots.Leave], for a caller that was admitted
// before. It waits as long as ctx allows: work that has begun is not refused.
func (s *Slots) Resume(ctx context.Context) error {
	select {
	case s.free <- struct{}{}:
		return nil
	default:
	}
	select {
	case s.free <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Leave gives a slot back.
func (s *Slots) Leave() { <-s.free }
