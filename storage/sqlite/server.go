package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// serverTables is the step that brought aliases, variables and logs.
const serverTables = `
CREATE TABLE aliases (
	label      TEXT NOT NULL PRIMARY KEY,
	kind       TEXT NOT NULL, -- app, redirect, reserved, split
	app        TEXT NOT NULL, -- a name
	url        TEXT NOT NULL,
	split      TEXT NOT NULL, -- JSON
	updated_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE env_vars (
	app        TEXT NOT NULL,
	name       TEXT NOT NULL,
	value      TEXT NOT NULL,
	updated_at INTEGER NOT NULL,
	PRIMARY KEY (app, name)
) WITHOUT ROWID;

CREATE TABLE logs (
	id         INTEGER PRIMARY KEY, -- in the order of time, as far as one process tells it
	app        TEXT NOT NULL,
	at         INTEGER NOT NULL,
	level      TEXT NOT NULL,
	text       TEXT NOT NULL,
	request_id TEXT NOT NULL
);
CREATE INDEX logs_app ON logs (app, id);

CREATE TABLE keys (
	name       TEXT NOT NULL PRIMARY KEY,
	key_secret BLOB NOT NULL
) WITHOUT ROWID;

ALTER TABLE deployments ADD COLUMN indexes TEXT NOT NULL DEFAULT '{}'; -- JSON
`

const selectAlias = "SELECT label, kind, app, url, split FROM aliases "

