package load_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/load"
)

// A real server frames its answers in every way that HTTP/1.1 has.
func TestFraming(t *testing.T) {
	long := strings.Repeat("0123456789", 5000)
	mux := http.NewServeMux()
	mux.HandleFunc("/length", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "short") })
	mux.HandleFunc("/chunks", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-After")
		io.WriteString(w, long)
		w.Header().Set("X-After", "yes")
	})
	mux.HandleFunc("/close", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, "bye")
	})
	mux.HandleFunc("/until-the-end", func(w http.ResponseWriter, r *http.Request) {
		conn, out, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		out.WriteString("HTTP/1.1 200 OK\r\n\r\n" + long)
		out.Flush()
	})
	mux.HandleFunc("/hint", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "after a hint")
	})
	mux.HandleFunc("/nothing", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	srv := httptest.NewServer(mux)
	defer srv.Close()
	for _, test := range []struct{ method, path, want string }{
		{"GET", "/length", "200 short"}, {"HEAD", "/length", "200 "}, {"GET", "/chunks", "200 " + long}, {"GET", "/close", "200 bye"},
		{"GET", "/until-the-end", "200 " + long}, {"GET", "/hint", "200 after a hint"}, {"GET", "/nothing", "204 "},
	} {
		request := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: h\r\n\r\n", test.method, test.path)
		r := run(t, load.Load{
			Dial: load.TCP(srv.Listener.Addr().String()), Connections: 2, Duration: 20 * time.Millisecond, Request: load.Same(request),
			Check: func(n int, a load.Answer) error {
				if got := fmt.Sprintf("%d %s", a.Status, a.Body); got != test.want {
					return fmt.Errorf("got %.60q", got)
				}
				return nil
			},
		})
		if r.OK.Count() == 0 || r.Wrong.Count() > 0 || len(r.Errors) > 0 {
			t.Errorf("%s %s: %d good answers; %v", test.method, test.path, r.OK.Count(), r.Examples)
		}
	}
}

// A crowd meets a real clock, too: every request that was due is sent.
func TestRealClock(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	for _, connections := range []int{0, 3} {
		r, err := load.Load{
			Dial: load.TCP(srv.Listener.Addr().String()), Connections: connections, Arrivals: load.Constant(500),
			Duration: 100 * time.Millisecond, Request: load.Same(load.Get("h", "/")),
		}.Run(t.Context())
		if err != nil || r.OK.Count() != 50 {
			t.Errorf("%d connections: %+v, %v", connections, r, err)
		}
	}
}

// Local addresses are used in turn.
func TestTCPFrom(t *testing.T) {
	seen := make(chan string, 4)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- strings.Split(r.RemoteAddr, ":")[0]
	}))
	defer srv.Close()
	dial := load.TCP(srv.Listener.Addr().String(), "127.0.0.1", "127.0.0.2")
	for range 4 {
		conn, err := dial(t.Context())
		if err != nil {
			t.Skipf("SKIPPED: this system has one loopback address: %v", err)
		}
		conn.Write(load.Get("h", "/"))
		if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	if got := <-seen + " " + <-seen + " " + <-seen + " " + <-seen; got != "127.0.0.1 127.0.0.2 127.0.0.1 127.0.0.2" {
		t.Errorf("connections came from %s", got)
	}
}

// FuzzAnswer holds the light reader against net/http's: what both take is the same.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n",
		"HTTP/1.0 200 OK\r\n\r\nuntil the end", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n", "HTTP/1.1 200\r\n\r\n", "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := load.ReadAnswer(bufio.NewReaderSize(bytes.NewReader(raw), 16<<10))
		if err != nil {
			return
		}
		res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), nil)
		if err != nil || res.StatusCode < 200 {
			return // it is stricter about what does not matter here
		}
		body, err := io.ReadAll(res.Body)
		if err == nil && (res.StatusCode != a.Status || !bytes.Equal(body, a.Body)) {
			t.Errorf("got %d %q, net/http %d %q", a.Status, a.Body, res.StatusCode, body)
		}
	})
}
