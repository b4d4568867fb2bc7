package frontdoor_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/fazt-sh/fazt/frontdoor"
)

// dialFrom connects from one of this machine's loopback addresses and reports
// whether the server kept the connection: it sends a byte to those that it has.
func dialFrom(t *testing.T, from string, to net.Addr) (c net.Conn, kept bool) {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := dialer.DialContext(t.Context(), "tcp", to.String())
	if errors.Is(err, syscall.ECONNRESET) {
		return nil, false // already
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_, err = io.ReadFull(c, make([]byte, 1))
	return c, err == nil
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newConnLimiter(t *testing.T, limits frontdoor.ConnLimits) *frontdoor.ConnLimiter {
	t.Helper()
	l, err := frontdoor.NewConnLimiter(limits)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestConnLimiter(t *testing.T) {
	limiter := newConnLimiter(t, frontdoor.ConnLimits{PerAddress: 2, Total: 5, Exempt: []netip.Prefix{netip.MustParsePrefix("127.0.0.9/32")}})
	l := limiter.Wrap(listen(t))
	served := make(chan struct{})
	closed := make(chan struct{}, 100)
	go func() {
		defer close(served)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				c.Write([]byte("x"))
				io.Copy(io.Discard, c)
				c.Close()
				c.Close() // counts once
				closed <- struct{}{}
			}()
		}
	}()
	defer func() {
		l.Close()
		<-served
	}()
	var conns []net.Conn
	for i, step := range []struct {
		from string
		kept bool
	}{
		{"127.0.0.1", true}, {"127.0.0.1", true}, {"127.0.0.1", false}, // its own limit
		{"127.0.0.9", true}, {"127.0.0.9", true}, {"127.0.0.9", true}, // exempt from it
		{"127.0.0.2", false}, {"127.0.0.9", false}, // the limit for all
	} {
		c, kept := dialFrom(t, step.from, l.Addr())
		if kept != step.kept {
			t.Errorf("connection %d from %s: kept is %v", i+1, step.from, kept)
		}
		if kept {
			conns = append(conns, c)
		}
	}
	if limiter.Open() != 5 || limiter.Refused() != 3 {
		t.Errorf("%d open, %d refused; want 5 and 3", limiter.Open(), limiter.Refused())
	}
	conns[0].Close()
	<-closed
	if _, kept := dialFrom(t, "127.0.0.1", l.Addr()); !kept {
		t.Error("a connection that was closed still counts")
	}
}

// keepAlive is a connection that stays open, idle after its answers.
type keepAlive struct {
	c      net.Conn
	answer *bufio.Reader
}

func (k keepAlive) ask(path string) (err error) {
	if _, err := fmt.Fprintf(k.c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
		return err
	}
	res, err := http.ReadResponse(k.answer, nil)
	if err == nil {
		_, err = io.Copy(io.Discard, res.Body)
	}
	return err
}

// TestIdleConnections: an address that has all of its connections loses its
// longest idle one for the next, and none that works.
func TestIdleConnections(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprint("TLS ", secure), func(t *testing.T) {
			l, dial := listen(t), net.Dial
			addr := l.Addr().String()
			if secure {
				server, client := certified(t)
				l = tls.NewListener(l, server)
				dial = func(network, addr string) (net.Conn, error) { return tls.Dial(network, addr, client) }
			}
			started, finish := make(chan struct{}), make(chan struct{})
			door, _ := serve(t, frontdoor.Options{ConnsPerAddress: 3}, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/slow" {
					started <- struct{}{}
					<-finish
				}
				w.WriteHeader(http.StatusNoContent)
			}))
			connect := func() keepAlive {
				t.Helper()
				c, err := dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { c.Close() })
				return keepAlive{c, bufio.NewReader(c)}
			}
			slow, first, second := connect(), connect(), connect()
			answered := make(chan error, 3)
			go func() { answered <- slow.ask("/slow") }()
			<-started
			for i, k := range []keepAlive{first, second} { // the first is idle for longer
				if err := k.ask("/"); err != nil {
					t.Fatal(err)
				}
				for door.Idle() != i+1 { // the server notes it after its answer
					runtime.Gosched()
				}
			}
			third := connect()
			if err := third.ask("/"); err != nil {
				t.Errorf("one connection more: %v", err)
			}
			if _, err := first.c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the longest idle connection: %v, want that it was closed", err)
			}
			if err := second.ask("/"); err != nil {
				t.Errorf("the one that was idle for less long: %v", err)
			}
			if s := door.Stats(); s.Conns != 3 || s.ConnsClosed != 1 || s.ConnsRefused != 0 {
				t.Errorf("%+v", s)
			}
			// Now none is idle.
			for _, k := range []keepAlive{second, third} {
				go func() { answered <- k.ask("/slow") }()
				<-started
			}
			if c, err := dial("tcp", addr); err == nil {
				if err := (keepAlive{c, bufio.NewReader(c)}).ask("/"); err == nil {
					t.Error("with no idle connection to close, one more was kept")
				}
				c.Close()
			}
			if s := door.Stats(); s.Conns != 3 || s.ConnsClosed != 1 || s.ConnsRefused != 1 {
				t.Errorf("%+v", s)
			}
			close(finish)
			for range 3 {
				if err := <-answered; err != nil {
					t.Errorf("a connection that was at work: %v", err)
				}
			}
		})
	}
}
