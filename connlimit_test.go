package fazt_test

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest"
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

func TestLimitConns(t *testing.T) {
	l := fazt.LimitConns(listen(t), 2, 5, netip.MustParsePrefix("127.0.0.9/32"))
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
	if l.Open() != 5 || l.Refused() != 3 {
		t.Errorf("%d open, %d refused; want 5 and 3", l.Open(), l.Refused())
	}
	conns[0].Close()
	<-closed
	if _, kept := dialFrom(t, "127.0.0.1", l.Addr()); !kept {
		t.Error("a connection that was closed still counts")
	}
}

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
