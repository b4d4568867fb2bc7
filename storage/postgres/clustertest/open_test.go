package clustertest_test

import (
	"context"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/postgres"
)

// partial has what is still to be written.
type partial struct {
	*postgres.Store
	storage.Queries
}

func (partial) Backup(context.Context, string, storage.Progress) error { return nil }

func openStore(ctx context.Context, url string, opt postgres.Options) (storage.Store, error) {
	s, err := postgres.Open(ctx, url, opt)
	if err != nil {
		return nil, err
	}
	return partial{Store: s}, nil
}
