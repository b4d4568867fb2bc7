package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"
)

// client is a connection, or the place for the next one.
type client struct {
	*run
	conn     net.Conn
	answers  *bufio.Reader
	body     *bytes.Buffer // nil where nobody looks
	canceled func() bool   // ends the watch on the context
}

func (c *client) dial(ctx context.Context) error {
	// The timeout is for the dialling alone: a connection outlives it.
	dialing, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	conn, err := c.Dial(dialing)
	if err != nil {
		return err
	}
	c.conn = conn
	c.canceled = context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	if c.answers == nil {
		c.answers = bufio.NewReaderSize(conn, 16<<10)
		if c.Check != nil {
			c.body = new(bytes.Buffer)
		}
	}
	c.answers.Reset(conn)
	return nil
}

func (c *client) close() {
	if c.conn != nil {
		c.canceled()
		c.conn.Close()
		c.conn = nil
	}
}

// send sends request n, which was due and has waited for this client, reads its
// answer, and records both. It returns when the answer had been read, and whether
// there was one.
func (c *client) send(ctx context.Context, n int, due time.Time, waited time.Duration) (end time.Time, ok bool) {
	if c.conn == nil {
		dialing := time.Now()
		if err := c.dial(ctx); err != nil {
			if ctx.Err() == nil {
				c.failed(Connect, err)
			}
			return time.Now(), false
		}
		waited += time.Since(dialing)
	}
	request := c.Request(n)
	sent := time.Now()
	a, err := c.converse(ctx, request, sent)
	end = time.Now()
	if err != nil || a.close {
		c.close()
	}
	if err != nil {
		if ctx.Err() == nil {
			c.failed(kindOf(err), err)
		}
		return end, false
	}
	c.answered(a, c.judge(n, a), end.Sub(due), sent.Sub(due)-waited)
	return end, true
}

// judge says what is wrong with an answer, or nil.
func (c *client) judge(n int, a Answer) error {
	switch {
	case a.refused():
		return nil
	case c.Check != nil:
		return c.Check(n, a)
	case a.Status/100 == 2 || a.Status == http.StatusNotModified:
		return nil
	}
	return errStatus(a.Status)
}

type errStatus int

func (e errStatus) Error() string { return "the server answered " + strconv.Itoa(int(e)) }

func (c *client) converse(ctx context.Context, request []byte, sent time.Time) (Answer, error) {
	if err := c.conn.SetDeadline(sent.Add(c.Timeout)); err != nil {
		return Answer{}, err
	}
	if err := ctx.Err(); err != nil { // its end may have set a deadline, which is gone now
		return Answer{}, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return Answer{}, err
	}
	return readAnswer(c.answers, bytes.HasPrefix(request, []byte("HEAD ")), c.body)
}

// Kind is what kept a request from its answer.
type Kind string

const (
	Connect   Kind = "connect"   // no connection could be opened
	Timeout   Kind = "timeout"   // the answer took longer than Load.Timeout
	Reset     Kind = "reset"     // the server reset the connection
	Closed    Kind = "closed"    // the server closed the connection before the answer's end
	Malformed Kind = "malformed" // what came is not an HTTP/1.1 answer
	Unsent    Kind = "unsent"    // no connection was free within Load.Timeout
	Other     Kind = "other"     // anything else
)

func kindOf(err error) Kind {
	switch {
	case errors.Is(err, errMalformed):
		return Malformed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return Timeout
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED):
		return Reset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return Closed
	}
	return Other
}
