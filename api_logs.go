package fazt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// defaultLogLimit and maxLogLimit are how many lines an answer has.
	defaultLogLimit = 100
	maxLogLimit     = 1000
	// maxFollowers is how many clients may follow logs at once. Each holds a
	// connection, and the lines of one answer while it is sent.
	maxFollowers = 64
	// followPage is how many new lines a follower reads at once, 800 KiB.
	followPage = 100
	// followPoll is how often a follower looks for new lines: the store is asked,
	// and not this process, since others may print into the same data file.
	followPoll = 250 * time.Millisecond
	// followBeat is how often a silent stream says that it is alive. Proxies
	// close connections that are silent for longer, usually after a minute.
	followBeat = 15 * time.Second
)

// LogLine is a line that an app's handler has printed with console or fazt.log,
// or the error that it failed with.
type LogLine struct {
	ID        int64     `json:"id"` // larger than that of every line before
	Time      time.Time `json:"time"`
	Level     string    `json:"level"` // "debug", "info", "warn", "error"
	Text      string    `json:"text"`  // up to 8 KiB; it may have line breaks
	RequestID string    `json:"request_id"`
}

// Logs returns lines of an app's log, oldest first: those after the line with
// the id after, or the newest if that is 0; -1 is before the first line. A limit
// of 0 is 10,000, which is as many as are kept of an app, and for 7 days. A line
// is stored within a second or so of the end of its request. app is a name or an
// id; one that does not exist is a [storage.CodeNotFound] error.
func (s *Server) Logs(ctx context.Context, app string, after int64, limit int) ([]LogLine, error) {
	a := s.findApp(app)
	if a == nil {
		return nil, &storage.Error{Code: storage.CodeNotFound, Op: "logs", Msg: fmt.Sprintf("there is no app named %q", app), Hint: "list the apps to see their names"}
	}
	stored, err := s.store.Logs(ctx, a.info.ID, storage.LogQuery{After: max(after, 0), Newest: after == 0, Limit: limit})
	if err != nil {
		return nil, err
	}
	lines := make([]LogLine, len(stored))
	for i, l := range stored {
		lines[i] = LogLine{ID: l.ID, Time: l.Time.UTC(), Level: l.Level, Text: l.Text, RequestID: l.RequestID}
	}
	return lines, nil
}

// findApp returns the app of that name, or else of that id, or nil.
func (s *Server) findApp(nameOrID string) *app {
	if a := s.app(strings.ToLower(nameOrID)); a != nil {
		return a
	}
	for _, a := range s.routes.Load().apps {
		if a.info.ID == nameOrID {
			return a
		}
	}
	return nil
}

// apiLogs answers with lines of an app's log, or follows it.
func (s *Server) apiLogs(w http.ResponseWriter, r *http.Request, app string) error {
	after, limit, err := logPage(r)
	if err != nil {
		return err
	}
	if r.URL.Query().Get("follow") == "1" && r.Method == http.MethodGet {
		return s.followLogs(w, r, app, after, limit)
	}
	lines, err := s.Logs(r.Context(), app, after, limit+1)
	if err != nil {
		return err
	}
	more := len(lines) > limit
	switch {
	case more && after == 0:
		lines = lines[1:] // there are older ones
	case more:
		lines = lines[:limit] // there are newer ones
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": lines, "meta": map[string]any{"limit": limit, "has_more": more}})
	return nil
}

// logPage reads which lines a request asks for. A browser's EventSource that
// connects again says in a header where it was.
func logPage(r *http.Request) (after int64, limit int, err error) {
	q := r.URL.Query()
	bad := func(path, msg string) (int64, int, error) {
		return 0, 0, &storage.Error{Code: storage.CodeInvalid, Op: "logs", Path: path, Msg: msg}
	}
	limit = defaultLogLimit
	if text := q.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxLogLimit {
			return bad("limit", fmt.Sprintf("must be a whole number from 1 to %d", maxLogLimit))
		}
	}
	name, text := "Last-Event-ID", r.Header.Get("Last-Event-ID")
	if text == "" {
		name, text = "after", q.Get("after")
	}
	if text != "" {
		if after, err = strconv.ParseInt(text, 10, 64); err != nil || after < 0 {
			return bad(name, "must be the id of a line")
		}
	}
	return after, limit, nil
}

