package postgres_test

import (
	"context"
	"github.com/jackc/pgx/v5"
	"testing"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/postgres"
	"github.com/fazt-sh/fazt/storage/storagetest"
)

func TestConformance(t *testing.T) {
	storagetest.Run(t, func(tb testing.TB) storagetest.Engine { return engine{database(tb)} })
}

type engine struct{ url string }

func (e engine) Open(tb testing.TB, quotas storage.Quotas) storage.Store {
	s, err := postgres.Open(tb.Context(), e.url, postgres.Options{Quotas: quotas})
	if err != nil {
		tb.Fatal(err)
	}
	return partial{s, nil, e.url}
}

func (e engine) Reopen(tb testing.TB) storage.Store { return e.Open(tb, storage.Quotas{}) }

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
func (p partial) Exec(ctx context.Context, query string) (int64, error) {
	c, err := pgx.Connect(ctx, p.url)
	if err != nil {
		return 0, err
	}
	defer c.Close(ctx)
	tag, err := c.Exec(ctx, query)
	return tag.RowsAffected(), err
}
