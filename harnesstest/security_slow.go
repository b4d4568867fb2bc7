package harnesstest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest/faults"
)

// drop is how often a slow client sends a byte: as rarely as is worth its while, and
// often enough that a deadline for silence never comes.
const drop = 250 * time.Millisecond

// slowHeaders: a header that doesn't come to its end costs the server a connection, and
// not for ever.
func slowHeaders(p *Probe) {
	v := newStranger(p)
	ctx, cancel := context.WithTimeout(p.Context(), p.patience())
	defer cancel()
	seen, err := faults.SlowHeaders(ctx, v.connect(), hostOf(p.Target.Base()), drop)
	if err != nil {
		p.Fatal(err)
	}
	if !seen.Ended {
		p.Errorf("a header of which a byte comes every %v is waited for longer than %v; give the server a deadline for headers", drop, p.patience())
	}
}

// slowBody: the same for a body. A server may also answer without it.
func slowBody(p *Probe) {
	v := newStranger(p)
	host, path := hostOf(p.Target.Base()), "/"
	if reason := Need[Deployer]().lacks(p.Target); reason == "" {
		host, path = hostOf(p.Deploy(guarded).URL), "/api/length" // which needs the body
	}
	ctx, cancel := context.WithTimeout(p.Context(), p.patience())
	defer cancel()
	seen, err := faults.SlowBody(ctx, v.connect(), host, path, 1<<20, drop)
	if err != nil {
		p.Fatal(err)
	}
	if !seen.Ended && len(seen.Answer) == 0 {
		p.Errorf("a body of which a byte comes every %v is waited for longer than %v; give the server a deadline for bodies", drop, p.patience())
	}
}

// slowReader: a client that takes nothing of its answer is cut off, since the server
// holds the answer for it.
func slowReader(p *Probe) {
	v := newStranger(p)
	conn := startReading(p, v, hostOf(p.Deploy(guarded).URL))
	defer conn.Close()
	// What is sent stays in buffers, so the connection's end shows when more is sent: the
	// beginning of a next request, a byte at a time.
	tick := time.NewTicker(drop)
	defer tick.Stop()
	for end := time.Now().Add(p.patience()); time.Now().Before(end); <-tick.C {
		if _, err := conn.Write([]byte("G")); err != nil {
			return
		}
	}
	p.Errorf("an answer of 16 MiB of which nothing is taken is held for longer than %v; give the server a deadline for writes that don't move", p.patience())
}

// startReading reads the beginning of a large answer, with as little room for the rest as
// the system has. It comes again where the server has none.
func startReading(p *Probe, v *stranger, host string) net.Conn {
	p.Helper()
	begin := make([]byte, len("HTTP/1.1 200"))
	pause := time.NewTicker(drop)
	defer pause.Stop()
	for end := time.Now().Add(p.patience()); time.Now().Before(end); <-pause.C {
		conn := v.connect()
		err := conn.SetReadDeadline(time.Now().Add(p.patience()))
		if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
			err = tcp.SetReadBuffer(4 << 10)
		}
		if err == nil {
			_, err = fmt.Fprintf(conn, "GET /api/large HTTP/1.1\r\nHost: %s\r\n\r\n", host)
		}
		if err == nil {
			_, err = io.ReadFull(conn, begin)
		}
		if err == nil && string(begin) == "HTTP/1.1 200" {
			return conn
		}
		conn.Close()
		if err != nil || string(begin) != "HTTP/1.1 503" {
			p.Fatalf("an answer of 16 MiB begins with %q, %v", begin, err)
		}
	}
	p.Fatalf("there was no room for an answer of 16 MiB for %v", p.patience())
	return nil
}

