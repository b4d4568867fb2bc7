package fazt

import (
	"context"
	"time"

	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/internal/site"
	"github.com/fazt-sh/fazt/storage"
)

// beginDeploy waits until no other deploy is under way: so what deploys hold in
// memory is what one holds, and they have one processor at most.
func (s *Server) beginDeploy(ctx context.Context) (end func(), err error) {
	select {
	case s.deploying <- struct{}{}:
		return func() { <-s.deploying }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// storeFiles writes what a deploy's files have to the store, as work of the app: it
// has a place among those of the app's requests, and a slot for each slice in which
// it computes.
func (s *Server) storeFiles(ctx context.Context, name string, app *site.Site) ([]storage.File, error) {
	pass, err := s.slots.Enter(ctx, budget.Caller{Flow: name, NoSample: true})
	if err != nil {
		return nil, err
	}
	defer pass.Done()
	pass.Leave()
	var computed time.Duration
	app.Turn = func(ctx context.Context, slice func() error) error {
		if err := pass.Resume(ctx); err != nil {
			return err
		}
		start := time.Now()
		err := slice()
		computed += time.Since(start)
		pass.Leave()
		return err
	}
	// In the store's queue a deploy goes by the name, where the app's writes go by its
	// id: who deploys an app that floods the writer need not wait behind it.
	app.App = name
	files, err := app.Store(ctx, s.store)
	if err == nil {
		s.stats.counters(name).processor.Add(int64(computed))
	}
	return files, err
}
