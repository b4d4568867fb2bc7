package frontdoor

import (
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
	conns   sync.Map // net.Conn: *counted
}

func (l *ConnLimiter) serve(below net.Listener) *serverListener {
	return &serverListener{Listener: below, limiter: l}
}

func (l *serverListener) Accept() (net.Conn, error) {
	c, err := l.limiter.accept(l.Listener)
	if err != nil {
		return nil, err
	}
	l.conns.Store(c.Conn, c)
	return c.Conn, nil
}

// connState is the server's ConnState.
func (l *serverListener) connState(conn net.Conn, state http.ConnState) {
	value, ok := l.conns.Load(conn)
	if !ok {
		return // it was taken over
	}
	c := value.(*counted)
	switch state {
	case http.StateIdle:
		c.idle.Store(int64(time.Since(l.limiter.began)))
	case http.StateHijacked:
		c.idle.Store(0)
		l.conns.Delete(conn)
		l.limiter.releaseClosed(c)
	case http.StateClosed:
		l.conns.Delete(conn)
		l.limiter.release(c)
	default:
		c.idle.Store(0)
	}
}

// hijackedCheck is how long a connection that a handler took over may count after
// it has been closed.
const hijackedCheck = time.Second

// releaseClosed stops counting a connection after the handler that took it over
// has closed it, of which the server no longer hears. One that is no socket can't
// be asked, and stops to count at once.
func (l *ConnLimiter) releaseClosed(c *counted) {
	if isClosed(plain(c.Conn)) {
		l.release(c)
		return
	}
	time.AfterFunc(hijackedCheck, func() { l.releaseClosed(c) })
}

func isClosed(c net.Conn) bool {
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
