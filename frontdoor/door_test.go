package frontdoor_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/frontdoor"
)

// serve serves h on l behind a Door until stop is called, or the test ends.
func serve(tb testing.TB, opt frontdoor.Options, l net.Listener, h http.Handler) (door *frontdoor.Door, stop context.CancelFunc) {
	tb.Helper()
	door, err := frontdoor.New(opt)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(tb.Context()))
	served := make(chan error, 1)
	go func() { served <- door.Serve(ctx, l, h) }()
	tb.Cleanup(func() {
		stop()
		if err := <-served; err != nil && !errors.Is(err, context.DeadlineExceeded) {
			tb.Error(err)
		}
	})
	return door, stop
}

func TestOptionsReportEveryProblem(t *testing.T) {
	_, err := frontdoor.New(frontdoor.Options{
		TrustedProxies: []netip.Prefix{{}}, RateLimit: -1, ConnsPerAddress: -1, Streams: -1, HeaderTimeout: -1, Stall: -1,
	})
	for _, want := range []string{"TrustedProxies", "RateLimit", "ConnsPerAddress", "Streams", "HeaderTimeout", "Stall"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named in: %v", want, err)
		}
	}
	for _, opt := range []frontdoor.Options{{RateLimit: frontdoor.NoRateLimit - 1}, {RateLimit: 1, RateBurst: frontdoor.NoRateLimit}} {
		if _, err := frontdoor.New(opt); err == nil {
			t.Errorf("%d a second and %d at once were accepted", opt.RateLimit, opt.RateBurst)
		}
	}
}

// TestOptionsInForce are the documented defaults.
func TestOptionsInForce(t *testing.T) {
	door, err := frontdoor.New(frontdoor.Options{RateLimit: 7})
	if err != nil {
		t.Fatal(err)
	}
	got := door.Options()
	got.Logger = nil
	want := frontdoor.Options{
		RateLimit: 7, RateBurst: 14, ConnsPerAddress: 256, Conns: 10_000, Streams: 100,
		HeaderTimeout: 5 * time.Second, WriteTimeout: 40 * time.Second, Stall: 10 * time.Second, IdleTimeout: time.Minute, DrainTimeout: 10 * time.Second,
		HeaderBytes: 64 << 10,
	}
	if diff := cmp.Diff(want, got, cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Reserve" }, cmp.Ignore())); diff != "" {
		t.Error("(-want +got)\n", diff)
	}
}

// TestOrder: a trusted proxy's deadline is its own to give, and what counts by
// address counts by the client's, and not by the proxy's.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		door, _ := serve(t, frontdoor.Options{RateLimit: 1, RateBurst: 2, TrustedProxies: proxies}, p, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, waits := r.Context().Deadline()
			fmt.Fprint(w, r.RemoteAddr, " ", waits, " ", frontdoor.IsSecure(r), " ", frontdoor.RequestID(r))
		}))
		ask := func(header string) string {
			c := p.dial(t, "10.0.0.1:5")
			go io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+header+"\r\n")
			status, body := readAnswer(t, c)
			return fmt.Sprint(status, " ", body)
		}
		all := "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: https\r\nX-Request-Id: a\r\nX-Request-Timeout-Ms: 500\r\n"
		if got, want := ask(all), "200 198.51.100.1:0 true true a"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got, want := ask(""), "200 10.0.0.1:5 false false "; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		for i, want := range []string{"200", "429"} {
			if got := ask("X-Forwarded-For: 198.51.100.1\r\n"); !strings.HasPrefix(got, want) {
				t.Errorf("request %d of a client: %s, want %s", i+2, got, want)
			}
		}
		if got := door.Stats(); got.RateLimited != 1 || got.Addresses != 2 {
			t.Errorf("%+v; want one request refused, of two addresses", got)
		}
	})
}

// TestListenersShareLimits: what a Door limits, it limits for all of its
// listeners.
func TestListenersShareLimits(t *testing.T) {
	door, err := frontdoor.New(frontdoor.Options{Conns: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 2)
	listeners := []net.Listener{listen(t), listen(t)}
	for _, l := range listeners {
		go func() { served <- door.Serve(ctx, l, http.NotFoundHandler()) }()
	}
	first, err := net.Dial("tcp", listeners[0].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	io.WriteString(first, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if status, _ := readAnswer(t, first); status != http.StatusNotFound {
		t.Errorf("the first connection: %d", status)
	}
	if got := answered(t, listeners[1].Addr()); got {
		t.Error("a second connection, on another listener, was kept")
	}
	stop()
	for range listeners {
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
}

// answered tells whether a connection of its own gets an answer.
func answered(t *testing.T, addr net.Addr) bool {
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		return false
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	answer, _ := io.ReadAll(c) // an error is the server's reset
	return len(answer) > 0
}

func readAnswer(t *testing.T, c net.Conn) (status int, body string) {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return res.StatusCode, string(text)
}

// TestServeEnds: it drains, and cuts off what doesn't end.
func TestServeEnds(t *testing.T) {
	for _, test := range []struct {
		name   string
		works  time.Duration
		cutOff bool
	}{{"in time", 5 * time.Second, false}, {"too long", 20 * time.Second, true}} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				door, err := frontdoor.New(frontdoor.Options{})
				if err != nil {
					t.Fatal(err)
				}
				p := newPipes()
				ctx, stop := context.WithCancel(context.WithValue(t.Context(), ctxKey{}, "value"))
				started, served := make(chan any, 1), make(chan error, 1)
				var after error
				go func() {
					served <- door.Serve(ctx, p, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						started <- r.Context().Value(ctxKey{})
						select {
						case <-time.After(test.works):
						case <-r.Context().Done():
						}
						after = r.Context().Err()
						io.WriteString(w, "done")
					}))
				}()
				c := p.dial(t, "192.0.2.1:5")
				go io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				if got := <-started; got != "value" {
					t.Errorf("the request's context has %v of Serve's", got)
				}
				stop()
				if !test.cutOff {
					if status, body := readAnswer(t, c); status != http.StatusOK || body != "done" {
						t.Errorf("%d %s", status, body)
					}
				}
				if err := <-served; errors.Is(err, context.DeadlineExceeded) != test.cutOff || err != nil && !test.cutOff {
					t.Errorf("Serve: %v", err)
				}
				synctest.Wait()
				if (after != nil) != test.cutOff {
					t.Errorf("the request's context ended with %v", after)
				}
			})
		})
	}
}

type ctxKey struct{}

// TestListenerFails: Serve says so, and leaves no connection behind.
func TestListenerFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		door, err := frontdoor.New(frontdoor.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p := newPipes()
		served := make(chan error, 1)
		go func() { served <- door.Serve(t.Context(), p, http.NotFoundHandler()) }()
		c := p.dial(t, "192.0.2.1:5")
		p.Close()
		if err := <-served; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Serve: %v", err)
		}
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("its connection: %v, want it closed", err)
		}
		synctest.Wait()
		if n := door.Stats().Conns; n != 0 {
			t.Errorf("%d connections still count", n)
		}
	})
}
