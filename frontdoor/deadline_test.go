package frontdoor_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt/frontdoor"
)

func TestHopDeadline(t *testing.T) {
	for _, test := range []struct {
		name, peer, header string
		within, want       time.Duration // 0: no deadline
		status             int
	}{
		{"none", "10.0.0.1:5", "", 0, 0, 200},
		{"a caller's", "10.0.0.1:5", "1500", 0, 1500 * time.Millisecond, 200},
		{"a stranger's", "192.0.2.1:5", "1500", 0, 0, 200},
		{"a stranger's nonsense", "192.0.2.1:5", "soon", 0, 0, 200},
		{"later than ours", "10.0.0.1:5", "5000", time.Second, time.Second, 200},
		{"sooner than ours", "10.0.0.1:5", "500", time.Second, 500 * time.Millisecond, 200},
		{"far beyond", "10.0.0.1:5", "9223372036854775807", 0, 24 * time.Hour, 200},
		{"now", "10.0.0.1:5", "0", 0, 0, 504},
		{"past", "10.0.0.1:5", "-20", 0, 0, 504},
		{"nonsense", "10.0.0.1:5", "1.5s", 0, 0, 400},
		{"more than a number holds", "10.0.0.1:5", "99999999999999999999", 0, 0, 400},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx := t.Context()
			if test.within > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, test.within)
				defer cancel()
			}
			var got time.Duration
			h := frontdoor.HopDeadline(proxies...)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if deadline, ok := r.Context().Deadline(); ok {
					got = time.Until(deadline)
				}
			}))
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
			r.RemoteAddr = test.peer
			if test.header != "" {
				r.Header.Set(frontdoor.TimeoutHeader, test.header)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if got != test.want || w.Code != test.status {
				t.Errorf("%s: %v and %d, want %v and %d", test.name, got, w.Code, test.want, test.status)
			}
		})
	}
}

func TestPassDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		time.Sleep(time.Second)
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://next/", nil)
		if err := frontdoor.PassDeadline(r); err != nil || r.Header.Get(frontdoor.TimeoutHeader) != "2000" {
			t.Errorf("%v, %v; want 2000", r.Header, err)
		}
		time.Sleep(2 * time.Second)
		if err := frontdoor.PassDeadline(r); err == nil {
			t.Error("a deadline that has passed was passed on")
		}
		r = httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://next/", nil)
		if err := frontdoor.PassDeadline(r); err != nil || len(r.Header) > 0 {
			t.Errorf("without a deadline: %v, %v", r.Header, err)
		}
	})
}
