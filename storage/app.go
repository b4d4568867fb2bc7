package storage

import (
	"context"
	"encoding/json"
	"time"
)

// Apps is the catalogue of apps: their names, versions and files. Routing reads
// it, and deploys change it. Every change is atomic, counts the revision up
// ([Revisions]) and leaves a row in the audit log ([Audits]).
type Apps interface {
	// Publish makes d the app's current version, all at once, and makes the app
	// if there is none of that name. Versions beyond keep are dropped. Content
	// that is not stored is [CodeNotFound], and a path that occurs twice
	// [CodeConflict], with the path as the error's Path; a name, manifest,
	// index or keep that can't be is [CodeInvalid].
	Publish(ctx context.Context, d NewDeployment, keep int) (Deployment, error)
	// Rollback makes a new version of a kept one, with its files, manifest and
	// indexes, and makes that the app's current version, all at once. Versions
	// beyond keep are dropped. One that is not kept is [CodeNotFound].
	Rollback(ctx context.Context, appID string, version, keep int) (Deployment, error)
	// RemoveApp removes the app with its files, and its data, variables and log
	// unless keepData; what is kept returns with the next app of that name. The
	// id of an app whose data was kept may be given again, to remove that too.
	// No such app is [CodeNotFound].
	RemoveApp(ctx context.Context, appID string, keepData bool) error

	// App finds one by name, or [CodeNotFound]. It is one read by a key: a few
	// microseconds, with 10 apps or 10,000.
	App(ctx context.Context, name string) (App, error)
	// AppByID is App for an id.
	AppByID(ctx context.Context, id string) (App, error)
	// Apps returns every app, by name.
	Apps(ctx context.Context) ([]App, error)
	// Files returns the files of a version, by path; none if there is no such
	// version.
	Files(ctx context.Context, appID string, version int) ([]File, error)
	// Deployments returns the kept versions, newest first.
	Deployments(ctx context.Context, appID string) ([]Deployment, error)
}

// App is a deployed app.
type App struct {
	ID        string // random; data belongs to it
	Name      string
	Current   Deployment
	CreatedAt time.Time
}

// Deployment is one numbered version of an app.
type Deployment struct {
	AppID     string
	Name      string
	Version   int             // 1, 2, 3 ...
	Manifest  json.RawMessage // as deployed; "{}" without one
	Engine    string          // of the handler; "" without one
	Files     int             // how many
	Size      int64           // bytes, uncompressed
	CreatedAt time.Time
}

// NewDeployment is what [Apps.Publish] takes. The content of every file
// has been stored before.
type NewDeployment struct {
	Name     string
	Manifest json.RawMessage
	Engine   string
	Files    []File
	// Indexes are the indexed fields of the app's documents, as dotted paths by
	// collection, at most [MaxIndexes] in one. They replace those of the version
	// before. An index that a collection has grown too large for is built after
	// Publish has returned, and finds do without it until then.
	Indexes map[string][]string
}

// File is one file of a version.
type File struct {
	Path string // slash-separated, relative: "assets/app.js"
	Hash string // lower-case hex SHA-256 of the bytes
	Size int64  // bytes, uncompressed
	// Encodings are those that the content is stored in, sorted. Publish takes
	// no notice of them: what [Contents.PutContent] has stored counts.
	Encodings []string
}
