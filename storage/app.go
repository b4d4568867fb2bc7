package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fazt-sh/fazt/api"
)

// Apps is the catalogue of apps: their names, versions and files. Routing reads
// it, and deploys change it. Every change is atomic, counts the revision up
// ([Revisions]) and leaves a row in the audit log ([Audits]).
type Apps interface {
	// Publish makes d the app's current version, all at once, and makes the app
	// if there is none of that name. Versions beyond keep are dropped, but for
	// those that an alias names. Content that is not stored is [CodeNotFound], and a path that occurs twice
	// [CodeConflict], with the path as the error's Path; a name, manifest,
	// index or keep that can't be is [CodeInvalid].
	Publish(ctx context.Context, d NewDeployment, keep int) (Deployment, error)
	// Rollback makes a new version of a kept one, with its files, manifest and
	// indexes, and makes that the app's current version, all at once. Versions
	// beyond keep are dropped, as by Publish. One that is not kept is
	// [CodeNotFound].
	Rollback(ctx context.Context, appID string, version, keep int) (Deployment, error)
	// RemoveApp removes the app with its files, and its data, variables and log
	// unless keepData; what is kept returns with the next app of that name. The
	// id of an app whose data was kept may be given again, to remove that too.
	// No such app is [CodeNotFound].
	RemoveApp(ctx context.Context, appID string, keepData bool) error
	// ChangeApp changes what people are told of an app. Titles, tags and
	// visibilities that can't be are [CodeInvalid]; no such app is [CodeNotFound].
	ChangeApp(ctx context.Context, appID string, change AppChange) error

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
	// FileInKept returns the file of that path in the newest of the app's kept
	// versions that has it, the current one included, or [CodeNotFound]. It reads
	// one row by its key for each version that is kept.
	FileInKept(ctx context.Context, appID, path string) (File, error)
	// Deployments returns the kept versions, newest first.
	Deployments(ctx context.Context, appID string) ([]Deployment, error)
}

// App is a deployed app.
type App struct {
	ID         string // random; data belongs to it
	Name       string
	Title      string   // for people; "" without one
	Tags       []string // sorted
	Visibility string   // one of the Visibility constants of package api
	Current    Deployment
	CreatedAt  time.Time
}

// AppChange is what [Apps.ChangeApp] changes: what is not nil.
type AppChange struct {
	Title      *string   // up to [MaxTitle] bytes
	Tags       *[]string // up to [MaxTags]; doubles are left out
	Visibility *string
}

// What an app may be called by.
const (
	MaxTitle = 200 // bytes
	MaxTags  = 32
	MaxTag   = 64 // bytes of each
)

// CheckAppChange returns an [Error], with the field as its Path, unless a change can
// be made.
func CheckAppChange(op string, c AppChange) error {
	bad := func(path, format string, args ...any) error {
		return &Error{Code: CodeInvalid, Op: op, Path: path, Msg: fmt.Sprintf(format, args...)}
	}
	if c.Title != nil && (len(*c.Title) > MaxTitle || !isLine(*c.Title)) {
		return bad("title", "must be up to %d bytes of text in one line", MaxTitle)
	}
	if c.Tags != nil {
		if len(*c.Tags) > MaxTags {
			return bad("tags", "there are %d; the limit is %d", len(*c.Tags), MaxTags)
		}
		for _, tag := range *c.Tags {
			if tag == "" || len(tag) > MaxTag || !isLine(tag) || strings.Contains(tag, ",") {
				return bad("tags", "each must be 1 to %d bytes of text in one line, without commas", MaxTag)
			}
		}
	}
	if c.Visibility != nil && *c.Visibility != api.VisibilityPublic && *c.Visibility != api.VisibilityUnlisted {
		return bad("visibility", "must be %s or %s", api.VisibilityPublic, api.VisibilityUnlisted)
	}
	return nil
}

// isLine reports whether s is text without control characters.
func isLine(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// Deployment is one numbered version of an app.
type Deployment struct {
	AppID     string
	Name      string
	Version   int             // 1, 2, 3 ...
	Manifest  json.RawMessage // as deployed; "{}" without one
	Engine    string          // of the handler; "" without one
	Reason    string          // why it is that engine; "" if it is the first one
	Source    api.Source      // where it came from
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
	Reason   string
	// Source is where the files came from. Who publishes is filled in from the
	// context ([api.ActorFrom]).
	Source api.Source
	Files  []File
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
	// Hashed says that the name carries a hash of the content, so that under it
	// there is never another. Publish takes it back where another kept version has
	// other bytes under the name.
	Hashed bool
	// Encodings are those that the content is stored in, sorted. Publish takes
	// no notice of them: what [Contents.PutContent] has stored counts.
	Encodings []string
}
