package postgres

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

// Env implements [storage.Environment].
func (s *Store) Env(ctx context.Context, appID string) (map[string]storage.Variable, error) {
	vars := make(map[string]storage.Variable)
	err := s.read(ctx, "env", "SELECT name, value_sealed, updated_at FROM env_vars WHERE app = $1", []any{appID}, func(scan scanFunc) error {
		var name string
		var v storage.Variable
		var at int64
		err := scan(&name, &v.Sealed, &at)
		v.UpdatedAt = time.UnixMilli(at)
		vars[name] = v
		return err
	})
	if err != nil {
		return nil, err
	}
	return vars, nil
}

// SetEnv implements [storage.Environment].
func (s *Store) SetEnv(ctx context.Context, appID string, sealed map[string][]byte, fingerprint string) error {
	const op = "setEnv"
	if err := calls.CheckSealed(op, sealed); err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(sealed))
	return s.change(ctx, op, "env.set", func(tx *writeTx) (app string, _ any, err error) {
		err = tx.each("SELECT name FROM apps WHERE id = $1", []any{appID}, func(scan scanFunc) error { return scan(&app) })
		if err == nil && app == "" {
			err = errNotFound(op, "no such app")
		}
		if err == nil {
			err = storage.UseSealKey(tx.sql(op), op, fingerprint)
		}
		if err != nil {
			return "", nil, err
		}
		now := time.Now().UnixMilli()
		for _, name := range names {
			value := append([]byte{}, sealed[name]...) // nil would be NULL
			_, err := tx.exec(`INSERT INTO env_vars (app, name, value_sealed, updated_at) VALUES ($1, $2, $3, $4)
				ON CONFLICT (app, name) DO UPDATE SET value_sealed = excluded.value_sealed, updated_at = excluded.updated_at`,
				appID, name, value, now)
			if err != nil {
				return "", nil, err
			}
		}
		return app, calls.EnvDetails{App: appID, Names: names}, nil
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
		n, err := tx.exec("DELETE FROM env_vars WHERE app = $1 AND name = $2", appID, name)
		if err == nil && n == 0 {
			err = errNotFound(op, "there is no variable "+name+"; list the app's variables to see their names")
		}
		if err != nil {
			return "", nil, err
		}
		// The app may have been removed and have left its data.
		app := appID
		err = tx.each("SELECT name FROM apps WHERE id = $1 UNION ALL SELECT name FROM removed_apps WHERE id = $1", []any{appID},
			func(scan scanFunc) error { return scan(&app) })
		return app, calls.EnvDetails{App: appID, Names: []string{name}}, err
	})
}
