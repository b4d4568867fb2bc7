package fazt

import (
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// deadlineTick is how late a deadline of a connection may take effect. Those of
// the front door are seconds, and guard against clients that hardly move.
const deadlineTick = time.Second

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

// over is the deadline of what shall end at once.
const over = 1

func (d *deadlines) note(t, began time.Time) error {
	until := int64(0)
	if !t.IsZero() {
		until = max(over, int64(t.Sub(began)))
	}
	// What is under way looks at until after it has made itself known, and tell
	// after it has set told: whichever comes second sees the other.
	d.until.Store(until)
	if d.told.Load() || until == over && d.active.Load() > 0 {
		return d.tell(over)
	}
	return nil
}

// tell gives the connection below the deadline if it has passed by now, or takes it
// back.
func (d *deadlines) tell(now int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told.Store(true)
	if until := d.until.Load(); until != 0 && until <= now {
		return d.set(time.Unix(0, over))
	}
	err := d.set(time.Time{})
	d.told.Store(false)
	return err
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

// check ends what has passed its deadline.
func (d *deadlines) check(now int64) {
	if until := d.until.Load(); until != 0 && until <= now && !d.told.Load() {
		// A connection that can't be told is closed already.
		_ = d.tell(now)
	}
}

func (c *limitedConn) Read(p []byte) (int, error) {
	if err := c.read.enter(); err != nil {
		return 0, err
	}
	defer c.read.leave()
	return c.Conn.Read(p)
}

func (c *limitedConn) Write(p []byte) (int, error) {
	if err := c.write.enter(); err != nil {
		return 0, err
	}
	defer c.write.leave()
	return c.Conn.Write(p)
}

// SetReadDeadline is precise to a second.
func (c *limitedConn) SetReadDeadline(t time.Time) error { return c.read.note(t, c.limiter.began) }

// SetWriteDeadline is precise to a second.
func (c *limitedConn) SetWriteDeadline(t time.Time) error { return c.write.note(t, c.limiter.began) }

// SetDeadline is precise to a second.
func (c *limitedConn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// tick looks at all connections, as long as there are any.
func (l *ConnLimiter) tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := int64(time.Since(l.began))
	for c := range l.conns {
		c.read.check(now)
		c.write.check(now)
	}
	if len(l.conns) > 0 {
		l.clock.Reset(deadlineTick)
	}
}
