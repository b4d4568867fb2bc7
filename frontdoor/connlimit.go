package frontdoor

import (
	"crypto/tls"
	"errors"
	"math"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultConnsPerAddress is 256: a household or an office behind one
	// address, each browser with its six.
	DefaultConnsPerAddress = 256
	// DefaultConns is 10,000, at a few kilobytes each.
	DefaultConns = 10_000
)

// ConnLimits is how many connections may be open at the same time.
type ConnLimits struct {
	// PerAddress is how many one client address may have; an IPv6 client is its
	// /64. One that is too small refuses people who share an address. Default:
	// 256. A negative one is an error.
	PerAddress int
	// Total is how many all addresses may have together. Each takes a file
	// descriptor and, with its buffers, about 10 KB. Default: 10,000. A negative
	// one is an error.
	Total int
	// Exempt are addresses that only count for the total, such as those of
	// trusted proxies. Default: none. An invalid prefix is an error.
	Exempt []netip.Prefix
}

// ConnLimiter closes connections beyond its limits as they come, so that one
// address, or all of them, cannot use up the memory and the file descriptors of
// the process. It is shared by all the listeners that it wraps. A [Door] also
// knows which connections are idle: before it closes one that comes, it closes the
// longest idle one of the same address.
type ConnLimiter struct {
	limits ConnLimits
	began  time.Time // what idle times count from

	mu     sync.Mutex
	open   int
	byAddr map[netip.Addr]map[*counted]struct{}

	refused, closed atomic.Uint64
}

// counted is a connection that counts for the limits.
type counted struct {
	net.Conn
	key  netip.Addr
	idle atomic.Int64 // since when, in ns from ConnLimiter.began; 0: it is not
}

// NewConnLimiter reports every problem with limits at once.
func NewConnLimiter(limits ConnLimits) (*ConnLimiter, error) {
	var errs []error
	positive(&errs, "PerAddress", &limits.PerAddress, DefaultConnsPerAddress)
	positive(&errs, "Total", &limits.Total, DefaultConns)
	validPrefixes(&errs, "Exempt", limits.Exempt)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	// Before any connection, so that no idle time is 0.
	return &ConnLimiter{limits: limits, began: time.Now().Add(-1), byAddr: make(map[netip.Addr]map[*counted]struct{})}, nil
}

// Wrap returns a listener that accepts from below, within the limits. For TLS it
// belongs below, as in tls.NewListener(limiter.Wrap(l), config): net/http needs
// to see a [tls.Conn]. [Door.Serve] takes either order.
func (l *ConnLimiter) Wrap(below net.Listener) net.Listener {
	return &limitedListener{below, l}
}

// Open is how many connections there are.
func (l *ConnLimiter) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// Refused is how many were closed as they came.
func (l *ConnLimiter) Refused() uint64 { return l.refused.Load() }

// Closed is how many were closed because they were idle and others came.
func (l *ConnLimiter) Closed() uint64 { return l.closed.Load() }

// accept returns the next connection within the limits. It counts until release.
func (l *ConnLimiter) accept(from net.Listener) (*counted, error) {
	for {
		c, err := from.Accept()
		if err != nil {
			return nil, err
		}
		if limited := l.admit(c); limited != nil {
			return limited, nil
		}
		l.refused.Add(1)
		reset(c)
	}
}

// admit counts a connection, or returns nil.
func (l *ConnLimiter) admit(c net.Conn) *counted {
	addr := peerAddr(c)
	limited := &counted{Conn: c, key: subscriber(addr)}
	victim, ok := l.enter(limited, contains(l.limits.Exempt, addr))
	if victim != nil {
		l.closed.Add(1)
		// Without TLS's word of goodbye, which its client might not take.
		plain(victim.Conn).Close()
	}
	if !ok {
		return nil
	}
	return limited
}

// enter counts a connection unless it is past a limit, and says which one gives
// it its place.
func (l *ConnLimiter) enter(c *counted, exempt bool) (victim *counted, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.byAddr[c.key]
	if len(own) >= l.limits.PerAddress && !exempt {
		if victim = longestIdle(own); victim == nil {
			return nil, false
		}
		l.remove(victim)
	}
	if l.open >= l.limits.Total {
		return nil, false // without a victim, which has made room
	}
	if l.byAddr[c.key] == nil {
		l.byAddr[c.key] = make(map[*counted]struct{})
	}
	l.byAddr[c.key][c] = struct{}{}
	l.open++
	return victim, true
}

func longestIdle(conns map[*counted]struct{}) (longest *counted) {
	least := int64(math.MaxInt64)
	for c := range conns {
		if since := c.idle.Load(); since != 0 && since < least {
			longest, least = c, since
		}
	}
	return longest
}

// release stops counting a connection. To call it again does nothing.
func (l *ConnLimiter) release(c *counted) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remove(c)
}

func (l *ConnLimiter) remove(c *counted) {
	own := l.byAddr[c.key]
	if _, ok := own[c]; !ok {
		return
	}
	l.open--
	if delete(own, c); len(own) == 0 {
		delete(l.byAddr, c.key)
	}
}

// reset closes a connection with a TCP reset, which leaves nothing behind in the
// kernel. If that can't be, an ordinary close is what comes next anyway.
func reset(c net.Conn) {
	if tcp, ok := plain(c).(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.Close()
}

// plain is a connection below its TLS, if it has that.
func plain(c net.Conn) net.Conn {
	if secure, ok := c.(*tls.Conn); ok {
		return secure.NetConn()
	}
	return c
}

type limitedListener struct {
	net.Listener
	limiter *ConnLimiter
}

func (l *limitedListener) Accept() (net.Conn, error) {
	c, err := l.limiter.accept(l.Listener)
	if err != nil {
		return nil, err
	}
	return &limitedConn{c, l.limiter}, nil
}

type limitedConn struct {
	*counted
	limiter *ConnLimiter
}

func (c *limitedConn) Close() error {
	c.limiter.release(c.counted)
	return c.counted.Close()
}
