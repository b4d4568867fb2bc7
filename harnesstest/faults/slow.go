package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Seen is what a slow client saw.
type Seen struct {
	// Sent and Read are bytes.
	Sent, Read int64
	// Answer is the beginning of what the server sent, 4 KiB at most.
	Answer []byte
	// Ended says that the server ended the connection. If not, ctx did.
	Ended bool
	// Lasted is how long the server put up with it.
	Lasted time.Duration
}

// keptAnswer is how much of an answer a slow client keeps.
const keptAnswer = 4 << 10

// SlowHeaders is a client that sends the beginning of a request, and then, for as long
// as the server takes them, one byte of another header every so often (the attack known
// as Slowloris). It owns conn, and closes it; ctx ends it. A server that is well has
// ended it before.
func SlowHeaders(ctx context.Context, conn net.Conn, host string, every time.Duration) (Seen, error) {
	begin := fmt.Appendf(nil, "GET / HTTP/1.1\r\nHost: %s\r\nX-Slow: ", host)
	return drip(ctx, conn, begin, every, func(int64) []byte { return []byte("a") })
}

// SlowBody is a client that sends the head of a request, and then one byte of its body
// every so often, of the length that it promised. It owns conn; see [SlowHeaders].
func SlowBody(ctx context.Context, conn net.Conn, host, path string, length int64, every time.Duration) (Seen, error) {
	begin := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", path, host, length)
	head := int64(len(begin))
	return drip(ctx, conn, begin, every, func(sent int64) []byte {
		if sent-head >= length {
			return nil
		}
		return []byte("a")
	})
}

// drip sends begin at once and then what next says, and reads all the while.
func drip(ctx context.Context, conn net.Conn, begin []byte, every time.Duration, next func(sent int64) []byte) (Seen, error) {
	start := time.Now()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer conn.Close()
	var seen Seen
	var kept bytes.Buffer
	read := make(chan int64)
	go func() { // a server may answer while it is being sent to
		n, _ := io.CopyN(&kept, conn, keptAnswer)
		more, _ := io.Copy(io.Discard, conn)
		read <- n + more
	}()
	tick := time.NewTicker(every)
	defer tick.Stop()
	due := tick.C
	piece := begin
	for {
		if piece != nil {
			n, err := conn.Write(piece)
			seen.Sent += int64(n)
			if err != nil {
				due = nil // it has been ended, or will be seen to have
			}
		}
		select {
		case <-due:
			if piece = next(seen.Sent); piece == nil {
				due = nil
			}
			continue
		case seen.Read = <-read:
		}
		seen.Answer, seen.Ended, seen.Lasted = kept.Bytes(), ctx.Err() == nil, time.Since(start)
		return seen, nil
	}
}

// readAhead is what the system may read for a slow reader, in bytes. Much less, and the
// window is smaller than a packet of loopback, of which one is sent every 200 ms then.
const readAhead = 256 << 10

// SlowReader is a client that sends a request and reads its answer a piece of n bytes
// every so often, so that the server has to keep the rest. It owns conn, and bounds what
// the system reads ahead where it is TCP; ctx ends it. It is at an end, too,
// when it has read everything: Ended is true then, with all the bytes in Read. Some
// megabytes that the server had sent wait in the system, also after the server has ended
// the connection, so that a client of a few bytes a second learns of it late.
func SlowReader(ctx context.Context, conn net.Conn, request []byte, n int, every time.Duration) (Seen, error) {
	start := time.Now()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer conn.Close()
	if tcp, ok := conn.(*net.TCPConn); ok {
		if err := tcp.SetReadBuffer(readAhead); err != nil {
			return Seen{}, fmt.Errorf("faults: %w", err)
		}
	}
	var seen Seen
	if _, err := conn.Write(request); err != nil {
		return seen, fmt.Errorf("faults: send the request: %w", err)
	}
	seen.Sent = int64(len(request))
	tick := time.NewTicker(every)
	defer tick.Stop()
	piece := make([]byte, n)
	for {
		got, err := conn.Read(piece)
		seen.Read += int64(got)
		if room := keptAnswer - len(seen.Answer); room > 0 {
			seen.Answer = append(seen.Answer, piece[:min(got, room)]...)
		}
		if err != nil {
			seen.Ended, seen.Lasted = ctx.Err() == nil, time.Since(start)
			return seen, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			seen.Lasted = time.Since(start)
			return seen, nil
		}
	}
}

// Flood opens n connections that send nothing, and returns them with how many the
// server did not take. The caller closes them.
func Flood(ctx context.Context, dial func(context.Context) (net.Conn, error), n int) (open []net.Conn, refused int, err error) {
	for range n {
		c, err := dial(ctx)
		switch {
		case err == nil:
			open = append(open, c)
		case ctx.Err() != nil:
			return open, refused, errors.Join(err, ctx.Err())
		default:
			refused++
		}
	}
	return open, refused, nil
}