// followLogs sends lines as they come, until the client leaves, may no longer
// read them, or the server shuts down.
func (s *Server) followLogs(w http.ResponseWriter, r *http.Request, app string, after int64, limit int) error {
	select {
	case s.followers <- struct{}{}:
		defer func() { <-s.followers }()
	default:
		return &storage.Error{Code: storage.CodeOverloaded, Op: "logs", Msg: fmt.Sprintf("%d logs are being followed already", maxFollowers), Hint: "try again later"}
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.open, cancel)()
	defer context.AfterFunc(servingOf(ctx), cancel)()
	lines, err := s.Logs(ctx, app, after, limit)
	if err != nil {
		return err
	}
	f := follower{server: s, request: r, app: app, after: after, events: startEvents(w)}
	defer f.events.end()
	if err := f.run(ctx, lines); ctx.Err() == nil && storage.CodeOf(err) != storage.CodeNotFound {
		s.log.Debug("a follower of a log was let go", "app", app, "request_id", w.Header().Get(requestIDHeader), "error", err)
	}
	return nil
}

// follower is a client that follows an app's log.
type follower struct {
	server  *Server
	request *http.Request
	app     string
	after   int64 // the id of the last line sent
	events  *eventStream
}

// run sends lines, and those that come after. It returns why it cannot go on.
func (f *follower) run(ctx context.Context, lines []LogLine) error {
	// A client that connects again does so after a second, and not the browser's
	// three to five.
	if err := f.events.send([]byte("retry: 1000\n\n")); err != nil {
		return err
	}
	poll, beat := time.NewTicker(followPoll), time.NewTicker(followBeat)
	defer poll.Stop()
	defer beat.Stop()
	for {
		for len(lines) > 0 {
			err := f.send(lines)
			if err == nil {
				lines, err = f.server.Logs(ctx, f.app, f.after, followPage)
			}
			if err != nil {
				return err
			}
		}
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-beat.C:
			err = f.comment()
		case <-poll.C:
			after := f.after
			if after == 0 {
				after = -1 // the log was empty, so every line is new
			}
			lines, err = f.server.Logs(ctx, f.app, after, followPage)
		}
		if err != nil {
			return err
		}
	}
}

// errMayNotRead reports that a follower's session or key has ended.
var errMayNotRead = errors.New("fazt: the session or key may no longer read")

// send sends lines to a client that may still read them: its key may have been
// revoked since it came.
func (f *follower) send(lines []LogLine) error {
	if f.server.authorize(f.request, "read") != nil {
		return errMayNotRead
	}
	var text bytes.Buffer
	for _, l := range lines {
		data, err := json.Marshal(l) // in one line, as an event's data must be
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "id: %d\ndata: %s\n\n", l.ID, data)
	}
	f.after = lines[len(lines)-1].ID
	return f.events.send(text.Bytes())
}

// comment sends what a client passes over.
func (f *follower) comment() error {
	if f.server.authorize(f.request, "read") != nil {
		return errMayNotRead
	}
	return f.events.send([]byte(": still here\n\n"))
}

// eventStream is an answer of server-sent events
// (https://html.spec.whatwg.org/multipage/server-sent-events.html). A client
// must take each within answerGrace; between them it may be silent for ever.
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
	e.deadline(time.Now().Add(answerGrace))
	if _, err := e.w.Write(events); err != nil {
		return err
	}
	err := e.control.Flush()
	// The server's WriteTimeout is for answers that end.
	e.deadline(time.Time{})
	return err
}

// end bounds what the server has to write after the last event.
func (e *eventStream) end() { e.deadline(time.Now().Add(answerGrace)) }

func (e *eventStream) deadline(t time.Time) {
	// A writer without deadlines has no connection that could hang.
	_ = e.control.SetWriteDeadline(t)
}

type servingKey struct{}

// withServing notes the context of a [Server.Serve] for the requests that come
// through it: Shutdown would wait for streams that do not end by themselves.
func withServing(serve context.Context) context.Context {
	return context.WithValue(context.Background(), servingKey{}, serve)
}

// servingOf is the context of the Serve that a request came through, if one did.
func servingOf(request context.Context) context.Context {
	if serve, ok := request.Value(servingKey{}).(context.Context); ok {
		return serve
	}
	return context.Background()
}
