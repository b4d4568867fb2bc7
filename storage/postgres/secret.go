package postgres

import (
	"context"
	"crypto/rand"

	"github.com/fazt-sh/fazt/storage"
)

// Secret implements [storage.Secrets].
func (s *Store) Secret(ctx context.Context, name string) ([]byte, error) {
	const op, get = "secret", "SELECT key_secret FROM keys WHERE name = $1"
	if err := storage.CheckKey(op, "name", name); err != nil {
		return nil, err
	}
	var secret []byte
	into := func(scan scanFunc) error { return scan(&secret) }
	if err := s.read(ctx, op, get, []any{name}, into); err != nil || secret != nil {
		return secret, err
	}
	fresh := make([]byte, 32)
	rand.Read(fresh)
	if _, err := s.exec(ctx, op, "INSERT INTO keys (name, key_secret) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, fresh); err != nil {
		return nil, err
	}
	err := s.read(ctx, op, get, []any{name}, into)
	return secret, err
}
