package fazt

import (
	"net"
	"net/http"
	"net/netip"
	"time"
)

// What the tests of the front door need of the inside.

// SetBodyMemory bounds the bodies in memory to fewer than any Options would.
func SetBodyMemory(s *Server, limit int64) { s.door.bodies.limit = limit }

// HoldBody counts a body as the server does.
func HoldBody(s *Server, r *http.Request) (release func()) { return s.door.bodies.hold(r).release }

// BodyBytes is how much the server counts of bodies in memory.
func BodyBytes(s *Server) int64 { return s.door.bodies.held.Load() }

// AllowAt is Allow at a time, for a request that may have a reserve.
func (l *RateLimiter) AllowAt(now time.Time, addr netip.Addr, r *http.Request) (ok bool, wait time.Duration) {
	return l.allow(now.Sub(l.epoch), addr, r)
}

// ReserveFor gives a limiter the reserves that it has in a Server.
func (l *RateLimiter) ReserveFor(s *Server) { l.reserve = s.reserveFor }

// Remember has a request's key known as a good one.
func Remember(s *Server, r *http.Request) { s.credentials.add(r) }

// Classify returns what a client sees of an error.
func Classify(err error) (status int, code string, retryable bool, details map[string]any) {
	f := classify(err)
	return f.status, f.Code, f.Retryable, f.Details
}

// ClientContext is the ConnContext of a server behind LimitConns.
var ClientContext = clientContext

// Tick is what the clock of a connection's listener does.
func Tick(c net.Conn) { c.(*limitedConn).limiter.tick() }
