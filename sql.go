package fazt

import (
	"context"
	"time"

	"github.com/fazt-sh/fazt/api"
)

// Query runs one SQL statement that reads, under the rules of [storage.Queries].
func (s *Server) Query(ctx context.Context, q api.Query) (*api.Table, error) {
	start := time.Now()
	t, err := s.store.Query(ctx, q.SQL, q.Limit)
	if err != nil {
		return nil, err
	}
	return &api.Table{Columns: t.Columns, Rows: t.Rows, Truncated: t.Truncated, Time: time.Since(start)}, nil
}

// Exec runs one SQL statement that writes, under the rules of [storage.Queries]. Only
// an owner may, and who has the machine. What it changes is in force at once.
func (s *Server) Exec(ctx context.Context, statement string) (*api.Affected, error) {
	start := time.Now()
	if err := s.auth.RequireOwner(ctx, "sql", "write by SQL"); err != nil {
		return nil, err
	}
	n, err := s.store.Exec(ctx, statement)
	if err != nil {
		return nil, err
	}
	s.auth.Reread()
	return &api.Affected{Rows: n, Time: time.Since(start)}, s.refresh(context.WithoutCancel(ctx))
}
