package harnesstest

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing/fstest"
	"time"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/harnesstest/faults"
)

// hasty is the app of the suite with a second for each request.
func hasty() fstest.MapFS {
	app := maps.Clone(sturdy)
	app["manifest.json"] = &fstest.MapFile{Data: []byte(`{"engine": "goja", "timeout": "1s"}`)}
	return app
}

// serverTimeout: handlers that never end are ended, say so to their client, and take
// nothing with them.
func serverTimeout(p *Probe) {
	c := crowdOf(p, p.Target, p.Deploy(hasty()).URL)
	var all sync.WaitGroup
	for _, path := range []string{"/api/forever", "/api/forever", "/api/forever", "/api/wait?ms=3600000", "/api/wait?ms=3600000"} {
		all.Go(func() {
			res := c.get(path)
			if !res.refused() || !strings.HasPrefix(res.code(), "BUDGET_") {
				p.Errorf("%s never ends, may take 1s, and is answered %v; end it by 503 or 504 and a code", path, res)
			}
		})
	}
	all.Wait()
	c.eventually("handlers that never end", "/api/echo?n=3", func(r reply) bool { return r.is(`{"n":3}`) })
}

// clientTimeout: clients that give up, again and again, keep nobody out: what their
// requests held is free again.
func clientTimeout(p *Probe) {
	c, path := calm(p)
	rest := c.rest(path)
	leave := "/"
	if path != "/" {
		leave = "/api/wait?ms=5000"
	}
	host := hostOf(c.origin)
	dial := spread(p.Target, 1) // whose places are counted together
	gone := make(chan struct{}, 100)
	for range 400 {
		gone <- struct{}{}
		go func() {
			defer func() { <-gone }()
			conn, err := dial(p.Context())
			if err != nil {
				return // it is what comes after that counts
			}
			defer conn.Close()
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", leave, host)
			// As soon as it is under way, as far as can be seen from here.
			_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			_, _ = conn.Read(make([]byte, 1))
		}()
	}
	for range cap(gone) {
		gone <- struct{}{}
	}
	same := newCrowd(p, c.origin, dial, p.patience())
	same.eventually("400 clients that gave up", path, func(r reply) bool { return r.err == nil && rest.wrong(r.status, r.body) == nil })
}

// callerDeadline: what its caller waits for so long is done within that, or not at all.
func callerDeadline(p *Probe) {
	sibling := p.Target.(Sibling).Sibling(p, func(opt *fazt.Options) {
		opt.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	c := crowdOf(p, sibling, deploy(p, sibling, sturdy).URL)
	within := func(ms, path string) reply {
		req, err := http.NewRequestWithContext(p.Context(), http.MethodGet, c.origin+path, nil)
		if err != nil {
			p.Fatal(err)
		}
		req.Header.Set(frontdoor.TimeoutHeader, ms)
		return c.send(req)
	}
	if res := within("100", "/api/wait?ms=400&key=late"); res.status != http.StatusGatewayTimeout || res.code() != "BUDGET_WALL" {
		p.Errorf("of a handler that takes 400 ms, a caller that waits for 100 ms is answered %v, want 504 BUDGET_WALL", res)
	}
	if res := within("-1", "/api/wait?ms=0&key=late"); res.status != http.StatusGatewayTimeout {
		p.Errorf("a caller that does not wait any more is answered %v, want 504", res)
	}
	if res := within("soon", "/api/echo?n=1"); res.status != http.StatusBadRequest {
		p.Errorf("a caller whose deadline makes no sense is answered %v, want 400", res)
	}
	// A handler that starts later and waits as long has the first one's write behind it.
	if res := within("60000", "/api/wait?ms=500&key=early"); !res.is(`{"waited":"500"}`) {
		p.Errorf("a caller that waits long enough is answered %v", res)
	}
	if res := c.get("/api/get?key=late"); !res.is(`{"found":false}`) {
		p.Errorf("a write that was to be made after its caller's deadline was made: %v", res)
	}
	if res := c.get("/api/get?key=early"); !res.is(`{"found":true,"value":1}`) {
		p.Errorf("a write before its caller's deadline: %v", res)
	}
}

// line is a bad line, and whether all of an answer comes through it.
type line struct {
	name string
	faults.Line
	through bool
}

// badLines: what comes over a line that is slow is answered right, one that breaks is its
// own client's matter, and neither keeps the next client out.
func badLines(p *Probe) {
	c, path := calm(p)
	rest := c.rest(path)
	for _, l := range []line{
		{"slow", faults.Line{Latency: 20 * time.Millisecond}, true},
		{"narrow", faults.Line{Bandwidth: 5000}, true},
		{"cut in the request", faults.Line{CutUp: 10}, false},
		{"reset in the request", faults.Line{CutUp: 10, Reset: true}, false},
		{"cut in the answer", faults.Line{CutDown: 10}, false},
		{"reset in the answer", faults.Line{CutDown: 10, Reset: true}, false},
		{"half-open", faults.Line{Hold: true}, false},
	} {
		proxy, done := proxyTo(p, p.Target)
		proxy.Set(l.Line)
		patience := p.patience()
		if l.Hold {
			patience = 100 * time.Millisecond // nothing comes
		}
		bad := newCrowd(p, c.origin, dialer(proxy.Addr()), patience)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				res := bad.get(path)
				switch wrong := rest.wrong(res.status, res.body); {
				case l.through && (res.err != nil || wrong != nil):
					p.Errorf("on a %s line, %s is answered %v", l.name, path, res)
				case !l.through && res.err == nil:
					p.Errorf("on a line that is %s, %s has an answer: %v", l.name, path, res)
				}
			})
		}
		all.Wait()
		c.eventually("a line that is "+l.name, path, func(r reply) bool { return r.err == nil && rest.wrong(r.status, r.body) == nil })
		done()
	}
}

