package sqlite

import (
	"context"
	"database/sql/driver"
	"maps"
	"slices"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

const envSet = `INSERT INTO env_vars (app, name, value_sealed, updated_at) VALUES (?, ?, ?, ?)
	ON CONFLICT (app, name) DO UPDATE SET value_sealed = excluded.value_sealed, updated_at = excluded.updated_at`

// Env implements [storage.Environment].
func (s *Store) Env(ctx context.Context, appID string) (map[string]storage.Variable, error) {
	type variable struct {
		name string
		storage.Variable
	}
	found, err := list(ctx, s, "env", func(row []driver.Value) variable {
		return variable{row[0].(string), storage.Variable{Sealed: row[1].([]byte), UpdatedAt: time.UnixMilli(row[2].(int64))}}
	}, "SELECT name, value_sealed, updated_at FROM env_vars WHERE app = ?", appID)
	if err != nil {
		return nil, err
	}
	vars := make(map[string]storage.Variable, len(found))
	for _, v := range found {
		vars[v.name] = v.Variable
	}
	return vars, nil
}

// SetEnv implements [storage.Environment].
func (s *Store) SetEnv(ctx context.Context, appID string, sealed map[string][]byte, fingerprint string) error {
	const op = "setEnv"
	if err := calls.CheckSealed(op, sealed); err != nil {
		return err
	}
	return s.change(ctx, op, "env.set", func(tx *writeTx) (string, any, error) {
		row, err := tx.conn.queryRow("SELECT name FROM apps WHERE id = ?", appID)
		if err == nil && row == nil {
			err = errNotFound(op, "no such app")
		}
		if err == nil {
			err = storage.UseSealKey(&sqlTx{session{ctx, tx.conn, tx}, op}, op, fingerprint)
		}
		if err != nil {
			return "", nil, err
		}
		names := slices.Sorted(maps.Keys(sealed))
		now := time.Now().UnixMilli()
		for _, name := range names {
			if _, err := tx.write(envSet, appID, name, sealed[name], now); err != nil {
				return "", nil, err
			}
		}
		return row[0].(string), calls.EnvDetails{App: appID, Names: names}, nil
	})
}

// SealKey implements [storage.Environment].
func (s *Store) SealKey(ctx context.Context) (fingerprint string, err error) {
	err = s.Read(ctx, func(tx storage.SQL) (err error) {
		fingerprint, err = storage.ReadSealKey(tx)
		return err
	})
	return fingerprint, err
}

// UnsetEnv implements [storage.Environment].
func (s *Store) UnsetEnv(ctx context.Context, appID, name string) error {
	const op = "unsetEnv"
	return s.change(ctx, op, "env.unset", func(tx *writeTx) (string, any, error) {
		n, err := tx.write("DELETE FROM env_vars WHERE app = ? AND name = ?", appID, name)
		if err == nil && n == 0 {
			err = errNotFound(op, "there is no variable "+name+"; list the app's variables to see their names")
		}
		if err != nil {
			return "", nil, err
		}
		app, err := appName(tx, appID)
		return app, calls.EnvDetails{App: appID, Names: []string{name}}, err
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
