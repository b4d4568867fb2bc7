package fazt_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/harnesstest/load"
)

// TestManyAddressesAreServed, and forgotten when their connections are closed:
// 10,000 clients, each from an address of its own.
func TestManyAddressesAreServed(t *testing.T) {
	srv := harnesstest.Start(t, func(o *fazt.Options) { o.RateLimit = 0 })
	const clients, at = 10_000, 8
	var dialing sync.WaitGroup
	for worker := range at {
		dialing.Go(func() {
			for i := worker; i < clients; i += at {
				dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(i>>8), byte(i))}}
				c, err := dialer.DialContext(t.Context(), "tcp", address(srv.URL))
				if err != nil {
					t.Error(err)
					return
				}
				io.WriteString(c, "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
				answer, err := io.ReadAll(c)
				c.Close()
				if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
					t.Errorf("client %d: %v %s", i, err, answer)
					return
				}
			}
		})
	}
	dialing.Wait()
	var stats struct {
		Data struct {
			Door struct{ Addresses, Connections int } `json:"front_door"`
		}
	}
	eventually(t, func() bool {
		if err := json.Unmarshal([]byte(manage(t, srv, "/api/system/stats")), &stats); err != nil {
			t.Fatal(err)
		}
		return stats.Data.Door.Connections < 100 // those of the test's own clients
	})
	if n := stats.Data.Door.Addresses; n < clients || n > 1<<14 {
		t.Errorf("%d addresses are remembered of %d", n, clients)
	}
}

// A client that goes away ends what is done for it.
func TestClientGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t)
		started := make(chan struct{})
		var cause error
		if err := srv.Bind("test.wait", func(ctx context.Context) {
			close(started)
			<-ctx.Done()
			cause = context.Cause(ctx)
		}); err != nil {
			t.Fatal(err)
		}
		deploy(t, srv, "app", files("api/main.js", `test.wait()`))
		c := servePipes(t, srv).dial(string(load.Get("app.localhost", "/api")))
		<-started
		c.Close()
		time.Sleep(time.Second) // also for the runtime's watcher, which outlives the run
		synctest.Wait()
		if cause != context.Canceled {
			t.Errorf("the context ended with %v, want that it was canceled", cause)
		}
	})
}

// Requests that a client sends in one go are answered one after the other,
// whichever of them take their time, and the connection can be used again.
func TestPipelinedRequests(t *testing.T) {
	for _, paths := range [][]string{
		{"/api/1", "/api/2", "/api/3"}, {"/api/1", "/"}, {"/", "/api/1"}, {"/api/1", "/", "/api/2", "/", "/"},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := open(t)
			if err := srv.Bind("test.pause", func() { time.Sleep(time.Second) }); err != nil {
				t.Fatal(err)
			}
			deploy(t, srv, "app", files("index.html", "/", "api/main.js", `test.pause(); respond(request.path)`))
			c := servePipes(t, srv).dial("")
			r := bufio.NewReader(c)
			for range 3 {
				var all []byte
				for _, path := range paths {
					all = append(all, load.Get("app.localhost", path)...)
				}
				if _, err := c.Write(all); err != nil {
					t.Fatal(err)
				}
				for _, want := range paths {
					res, err := http.ReadResponse(r, nil)
					if err != nil {
						t.Fatal(err)
					}
					body, err := io.ReadAll(res.Body)
					if err != nil || string(body) != want {
						t.Errorf("%v: %s, %v; want %s", paths, body, err, want)
					}
				}
			}
			time.Sleep(time.Second) // the runtime's watcher outlives the last run
		})
	}
}

// TestProxiedServer: TLS and the request's id are the proxy's to say, and
// nobody else's.
func TestProxiedServer(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "app", files("index.html", "", "api/main.js", "request.ip"))
	h := frontdoor.TrustProxies(netip.MustParsePrefix("10.0.0.0/8"))(srv)
	for peer, trusted := range map[string]bool{"10.0.0.1:5": true, "192.0.2.1:5": false} {
		r := httptest.NewRequest(http.MethodGet, "http://app.localhost/api", nil)
		r.RemoteAddr = peer
		r.Header = http.Header{"X-Forwarded-For": {"198.51.100.1"}, "X-Forwarded-Proto": {"https"}, "X-Request-Id": {"from-the-proxy"}}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		got := w.Header().Get("Strict-Transport-Security") != "" && w.Header().Get("X-Request-Id") == "from-the-proxy" && w.Body.String() == "198.51.100.1"
		if got != trusted {
			t.Errorf("from %s: %v %s", peer, w.Header(), w.Body)
		}
		r.Header.Set("X-Request-Id", "a b\"")
		w = httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if id := w.Header().Get("X-Request-Id"); len(id) != 24 {
			t.Errorf("a request id that could break a log was taken: %q", id)
		}
	}
}

// TestSlowConnectionsStopNobody: with 150 slow connections from one address,
// everybody else's requests are answered, on the same address too.
func TestSlowConnectionsStopNobody(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(files("index.html", "hello", "big.bin", strings.Repeat("x", 8<<20), "api/main.js", "({ok: true})"))
	host := address(app.URL)
	for _, start := range []string{
		"GET / HTTP/1.1\r\nHost: ",
		"POST /api HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 1000\r\n\r\nslow",
		"GET /big.bin HTTP/1.1\r\nHost: " + host + "\r\n\r\n",
	} {
		for range 50 {
			c, err := net.Dial("tcp", address(srv.URL))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := io.WriteString(c, start); err != nil {
				t.Fatal(err)
			}
		}
	}
	begin := time.Now()
	for i := range 10 {
		path, want := "/", "hello"
		if i%2 == 1 {
			path, want = "/api", `{"ok":true}`
		}
		if res := app.Get(path); res.Status != http.StatusOK || res.Body != want {
			t.Errorf("request %d: %v", i+1, res)
		}
	}
	t.Logf("10 requests beside 150 slow connections took %v", time.Since(begin))
}