// slowKinds are the beginnings of requests that go on slowly or not at all.
func slowKinds(p *Probe) []string {
	host := hostOf(p.Target.Base())
	kinds := []string{
		"GET / HTTP/1.1\r\nHost: ",
		"POST / HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 1000\r\n\r\nslow",
	}
	if reason := Need[Deployer]().lacks(p.Target); reason == "" {
		host = hostOf(p.Deploy(guarded).URL)
		kinds = append(kinds,
			"POST /api/length HTTP/1.1\r\nHost: "+host+"\r\nContent-Length: 1000\r\n\r\nslow",
			"GET /api/large HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
	}
	return kinds
}

// slowConnections: 50 slow connections of each kind from one address stop no client, of
// that address neither.
func slowConnections(p *Probe) {
	slow := newStranger(p)
	for _, begin := range slowKinds(p) {
		for range 50 {
			conn := slow.connect()
			defer conn.Close()
			if _, err := conn.Write([]byte(begin)); err != nil && !isClosed(err) {
				p.Fatal(err)
			}
		}
	}
	for who, v := range map[string]*stranger{"their address": slow, "another address": newStranger(p)} {
		for range 10 {
			if res, err := v.try(v.request(http.MethodGet, p.Target.Base()+"/", "")); err != nil {
				p.Errorf("beside slow connections a request from %s has no answer: %v", who, err)
				return
			} else if res.Status >= 500 {
				p.Errorf("beside slow connections a request from %s is answered %v", who, res)
			}
		}
	}
}

// manyConnections is more than one client needs, and few enough for any machine's
// limit of open files.
const manyConnections = 600

// connectionsOfAnAddress: one address does not get as many connections as it likes,
// however well they behave.
func connectionsOfAnAddress(p *Probe) {
	v := newStranger(p)
	ask := fmt.Appendf(nil, "GET /favicon.ico HTTP/1.1\r\nHost: %s\r\n\r\n", hostOf(p.Target.Base()))
	var conns []net.Conn
	for range manyConnections {
		conn, err := v.dial(p.Context())
		if err != nil {
			return // refused
		}
		defer conn.Close()
		if _, err := conn.Write(ask); err != nil {
			return
		}
		conns = append(conns, conn)
	}
	var open atomic.Int64
	var all sync.WaitGroup
	for _, conn := range conns {
		all.Go(func() {
			if err := conn.SetDeadline(time.Now().Add(p.patience())); err != nil {
				return
			}
			for range 2 { // the second shows that it is still there
				if res, err := readRaw(conn); err != nil || res == nil {
					return
				}
				if _, err := conn.Write(ask); err != nil {
					return
				}
			}
			open.Add(1)
		})
	}
	all.Wait()
	if open.Load() == manyConnections {
		p.Errorf("one address has %d connections at once, each of which is served; limit the connections of an address", manyConnections)
	}
	if res, err := newStranger(p).try(v.request(http.MethodGet, p.Target.Base()+"/", "")); err != nil || res.Status >= 500 {
		p.Errorf("meanwhile another address is answered %v, %v", res, err)
	}
}

// limited is a server that takes 2 requests a second from an address, and 4 at once.
func limited(p *Probe) *Probe {
	return &Probe{TB: p, Target: p.Target.(Sibling).Sibling(p, func(o *fazt.Options) { o.RateLimit = 2 }), within: p.within}
}

// exhaust asks until the server says that it was too often.
func exhaust(p *Probe, v *stranger) *Response {
	p.Helper()
	start := time.Now()
	for n := 0; n < 500; n++ {
		res := v.get(p.Target.Base() + "/")
		if res.Status == http.StatusTooManyRequests {
			if allowed := 4 + 2*time.Since(start).Seconds() + 1; float64(n) > allowed {
				p.Errorf("%d requests were answered in %v, where %.0f are allowed", n, time.Since(start), allowed)
			}
			return res
		}
	}
	p.Fatalf("500 requests in %v from one address were all answered, where 4 and 2 a second are allowed", time.Since(start))
	return nil
}

// rateLimit: an address that asks too often is told so, and when to come again; others
// are served.
func rateLimit(p *Probe) {
	p = limited(p)
	res := exhaust(p, newStranger(p))
	if wait := res.Header.Get("Retry-After"); wait == "" || strings.Trim(wait, "0123456789") != "" || wait == "0" {
		p.Errorf("429 with Retry-After %q, want a number of seconds", wait)
	}
	if code := errorCode(res); code != "RATE_LIMITED" {
		p.Errorf("429 with code %q, want RATE_LIMITED: %v", code, res)
	}
	if res := newStranger(p).get(p.Target.Base() + "/"); res.Status == http.StatusTooManyRequests {
		p.Errorf("an address that has asked once is refused for what another has done: %v", res)
	}
}

// rateRecovery: who was refused and waits is served again.
func rateRecovery(p *Probe) {
	p = limited(p)
	v := newStranger(p)
	last := exhaust(p, v)
	tick := time.NewTicker(time.Second) // as Retry-After says
	defer tick.Stop()
	for end := time.Now().Add(p.patience()); time.Now().Before(end); {
		<-tick.C
		if last = v.get(p.Target.Base() + "/"); last.Status != http.StatusTooManyRequests {
			return
		}
	}
	p.Errorf("an address that asks once a second, where 2 are allowed, is refused for %v: %v", p.patience(), last)
}

// headerSize: a header of 2 MiB is not taken, whatever it costs to say so.
func headerSize(p *Probe) {
	v := newStranger(p)
	res, err := v.raw("GET / HTTP/1.1\r\nHost: " + hostOf(p.Target.Base()) + "\r\nX-Large: " + strings.Repeat("x", 2<<20) + "\r\n\r\n")
	switch {
	case err != nil:
		p.Errorf("a header of 2 MiB has no answer: %v", err)
	case res != nil && (res.Status < 400 || res.Status >= 500):
		p.Errorf("a header of 2 MiB is answered %d, want 431", res.Status)
	}
}
