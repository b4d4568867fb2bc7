package postgres

import (
	"context"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// expired removes keys that have expired, each app's in its turn: they are counted till
// then.
func (w *sweeper) expired(ctx context.Context) error {
	type names struct{ users, keys []string }
	for {
		now := time.Now().UnixMilli()
		apps := make(map[string]*names)
		err := w.store.read(ctx, "sweep", `SELECT app, "user", key FROM kv WHERE expires_at > 0 AND expires_at <= $1 ORDER BY expires_at LIMIT $2`,
			[]any{now, sweepRows}, func(scan scanFunc) error {
				var app, user, key string
				if err := scan(&app, &user, &key); err != nil {
					return err
				}
				if apps[app] == nil {
					apps[app] = &names{}
				}
				apps[app].users, apps[app].keys = append(apps[app].users, user), append(apps[app].keys, key)
				return nil
			})
		if err != nil || len(apps) == 0 {
			return err
		}
		for app, gone := range apps {
			err := w.each(ctx, sweepRows, func(limit int) (int, error) {
				n := min(limit, len(gone.keys))
				users, keys := gone.users[:n], gone.keys[:n]
				gone.users, gone.keys = gone.users[n:], gone.keys[n:]
				if n == 0 {
					return 0, nil
				}
				return n, w.removeKeys(ctx, app, users, keys, now)
			})
			if err != nil {
				return err
			}
		}
	}
}

// removeKeys removes those of an app's keys that have expired, and not been set again.
func (w *sweeper) removeKeys(ctx context.Context, app string, users, keys []string, now int64) error {
	return w.store.write(ctx, app, "sweep", func(tx *writeTx) error {
		freed := int64(0)
		err := tx.returning(`DELETE FROM kv WHERE app = $1 AND expires_at > 0 AND expires_at <= $2
			AND ("user", key) IN (SELECT n."user", n.key FROM unnest($3::text[], $4::text[]) AS n ("user", key))
			RETURNING octet_length(key) + octet_length(value)`, []any{app, now, users, keys}, func(scan scanFunc) error {
			var size int64
			err := scan(&size)
			freed += size + storage.RowBytes
			return err
		})
		tx.grow(app, -freed)
		return err
	})
}

// ofRemoved are statements that remove what a removed app has left, as many rows as
// the second value says. Its indexes go first, so that their entries, which are next,
// get no company.
var ofRemoved = []string{
	`DELETE FROM indexes WHERE id IN (SELECT id FROM indexes WHERE app = $1 LIMIT $2)`,
	`DELETE FROM index_entries WHERE (app, index_id, "user", generation, value, seq) IN (
		SELECT app, index_id, "user", generation, value, seq FROM index_entries WHERE app = $1 LIMIT $2)`,
	`DELETE FROM kv WHERE (app, "user", key) IN (SELECT app, "user", key FROM kv WHERE app = $1 LIMIT $2)`,
	`DELETE FROM documents WHERE (app, "user", collection, seq) IN (
		SELECT app, "user", collection, seq FROM documents WHERE app = $1 LIMIT $2)`,
	`DELETE FROM collections WHERE (app, "user", name) IN (SELECT app, "user", name FROM collections WHERE app = $1 LIMIT $2)`,
	`DELETE FROM cleared WHERE (app, "user", generation) IN (SELECT app, "user", generation FROM cleared WHERE app = $1 LIMIT $2)`,
	`WITH gone AS (DELETE FROM blobs WHERE (app, "user", path) IN (SELECT app, "user", path FROM blobs WHERE app = $1 LIMIT $2) RETURNING body)
		INSERT INTO loose_bodies (id, sweep_at) SELECT body, ` + letGoUntil + ` FROM gone`,
	`DELETE FROM logs WHERE id IN (SELECT id FROM logs WHERE app = $1 LIMIT $2)`,
	`DELETE FROM env_vars WHERE (app, name) IN (SELECT app, name FROM env_vars WHERE app = $1 LIMIT $2)`,
	`DELETE FROM usage WHERE app IN (SELECT app FROM usage WHERE app = $1 LIMIT $2)`,
}

// removed deletes the data of removed apps. A request that was running when its app was
// removed may still write, so the app is remembered for an hour. Nobody counts what it
// stores any more, so it needs no turn.
func (w *sweeper) removed(ctx context.Context) error {
	old := time.Now().Add(-time.Hour).UnixMilli()
	apps, err := w.find(ctx, "SELECT id FROM removed_apps WHERE keep_data = 0")
	if err != nil {
		return err
	}
	for _, app := range apps {
		for _, statement := range ofRemoved {
			err := w.each(ctx, sweepRows, func(limit int) (int, error) {
				n, err := w.store.exec(ctx, "sweep", statement, app, limit)
				return int(n), err
			})
			if err != nil {
				return err
			}
		}
		if _, err := w.store.exec(ctx, "sweep", "DELETE FROM removed_apps WHERE id = $1 AND keep_data = 0 AND removed_at <= $2", app, old); err != nil {
			return err
		}
	}
	return nil
}

// cleared removes the documents of collections that were emptied, which nobody can see
// any more, with their entries in indexes, and then collections without documents.
func (w *sweeper) cleared(ctx context.Context) error {
	type generation struct {
		app, user, name string
		number          int64
	}
	gone, err := list(ctx, w.store, "sweep", func(scan scanFunc) (g generation, err error) {
		err = scan(&g.app, &g.user, &g.name, &g.number)
		return g, err
	}, `SELECT app, "user", name, generation FROM cleared`)
	if err != nil {
		return err
	}
	for _, g := range gone {
		err := w.removeRows(ctx, g.app, sweepRows, `DELETE FROM index_entries WHERE (app, index_id, "user", generation, value, seq) IN (
			SELECT e.app, e.index_id, e."user", e.generation, e.value, e.seq FROM indexes x
			JOIN index_entries e ON e.app = x.app AND e.index_id = x.id AND e."user" = $2 AND e.generation = $3
			WHERE x.app = $1 AND x.collection = $4 LIMIT $5)`, g.app, g.user, g.number, g.name)
		if err == nil {
			err = w.removeRows(ctx, g.app, sweepRows, `DELETE FROM documents WHERE (app, "user", collection, seq) IN (
				SELECT app, "user", collection, seq FROM documents WHERE app = $1 AND "user" = $2 AND collection = $3 LIMIT $4)`, g.app, g.user, g.number)
		}
		if err == nil {
			_, err = w.store.exec(ctx, "sweep", `DELETE FROM cleared WHERE app = $1 AND "user" = $2 AND generation = $3`, g.app, g.user, g.number)
		}
		if err != nil {
			return err
		}
	}
	apps, err := w.find(ctx, "SELECT DISTINCT app FROM collections WHERE count = 0")
	if err != nil {
		return err
	}
	for _, app := range apps {
		err := w.removeRows(ctx, app, sweepRows, `DELETE FROM collections WHERE count = 0 AND (app, "user", name) IN (
			SELECT app, "user", name FROM collections WHERE app = $1 AND count = 0 LIMIT $2)`, app)
		if err != nil {
			return err
		}
	}
	return nil
}
