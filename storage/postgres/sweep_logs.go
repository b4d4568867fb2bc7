package postgres

import (
	"context"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// logs removes old lines, and those beyond what an app may keep. Ids follow time, so
// the oldest line tells whether there is anything old.
func (w *sweeper) logs(ctx context.Context) error {
	old := time.Now().Add(-storage.LogAge).UnixMilli()
	err := w.each(ctx, sweepRows, func(limit int) (int, error) {
		n, err := w.store.exec(ctx, "sweep", "DELETE FROM logs WHERE id IN (SELECT id FROM logs ORDER BY id LIMIT $1) AND at <= $2", limit, old)
		return int(n), err
	})
	if err != nil {
		return err
	}
	apps, newest, err := w.printed(ctx)
	if err != nil {
		return err
	}
	for _, app := range apps {
		if err := w.cutLog(ctx, app); err != nil {
			return err
		}
	}
	w.logged = newest
	return nil
}

// printed returns the apps whose logs may have grown: those with lines since the last
// pass, or all where that is not known.
func (w *sweeper) printed(ctx context.Context) (apps []string, newest int64, err error) {
	err = w.store.read(ctx, "sweep", "SELECT coalesce(max(id), 0) FROM logs", nil, func(scan scanFunc) error { return scan(&newest) })
	if err != nil || newest == w.logged {
		return nil, newest, err
	}
	if w.logged == 0 {
		apps, err = w.find(ctx, "SELECT id FROM apps")
	} else {
		apps, err = w.find(ctx, "SELECT DISTINCT app FROM logs WHERE id > $1", w.logged)
	}
	return apps, newest, err
}

// cutLog removes an app's lines beyond those that it may keep.
func (w *sweeper) cutLog(ctx context.Context, app string) error {
	s := w.store
	var last int64
	err := s.read(ctx, "sweep", "SELECT id FROM logs WHERE app = $1 ORDER BY id DESC LIMIT 1 OFFSET $2", []any{app, storage.LogLines},
		func(scan scanFunc) error { return scan(&last) })
	if err != nil || last == 0 {
		return err
	}
	return w.each(ctx, sweepRows, func(limit int) (int, error) {
		n, err := s.exec(ctx, "sweep", "DELETE FROM logs WHERE id IN (SELECT id FROM logs WHERE app = $1 AND id <= $2 ORDER BY id LIMIT $3)", app, last, limit)
		return int(n), err
	})
}

// audit removes the oldest entries of the audit log. It looks for them when the
// newest is another than it was.
func (w *sweeper) audit(ctx context.Context) error {
	newest, err := w.find(ctx, "SELECT id FROM audit ORDER BY id DESC LIMIT 1")
	if err != nil || len(newest) == 0 || newest[0] == w.audited {
		return err
	}
	last, err := w.find(ctx, "SELECT id FROM audit ORDER BY id DESC LIMIT 1 OFFSET $1", storage.AuditRows)
	if err == nil && len(last) > 0 {
		err = w.each(ctx, sweepRows, func(limit int) (int, error) {
			n, err := w.store.exec(ctx, "sweep", "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE id <= $1 ORDER BY id LIMIT $2)", last[0], limit)
			return int(n), err
		})
	}
	if err == nil {
		w.audited = newest[0]
	}
	return err
}
