package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Audit is the log of changes: who made which, when and from where. Every change is
// there, whichever way it was made.
type Audit interface {
	// Audit returns entries, newest first, and how many there are for the query in
	// all. A limit of 0 is 100; the largest is 1,000.
	Audit(ctx context.Context, q AuditQuery) (list []AuditEntry, total int, err error)
}

// AuditQuery says which entries are wanted. The zero value is the newest.
type AuditQuery struct {
	Offset int
	Limit  int
	// Since leaves out older entries. Default: none.
	Since time.Time
	// Action is one, such as "app.publish", or all of a kind, such as "app".
	Action string
	// Actor is a user or a key, by id or name, or "local" for the machine's owner.
	Actor string
}

// AuditEntry is a change that was made.
type AuditEntry struct {
	ID      string          `json:"id"`   // in the order of the changes
	Time    time.Time       `json:"time"` // to the millisecond
	Actor   Actor           `json:"actor"`
	Action  string          `json:"action"`  // "app.publish"
	Target  string          `json:"target"`  // what was changed, by the name that people use
	Details json.RawMessage `json:"details"` // an object
}

type auditParameters struct {
	Since  string `query:"since" doc:"a time, or how long ago it was, such as 10m: older entries are left out"`
	Action string `query:"action" doc:"an action, such as app.publish, or all of a kind, such as app"`
	Actor  string `query:"actor" doc:"who: a user or a key, by id or name, or local"`
	paging
}

func (h *handler) audit(w http.ResponseWriter, r *http.Request) error {
	offset, limit, err := pageOf(r)
	if err != nil {
		return err
	}
	values := r.URL.Query()
	q := AuditQuery{Offset: offset, Limit: limit, Action: values.Get("action"), Actor: values.Get("actor")}
	if q.Since, err = sinceOf(values.Get("since"), time.Now()); err != nil {
		return err
	}
	list, total, err := h.Service.Audit(r.Context(), q)
	return writePage(w, list, offset, limit, total, err)
}

// Audit asks GET /api/audit.
func (c *Client) Audit(ctx context.Context, q AuditQuery) ([]AuditEntry, int, error) {
	if q.Limit == 0 {
		q.Limit = defaultPage
	}
	values := url.Values{"offset": {strconv.Itoa(q.Offset)}, "limit": {strconv.Itoa(q.Limit)}}
	if !q.Since.IsZero() {
		values.Set("since", q.Since.UTC().Format(time.RFC3339Nano))
	}
	if q.Action != "" {
		values.Set("action", q.Action)
	}
	if q.Actor != "" {
		values.Set("actor", q.Actor)
	}
	list := []AuditEntry{}
	page, err := c.page(ctx, "/api/audit?"+values.Encode(), &list)
	return list, page.Total, err
}
