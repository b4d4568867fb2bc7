package teststore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/postgres"
)

type rest interface {
	storage.Queries
	Backup(context.Context, string, storage.Progress) error
	State() storage.State
}
type partial struct {
	*postgres.Store
	rest
	url string
}

func (p partial) State() storage.State { return storage.State{Durable: true} }
func (p partial) Query(ctx context.Context, query string, limit int) (*storage.Table, error) {
	c, err := pgx.Connect(ctx, p.url)
	if err != nil {
		return nil, err
	}
	defer c.Close(ctx)
	rows, err := c.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	t := &storage.Table{}
	for rows.Next() {
		v, err := rows.Values()
		if err != nil {
			return nil, err
		}
		t.Rows = append(t.Rows, v)
	}
	return t, rows.Err()
}
