package frontdoor

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/fazt-sh/fazt/api"
)

const (
	// DefaultLargestBody is 32 MiB: a photograph, or a few minutes of sound.
	DefaultLargestBody = 32 << 20
	// DefaultBodyMemory is 256 MiB: eight bodies of the default size, and a quarter
	// of a machine with 1 GiB, on which a copy of each for its handler still has
	// room.
	DefaultBodyMemory = 256 << 20

	// smallBody is the size up to which a body may use the last quarter of the
	// memory, so that uploads that fill the rest refuse nobody's form.
	smallBody = 64 << 10
)

// BodyLimits is how much memory the bodies of requests may take.
type BodyLimits struct {
	// Largest is the size in bytes up to which the handlers read one body, which
	// they see to themselves, as with [http.MaxBytesReader]. No body is refused
	// for announcing more: that it is too large is theirs to say. Default:
	// 32 MiB. A negative one is an error.
	Largest int64
	// Total is for all bodies together, in bytes. Less than Largest refuses such a
	// body always. Default: 256 MiB, or twice Largest where that is more. A
	// negative one is an error.
	Total int64
}

// BodyMemory bounds how many bytes of request bodies are in memory together. It
// counts what has come and not what was announced: to take memory away from
// others costs an attacker as much to send. The last quarter is for bodies of up
// to 64 KiB.
//
// Only a handler knows whether it keeps a body in memory, and for how long. One
// that does calls [BodyMemory.Hold].
type BodyMemory struct {
	limits  BodyLimits
	held    atomic.Int64
	refused atomic.Uint64
}

// NewBodyMemory reports every problem with limits at once.
func NewBodyMemory(limits BodyLimits) (*BodyMemory, error) {
	var errs []error
	positive(&errs, "Largest", &limits.Largest, DefaultLargestBody)
	positive(&errs, "Total", &limits.Total, max(DefaultBodyMemory, 2*limits.Largest))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &BodyMemory{limits: limits}, nil
}

// Held is how many bytes are in memory.
func (m *BodyMemory) Held() int64 { return m.held.Load() }

// Refused is how many bodies had no room.
func (m *BodyMemory) Refused() uint64 { return m.refused.Load() }

// Hold counts r's body as it is read, until release is called; to call that more
// than once does no harm. A body that has no room fails to be read with an
// [api.Error], 503 OVERLOADED: before its first byte where its length was
// announced, so that nobody sends what is then thrown away.
func (m *BodyMemory) Hold(r *http.Request) (release func()) {
	if r.Body == nil || r.Body == http.NoBody {
		return func() {}
	}
	b := &heldBody{ReadCloser: r.Body, memory: m, announced: min(r.ContentLength, m.limits.Largest)}
	r.Body = b
	return b.release
}

// fits reports whether there is room when held bytes are in memory, for a body
// of size bytes.
func (m *BodyMemory) fits(held, size int64) bool {
	if size > smallBody {
		return held <= m.limits.Total/4*3
	}
	return held <= m.limits.Total
}

// heldBody is a body that counts.
type heldBody struct {
	io.ReadCloser
	memory    *BodyMemory
	announced int64 // -1: nothing
	size      int64 // that has come
	full      error
}

func (b *heldBody) Read(p []byte) (int, error) {
	if b.full != nil {
		return 0, b.full
	}
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
	allowed, used := b.memory.limits.Total, b.memory.held.Load()
	b.full = &api.Error{
		Status: http.StatusServiceUnavailable, Code: "OVERLOADED", Retryable: true,
		// Not all of those who were refused come back at the same time.
		RetryAfter: time.Duration(1+rand.IntN(3)) * time.Second,
		Message: fmt.Sprintf("the bodies of other requests are taking the memory that there is for bodies (allowed %d bytes, used %d); send it again later",
			allowed, used),
		Details: map[string]any{"allowed": fmt.Sprintf("%d bytes", allowed), "used": fmt.Sprintf("%d bytes", used)},
	}
	b.release() // what has come is dropped with the request
	return b.full
}

func (b *heldBody) release() {
	b.memory.held.Add(-b.size)
	b.size = 0
}
