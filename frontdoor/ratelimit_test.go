package frontdoor_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	goruntime "runtime"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/fazt-sh/fazt/frontdoor"
)

func newRateLimiter(t *testing.T, perSecond, burst int) *frontdoor.RateLimiter {
	t.Helper()
	l, err := frontdoor.NewRateLimiter(frontdoor.RateLimit{PerSecond: perSecond, Burst: burst})
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

// set is at as time.Now returns it after the clock was set: the time of day is
// another, the monotonic clock goes on. Package time offers no way to make one.
func set(t *testing.T, at time.Time, by time.Duration) time.Time {
	t.Helper()
	moved := at
	*(*uint64)(unsafe.Pointer(&moved)) += uint64(by/time.Second) << 30 // seconds are above 30 bits of nanoseconds
	if moved.Sub(at) != 0 || moved.Round(0).Sub(at.Round(0)) != by {
		t.Fatalf("time.Time is made otherwise than it was: %v set by %v is %v", at, by, moved)
	}
	return moved
}

// TestRateLimiterWhenClockIsSet: an hour back and forth neither stops anybody nor
// lets more in than the rate.
func TestRateLimiterWhenClockIsSet(t *testing.T) {
	l := newRateLimiter(t, 10, 20)
	addr := netip.MustParseAddr("192.0.2.1")
	now := time.Now()
	for i, by := range []time.Duration{0, -time.Hour, time.Hour, -2 * time.Hour} {
		now = now.Add(time.Second)
		ok := 0
		for range 50 {
			yes, wait := l.AllowAt(set(t, now, by), addr, nil)
			if yes {
				ok++
			}
			if wait < 0 || wait > 100*time.Millisecond {
				t.Errorf("set by %v: the next in %v", by, wait)
			}
		}
		want := 10
		if i == 0 {
			want = 20
		}
		if ok != want {
			t.Errorf("set by %v: %d of 50, a second after the last; want %d", by, ok, want)
		}
	}
}

// TestManyAddresses: whoever has many addresses, and uses all that each may,
// takes a bounded amount of memory.
func TestManyAddresses(t *testing.T) {
	l, err := frontdoor.NewRateLimiter(frontdoor.RateLimit{PerSecond: 1, Burst: 1, Reserve: func(r *http.Request) frontdoor.Reserve {
		return map[string]frontdoor.Reserve{"/health": frontdoor.HealthReserve, "/manage": frontdoor.ManagementReserve}[r.URL.Path]
	}})
	if err != nil {
		t.Fatal(err)
	}
	requests := []*http.Request{{URL: &url.URL{Path: "/"}}, {URL: &url.URL{Path: "/health"}}, {URL: &url.URL{Path: "/manage"}}}
	heap := func() uint64 {
		goruntime.GC()
		var m goruntime.MemStats
		goruntime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	addr, now := netip.MustParseAddr("10.0.0.0"), time.Now()
	for range 100_000 {
		for _, r := range requests {
			if ok, _ := l.AllowAt(now, addr, r); !ok {
				t.Fatalf("%v: the first request for %s was refused", addr, r.URL.Path)
			}
		}
		addr = addr.Next()
	}
	if grown := int64(heap() - before); grown > 16<<20 || l.Addresses() != 1<<14 {
		t.Errorf("100,000 addresses take %d bytes, %d are remembered", grown, l.Addresses())
	}
	goruntime.KeepAlive(l)
}

func TestRateLimitedAnswer(t *testing.T) {
	if _, err := frontdoor.NewRateLimiter(frontdoor.RateLimit{Burst: -1}); err == nil {
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
				Details   map[string]float64
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" || body.Error.Code != "RATE_LIMITED" || !body.Error.Retryable {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		if d := body.Error.Details; d["allowed_per_second"] != 1 || d["allowed_at_once"] != 1 || d["used"] != 1 || d["wait_ms"] <= 0 {
			t.Errorf("details: %v", d)
		}
	})
}

func BenchmarkRateLimiter(b *testing.B) {
	l, err := frontdoor.NewRateLimiter(frontdoor.RateLimit{PerSecond: 1 << 30, Burst: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	addr := netip.MustParseAddr("192.0.2.1")
	b.ReportAllocs()
	for b.Loop() {
		l.Allow(addr)
	}
}
