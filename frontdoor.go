package fazt

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	readHeaderTimeout = 5 * time.Second
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 64 << 10
	// writeGrace is how much longer than its budget a request may take to be
	// written, for clients far away.
	writeGrace = 30 * time.Second
	// refusalPause is how long an answer that refuses waits. A client that
	// knocks again at once, whatever Retry-After says, then costs the server
	// next to nothing; one that behaves does not notice.
	refusalPause = 10 * time.Millisecond
)

// frontDoor is what stands between a listener and a Server.
type frontDoor struct {
	rate   *RateLimiter // nil: off
	conns  atomic.Pointer[ConnLimiter]
	bodies *bodyMemory
}

// build makes the limits that last as long as the Server.
func (d *frontDoor) build(s *Server) (err error) {
	d.bodies = newBodyMemory(max(s.opt.MaxBody, s.opt.MaxUpload))
	if s.opt.RateLimit > 0 {
		if d.rate, err = NewRateLimiter(s.opt.RateLimit, 2*s.opt.RateLimit); err != nil {
			return err
		}
		d.rate.reserve = s.reserveFor
	}
	return nil
}

// open prepares for a listener: what to accept from, and what serves that.
func (d *frontDoor) open(s *Server, l net.Listener) (net.Listener, *http.Server) {
	conns := LimitConns(l, DefaultConnsPerAddress, DefaultConns, s.opt.TrustedProxies...)
	d.conns.Store(conns)
	h := SlowClients(s)
	if d.rate != nil {
		h = d.rate.Wrap(h)
	}
	if len(s.opt.TrustedProxies) > 0 {
		h = TrustProxies(s.opt.TrustedProxies...)(h)
		h = HopDeadline(s.opt.TrustedProxies...)(h)
	}
	return conns, &http.Server{
		Handler:           h,
		ConnContext:       clientContext,
		ReadHeaderTimeout: readHeaderTimeout,
		// No ReadTimeout: it would end the context of a request that is still
		// being answered. SlowClients bounds the bodies.
		WriteTimeout:   s.opt.Budget.RequestTimeout + writeGrace,
		IdleTimeout:    idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// doorStats is what the front door sees.
type doorStats struct {
	Conns         int    `json:"connections"`
	ConnsRefused  uint64 `json:"connections_refused"`
	Addresses     int    `json:"addresses"`
	RateLimited   uint64 `json:"rate_limited"`
	BodyBytes     int64  `json:"body_bytes"` // of request bodies in memory
	BodiesRefused uint64 `json:"bodies_refused"`
}

func (d *frontDoor) stats() doorStats {
	s := doorStats{BodyBytes: d.bodies.held.Load(), BodiesRefused: d.bodies.refused.Load()}
	if c := d.conns.Load(); c != nil {
		s.Conns, s.ConnsRefused = c.Open(), c.Refused()
	}
	if d.rate != nil {
		s.Addresses, s.RateLimited = d.rate.Addresses(), d.rate.Refused()
	}
	return s
}

// pause waits before a refusal, unless the client has gone.
func pause(ctx context.Context) {
	t := time.NewTimer(refusalPause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
