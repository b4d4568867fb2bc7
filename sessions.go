package fazt

import (
	"context"

	"github.com/fazt-sh/fazt/api"
)

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
