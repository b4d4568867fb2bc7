package api

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Session is a session that somebody has.
type Session struct {
	ID        string    `json:"id"`
	UserID    string    `json:"user_id"`
	Email     string    `json:"email"`
	Host      string    `json:"host"`  // the one host that it is good on
	Addr      string    `json:"addr"`  // the network address that it was made from
	Agent     string    `json:"agent"` // what the browser called itself then
	App       bool      `json:"app"`   // it ends with the one that it was handed over from
	CreatedAt time.Time `json:"created_at"`
	LastUsed  time.Time `json:"last_used"` // to the minute
	ExpiresAt time.Time `json:"expires_at"`
}

// Ended says which session was ended.
type Ended struct {
	ID string `json:"ended"`
}

type sessionParameters struct {
	User string `query:"user" doc:"whose, by id or e-mail; me is the user who asks. Default: everybody's"`
	paging
}

func (h *handler) sessions(w http.ResponseWriter, r *http.Request) error {
	list, err := h.Service.Sessions(r.Context(), r.URL.Query().Get("user"))
	return writeList(w, r, list, err)
}

func (h *handler) endSession(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("session")
	return writeData(w, Ended{id}, h.Service.EndSession(r.Context(), id))
}

// Sessions asks GET /api/sessions.
func (c *Client) Sessions(ctx context.Context, user string) ([]Session, error) {
	q := url.Values{}
	if user != "" {
		q.Set("user", user)
	}
	return all[Session](ctx, c, "/api/sessions", q)
}

// EndSession sends DELETE /api/sessions/{session}.
func (c *Client) EndSession(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodDelete, "/api/sessions/"+url.PathEscape(id), nil, "", &Ended{})
}
