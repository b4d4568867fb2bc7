package load

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Load is requests to one server. Dial and Request must be given.
type Load struct {
	// Dial opens a connection to the server; see [TCP].
	Dial func(ctx context.Context) (net.Conn, error)
	// Request makes the n-th request of the load, counted from 0, as bytes; see [Get],
	// [Post] and [Same]. It may be called at the same time for several n, and is part
	// of the generator: see Invalid in [Result].
	Request func(n int) []byte
	// Check judges an answer to request n: nil is a good one, whatever its status; an
	// error makes it a wrong one. Answers 429 and 503 are refusals and not asked
	// about. Default: 2xx and 304 are good.
	Check func(n int, a Answer) error
	// Arrivals are when requests are due. Default: none, which is a closed loop.
	Arrivals Arrivals
	// Connections is how many a closed loop has, default 64. With Arrivals it is how
	// many there may be at once, and 0 means as many as are needed.
	Connections int
	// Duration is how long requests are due; those under way are waited for.
	// Default: 1 s.
	Duration time.Duration
	// Timeout is how long an answer may take, and how long a request waits for a
	// connection before it is given up. Default: 30 s.
	Timeout time.Duration
	// MaxLag is how late one request in a hundred may be sent by the generator's own
	// doing before the result is invalid; see the package's text. Default: 10 ms, which
	// is a garbage collection and a turn of the scheduler on a machine that is busy
	// but not overrun.
	MaxLag time.Duration

	fakeClock bool // time is a synctest bubble's, which no file of the system's knows
}

const (
	defaultConnections = 64
	defaultDuration    = time.Second
	defaultTimeout     = 30 * time.Second
	defaultMaxLag      = 10 * time.Millisecond
)

// afterFailure is how long a closed loop's connection waits after a failure, so that
// a server that is gone isn't asked as fast as a processor can.
const afterFailure = 10 * time.Millisecond

// Get is a GET request as bytes.
func Get(host, path string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host)
}

// Post is a POST request with a JSON body as bytes.
func Post(host, path, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, host, len(body), body)
}

// Same makes every request the same.
func Same(request []byte) func(n int) []byte {
	return func(int) []byte { return request }
}

// TCP dials addr, a host:port, from the local addresses in turn, for a server that
// counts by address ("127.0.0.2"). Without any, the system chooses.
func TCP(addr string, from ...string) func(context.Context) (net.Conn, error) {
	var n atomic.Int64
	return func(ctx context.Context) (net.Conn, error) {
		var dialer net.Dialer
		if len(from) > 0 {
			ip, err := netip.ParseAddr(from[int(n.Add(1)-1)%len(from)])
			if err != nil {
				return nil, err
			}
			dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, 0))
		}
		return dialer.DialContext(ctx, "tcp", addr)
	}
}

// run is a load under way.
type run struct {
	Load
	*recorder
	start time.Time
	n     atomic.Int64 // the next request's number
}

// Run sends the load and waits for the last answer. What became of the requests is
// the result's matter; an error is a load that can't be sent as it is, a server
// that took no connection, or ctx's, with the result until then. Requests that ctx
// cut off are in no count.
func (l Load) Run(ctx context.Context) (*Result, error) {
	if l.Dial == nil || l.Request == nil {
		return nil, errors.New("load: Dial and Request are not both there; set them, for instance by TCP and Get")
	}
	if l.Connections < 0 || l.Duration < 0 || l.Timeout < 0 || l.MaxLag < 0 {
		return nil, errors.New("load: Connections, Duration, Timeout or MaxLag is negative; leave it 0 for its default")
	}
	if l.Arrivals == nil {
		l.Connections = orDefault(l.Connections, defaultConnections)
	}
	l.Duration = orDefault(l.Duration, defaultDuration)
	l.Timeout = orDefault(l.Timeout, defaultTimeout)
	l.MaxLag = orDefault(l.MaxLag, defaultMaxLag)
	r := &run{Load: l, recorder: newRecorder()}
	// Connections are open before the first request is due. Without a limit one shows
	// that there is a server.
	clients, err := r.connect(ctx, max(1, l.Connections))
	if err != nil {
		return nil, err
	}
	if l.Arrivals == nil {
		r.closed(ctx, clients)
	} else if err := r.open(ctx, clients); err != nil {
		return nil, err
	}
	elapsed := time.Since(r.start)
	if ctx.Err() == nil {
		elapsed = max(elapsed, l.Duration)
	}
	return r.result(elapsed, l.MaxLag), ctx.Err()
}

