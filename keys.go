package fazt

import (
	"context"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
)

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
