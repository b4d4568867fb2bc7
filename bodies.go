package fazt

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
)

const (
	// minBodyMemory is what the bodies of all requests may take together: eight
	// uploads of the default size, and a quarter of a machine with 1 GiB, on
	// which a copy of each for its handler still has room.
	minBodyMemory = 256 << 20
	// smallBody is the size up to which a body may use the last quarter of the
	// memory, so that uploads that fill the rest refuse nobody's form.
	smallBody = 64 << 10
)

// bodyMemory bounds how many bytes of request bodies are in memory together. It
// counts what has come and not what was announced: to take memory away from
// others costs an attacker as much to send.
type bodyMemory struct {
	limit   int64
	largest int64 // that one body may be

	held    atomic.Int64
	refused atomic.Uint64
}

// newBodyMemory makes room for one body of the largest size beside others, also
// where that was set to more than all have by default.
func newBodyMemory(largest int64) *bodyMemory {
	return &bodyMemory{limit: max(minBodyMemory, 2*largest), largest: largest}
}

// fits reports whether there is room when held bytes are in memory, for a body
// of size bytes.
func (m *bodyMemory) fits(held, size int64) bool {
	if size > smallBody {
		return held <= m.limit/4*3
	}
	return held <= m.limit
}

// hold counts r's body as it is read, until release. It returns nil without one.
func (m *bodyMemory) hold(r *http.Request) *heldBody {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	b := &heldBody{ReadCloser: r.Body, memory: m, announced: min(r.ContentLength, m.largest)}
	r.Body = b
	return b
}

// heldBody is a body that counts.
type heldBody struct {
	io.ReadCloser
	memory    *bodyMemory
	announced int64 // -1: nothing
	size      int64 // that has come
	full      *errBodyMemory
}

func (b *heldBody) Read(p []byte) (int, error) {
	if b.full != nil {
		return 0, b.full
	}
	// Before the first byte, so that nobody sends what is then thrown away.
	if b.size == 0 && !b.memory.fits(b.memory.held.Load()+b.announced, b.announced) {
		return 0, b.refuse()
	}
	n, err := b.ReadCloser.Read(p)
	b.size += int64(n)
	if !b.memory.fits(b.memory.held.Add(int64(n)), b.size) {
		return 0, b.refuse()
	}
	return n, err
}

func (b *heldBody) refuse() error {
	b.memory.refused.Add(1)
	b.full = &errBodyMemory{allowed: b.memory.limit, used: b.memory.held.Load()}
	b.release() // what has come is dropped with the request
	return b.full
}

// release gives the memory back. More than once does no harm.
func (b *heldBody) release() {
	if b == nil {
		return
	}
	b.memory.held.Add(-b.size)
	b.size = 0
}

// errBodyMemory is why a body was not read to its end.
type errBodyMemory struct{ allowed, used int64 }

func (e *errBodyMemory) Error() string {
	return fmt.Sprintf("the bodies of other requests are taking the memory that there is for bodies (allowed %d bytes, used %d); send it again later", e.allowed, e.used)
}

func (e *errBodyMemory) failure() *failure {
	return &failure{
		status: http.StatusServiceUnavailable, Code: "OVERLOADED", Message: e.Error(), Retryable: true, after: 1 + rand.IntN(3),
		Details: map[string]any{"allowed": fmt.Sprintf("%d bytes", e.allowed), "used": fmt.Sprintf("%d bytes", e.used)},
	}
}
