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

	// DefaultPause is 60 s: somebody pauses a film, and goes on.
	DefaultPause = 60 * time.Second

	// moveChunk is how many bytes must have moved for a client to count as moving:
	// 6.4 KiB a second with DefaultStall, which is less than the slowest mobile
	// network, and more than somebody pays for who only wants to be kept.
	moveChunk = 64 << 10
)

// SlowClients is middleware that lets slow clients take their time as long as
// they move, and cuts off those that do not. A client must send each 64 KiB of a
// request's body within stall, or the rest of it, whatever it has sent before;
// what is later is [os.ErrDeadlineExceeded] to its reader. It must take each
// 64 KiB of a long answer within stall, too, as the whole answer may be held in
// memory meanwhile; but within pause where the handler copies it from a reader,
// as [io.Copy] and [http.ServeContent] do, which holds no more than that. The
// answers up to 64 KiB are left to [http.Server].WriteTimeout, since they fit the
// kernel's buffers. [DefaultStall] and [DefaultPause] suit most; a short stall cuts
// off clients that only change their network, a short pause those who stop to look. It
// needs a ResponseWriter that [http.ResponseController] can set deadlines on, as
// those of HTTP/1.1 and HTTP/2 are, and does nothing with others.
func SlowClients(stall, pause time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Body != nil && r.Body != http.NoBody {
				body := &movingBody{body: r.Body, client: w, stall: stall}
				// Now, and not at the first Read: what a handler leaves unread the
				// server reads after it.
				body.setDeadline(time.Now().Add(stall))
				r = r.WithContext(r.Context()) // the body of the caller's request stays
				r.Body = body
			}
			next.ServeHTTP(&movingClient{ResponseWriter: w, stall: stall, pause: pause}, r)
		})
	}
}

// movingClient is a client whose deadlines move as it does.
type movingClient struct {
	http.ResponseWriter
	stall, pause time.Duration
	written      int // since the write deadline was set
}

// Unwrap is for http.ResponseController.
func (c *movingClient) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *movingClient) Write(p []byte) (int, error) {
	if len(p) > moveChunk {
		c.extend(c.stall)
	}
	total := 0
	for len(p) > 0 {
		n := min(len(p), moveChunk)
		c.move(n, c.stall)
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
	if len(s) > moveChunk {
		return c.Write([]byte(s))
	}
	c.move(len(s), c.stall)
	return io.WriteString(c.ResponseWriter, s)
}

// ReadFrom spares io.Copy a buffer of its own.
func (c *movingClient) ReadFrom(src io.Reader) (int64, error) {
	total := int64(0)
	for {
		c.move(moveChunk, c.pause)
		n, err := io.CopyN(c.ResponseWriter, src, moveChunk)
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
	c.extend(c.stall)
	return http.NewResponseController(c.ResponseWriter).Flush()
}

// move sets the write deadline anew when the client has taken a chunk.
func (c *movingClient) move(n int, wait time.Duration) {
	if c.written += n; c.written > moveChunk {
		c.extend(wait)
		c.written = n
	}
}

func (c *movingClient) extend(wait time.Duration) {
	c.written = 0
	// A writer without deadlines has no connection that could hang.
	_ = http.NewResponseController(c.ResponseWriter).SetWriteDeadline(time.Now().Add(wait))
}

// movingBody is a body whose deadline moves as it comes.
type movingBody struct {
	body   io.ReadCloser
	client http.ResponseWriter
	stall  time.Duration
	moved  int           // bytes since the last whole chunk
	waited time.Duration // for them; what the reader does in between is not the client's doing
	until  time.Time     // the read deadline
	ended  bool
}

func (b *movingBody) Read(p []byte) (int, error) {
	start := time.Now()
	if until := start.Add(b.stall - b.waited); !b.ended && until.Sub(b.until) > b.stall/16 {
		b.setDeadline(until)
	}
	n, err := b.body.Read(p)
	b.waited += time.Since(start)
	if b.moved += n; b.moved >= moveChunk {
		b.moved, b.waited = 0, 0
	}
	if err == io.EOF && !b.ended {
		b.ended = true
		// The handler may now take longer than the body could have.
		b.setDeadline(time.Time{})
	}
	return n, err
}

func (b *movingBody) setDeadline(t time.Time) {
	b.until = t
	// A writer without deadlines has no connection that could hang.
	_ = http.NewResponseController(b.client).SetReadDeadline(t)
}

func (b *movingBody) Close() error { return b.body.Close() }
