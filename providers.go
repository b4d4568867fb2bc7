package fazt

import (
	"context"

	"github.com/fazt-sh/fazt/api"
)

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