func alias(row []driver.Value) storage.Alias {
	a := storage.Alias{
		Label: row[0].(string),
		Kind:  storage.AliasKind(row[1].(string)),
		App:   row[2].(string),
		URL:   row[3].(string),
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
	found, err := list(ctx, s, "alias", alias, selectAlias+"WHERE label = ?", label)
	if err == nil && len(found) == 0 {
		err = errNotFound("alias", "no such alias")
	}
	if err != nil {
		return storage.Alias{}, err
	}
	return found[0], nil
}

// SetAlias implements [storage.Aliases].
func (s *Store) SetAlias(ctx context.Context, a storage.Alias) error {
	const op = "setAlias"
	if err := storage.CheckAlias(op, a); err != nil {
		return err
	}
	split := ""
	if a.Kind == storage.AliasSplit {
		text, err := json.Marshal(a.Split)
		if err != nil {
			return err
		}
		split = string(text)
	}
	return s.change(ctx, op, func(tx *writeTx) error {
		apps := []string{a.App}
		for _, w := range a.Split {
			apps = append(apps, w.App)
		}
		for _, name := range apps {
			if name == "" {
				continue
			}
			n, err := tx.conn.queryInt("SELECT count(*) FROM apps WHERE name = ?", name)
			if err == nil && n == 0 {
				err = &storage.Error{Code: storage.CodeNotFound, Op: op, Path: name, Msg: "no app of that name", Hint: "deploy it first"}
			}
			if err != nil {
				return err
			}
		}
		_, err := tx.write(`INSERT INTO aliases (label, kind, app, url, split, updated_at) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (label) DO UPDATE SET kind = excluded.kind, app = excluded.app, url = excluded.url,
			split = excluded.split, updated_at = excluded.updated_at`,
			a.Label, string(a.Kind), a.App, a.URL, split, time.Now().UnixMilli())
		return err
	})
}

// change runs fn in a transaction that counts the revision up.
func (s *Store) change(ctx context.Context, op string, fn func(*writeTx) error) error {
	return wrap(op, s.writer.do(ctx, op, func(tx *writeTx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return s.revise(tx)
	}))
}

// RemoveAlias implements [storage.Aliases].
func (s *Store) RemoveAlias(ctx context.Context, label string) error {
	const op = "removeAlias"
	return s.change(ctx, op, func(tx *writeTx) error {
		n, err := tx.write("DELETE FROM aliases WHERE label = ?", label)
		if err == nil && n == 0 {
			err = errNotFound(op, "no such alias")
		}
		return err
	})
}

// SwapAliases implements [storage.Aliases].
func (s *Store) SwapAliases(ctx context.Context, a, b string) error {
	const op = "swapAliases"
	if a == b {
		return &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "the labels are the same"}
	}
	// No label is empty, so that one is free to pass through.
	moves := [][2]string{{a, ""}, {b, a}, {"", b}}
	return s.change(ctx, op, func(tx *writeTx) error {
		for _, move := range moves {
			n, err := tx.write("UPDATE aliases SET label = ?, updated_at = ? WHERE label = ?", move[1], time.Now().UnixMilli(), move[0])
			if err == nil && n == 0 {
				err = &storage.Error{Code: storage.CodeNotFound, Op: op, Path: move[0], Msg: "no such alias"}
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Env implements [storage.Environment].
func (s *Store) Env(ctx context.Context, appID string) (map[string]string, error) {
	pairs, err := list(ctx, s, "env", func(row []driver.Value) [2]string {
		return [2]string{row[0].(string), row[1].(string)}
	}, "SELECT name, value FROM env_vars WHERE app = ?", appID)
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
	return s.change(ctx, op, func(tx *writeTx) error {
		n, err := tx.conn.queryInt("SELECT count(*) FROM apps WHERE id = ?", appID)
		if err == nil && n == 0 {
			err = errNotFound(op, "no such app")
		}
		now := time.Now().UnixMilli()
		for name, value := range vars {
			if err == nil {
				_, err = tx.write(`INSERT INTO env_vars (app, name, value, updated_at) VALUES (?, ?, ?, ?)
					ON CONFLICT (app, name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at`,
					appID, name, value, now)
			}
		}
		return err
	})
}

// UnsetEnv implements [storage.Environment].
func (s *Store) UnsetEnv(ctx context.Context, appID, name string) error {
	const op = "unsetEnv"
	return s.change(ctx, op, func(tx *writeTx) error {
		n, err := tx.write("DELETE FROM env_vars WHERE app = ? AND name = ?", appID, name)
		if err == nil && n == 0 {
			err = errNotFound(op, "no such variable")
		}
		return err
	})
}

// AppendLogs implements [storage.Logs].
func (s *Store) AppendLogs(ctx context.Context, lines []storage.LogLine) error {
	const op = "appendLogs"
	for _, l := range lines {
		if err := storage.CheckKey(op, "app id", l.App); err != nil {
			return err
		}
	}
	if len(lines) == 0 {
		return nil
	}
	err := s.writer.do(ctx, op, func(tx *writeTx) error {
		for _, l := range lines {
			id, err := tx.next()
			if err == nil {
				_, err = tx.write("INSERT INTO logs (id, app, at, level, text, request_id) VALUES (?, ?, ?, ?, ?, ?)",
					id, l.App, l.Time.UnixMilli(), l.Level, logText(l.Text), l.RequestID)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.sweeper.logged(lines)
	}
	return wrap(op, err)
}

// logText is what is kept of a line.
func logText(s string) string {
	if len(s) > storage.MaxLogText {
		s = s[:storage.MaxLogText]
	}
	return strings.ToValidUTF8(s, "")
}

// Logs implements [storage.Logs].
func (s *Store) Logs(ctx context.Context, appID string, after int64, limit int) ([]storage.LogLine, error) {
	const op = "logs"
	if _, err := rowLimit(op, limit); err != nil {
		return nil, err
	}
	if limit == 0 {
		limit = storage.MaxRows
	}
	order := "ASC"
	if after == 0 {
		order = "DESC" // the newest
	}
	lines, err := list(ctx, s, op, func(row []driver.Value) storage.LogLine {
		return storage.LogLine{ID: row[0].(int64), App: appID, Time: time.UnixMilli(row[1].(int64)),
			Level: row[2].(string), Text: row[3].(string), RequestID: row[4].(string)}
	}, "SELECT id, at, level, text, request_id FROM logs WHERE app = ? AND id > ? ORDER BY id "+order+" LIMIT ?", appID, after, limit)
	if after == 0 {
		slices.Reverse(lines)
	}
	return lines, err
}

// Secret implements [storage.Catalogue].
func (s *Store) Secret(ctx context.Context, name string) ([]byte, error) {
	const op, get = "secret", "SELECT key_secret FROM keys WHERE name = ?"
	if err := storage.CheckKey(op, "name", name); err != nil {
		return nil, err
	}
	found, err := list(ctx, s, op, func(row []driver.Value) []byte { return row[0].([]byte) }, get, name)
	if err != nil || len(found) > 0 {
		return slices.Concat(found...), err
	}
	fresh := make([]byte, 32)
	rand.Read(fresh)
	var kept []byte
	err = s.writer.do(ctx, op, func(tx *writeTx) error {
		if _, err := tx.write("INSERT INTO keys (name, key_secret) VALUES (?, ?) ON CONFLICT DO NOTHING", name, fresh); err != nil {
			return err
		}
		row, err := tx.conn.queryRow(get, name)
		if err == nil {
			kept = row[0].([]byte)
		}
		return err
	})
	if err != nil {
		return nil, wrap(op, err)
	}
	return kept, nil
}
