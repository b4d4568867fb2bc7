package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

const (
	selectAlias  = "SELECT label, kind, app, url, split, version FROM aliases "
	aliasByLabel = selectAlias + "WHERE label = ?"
)

func alias(row []driver.Value) storage.Alias {
	a := storage.Alias{
		Label: row[0].(string),
		Kind:  storage.AliasKind(row[1].(string)),
		App:   row[2].(string),
		URL:   row[3].(string),

		Version: int(row[5].(int64)),
	}
	if text := row[4].(string); text != "" {
		// SetAlias has written it; what somebody else wrote splits nothing.
		_ = json.Unmarshal([]byte(text), &a.Split)
	}
	return a
}

// Aliases implements [storage.Aliases].
func (s *Store) Aliases(ctx context.Context) ([]storage.Alias, error) {
	return list(ctx, s, "aliases", alias, selectAlias+"ORDER BY label")
}

// Alias implements [storage.Aliases].
func (s *Store) Alias(ctx context.Context, label string) (storage.Alias, error) {
	return one(ctx, s, "alias", "no such alias", alias, aliasByLabel, label)
}

// SetAlias implements [storage.Aliases].
func (s *Store) SetAlias(ctx context.Context, a storage.Alias) error {
	const op = "setAlias"
	split, details, err := calls.Alias(op, a)
	if err != nil {
		return err
	}
	return s.change(ctx, op, "alias.set", func(tx *writeTx) (string, any, error) {
		return a.Label, details, setAlias(tx, op, a, split)
	})
}

func setAlias(tx *writeTx, op string, a storage.Alias, split string) error {
	err := calls.AliasTargets(a, func(app string, version int) error { return checkTarget(tx, op, app, version) })
	if err != nil {
		return err
	}
	_, err = tx.write(`INSERT INTO aliases (label, kind, app, version, url, split, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (label) DO UPDATE SET kind = excluded.kind, app = excluded.app, version = excluded.version,
			url = excluded.url, split = excluded.split, updated_at = excluded.updated_at`,
		a.Label, string(a.Kind), a.App, a.Version, a.URL, split, time.Now().UnixMilli())
	return err
}

// checkTarget refuses an app that does not exist, and a version that is not kept.
func checkTarget(tx *writeTx, op, app string, version int) error {
	n, err := tx.conn.queryInt("SELECT count(*) FROM apps WHERE name = ?", app)
	there, kept := n > 0, int64(0)
	if err == nil && there && version != 0 {
		kept, err = tx.conn.queryInt("SELECT count(*) FROM apps a JOIN deployments d ON d.app = a.id WHERE a.name = ? AND d.version = ?", app, version)
	}
	if err != nil {
		return err
	}
	return calls.CheckTarget(op, app, version, there, kept > 0)
}

// RemoveAlias implements [storage.Aliases].
func (s *Store) RemoveAlias(ctx context.Context, label string) error {
	const op = "removeAlias"
	return s.change(ctx, op, "alias.remove", func(tx *writeTx) (string, any, error) {
		n, err := tx.write("DELETE FROM aliases WHERE label = ?", label)
		if err == nil && n == 0 {
			err = errNotFound(op, "no such alias")
		}
		return label, nil, err
	})
}

// SwapAliases implements [storage.Aliases].
func (s *Store) SwapAliases(ctx context.Context, a, b string) error {
	const op = "swapAliases"
	moves, err := calls.Swap(op, a, b)
	if err != nil {
		return err
	}
	return s.change(ctx, op, "alias.swap", func(tx *writeTx) (string, any, error) {
		for _, move := range moves {
			n, err := tx.write("UPDATE aliases SET label = ?, updated_at = ? WHERE label = ?", move[1], time.Now().UnixMilli(), move[0])
			if err == nil && n == 0 {
				err = &storage.Error{Code: storage.CodeNotFound, Op: op, Path: move[0], Msg: "no such alias"}
			}
			if err != nil {
				return "", nil, err
			}
		}
		return a, map[string]any{"with": b}, nil
	})
}
