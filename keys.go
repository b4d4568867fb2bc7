package fazt

import (
	"context"
	"time"
)

// CreateKey makes an API key with the given scopes (deploy, read, sql, admin)
// and returns its token, which cannot be shown again.
func (s *Server) CreateKey(ctx context.Context, name string, scopes ...string) (token string, err error) {
	token, _, err = s.auth.CreateKey(ctx, name, scopes, time.Time{})
	return token, err
}
