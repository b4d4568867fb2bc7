package harnesstest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// OpenLoop sends requests at a steady rate, whether or not the server keeps up,
// as a crowd does. A latency counts from when its request was due, so that a
// server that stalls cannot hide it by holding up the load (coordinated
// omission).
type OpenLoop struct {
	// Addr is the host:port to connect to.
	Addr string
	// Rate is how many requests a second are sent.
	Rate float64
	// Duration is how long. Default: 1 s.
	Duration time.Duration
	// Request makes the n-th request; see [Get] and [Post].
	Request func(n int) []byte
	// From lists local addresses to connect from in turn, for a server that
	// counts by address. Default: the system's choice.
	From []string
}

// OpenResult is what an open loop saw.
type OpenResult struct {
	Sent, OK, Refused, Failed int64         // Refused: 429 and 503; Failed: all else but 200
	NoRetryAfter              int64         // of the refused
	Goodput                   float64       // OK a second
	P50, P99                  time.Duration // of OK
	RefusedP99, RefusedMax    time.Duration
	Errors                    []error // the first few of those that got no answer
}

// openRun is a run under way.
type openRun struct {
	OpenLoop
	idle chan *openConn

	mu          sync.Mutex
	ok, refused *hdrhistogram.Histogram
	result      OpenResult
}

type openConn struct {
	net.Conn
	answers *bufio.Reader
}

// maxIdle bounds the connections that are kept for the next request.
const maxIdle = 1024

// Run runs the load, and waits for the last answer.
func (l OpenLoop) Run(ctx context.Context) (OpenResult, error) {
	if l.Duration == 0 {
		l.Duration = time.Second
	}
	if l.Rate <= 0 {
		return OpenResult{}, fmt.Errorf("harnesstest: a rate of %v; give a positive one", l.Rate)
	}
	r := &openRun{
		OpenLoop: l, idle: make(chan *openConn, maxIdle),
		ok: hdrhistogram.New(1, int64(time.Minute/time.Microsecond), 3), refused: hdrhistogram.New(1, int64(time.Minute/time.Microsecond), 3),
	}
	var answers sync.WaitGroup
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := 0; ; n++ {
		due := start.Add(time.Duration(float64(n) / l.Rate * float64(time.Second)))
		if due.Sub(start) >= l.Duration {
			break
		}
		timer.Reset(time.Until(due))
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		answers.Go(func() { r.record(due, r.send(ctx, n)) })
	}
	answers.Wait()
	close(r.idle)
	for c := range r.idle {
		c.Close()
	}
	us := func(h *hdrhistogram.Histogram, q float64) time.Duration {
		return time.Duration(h.ValueAtQuantile(q)) * time.Microsecond
	}
	res := &r.result
	res.Goodput = float64(res.OK) / l.Duration.Seconds()
	res.P50, res.P99 = us(r.ok, 50), us(r.ok, 99)
	res.RefusedP99, res.RefusedMax = us(r.refused, 99), time.Duration(r.refused.Max())*time.Microsecond
	return *res, ctx.Err()
}

// sent is one request's outcome.
type sent struct {
	answerHead
	err error
}

// send sends a request on a connection of its own until it is answered.
func (r *openRun) send(ctx context.Context, n int) sent {
	c, err := r.conn(ctx, n)
	if err != nil {
		return sent{err: err}
	}
	err = c.SetDeadline(time.Now().Add(30 * time.Second))
	if err == nil {
		_, err = c.Write(r.Request(n))
	}
	var a answerHead
	if err == nil {
		a, err = readAnswer(c.answers)
	}
	if err != nil {
		return sent{err: errors.Join(err, c.Close())}
	}
	select {
	case r.idle <- c:
	default:
		c.Close()
	}
	return sent{answerHead: a}
}

func (r *openRun) conn(ctx context.Context, n int) (*openConn, error) {
	select {
	case c := <-r.idle:
		return c, nil
	default:
	}
	from := ""
	if len(r.From) > 0 {
		from = r.From[n%len(r.From)]
	}
	c, err := dial(ctx, from, r.Addr)
	if err != nil {
		return nil, err
	}
	return &openConn{Conn: c, answers: bufio.NewReaderSize(c, 4<<10)}, nil
}

func (r *openRun) record(due time.Time, s sent) {
	us := max(1, time.Since(due).Microseconds())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Sent++
	switch {
	case s.err != nil:
		r.result.Failed++
		if len(r.result.Errors) < 5 {
			r.result.Errors = append(r.result.Errors, s.err)
		}
	case s.status == http.StatusOK:
		r.result.OK++
		_ = r.ok.RecordValue(us) // beyond a minute the connection's deadline has passed
	case s.status == http.StatusTooManyRequests || s.status == http.StatusServiceUnavailable:
		r.result.Refused++
		_ = r.refused.RecordValue(us)
		if s.retryAfter == "" {
			r.result.NoRetryAfter++
		}
	default:
		r.result.Failed++
	}
}
