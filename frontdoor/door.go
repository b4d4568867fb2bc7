package frontdoor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
)

// Door is what stands between listeners and a handler: every part of this
// package, in order. Make one with [New]. It may serve several listeners; what it
// limits, it limits for all of them together.
type Door struct {
	opt   Options
	conns *ConnLimiter
	rate  *RateLimiter // nil: no limit
}

// New reports every problem with opt at once.
func New(opt Options) (*Door, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	d := &Door{opt: opt}
	var connErr, rateErr error
	d.conns, connErr = NewConnLimiter(ConnLimits{PerAddress: opt.ConnsPerAddress, Total: opt.Conns, Exempt: opt.TrustedProxies})
	if opt.RateLimit != NoRateLimit {
		d.rate, rateErr = NewRateLimiter(RateLimit{PerSecond: opt.RateLimit, Burst: opt.RateBurst, Reserve: opt.Reserve})
	}
	if err := errors.Join(connErr, rateErr); err != nil {
		return nil, err
	}
	return d, nil
}

// Options are those in force, defaults filled in.
func (d *Door) Options() Options { return d.opt }

// Serve answers the connections on l with h until ctx ends. Then it takes no new
// ones, waits for the running requests up to Options.DrainTimeout, and returns
// nil; requests that are still running are cut off and reported as an error, which
// is a [context.DeadlineExceeded]. l is closed in any case. A request's context has
// the values of ctx and outlives it.
//
// A listener of package tls serves TLS, and HTTP/2 where its NextProtos have
// "h2" before "http/1.1".
func (d *Door) Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	l, server := d.open(l, h)
	server.BaseContext = func(net.Listener) context.Context { return context.WithoutCancel(ctx) }
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	select {
	case err := <-done:
		return errors.Join(fmt.Errorf("frontdoor: serve: %w", err), server.Close())
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.opt.DrainTimeout)
	defer cancel()
	err := server.Shutdown(drain)
	if err != nil {
		err = errors.Join(fmt.Errorf("frontdoor: requests still running after %v were cut off: %w", d.opt.DrainTimeout, err), server.Close())
	}
	<-done
	return err
}

// http2Window is how much of the bodies on one HTTP/2 connection the server takes
// in before their handlers read it. The 1 MiB of net/http would be 256 MiB for an
// address with all its connections, which no handler sees.
const http2Window = 256 << 10

// open prepares for a listener: what to accept from, and what serves that.
func (d *Door) open(l net.Listener, h http.Handler) (net.Listener, *http.Server) {
	limited := d.conns.serve(l)
	return limited, &http.Server{
		Handler:           d.wrap(h),
		ConnState:         limited.connState,
		ReadHeaderTimeout: d.opt.HeaderTimeout,
		// No ReadTimeout: it would end the context of a request that is still
		// being answered. SlowClients bounds the bodies.
		WriteTimeout:   d.opt.WriteTimeout,
		IdleTimeout:    d.opt.IdleTimeout,
		MaxHeaderBytes: d.opt.HeaderBytes,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          d.opt.Streams,
			MaxReceiveBufferPerConnection: http2Window,
			MaxReceiveBufferPerStream:     http2Window,
			WriteByteTimeout:              d.opt.Stall,
		},
		ErrorLog: slog.NewLogLogger(d.opt.Logger.Handler(), slog.LevelDebug),
	}
}

// wrap puts the middleware around h. A deadline is its peer's to give, so that
// comes before the peer's address is replaced by its client's, and all that counts
// by address after.
func (d *Door) wrap(h http.Handler) http.Handler {
	h = SlowClients(d.opt.Stall, d.opt.IdleTimeout)(h)
	if d.rate != nil {
		h = d.rate.Wrap(h)
	}
	if d.opt.AccessLog != nil {
		h = d.opt.AccessLog.Wrap(h, d.opt.PublicPath)
	}
	if len(d.opt.TrustedProxies) > 0 {
		h = TrustProxies(d.opt.TrustedProxies...)(h)
		h = HopDeadline(d.opt.TrustedProxies...)(h)
	}
	return h
}

// Stats is what a [Door] sees. The counters are since it was made.
type Stats struct {
	Conns        int    `json:"connections"` // open now
	ConnsRefused uint64 `json:"connections_refused"`
	ConnsClosed  uint64 `json:"connections_closed"` // idle ones, for others of their address
	Addresses    int    `json:"addresses"`          // that the rate limit remembers
	RateLimited  uint64 `json:"rate_limited"`
	NotLogged    uint64 `json:"access_log_dropped"` // lines of AccessLog, of all Doors that have it
}

// Stats returns the figures of now.
func (d *Door) Stats() Stats {
	s := Stats{Conns: d.conns.Open(), ConnsRefused: d.conns.Refused(), ConnsClosed: d.conns.Closed()}
	if d.rate != nil {
		s.Addresses, s.RateLimited = d.rate.Addresses(), d.rate.Refused()
	}
	if d.opt.AccessLog != nil {
		s.NotLogged = d.opt.AccessLog.Dropped()
	}
	return s
}
