package fazt

import (
	"context"
	"log/slog"
)

// failuresOnly passes errors on to [slog.Default], as that is at the time, and drops
// all else: the log of a program that has not said where to log.
type failuresOnly struct {
	derived []func(slog.Handler) slog.Handler // WithAttrs and WithGroup, in order
}

func (failuresOnly) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelError && slog.Default().Enabled(ctx, level)
}

func (f failuresOnly) Handle(ctx context.Context, r slog.Record) error {
	h := slog.Default().Handler()
	for _, derive := range f.derived {
		h = derive(h)
	}
	return h.Handle(ctx, r)
}

func (f failuresOnly) WithAttrs(attrs []slog.Attr) slog.Handler {
	return f.with(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

func (f failuresOnly) WithGroup(name string) slog.Handler {
	return f.with(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (f failuresOnly) with(derive func(slog.Handler) slog.Handler) slog.Handler {
	return failuresOnly{append(f.derived[:len(f.derived):len(f.derived)], derive)}
}
