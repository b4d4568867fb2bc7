package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

// providersAge is how long the providers in the data are believed: another process
// may have changed them.
const providersAge = time.Second

// storedProvider is a provider that is kept in the data.
type storedProvider struct {
	name      string
	config    api.ProviderConfig // whole, but for Enabled
	made      Provider           // nil if the configuration is none
	enabled   bool
	sealed    string // the secret as it is stored, "" if that is plain
	secretErr error  // why it is not in config
}

// readProviders reads the providers in the data. One that has not changed stays the
// value that it is, with what it knows of its issuer.
func (a *Auth) readProviders(ctx context.Context) ([]storedProvider, error) {
	known := map[string]storedProvider{}
	if e := a.stored.entry.Load(); e != nil {
		for _, p := range e.value {
			known[p.name] = p
		}
	}
	var list []storedProvider
	err := a.db.Read(ctx, func(tx storage.SQL) (err error) {
		list, err = a.selectProviders(ctx, tx, "")
		return err
	})
	for i := range list {
		p := &list[i]
		if was, ok := known[p.name]; ok && was.sameClient(p) {
			p.made = was.made
			continue
		}
		bad := p.secretErr
		if bad == nil {
			p.made, bad = NewProvider(p.name, p.config)
		}
		if bad != nil {
			p.made = nil
			a.log.WarnContext(ctx, "a provider in the data can't be used", "provider", p.name, "error", bad)
		}
	}
	return list, failed("providers", err)
}

func (p *storedProvider) sameClient(q *storedProvider) bool {
	return p.config.Issuer == q.config.Issuer && p.config.ClientID == q.config.ClientID && p.config.ClientSecret == q.config.ClientSecret &&
		p.secretErr == nil && q.secretErr == nil
}

// selectProviders reads the rows of all providers, or of the one of a name.
func (a *Auth) selectProviders(ctx context.Context, tx storage.SQL, name string) ([]storedProvider, error) {
	var list []storedProvider
	err := tx.Query(`SELECT name, issuer, client_id, client_secret, client_secret_sealed, enabled FROM auth_providers
		WHERE ? = '' OR name = ? ORDER BY name`,
		[]any{name, name}, func(scan func(...any) error) error {
			var (
				p       storedProvider
				enabled int64
			)
			err := scan(&p.name, &p.config.Issuer, &p.config.ClientID, &p.config.ClientSecret, &p.sealed, &enabled)
			p.enabled = enabled != 0
			list = append(list, p)
			return err
		})
	for i := range list {
		if p := &list[i]; p.sealed != "" {
			p.config.ClientSecret, p.secretErr = a.openSecret(ctx, p)
		}
	}
	return list, err
}

// active are the providers that people can sign in by: the program's own, in its
// order, and those in the data that are switched on, by name.
func (a *Auth) active(ctx context.Context) ([]Provider, error) {
	list := slices.Clone(a.own)
	stored, err := a.stored.get(ctx, providersAge)
	for _, p := range stored {
		if p.enabled && p.made != nil && !a.isOwn(p.name) {
			list = append(list, p.made)
		}
	}
	return list, err
}

// isOwn reports whether the program has a provider of that name, which goes before
// one in the data.
func (a *Auth) isOwn(name string) bool {
	return slices.ContainsFunc(a.own, func(p Provider) bool { return p.Name() == name })
}

// withProvider calls serve with the provider that r's path names.
func (a *Auth) withProvider(serve func(http.ResponseWriter, *http.Request, Provider)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		list, err := a.active(r.Context())
		i := slices.IndexFunc(list, func(p Provider) bool { return p.Name() == r.PathValue("provider") })
		switch {
		case i >= 0:
			serve(w, r, list[i])
		case err != nil:
			a.unavailable(w, r, err)
		default:
			a.noSuchPage(w, r)
		}
	}
}

// Providers returns the providers by name: those of the Options, and those in the
// data whose names are not among them.
func (a *Auth) Providers(ctx context.Context) ([]api.Provider, error) {
	list := []api.Provider{}
	for _, p := range a.own {
		list = append(list, api.Provider{Name: p.Name(), Label: p.Label(), Enabled: true, Fixed: true, RedirectPath: callbackPath + p.Name()})
	}
	stored, err := a.stored.get(ctx, providersAge)
	if err != nil {
		return nil, err
	}
	for _, p := range stored {
		if !a.isOwn(p.name) {
			list = append(list, p.shown())
		}
	}
	slices.SortFunc(list, func(p, q api.Provider) int {
		if p.Name < q.Name {
			return -1
		}
		return 1
	})
	return list, nil
}

// shown is p without its secret.
func (p *storedProvider) shown() api.Provider {
	issuer := p.config.Issuer
	if issuer == "" {
		issuer = presets[p.name].issuer
	}
	return api.Provider{
		Name: p.name, Label: labelOf(p.name), Issuer: issuer, ClientID: p.config.ClientID, Enabled: p.enabled, RedirectPath: callbackPath + p.name,
	}
}

