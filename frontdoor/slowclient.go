package frontdoor

import (
	"io"
	"net/http"
	"time"
)

const (
	// DefaultStall is 10 s: more than a mobile client needs to find its network
	// again.
	DefaultStall = 10 * time.Second

	// bodyRate is how many bytes a second a longer body must bring on average:
	// less than the slowest mobile network, and more than somebody pays for who
	// only wants to keep a connection busy.
	bodyRate = 16 << 10
	// answerChunk is what a client must take of a long answer in one stall.
	answerChunk = 64 << 10
)

// SlowClients is middleware that lets slow clients take their time as long as
// they move, and cuts off those that do not. A request's body must arrive within
// stall, and a second more for each 16 KiB that have come; what is later is
// [os.ErrDeadlineExceeded] to its reader. A client must take each 64 KiB of a long
// answer within stall; the first 64 KiB are left to [http.Server].WriteTimeout,
// since most answers are shorter and fit the kernel's buffers. A stall of
// [DefaultStall] suits most; a short one cuts off clients that only change their
// network. It needs a ResponseWriter that [http.ResponseController] can set
// deadlines on, as those of HTTP/1.1 and HTTP/2 are, and does nothing with others.
func SlowClients(stall time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Body != nil && r.Body != http.NoBody {
				body := &movingBody{body: r.Body, client: w, stall: stall, started: time.Now()}
				// Now, and not at the first Read: what a handler leaves unread the
				// server reads after it.
				body.setDeadline(body.deadline())
				r = r.WithContext(r.Context()) // the body of the caller's request stays
				r.Body = body
			}
			next.ServeHTTP(&movingClient{ResponseWriter: w, stall: stall}, r)
		})
	}
}

// movingClient is a client whose deadlines move as it does.
type movingClient struct {
	http.ResponseWriter
	stall   time.Duration
	written int // since the write deadline was set
}

// Unwrap is for http.ResponseController.
func (c *movingClient) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *movingClient) Write(p []byte) (int, error) {
	total := 0
	for len(p) > 0 {
		n := min(len(p), answerChunk)
		c.move(n)
		n, err := c.ResponseWriter.Write(p[:n])
		total += n
		if err != nil {
			return total, err
		}
		p = p[n:]
	}
	return total, nil
}

// WriteString spares io.WriteString a copy.
func (c *movingClient) WriteString(s string) (int, error) {
	if len(s) > answerChunk {
		return c.Write([]byte(s))
	}
	c.move(len(s))
	return io.WriteString(c.ResponseWriter, s)
}

// ReadFrom spares io.Copy a buffer of its own.
func (c *movingClient) ReadFrom(src io.Reader) (int64, error) {
	total := int64(0)
	for {
		c.move(answerChunk)
		n, err := io.CopyN(c.ResponseWriter, src, answerChunk)
		total += n
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// FlushError sends what is buffered; a stream of events moves by its flushes.
func (c *movingClient) FlushError() error {
	c.extend()
	return http.NewResponseController(c.ResponseWriter).Flush()
}

// move sets the write deadline anew when the client has taken a chunk.
func (c *movingClient) move(n int) {
	if c.written += n; c.written > answerChunk {
		c.written = n
		c.extend()
	}
}

func (c *movingClient) extend() {
	// A writer without deadlines has no connection that could hang.
	_ = http.NewResponseController(c.ResponseWriter).SetWriteDeadline(time.Now().Add(c.stall))
}

// movingBody is a body whose deadline moves as it comes.
type movingBody struct {
	body     io.ReadCloser
	client   http.ResponseWriter
	stall    time.Duration
	started  time.Time
	received int64
	until    time.Time // the read deadline
	ended    bool
}

func (b *movingBody) Read(p []byte) (int, error) {
	if until := b.deadline(); !b.ended && until.Sub(b.until) > time.Second {
		b.setDeadline(until)
	}
	n, err := b.body.Read(p)
	b.received += int64(n)
	if err == io.EOF {
		b.ended = true
		// The handler may now take longer than the body could have.
		b.setDeadline(time.Time{})
	}
	return n, err
}

func (b *movingBody) deadline() time.Time {
	return b.started.Add(b.stall + time.Duration(b.received)*time.Second/bodyRate)
}

func (b *movingBody) setDeadline(t time.Time) {
	b.until = t
	// A writer without deadlines has no connection that could hang.
	_ = http.NewResponseController(b.client).SetReadDeadline(t)
}

func (b *movingBody) Close() error { return b.body.Close() }
