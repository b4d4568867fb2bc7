package sqlite

import (
	"context"
	"database/sql/driver"
	"maps"
	"slices"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

const envSet = `INSERT INTO env_vars (app, name, value_sealed, updated_at) VALUES (?, ?, ?, ?)
	ON CONFLICT (app, name) DO UPDATE SET value_sealed = excluded.value_sealed, updated_at = excluded.updated_at`

// Env implements [storage.Environment].
func (s *Store) Env(ctx context.Context, appID string) (map[string]string, error) {
	pairs, err := list(ctx, s, "env", func(row []driver.Value) [2]string {
		return [2]string{row[0].(string), row[1].(string)}
	}, "SELECT name, value_sealed FROM env_vars WHERE app = ?", appID)
	if err != nil {
		return nil, err
	}
	vars := make(map[string]string, len(pairs))
	for _, pair := range pairs {
		vars[pair[0]] = pair[1]
	}
	return vars, nil
}

// SetEnv implements [storage.Environment].
func (s *Store) SetEnv(ctx context.Context, appID string, vars map[string]string) error {
	const op = "setEnv"
	for name, value := range vars {
		if err := storage.CheckEnv(op, name, value); err != nil {
			return err
		}
	}
	return s.change(ctx, op, "env.set", func(tx *writeTx) (string, any, error) {
		row, err := tx.conn.queryRow("SELECT name FROM apps WHERE id = ?", appID)
		if err == nil && row == nil {
			err = errNotFound(op, "no such app")
		}
		if err != nil {
			return "", nil, err
		}
		names := slices.Sorted(maps.Keys(vars))
		now := time.Now().UnixMilli()
		for _, name := range names {
			if _, err := tx.write(envSet, appID, name, vars[name], now); err != nil {
				return "", nil, err
			}
		}
		return row[0].(string), envDetails{appID, names}, nil
	})
}

// envDetails is what the audit log says about a change of variables: not their
// values.
type envDetails struct {
	App   string   `json:"app_id"`
	Names []string `json:"names"`
}

// UnsetEnv implements [storage.Environment].
func (s *Store) UnsetEnv(ctx context.Context, appID, name string) error {
	const op = "unsetEnv"
	return s.change(ctx, op, "env.unset", func(tx *writeTx) (string, any, error) {
		n, err := tx.write("DELETE FROM env_vars WHERE app = ? AND name = ?", appID, name)
		if err == nil && n == 0 {
			err = errNotFound(op, "no such variable")
		}
		if err != nil {
			return "", nil, err
		}
		app, err := appName(tx, appID)
		return app, envDetails{appID, []string{name}}, err
	})
}

// appName returns the name of an app that is there or was removed and has left
// its data, or else its id.
func appName(tx *writeTx, id string) (string, error) {
	row, err := tx.conn.queryRow("SELECT name FROM apps WHERE id = ? UNION ALL SELECT name FROM removed_apps WHERE id = ?", id, id)
	if err != nil || row == nil {
		return id, err
	}
	return row[0].(string), nil
}
