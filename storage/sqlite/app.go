package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

// newID returns a random id of 130 bits.
func newID() string { return strings.ToLower(rand.Text()) }

// Publish implements [storage.Apps].
func (s *Store) Publish(ctx context.Context, d storage.NewDeployment, keep int) (storage.Deployment, error) {
	const op = "publish"
	if err := calls.CheckDeployment(op, d, keep); err != nil {
		return storage.Deployment{}, err
	}
	return s.newVersion(ctx, op, "app.publish", keep, func(tx *writeTx) (made storage.Deployment, indexes map[string][]string, details any, err error) {
		d.Source.By, d.Source.Restored = calls.WhoIs(api.ActorFrom(ctx)), 0
		made, err = publish(tx, op, d)
		return made, d.Indexes, calls.PublishDetails{App: made.AppID, Version: made.Version, Files: made.Files, Size: made.Size}, err
	})
}

// Rollback implements [storage.Apps].
func (s *Store) Rollback(ctx context.Context, appID string, version, keep int) (storage.Deployment, error) {
	const op = "rollback"
	if err := calls.CheckKeep(op, keep); err != nil {
		return storage.Deployment{}, err
	}
	return s.newVersion(ctx, op, "app.rollback", keep, func(tx *writeTx) (made storage.Deployment, indexes map[string][]string, details any, err error) {
		made, indexes, err = rollback(tx, op, appID, version, calls.WhoIs(api.ActorFrom(ctx)))
		return made, indexes, calls.RollbackDetails{App: appID, Version: made.Version, Restored: version}, err
	})
}

// newVersion runs fn, which makes a version the app's current one, and does what
// belongs to that.
func (s *Store) newVersion(ctx context.Context, op, action string, keep int,
	fn func(*writeTx) (made storage.Deployment, indexes map[string][]string, details any, err error),
) (storage.Deployment, error) {
	var made storage.Deployment
	unfinished := false
	err := s.change(ctx, op, action, func(tx *writeTx) (string, any, error) {
		d, indexes, details, err := fn(tx)
		if err != nil {
			return "", nil, err
		}
		made = d
		if err = dropBeyond(tx, made, keep); err != nil {
			return "", nil, err
		}
		unfinished, err = declareIndexes(tx, made.AppID, indexes)
		return made.Name, details, err
	})
	if err != nil {
		return storage.Deployment{}, err
	}
	if unfinished {
		s.indexer.now()
	}
	return made, nil
}

func publish(tx *writeTx, op string, d storage.NewDeployment) (storage.Deployment, error) {
	now := time.Now()
	id, version, err := nextVersion(tx, d.Name, now)
	if err != nil {
		return storage.Deployment{}, err
	}
	made := calls.Deployment(d, id, version, now)
	for _, f := range d.Files {
		if err := addFile(tx, op, id, version, f); err != nil {
			return storage.Deployment{}, err
		}
	}
	if err := doubtHashes(tx, id, version); err != nil {
		return storage.Deployment{}, err
	}
	indexes, err := json.Marshal(d.Indexes)
	if err != nil {
		return storage.Deployment{}, err
	}
	return made, recordDeployment(tx, made, string(indexes))
}

