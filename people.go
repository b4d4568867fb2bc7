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
