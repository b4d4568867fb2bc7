package fazt

import (
	"context"
	"log/slog"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// What the tests of the log need of the inside.

const (
	LogInterval   = logInterval
	LogBatchLines = logBatchLines
	LogQueueBytes = logQueueBytes
	LogLineBytes  = logLineBytes
	LogAttempts   = logAttempts
	LogBurst      = logBurst
	LogRate       = logRate
	LogOverhead   = logOverhead
)

type LogAllowance = logAllowance

func (l *logAllowance) Take(size int) bool { return l.take(size) }

func (l *logAllowance) Lines(printed []runtime.Line) ([]runtime.Line, int) { return l.lines(printed) }

type LogWriter = logWriter

// StartLogWriter starts what stores lines by means of store.
func StartLogWriter(store func(context.Context, []storage.LogLine) error, logger *slog.Logger) *LogWriter {
	return startLogWriter(store, logger)
}

func (w *logWriter) Add(lines ...storage.LogLine) { w.add(lines) }

func (w *logWriter) Close() { w.close() }

// RevokeKeys takes back the API keys of that name.
func (s *Server) RevokeKeys(ctx context.Context, name string) error {
	keys, err := s.auth.Keys(ctx)
	for _, k := range keys {
		if err == nil && k.Name == name {
			err = s.auth.RevokeKey(ctx, k.ID)
		}
	}
	return err
}

// InFlight is how many requests are being answered, followers of logs among them.
func (s *Server) InFlight() int64 { return s.stats.inFlight.Load() }
