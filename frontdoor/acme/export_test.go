package acme

import (
	"context"
	"log/slog"

	"go.uber.org/zap"

	"github.com/fazt-sh/fazt/storage"
)

// Keeper is what certmagic stores through.
type Keeper = keeper

// NewKeeper makes one that keeps its locks until ctx ends.
func NewKeeper(ctx context.Context, store storage.Certificates, log *slog.Logger) *Keeper {
	return newKeeper(ctx, store, log)
}

// NewLogger makes a logger as certmagic gets it.
func NewLogger(h slog.Handler) *zap.Logger { return zap.New(&slogCore{handler: h}) }
