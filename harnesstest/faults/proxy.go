package faults

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Line is what a [Proxy] does to what passes. The zero Line is a good one. All of it
// goes for each connection apart, and each way apart.
type Line struct {
	// Latency is how much later each byte arrives. It costs no bandwidth: bytes follow
	// each other as they were sent. Default: 0.
	Latency time.Duration
	// Bandwidth is how many bytes a second pass. Default: 0, no limit.
	Bandwidth int
	// CutUp ends a connection once its client has sent that many bytes, of which the
	// server gets all, and CutDown once the server has, of which the client gets all.
	// Default: 0, never.
	CutUp, CutDown int64
	// Reset makes a cut a reset (RST) where it would be an orderly end (FIN), so that
	// both sides get an error. Bytes that were not read by then may be lost.
	Reset bool
	// Refuse ends new connections as soon as they are made.
	Refuse bool
	// Hold is a half-open line, such as after a cable was pulled: nothing arrives, and
	// nobody is told. Not even an end does; new connections are made, and then as silent.
	// What was sent meanwhile arrives when Hold is taken back.
	Hold bool
}

// Proxy passes TCP connections on to a server, on a line that is as bad as the test
// wants.
type Proxy struct {
	listener net.Listener

	mu      sync.Mutex
	line    Line
	target  string
	changed chan struct{} // closed when line changes
	links   map[*link]struct{}
	closed  bool
	work    sync.WaitGroup
}

// NewProxy starts a proxy to a host:port, on a port of loopback that it picks. Close
// ends it. What is no host:port, such as a URL, is an error.
func NewProxy(target string) (*Proxy, error) {
	if err := checkAddress(target); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("faults: %w", err)
	}
	p := &Proxy{listener: l, target: target, changed: make(chan struct{}), links: map[*link]struct{}{}}
	p.work.Go(p.accept)
	return p, nil
}

func checkAddress(target string) error {
	if _, port, err := net.SplitHostPort(target); err == nil && port != "" && !strings.Contains(target, "/") {
		return nil
	}
	if u, err := url.Parse(target); err == nil && u.Port() != "" {
		return fmt.Errorf("faults: %q is a URL; write its host and port: %q", target, u.Host)
	}
	return fmt.Errorf("faults: %q is no host with a port; write one like \"127.0.0.1:8080\"", target)
}

// Addr is where clients connect to, as host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Set makes the line another one, for the connections that there are, and those to
// come. A connection that has passed more bytes than a cut allows is cut at the next.
func (p *Proxy) Set(l Line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line = l
	close(p.changed)
	p.changed = make(chan struct{})
}

// Retarget passes new connections on to another server, such as one that was started
// again at another port. What is no host:port is an error, and changes nothing.
func (p *Proxy) Retarget(target string) error {
	if err := checkAddress(target); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
	return nil
}

// Reset ends all connections that there are by a reset (RST) to both sides.
func (p *Proxy) Reset() {
	for _, l := range p.open() {
		l.end(true)
	}
}

// Open is how many connections there are.
func (p *Proxy) Open() int { return len(p.open()) }

func (p *Proxy) open() (all []*link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		all = append(all, l)
	}
	return all
}

// Close ends the proxy with all of its connections, and waits until they have ended.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	err := p.listener.Close()
	for _, l := range p.open() {
		l.end(true)
	}
	p.work.Wait()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("faults: %w", err)
	}
	return nil
}

func (p *Proxy) state() (Line, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.line, p.changed
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return // Close
		}
		p.work.Go(func() { p.serve(c.(*net.TCPConn)) })
	}
}

