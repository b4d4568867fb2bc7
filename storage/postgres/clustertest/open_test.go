package clustertest_test

import (
	"context"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/postgres"
)

func openStore(ctx context.Context, url string, opt postgres.Options) (storage.Store, error) {
	s, err := postgres.Open(ctx, url, opt)
	if err != nil {
		return nil, err
	}
	return s, nil
}
