package fazt

import (
	"container/list"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

const (
	// DefaultRateLimit is how many requests a second an address may send, on
	// average. A page with its files is a few dozen at once, and then none for
	// seconds; no visitor comes near it, and a flood is cut to what one core
	// answers with a few percent of its time.
	DefaultRateLimit = 500

	// NoRateLimit as Options.RateLimit takes every request.
	NoRateLimit = -1

	// maxAddresses bounds the memory of a RateLimiter to about 4 MB.
	maxAddresses = 1 << 14
)

// RateLimiter is middleware with a token bucket for each client address. A
// request above the rate is answered 429 with Retry-After, after a short pause
// (see [Options].RateLimit). The addresses that were seen least recently are
// forgotten when there are more than 16,384: one that has been silent for as
// long as its bucket takes to fill loses nothing by that.
//
// An IPv6 client is its /64, since that is what one subscriber is given.
type RateLimiter struct {
	rate  rate.Limit
	burst int

	mu      sync.Mutex
	buckets map[netip.Addr]*list.Element
	recent  *list.List // of *addressBucket, most recent first

	refused atomic.Uint64
}

type addressBucket struct {
	addr    netip.Addr
	limiter *rate.Limiter
}

// NewRateLimiter allows an address perSecond requests a second on average, and
// burst of them at once.
func NewRateLimiter(perSecond, burst int) (*RateLimiter, error) {
	if perSecond <= 0 || burst <= 0 {
		return nil, fmt.Errorf("fazt: rate limit of %d a second and %d at once; give two positive numbers", perSecond, burst)
	}
	return &RateLimiter{rate: rate.Limit(perSecond), burst: burst, buckets: make(map[netip.Addr]*list.Element), recent: list.New()}, nil
}

// Allow takes a token from an address's bucket. If there is none it says how
// long until there is.
func (l *RateLimiter) Allow(addr netip.Addr) (ok bool, wait time.Duration) {
	now := time.Now()
	b := l.bucket(networkOf(addr))
	if b.AllowN(now, 1) {
		return true, 0
	}
	l.refused.Add(1)
	missing := 1 - b.TokensAt(now)
	return false, time.Duration(missing / float64(l.rate) * float64(time.Second))
}

// networkOf is whom a bucket is for.
func networkOf(addr netip.Addr) netip.Addr {
	addr = addr.Unmap()
	if addr.Is6() {
		network, _ := addr.WithZone("").Prefix(64) // 64 is a valid length
		return network.Addr()
	}
	return addr
}

func (l *RateLimiter) bucket(addr netip.Addr) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.buckets[addr]; ok {
		l.recent.MoveToFront(e)
		return e.Value.(*addressBucket).limiter
	}
	if l.recent.Len() >= maxAddresses {
		oldest := l.recent.Remove(l.recent.Back()).(*addressBucket)
		delete(l.buckets, oldest.addr)
	}
	b := &addressBucket{addr: addr, limiter: rate.NewLimiter(l.rate, l.burst)}
	l.buckets[addr] = l.recent.PushFront(b)
	return b.limiter
}

// Addresses is how many addresses are remembered.
func (l *RateLimiter) Addresses() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.recent.Len()
}

// Refused is how many requests were answered 429.
func (l *RateLimiter) Refused() uint64 { return l.refused.Load() }

// Wrap limits the requests to next.
func (l *RateLimiter) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ok, wait := l.Allow(clientAddr(r))
		if ok {
			next.ServeHTTP(w, r)
			return
		}
		pause(r.Context())
		failure{
			status: http.StatusTooManyRequests, Code: "RATE_LIMITED", Retryable: true, after: max(1, int(math.Ceil(wait.Seconds()))),
			Message: fmt.Sprintf("too many requests from this address (allowed %.0f a second, %d at once)", float64(l.rate), l.burst),
		}.write(w)
	})
}

// clientAddr is the address that a request came from; the zero Addr when its
// listener has no addresses.
func clientAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
