package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

const selectAlias = "SELECT label, kind, app, version, url, split FROM aliases "

func alias(scan scanFunc) (storage.Alias, error) {
	var a storage.Alias
	var split string
	err := scan(&a.Label, &a.Kind, &a.App, &a.Version, &a.URL, &split)
	if split != "" {
		// SetAlias has written it; what somebody else wrote splits nothing.
		_ = json.Unmarshal([]byte(split), &a.Split)
	}
	return a, err
}

// Aliases implements [storage.Aliases].
func (s *Store) Aliases(ctx context.Context) ([]storage.Alias, error) {
	return list(ctx, s, "aliases", alias, selectAlias+"ORDER BY label")
}

// Alias implements [storage.Aliases].
func (s *Store) Alias(ctx context.Context, label string) (storage.Alias, error) {
	return only(ctx, s, "alias", "no such alias", alias, selectAlias+"WHERE label = $1", label)
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
	_, err = tx.exec(`INSERT INTO aliases (label, kind, app, version, url, split, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (label) DO UPDATE SET kind = excluded.kind, app = excluded.app, version = excluded.version,
		url = excluded.url, split = excluded.split, updated_at = excluded.updated_at`,
		a.Label, string(a.Kind), a.App, a.Version, a.URL, split, time.Now().UnixMilli())
	return err
}

// checkTarget refuses an app that does not exist, and a version that is not kept.
func checkTarget(tx *writeTx, op, app string, version int) error {
	var there, kept bool
	err := tx.each(`SELECT (SELECT count(*) FROM deployments d WHERE d.app = a.id AND d.version = $2) > 0 FROM apps a WHERE a.name = $1`,
		[]any{app, version}, func(scan scanFunc) error { there = true; return scan(&kept) })
	if err != nil {
		return err
	}
	return calls.CheckTarget(op, app, version, there, kept)
}

// RemoveAlias implements [storage.Aliases].
func (s *Store) RemoveAlias(ctx context.Context, label string) error {
	const op = "removeAlias"
	return s.change(ctx, op, "alias.remove", func(tx *writeTx) (string, any, error) {
		n, err := tx.exec("DELETE FROM aliases WHERE label = $1", label)
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
			n, err := tx.exec("UPDATE aliases SET label = $1, updated_at = $2 WHERE label = $3", move[1], time.Now().UnixMilli(), move[0])
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
