package fazt_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt"
)

// pipes is a listener whose connections are in memory, so that a fake clock
// moves their deadlines.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// served is a Server that serves connections in memory, so that a fake clock
// moves all of it.
type served struct {
	t      *testing.T
	pipes  *pipes
	stop   context.CancelFunc
	result chan error
}

func servePipes(t *testing.T, srv *fazt.Server) *served {
	ctx, stop := context.WithCancel(t.Context())
	s := &served{t: t, pipes: &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}, stop: stop, result: make(chan error, 1)}
	go func() { s.result <- srv.Serve(ctx, s.pipes) }()
	return s
}

// dial sends text on a connection of its own.
func (s *served) dial(text string) net.Conn {
	client, conn := net.Pipe()
	s.t.Cleanup(func() { client.Close() })
	s.pipes.conns <- conn
	if _, err := io.WriteString(client, text); err != nil {
		s.t.Error(err)
	}
	return client
}

// get requests a path of a host on a connection of its own.
func (s *served) get(host, path string, header ...string) (status int, body string) {
	c := s.dial(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n", path, host, strings.Join(header, "\r\n")))
	defer c.Close()
	return readAnswer(s.t, c)
}

func readAnswer(t *testing.T, c net.Conn) (status int, body string) {
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return res.StatusCode, string(text)
}

// TestDrainBesideSlowClients: clients that do not come to an end keep neither
// a request that does, nor the end itself beyond the grace.
func TestDrainBesideSlowClients(t *testing.T) {
	const (
		header = "GET / HTTP/1.1\r\nHost: app.loc"
		body   = "POST /api HTTP/1.1\r\nHost: app.localhost\r\nContent-Length: 1000\r\n\r\nslow"
		reader = "GET /big.bin HTTP/1.1\r\nHost: app.localhost\r\n\r\n"
	)
	for _, test := range []struct {
		name    string
		slow    []string
		within  time.Duration
		cutOff  bool // by the end of the grace
		running bool
	}{
		{"nobody", nil, 0, false, false},
		{"a running request", nil, 3 * time.Second, false, true},
		{"a header that does not come", []string{header}, 10 * time.Second, false, false},
		{"a body that does not come", []string{body}, 10 * time.Second, false, false},
		{"an answer that is not read", []string{reader}, 10 * time.Second, true, false},
		{"all of them", []string{header, body, reader, header, body, reader}, 10 * time.Second, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := open(t)
				started, finish := make(chan struct{}), make(chan struct{})
				if err := srv.Bind("test.wait", func() { close(started); <-finish }); err != nil {
					t.Fatal(err)
				}
				deploy(t, srv, "app", files("big.bin", strings.Repeat("x", 8<<20), "api/main.js",
					`if (request.method === 'GET') { test.wait(); fazt.storage.kv.set('done', true); } 'late'`))
				deploy(t, srv, "other", files("index.html", "served"))
				s := servePipes(t, srv)
				ended := make(chan error, len(test.slow))
				read := func(c net.Conn) {
					_, err := io.Copy(io.Discard, c)
					ended <- err
				}
				var unread []net.Conn
				for _, text := range test.slow {
					if c := s.dial(text); text == reader {
						unread = append(unread, c)
					} else {
						go read(c)
					}
				}
				var running net.Conn
				if test.running {
					running = s.dial("GET /api HTTP/1.1\r\nHost: app.localhost\r\n\r\n")
					<-started
				}
				if status, _ := s.get("other.localhost", "/"); status != http.StatusOK {
					t.Errorf("before the end: %d", status)
				}
				time.Sleep(2 * time.Second)
				begin := time.Now()
				s.stop()
				if test.running {
					time.Sleep(3 * time.Second)
					close(finish)
					if status, body := readAnswer(t, running); status != http.StatusOK || body != "late" {
						t.Errorf("the request that was running: %d %s", status, body)
					}
				}
				err := <-s.result
				if d := time.Since(begin); d > test.within+time.Second {
					t.Errorf("the end took %v", d)
				}
				if cutOff := errors.Is(err, context.DeadlineExceeded); cutOff != test.cutOff || err != nil && !cutOff {
					t.Errorf("Serve: %v", err)
				}
				for _, c := range unread {
					go read(c)
				}
				for range test.slow {
					if err := <-ended; err != nil {
						t.Errorf("a slow connection: %v, want it closed", err)
					}
				}
				if err := srv.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestHealthAndManagementHaveReserves: an address that has used up its rate is
// still let in to look after the server, and not for more than that.
func TestHealthAndManagementHaveReserves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, func(o *fazt.Options) { o.RateLimit = 1 })
		deploy(t, srv, "app", files("index.html", "page"))
		token, err := srv.CreateKey(t.Context(), "reader", "read")
		if err != nil {
			t.Fatal(err)
		}
		s := servePipes(t, srv)
		key, forged := "Authorization: Bearer "+token+"\r\n", "Authorization: Bearer fzt_no_key\r\n"
		for _, test := range []struct {
			wait                     time.Duration
			what, host, path, header string
			want                     int
		}{
			{0, "management, and what the rate allows", "localhost", "/api/system/limits", key, 22},
			{0, "pages", "app.localhost", "/", "", 0},
			{0, "health checks", "localhost", "/api/health", "", 20},
			{0, "health checks when those are used up", "localhost", "/health", "", 0},
			{0, "management with a forged key", "localhost", "/api/system/limits", forged, 0},
			{0, "management without a key", "localhost", "/api/system/limits", "", 0},
			{0, "an app's page of that name", "app.localhost", "/api/health", key, 0},
			{10 * time.Second, "health checks after a rest", "localhost", "/health", "", 22},
		} {
			time.Sleep(test.wait)
			ok := 0
			for range 26 {
				if status, _ := s.get(test.host, test.path, test.header); status != http.StatusTooManyRequests {
					ok++
				}
			}
			// Each refusal takes 10 ms, in which a tenth of a request comes back.
			if ok < test.want || ok > test.want+3 {
				t.Errorf("%s: %d of 26 were let in, want %d", test.what, ok, test.want)
			}
		}
		s.stop()
		if err := <-s.result; err != nil {
			t.Error(err)
		}
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
}
