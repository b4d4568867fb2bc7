package frontdoor

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// serverListener is [ConnLimiter.Wrap] for an [http.Server]. That knows TLS, and
// with it HTTP/2, only by the type of a connection, and sends files through the
// kernel only to one of the system's own: each is returned as it is, and counts
// until the server's ConnState says that it has been closed.
type serverListener struct {
	net.Listener
	limiter *ConnLimiter
	conns   sync.Map // net.Conn: func() that releases it
}

func (l *serverListener) Accept() (net.Conn, error) {
	c, release, err := l.limiter.accept(l.Listener)
	if err != nil {
		return nil, err
	}
	l.conns.Store(c, release)
	return c, nil
}

// connState is the server's ConnState.
func (l *serverListener) connState(c net.Conn, state http.ConnState) {
	if state != http.StateClosed && state != http.StateHijacked {
		return
	}
	release, ok := l.conns.LoadAndDelete(c)
	switch {
	case !ok: // closed already
	case state == http.StateHijacked:
		whenClosed(c, release.(func()))
	default:
		release.(func())()
	}
}

// hijackedCheck is how long a connection that a handler took over may count after
// it has been closed.
const hijackedCheck = time.Second

// whenClosed calls release after the handler that took c over has closed it, of
// which the server no longer hears. A connection that is no socket can't be asked,
// and is released at once.
func whenClosed(c net.Conn, release func()) {
	if closed(c) {
		release()
		return
	}
	time.AfterFunc(hijackedCheck, func() { whenClosed(c, release) })
}

func closed(c net.Conn) bool {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	socket, ok := c.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	return raw.Control(func(uintptr) {}) != nil // an error once it is closed
}