func recordDeployment(tx *writeTx, d storage.Deployment, indexes string) error {
	source, err := json.Marshal(d.Source)
	if err != nil {
		return err
	}
	_, err = tx.write(`INSERT INTO deployments (app, version, manifest, engine, files, size, created_at, indexes, reason, source)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		d.AppID, d.Version, string(d.Manifest), d.Engine, d.Files, d.Size, d.CreatedAt.UnixMilli(), indexes, d.Reason, string(source))
	return err
}

// rollback makes a new version of a kept one. Its content is there: the kept
// version refers to it.
func rollback(tx *writeTx, op, id string, version int, by string) (made storage.Deployment, indexes map[string][]string, err error) {
	row, err := tx.conn.queryRow(`SELECT d.app, a.name, a.version + 1, d.manifest, d.engine, d.files, d.size, ?, d.reason, d.source, d.indexes
		FROM apps a JOIN deployments d ON d.app = a.id WHERE a.id = ? AND d.version = ?`, time.Now().UnixMilli(), id, version)
	if err == nil && row == nil {
		err = errNotFound(op, fmt.Sprintf("there is no version %d of the app", version))
	}
	if err != nil {
		return storage.Deployment{}, nil, err
	}
	made = deployment(row)
	calls.Restored(&made.Source, by, version)
	text := row[10].(string)
	if err := json.Unmarshal([]byte(text), &indexes); err != nil {
		return storage.Deployment{}, nil, err
	}
	_, err = tx.write(`INSERT INTO files (app, version, path, hash, size, hashed)
		SELECT app, ?, path, hash, size, hashed FROM files WHERE app = ? AND version = ?`, made.Version, id, version)
	if err == nil {
		err = doubtHashes(tx, id, made.Version)
	}
	if err == nil {
		_, err = tx.write("UPDATE apps SET version = ? WHERE id = ?", made.Version, id)
	}
	if err == nil {
		err = recordDeployment(tx, made, text)
	}
	return made, indexes, err
}

// nextVersion counts the app's version up, and makes the app if there is none
// of that name. One that was removed and left its data comes back under its
// old id; its versions go on, since an id and a version name the same files
// for ever.
func nextVersion(tx *writeTx, name string, now time.Time) (id string, version int, err error) {
	row, err := tx.conn.queryRow("SELECT id, version FROM apps WHERE name = ?", name)
	if err != nil {
		return "", 0, err
	}
	if row != nil {
		id, version = row[0].(string), int(row[1].(int64))+1
		_, err = tx.write("UPDATE apps SET version = ? WHERE id = ?", version, id)
		return id, version, err
	}
	id, version = newID(), 1
	created := now.UnixMilli()
	title, tags, visibility := any(""), any("[]"), any(api.VisibilityPublic)
	row, err = tx.conn.queryRow("SELECT id, version, created_at, title, tags, visibility FROM removed_apps WHERE name = ? AND keep_data = 1", name)
	if err != nil {
		return "", 0, err
	}
	if row != nil {
		id, version, created = row[0].(string), int(row[1].(int64))+1, row[2].(int64)
		title, tags, visibility = row[3], row[4], row[5]
		if _, err := tx.write("DELETE FROM removed_apps WHERE id = ?", id); err != nil {
			return "", 0, err
		}
	}
	_, err = tx.write("INSERT INTO apps (id, name, version, created_at, title, tags, visibility) VALUES (?, ?, ?, ?, ?, ?, ?)",
		id, name, version, created, title, tags, visibility)
	return id, version, err
}

// addFile records a file of a version whose content is stored.
func addFile(tx *writeTx, op, app string, version int, f storage.File) error {
	n, err := tx.conn.queryInt("SELECT count(*) FROM contents WHERE hash = ? AND encoding = ''", f.Hash)
	if err == nil && n == 0 {
		err = calls.ErrNotStored(op, f)
	}
	if err != nil {
		return err
	}
	_, err = tx.write("INSERT INTO files (app, version, path, hash, size, hashed) VALUES (?, ?, ?, ?, ?, ?)",
		app, version, f.Path, f.Hash, f.Size, f.Hashed)
	if isTaken(err) {
		return calls.ErrPathTwice(op, f.Path)
	}
	return err
}

// upTo is a condition on a version: that it is one of an app's up to another.
// namedVersions are those that aliases of the app's name lead to.
const (
	upTo          = "app = ?2 AND version <= ?3"
	namedVersions = `SELECT version FROM aliases WHERE app = ?4
		UNION SELECT share.value ->> 'version' FROM aliases, json_each(CASE WHEN json_valid(split) THEN split END) AS share
		WHERE share.value ->> 'app' = ?4 AND share.value ->> 'version' IS NOT NULL`
)

// dropBeyond forgets the versions of an app beyond the last few, but for those that
// an alias names.
func dropBeyond(tx *writeTx, d storage.Deployment, keep int) error {
	return dropWhere(tx, upTo+" AND version NOT IN ("+namedVersions+")", d.AppID, d.Version-keep, d.Name)
}

// dropVersions forgets all versions of an app, of which last is the newest.
func dropVersions(tx *writeTx, app string, last int) error { return dropWhere(tx, upTo, app, last) }

// dropWhere forgets versions. Their content is swept when nothing has referred to it
// for an hour.
func dropWhere(tx *writeTx, where string, args ...any) error {
	args = append([]any{time.Now().UnixMilli()}, args...)
	for _, statement := range []string{
		"UPDATE contents SET touched_at = ?1 WHERE hash IN (SELECT hash FROM files WHERE " + where + ")",
		"DELETE FROM files WHERE " + where,
		"DELETE FROM deployments WHERE " + where,
	} {
		if _, err := tx.write(statement, args...); err != nil {
			return err
		}
	}
	return nil
}

// RemoveApp implements [storage.Apps].
func (s *Store) RemoveApp(ctx context.Context, appID string, keepData bool) error {
	const op = "removeApp"
	err := s.change(ctx, op, "app.remove", func(tx *writeTx) (string, any, error) {
		name, err := removeApp(tx, op, appID, keepData)
		return name, map[string]any{"app_id": appID, "keep_data": keepData}, err
	})
	if err == nil && !keepData {
		// For a program that removes an app and ends: what it leaves is swept by the
		// next one that has the data.
		ctx, cancel := context.WithTimeout(ctx, removeWait)
		defer cancel()
		s.sweeper.pass(ctx)
	}
	return err
}

// removeApp returns the name that the app had.
func removeApp(tx *writeTx, op, id string, keepData bool) (name string, err error) {
	row, err := tx.conn.queryRow("SELECT name, version, created_at, title, tags, visibility FROM apps WHERE id = ?", id)
	if err != nil {
		return "", err
	}
	now := time.Now().UnixMilli()
	if row == nil {
		return removeKept(tx, op, id, keepData, now)
	}
	if err := dropVersions(tx, id, int(row[1].(int64))); err != nil {
		return "", err
	}
	if _, err := tx.write("DELETE FROM apps WHERE id = ?", id); err != nil {
		return "", err
	}
	_, err = tx.write(`INSERT INTO removed_apps (id, name, version, keep_data, created_at, removed_at, title, tags, visibility)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, id, row[0], row[1], keepData, row[2], now, row[3], row[4], row[5])
	return row[0].(string), err
}

