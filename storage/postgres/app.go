package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

// Publish implements [storage.Apps].
func (s *Store) Publish(ctx context.Context, d storage.NewDeployment, keep int) (storage.Deployment, error) {
	const op = "publish"
	if err := checkDeployment(op, d, keep); err != nil {
		return storage.Deployment{}, err
	}
	d.Source.By, d.Source.Restored = calls.WhoIs(api.ActorFrom(ctx)), 0
	return s.newVersion(ctx, op, "app.publish", keep, func(tx *writeTx) (made storage.Deployment, indexes map[string][]string, details any, err error) {
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
	err := s.change(ctx, op, action, func(tx *writeTx) (string, any, error) {
		d, indexes, details, err := fn(tx)
		if err != nil {
			return "", nil, err
		}
		made = d
		if err = dropBeyond(tx, made, keep); err != nil {
			return "", nil, err
		}
		return made.Name, details, s.declareIndexes(tx, made.AppID, indexes)
	})
	if err != nil {
		return storage.Deployment{}, err
	}
	return made, nil
}

func checkDeployment(op string, d storage.NewDeployment, keep int) error {
	if err := calls.CheckDeployment(op, d, keep); err != nil {
		return err
	}
	seen := make(map[string]bool, len(d.Files))
	for _, f := range d.Files {
		if seen[f.Path] {
			return calls.ErrPathTwice(op, f.Path)
		}
		seen[f.Path] = true
	}
	return nil
}

func publish(tx *writeTx, op string, d storage.NewDeployment) (storage.Deployment, error) {
	now := time.Now()
	id, version, err := nextVersion(tx, d.Name, now)
	if err != nil {
		return storage.Deployment{}, err
	}
	made := calls.Deployment(d, id, version, now)
	if err := addFiles(tx, op, made, d.Files); err != nil {
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
	_, err = tx.exec(`INSERT INTO deployments (app, version, manifest, engine, files, size, created_at, indexes, reason, source)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		d.AppID, d.Version, string(d.Manifest), d.Engine, d.Files, d.Size, d.CreatedAt.UnixMilli(), indexes, d.Reason, string(source))
	return err
}

// rollback makes a new version of a kept one. Its content is there: the kept
// version refers to it.
func rollback(tx *writeTx, op, id string, version int, by string) (made storage.Deployment, indexes map[string][]string, err error) {
	var text string
	found := false
	err = tx.each(`SELECT d.app, a.name, a.version + 1, d.manifest, d.engine, d.files, d.size, d.reason, d.source, d.indexes
		FROM apps a JOIN deployments d ON d.app = a.id WHERE a.id = $1 AND d.version = $2`, []any{id, version}, func(scan scanFunc) error {
		found = true
		var manifest, source string
		err := scan(&made.AppID, &made.Name, &made.Version, &manifest, &made.Engine, &made.Files, &made.Size, &made.Reason, &source, &text)
		made.Manifest = json.RawMessage(manifest)
		readSource(source, &made.Source)
		return err
	})
	if err == nil && !found {
		err = errNotFound(op, fmt.Sprintf("there is no version %d of the app", version))
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &indexes)
	}
	if err != nil {
		return storage.Deployment{}, nil, err
	}
	made.CreatedAt = time.UnixMilli(time.Now().UnixMilli())
	calls.Restored(&made.Source, by, version)
	if _, err = tx.exec(`INSERT INTO files (app, version, path, hash, size, hashed)
		SELECT app, $1, path, hash, size, hashed FROM files WHERE app = $2 AND version = $3`, made.Version, id, version); err == nil {
		err = doubtHashes(tx, id, made.Version)
	}
	if err == nil {
		_, err = tx.exec("UPDATE apps SET version = $1 WHERE id = $2", made.Version, id)
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
	err = tx.returning("UPDATE apps SET version = version + 1 WHERE name = $1 RETURNING id, version", []any{name},
		func(scan scanFunc) error { return scan(&id, &version) })
	if err != nil || id != "" {
		return id, version, err
	}
	created := now.UnixMilli()
	title, tags, visibility := "", "[]", api.VisibilityPublic
	err = tx.returning(`DELETE FROM removed_apps WHERE name = $1 AND keep_data = 1
		RETURNING id, version, created_at, title, tags, visibility`, []any{name},
		func(scan scanFunc) error { return scan(&id, &version, &created, &title, &tags, &visibility) })
	if err != nil {
		return "", 0, err
	}
	if id == "" {
		id = newID()
	}
	version++
	_, err = tx.exec("INSERT INTO apps (id, name, version, created_at, title, tags, visibility) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		id, name, version, created, title, tags, visibility)
	return id, version, err
}

// addFiles records the files of a version, whose content is stored.
func addFiles(tx *writeTx, op string, d storage.Deployment, files []storage.File) error {
	if len(files) == 0 {
		return nil
	}
	paths, hashes := make([]string, len(files)), make([]string, len(files))
	sizes, hashed := make([]int64, len(files)), make([]int64, len(files))
	for i, f := range files {
		paths[i], hashes[i], sizes[i] = f.Path, f.Hash, f.Size
		if f.Hashed {
			hashed[i] = 1
		}
	}
	stored := make(map[string]bool, len(files))
	err := tx.each("SELECT hash FROM contents WHERE hash = ANY($1) AND encoding = ''", []any{hashes}, func(scan scanFunc) error {
		var hash string
		err := scan(&hash)
		stored[hash] = true
		return err
	})
	if err != nil {
		return err
	}
	for _, f := range files {
		if !stored[f.Hash] {
			return calls.ErrNotStored(op, f)
		}
	}
	_, err = tx.exec(`INSERT INTO files (app, version, path, hash, size, hashed)
		SELECT $1, $2, f.path, f.hash, f.size, f.hashed
		FROM unnest($3::text[], $4::text[], $5::bigint[], $6::bigint[]) AS f (path, hash, size, hashed)`,
		d.AppID, d.Version, paths, hashes, sizes, hashed)
	if err != nil {
		return err
	}
	return doubtHashes(tx, d.AppID, d.Version)
}

// doubtHashes takes back that a file's name carries a hash of its content where another
// version that is kept has other bytes under it.
func doubtHashes(tx *writeTx, app string, version int) error {
	_, err := tx.exec(`UPDATE files SET hashed = 0 WHERE app = $1 AND version = $2 AND hashed = 1 AND EXISTS (
		SELECT 1 FROM files other WHERE other.app = $1 AND other.version <> $2 AND other.path = files.path AND other.hash <> files.hash)`,
		app, version)
	return err
}

// dropBeyond forgets the versions of an app beyond the last few, but for those that
// an alias names.
func dropBeyond(tx *writeTx, d storage.Deployment, keep int) error {
	var old []int64
	err := tx.each("SELECT version FROM deployments WHERE app = $1 AND version <= $2", []any{d.AppID, d.Version - keep}, func(scan scanFunc) error {
		var v int64
		err := scan(&v)
		old = append(old, v)
		return err
	})
	if err != nil || len(old) == 0 {
		return err
	}
	named, err := namedVersions(tx, d.Name)
	if err != nil {
		return err
	}
	return dropVersions(tx, d.AppID, slices.DeleteFunc(old, func(v int64) bool { return named[v] }))
}

// namedVersions are those that aliases of the app's name lead to.
func namedVersions(tx *writeTx, name string) (map[int64]bool, error) {
	named := make(map[int64]bool)
	err := tx.each("SELECT app, version, split FROM aliases WHERE app = $1 OR split <> ''", []any{name}, func(scan scanFunc) error {
		var app, text string
		var version int64
		if err := scan(&app, &version, &text); err != nil {
			return err
		}
		if app == name {
			named[version] = true
		}
		var split []storage.Weight
		_ = json.Unmarshal([]byte(text), &split) // what somebody else wrote splits nothing
		for _, w := range split {
			if w.App == name {
				named[int64(w.Version)] = true
			}
		}
		return nil
	})
	return named, err
}

// dropVersions forgets versions. Their content is swept when nothing has referred to it
// for an hour.
func dropVersions(tx *writeTx, app string, versions []int64) error {
	if len(versions) == 0 {
		return nil
	}
	for _, statement := range []string{
		"UPDATE contents SET touched_at = " + clock + " WHERE hash IN (SELECT hash FROM files WHERE app = $1 AND version = ANY($2))",
		"DELETE FROM files WHERE app = $1 AND version = ANY($2)",
		"DELETE FROM deployments WHERE app = $1 AND version = ANY($2)",
	} {
		if _, err := tx.exec(statement, app, versions); err != nil {
			return err
		}
	}
	return nil
}
