package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// send sends v as JSON and reads the data of the answer.
func send[T any](ctx context.Context, c *Client, method, path string, v any) (*T, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	data := new(T)
	if err := c.do(ctx, method, path, bytes.NewReader(body), "application/json", data); err != nil {
		return nil, err
	}
	return data, nil
}

func (c *Client) delete(ctx context.Context, path string) error {
	return c.do(ctx, http.MethodDelete, path, nil, "", new(any))
}

func userPath(idOrEmail string) string { return "/api/users/" + url.PathEscape(idOrEmail) }

func appRolePath(app, user string) string {
	return "/api/apps/" + url.PathEscape(app) + "/roles/" + url.PathEscape(user)
}

// Users asks GET /api/users.
func (c *Client) Users(ctx context.Context, offset, limit int) ([]User, int, error) {
	if limit == 0 {
		limit = defaultPage
	}
	path := "/api/users?" + url.Values{"offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(limit)}}.Encode()
	list := []User{}
	page, err := c.page(ctx, path, &list)
	return list, page.Total, err
}

// User asks GET /api/users/{user}.
func (c *Client) User(ctx context.Context, idOrEmail string) (*User, error) {
	return get[User](ctx, c, userPath(idOrEmail))
}

// Me asks GET /api/me.
func (c *Client) Me(ctx context.Context) (*User, error) { return get[User](ctx, c, "/api/me") }

// ChangeUser sends PUT /api/users/{user}.
func (c *Client) ChangeUser(ctx context.Context, idOrEmail string, change UserChange) (*User, error) {
	return send[User](ctx, c, http.MethodPut, userPath(idOrEmail), change)
}

// RemoveUser sends DELETE /api/users/{user}.
func (c *Client) RemoveUser(ctx context.Context, idOrEmail string) error {
	return c.delete(ctx, userPath(idOrEmail))
}

// SetAppRole sends PUT /api/apps/{app}/roles/{user}.
func (c *Client) SetAppRole(ctx context.Context, app, user, role string) error {
	_, err := send[Granted](ctx, c, http.MethodPut, appRolePath(app, user), map[string]string{"role": role})
	return err
}

// RemoveAppRole sends DELETE /api/apps/{app}/roles/{user}.
func (c *Client) RemoveAppRole(ctx context.Context, app, user, role string) error {
	path := appRolePath(app, user)
	if role != "" {
		path += "?role=" + url.QueryEscape(role)
	}
	return c.delete(ctx, path)
}

// Invites asks GET /api/invites.
func (c *Client) Invites(ctx context.Context) ([]Invite, error) {
	return all[Invite](ctx, c, "/api/invites", nil)
}

// MakeInvite sends POST /api/invites.
func (c *Client) MakeInvite(ctx context.Context, n NewInvite) (*Invite, error) {
	return send[Invite](ctx, c, http.MethodPost, "/api/invites", n)
}

// RevokeInvite sends DELETE /api/invites/{id}.
func (c *Client) RevokeInvite(ctx context.Context, id string) error {
	return c.delete(ctx, "/api/invites/"+url.PathEscape(id))
}

// Keys asks GET /api/keys.
func (c *Client) Keys(ctx context.Context) ([]Key, error) {
	return all[Key](ctx, c, "/api/keys", nil)
}

// MakeKey sends POST /api/keys.
func (c *Client) MakeKey(ctx context.Context, n NewKey) (*Key, error) {
	return send[Key](ctx, c, http.MethodPost, "/api/keys", n)
}

// RevokeKey sends DELETE /api/keys/{id}.
func (c *Client) RevokeKey(ctx context.Context, id string) error {
	return c.delete(ctx, "/api/keys/"+url.PathEscape(id))
}
