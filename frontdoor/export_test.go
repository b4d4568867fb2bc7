package frontdoor

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// What the tests need of the inside.

// AllowAt is Allow at a time, for a request that may have a reserve.
func (l *RateLimiter) AllowAt(now time.Time, addr netip.Addr, r *http.Request) (ok bool, wait time.Duration) {
	return l.allow(now.Sub(l.epoch), addr, r)
}

// AcceptTicked accepts a connection as a [Door] does.
func AcceptTicked(l net.Listener) (net.Conn, error) { return newTickListener(l).Accept() }

// ConnContext is the context that such a connection has in its server.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	return c.(*tickConn).listener.connContext(ctx, c)
}

// Tick is what the clock of a connection's listener does.
func Tick(c net.Conn) { c.(*tickConn).listener.tick() }