func dialer(addr string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) { return (&net.Dialer{}).DialContext(ctx, "tcp", addr) }
}

// proxyTo puts a line before a target, wherever that is: what comes out of the proxy is
// passed on by the target's own Dial. done ends it, as the end of the check does.
func proxyTo(p *Probe, target Target) (proxy *faults.Proxy, done func()) {
	p.Helper()
	back, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		proxy, err = faults.NewProxy(back.Addr().String())
	}
	if err != nil {
		p.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.Context()))
	var work sync.WaitGroup
	work.Go(func() {
		for {
			conn, err := back.Accept()
			if err != nil {
				return
			}
			work.Go(func() { splice(ctx, conn, target) })
		}
	})
	done = sync.OnceFunc(func() {
		if err := proxy.Close(); err != nil {
			p.Error(err)
		}
		back.Close()
		cancel()
		work.Wait()
	})
	p.Cleanup(done)
	return proxy, done
}

// splice joins a connection with one to the target, until either ends.
func splice(ctx context.Context, conn net.Conn, target Target) {
	defer conn.Close()
	to, err := target.Dial(ctx)
	if err != nil {
		return
	}
	defer to.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close(); to.Close() })
	defer stop()
	ended := make(chan struct{}, 2)
	pass := func(from, to net.Conn) {
		_, _ = io.Copy(to, from) // that it ends is all there is to know
		ended <- struct{}{}
	}
	go pass(conn, to)
	go pass(to, conn)
	<-ended
	conn.Close()
	to.Close()
	<-ended
}

// connectionLeaks: clients that come and go in every bad way leave no goroutine and no
// open file in the server.
func connectionLeaks(p *Probe) {
	server := p.Target.(Spawner).Spawn(p)
	app := deploy(p, server, sturdy)
	keyer, ok := server.(Keyer)
	if !ok {
		p.Fatalf("what %T spawns is no Keyer, and what it holds can't be asked for", p.Target)
	}
	key := keyer.Key(p, "read")
	c := crowdOf(p, server, app.URL)
	host := hostOf(app.URL)
	come := func(n int) {
		for way := range n {
			leave(p, server, host, way)
		}
	}
	come(50) // what a server keeps from its first clients on is no leak
	before, err := c.held(server.Base(), key)
	if err != nil {
		p.Fatal(err)
	}
	const clients, slack = 400, 100
	come(clients)
	var now holding
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for end := time.Now().Add(p.patience()); time.Now().Before(end); <-pause.C {
		now, err = c.held(server.Base(), key)
		if err == nil && now.goroutines < before.goroutines+slack && now.files < before.files+slack {
			return
		}
	}
	if err != nil {
		p.Errorf("after %d clients that left in bad ways: %v; end what a client leaves", clients, err)
		return
	}
	p.Errorf("after %d clients that left in bad ways there are %v goroutines and %v open files, where there were %v and %v; end what a client leaves",
		clients, now.goroutines, now.files, before.goroutines, before.files)
}

// holding is what a server says that it has.
type holding struct{ goroutines, files float64 }

// held asks a server for its metrics, within a few seconds.
func (c *crowd) held(base, key string) (h holding, err error) {
	ctx, cancel := context.WithTimeout(c.p.Context(), min(5*time.Second, c.p.patience()))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/metrics", nil)
	if err != nil {
		return h, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res := c.send(req)
	if res.err != nil || res.status != http.StatusOK {
		return h, fmt.Errorf("/metrics is answered %v", res)
	}
	if h.goroutines, err = metric(res.body, "go_goroutines"); err != nil {
		return h, err
	}
	h.files, err = metric(res.body, "process_open_fds")
	return h, err
}

// leave comes to a server and leaves it in a bad way, one of several.
func leave(p *Probe, server Target, host string, way int) {
	conn, err := server.Dial(p.Context())
	if err != nil {
		p.Errorf("client %d could not connect: %v", way, err)
		return
	}
	defer conn.Close()
	switch way % 5 {
	case 0: // at once
	case 1:
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nX-Half: ", host)
	case 2:
		fmt.Fprintf(conn, "POST /api/length HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000\r\n\r\nhalf", host)
	case 3:
		fmt.Fprintf(conn, "GET /api/wait?ms=1000 HTTP/1.1\r\nHost: %s\r\n\r\n", host)
	case 4:
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host)
	}
	if tcp, ok := conn.(*net.TCPConn); ok && way%2 == 0 {
		_ = tcp.SetLinger(0) // a reset
	}
}

// metric is a value of the text that Prometheus reads.
func metric(text, name string) (value float64, err error) {
	for l := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(l, name+" "); ok {
			if _, err := fmt.Sscan(rest, &value); err != nil {
				return 0, fmt.Errorf("the metric %s is %q: %w", name, rest, err)
			}
			return value, nil
		}
	}
	return 0, fmt.Errorf("there is no metric %s", name)
}
