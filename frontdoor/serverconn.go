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
// with it HTTP/2, only by the type of a connection: a [tls.Conn] is returned as it
// is, and counts until the server's ConnState says that it has been closed.
type serverListener struct {
	net.Listener
	limiter *ConnLimiter

	mu     sync.Mutex
	secure map[net.Conn]func() // what releases each
}

func newServerListener(l net.Listener, limiter *ConnLimiter) *serverListener {
	return &serverListener{Listener: l, limiter: limiter, secure: make(map[net.Conn]func())}
}

func (l *serverListener) Accept() (net.Conn, error) {
	c, release, err := l.limiter.accept(l.Listener)
	if err != nil {
		return nil, err
	}
	if _, ok := c.(*tls.Conn); !ok {
		return &limitedConn{c, release}, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.secure[c] = release
	return c, nil
}

// connState is the server's ConnState.
func (l *serverListener) connState(c net.Conn, state http.ConnState) {
	if state != http.StateClosed && state != http.StateHijacked {
		return
	}
	l.mu.Lock()
	release := l.secure[c]
	delete(l.secure, c)
	l.mu.Unlock()
	if release == nil {
		return // it counts until its Close
	}
	if state == http.StateHijacked {
		whenClosed(c.(*tls.Conn), release)
		return
	}
	release()
}

// hijackedCheck is how long a connection that a handler took over may count after
// it has been closed.
const hijackedCheck = time.Second

// whenClosed calls release after the handler that took c over has closed it, of
// which the server no longer hears. A connection that is no socket can't be asked,
// and is released at once.
func whenClosed(c *tls.Conn, release func()) {
	socket, ok := c.NetConn().(syscall.Conn)
	if !ok {
		release()
		return
	}
	raw, err := socket.SyscallConn()
	if err == nil {
		err = raw.Control(func(uintptr) {}) // an error once it is closed
	}
	if err != nil {
		release()
		return
	}
	time.AfterFunc(hijackedCheck, func() { whenClosed(c, release) })
}
