package api

import (
	"context"
	"net/http"
	"net/url"
)

// Aliases are labels of hosts that lead to apps, or elsewhere. An alias stands before
// an app of the same name. Every change is made at one moment, and is in force at once
// on this server, and within a second on others that share the data.
type Aliases interface {
	// Aliases returns the aliases, by label.
	Aliases(ctx context.Context) ([]Alias, error)
	// Alias returns one. One that does not exist is NOT_FOUND.
	Alias(ctx context.Context, label string) (*Alias, error)
	// SetAlias makes an alias, or puts it in place of the one of that label, and
	// returns it. An app that does not exist, or a version that is not kept, is
	// NOT_FOUND; what can't be is INVALID.
	SetAlias(ctx context.Context, a Alias) (*Alias, error)
	// RemoveAlias removes one. One that does not exist is NOT_FOUND.
	RemoveAlias(ctx context.Context, label string) error
	// SwapAliases exchanges what two lead to. Either that does not exist is
	// NOT_FOUND.
	SwapAliases(ctx context.Context, a, b string) error
}

// The types of aliases.
const (
	AliasApp      = "app"      // serves an app
	AliasRedirect = "redirect" // sends visitors to a URL, by status 308, with path and query
	AliasReserved = "reserved" // leads nowhere: 404
	AliasSplit    = "split"    // shares the visitors out among apps
)

// Alias is where a label leads.
type Alias struct {
	Label string `json:"subdomain"` // a-z, 0-9 and hyphens
	Type  string `json:"type"`      // "app", "redirect", "reserved", "split"
	// URL is where a redirect leads, such as "https://example.com".
	URL string `json:"url,omitempty"`
	// Targets is the one of an app, or those of a split. It has no others.
	Targets []AliasTarget `json:"targets"`
}

// AliasTarget is an app that an alias leads to.
type AliasTarget struct {
	// AppID is the app's id. In a request it may be the name; in an answer it is ""
	// for an app that was removed.
	AppID string `json:"app_id,omitempty"`
	// App is the app's name. In a request it may stand in place of AppID.
	App string `json:"app,omitempty"`
	// Version is the one to serve, which is kept as long as the alias names it.
	// Default: the current one.
	Version int `json:"version,omitempty"`
	// Weight is the share of a split, in percent: whole numbers that sum to 100.
	Weight int `json:"weight,omitempty"`
}

// aliasBody is an alias in a request, whose label may be in the path.
type aliasBody struct {
	Label   string        `json:"subdomain,omitempty"` // a-z, 0-9 and hyphens; not beside one in the path
	Type    string        `json:"type"`                // "app", "redirect", "reserved", "split"
	URL     string        `json:"url,omitempty"`       // of a redirect
	Targets []AliasTarget `json:"targets,omitempty"`   // the one of an app, or those of a split
}

type splitBody struct {
	Targets []AliasTarget `json:"targets"`
}

type swapBody struct {
	A string `json:"a"` // a label
	B string `json:"b"` // another
}

// Swapped says which aliases were exchanged.
type Swapped struct {
	Labels []string `json:"swapped"`
}

func (h *handler) aliases(w http.ResponseWriter, r *http.Request) error {
	list, err := h.Service.Aliases(r.Context())
	return writeList(w, r, list, err)
}

func (h *handler) alias(w http.ResponseWriter, r *http.Request) error {
	a, err := h.Service.Alias(r.Context(), r.PathValue("label"))
	return writeData(w, a, err)
}

// makeAlias takes the label from the body, setAlias from the path.
func (h *handler) makeAlias(w http.ResponseWriter, r *http.Request) error {
	var body aliasBody
	if err := readJSON(w, r, &body); err != nil {
		return err
	}
	made, err := h.Service.SetAlias(r.Context(), Alias(body))
	return writeData(w, made, err)
}

func (h *handler) setAlias(w http.ResponseWriter, r *http.Request) error {
	var body aliasBody
	if err := readJSON(w, r, &body); err != nil {
		return err
	}
	label := r.PathValue("label")
	if body.Label != "" && body.Label != label {
		return invalid("subdomain: is %q, and the path has %q; leave it out", body.Label, label)
	}
	body.Label = label
	made, err := h.Service.SetAlias(r.Context(), Alias(body))
	return writeData(w, made, err)
}

func (h *handler) splitAlias(w http.ResponseWriter, r *http.Request) error {
	var body splitBody
	if err := readJSON(w, r, &body); err != nil {
		return err
	}
	made, err := h.Service.SetAlias(r.Context(), Alias{Label: r.PathValue("label"), Type: AliasSplit, Targets: body.Targets})
	return writeData(w, made, err)
}

func (h *handler) removeAlias(w http.ResponseWriter, r *http.Request) error {
	label := r.PathValue("label")
	return writeData(w, Gone{label}, h.Service.RemoveAlias(r.Context(), label))
}

func (h *handler) swapAliases(w http.ResponseWriter, r *http.Request) error {
	var body swapBody
	if err := readJSON(w, r, &body); err != nil {
		return err
	}
	return writeData(w, Swapped{[]string{body.A, body.B}}, h.Service.SwapAliases(r.Context(), body.A, body.B))
}

func aliasPath(label string) string { return "/api/aliases/" + url.PathEscape(label) }

// Aliases asks GET /api/aliases.
func (c *Client) Aliases(ctx context.Context) ([]Alias, error) {
	return all[Alias](ctx, c, "/api/aliases", nil)
}

// Alias asks GET /api/aliases/{label}.
func (c *Client) Alias(ctx context.Context, label string) (*Alias, error) {
	return get[Alias](ctx, c, aliasPath(label))
}

// SetAlias sends POST /api/aliases.
func (c *Client) SetAlias(ctx context.Context, a Alias) (*Alias, error) {
	return send[Alias](ctx, c, http.MethodPost, "/api/aliases", a)
}

// RemoveAlias sends DELETE /api/aliases/{label}.
func (c *Client) RemoveAlias(ctx context.Context, label string) error {
	return c.delete(ctx, aliasPath(label))
}

// SwapAliases sends POST /api/aliases/swap.
func (c *Client) SwapAliases(ctx context.Context, a, b string) error {
	_, err := send[Swapped](ctx, c, http.MethodPost, "/api/aliases/swap", swapBody{a, b})
	return err
}
