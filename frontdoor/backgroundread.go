package frontdoor

import (
	"context"
	"errors"
	"os"
	"sync"
)

// backgroundRead notices that a client has gone while its request is being
// answered.
//
// net/http keeps a read of one byte going during each request, its background
// read, to end the request's context when that read fails. To begin and to end it
// costs more than a short handler does: two wakes and a system call or two. So
// here the read is postponed: at first it returns nothing, which ends it, and only
// for a request that is still being answered at the next tick of the listener's
// clock does the connection itself read ahead.
type backgroundRead struct {
	// gone ends the context of the connection, and with it that of its request.
	// Without it, nothing is postponed.
	gone context.CancelFunc

	mu     sync.Mutex
	wanted bool            // a read was postponed, and nothing was read since
	ahead  chan readResult // brings what was read ahead; nil without that
}

type readResult struct {
	p   [1]byte
	n   int
	err error
}

// postpone tells whether a read into p is to return nothing. The next read does
// not, for the sake of whoever else reads one byte at a time.
func (b *backgroundRead) postpone(p []byte) bool {
	if len(p) != 1 || b.gone == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wanted || b.ahead != nil {
		return false
	}
	b.wanted = true
	return true
}

// beginRead begins to read ahead, if a read was postponed and no other has come.
func (c *tickConn) beginRead() {
	b := &c.background
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wanted {
		b.wanted, b.ahead = false, make(chan readResult, 1)
		go c.readAhead(b.ahead)
	}
}

// readAhead reads until something comes, which may be after the request. It makes
// itself known to the deadlines, which may be set while no other read is under
// way. One that passes is no reason to think that the client has gone.
func (c *tickConn) readAhead(ahead chan<- readResult) {
	defer close(ahead)
	var r readResult
	if r.err = c.read.enter(); r.err == nil {
		r.n, r.err = c.Conn.Read(r.p[:])
		c.read.leave()
	}
	if errors.Is(r.err, os.ErrDeadlineExceeded) {
		return // whoever reads next finds out whether it still holds
	}
	if r.err != nil {
		c.background.gone()
	}
	ahead <- r
}

// take is a read into p of what was read ahead, or is about to be, if anything.
func (b *backgroundRead) take(p []byte) (n int, err error, ok bool) {
	b.mu.Lock()
	b.wanted = false
	ahead := b.ahead
	b.mu.Unlock()
	if ahead == nil || len(p) == 0 {
		return 0, nil, false
	}
	// Not ok if a deadline ended it, or if another read at the same time, which
	// net/http never has, was faster.
	r, ok := <-ahead
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ahead == ahead {
		b.ahead = nil
	}
	return copy(p, r.p[:r.n]), r.err, ok
}