func (p *Proxy) serve(client *net.TCPConn) {
	p.mu.Lock()
	line, target := p.line, p.target
	p.mu.Unlock()
	if line.Refuse {
		cut(client, line.Reset)
		return
	}
	c, err := net.Dial("tcp", target)
	if err != nil {
		cut(client, true) // as the server's machine does, but after the client's connect
		return
	}
	l := &link{proxy: p, client: client, server: c.(*net.TCPConn), done: make(chan struct{})}
	p.mu.Lock()
	p.links[l] = struct{}{}
	closed := p.closed
	p.mu.Unlock()
	if closed {
		l.end(true)
	}
	var ways sync.WaitGroup
	ways.Go(func() { l.pass(l.client, l.server, func(s Line) int64 { return s.CutUp }) })
	ways.Go(func() { l.pass(l.server, l.client, func(s Line) int64 { return s.CutDown }) })
	ways.Wait()
	l.end(false)
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// cut ends one side: by a reset, which also throws away what it has not read, or in an
// orderly way.
func cut(c *net.TCPConn, reset bool) {
	if reset {
		_ = c.SetLinger(0) // fails, as Close does, on a connection that is gone
	}
	_ = c.Close()
}

// link is one connection through a proxy.
type link struct {
	proxy          *Proxy
	client, server *net.TCPConn
	once           sync.Once
	done           chan struct{}
}

func (l *link) end(reset bool) {
	l.once.Do(func() {
		close(l.done)
		cut(l.client, reset)
		cut(l.server, reset)
	})
}

// piece is what was read at once, and when; none is the end of a stream.
type piece struct {
	bytes []byte
	read  time.Time
}

const (
	pieceSize = 16 << 10
	// inFlight is how many pieces are on the line: with pieceSize, 4 MiB, so that a line
	// of 100 ms still passes 40 MB a second.
	inFlight = 256
)

// pass takes one way of a connection: what is read goes onto the line, and leaves it
// as the line allows.
func (l *link) pass(from, to *net.TCPConn, cutAfter func(Line) int64) {
	line := make(chan piece, inFlight)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(line)
		for {
			b := make([]byte, pieceSize)
			n, err := from.Read(b)
			if n > 0 {
				select {
				case line <- piece{b[:n], time.Now()}:
				case <-l.done:
					return
				}
			}
			if err != nil {
				l.broken(err)
				return
			}
		}
	})
	if l.deliver(line, to, cutAfter) {
		_ = to.CloseWrite() // the stream ended; the other way may go on
	}
	for range line { // until its reader has seen the end
	}
	reader.Wait()
}

// broken passes a reset on: one side's is the other's, once the line lets it pass.
func (l *link) broken(err error) {
	free := time.Now()
	if _, ok := l.ready(free, &free); ok && isReset(err) {
		l.end(true)
	}
}

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// deliver writes what comes off the line, and reports whether the stream came to its
// end.
func (l *link) deliver(line <-chan piece, to *net.TCPConn, cutAfter func(Line) int64) bool {
	passed, free := int64(0), time.Now() // free is when the next byte may pass
	for p := range line {
		for len(p.bytes) > 0 {
			s, ok := l.ready(p.read, &free)
			if !ok {
				return false
			}
			n := len(p.bytes)
			if s.Bandwidth > 0 {
				n = min(n, max(1, s.Bandwidth/50)) // a fiftieth of a second at once
			}
			limit := cutAfter(s)
			if limit > 0 {
				n = int(max(0, min(int64(n), limit-passed)))
			}
			if _, err := to.Write(p.bytes[:n]); err != nil {
				l.end(isReset(err))
				return false
			}
			passed += int64(n)
			if p.bytes = p.bytes[n:]; limit > 0 && passed >= limit {
				l.end(s.Reset)
				return false
			}
			if s.Bandwidth > 0 {
				free = free.Add(time.Duration(n) * time.Second / time.Duration(s.Bandwidth))
			}
		}
	}
	_, ok := l.ready(time.Now(), &free) // an end is late, and held, like the rest
	return ok
}

// ready waits until what was read at a time may pass, and returns the line as it is
// then; not ok when the connection has ended before.
func (l *link) ready(read time.Time, free *time.Time) (s Line, ok bool) {
	for {
		s, changed := l.proxy.state()
		if now := time.Now(); free.Before(now) {
			*free = now
		}
		wait := time.Until(read.Add(s.Latency))
		if s.Bandwidth > 0 {
			wait = max(wait, time.Until(*free))
		}
		if wait <= 0 && !s.Hold {
			select {
			case <-l.done:
				return s, false
			default:
				return s, true
			}
		}
		var due <-chan time.Time
		if !s.Hold {
			due = time.After(wait)
		}
		select {
		case <-due:
		case <-changed:
		case <-l.done:
			return s, false
		}
	}
}
