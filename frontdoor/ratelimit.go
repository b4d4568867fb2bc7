package frontdoor

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fazt-sh/fazt/api"
)

const (
	// DefaultRateLimit is how many requests a second an address may send, on
	// average. A page with its files is a few dozen at once, and then none for
	// seconds; no visitor comes near it, and a flood is cut to what one core
	// answers with a few percent of its time.
	DefaultRateLimit = 500

	// NoRateLimit as Options.RateLimit takes every request. It is the rate that
	// nobody reaches, as rate.Inf is in golang.org/x/time/rate: a zero stands for
	// the default, and a negative one is a mistake.
	NoRateLimit = math.MaxInt

	// maxAddresses bounds the memory of a RateLimiter to about 4 MB.
	maxAddresses = 1 << 14

	// refusalDelay is how long an answer that refuses waits.
	refusalDelay = 10 * time.Millisecond
)

// RateLimit is how many requests one client address may send; an IPv6 client is
// its /64.
type RateLimit struct {
	// PerSecond is the average. Too low a one refuses people who share an
	// address. Default: 500. A negative one is an error.
	PerSecond int
	// Burst is how many may come at once. Less than a page with its files refuses
	// visitors. Default: twice PerSecond. A negative one is an error.
	Burst int
	// Reserve says for what a request may go on when the rate of its address is
	// used up. It is called for each such request, so it must be cheap, and it is
	// given what a stranger sent. Default: nil, no reserves.
	Reserve func(*http.Request) Reserve
}

// Reserve is a kind of requests that others from the same address don't starve.
// For each kind an address may send 10 requests a second, 20 at once, beside its
// rate: enough for some monitors that ask every second, or for a person and a
// deploy, and next to nothing beside what an address may send. Whoever claims to
// be a health check sends that many requests more, and no others.
type Reserve int

// The reserves.
const (
	NoReserve         Reserve = iota
	HealthReserve             // health checks
	ManagementReserve         // from those who look after the service
	reserveCount
)

// reserveSize is what [Reserve] says.
var reserveSize = newBucketSize(10, 20)

// RateLimiter is middleware with a token bucket for each client address. A
// request above the rate is answered 429 with Retry-After, after 10 ms; see
// [DelayRefusal]. The addresses that were seen least recently are forgotten when
// there are more than 16,384: one that has been silent for as long as its bucket
// takes to fill loses nothing by that.
type RateLimiter struct {
	limit  RateLimit
	bucket bucketSize
	epoch  time.Time // what buckets count from

	mu        sync.Mutex
	addresses map[netip.Addr]*list.Element
	recent    *list.List // of *addressBuckets, most recent first

	refused atomic.Uint64
}

type addressBuckets struct {
	addr     netip.Addr
	bucket   tokenBucket
	reserves [reserveCount]tokenBucket // by Reserve; the first is not used
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

// NewRateLimiter reports every problem with limit at once. A bucket that takes
// longer than a lifetime to fill is one.
func NewRateLimiter(limit RateLimit) (*RateLimiter, error) {
	var errs []error
	positive(&errs, "PerSecond", &limit.PerSecond, DefaultRateLimit)
	if limit.PerSecond > math.MaxInt/2 {
		errs = append(errs, fmt.Errorf("frontdoor: PerSecond is %d; to take every request, leave the RateLimiter out", limit.PerSecond))
	}
	positive(&errs, "Burst", &limit.Burst, 2*limit.PerSecond)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if limit.Burst/limit.PerSecond > int(time.Duration(math.MaxInt64)/time.Second)/2 {
		return nil, fmt.Errorf("frontdoor: a Burst of %d at %d a second; give a bucket that fills within a lifetime", limit.Burst, limit.PerSecond)
	}
	return &RateLimiter{
		limit: limit, bucket: newBucketSize(limit.PerSecond, limit.Burst), epoch: time.Now(),
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
	b := l.buckets(subscriber(addr))
	if ok, wait = b.bucket.take(now, l.bucket); ok {
		return true, 0
	}
	if r != nil && l.limit.Reserve != nil {
		if kind := l.limit.Reserve(r); kind > NoReserve && kind < reserveCount {
			if ok, _ := b.reserves[kind].take(now, reserveSize); ok {
				return true, 0
			}
		}
	}
	l.refused.Add(1)
	return false, wait
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
		DelayRefusal(r.Context())
		perSecond, burst := l.limit.PerSecond, l.limit.Burst
		api.WriteError(w, &api.Error{
			Status: http.StatusTooManyRequests, Code: "RATE_LIMITED", Retryable: true, RetryAfter: max(time.Second, wait),
			Message: fmt.Sprintf("too many requests from this address (allowed %d a second, %d at once)", perSecond, burst),
			Details: map[string]any{
				"allowed_per_second": perSecond, "allowed_at_once": burst, "used": burst, "wait_ms": float64(wait.Microseconds()) / 1000,
			},
		})
	})
}

// DelayRefusal waits for 10 ms, unless the client has gone. Called before an
// answer that refuses, it makes a client that comes back at once, whatever
// Retry-After says, cost next to nothing; one that behaves does not notice.
func DelayRefusal(ctx context.Context) {
	t := time.NewTimer(refusalDelay)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
