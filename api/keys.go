package api

import (
	"context"
	"net/http"
	"time"
)

// Keys are the API keys of a server. A key may do what the user who made it may,
// within its scopes.
type Keys interface {
	// Keys returns every key, oldest first, those that have expired or were revoked
	// too.
	Keys(ctx context.Context) ([]Key, error)
	// MakeKey returns a key with its token, which can't be shown again.
	MakeKey(ctx context.Context, n NewKey) (*Key, error)
	// RevokeKey makes a key invalid at once. One that does not exist is NOT_FOUND.
	RevokeKey(ctx context.Context, id string) error
}

// Key is an API key.
type Key struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`       // for people: two keys may have the same
	Scopes    []string  `json:"scopes"`     // sorted
	CreatedBy string    `json:"created_by"` // a user's id, or "" for the machine's owner
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // zero: never
	LastUsed  time.Time `json:"last_used,omitzero"`  // to the minute; zero: not yet
	RevokedAt time.Time `json:"revoked_at,omitzero"` // zero: it is not
	// Token is only in the answer of who makes it.
	Token string `json:"token,omitempty"`
}

// NewKey is a key to be made.
type NewKey struct {
	Name   string   `json:"name"`
	Scopes []string `json:"scopes"` // of [Scopes]
	// ExpiresAt is when it ends. Default: never.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

func (h *handler) keys(w http.ResponseWriter, r *http.Request) error {
	list, err := h.Service.Keys(r.Context())
	return writeList(w, r, list, err)
}

func (h *handler) makeKey(w http.ResponseWriter, r *http.Request) error {
	var n NewKey
	if err := readJSON(w, r, &n); err != nil {
		return err
	}
	k, err := h.Service.MakeKey(r.Context(), n)
	return writeData(w, k, err)
}

func (h *handler) revokeKey(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	return writeData(w, Gone{id}, h.Service.RevokeKey(r.Context(), id))
}

type passwordLogin struct {
	Email    string `json:"email,omitempty"`
	Username string `json:"username,omitempty"` // stands for the e-mail
	Password string `json:"password"`
}

// login signs a browser in, or a program that keeps cookies.
func (h *handler) login(w http.ResponseWriter, r *http.Request) error {
	var body passwordLogin
	if err := readJSON(w, r, &body); err != nil {
		return err
	}
	if body.Email == "" {
		body.Email = body.Username
	}
	if body.Email == "" || body.Password == "" {
		return invalid("login: send email and password")
	}
	u, err := h.SignIn(w, r, body.Email, body.Password)
	return writeData(w, u, err)
}

// SignedOut is the answer to the end of a session.
type SignedOut struct {
	Authenticated bool `json:"authenticated"` // false
}

// logout ends the session of a request.
func (h *handler) logout(w http.ResponseWriter, r *http.Request) error {
	return writeData(w, SignedOut{}, h.SignOut(w, r))
}
