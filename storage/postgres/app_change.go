package postgres

import (
	"context"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

// RemoveApp implements [storage.Apps]. The data goes in the background, on this server
// if no other is sweeping.
func (s *Store) RemoveApp(ctx context.Context, appID string, keepData bool) error {
	const op = "removeApp"
	err := s.change(ctx, op, "app.remove", func(tx *writeTx) (string, any, error) {
		name, err := removeApp(tx, op, appID, keepData)
		return name, map[string]any{"app_id": appID, "keep_data": keepData}, err
	})
	if err == nil && !keepData {
		s.sweeper.now()
	}
	return err
}

// removeApp returns the name that the app had.
func removeApp(tx *writeTx, op, id string, keepData bool) (name string, err error) {
	keep := 0
	if keepData {
		keep = 1
	}
	now := time.Now().UnixMilli()
	err = tx.returning(`INSERT INTO removed_apps (id, name, version, keep_data, created_at, removed_at, title, tags, visibility)
		SELECT id, name, version, $2, created_at, $3, title, tags, visibility FROM apps WHERE id = $1 RETURNING name`,
		[]any{id, keep, now}, func(scan scanFunc) error { return scan(&name) })
	if err != nil {
		return "", err
	}
	if name == "" {
		return removeKept(tx, op, id, keepData, now)
	}
	var versions []int64
	err = tx.each("SELECT version FROM deployments WHERE app = $1", []any{id}, func(scan scanFunc) error {
		var v int64
		err := scan(&v)
		versions = append(versions, v)
		return err
	})
	if err == nil {
		err = dropVersions(tx, id, versions)
	}
	if err == nil {
		_, err = tx.exec("DELETE FROM apps WHERE id = $1", id)
	}
	return name, err
}

// removeKept removes the data of an app that was removed without it.
func removeKept(tx *writeTx, op, id string, keepData bool, now int64) (name string, err error) {
	if !keepData {
		err = tx.returning("UPDATE removed_apps SET keep_data = 0, removed_at = $1 WHERE id = $2 AND keep_data = 1 RETURNING name", []any{now, id},
			func(scan scanFunc) error { return scan(&name) })
	}
	if err == nil && name == "" {
		err = errNotFound(op, "no such app")
	}
	return name, err
}

// ChangeApp implements [storage.Apps].
func (s *Store) ChangeApp(ctx context.Context, appID string, change storage.AppChange) error {
	const op = "changeApp"
	if err := storage.CheckAppChange(op, change); err != nil {
		return err
	}
	details, tags, err := calls.AppChange(appID, change)
	if err != nil {
		return err
	}
	return s.change(ctx, op, "app.change", func(tx *writeTx) (name string, _ any, err error) {
		err = tx.returning(`UPDATE apps SET title = coalesce($1, title), tags = coalesce($2, tags), visibility = coalesce($3, visibility)
			WHERE id = $4 RETURNING name`, []any{change.Title, tags, change.Visibility, appID}, func(scan scanFunc) error { return scan(&name) })
		if err == nil && name == "" {
			err = errNotFound(op, "no such app")
		}
		return name, details, err
	})
}
