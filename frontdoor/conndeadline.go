package frontdoor

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// connTick is how late a deadline of a connection may take effect, and how late
// it may be noticed that a client has gone. The deadlines of a front door are
// seconds, and guard against clients that hardly move.
const connTick = 100 * time.Millisecond

// tickListener has one clock do for all its connections what net/http does with
// timers and reads for each request: see deadlines and backgroundRead. It leaves
// TLS alone. A server without it behaves the same, to a connTick.
type tickListener struct {
	net.Listener
	began time.Time // what deadlines count from

	mu    sync.Mutex
	conns map[*tickConn]struct{}
	clock *time.Timer // calls tick while there are connections
}

func newTickListener(l net.Listener) *tickListener {
	t := &tickListener{Listener: l, began: time.Now(), conns: make(map[*tickConn]struct{})}
	t.clock = time.AfterFunc(connTick, t.tick)
	return t
}

func (l *tickListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if _, ok := c.(*tls.Conn); ok {
		return c, nil
	}
	ticked := &tickConn{Conn: c, listener: l}
	ticked.read.set, ticked.write.set = c.SetReadDeadline, c.SetWriteDeadline
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.conns) == 0 {
		l.clock.Reset(connTick)
	}
	l.conns[ticked] = struct{}{}
	return ticked, nil
}

// connContext is the [http.Server.ConnContext] that a backgroundRead needs. It is
// called once for each connection, before the first read.
func (l *tickListener) connContext(ctx context.Context, c net.Conn) context.Context {
	if ticked, ok := c.(*tickConn); ok {
		ctx, ticked.background.gone = context.WithCancel(ctx)
	}
	return ctx
}

// tick looks at all connections, as long as there are any.
func (l *tickListener) tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := int64(time.Since(l.began))
	for c := range l.conns {
		c.read.check(now, l.began)
		c.write.check(now, l.began)
		c.beginRead()
	}
	if len(l.conns) > 0 {
		l.clock.Reset(connTick)
	}
}

type tickConn struct {
	net.Conn
	listener *tickListener
	once     sync.Once

	read, write deadlines
	background  backgroundRead
}

func (c *tickConn) Read(p []byte) (int, error) {
	if err := c.read.enter(); err != nil {
		return 0, err
	}
	defer c.read.leave()
	if c.background.postpone(p) {
		return 0, nil
	}
	if n, err, ok := c.background.take(p); ok {
		return n, err
	}
	return c.Conn.Read(p)
}

func (c *tickConn) Write(p []byte) (int, error) {
	if err := c.write.enter(); err != nil {
		return 0, err
	}
	defer c.write.leave()
	return c.Conn.Write(p)
}

func (c *tickConn) Close() error {
	c.once.Do(func() {
		c.listener.mu.Lock()
		delete(c.listener.conns, c)
		c.listener.mu.Unlock()
		if c.background.gone != nil {
			c.background.gone()
		}
	})
	return c.Conn.Close()
}

// SetReadDeadline is precise to a connTick.
func (c *tickConn) SetReadDeadline(t time.Time) error { return c.read.note(t, c.listener.began) }

// SetWriteDeadline is precise to a connTick.
func (c *tickConn) SetWriteDeadline(t time.Time) error { return c.write.note(t, c.listener.began) }

// SetDeadline is precise to a connTick.
func (c *tickConn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// deadlines are those of one direction of a connection. net/http sets eight for
// each request, nearly all of which are set anew before they pass, and the
// runtime keeps a timer for each. Here they are only noted; a clock that all
// connections of a listener share looks for what has passed. One that is already
// over takes effect at once, as that is how net/http ends a read.
type deadlines struct {
	set func(time.Time) error // of the connection below

	until  atomic.Int64 // in ns since the listener began; 0: none; over: long ago
	active atomic.Int32 // reads or writes under way
	told   atomic.Bool  // the connection below has been given one

	mu sync.Mutex // while the connection below is told
}

// over is the until of what shall end at once, and longAgo such a deadline for
// the connection below.
const over = 1

var longAgo = time.Unix(1, 0)

func (d *deadlines) note(t, began time.Time) error {
	until := int64(0)
	if !t.IsZero() {
		until = max(over, int64(t.Sub(began)))
	}
	// What is under way looks at until after it has made itself known, and tell
	// after it has set told: whichever comes second sees the other.
	d.until.Store(until)
	if d.told.Load() || until != 0 && d.active.Load() > 0 {
		return d.tell(began)
	}
	return nil
}

// tell gives the connection below its deadline if that has passed, or takes it
// back. told is set before until is looked at, so that whoever notes another
// deadline in between comes here too.
func (d *deadlines) tell(began time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told.Store(true)
	if d.due(max(over, int64(time.Since(began)))) {
		return d.set(longAgo)
	}
	err := d.set(time.Time{})
	d.told.Store(false)
	return err
}

func (d *deadlines) due(now int64) bool {
	until := d.until.Load()
	return until != 0 && until <= now
}

// enter begins a read or a write, unless its deadline is over.
func (d *deadlines) enter() error {
	d.active.Add(1)
	if d.until.Load() == over {
		d.active.Add(-1)
		return os.ErrDeadlineExceeded
	}
	return nil
}

func (d *deadlines) leave() { d.active.Add(-1) }

// check ends what has passed its deadline by now. What is told at the same time
// is left to the next tick.
func (d *deadlines) check(now int64, began time.Time) {
	if d.due(now) && !d.told.Load() {
		// A connection that can't be told is closed already.
		_ = d.tell(began)
	}
}
