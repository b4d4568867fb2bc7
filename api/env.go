package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// Environment is the variables that an owner sets for an app, such as the key of
// somebody's API. Its handler reads them by fazt.env. They are stored encrypted, take
// effect at once and without a deploy, and their values are never shown again.
type Environment interface {
	// Env returns an app's variables by name, without their values. app is a name or
	// an id; one that does not exist is NOT_FOUND.
	Env(ctx context.Context, app string) ([]Variable, error)
	// SetEnv sets some of an app's variables, all or none. A name is a letter or an
	// underscore, then those and digits, 128 at most; a value is text of up to
	// 64 KiB. NO_KEY says that the server has no key to encrypt them with.
	SetEnv(ctx context.Context, app string, vars map[string]string) error
	// UnsetEnv removes a variable. One that does not exist is NOT_FOUND.
	UnsetEnv(ctx context.Context, app, name string) error
}

// Variable is a variable of an app's, without its value.
type Variable struct {
	Name      string    `json:"name"`
	UpdatedAt time.Time `json:"updated_at"`
}

// maxEnvJSON is the largest body that sets variables, in bytes: some of the largest,
// or a file of many.
const maxEnvJSON = 1 << 20

func (h *handler) env(w http.ResponseWriter, r *http.Request) error {
	list, err := h.Service.Env(r.Context(), r.PathValue("app"))
	if err != nil {
		return err
	}
	WriteJSON(w, http.StatusOK, answer{list, Page{Limit: len(list), Total: len(list)}})
	return nil
}

func (h *handler) setEnv(w http.ResponseWriter, r *http.Request) error {
	vars := map[string]string{}
	if err := readJSONUpTo(w, r, maxEnvJSON, &vars); err != nil {
		return err
	}
	return h.changeEnv(w, r, vars)
}

func (h *handler) setVariable(w http.ResponseWriter, r *http.Request) error {
	var v struct {
		Value *string `json:"value"`
	}
	if err := readJSONUpTo(w, r, maxEnvJSON, &v); err != nil {
		return err
	}
	if v.Value == nil {
		return invalid("value: is missing; \"\" is an empty one")
	}
	return h.changeEnv(w, r, map[string]string{r.PathValue("name"): *v.Value})
}

// changeEnv answers with the names of all, as they are then.
func (h *handler) changeEnv(w http.ResponseWriter, r *http.Request, vars map[string]string) error {
	if err := h.Service.SetEnv(r.Context(), r.PathValue("app"), vars); err != nil {
		return err
	}
	return h.env(w, r)
}

func (h *handler) unsetVariable(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	return writeData(w, Gone{name}, h.Service.UnsetEnv(r.Context(), r.PathValue("app"), name))
}

func envPath(app string) string { return "/api/apps/" + url.PathEscape(app) + "/env" }

// Env asks GET /api/apps/{app}/env.
func (c *Client) Env(ctx context.Context, app string) ([]Variable, error) {
	list, err := get[[]Variable](ctx, c, envPath(app))
	if err != nil {
		return nil, err
	}
	return *list, nil
}

// SetEnv sends PUT /api/apps/{app}/env.
func (c *Client) SetEnv(ctx context.Context, app string, vars map[string]string) error {
	body, err := json.Marshal(vars)
	if err != nil {
		return err
	}
	return c.do(ctx, http.MethodPut, envPath(app), bytes.NewReader(body), "application/json", &[]Variable{})
}

// UnsetEnv sends DELETE /api/apps/{app}/env/{name}.
func (c *Client) UnsetEnv(ctx context.Context, app, name string) error {
	return c.delete(ctx, envPath(app)+"/"+url.PathEscape(name))
}
