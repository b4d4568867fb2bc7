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
}

// LoadResult is what a load saw.
type LoadResult struct {
	Requests int64
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

// Run runs the load. Any answer but 200 is an error.
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
	errs := make([]error, l.Connections)
	start := time.Now()
	var loops sync.WaitGroup
	for i := range l.Connections {
		latencies[i] = hdrhistogram.New(1, int64(time.Minute/time.Microsecond), 3)
		loops.Go(func() {
			if errs[i] = l.loop(ctx, i, start.Add(l.Duration), latencies[i]); errs[i] != nil {
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
	us := func(p float64) time.Duration { return time.Duration(all.ValueAtQuantile(p)) * time.Microsecond }
	return LoadResult{
		Requests: all.TotalCount(),
		Rate:     float64(all.TotalCount()) / elapsed.Seconds(),
		P50:      us(50),
		P99:      us(99),
	}, ctx.Err()
}

func (l Load) loop(ctx context.Context, connection int, end time.Time, latencies *hdrhistogram.Histogram) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", l.Addr)
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
		if err := readAnswer(answers); err != nil {
			return err
		}
		if err := latencies.RecordValue(max(1, time.Since(sent).Microseconds())); err != nil {
			return err
		}
	}
}

// readAnswer reads one answer of a known length.
func readAnswer(r *bufio.Reader) error {
	status, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if len(status) < 12 || string(status[9:12]) != strconv.Itoa(http.StatusOK) {
		return fmt.Errorf("the server answered %s", bytes.TrimSpace(status))
	}
	length := -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			break
		}
		if name, value, _ := bytes.Cut(line, []byte(": ")); string(name) == "Content-Length" {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return errors.New("the answer has no Content-Length")
	}
	_, err = io.CopyN(io.Discard, r, int64(length))
	return err
}
