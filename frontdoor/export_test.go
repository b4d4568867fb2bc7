package frontdoor

import (
	"net/http"
	"net/netip"
	"time"
)

// What the tests need of the inside.

// AllowAt is Allow at a time, for a request that may have a reserve.
func (l *RateLimiter) AllowAt(now time.Time, addr netip.Addr, r *http.Request) (ok bool, wait time.Duration) {
	return l.allow(now.Sub(l.epoch), addr, r)
}
