package cli

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// logQueueBytes is how much of the server's log waits to be written.
	logQueueBytes = 1 << 20
	// logFlushTime is how long what waits is given when the server has stopped.
	logFlushTime = time.Second
)

// logQueue is a writer that never blocks: a goroutine writes what it takes. A
// terminal that is held, or a pipe that nobody reads, must not hold up requests,
// which all log. What comes when too much waits is dropped, and counted in the
// place where it would be.
type logQueue struct {
	w       io.Writer
	wake    chan struct{} // something waits, or it is over
	flushed chan struct{} // closed when all is written after the end

	mu      sync.Mutex
	waiting []byte
	dropped int // records, behind those that wait
	ended   bool
}

func newLogQueue(w io.Writer) *logQueue {
	q := &logQueue{w: w, wake: make(chan struct{}, 1), flushed: make(chan struct{})}
	go q.loop()
	return q
}

// Write takes one record. It never fails.
func (q *logQueue) Write(record []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.ended:
	case q.dropped > 0, len(q.waiting)+len(record) > logQueueBytes:
		q.dropped++
	default:
		q.waiting = append(q.waiting, record...)
	}
	q.awaken()
	return len(record), nil
}

func (q *logQueue) awaken() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *logQueue) loop() {
	defer close(q.flushed)
	for ended := false; !ended; {
		<-q.wake
		var text []byte
		if text, ended = q.take(); len(text) > 0 {
			_, _ = q.w.Write(text) // a log that cannot be written has nowhere to say so
		}
	}
}

// take returns what waits, and whether nothing will come after it.
func (q *logQueue) take() (text []byte, ended bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	text = q.waiting
	if q.dropped > 0 {
		text = fmt.Appendf(text, "time=%s level=WARN msg=\"records of this log were dropped: they came faster than they could be written\" records=%d\n",
			time.Now().Format(time.RFC3339Nano), q.dropped)
	}
	q.waiting, q.dropped = nil, 0
	return text, q.ended
}

// close waits until all is written, but for a writer that is stuck no longer than
// logFlushTime. Nothing is taken after.
func (q *logQueue) close() {
	q.mu.Lock()
	q.ended = true
	q.awaken()
	q.mu.Unlock()
	select {
	case <-q.flushed:
	case <-time.After(logFlushTime):
	}
}
