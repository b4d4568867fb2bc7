package postgres

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

const selectDeployment = `SELECT d.app, a.name, d.version, d.manifest, d.engine, d.files, d.size, d.created_at, d.reason, d.source,
	a.created_at, a.title, a.tags, a.visibility
	FROM apps a JOIN deployments d ON d.app = a.id `

const selectApp = selectDeployment + "AND d.version = a.version "

// app makes an app, with its current version, of a row of selectDeployment.
func app(scan scanFunc) (storage.App, error) {
	var a storage.App
	var manifest, source, tags string
	var deployed, created int64
	d := &a.Current
	err := scan(&d.AppID, &d.Name, &d.Version, &manifest, &d.Engine, &d.Files, &d.Size, &deployed, &d.Reason, &source,
		&created, &a.Title, &tags, &a.Visibility)
	d.Manifest, d.CreatedAt = json.RawMessage(manifest), time.UnixMilli(deployed)
	readSource(source, &d.Source)
	a.ID, a.Name, a.CreatedAt = d.AppID, d.Name, time.UnixMilli(created)
	_ = json.Unmarshal([]byte(tags), &a.Tags)
	return a, err
}

func deployment(scan scanFunc) (storage.Deployment, error) {
	a, err := app(scan)
	return a.Current, err
}

// readSource reads what Publish has written; what somebody else wrote says nothing.
func readSource(text string, into any) { _ = json.Unmarshal([]byte(text), into) }

// Apps implements [storage.Apps].
func (s *Store) Apps(ctx context.Context) ([]storage.App, error) {
	return list(ctx, s, "apps", app, selectApp+"ORDER BY a.name")
}

// App implements [storage.Apps].
func (s *Store) App(ctx context.Context, name string) (storage.App, error) {
	return only(ctx, s, "app", "no app of that name", app, selectApp+"WHERE a.name = $1", name)
}

// AppByID implements [storage.Apps].
func (s *Store) AppByID(ctx context.Context, id string) (storage.App, error) {
	return only(ctx, s, "app", "no app of that id", app, selectApp+"WHERE a.id = $1", id)
}

// Deployments implements [storage.Apps].
func (s *Store) Deployments(ctx context.Context, appID string) ([]storage.Deployment, error) {
	return list(ctx, s, "deployments", deployment, selectDeployment+"WHERE a.id = $1 ORDER BY d.version DESC", appID)
}

const selectFile = `SELECT f.path, f.hash, f.size, f.hashed,
	(SELECT coalesce(string_agg(c.encoding, ' ' ORDER BY c.encoding), '') FROM contents c WHERE c.hash = f.hash) `

func file(scan scanFunc) (storage.File, error) {
	var f storage.File
	var hashed int64
	var encodings string
	err := scan(&f.Path, &f.Hash, &f.Size, &hashed, &encodings)
	f.Hashed, f.Encodings = hashed == 1, strings.Fields(encodings)
	return f, err
}

// Files implements [storage.Apps].
func (s *Store) Files(ctx context.Context, appID string, version int) ([]storage.File, error) {
	return list(ctx, s, "files", file, selectFile+"FROM files f WHERE f.app = $1 AND f.version = $2 ORDER BY f.path", appID, version)
}

// fileInKept looks each kept version's file up by its key: a join without the inner
// LIMIT may be planned as a scan of all of the app's files.
const fileInKept = selectFile + `FROM deployments d CROSS JOIN LATERAL (
		SELECT path, hash, size, hashed FROM files WHERE files.app = d.app AND files.version = d.version AND files.path = $2 LIMIT 1) f
	WHERE d.app = $1 ORDER BY d.version DESC LIMIT 1`

// FileInKept implements [storage.Apps].
func (s *Store) FileInKept(ctx context.Context, appID, path string) (storage.File, error) {
	return only(ctx, s, "file", "no kept version has that file", file, fileInKept, appID, path)
}
