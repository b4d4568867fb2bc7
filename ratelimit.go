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

	"github.com/fazt-sh/fazt/auth"
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
	rate, burst int
	bucket      bucketSize
	epoch       time.Time // what buckets count from

	// reserve, if set, says which of an address's reserves a request may draw on
	// when the rate is used up. Each is small: whoever claims to be a health
	// check sends that many requests more, and no others.
	reserve func(*http.Request) reserve

	mu        sync.Mutex
	addresses map[netip.Addr]*list.Element
	recent    *list.List // of *addressBuckets, most recent first

	refused atomic.Uint64
}

type addressBuckets struct {
	addr     netip.Addr
	bucket   tokenBucket
	reserves [reserveCount]tokenBucket
}

// tokenBucket is when the bucket will be full again, in ns after an epoch: all
// that a token bucket has to remember, in the form of the generic cell rate
// algorithm (ITU-T I.371, annex A). One word needs no lock.
type tokenBucket struct{ full atomic.Int64 }

// bucketSize is how long a token takes to come, and the whole bucket to fill.
type bucketSize struct{ token, all time.Duration }

func newBucketSize(perSecond, burst int) bucketSize {
	token := max(1, time.Second/time.Duration(perSecond))
	return bucketSize{token, token * time.Duration(burst)}
}

// take takes a token, or says how long until there is one.
func (b *tokenBucket) take(now time.Duration, size bucketSize) (ok bool, wait time.Duration) {
	for {
		full := b.full.Load()
		next := max(time.Duration(full), now) + size.token
		if wait := next - now - size.all; wait > 0 {
			return false, wait
		}
		if b.full.CompareAndSwap(full, int64(next)) {
			return true, 0
		}
	}
}

// reserve is a kind of request that is not starved by others from the same
// address.
type reserve int

const (
	noReserve reserve = iota - 1
	healthReserve
	managementReserve // with a key or a session that has been good before
	reserveCount
)

// Each reserve is enough for some monitors that ask every second, or for a
// person and a deploy, and next to nothing beside what an address may send.
var reserveSize = newBucketSize(10, 20)

// NewRateLimiter allows an address perSecond requests a second on average, and
// burst of them at once.
func NewRateLimiter(perSecond, burst int) (*RateLimiter, error) {
	if perSecond <= 0 || burst <= 0 || burst/perSecond > int(time.Duration(math.MaxInt64)/time.Second)/2 {
		return nil, fmt.Errorf("fazt: rate limit of %d a second and %d at once; give two positive numbers, and a bucket that fills within a lifetime", perSecond, burst)
	}
	return &RateLimiter{
		rate: perSecond, burst: burst, bucket: newBucketSize(perSecond, burst), epoch: time.Now(),
		addresses: make(map[netip.Addr]*list.Element), recent: list.New(),
	}, nil
}

// Allow takes a token from an address's bucket. If there is none it says how
// long until there is.
func (l *RateLimiter) Allow(addr netip.Addr) (ok bool, wait time.Duration) {
	return l.allow(time.Since(l.epoch), addr, nil)
}

// allow is Allow at a time, and for a request that may have a reserve.
func (l *RateLimiter) allow(now time.Duration, addr netip.Addr, r *http.Request) (ok bool, wait time.Duration) {
	b := l.buckets(networkOf(addr))
	if ok, wait = b.bucket.take(now, l.bucket); ok {
		return true, 0
	}
	if r != nil && l.reserve != nil {
		if kind := l.reserve(r); kind != noReserve {
			if ok, _ := b.reserves[kind].take(now, reserveSize); ok {
				return true, 0
			}
		}
	}
	l.refused.Add(1)
	return false, wait
}

// reserveFor finds the requests that keep the server in its owner's hands. Whose
// key or session has opened the management before is known without asking the
// store, which a flood must not cause.
func (s *Server) reserveFor(r *http.Request) reserve {
	if s.auth.Site(r.Host).Kind != auth.SiteManagement {
		return noReserve
	}
	switch r.URL.Path {
	case "/health", "/api/health":
		return healthReserve
	}
	if s.credentials.known(r) {
		return managementReserve
	}
	return noReserve
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

func (l *RateLimiter) buckets(addr netip.Addr) *addressBuckets {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.addresses[addr]; ok {
		l.recent.MoveToFront(e)
		return e.Value.(*addressBuckets)
	}
	if l.recent.Len() >= maxAddresses {
		oldest := l.recent.Remove(l.recent.Back()).(*addressBuckets)
		delete(l.addresses, oldest.addr)
	}
	b := &addressBuckets{addr: addr}
	l.addresses[addr] = l.recent.PushFront(b)
	return b
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
		ok, wait := l.allow(time.Since(l.epoch), clientAddr(r), r)
		if ok {
			next.ServeHTTP(w, r)
			return
		}
		pause(r.Context())
		failure{
			status: http.StatusTooManyRequests, Code: "RATE_LIMITED", Retryable: true, after: max(1, int(math.Ceil(wait.Seconds()))),
			Message: fmt.Sprintf("too many requests from this address (allowed %d a second, %d at once)", l.rate, l.burst),
			Details: map[string]any{"allowed_per_second": l.rate, "allowed_at_once": l.burst, "used": l.burst, "wait_ms": milliseconds(wait)},
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