// removeKept removes the data of an app that was removed without it.
func removeKept(tx *writeTx, op, id string, keepData bool, now int64) (name string, err error) {
	row, err := tx.conn.queryRow("SELECT name FROM removed_apps WHERE id = ? AND keep_data = 1", id)
	if err == nil && (row == nil || keepData) {
		err = errNotFound(op, "no such app")
	}
	if err != nil {
		return "", err
	}
	_, err = tx.write("UPDATE removed_apps SET keep_data = 0, removed_at = ? WHERE id = ?", now, id)
	return row[0].(string), err
}

// ChangeApp implements [storage.Apps].
func (s *Store) ChangeApp(ctx context.Context, appID string, change storage.AppChange) error {
	const op = "changeApp"
	if err := storage.CheckAppChange(op, change); err != nil {
		return err
	}
	details, list, err := calls.AppChange(appID, change)
	if err != nil {
		return err
	}
	var title, tags, visibility any // NULL leaves what is there
	if change.Title != nil {
		title = *change.Title
	}
	if list != nil {
		tags = *list
	}
	if change.Visibility != nil {
		visibility = *change.Visibility
	}
	return s.change(ctx, op, "app.change", func(tx *writeTx) (string, any, error) {
		row, err := tx.conn.queryRow("SELECT name FROM apps WHERE id = ?", appID)
		if err == nil && row == nil {
			err = errNotFound(op, "no such app")
		}
		if err != nil {
			return "", nil, err
		}
		_, err = tx.write("UPDATE apps SET title = coalesce(?, title), tags = coalesce(?, tags), visibility = coalesce(?, visibility) WHERE id = ?",
			title, tags, visibility, appID)
		return row[0].(string), details, err
	})
}

const selectDeployment = `SELECT d.app, a.name, d.version, d.manifest, d.engine, d.files, d.size, d.created_at, d.reason, d.source,
	a.created_at, a.title, a.tags, a.visibility
	FROM apps a JOIN deployments d ON d.app = a.id `

const selectApp = selectDeployment + "AND d.version = a.version "

