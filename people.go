package fazt

import (
	"context"
	"net/http"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
)

// Users returns up to limit users from an offset, oldest first, and how many there
// are in all. A limit of 0 is 100.
func (s *Server) Users(ctx context.Context, offset, limit int) ([]api.User, int, error) {
	if limit == 0 {
		limit = 100
	}
	accounts, total, err := s.auth.UsersPage(ctx, offset, limit)
	if err != nil {
		return nil, 0, err
	}
	list := make([]api.User, len(accounts))
	for i, a := range accounts {
		list[i] = userData(a)
	}
	return list, total, nil
}

// User returns a user, by id or e-mail, with the roles that they have in apps.
func (s *Server) User(ctx context.Context, idOrEmail string) (*api.User, error) {
	a, err := s.auth.Lookup(ctx, idOrEmail)
	if err != nil {
		return nil, err
	}
	return s.userWithRoles(ctx, a)
}

// Me returns the user who asks, or whose API key it is.
func (s *Server) Me(ctx context.Context) (*api.User, error) {
	a, err := s.auth.Acting(ctx)
	if err != nil {
		return nil, err
	}
	return s.userWithRoles(ctx, a)
}

// ChangeUser changes a user's name or role. Another role ends their sessions. The
// last owner stays one, which is [auth.ErrLastOwner].
func (s *Server) ChangeUser(ctx context.Context, idOrEmail string, c api.UserChange) (*api.User, error) {
	a, err := s.auth.ChangeUser(ctx, idOrEmail, auth.UserChange{Name: c.Name, Role: (*auth.Role)(c.Role)})
	if err != nil {
		return nil, err
	}
	return s.userWithRoles(ctx, a)
}

// SetPassword gives a user another password and ends their sessions. It is for the
// owner of the machine: nobody is asked for the old one.
func (s *Server) SetPassword(ctx context.Context, idOrEmail, password string) error {
	return s.auth.SetPassword(ctx, idOrEmail, password)
}

// RemoveUser removes a user with their sessions, ways to sign in, roles and API
// keys. What apps have stored for them stays with the apps, out of everybody's
// reach.
func (s *Server) RemoveUser(ctx context.Context, idOrEmail string) error {
	return s.auth.RemoveUser(ctx, idOrEmail)
}

// SetAppRole gives a user a role in one app, such as "editor".
func (s *Server) SetAppRole(ctx context.Context, app, user, role string) error {
	a, err := s.stored(ctx, "app role", app)
	if err != nil {
		return err
	}
	return s.auth.SetAppRole(ctx, a.ID, user, role)
}

// RemoveAppRole takes a role in one app away; "" stands for all of that app.
func (s *Server) RemoveAppRole(ctx context.Context, app, user, role string) error {
	a, err := s.stored(ctx, "app role", app)
	if err != nil {
		return err
	}
	return s.auth.RemoveAppRole(ctx, a.ID, user, role)
}

// Invites returns the invites, newest first.
func (s *Server) Invites(ctx context.Context) ([]api.Invite, error) {
	invites, err := s.auth.Invites(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]api.Invite, len(invites))
	for i, in := range invites {
		list[i] = inviteData(in)
	}
	return list, nil
}

// MakeInvite makes an invite and returns it with its code, which can't be had again.
func (s *Server) MakeInvite(ctx context.Context, n api.NewInvite) (*api.Invite, error) {
	if n.Role == "" {
		n.Role = string(auth.RoleUser)
	}
	code, made, err := s.auth.CreateInvite(ctx, auth.Role(n.Role), n.Uses, n.ExpiresAt)
	if err != nil {
		return nil, err
	}
	in := inviteData(made)
	in.Code, in.Path = code, auth.InvitePath(code)
	return &in, nil
}

// RevokeInvite ends an invite.
func (s *Server) RevokeInvite(ctx context.Context, id string) error {
	return s.auth.RevokeInvite(ctx, id)
}

// HasOwner reports whether somebody owns the server. Owners of the dev provider
// don't count: they are nobody without it.
func (s *Server) HasOwner(ctx context.Context) (bool, error) { return s.auth.HasOwner(ctx) }

// CreateSetup returns the path, on the sign-in host, of a page where whoever opens
// it first makes themselves owner. It is good for a day and once, and ends every
// such path before it. Whoever has the machine may have one.
func (s *Server) CreateSetup(ctx context.Context) (path string, err error) {
	code, err := s.auth.CreateSetup(ctx)
	if err != nil {
		return "", err
	}
	return auth.SetupPath(code), nil
}

// signIn answers POST /api/login.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request, name, password string) (*api.User, error) {
	u, err := s.auth.SignInWithPassword(w, r, name, password)
	if err != nil {
		return nil, err
	}
	return s.User(r.Context(), u.ID)
}