func orDefault[T int | time.Duration](value, otherwise T) T {
	if value == 0 {
		return otherwise
	}
	return value
}

// connect opens the connections, all at once.
func (r *run) connect(ctx context.Context, count int) ([]*client, error) {
	clients := make([]*client, count)
	errs := make([]error, count)
	var all sync.WaitGroup
	for i := range clients {
		clients[i] = &client{run: r}
		all.Go(func() { errs[i] = clients[i].dial(ctx) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			for _, c := range clients {
				c.close()
			}
			return nil, fmt.Errorf("load: connect: %w", err)
		}
	}
	return clients, nil
}

// closed is a closed loop.
func (r *run) closed(ctx context.Context, clients []*client) {
	r.start = time.Now()
	var loops sync.WaitGroup
	for _, c := range clients {
		loops.Go(func() {
			defer c.close()
			// The next request is due when the answer has been read.
			for due := time.Now(); due.Sub(r.start) < r.Duration && ctx.Err() == nil; {
				end, ok := c.send(ctx, int(r.n.Add(1)-1), due, 0)
				if !ok {
					pause(ctx, afterFailure)
					end = time.Now()
				}
				due = end
			}
		})
	}
	loops.Wait()
}

// pause waits, and is false where ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// crowd is an open loop. One of its clients at a time holds the turn: it takes the
// next arrival, waits until that is due, hands the turn on and sends. Where all are
// busy, another one joins; with a limit of connections, the turn waits for one, and
// the arrivals with it.
type crowd struct {
	*run
	next    func() (time.Duration, bool) // the holder of the turn calls it
	turn    chan struct{}
	over    chan struct{} // closed after the last arrival
	idle    atomic.Int64  // clients that wait for the turn
	alarm   *alarm        // of the holder of the turn
	clients sync.WaitGroup
}

// open is an open loop.
func (r *run) open(ctx context.Context, clients []*client) error {
	next, stop := iter.Pull(r.Arrivals)
	defer stop()
	first, ok := next()
	if !ok {
		for _, c := range clients {
			c.close()
		}
		return errors.New("load: Arrivals has none; give it a positive rate")
	}
	o := &crowd{run: r, turn: make(chan struct{}, 1), over: make(chan struct{})}
	o.next = func() (time.Duration, bool) {
		o.next = next
		return first, true
	}
	if !r.fakeClock {
		o.alarm = newAlarm()
		defer o.alarm.stop()
	}
	o.idle.Store(int64(len(clients)))
	r.start = time.Now()
	for _, c := range clients {
		o.clients.Go(func() { o.member(ctx, c) })
	}
	o.turn <- struct{}{}
	o.clients.Wait()
	return nil
}

// member is what one client of the crowd does.
func (o *crowd) member(ctx context.Context, c *client) {
	defer c.close()
	var free time.Time // since when this client has nothing to do
	for {
		select {
		case <-o.turn:
		case <-o.over:
			return
		}
		o.idle.Add(-1)
		after, ok := o.next()
		due := o.start.Add(after)
		wait := time.Until(due)
		if ok && after < o.Duration {
			o.alarm.in(wait)
		}
		if !ok || after >= o.Duration || !pause(ctx, wait) {
			close(o.over) // and the turn is nobody's
			return
		}
		if o.Connections == 0 && o.idle.Load() == 0 {
			o.idle.Add(1)
			o.clients.Go(func() { o.member(ctx, &client{run: o.run}) })
		}
		n := int(o.n.Add(1) - 1)
		o.turn <- struct{}{}
		// A request that was due before this client was free has waited for it, by the
		// limit's doing. All else that it is late is the generator's.
		waited := max(0, free.Sub(due))
		if waited > o.Timeout {
			o.failed(Unsent, fmt.Errorf("request %d waited %v for one of %d connections", n, waited, o.Connections))
		} else {
			free, _ = c.send(ctx, n, due, waited)
		}
		o.idle.Add(1)
	}
}
