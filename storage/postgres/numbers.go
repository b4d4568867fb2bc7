package postgres

import (
	"context"
	"sync"
	"time"
)

const (
	// numberBlock is how many numbers a server takes at a time. What it has not given out
	// when it ends is never given out: 2^53 last for longer than there will be servers.
	numberBlock = 10_000
	takeNumbers = `UPDATE sequence SET value = value + $1 WHERE id = 1 RETURNING value`
)

// numbers gives out numbers that no server ever gives out again: versions of keys,
// generations of collections, indexes.
type numbers struct {
	store *Store

	mu         sync.Mutex
	next, last int64
	ahead      []int64       // the last numbers of blocks that were taken ahead of need
	taking     chan struct{} // closed when the block that is being taken is there
}

// take returns the next number. It asks the database once for many, before they are
// needed.
func (n *numbers) take(ctx context.Context) (int64, error) {
	for {
		n.mu.Lock()
		if n.next == n.last && len(n.ahead) > 0 {
			n.last, n.ahead = n.ahead[0], n.ahead[1:]
			n.next = n.last - numberBlock
		}
		if n.next < n.last {
			n.next++
			number := n.next
			if n.last-n.next < numberBlock/2 && len(n.ahead) == 0 && n.taking == nil {
				n.begin()
			}
			n.mu.Unlock()
			return number, nil
		}
		if n.taking == nil {
			n.begin()
		}
		taking := n.taking
		n.mu.Unlock()
		select {
		case <-taking:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		n.mu.Lock()
		empty := n.next == n.last && len(n.ahead) == 0
		n.mu.Unlock()
		if empty { // the block could not be taken: this says why, or takes one
			if err := n.block(ctx); err != nil {
				return 0, err
			}
		}
	}
}

// begin has a block taken. n.mu is held.
func (n *numbers) begin() {
	taking := make(chan struct{})
	n.taking = taking
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		n.block(ctx) // whoever needs one finds out
		n.mu.Lock()
		n.taking = nil
		n.mu.Unlock()
		close(taking)
	}()
}

func (n *numbers) block(ctx context.Context) error {
	var last int64
	if err := n.store.pool.QueryRow(ctx, takeNumbers, numberBlock).Scan(&last); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ahead = append(n.ahead, last)
	return nil
}
