package fazt

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
)

// lookout notices that a client has gone while its request is being answered.
//
// net/http keeps a read of one byte going during each request, to end the
// request's context when that read fails. To begin and to end it costs more than
// a short handler does: two wakes and a system call or two. So here the read is
// postponed: at first it returns nothing, which ends it, and only for a request
// that is still being answered at the next tick of the listener's clock does the
// connection itself read ahead.
type lookout struct {
	// gone ends the context of the connection, and with it that of its request.
	// Without it, nothing is postponed.
	gone context.CancelFunc

	// postponed is whether a read of one byte has returned nothing since a
	// deadline was last set, which net/http does between two requests: it is
	// done once, for the sake of whoever else reads one byte at a time.
	postponed atomic.Bool

	mu     sync.Mutex
	wanted bool          // a read was postponed, and nothing was read since
	ended  chan struct{} // closed when the read ahead has ended; nil without one
	ahead  [1]byte       // what it read,
	n      int
	err    error // or why it read nothing
}

// clientContext is the [http.Server.ConnContext] that a lookout needs.
func clientContext(ctx context.Context, c net.Conn) context.Context {
	if limited, ok := c.(*limitedConn); ok {
		ctx, limited.lookout.gone = context.WithCancel(ctx)
	}
	return ctx
}

// postpone tells whether a read into p is to return nothing.
func (l *lookout) postpone(p []byte) bool {
	if len(p) != 1 || l.gone == nil || l.postponed.Swap(true) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wanted = l.ended == nil
	return l.wanted
}

// due tells whether it is time to read ahead, which then has begun.
func (l *lookout) due() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.wanted {
		return false
	}
	l.wanted, l.ended = false, make(chan struct{})
	return true
}

// look reads ahead. A deadline that passes meanwhile is no reason to think that
// the client has gone.
func (c *limitedConn) look() {
	l := &c.lookout
	defer close(l.ended)
	l.n = 0
	if l.err = c.read.enter(); l.err == nil {
		l.n, l.err = c.Conn.Read(l.ahead[:])
		c.read.leave()
	}
	if l.err != nil && !errors.Is(l.err, os.ErrDeadlineExceeded) {
		l.gone()
	}
}

// take is a read into p of what was read ahead, or is about to be, if anything.
func (l *lookout) take(p []byte) (n int, err error, ok bool) {
	l.mu.Lock()
	l.wanted = false
	ended := l.ended
	l.mu.Unlock()
	if ended == nil || len(p) == 0 {
		return 0, nil, false
	}
	<-ended
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended != ended {
		return 0, nil, false // another read was faster
	}
	l.ended = nil
	return copy(p, l.ahead[:l.n]), l.err, true
}