func (s *Server) userWithRoles(ctx context.Context, a auth.Account) (*api.User, error) {
	u := userData(a)
	roles, err := s.auth.AppRoles(ctx, a.ID, "")
	if err != nil {
		return nil, err
	}
	for _, r := range roles {
		role := api.AppRole{AppID: r.AppID, Role: r.Role}
		if app, err := s.store.AppByID(ctx, r.AppID); err == nil { // its name is for people alone
			role.App = app.Name
		}
		u.AppRoles = append(u.AppRoles, role)
	}
	return &u, nil
}

func userData(a auth.Account) api.User {
	return api.User{
		ID: a.ID, Email: a.Email, EmailVerified: a.EmailVerified, Name: a.Name, Picture: a.Picture, Role: string(a.Role), Provider: a.Provider,
		CreatedAt: a.CreatedAt, LastLogin: a.LastLogin,
	}
}

func inviteData(in auth.Invite) api.Invite {
	return api.Invite{
		ID: in.ID, Role: string(in.Role), Uses: in.Uses, UsesLeft: in.UsesLeft,
		CreatedAt: in.CreatedAt, CreatedBy: in.CreatedBy, ExpiresAt: in.ExpiresAt,
	}
}

// CreateKey makes an API key that never expires with the given scopes (deploy,
// read, sql, admin), and returns its token, which cannot be shown again. MakeKey
// does it with an expiry, and returns all there is to know of it.
func (s *Server) CreateKey(ctx context.Context, name string, scopes ...string) (token string, err error) {
	k, err := s.MakeKey(ctx, api.NewKey{Name: name, Scopes: scopes})
	if err != nil {
		return "", err
	}
	return k.Token, nil
}

// MakeKey makes an API key and returns it with its token, which can't be had again.
func (s *Server) MakeKey(ctx context.Context, n api.NewKey) (*api.Key, error) {
	token, made, err := s.auth.CreateKey(ctx, n.Name, n.Scopes, n.ExpiresAt)
	if err != nil {
		return nil, err
	}
	k := keyData(made)
	k.Token = token
	return &k, nil
}

// Keys returns every API key, oldest first, those that have expired or were revoked
// too.
func (s *Server) Keys(ctx context.Context) ([]api.Key, error) {
	keys, err := s.auth.Keys(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]api.Key, len(keys))
	for i, k := range keys {
		list[i] = keyData(k)
	}
	return list, nil
}

// RevokeKey makes an API key invalid at once and for ever.
func (s *Server) RevokeKey(ctx context.Context, id string) error { return s.auth.RevokeKey(ctx, id) }

func keyData(k auth.Key) api.Key {
	return api.Key{
		ID: k.ID, Name: k.Name, Scopes: k.Scopes, CreatedBy: k.CreatedBy,
		CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, LastUsed: k.LastUsed, RevokedAt: k.RevokedAt,
	}
}

// Sessions returns the sessions that are good now, the one used last first: those of
// a user, by id or e-mail address, or everybody's for an empty user. "me" is the user
// who asks over HTTP.
func (s *Server) Sessions(ctx context.Context, user string) ([]api.Session, error) {
	if actor := api.ActorFrom(ctx); user == "me" && actor.Kind == api.ActorUser {
		user = actor.ID
	}
	if user != "" {
		found, err := s.auth.Lookup(ctx, user)
		if err != nil {
			return nil, err
		}
		user = found.ID
	}
	list, err := s.auth.Sessions(ctx, user)
	sessions := make([]api.Session, len(list))
	for i, o := range list {
		sessions[i] = api.Session{
			ID: o.ID, UserID: o.UserID, Email: o.Email, Host: o.Host, Addr: o.Addr, Agent: o.Agent, App: o.App,
			CreatedAt: o.CreatedAt, LastUsed: o.LastUsed, ExpiresAt: o.ExpiresAt,
		}
	}
	return sessions, err
}

// EndSession ends a session and those that were handed over from it.
func (s *Server) EndSession(ctx context.Context, id string) error {
	return s.auth.EndSession(ctx, "", id)
}

// Providers returns the sites by which people sign in, by name.
func (s *Server) Providers(ctx context.Context) ([]api.Provider, error) {
	return s.auth.Providers(ctx)
}

// SetProvider keeps a provider in the data, or changes what c has of one. Only an
// owner may. It is in force at once, and within a second on other servers that share
// the data.
func (s *Server) SetProvider(ctx context.Context, name string, c api.ProviderConfig) (*api.Provider, error) {
	p, err := s.auth.SetProvider(ctx, name, c)
	if err != nil {
		return nil, err
	}
	return &p, nil
}

// RemoveProvider removes a provider from the data with its secret.
func (s *Server) RemoveProvider(ctx context.Context, name string) error {
	return s.auth.RemoveProvider(ctx, name)
}
