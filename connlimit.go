package fazt

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
)

// Defaults of [LimitConns] in [Server.Serve].
const (
	// DefaultConnsPerAddress is 256: a household or an office behind one
	// address, each browser with its six.
	DefaultConnsPerAddress = 256
	// DefaultConns is 10,000, at a few kilobytes each.
	DefaultConns = 10_000
)

// ConnLimiter is a listener that closes at once what comes beyond its limits,
// so that one address, or all of them, cannot use up the memory and the file
// descriptors of the process. Make one with [LimitConns].
type ConnLimiter struct {
	net.Listener
	perAddress, total int
	exempt            []netip.Prefix

	mu     sync.Mutex
	open   int
	byAddr map[netip.Addr]int

	refused atomic.Uint64
}

// LimitConns allows an address perAddress connections at a time, and all
// together total. An IPv6 client is its /64. The addresses in exempt, such as
// trusted proxies, only count for the total.
func LimitConns(l net.Listener, perAddress, total int, exempt ...netip.Prefix) *ConnLimiter {
	return &ConnLimiter{Listener: l, perAddress: perAddress, total: total, exempt: exempt, byAddr: make(map[netip.Addr]int)}
}

// Accept returns the next connection within the limits.
func (l *ConnLimiter) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		addr := peerAddr(c)
		if l.admit(addr) {
			return &limitedConn{Conn: c, limiter: l, addr: addr}, nil
		}
		l.refused.Add(1)
		if tcp, ok := c.(*net.TCPConn); ok {
			// A reset leaves nothing behind in the kernel. If it fails, an
			// ordinary close is what comes next anyway.
			_ = tcp.SetLinger(0)
		}
		c.Close()
	}
}

// peerAddr is the zero Addr for a connection without one.
func peerAddr(c net.Conn) netip.Addr {
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

func (l *ConnLimiter) admit(addr netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := networkOf(addr)
	if l.open >= l.total || l.byAddr[key] >= l.perAddress && !contains(l.exempt, addr) {
		return false
	}
	l.open++
	l.byAddr[key]++
	return true
}

func (l *ConnLimiter) release(addr netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := networkOf(addr)
	l.open--
	if l.byAddr[key]--; l.byAddr[key] == 0 {
		delete(l.byAddr, key)
	}
}

// Open is how many connections there are.
func (l *ConnLimiter) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// Refused is how many were closed because of a limit.
func (l *ConnLimiter) Refused() uint64 { return l.refused.Load() }

type limitedConn struct {
	net.Conn
	limiter *ConnLimiter
	addr    netip.Addr
	once    sync.Once
}

func (c *limitedConn) Close() error {
	c.once.Do(func() { c.limiter.release(c.addr) })
	return c.Conn.Close()
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
