package faults_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/faults"
)

// serve runs f on each connection until the test ends, and returns the address.
func serve(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() { defer c.Close(); f(c) })
		}
	})
	t.Cleanup(func() { l.Close(); work.Wait() })
	return l.Addr().String()
}

func echoAll(c net.Conn) { io.Copy(c, c) }

// proxied is a proxy with a given line, and a connection through it.
func proxied(t *testing.T, target string, line faults.Line) (*faults.Proxy, *net.TCPConn) {
	t.Helper()
	p := proxy(t, target, line)
	return p, dial(t, p.Addr())
}

func proxy(t *testing.T, target string, line faults.Line) *faults.Proxy {
	t.Helper()
	p, err := faults.NewProxy(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if n := p.Open(); n != 0 {
			t.Errorf("%d connections are left of a proxy that was closed", n)
		}
	})
	p.Set(line)
	return p
}

func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn)
}

// say sends a line and reads it back, and returns how long that took.
func say(t *testing.T, c net.Conn, r *bufio.Reader, line string) time.Duration {
	t.Helper()
	start := time.Now()
	if _, err := fmt.Fprintln(c, line); err != nil {
		t.Fatal(err)
	}
	if got, err := r.ReadString('\n'); err != nil || got != line+"\n" {
		t.Fatalf("%q came back as %q: %v", line, got, err)
	}
	return time.Since(start)
}

func TestProxyIsTransparent(t *testing.T) {
	_, c := proxied(t, serve(t, echoAll), faults.Line{})
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	go func() {
		c.Write(sent)
		c.CloseWrite() // a half-close passes, and the other way goes on
	}()
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("of %d bytes %d came back, the same: %v, %v", len(sent), len(got), bytes.Equal(got, sent), err)
	}
}

func TestProxyLatencyChangesWhileItRuns(t *testing.T) {
	const latency = 30 * time.Millisecond
	p, c := proxied(t, serve(t, echoAll), faults.Line{Latency: latency})
	r := bufio.NewReader(c)
	if took := say(t, c, r, "late"); took < 2*latency {
		t.Errorf("an echo took %v on a line of %v", took, latency)
	}
	// A latency is no bandwidth: pieces follow each other.
	start := time.Now()
	for n := range 100 {
		fmt.Fprintln(c, n)
		time.Sleep(time.Millisecond) // so that they are pieces
	}
	for n := range 100 {
		if got, err := r.ReadString('\n'); err != nil || got != fmt.Sprintln(n) {
			t.Fatalf("line %d came back as %q: %v", n, got, err)
		}
	}
	if took := time.Since(start); took < 2*latency+100*time.Millisecond || took > 100*latency {
		t.Errorf("100 pieces took %v", took)
	}
	// One that is on its way for an hour arrives when the line gets better.
	p.Set(faults.Line{Latency: time.Hour})
	fmt.Fprintln(c, "sent")
	p.Set(faults.Line{})
	if got, err := r.ReadString('\n'); err != nil || got != "sent\n" {
		t.Errorf("after the change: %q, %v", got, err)
	}
}

func TestProxyBandwidth(t *testing.T) {
	const bandwidth = 1 << 20
	_, c := proxied(t, serve(t, func(c net.Conn) { c.Write(make([]byte, bandwidth/4)) }), faults.Line{Bandwidth: bandwidth})
	start := time.Now()
	n, err := io.Copy(io.Discard, c)
	if took := time.Since(start); err != nil || n != bandwidth/4 || took < 200*time.Millisecond {
		t.Errorf("%d bytes took %v: %v", n, took, err)
	}
}

