package auth

import (
	"context"
	"sync/atomic"
	"time"
)

// cached is a value that is fetched when it is first needed, and again when it has
// got too old. One fetches it at a time, and the others wait for that, each as long
// as its own context lets it; a fetch that failed is tried again by the next.
type cached[T any] struct {
	fetch func(context.Context) (T, error)
	turn  chan struct{} // holds one token while nobody fetches
	entry atomic.Pointer[cacheEntry[T]]

	renewed time.Time // of whose turn it is: when renew last fetched
}

type cacheEntry[T any] struct {
	value T
	at    time.Time // when the fetch began
}

func newCached[T any](fetch func(context.Context) (T, error)) *cached[T] {
	c := &cached[T]{fetch: fetch, turn: make(chan struct{}, 1)}
	c.turn <- struct{}{}
	return c
}

// get returns a value that is younger than age.
func (c *cached[T]) get(ctx context.Context, age time.Duration) (T, error) {
	e, err := c.load(ctx, age)
	if err != nil {
		var none T
		return none, err
	}
	return e.value, nil
}

func (c *cached[T]) load(ctx context.Context, age time.Duration) (*cacheEntry[T], error) {
	young := func(e *cacheEntry[T]) bool { return e != nil && time.Since(e.at) < age }
	if e := c.entry.Load(); young(e) {
		return e, nil
	}
	return c.fetchUnless(ctx, young)
}

// renew returns a value that was fetched after old, which is not good enough, or old
// itself where that was done less than rate ago.
func (c *cached[T]) renew(ctx context.Context, old *cacheEntry[T], rate time.Duration) (*cacheEntry[T], error) {
	return c.fetchUnless(ctx, func(e *cacheEntry[T]) bool {
		if e != nil && (e != old || time.Since(c.renewed) < rate) {
			return true
		}
		c.renewed = time.Now() // also when it fails: an issuer that is down is not asked by everybody
		return false
	})
}

// fetchUnless returns the present value where good, which is called in turn, says so.
func (c *cached[T]) fetchUnless(ctx context.Context, good func(*cacheEntry[T]) bool) (*cacheEntry[T], error) {
	select {
	case <-c.turn:
		defer func() { c.turn <- struct{}{} }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if e := c.entry.Load(); good(e) {
		return e, nil
	}
	e := &cacheEntry[T]{at: time.Now()}
	var err error
	if e.value, err = c.fetch(ctx); err != nil {
		return nil, err
	}
	c.entry.Store(e)
	return e, nil
}

// expire makes the value too old, also one that is being fetched now.
func (c *cached[T]) expire() {
	<-c.turn
	if e := c.entry.Load(); e != nil {
		c.entry.Store(&cacheEntry[T]{value: e.value})
	}
	c.turn <- struct{}{}
}
