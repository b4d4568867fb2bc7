package frontdoor_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
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
