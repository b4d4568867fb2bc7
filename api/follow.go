package api

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// MaxFollowers is how many clients may follow logs at once. Each holds a
	// connection, and the lines of one answer while it is sent.
	MaxFollowers = 64
	// followPage is how many new lines a follower is sent at once, 800 KiB.
	followPage = 100
	// followPoll is how often a follower looks for new lines: the store is asked,
	// and not this process, since others may print into the same data file.
	followPoll = 250 * time.Millisecond
	// FollowBeat is how often a silent stream says that it is alive. Proxies
	// close connections that are silent for longer, usually after a minute.
	FollowBeat = 15 * time.Second
	// EventGrace is how long a client may take over the events that it is sent.
	EventGrace = 10 * time.Second

	// resumeAfter is how long a [Client] waits before it connects again to follow,
	// and resumeFor for how long it tries.
	resumeAfter = time.Second
	resumeFor   = time.Minute
	// maxEvent is the longest line of a stream that is read, in bytes: the JSON of 8
	// KiB of text, six times as long where all is escaped, and the rest.
	maxEvent = 64 << 10
)

// Follow calls send with the lines after q.After that q asks for, and with those
// that come, about every quarter of a second, also when there are none. It ends with
// ctx, or with the first error.
func Follow(ctx context.Context, logs Logs, q LogQuery, send func([]LogLine) error) error {
	return follow(ctx, logs, q, func(page *LogPage) error { return send(page.Lines) })
}

