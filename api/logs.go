package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	// defaultLogLimit and maxLogLimit are how many lines an answer has.
	defaultLogLimit = 100
	maxLogLimit     = 1000
)

// LogLine is a line that an app's handler has printed with console or fazt.log,
// or the error that it failed with.
type LogLine struct {
	ID        int64     `json:"id"`  // larger than that of every line before
	App       string    `json:"app"` // its name; its id, if the app has been removed
	Time      time.Time `json:"time"`
	Level     string    `json:"level"` // "debug", "info", "warn", "error"
	Text      string    `json:"text"`  // up to 8 KiB; it may have line breaks
	RequestID string    `json:"request_id"`
}

// LogQuery says which lines are asked for. The zero value asks for all of all apps,
// oldest first.
type LogQuery struct {
	// Apps are the names or ids of apps. Default: all.
	Apps []string
	// After and Before are ids of lines; those between them are asked for. 0 is the
	// start, and the end.
	After, Before int64
	// Since leaves out what was printed before it.
	Since time.Time
	// Level is the lowest level that is asked for: debug, info, warn or error.
	// Default: all.
	Level string
	// Contains is a text that the lines have, letter by letter.
	Contains string
	// Newest asks for the last Limit lines rather than the first.
	Newest bool
	// Limit is how many lines there are at most. 0 is 10,000, which is as many
	// as are kept of an app.
	Limit int
}

// LogPage is a part of a log.
type LogPage struct {
	Lines []LogLine // oldest first
	// Last is the id of the last line that was looked at, asked for or not: After of
	// the query that goes on, or Before if the newest were asked for.
	Last int64
	// More says that there are lines beyond, which may be asked for or not.
	More bool
}

// Recent returns the last lines that q asks for, q.Limit at most, and the query that
// goes on after them.
func Recent(ctx context.Context, logs Logs, q LogQuery) (recent []LogLine, more bool, next LogQuery, err error) {
	newest, err := logs.Logs(ctx, LogQuery{Newest: true, Limit: 1}) // of all: what comes later has a larger id
	if err != nil {
		return nil, false, q, err
	}
	if len(newest.Lines) > 0 {
		q.Before = newest.Lines[0].ID + 1
	}
	next = q
	next.After, next.Before = max(q.After, q.Before-1), 0
	lines, limit := []LogLine{}, q.Limit
	q.Newest = true
	for more = true; more && len(lines) < limit; {
		q.Limit = limit - len(lines)
		page, err := logs.Logs(ctx, q)
		if err != nil {
			return nil, false, next, err
		}
		lines, more, q.Before = append(page.Lines, lines...), page.More, page.Last
	}
	return lines, more, next, nil
}

type logParameters struct {
	Limit  int    `query:"limit" doc:"how many at most, 1 to 1000. Default: 100"`
	After  int64  `query:"after" doc:"the id of a line: those after it are wanted, the oldest first. Default: the newest are"`
	Before int64  `query:"before" doc:"the id of a line: those before it are wanted"`
	Newest string `query:"newest" doc:"1 asks for the newest, also where after is given"`
	Since  string `query:"since" doc:"a time, or how long ago it was, such as 10m: what is older is not wanted"`
	Level  string `query:"level" doc:"the lowest level: debug, info, warn or error"`
	Grep   string `query:"grep" doc:"a text that the lines have, letter by letter"`
	Follow string `query:"follow" doc:"1 goes on with lines as they come, as server-sent events"`
}

type logsParameters struct {
	App []string `query:"app" doc:"the names or ids of apps. Default: all"`
	logParameters
}

// logs answers with lines of an app's log, or of several, or follows them.
func (h *handler) logs(w http.ResponseWriter, r *http.Request) error {
	q, err := logQuery(r)
	if err != nil {
		return err
	}
	if r.URL.Query().Get("follow") == "1" && r.Method == http.MethodGet {
		return h.follow(w, r, q)
	}
	page, err := h.Service.Logs(r.Context(), q)
	if err != nil {
		return err
	}
	WriteJSON(w, http.StatusOK, answer{page.Lines, cursor{q.Limit, page.More, page.Last}})
	return nil
}

// logQuery reads which lines a request asks for: without after, the newest. A
// browser's EventSource that connects again says in a header where it was.
func logQuery(r *http.Request) (q LogQuery, err error) {
	values := r.URL.Query()
	q = LogQuery{Limit: defaultLogLimit, Newest: true, Apps: values["app"], Level: values.Get("level"), Contains: values.Get("grep")}
	if app := r.PathValue("app"); app != "" {
		q.Apps = []string{app}
	}
	if text := values.Get("limit"); text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > maxLogLimit {
			return q, invalid("logs: limit: must be a whole number from 1 to %d", maxLogLimit)
		}
	}
	q.Since, err = sinceOf(values.Get("since"), time.Now())
	if err != nil {
		return q, err
	}
	name, text := "Last-Event-ID", r.Header.Get("Last-Event-ID")
	if text == "" {
		name, text = "after", values.Get("after")
	}
	if q.After, err = lineID(name, text); err != nil {
		return q, err
	}
	q.Newest = text == "" || values.Get("newest") == "1"
	q.Before, err = lineID("before", values.Get("before"))
	return q, err
}

func lineID(name, text string) (id int64, err error) {
	if text == "" {
		return 0, nil
	}
	if id, err = strconv.ParseInt(text, 10, 64); err != nil || id < 0 {
		return 0, invalid("logs: %s: must be the id of a line", name)
	}
	return id, nil
}

// sinceOf reads a time, or how long ago it was.
func sinceOf(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return at, invalid("since: must be a time such as 2026-01-02T15:04:05Z, or how long ago it was, such as 10m or 24h")
	}
	return at, nil
}

// values are the query as a request has it.
func (q LogQuery) values() url.Values {
	values := url.Values{}
	for _, app := range q.Apps {
		values.Add("app", app)
	}
	set := func(name, text string, given bool) {
		if given {
			values.Set(name, text)
		}
	}
	set("after", strconv.FormatInt(q.After, 10), !q.Newest || q.After > 0)
	set("newest", "1", q.Newest)
	set("before", strconv.FormatInt(q.Before, 10), q.Before > 0)
	set("since", q.Since.UTC().Format(time.RFC3339Nano), !q.Since.IsZero())
	set("level", q.Level, q.Level != "")
	set("grep", q.Contains, q.Contains != "")
	return values
}

// Logs asks GET /api/logs, as often as the query's limit takes.
func (c *Client) Logs(ctx context.Context, q LogQuery) (*LogPage, error) {
	limit := q.Limit
	if limit == 0 {
		limit = 10_000
	}
	all := &LogPage{Lines: []LogLine{}}
	for {
		n := min(limit-len(all.Lines), maxLogLimit)
		values := q.values()
		values.Set("limit", strconv.Itoa(n))
		var lines []LogLine
		page, err := c.page(ctx, "/api/logs?"+values.Encode(), &lines)
		if err != nil {
			return nil, err
		}
		if all.Last, all.More = page.Last, page.HasMore; q.Newest {
			all.Lines, q.Before = append(lines, all.Lines...), page.Last
		} else {
			all.Lines, q.After = append(all.Lines, lines...), page.Last
		}
		if len(lines) < n || len(all.Lines) == limit {
			return all, nil
		}
	}
}
