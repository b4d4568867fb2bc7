package fazt

import (
	"context"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

// Logs returns lines of an app's log, oldest first. Up to 10,000 are kept, for
// 7 days. A line is stored within a second or so of the end of its request. app
// is a name or an id; one that does not exist is a [storage.CodeNotFound] error.
func (s *Server) Logs(ctx context.Context, app string, q api.LogQuery) ([]api.LogLine, error) {
	a, err := s.stored(ctx, "logs", app)
	if err != nil {
		return nil, err
	}
	stored, err := s.store.Logs(ctx, a.ID, storage.LogQuery(q))
	if err != nil {
		return nil, err
	}
	lines := make([]api.LogLine, len(stored))
	for i, l := range stored {
		lines[i] = api.LogLine{ID: l.ID, Time: l.Time.UTC(), Level: l.Level, Text: l.Text, RequestID: l.RequestID}
	}
	return lines, nil
}
