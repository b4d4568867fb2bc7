package faults_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/faults"
)

const every = time.Millisecond

// web is a server with limits on how slow a client may be, or without.
func web(t *testing.T, limit time.Duration) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, fmt.Sprint(n, " bytes, then ", err), http.StatusRequestTimeout)
			return
		}
		for piece := make([]byte, 64<<10); ; { // as much as it can
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	}))
	srv.Config.ReadHeaderTimeout, srv.Config.ReadTimeout, srv.Config.WriteTimeout = limit, limit, 5*limit
	srv.Start()
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	return srv.Listener.Addr().String()
}

func TestSlowClientsSeeTheServersLimits(t *testing.T) {
	const limit = 100 * time.Millisecond
	addr := web(t, limit)
	get := []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	for _, test := range []struct {
		name, answer string
		run          func(context.Context, net.Conn) (faults.Seen, error)
	}{
		{"headers", "", func(ctx context.Context, c net.Conn) (faults.Seen, error) {
			return faults.SlowHeaders(ctx, c, "x", every)
		}},
		{"body", "HTTP/1.1 408", func(ctx context.Context, c net.Conn) (faults.Seen, error) {
			return faults.SlowBody(ctx, c, "x", "/", 1<<20, every)
		}},
		{"reader", "HTTP/1.1 200", func(ctx context.Context, c net.Conn) (faults.Seen, error) {
			return faults.SlowReader(ctx, c, get, 10<<10, every)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			seen, err := test.run(t.Context(), dial(t, addr))
			if err != nil || !seen.Ended || seen.Sent < int64(len(get)) || seen.Lasted < limit/2 {
				t.Errorf("%+v, %v", seen, err)
			}
			if !strings.HasPrefix(string(seen.Answer), test.answer) {
				t.Errorf("answered %q", seen.Answer)
			}
		})
	}
}

func TestSlowClientsEndWithTheirContext(t *testing.T) {
	addr := web(t, 0)
	for name, run := range map[string]func(context.Context, net.Conn) (faults.Seen, error){
		"headers": func(ctx context.Context, c net.Conn) (faults.Seen, error) {
			return faults.SlowHeaders(ctx, c, "x", every)
		},
		"body": func(ctx context.Context, c net.Conn) (faults.Seen, error) {
			return faults.SlowBody(ctx, c, "x", "/", 1<<20, every)
		},
		"reader": func(ctx context.Context, c net.Conn) (faults.Seen, error) {
			return faults.SlowReader(ctx, c, []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 1, every)
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if seen, err := run(ctx, dial(t, addr)); err != nil || seen.Ended {
			t.Errorf("%s: %+v, %v", name, seen, err)
		}
		cancel()
	}
}

// A body that comes slowly, but comes, is answered.
func TestSlowBodyOfItsLength(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Connection", "close")
		io.WriteString(w, "got "+string(body))
	}))
	defer srv.Close()
	seen, err := faults.SlowBody(ctx, dial(t, srv.Listener.Addr().String()), "x", "/", 5, every)
	if err != nil || !seen.Ended || !strings.HasSuffix(string(seen.Answer), "got aaaaa") {
		t.Errorf("%+v, %v", seen, err)
	}
}

func TestFlood(t *testing.T) {
	addr := web(t, 0)
	calls := 0
	open, refused, err := faults.Flood(t.Context(), func(ctx context.Context) (net.Conn, error) {
		if calls++; calls > 20 {
			return nil, io.ErrUnexpectedEOF
		}
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	}, 30)
	if err != nil || len(open) != 20 || refused != 10 {
		t.Errorf("%d open, %d refused: %v", len(open), refused, err)
	}
	for _, c := range open {
		c.Close()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := faults.Flood(ctx, func(ctx context.Context) (net.Conn, error) { return nil, ctx.Err() }, 3); err == nil {
		t.Error("a flood went on after its context")
	}
}