var (
	appByName = steady(selectApp + "WHERE a.name = ?")
	appByID   = steady(selectApp + "WHERE a.id = ?")
	fileKept  = steady(selectFile + `FROM deployments d CROSS JOIN files ON files.app = d.app AND files.version = d.version AND files.path = ?
		WHERE d.app = ? ORDER BY d.version DESC LIMIT 1`)
)

func deployment(row []driver.Value) storage.Deployment {
	d := storage.Deployment{
		AppID:     row[0].(string),
		Name:      row[1].(string),
		Version:   int(row[2].(int64)),
		Manifest:  json.RawMessage(row[3].(string)),
		Engine:    row[4].(string),
		Files:     int(row[5].(int64)),
		Size:      row[6].(int64),
		CreatedAt: time.UnixMilli(row[7].(int64)),
		Reason:    row[8].(string),
	}
	// Publish has written it; what somebody else wrote says nothing.
	_ = json.Unmarshal([]byte(row[9].(string)), &d.Source)
	return d
}

func app(row []driver.Value) storage.App {
	d := deployment(row)
	a := storage.App{ID: d.AppID, Name: d.Name, Current: d, CreatedAt: time.UnixMilli(row[10].(int64)),
		Title: row[11].(string), Visibility: row[13].(string)}
	_ = json.Unmarshal([]byte(row[12].(string)), &a.Tags)
	return a
}

// Apps implements [storage.Apps].
func (s *Store) Apps(ctx context.Context) ([]storage.App, error) {
	return list(ctx, s, "apps", app, selectApp+"ORDER BY a.name")
}

// App implements [storage.Apps].
func (s *Store) App(ctx context.Context, name string) (storage.App, error) {
	return one(ctx, s, "app", "no app of that name", app, appByName, name)
}

// AppByID implements [storage.Apps].
func (s *Store) AppByID(ctx context.Context, id string) (storage.App, error) {
	return one(ctx, s, "app", "no app of that id", app, appByID, id)
}

// Deployments implements [storage.Apps].
func (s *Store) Deployments(ctx context.Context, appID string) ([]storage.Deployment, error) {
	return list(ctx, s, "deployments", deployment, selectDeployment+"WHERE a.id = ? ORDER BY d.version DESC", appID)
}

const selectFile = `SELECT files.path, files.hash, files.size,
	(SELECT coalesce(group_concat(encoding, ' ' ORDER BY encoding), '') FROM contents WHERE contents.hash = files.hash), files.hashed `

func file(row []driver.Value) storage.File {
	return storage.File{Path: row[0].(string), Hash: row[1].(string), Size: row[2].(int64), Encodings: strings.Fields(row[3].(string)), Hashed: row[4].(int64) == 1}
}

// Files implements [storage.Apps].
func (s *Store) Files(ctx context.Context, appID string, version int) ([]storage.File, error) {
	return list(ctx, s, "files", file, selectFile+"FROM files WHERE app = ? AND version = ? ORDER BY path", appID, version)
}

// FileInKept implements [storage.Apps].
func (s *Store) FileInKept(ctx context.Context, appID, path string) (storage.File, error) {
	return one(ctx, s, "file", "no kept version has that file", file, fileKept, path, appID)
}

// list returns what each row of a query makes.
func list[T any](ctx context.Context, s *Store, op string, make func([]driver.Value) T, query string, args ...any) ([]T, error) {
	items := []T{}
	err := s.system.snapshot(ctx, op, func(c *conn) error {
		return c.query(ctx, query, args, func(row []driver.Value) error {
			items = append(items, make(row))
			return nil
		})
	})
	if err != nil {
		return nil, wrap(op, err)
	}
	return items, nil
}

// one returns what the only row of a query by a key makes, or [storage.CodeNotFound].
// One statement is its own snapshot, and not worth interrupting.
func one[T any](ctx context.Context, s *Store, op, missing string, make func([]driver.Value) T, query string, args ...any) (item T, err error) {
	c, err := s.system.get(ctx, op, "", false)
	if err != nil {
		return item, err
	}
	defer s.system.put(c)
	row, err := c.queryRow(query, args...)
	if err == nil && row == nil {
		err = errNotFound(op, missing)
	}
	if err != nil {
		return item, wrap(op, err)
	}
	return make(row), nil
}