// SetProvider keeps a provider in the data, or changes what c has of one: what is
// empty stays. It is in force at once in this process, and within a second in
// others. Only an owner may ([CodeForbidden]); a name of the Options is
// [CodeConflict], and a configuration that [NewProvider] refuses is [CodeInvalid].
func (a *Auth) SetProvider(ctx context.Context, name string, c api.ProviderConfig) (api.Provider, error) {
	const op = "provider.set"
	if a.isOwn(name) {
		return api.Provider{}, &Error{Code: CodeConflict, Op: op, Err: fmt.Errorf("the provider %q is set by the server's program", name)}
	}
	var next storedProvider
	secret, err := a.sealSecret(ctx, op, name, c.ClientSecret)
	if err != nil {
		return api.Provider{}, err
	}
	err = a.change(ctx, op, func(tx storage.SQL, now time.Time) error {
		if err := a.ownersOnly(ctx, tx, op, "only an owner may change the providers"); err != nil {
			return err
		}
		found, err := a.selectProviders(ctx, tx, name)
		if err != nil {
			return err
		}
		was := storedProvider{name: name, enabled: true}
		if len(found) > 0 {
			was = found[0]
		}
		if next, err = was.with(c); err != nil {
			return err
		}
		if len(found) > 0 && next.sameClient(&was) && next.enabled == was.enabled {
			return nil // nothing changes
		}
		newSecret := c.ClientSecret != "" && c.ClientSecret != was.config.ClientSecret
		if err := saveProvider(ctx, tx, next, len(found) > 0, newSecret, now); err != nil || c.ClientSecret == "" {
			return err
		}
		return secret.save(tx, op)
	})
	if err != nil {
		return api.Provider{}, err
	}
	a.stored.expire()
	return next.shown(), nil
}

// with is p with what c has. A secret belongs to one issuer: who only points the
// configuration elsewhere would have it sent there.
func (p storedProvider) with(c api.ProviderConfig) (storedProvider, error) {
	const op = "provider.set"
	if c.Issuer != "" && c.Issuer != p.config.Issuer {
		if p.config.ClientSecret != "" && (c.ClientID == "" || c.ClientSecret == "") {
			return p, &Error{Code: CodeInvalid, Op: op, Err: errors.New("another issuer has another client id and secret; give both with it")}
		}
		p.config.Issuer = c.Issuer
	}
	if c.ClientID != "" {
		p.config.ClientID = c.ClientID
	}
	if c.ClientSecret != "" {
		p.config.ClientSecret = c.ClientSecret
	}
	if c.Enabled != nil {
		p.enabled = *c.Enabled
	}
	if p.secretErr != nil && c.ClientSecret == "" {
		return p, &Error{Code: CodeConflict, Op: op, Err: p.secretErr, Hint: "give the client secret anew"}
	}
	p.secretErr = nil
	_, err := NewProvider(p.name, p.config)
	return p, err
}

func saveProvider(ctx context.Context, tx storage.SQL, p storedProvider, there, newSecret bool, now time.Time) error {
	var (
		err     error
		enabled int64
	)
	if p.enabled {
		enabled = 1
	}
	if there {
		_, err = tx.Exec(`UPDATE auth_providers SET issuer = ?, client_id = ?, enabled = ?, updated_at = ? WHERE name = ?`,
			p.config.Issuer, p.config.ClientID, enabled, millis(now), p.name)
	} else {
		_, err = tx.Exec(`INSERT INTO auth_providers (name, issuer, client_id, client_secret, enabled, created_at, updated_at) VALUES (?, ?, ?, '', ?, ?, ?)`,
			p.name, p.config.Issuer, p.config.ClientID, enabled, millis(now), millis(now))
	}
	if err != nil {
		return err
	}
	return storage.RecordAudit(tx, api.ActorFrom(ctx), auditProviderSet, p.name,
		providerChanged{p.shown().Issuer, p.config.ClientID, p.enabled, newSecret})
}

// RemoveProvider removes a provider from the data with its secret. It returns
// [ErrNotFound] where there is none. Only an owner may ([CodeForbidden]).
func (a *Auth) RemoveProvider(ctx context.Context, name string) error {
	const op = "provider.remove"
	err := a.change(ctx, op, func(tx storage.SQL, _ time.Time) error {
		if err := a.ownersOnly(ctx, tx, op, "only an owner may change the providers"); err != nil {
			return err
		}
		n, err := tx.Exec(`DELETE FROM auth_providers WHERE name = ?`, name)
		switch {
		case err != nil:
			return err
		case n == 0:
			return &Error{Code: CodeNotFound, Op: op, Err: ErrNotFound, Hint: "list the providers for their names"}
		}
		return storage.RecordAudit(tx, api.ActorFrom(ctx), auditProviderRemove, name, nil)
	})
	if err == nil {
		a.stored.expire()
	}
	return err
}

// ownersOnly refuses whoever acts unless they are an owner: a provider can say that
// somebody is anybody, an owner too.
func (a *Auth) ownersOnly(ctx context.Context, tx storage.SQL, op, why string) error {
	power, err := a.powerOf(tx, api.ActorFrom(ctx))
	if err == nil && power != RoleOwner {
		err = forbidden(op, why)
	}
	return err
}

// OwnersOnly refuses the actor of a context, with [CodeForbidden], who is neither an
// owner, nor has a key that an owner made, nor is on the machine.
func (a *Auth) OwnersOnly(ctx context.Context, op string) error {
	return failed(op, a.db.Read(ctx, func(tx storage.SQL) error { return a.ownersOnly(ctx, tx, op, "only an owner may do this") }))
}
