package fazt

import (
	"io"
	"net/http"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/frontdoor"
)

const (
	// defaultMemory is the default of Options.BodyMemory and Options.AnswerMemory, in
	// bytes: an address that is alone then has 56 MiB.
	defaultMemory = 256 << 20
	// uncounted is up to how many bytes a body or an answer isn't counted: the
	// buffers of its connection take as much.
	uncounted = 16 << 10
)

// held is what one request to an app holds of a pool.
type held struct {
	pool    *budget.Pool
	app     string
	request *http.Request // by whose address it counts

	bytes   int64
	counted int64 // of them
	address string
}

// take counts n bytes more, or says that there is no room for them.
func (h *held) take(n int64) error {
	if h.bytes+n > uncounted {
		if h.address == "" {
			h.address = frontdoor.Subscriber(h.request).String()
		}
		more := h.bytes + n - h.counted
		if err := h.pool.Take(h.app, h.address, more); err != nil {
			return err
		}
		h.counted += more
	}
	h.bytes += n
	return nil
}

// release gives everything back. To call it again does nothing.
func (h *held) release() {
	h.pool.Release(h.app, h.address, h.counted)
	h.bytes, h.counted = 0, 0
}

// heldBody is the body of a request that is read into memory. It counts what has
// come and not what was announced: to take memory away from others costs a client
// as much to send. But what announces more than there is room for fails to be read
// before its first byte, so that nobody sends what is then thrown away.
type heldBody struct {
	io.ReadCloser
	held      *held
	announced int64 // -1: nothing
	full      error
}

func (b *heldBody) Read(p []byte) (int, error) {
	if b.held.bytes == 0 && b.announced > 0 && b.full == nil {
		b.full = b.held.take(b.announced)
		b.held.release()
	}
	if b.full != nil {
		return 0, b.full
	}
	n, err := b.ReadCloser.Read(p)
	if b.full = b.held.take(int64(n)); b.full != nil {
		b.held.release() // what has come is dropped with the request
		return 0, b.full
	}
	return n, err
}

// writeCrowdedOut answers for a handler whose answer has no room in memory. What
// it has done is done, so only a request that changes nothing is worth sending again.
func writeCrowdedOut(w http.ResponseWriter, r *http.Request, err error) {
	f := *explain(err)
	f.Message = "the handler has run, but other answers that nobody takes leave no room for this one: " + f.Message
	if r.Method != http.MethodGet {
		f.Retryable, f.RetryAfter = false, time.Duration(0)
	}
	frontdoor.DelayRefusal(r.Context())
	api.WriteError(w, &f)
}
