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

// Idle is how many connections are idle.
func (d *Door) Idle() (n int) {
	l := d.conns
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, own := range l.byAddr {
		for c := range own {
			if c.idle.Load() != 0 {
				n++
			}
		}
	}
	return n
}
