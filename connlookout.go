package fazt

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
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

	mu     sync.Mutex
	wanted bool           // a read was postponed, and nothing was read since
	ahead  chan readAhead // brings what was read ahead; nil without that
}

type readAhead struct {
	p   [1]byte
	n   int
	err error
}

// clientContext is the [http.Server.ConnContext] that a lookout needs. It is called
// once for each connection, before the first read.
func clientContext(ctx context.Context, c net.Conn) context.Context {
	if limited, ok := c.(*limitedConn); ok {
		ctx, limited.lookout.gone = context.WithCancel(ctx)
	}
	return ctx
}

// postpone tells whether a read into p is to return nothing. The next read does
// not, for the sake of whoever else reads one byte at a time.
func (l *lookout) postpone(p []byte) bool {
	if len(p) != 1 || l.gone == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wanted || l.ahead != nil {
		return false
	}
	l.wanted = true
	return true
}

// lookAhead begins to read ahead, if a read was postponed and no other has come.
func (c *limitedConn) lookAhead() {
	l := &c.lookout
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wanted {
		l.wanted, l.ahead = false, make(chan readAhead, 1)
		go c.look(l.ahead)
	}
}

// look reads ahead, until something comes, which may be after the request. It makes
// itself known to the deadlines, which may be set while no other read is under way.
// One that passes is no reason to think that the client has gone.
func (c *limitedConn) look(ahead chan<- readAhead) {
	defer close(ahead)
	var r readAhead
	if r.err = c.read.enter(); r.err == nil {
		r.n, r.err = c.Conn.Read(r.p[:])
		c.read.leave()
	}
	if errors.Is(r.err, os.ErrDeadlineExceeded) {
		return // whoever reads next finds out whether it still holds
	}
	if r.err != nil {
		c.lookout.gone()
	}
	ahead <- r
}

// take is a read into p of what was read ahead, or is about to be, if anything.
func (l *lookout) take(p []byte) (n int, err error, ok bool) {
	l.mu.Lock()
	l.wanted = false
	ahead := l.ahead
	l.mu.Unlock()
	if ahead == nil || len(p) == 0 {
		return 0, nil, false
	}
	// Not ok if a deadline ended it, or if another read at the same time, which
	// net/http never has, was faster.
	r, ok := <-ahead
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ahead == ahead {
		l.ahead = nil
	}
	return copy(p, r.p[:r.n]), r.err, ok
}
