package auth

import (
	"errors"
	"math"
	"net/netip"
	"sync"
	"time"
)

// attempts bounds guessing, with token buckets in memory. An attempt to sign in
// takes a token of three: of the address, of the account as it was typed from that
// address, and of the account from everywhere. Those who guess from many addresses
// use the last one up, and would lock the account's owner out; so a browser that
// has signed in to the account before shows a sealed cookie, and has a bucket of
// its own in place of all three. A success gives the tokens back.
//
// An account that does not exist is counted like one that does.
type attempts struct {
	mu      sync.Mutex
	buckets map[bucketKey]bucket
}

// bucketKey names a bucket: what it counts, and whose.
type bucketKey struct {
	kind    *bucketKind
	account string // digest of what was typed, or ""
	place   string // an address or a device, or ""
}

// bucketKind says how many tokens there are and how fast one comes back.
type bucketKind struct {
	size  float64
	every time.Duration
}

var (
	// perAddress is for sign-ins from one address (of IPv6, one /64).
	perAddress = &bucketKind{30, 20 * time.Second}
	// perPlace is for one account from one address or known browser.
	perPlace = &bucketKind{10, time.Minute}
	// perAccount is for one account from everywhere: 1,540 guesses on the first day.
	perAccount = &bucketKind{100, time.Minute}
	// perCodes is for codes of set-up links and invites that are none.
	perCodes = &bucketKind{30, 20 * time.Second}
	// perReturn is for what a provider does not take. Each has cost it a request in
	// this server's name, and it may refuse everybody's when there are many.
	perReturn = &bucketKind{30, 20 * time.Second}
	// perJoin is for the addresses that the holder of an invite's code tries.
	perJoin = &bucketKind{10, time.Minute}
)

// bucket is how many tokens were left at a time.
type bucket struct {
	left float64
	at   time.Time
}

// maxBuckets bounds the memory: 10 MB or so. Guesses cost a hash each, of which
// two are made at once, so that nobody fills it in the time a bucket takes to
// refill.
const maxBuckets = 50_000

func newAttempts() *attempts { return &attempts{buckets: make(map[bucketKey]bucket)} }

// now is what is left in a bucket at a time.
func (b bucket) now(k *bucketKind, now time.Time) float64 {
	return min(k.size, b.left+float64(now.Sub(b.at))/float64(k.every))
}

// take takes a token of each bucket, or none and says how long to wait for all.
func (t *attempts) take(keys ...bucketKey) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	for _, key := range keys {
		wait = max(wait, key.kind.untilOne(t.left(key, now)))
	}
	if wait > 0 {
		return wait
	}
	for _, key := range keys {
		left := t.left(key, now)
		t.put(key, bucket{left - 1, now}, now)
	}
	return 0
}

// wait says how long it takes until there is a token, and takes none.
func (t *attempts) wait(key bucketKey) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return key.kind.untilOne(t.left(key, time.Now()))
}

// untilOne is how long it takes until there is a whole token.
func (k *bucketKind) untilOne(left float64) time.Duration {
	return max(0, time.Duration(math.Ceil((1-left)*float64(k.every))))
}

// giveBack undoes a take.
func (t *attempts) giveBack(keys ...bucketKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	for _, key := range keys {
		if left := t.left(key, now) + 1; left >= key.kind.size {
			delete(t.buckets, key)
		} else {
			t.put(key, bucket{left, now}, now)
		}
	}
}

// left is what a bucket has. t.mu is held.
func (t *attempts) left(key bucketKey, now time.Time) float64 {
	b, ok := t.buckets[key]
	if !ok {
		return key.kind.size
	}
	return b.now(key.kind, now)
}

// put keeps a bucket, in place of any other when there is no room. t.mu is held.
func (t *attempts) put(key bucketKey, b bucket, now time.Time) {
	if _, ok := t.buckets[key]; !ok && len(t.buckets) >= maxBuckets {
		for other, b := range t.buckets {
			if b.now(other.kind, now) >= other.kind.size {
				delete(t.buckets, other)
			}
		}
		for other := range t.buckets { // if that was not enough, any few of them
			if len(t.buckets) < maxBuckets*15/16 {
				break
			}
			delete(t.buckets, other)
		}
	}
	t.buckets[key] = b
}

// subscriber is who an address belongs to: of IPv6 the first 64 bits, since a
// household has at least as many addresses.
func subscriber(addr string) string {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return addr
	}
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		if prefix, err := ip.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return ip.String()
}

// tooMany is the error of who has to wait.
func tooMany(op string, wait time.Duration) error {
	return &Error{Code: CodeRateLimited, Op: op, RetryAfter: wait, Err: errors.New("there were too many attempts"), Hint: "wait " + minutes(wait)}
}

// minutes is a time to wait, for people.
func minutes(d time.Duration) string {
	switch n := int(math.Ceil(d.Minutes())); {
	case d <= 45*time.Second:
		return "half a minute"
	case n <= 1:
		return "a minute"
	case n == 2:
		return "two minutes"
	}
	return "a few minutes"
}
