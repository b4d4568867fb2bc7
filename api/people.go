package api

import (
	"context"
	"net/http"
	"time"
)

// People are the users of a server, what they may do, and how they come by it. Who
// acts is the context's [Actor]: an admin can't change owners or make some, which
// is FORBIDDEN, and the last owner stays one, which is CONFLICT. A user is named by
// id or by e-mail; one who does not exist is NOT_FOUND.
type People interface {
	// Users returns up to limit users from an offset, oldest first, and how many
	// there are in all. A limit of 0 is 100; the largest is 1,000.
	Users(ctx context.Context, offset, limit int) (list []User, total int, err error)
	// User returns a user with the roles that they have in apps.
	User(ctx context.Context, idOrEmail string) (*User, error)
	// Me returns the user who asks, or whose key it is. A key that was made on the
	// machine is nobody's: NOT_FOUND.
	Me(ctx context.Context) (*User, error)
	// ChangeUser returns the user as they are then. Another role ends their
	// sessions.
	ChangeUser(ctx context.Context, idOrEmail string, c UserChange) (*User, error)
	// RemoveUser removes a user with their sessions, ways to sign in, roles and API
	// keys. What apps have stored for them stays with the apps, out of everybody's
	// reach.
	RemoveUser(ctx context.Context, idOrEmail string) error
	// SetAppRole gives a user a role in one app, such as "editor". app is a name or
	// an id.
	SetAppRole(ctx context.Context, app, user, role string) error
	// RemoveAppRole takes it away; "" stands for all that the user has in the app.
	RemoveAppRole(ctx context.Context, app, user, role string) error

	// Invites returns the invites, newest first.
	Invites(ctx context.Context) ([]Invite, error)
	// MakeInvite returns an invite with its code, which can't be shown again.
	MakeInvite(ctx context.Context, n NewInvite) (*Invite, error)
	// RevokeInvite ends an invite. One that does not exist is NOT_FOUND.
	RevokeInvite(ctx context.Context, id string) error
}

// User is a user as an operator sees them.
type User struct {
	ID    string `json:"id"`
	Email string `json:"email"`
	// EmailVerified says that somebody has shown that the address is theirs: one that
	// an invitee typed is not.
	EmailVerified bool      `json:"email_verified"`
	Name          string    `json:"name"`
	Picture       string    `json:"picture"`
	Role          string    `json:"role"`     // "owner", "admin", "user"
	Provider      string    `json:"provider"` // how they signed in last
	CreatedAt     time.Time `json:"created_at"`
	LastLogin     time.Time `json:"last_login"`
	// AppRoles are only in the answer about one user.
	AppRoles []AppRole `json:"app_roles,omitempty"`
}

// AppRole is a role that a user has in one app.
type AppRole struct {
	AppID string `json:"app_id"`
	App   string `json:"app"` // its name
	Role  string `json:"role"`
}

// UserChange is what of a user is to change; what is nil stays.
type UserChange struct {
	Name *string `json:"name,omitempty"`
	Role *string `json:"role,omitempty"`
}

// Invite lets people become users, or get a role.
type Invite struct {
	ID        string    `json:"id"`
	Role      string    `json:"role"`
	Uses      int       `json:"uses"`
	UsesLeft  int       `json:"uses_left"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"` // a user's id, or "" for the machine's owner
	ExpiresAt time.Time `json:"expires_at"`
	// Code is only in the answer of who makes it, and Path where it is good, on
	// the sign-in host.
	Code string `json:"code,omitempty"`
	Path string `json:"path,omitempty"`
}

// NewInvite is an invite to be made.
type NewInvite struct {
	Role string `json:"role,omitempty"` // default: "user"
	Uses int    `json:"uses,omitempty"` // for how many people. Default: 1
	// ExpiresAt is when it ends, a year away at most. Default: in a week.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// Granted is the answer to a change of a role in an app.
type Granted struct {
	App  string `json:"app"`
	User string `json:"user"`
	Role string `json:"role"` // "" after all were taken away
}

// Gone is the answer to a removal of what has an id.
type Gone struct {
	ID string `json:"removed"`
}

func (h *handler) users(w http.ResponseWriter, r *http.Request) error {
	offset, limit, err := pageOf(r)
	if err != nil {
		return err
	}
	list, total, err := h.Service.Users(r.Context(), offset, limit)
	return writePage(w, list, offset, limit, total, err)
}

func (h *handler) user(w http.ResponseWriter, r *http.Request) error {
	u, err := h.Service.User(r.Context(), r.PathValue("user"))
	return writeData(w, u, err)
}

func (h *handler) me(w http.ResponseWriter, r *http.Request) error {
	u, err := h.Service.Me(r.Context())
	return writeData(w, u, err)
}

func (h *handler) changeUser(w http.ResponseWriter, r *http.Request) error {
	var c UserChange
	if err := readJSON(w, r, &c); err != nil {
		return err
	}
	u, err := h.Service.ChangeUser(r.Context(), r.PathValue("user"), c)
	return writeData(w, u, err)
}

func (h *handler) removeUser(w http.ResponseWriter, r *http.Request) error {
	user := r.PathValue("user")
	return writeData(w, Gone{user}, h.Service.RemoveUser(r.Context(), user))
}

type roleBody struct {
	Role string `json:"role"` // of the app's own, such as "editor"
}

type roleParameters struct {
	Role string `query:"role" doc:"which role. Default: all that the user has in the app"`
}

func (h *handler) setAppRole(w http.ResponseWriter, r *http.Request) error {
	var body roleBody
	if err := readJSON(w, r, &body); err != nil {
		return err
	}
	app, user := r.PathValue("app"), r.PathValue("user")
	return writeData(w, Granted{app, user, body.Role}, h.Service.SetAppRole(r.Context(), app, user, body.Role))
}

func (h *handler) removeAppRole(w http.ResponseWriter, r *http.Request) error {
	app, user, role := r.PathValue("app"), r.PathValue("user"), r.URL.Query().Get("role")
	return writeData(w, Granted{App: app, User: user}, h.Service.RemoveAppRole(r.Context(), app, user, role))
}

func (h *handler) invites(w http.ResponseWriter, r *http.Request) error {
	list, err := h.Service.Invites(r.Context())
	return writeList(w, r, list, err)
}

func (h *handler) makeInvite(w http.ResponseWriter, r *http.Request) error {
	var n NewInvite
	if err := readJSON(w, r, &n); err != nil {
		return err
	}
	in, err := h.Service.MakeInvite(r.Context(), n)
	return writeData(w, in, err)
}

func (h *handler) revokeInvite(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	return writeData(w, Gone{id}, h.Service.RevokeInvite(r.Context(), id))
}
