package api

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
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

// EnvSet says which variables were set.
type EnvSet struct {
	Names []string `json:"set"` // sorted
}

type envBody struct {
	Vars map[string]string `json:"vars"` // by name
}

type variableBody struct {
	Value *string `json:"value"`
}

func (h *handler) env(w http.ResponseWriter, r *http.Request) error {
	list, err := h.Service.Env(r.Context(), r.PathValue("app"))
	return writeList(w, r, list, err)
}

func (h *handler) variable(w http.ResponseWriter, r *http.Request) error {
	list, err := h.Service.Env(r.Context(), r.PathValue("app"))
	if err != nil {
		return err
	}
	name := r.PathValue("name")
	i := slices.IndexFunc(list, func(v Variable) bool { return v.Name == name })
	if i < 0 {
		return &Error{Status: http.StatusNotFound, Code: "NOT_FOUND", Message: "no such variable; list them for their names"}
	}
	return writeData(w, list[i], nil)
}

func (h *handler) setEnv(w http.ResponseWriter, r *http.Request) error {
	var body envBody
	if err := readJSONUpTo(w, r, maxEnvJSON, &body); err != nil {
		return err
	}
	if len(body.Vars) == 0 {
		return invalid("vars: is missing; give {\"vars\": {\"NAME\": \"value\"}}")
	}
	return h.changeEnv(w, r, body.Vars)
}

func (h *handler) setVariable(w http.ResponseWriter, r *http.Request) error {
	var body variableBody
	if err := readJSONUpTo(w, r, maxEnvJSON, &body); err != nil {
		return err
	}
	if body.Value == nil {
		return invalid("value: is missing; \"\" is an empty one")
	}
	return h.changeEnv(w, r, map[string]string{r.PathValue("name"): *body.Value})
}

func (h *handler) changeEnv(w http.ResponseWriter, r *http.Request, vars map[string]string) error {
	err := h.Service.SetEnv(r.Context(), r.PathValue("app"), vars)
	return writeData(w, EnvSet{slices.Sorted(maps.Keys(vars))}, err)
}

func (h *handler) unsetVariable(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	return writeData(w, Gone{name}, h.Service.UnsetEnv(r.Context(), r.PathValue("app"), name))
}

func envPath(app string) string { return "/api/apps/" + url.PathEscape(app) + "/env" }

// Env asks GET /api/apps/{app}/env.
func (c *Client) Env(ctx context.Context, app string) ([]Variable, error) {
	return all[Variable](ctx, c, envPath(app), nil)
}

// SetEnv sends PUT /api/apps/{app}/env.
func (c *Client) SetEnv(ctx context.Context, app string, vars map[string]string) error {
	_, err := send[EnvSet](ctx, c, http.MethodPut, envPath(app), envBody{vars})
	return err
}

// UnsetEnv sends DELETE /api/apps/{app}/env/{name}.
func (c *Client) UnsetEnv(ctx context.Context, app, name string) error {
	return c.delete(ctx, envPath(app)+"/"+url.PathEscape(name))
}