func TestProxyCuts(t *testing.T) {
	for _, test := range []struct {
		name  string
		line  faults.Line
		reset bool
		got   int // bytes that come back, if the end was orderly
	}{
		{"what the server sends", faults.Line{CutDown: 1000}, false, 1000},
		{"what the server sends, by a reset", faults.Line{CutDown: 1000, Reset: true}, true, 0},
		{"what the client sends, by a reset", faults.Line{CutUp: 5, Reset: true}, true, 0},
		{"new connections", faults.Line{Refuse: true}, false, 0},
		{"new connections, by a reset", faults.Line{Refuse: true, Reset: true}, true, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := proxy(t, serve(t, func(c net.Conn) {
				io.CopyN(io.Discard, c, 10)
				c.Write(make([]byte, 5000))
				io.Copy(io.Discard, c)
			}), test.line)
			got, err := request(p.Addr())
			if reset := errors.Is(err, syscall.ECONNRESET); reset != test.reset || err != nil && !reset {
				t.Errorf("%d bytes, then %v; want a reset: %v", len(got), err, test.reset)
			} else if !reset && len(got) != test.got {
				t.Errorf("%d bytes, want %d", len(got), test.got)
			}
		})
	}
}

// request sends ten bytes and reads what comes back.
func request(addr string) ([]byte, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err // a reset may come as early
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	c.Write(make([]byte, 10)) // fails where the connection has ended, as the read does
	return io.ReadAll(c)
}

// A cut of what the client sends gives the server all bytes before it.
func TestProxyCutsUp(t *testing.T) {
	received := make(chan int64, 1)
	_, c := proxied(t, serve(t, func(c net.Conn) {
		n, _ := io.Copy(io.Discard, c)
		received <- n
	}), faults.Line{CutUp: 700})
	c.Write(make([]byte, 5000))
	if n := <-received; n != 700 {
		t.Errorf("the server got %d bytes of 700", n)
	}
}

func TestProxyHalfOpen(t *testing.T) {
	ended := make(chan struct{}, 1)
	p, c := proxied(t, serve(t, func(c net.Conn) { io.Copy(c, c); ended <- struct{}{} }), faults.Line{})
	r := bufio.NewReader(c)
	say(t, c, r, "before")
	p.Set(faults.Line{Hold: true})
	fmt.Fprintln(c, "meanwhile")
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	var timeout net.Error
	if got, err := r.ReadString('\n'); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("on a line that is held: %q, %v", got, err)
	}
	c.SetReadDeadline(time.Now().Add(patience))
	p.Set(faults.Line{})
	if got, err := r.ReadString('\n'); err != nil || got != "meanwhile\n" {
		t.Errorf("once it is not: %q, %v", got, err)
	}
	p.Set(faults.Line{Hold: true})
	c.SetLinger(0)
	c.Close() // a reset, of which the server learns nothing
	select {
	case <-ended:
		t.Error("the server was told of an end on a line that is held")
	case <-time.After(50 * time.Millisecond):
	}
	if p.Open() != 1 {
		t.Errorf("%d connections are open", p.Open())
	}
	p.Set(faults.Line{})
	<-ended
}

func TestProxyResetsAndRetargets(t *testing.T) {
	say := func(name string) func(net.Conn) {
		return func(c net.Conn) { fmt.Fprintln(c, name); io.Copy(io.Discard, c) }
	}
	p, c := proxied(t, serve(t, say("first")), faults.Line{})
	if got, _ := bufio.NewReader(c).ReadString('\n'); got != "first\n" {
		t.Fatal(got)
	}
	if err := p.Retarget("http://127.0.0.1:1"); err == nil {
		t.Error("a URL was taken for a host:port")
	}
	if err := p.Retarget(serve(t, say("second"))); err != nil {
		t.Fatal(err)
	}
	p.Reset()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a connection that was reset: %v", err)
	}
	if got, _ := bufio.NewReader(dial(t, p.Addr())).ReadString('\n'); got != "second\n" {
		t.Errorf("after retarget %q answers", strings.TrimSpace(got))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Retarget(l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := request(p.Addr()); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a server that is not there: %v", err)
	}
}

// What a connection can't be made to is refused at once, with what to write.
func TestProxyAddress(t *testing.T) {
	for target, want := range map[string]string{
		"http://127.0.0.1:8080":   `write its host and port: "127.0.0.1:8080"`,
		"https://example.com:1/a": `write its host and port: "example.com:1"`,
		"http://example.com":      "is no host with a port",
		"127.0.0.1":               "is no host with a port",
		"example.com:":            "is no host with a port",
		"":                        "is no host with a port",
	} {
		p, err := faults.NewProxy(target)
		if err == nil {
			p.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", target, err, want)
		}
	}
}
