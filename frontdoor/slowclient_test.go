package frontdoor_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt/frontdoor"
)

// pipes is a listener whose connections are in memory, so that a fake clock
// moves their deadlines.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// dial returns the client's end of a connection that comes from an address.
func (p *pipes) dial(t *testing.T, from string) net.Conn {
	client, server := net.Pipe()
	t.Cleanup(func() { client.Close() })
	p.conns <- addressedConn{server, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from))}
	return client
}

type addressedConn struct {
	net.Conn
	from net.Addr
}

func (c addressedConn) RemoteAddr() net.Addr { return c.from }

// servePipe serves one connection with SlowClients and returns its client's end.
func servePipe(t *testing.T, h http.HandlerFunc) net.Conn {
	t.Helper()
	p := newPipes()
	server := &http.Server{Handler: frontdoor.SlowClients(frontdoor.DefaultStall, frontdoor.DefaultPause)(h), WriteTimeout: 40 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(p) }()
	client := p.dial(t, "192.0.2.1:5")
	t.Cleanup(func() {
		client.Close()
		server.Close()
		<-served
	})
	return client
}

func TestSlowBodies(t *testing.T) {
	for _, test := range []struct {
		name   string
		before int // bytes, at once
		chunk  int
		every  time.Duration
		whole  bool
	}{
		{"at 32 KiB a second for a minute", 0, 32 << 10, time.Second, true},
		{"at 8 KiB a second for a minute", 0, 8 << 10, time.Second, true},
		{"a byte a second", 0, 1, time.Second, false},
		{"nothing more", 0, 0, time.Second, false},
		{"a stop in the middle", 0, 64 << 10, 20 * time.Second, false},
		{"a stop after 32 MiB", 32 << 20, 64 << 10, 20 * time.Second, false},
		{"a byte a second after 32 MiB", 32 << 20, 1, time.Second, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got error
				var took time.Duration
				read := make(chan struct{})
				c := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
					defer close(read)
					start := time.Now()
					_, got = io.Copy(io.Discard, r.Body)
					took = time.Since(start)
				})
				const chunks = 60
				var client sync.WaitGroup
				client.Go(func() {
					fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", test.before+max(1, chunks*test.chunk))
					c.Write(make([]byte, test.before))
					for range chunks {
						time.Sleep(test.every)
						if _, err := c.Write(make([]byte, test.chunk)); err != nil {
							return
						}
					}
				})
				<-read
				c.Close()
				client.Wait()
				if whole := got == nil; whole != test.whole {
					t.Errorf("read with %v after %v", got, took)
				}
				if !test.whole && (!errors.Is(got, os.ErrDeadlineExceeded) || took > 11*time.Second) {
					t.Errorf("cut off with %v after %v", got, took)
				}
			})
		})
	}
}

// TestSlowBodyHandler: the time that a handler takes between its reads is not the
// client's.
func TestSlowBodyHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
			for range 3 {
				if _, err := io.CopyN(io.Discard, r.Body, 20<<10); err != nil {
					t.Error(err)
				}
				time.Sleep(12 * time.Second)
			}
		})
		go func() {
			io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 61440\r\n\r\n")
			c.Write(make([]byte, 60<<10))
		}()
		if status, _ := readAnswer(t, c); status != http.StatusOK {
			t.Errorf("answered %d", status)
		}
	})
}

// TestHandlerOutlivesItsBody: the deadline is the body's alone.
func TestHandlerOutlivesItsBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				t.Error(err)
			}
			time.Sleep(30 * time.Second)
			if n, err := r.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("read the body once more: %d, %v", n, err)
			}
			synctest.Wait() // for what notices the end of a request
			fmt.Fprint(w, r.Context().Err())
		})
		go io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		if string(body) != "<nil>" {
			t.Errorf("30 s after the body its request had ended: %s", body)
		}
	})
}

func TestSlowReaders(t *testing.T) {
	for _, test := range []struct {
		name  string
		pause time.Duration // over each 64 KiB
		whole map[bool]bool // by whether the answer is copied from a reader
	}{
		{"quick", 0, map[bool]bool{false: true, true: true}},
		{"five seconds over each 64 KiB", 5 * time.Second, map[bool]bool{false: true, true: true}},
		{"half a minute over each 64 KiB", 30 * time.Second, map[bool]bool{true: true}},
		{"stuck", time.Hour, nil},
	} {
		for _, copied := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, copied %v", test.name, copied), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					const size = 2 << 20
					var got error
					var took time.Duration
					written := make(chan struct{})
					c := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
						defer close(written)
						start := time.Now()
						w.Header().Set("Content-Length", fmt.Sprint(size))
						if copied {
							_, got = io.Copy(w, io.LimitReader(zeros{}, size))
						} else {
							_, got = w.Write(make([]byte, size))
						}
						took = time.Since(start)
					})
					var client sync.WaitGroup
					client.Go(func() {
						io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
						for {
							if _, err := io.CopyN(io.Discard, c, 64<<10); err != nil {
								return
							}
							time.Sleep(test.pause)
						}
					})
					<-written
					c.Close()
					client.Wait()
					if whole := got == nil; whole != test.whole[copied] {
						t.Errorf("written with %v after %v", got, took)
					}
					if limit := map[bool]time.Duration{false: 11 * time.Second, true: 61 * time.Second}[copied]; !test.whole[copied] && took > limit {
						t.Errorf("a client that is stuck was kept for %v", took)
					}
				})
			})
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