func follow(ctx context.Context, logs Logs, q LogQuery, send func(*LogPage) error) error {
	tick := time.NewTicker(followPoll)
	defer tick.Stop()
	q.Newest, q.Before, q.Limit = false, 0, followPage
	for {
		page, err := logs.Logs(ctx, q)
		if err == nil {
			err = send(page)
		}
		if err != nil {
			return err
		}
		if q.After = page.Last; page.More {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// follow sends lines as they come, until the client leaves, may no longer read
// them, or the server shuts down.
func (h *handler) follow(w http.ResponseWriter, r *http.Request, q LogQuery) (err error) {
	select {
	case h.followers <- struct{}{}:
		defer func() { <-h.followers }()
	default:
		return &Error{Status: http.StatusServiceUnavailable, Code: "OVERLOADED", Retryable: true, RetryAfter: time.Second,
			Message: fmt.Sprintf("%d logs are being followed already; try again later", MaxFollowers)}
	}
	ctx, cancel := h.Stream(r.Context())
	defer cancel()
	lines, next := []LogLine(nil), q
	if q.Newest {
		lines, _, next, err = Recent(ctx, h.Service, q)
	} else {
		_, err = h.Service.Logs(ctx, LogQuery{Apps: q.Apps, Limit: 1}) // are they there?
	}
	if err != nil {
		return err
	}
	f := follower{handler: h, request: r, events: startEvents(w), sent: time.Now()}
	defer f.events.end()
	// A client that connects again does so after a second, and not the browser's
	// three to five.
	if err = f.events.send([]byte("retry: 1000\n\n")); err == nil {
		err = f.send(&LogPage{Lines: lines, Last: next.After})
	}
	if err == nil {
		err = follow(ctx, h.Service, next, f.send)
	}
	if ctx.Err() == nil && h.Explain(err).Code != "NOT_FOUND" {
		h.Logger.Debug("a follower of a log was let go", "apps", q.Apps, "request_id", w.Header().Get(RequestIDHeader), "error", err)
	}
	return nil
}

// follower is a client that follows an app's log.
type follower struct {
	handler *handler
	request *http.Request
	events  *eventStream
	sent    time.Time // when something was sent last
}

// send sends lines, or a sign of life when there have been none for long, to a
// client that may still read them: its key may have been revoked since it came.
func (f *follower) send(page *LogPage) error {
	if len(page.Lines) == 0 && time.Since(f.sent) < FollowBeat {
		return nil
	}
	if _, err := f.handler.Authorize(f.request, ScopeRead); err != nil {
		return fmt.Errorf("the session or key may no longer read: %w", err)
	}
	text := bytes.NewBufferString("")
	if len(page.Lines) == 0 { // with where to go on, past the lines that are not asked for
		fmt.Fprintf(text, ": still here\nid: %d\n\n", page.Last)
	}
	for _, l := range page.Lines {
		data, err := json.Marshal(l) // in one line, as an event's data must be
		if err != nil {
			return err
		}
		fmt.Fprintf(text, "id: %d\ndata: %s\n\n", l.ID, data)
	}
	f.sent = time.Now()
	return f.events.send(text.Bytes())
}

// eventStream is an answer of server-sent events
// (https://html.spec.whatwg.org/multipage/server-sent-events.html). A client
// must take each within [EventGrace]; between them it may be silent for ever.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func startEvents(w http.ResponseWriter) *eventStream {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would collect events otherwise
	return &eventStream{w, http.NewResponseController(w)}
}

func (e *eventStream) send(events []byte) error {
	e.deadline(time.Now().Add(EventGrace))
	if _, err := e.w.Write(events); err != nil {
		return err
	}
	err := e.control.Flush()
	// The server's WriteTimeout is for answers that end.
	e.deadline(time.Time{})
	return err
}

// end bounds what the server has to write after the last event.
func (e *eventStream) end() { e.deadline(time.Now().Add(EventGrace)) }

func (e *eventStream) deadline(t time.Time) {
	// A writer without deadlines has no connection that could hang.
	_ = e.control.SetWriteDeadline(t)
}

// FollowLogs asks for GET /api/logs?follow=1. It connects again when a connection
// breaks or is silent for too long, for up to a minute, and misses no line.
func (c *Client) FollowLogs(ctx context.Context, q LogQuery, send func([]LogLine) error) error {
	f := &following{client: c, query: q, send: send}
	for {
		err := f.stream(ctx)
		switch answered, ok := errors.AsType[*Error](err); {
		case ctx.Err() != nil:
			return ctx.Err()
		case f.failed:
			return err
		case ok && answered.Status < http.StatusInternalServerError && answered.Status != http.StatusTooManyRequests:
			return err
		case f.heard.IsZero() || time.Since(f.heard) > resumeFor:
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(resumeAfter):
		}
	}
}

// following is a client's own view of the logs that it follows.
type following struct {
	client *Client
	query  LogQuery // After grows
	send   func([]LogLine) error
	heard  time.Time // when the server said something last
	failed bool      // send has
	last   int64     // the id of the event that comes
}

// stream reads one answer to its end.
func (f *following) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(3*FollowBeat, func() {
		cancel(fmt.Errorf("api: %s has been silent for %v", f.client.URL, 3*FollowBeat))
	})
	defer silence.Stop()
	c := *f.client
	if c.HTTP != nil && c.HTTP.Timeout > 0 { // that is for answers that end
		endless := *c.HTTP
		endless.Timeout = 0
		c.HTTP = &endless
	}
	values := f.query.values()
	values.Set("follow", "1")
	path := "/api/logs?" + values.Encode()
	res, err := c.open(ctx, http.MethodGet, path, nil, "")
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		_, err := c.read(res, http.MethodGet, path, new(json.RawMessage))
		return cmp.Or(err, stranger(res))
	}
	in := bufio.NewReaderSize(res.Body, maxEvent)
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("api: the connection to %s broke: %w", c.URL, cmp.Or(context.Cause(ctx), err))
		}
		silence.Reset(3 * FollowBeat)
		f.heard = time.Now()
		if err := f.event(string(bytes.TrimRight(line, "\r\n"))); err != nil {
			return err
		}
	}
}

// event takes a line of the stream.
func (f *following) event(line string) error {
	field, value, _ := strings.Cut(line, ":")
	value = strings.TrimPrefix(value, " ")
	switch field {
	case "id":
		id, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fmt.Errorf("api: %s sends an event with the id %q; it is no log of fazt's", f.client.URL, value)
		}
		f.last = id
	case "data":
		var l LogLine
		if err := json.Unmarshal([]byte(value), &l); err != nil {
			return fmt.Errorf("api: %s sends an event that is no line of a log: %w", f.client.URL, err)
		}
		if err := f.send([]LogLine{l}); err != nil {
			f.failed = true
			return err
		}
	case "":
		if line == "" { // the event is whole
			f.query.After = max(f.query.After, f.last)
		}
	}
	return nil
}
