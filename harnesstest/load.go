package harnesstest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Load is a closed loop: each connection sends a request, reads the answer, and
// sends the next. Its client does as little as HTTP/1.1 allows, so that what is
// measured is the server.
type Load struct {
	// Addr is the host:port to connect to.
	Addr string
	// Connections is how many loops run at once. Default: 64.
	Connections int
	// Duration is how long they run. Default: 1 s.
	Duration time.Duration
	// Request makes the n-th request of a connection; see [Get] and [Post].
	Request func(connection, n int) []byte
	// From is the local address to connect from, such as "127.0.0.2", for a
	// server that counts by address. Default: the system's choice.
	From string
	// AnyStatus takes whatever the server answers: a flood does not care.
	AnyStatus bool
}

// LoadResult is what a load saw.
type LoadResult struct {
	Requests int64
	NotOK    int64   // of these, answered by another status than 200, with AnyStatus
	Rate     float64 // requests a second
	P50, P99 time.Duration
}

// Get is a GET request as bytes.
func Get(host, path string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host)
}

// Post is a POST request with a JSON body as bytes.
func Post(host, path, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, host, len(body), body)
}

// Run runs the load. Any answer but 200 is an error, unless AnyStatus is set.
func (l Load) Run(ctx context.Context) (LoadResult, error) {
	if l.Connections == 0 {
		l.Connections = 64
	}
	if l.Duration == 0 {
		l.Duration = time.Second
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	latencies := make([]*hdrhistogram.Histogram, l.Connections)
	notOK := make([]int64, l.Connections)
	errs := make([]error, l.Connections)
	start := time.Now()
	var loops sync.WaitGroup
	for i := range l.Connections {
		// Two figures are enough, and three take eight times the memory, which a benchmark
		// that runs beside the server would count as the server's.
		latencies[i] = hdrhistogram.New(1, int64(time.Minute/time.Microsecond), 2)
		loops.Go(func() {
			if errs[i] = l.loop(ctx, i, start.Add(l.Duration), latencies[i], &notOK[i]); errs[i] != nil {
				cancel() // the result is lost; don't load the server further
			}
		})
	}
	loops.Wait()
	elapsed := time.Since(start)
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return LoadResult{}, err
		}
	}
	all := latencies[0]
	for _, h := range latencies[1:] {
		all.Merge(h)
	}
	failed := int64(0)
	for _, n := range notOK {
		failed += n
	}
	us := func(p float64) time.Duration { return time.Duration(all.ValueAtQuantile(p)) * time.Microsecond }
	return LoadResult{
		Requests: all.TotalCount(),
		NotOK:    failed,
		Rate:     float64(all.TotalCount()) / elapsed.Seconds(),
		P50:      us(50),
		P99:      us(99),
	}, ctx.Err()
}

func (l Load) loop(ctx context.Context, connection int, end time.Time, latencies *hdrhistogram.Histogram, notOK *int64) error {
	conn, err := dial(ctx, l.From, l.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	answers := bufio.NewReaderSize(conn, 16<<10)
	for n := 0; ; n++ {
		sent := time.Now()
		if sent.After(end) || ctx.Err() != nil {
			return ctx.Err()
		}
		if err := conn.SetDeadline(sent.Add(30 * time.Second)); err != nil {
			return err
		}
		if _, err := conn.Write(l.Request(connection, n)); err != nil {
			return err
		}
		a, err := readAnswer(answers)
		if err != nil {
			return err
		}
		if a.status != http.StatusOK {
			if !l.AnyStatus {
				return fmt.Errorf("the server answered %d", a.status)
			}
			*notOK++
		}
		if err := latencies.RecordValue(max(1, time.Since(sent).Microseconds())); err != nil {
			return err
		}
	}
}

// dial connects from a local address, or from any.
func dial(ctx context.Context, from, to string) (net.Conn, error) {
	var dialer net.Dialer
	if from != "" {
		addr, err := netip.ParseAddr(from)
		if err != nil {
			return nil, err
		}
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr, 0))
	}
	return dialer.DialContext(ctx, "tcp", to)
}

// answerHead is what a load looks at.
type answerHead struct {
	status     int
	retryAfter string
}

// readAnswer reads one answer of a known length.
func readAnswer(r *bufio.Reader) (a answerHead, err error) {
	status, err := r.ReadSlice('\n')
	if err != nil {
		return a, err
	}
	if len(status) < 12 {
		return a, fmt.Errorf("the server answered %q", status)
	}
	if a.status, err = strconv.Atoi(string(status[9:12])); err != nil {
		return a, fmt.Errorf("the server answered %q", status)
	}
	length := -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return a, err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			break
		}
		switch name, value, _ := bytes.Cut(line, []byte(": ")); string(name) {
		case "Content-Length":
			if length, err = strconv.Atoi(string(value)); err != nil {
				return a, err
			}
		case "Retry-After":
			a.retryAfter = string(value)
		}
	}
	if a.status == http.StatusNoContent || a.status == http.StatusNotModified {
		return a, nil // which have no body, whatever they say
	}
	if length < 0 {
		return a, errors.New("the answer has no Content-Length")
	}
	_, err = io.CopyN(io.Discard, r, int64(length))
	return a, err
}
