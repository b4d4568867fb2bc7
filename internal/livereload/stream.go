package livereload

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

//go:embed dev.js
var script []byte

// Where the script and its stream are, below the prefix of a server's own paths.
const (
	ScriptName = "dev.js"
	StreamName = "dev"
)

// ServeScript answers with the script that [Page] adds to pages.
func ServeScript(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(script) // to a browser that may have gone
}

// grace is how long a browser may take over an event, and beat after which time of
// silence it is sent a sign of life, by which one that has gone is noticed.
const (
	grace = 10 * time.Second
	beat  = 15 * time.Second
)

// Serve tells a page, by server-sent events, which version of an app its address leads
// to, "" for none, and what is wrong, at once and at each change. It ends with ctx, or
// when stale says that the address may lead to another: the page then asks again.
func (p *Problems) Serve(ctx context.Context, w http.ResponseWriter, app, version string, stale <-chan struct{}) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	s := stream{w, http.NewResponseController(w)}
	defer s.deadline(grace)
	tick := time.NewTicker(beat)
	defer tick.Stop()
	var sent int64 = -1
	for {
		problem, changed := p.current(app)
		var id int64
		if problem != nil {
			id = problem.ID
		}
		if id != sent {
			text, err := json.Marshal(struct {
				Version string   `json:"version"`
				Problem *Problem `json:"problem"`
			}{version, problem})
			if err != nil || s.send("event: state\ndata: "+string(text)+"\nretry: 500\n\n") != nil {
				return
			}
			sent = id
		}
		select {
		case <-changed:
			continue
		case <-tick.C:
			if s.send(":\n\n") != nil {
				return
			}
		case <-stale:
			_ = s.send("event: stale\ndata:\n\n") // the stream ends whether it arrives or not
			return
		case <-ctx.Done():
			return
		}
	}
}

type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (s stream) send(event string) error {
	s.deadline(grace)
	if _, err := fmt.Fprint(s.w, event); err != nil {
		return err
	}
	err := s.control.Flush()
	s.deadline(0) // the server's WriteTimeout is for answers that end
	return err
}

// deadline bounds what is written within d from now; 0 is no bound.
func (s stream) deadline(d time.Duration) {
	var at time.Time
	if d > 0 {
		at = time.Now().Add(d)
	}
	_ = s.control.SetWriteDeadline(at) // a writer without deadlines has no connection that could hang
}
