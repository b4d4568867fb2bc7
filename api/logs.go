package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

const (
	// defaultLogLimit and maxLogLimit are how many lines an answer has.
	defaultLogLimit = 100
	maxLogLimit     = 1000
	// MaxFollowers is how many clients may follow logs at once. Each holds a
	// connection, and the lines of one answer while it is sent.
	MaxFollowers = 64
	// followPage is how many new lines a follower reads at once, 800 KiB.
	followPage = 100
	// followPoll is how often a follower looks for new lines: the store is asked,
	// and not this process, since others may print into the same data file.
	followPoll = 250 * time.Millisecond
	// FollowBeat is how often a silent stream says that it is alive. Proxies
	// close connections that are silent for longer, usually after a minute.
	FollowBeat = 15 * time.Second
	// EventGrace is how long a client may take over the events that it is sent.
	EventGrace = 10 * time.Second
)

// Follow calls send with the lines of an app's log that come after the line with
// the id after, 0 being the start, about every quarter of a second, also when
// there are none. It ends with ctx, or with the first error.
func Follow(ctx context.Context, logs Logs, app string, after int64, send func([]LogLine) error) error {
	tick := time.NewTicker(followPoll)
	defer tick.Stop()
	for {
		lines, err := logs.Logs(ctx, app, LogQuery{After: after, Limit: followPage})
		if err == nil {
			err = send(lines)
		}
		if err != nil {
			return err
		}
		if len(lines) > 0 {
			after = lines[len(lines)-1].ID
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

type logParameters struct {
	After  int64  `query:"after" doc:"the id of a line: those after it are wanted, and not the newest"`
	Limit  int    `query:"limit" doc:"how many at most, 1 to 1000. Default: 100"`
	Follow string `query:"follow" doc:"1 goes on with lines as they come, as server-sent events"`
}

// logs answers with lines of an app's log, or follows it.
func (h *handler) logs(w http.ResponseWriter, r *http.Request) error {
	q, err := logQuery(r)
	if err != nil {
		return err
	}
	app := r.PathValue("app")
	if r.URL.Query().Get("follow") == "1" && r.Method == http.MethodGet {
		return h.follow(w, r, app, q)
	}
	limit := q.Limit
	q.Limit++ // to see whether there are more
	lines, err := h.Service.Logs(r.Context(), app, q)
	if err != nil {
		return err
	}
	more := len(lines) > limit
	switch {
	case more && q.Newest:
		lines = lines[1:] // there are older ones
	case more:
		lines = lines[:limit] // there are newer ones
	}
	WriteJSON(w, http.StatusOK, answer{lines, cursor{limit, more}})
	return nil
}

// logQuery reads which lines a request asks for: without after, the newest. A
// browser's EventSource that connects again says in a header where it was.
func logQuery(r *http.Request) (LogQuery, error) {
	values := r.URL.Query()
	q := LogQuery{Limit: defaultLogLimit, Newest: true}
	var err error
	if text := values.Get("limit"); text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > maxLogLimit {
			return q, invalid("logs: limit: must be a whole number from 1 to %d", maxLogLimit)
		}
	}
	name, text := "Last-Event-ID", r.Header.Get("Last-Event-ID")
	if text == "" {
		name, text = "after", values.Get("after")
	}
	if text != "" {
		if q.After, err = strconv.ParseInt(text, 10, 64); err != nil || q.After < 0 {
			return q, invalid("logs: %s: must be the id of a line", name)
		}
		q.Newest = false
	}
	return q, nil
}

// follow sends lines as they come, until the client leaves, may no longer read
// them, or the server shuts down.
func (h *handler) follow(w http.ResponseWriter, r *http.Request, app string, q LogQuery) error {
	select {
	case h.followers <- struct{}{}:
		defer func() { <-h.followers }()
	default:
		return &Error{Status: http.StatusServiceUnavailable, Code: "OVERLOADED", Retryable: true, RetryAfter: time.Second,
			Message: fmt.Sprintf("%d logs are being followed already; try again later", MaxFollowers)}
	}
	ctx, cancel := h.Stream(r.Context())
	defer cancel()
	lines, err := h.Service.Logs(ctx, app, q)
	if err != nil {
		return err
	}
	f := follower{handler: h, request: r, events: startEvents(w), sent: time.Now()}
	defer f.events.end()
	after := q.After
	if len(lines) > 0 {
		after = lines[len(lines)-1].ID
	}
	// A client that connects again does so after a second, and not the browser's
	// three to five.
	if err = f.events.send([]byte("retry: 1000\n\n")); err == nil {
		err = f.send(lines)
	}
	if err == nil {
		err = Follow(ctx, h.Service, app, after, f.send)
	}
	if ctx.Err() == nil && h.Explain(err).Code != "NOT_FOUND" {
		h.Logger.Debug("a follower of a log was let go", "app", app, "request_id", w.Header().Get(RequestIDHeader), "error", err)
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
func (f *follower) send(lines []LogLine) error {
	if len(lines) == 0 && time.Since(f.sent) < FollowBeat {
		return nil
	}
	if _, err := f.handler.Authorize(f.request, ScopeRead); err != nil {
		return fmt.Errorf("the session or key may no longer read: %w", err)
	}
	text := bytes.NewBufferString("")
	if len(lines) == 0 {
		text.WriteString(": still here\n\n")
	}
	for _, l := range lines {
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
