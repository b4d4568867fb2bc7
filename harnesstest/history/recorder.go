package history

import (
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// Recorder collects the operations of concurrent clients. Its zero value is ready, and
// its methods may be called by all of them.
type Recorder struct {
	mu    sync.Mutex
	start time.Time
	rows  map[int]int // of a client
	next  int         // row
	calls []*Call
}

// Call is an operation under way.
type Call struct {
	recorder *Recorder
	client   int
	op       porcupine.Operation
	state    callState
}

type callState int

const (
	open callState = iota
	returned
	dropped
)

// Invoke notes that a client is about to ask, and is called right before it does. A
// client has one operation under way at a time. One that is never ended is unknown.
func (r *Recorder) Invoke(client int, input any) *Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rows == nil {
		r.rows, r.start = map[int]int{}, time.Now()
	}
	row, ok := r.rows[client]
	if !ok {
		row = r.row(client)
	}
	c := &Call{recorder: r, client: client}
	r.calls = append(r.calls, c)
	c.op = porcupine.Operation{ClientId: row, Input: input, Call: r.now()}
	return c
}

// row gives a client a line of its own in the picture. After an unknown operation it
// gets another, as that one goes on for ever on the old line.
func (r *Recorder) row(client int) int {
	row := r.next
	r.next++
	r.rows[client] = row
	return row
}

func (r *Recorder) now() int64 { return time.Since(r.start).Nanoseconds() }

// Return notes what the operation was answered, and is called right after.
func (c *Call) Return(output any) {
	r := c.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	c.op.Return, c.op.Output, c.state = r.now(), output, returned
}

// Drop takes the operation out of the history: it certainly had no effect, and never
// will have, such as a write that was refused.
func (c *Call) Drop() {
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	c.state = dropped
}

// Unknown notes that the operation may have had its effect, or may have it at any later
// time: a timeout, a connection that broke, a process that was killed.
func (c *Call) Unknown() {
	r := c.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	r.row(c.client)
}

// Operations is the history: what was returned, and what is unknown, with an
// [Output] that says so.
func (r *Recorder) Operations() []porcupine.Operation {
	r.mu.Lock()
	defer r.mu.Unlock()
	end := r.now() + 1 // later than any call: for an unknown one that is never
	var ops []porcupine.Operation
	for _, c := range r.calls {
		op := c.op
		switch c.state {
		case dropped:
			continue
		case open:
			op.Return, op.Output = end, Output{Unknown: true}
		}
		ops = append(ops, op)
	}
	return ops
}
