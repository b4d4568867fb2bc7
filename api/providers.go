package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
)

// Providers are the sites by which people sign in. What one says of who somebody is,
// is believed, so only an owner changes them: anybody else is FORBIDDEN.
type Providers interface {
	// Providers returns the providers by name, those that are switched off too.
	Providers(ctx context.Context) ([]Provider, error)
	// SetProvider makes a provider, or changes what c has of one. Another issuer
	// wants a client id and a secret of its own in the same change. A name that the
	// server's program has set is CONFLICT.
	SetProvider(ctx context.Context, name string, c ProviderConfig) (*Provider, error)
	// RemoveProvider removes one with its secret. Whoever signs in by it alone can't
	// any more, until it is there again. One that does not exist is NOT_FOUND.
	RemoveProvider(ctx context.Context, name string) error
}

// Provider is a site by which people sign in. Its secret is not part of it: none is
// ever shown.
type Provider struct {
	Name     string `json:"name"`
	Label    string `json:"label"`     // on its button: "Google"
	Issuer   string `json:"issuer"`    // "" for one that the server's program has set
	ClientID string `json:"client_id"` // likewise
	Enabled  bool   `json:"enabled"`
	// Fixed says that the server's program has set it, and this API can't.
	Fixed bool `json:"fixed"`
	// RedirectPath is where the provider sends browsers back to, on the sign-in
	// host. The URL is registered there.
	RedirectPath string `json:"redirect_path"`
}

// ProviderConfig says how people sign in by a provider. In a change, what is empty
// stays as it is.
type ProviderConfig struct {
	// Issuer is the provider's address, such as "https://accounts.example.com".
	// Default: that of the name, for one that is known by it.
	Issuer string `json:"issuer,omitempty"`
	// ClientID and ClientSecret are what the provider knows this server by. No
	// secret is a public client.
	ClientID     string `json:"client_id,omitempty"`
	ClientSecret string `json:"client_secret,omitempty"`
	// Enabled puts it on the sign-in page. Default: true.
	Enabled *bool `json:"enabled,omitempty"`
}

// String leaves the secret out, so that none gets into a log.
func (c ProviderConfig) String() string {
	return fmt.Sprintf("{issuer %s, client id %s}", c.Issuer, c.ClientID)
}

// LogValue is String: a log in JSON would have every field.
func (c ProviderConfig) LogValue() slog.Value { return slog.StringValue(c.String()) }

func (h *handler) providers(w http.ResponseWriter, r *http.Request) error {
	list, err := h.Service.Providers(r.Context())
	return writeList(w, r, list, err)
}

func (h *handler) setProvider(w http.ResponseWriter, r *http.Request) error {
	var c ProviderConfig
	if err := readJSON(w, r, &c); err != nil {
		return err
	}
	p, err := h.Service.SetProvider(r.Context(), r.PathValue("name"), c)
	return writeData(w, p, err)
}

func (h *handler) removeProvider(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	return writeData(w, Gone{name}, h.Service.RemoveProvider(r.Context(), name))
}

func providerPath(name string) string { return "/api/auth/providers/" + url.PathEscape(name) }

// Providers asks GET /api/auth/providers.
func (c *Client) Providers(ctx context.Context) ([]Provider, error) {
	return all[Provider](ctx, c, "/api/auth/providers", nil)
}

// SetProvider sends PUT /api/auth/providers/{name}.
func (c *Client) SetProvider(ctx context.Context, name string, config ProviderConfig) (*Provider, error) {
	return send[Provider](ctx, c, http.MethodPut, providerPath(name), config)
}

// RemoveProvider sends DELETE /api/auth/providers/{name}.
func (c *Client) RemoveProvider(ctx context.Context, name string) error {
	return c.delete(ctx, providerPath(name))
}
