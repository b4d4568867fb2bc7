package frontdoor

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
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
// the process. It is shared by all the listeners that it wraps.
type ConnLimiter struct {
	limits ConnLimits

	mu     sync.Mutex
	open   int
	byAddr map[netip.Addr]int

	refused atomic.Uint64
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
	return &ConnLimiter{limits: limits, byAddr: make(map[netip.Addr]int)}, nil
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

// Refused is how many were closed because of a limit.
func (l *ConnLimiter) Refused() uint64 { return l.refused.Load() }

// accept returns the next connection within the limits, and what is to be called
// when it is closed. To call that again does nothing.
func (l *ConnLimiter) accept(from net.Listener) (c net.Conn, release func(), err error) {
	for {
		c, err := from.Accept()
		if err != nil {
			return nil, nil, err
		}
		if release, ok := l.admit(peerAddr(c)); ok {
			return c, release, nil
		}
		l.refused.Add(1)
		reset(c)
	}
}

func (l *ConnLimiter) admit(addr netip.Addr) (release func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := subscriber(addr)
	if l.open >= l.limits.Total || l.byAddr[key] >= l.limits.PerAddress && !contains(l.limits.Exempt, addr) {
		return nil, false
	}
	l.open++
	l.byAddr[key]++
	return sync.OnceFunc(func() { l.leave(key) }), true
}

func (l *ConnLimiter) leave(key netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.byAddr[key]--; l.byAddr[key] == 0 {
		delete(l.byAddr, key)
	}
}

// reset closes a connection with a TCP reset, which leaves nothing behind in the
// kernel. If that can't be, an ordinary close is what comes next anyway.
func reset(c net.Conn) {
	raw := c
	if secure, ok := c.(*tls.Conn); ok {
		raw = secure.NetConn()
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.Close()
}

type limitedListener struct {
	net.Listener
	limiter *ConnLimiter
}

func (l *limitedListener) Accept() (net.Conn, error) {
	c, release, err := l.limiter.accept(l.Listener)
	if err != nil {
		return nil, err
	}
	return &limitedConn{c, release}, nil
}

type limitedConn struct {
	net.Conn
	release func()
}

func (c *limitedConn) Close() error {
	c.release()
	return c.Conn.Close()
}
