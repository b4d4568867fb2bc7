package postgres_test

import (
	"testing"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/postgres"
	"github.com/fazt-sh/fazt/storage/storagetest"
)

func TestConformance(t *testing.T) {
	storagetest.Run(t, func(tb testing.TB) storagetest.Engine { return engine{database(tb)} })
}

type rest interface {
	storage.Blobs
	storage.Apps
	storage.Contents
	storage.Aliases
	storage.Environment
	storage.Peers
	storage.Revisions
	storage.Audits
	storage.Logs
	storage.Secrets
	storage.Certificates
	storage.Queries
	storage.Maintenance
}
type partial struct {
	*postgres.Store
	rest
}

type engine struct{ url string }

func (e engine) Open(tb testing.TB, quotas storage.Quotas) storage.Store {
	s, err := postgres.Open(tb.Context(), e.url, postgres.Options{Quotas: quotas})
	if err != nil {
		tb.Fatal(err)
	}
	return partial{Store: s}
}

func (e engine) Reopen(tb testing.TB) storage.Store { return e.Open(tb, storage.Quotas{}) }
