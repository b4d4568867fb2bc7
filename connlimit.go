package fazt

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
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

	began time.Time // what deadlines count from

	mu     sync.Mutex
	conns  map[*limitedConn]struct{}
	byAddr map[netip.Addr]int
	clock  *time.Timer // calls tick while there are connections

	refused atomic.Uint64
}

// LimitConns allows an address perAddress connections at a time, and all
// together total. An IPv6 client is its /64. The addresses in exempt, such as
// trusted proxies, only count for the total. The deadlines of its connections
// may take effect a tenth of a second late.
func LimitConns(l net.Listener, perAddress, total int, exempt ...netip.Prefix) *ConnLimiter {
	limiter := &ConnLimiter{
		Listener: l, perAddress: perAddress, total: total, exempt: exempt, began: time.Now(),
		conns: make(map[*limitedConn]struct{}), byAddr: make(map[netip.Addr]int),
	}
	limiter.clock = time.AfterFunc(connTick, limiter.tick)
	return limiter
}

// Accept returns the next connection within the limits.
func (l *ConnLimiter) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		limited := &limitedConn{Conn: c, limiter: l, addr: peerAddr(c)}
		limited.read.set, limited.write.set = c.SetReadDeadline, c.SetWriteDeadline
		if l.admit(limited) {
			return limited, nil
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

func (l *ConnLimiter) admit(c *limitedConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := networkOf(c.addr)
	if len(l.conns) >= l.total || l.byAddr[key] >= l.perAddress && !contains(l.exempt, c.addr) {
		return false
	}
	if len(l.conns) == 0 {
		l.clock.Reset(connTick)
	}
	l.conns[c] = struct{}{}
	l.byAddr[key]++
	return true
}

func (l *ConnLimiter) release(c *limitedConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := networkOf(c.addr)
	delete(l.conns, c)
	if l.byAddr[key]--; l.byAddr[key] == 0 {
		delete(l.byAddr, key)
	}
}

// Open is how many connections there are.
func (l *ConnLimiter) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}

// Refused is how many were closed because of a limit.
func (l *ConnLimiter) Refused() uint64 { return l.refused.Load() }

// tick looks at all connections, as long as there are any.
func (l *ConnLimiter) tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := int64(time.Since(l.began))
	for c := range l.conns {
		c.read.check(now, l.began)
		c.write.check(now, l.began)
		c.lookAhead()
	}
	if len(l.conns) > 0 {
		l.clock.Reset(connTick)
	}
}

type limitedConn struct {
	net.Conn
	limiter *ConnLimiter
	addr    netip.Addr
	once    sync.Once

	read, write deadlines
	lookout     lookout
}

func (c *limitedConn) Close() error {
	c.once.Do(func() {
		c.limiter.release(c)
		if c.lookout.gone != nil {
			c.lookout.gone()
		}
	})
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
