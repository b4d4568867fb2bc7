package postgres_test

import (
	"context"
	"testing"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/postgres"
	"github.com/fazt-sh/fazt/storage/storagetest"
)

func TestConformance(t *testing.T) {
	storagetest.Run(t, func(tb testing.TB) storagetest.Engine { return engine{database(tb)} })
}

// partial has what is still to be written.
type partial struct {
	*postgres.Store
	storage.Queries
}

func (partial) Backup(context.Context, string, storage.Progress) error { return nil }

type engine struct{ url string }

func (e engine) Open(tb testing.TB, quotas storage.Quotas) storage.Store {
	s, err := postgres.Open(tb.Context(), e.url, postgres.Options{Quotas: quotas})
	if err != nil {
		tb.Fatal(err)
	}
	return partial{Store: s}
}

func (e engine) Reopen(tb testing.TB) storage.Store { return e.Open(tb, storage.Quotas{}) }
