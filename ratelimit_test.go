package fazt_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt"
)

func newRateLimiter(t *testing.T, perSecond, burst int) *fazt.RateLimiter {
	t.Helper()
	l, err := fazt.NewRateLimiter(perSecond, burst)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestRateLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newRateLimiter(t, 10, 20)
		allowed := func(addr string, n int) (ok int, wait time.Duration) {
			for range n {
				yes, d := l.Allow(netip.MustParseAddr(addr))
				if yes {
					ok++
				}
				wait = d
			}
			return ok, wait
		}
		if ok, wait := allowed("192.0.2.1", 30); ok != 20 || wait <= 0 || wait > 100*time.Millisecond {
			t.Errorf("%d of 30 at once, the next in %v; want the burst of 20, and 100 ms", ok, wait)
		}
		if ok, _ := allowed("::ffff:192.0.2.1", 1); ok != 0 {
			t.Error("the same address in IPv6 clothes has a bucket of its own")
		}
		if ok, _ := allowed("192.0.2.2", 1); ok != 1 {
			t.Error("one address's flood is held against another")
		}
		time.Sleep(time.Second)
		if ok, _ := allowed("192.0.2.1", 30); ok != 10 {
			t.Errorf("%d a second later, want 10", ok)
		}
		allowed("2001:db8::1", 20)
		if ok, _ := allowed("2001:db8::ffff:ffff", 1); ok != 0 {
			t.Error("another address in the same /64 has a bucket of its own")
		}
		if ok, _ := allowed("2001:db8:0:1::1", 1); ok != 1 {
			t.Error("the next /64 shares the bucket")
		}
	})
}

func TestRateLimiterMemoryIsBounded(t *testing.T) {
	l := newRateLimiter(t, 1, 1)
	addr := netip.MustParseAddr("10.0.0.0")
	first := addr
	for range 10_000 {
		l.Allow(addr)
		addr = addr.Next()
	}
	if n := l.Addresses(); n != 10_000 {
		t.Errorf("%d of 10,000 addresses are known", n)
	}
	if ok, _ := l.Allow(first); ok {
		t.Error("10,000 others made the first address's bucket forgotten")
	}
	for range 100_000 {
		l.Allow(addr)
		addr = addr.Next()
	}
	if n := l.Addresses(); n > 1<<14 {
		t.Errorf("%d addresses are remembered", n)
	}
}

func TestRateLimitedAnswer(t *testing.T) {
	if _, err := fazt.NewRateLimiter(0, -1); err == nil {
		t.Error("a limit of nothing was accepted")
	}
	synctest.Test(t, func(t *testing.T) {
		h := newRateLimiter(t, 1, 1).Wrap(http.NotFoundHandler())
		var w *httptest.ResponseRecorder
		for range 2 {
			w = httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		}
		var body struct {
			Error struct {
				Code      string
				Retryable bool
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" || body.Error.Code != "RATE_LIMITED" || !body.Error.Retryable {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
	})
}

func BenchmarkRateLimiter(b *testing.B) {
	l, err := fazt.NewRateLimiter(1<<30, 1<<30)
	if err != nil {
		b.Fatal(err)
	}
	addr := netip.MustParseAddr("192.0.2.1")
	b.ReportAllocs()
	for b.Loop() {
		l.Allow(addr)
	}
}
