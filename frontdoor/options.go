package frontdoor

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"
)

// Options is the whole configuration of a [Door]. The zero Options suit a small
// service; a negative number in any field is an error.
type Options struct {
	// TrustedProxies are the addresses of proxies in front of the server, such as
	// 10.0.0.0/8: from them alone the client's address, its TLS, and a deadline
	// are taken; see [TrustProxies] and [HopDeadline]. They are exempt from
	// ConnsPerAddress. Whoever has one of these addresses can claim to be anybody.
	// Default: none. An invalid prefix is an error.
	TrustedProxies []netip.Prefix

	// RateLimit is how many requests a second one client address may send, on
	// average; see [RateLimiter]. Default: 500. [NoRateLimit] takes every request.
	RateLimit int
	// RateBurst is how many of them may come at once. Default: twice RateLimit.
	RateBurst int
	// Reserve says which requests go on when the rate of their address is used up;
	// see [RateLimit]. Default: nil, none.
	Reserve func(*http.Request) Reserve

	// ConnsPerAddress is how many connections one client address may have open.
	// For one more, its longest idle one is closed; if none is idle, the new one
	// is. Default: 256.
	ConnsPerAddress int
	// Conns is how many connections all addresses may have open together, on all
	// listeners of the Door. Default: 10,000.
	Conns int
	// Streams is how many requests may be under way on one HTTP/2 connection.
	// Default: 100, the least that RFC 9113 (6.5.2) recommends. A browser opens
	// one connection instead of six; fewer streams make a large page slow.
	Streams int

	// HeaderTimeout is how long a TLS handshake, and then a request's header, may
	// take. Over HTTP/2 a header that doesn't come to its end costs no more than
	// an idle connection, and has IdleTimeout. Default: 5 s. Too short a one cuts
	// off clients far away.
	HeaderTimeout time.Duration
	// WriteTimeout is how long a request may take from its header to the end of
	// its answer's first 64 KiB. It ends handlers that work for longer. Default:
	// 40 s.
	WriteTimeout time.Duration
	// Stall is how long a client may keep a body, or a longer answer, from moving;
	// see [SlowClients]. Over HTTP/2 it is also how long a connection may take
	// nothing at all. Default: 10 s.
	Stall time.Duration
	// IdleTimeout is how long a connection is kept without a request, and how long
	// a client may keep an answer from moving that its handler copies from a reader.
	// Default: 60 s.
	IdleTimeout time.Duration
	// DrainTimeout is how long [Door.Serve] waits for running requests after its
	// context ends. Default: 10 s.
	DrainTimeout time.Duration

	// AccessLog gets a line for each request, those refused included. The Door does
	// not close it. Default: nil, none.
	AccessLog *AccessLog
	// PublicPath returns what of a request's path the access log may have. Default:
	// nil, all of it.
	PublicPath func(path string) string

	// HeaderBytes is the largest header of a request, in bytes. A larger one is
	// answered 431. Default: 64 KiB.
	HeaderBytes int
	// Logger receives what net/http says of clients, at debug level, since anybody
	// can make it say something. Default: nil, which discards it.
	Logger *slog.Logger
}

// withDefaults fills in the zero fields and reports every field that can't be
// used.
func (opt Options) withDefaults() (Options, error) {
	var errs []error
	validPrefixes(&errs, "TrustedProxies", opt.TrustedProxies)
	positive(&errs, "RateLimit", &opt.RateLimit, DefaultRateLimit)
	if opt.RateLimit != NoRateLimit {
		positive(&errs, "RateBurst", &opt.RateBurst, 2*opt.RateLimit)
	}
	positive(&errs, "ConnsPerAddress", &opt.ConnsPerAddress, DefaultConnsPerAddress)
	positive(&errs, "Conns", &opt.Conns, DefaultConns)
	positive(&errs, "Streams", &opt.Streams, 100)
	positive(&errs, "HeaderTimeout", &opt.HeaderTimeout, 5*time.Second)
	positive(&errs, "WriteTimeout", &opt.WriteTimeout, 40*time.Second)
	positive(&errs, "Stall", &opt.Stall, DefaultStall)
	positive(&errs, "IdleTimeout", &opt.IdleTimeout, DefaultPause)
	positive(&errs, "DrainTimeout", &opt.DrainTimeout, 10*time.Second)
	positive(&errs, "HeaderBytes", &opt.HeaderBytes, 64<<10)
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	return opt, errors.Join(errs...)
}

func positive[T int | time.Duration](errs *[]error, name string, field *T, value T) {
	switch {
	case *field < 0:
		*errs = append(*errs, fmt.Errorf("frontdoor: %s is %v; give a positive value, or 0 for %v", name, *field, value))
	case *field == 0:
		*field = value
	}
}

func validPrefixes(errs *[]error, name string, prefixes []netip.Prefix) {
	for _, p := range prefixes {
		if !p.IsValid() {
			*errs = append(*errs, fmt.Errorf("frontdoor: %s has %v; give valid prefixes, such as netip.MustParsePrefix(\"10.0.0.0/8\")", name, p))
		}
	}
}
