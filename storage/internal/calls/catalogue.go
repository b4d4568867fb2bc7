package calls

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

// What the audit log says about a new version, and about a change of variables: never
// their values.
type (
	PublishDetails struct {
		App     string `json:"app_id"`
		Version int    `json:"version"`
		Files   int    `json:"files"`
		Size    int64  `json:"size"`
	}
	RollbackDetails struct {
		App      string `json:"app_id"`
		Version  int    `json:"version"`
		Restored int    `json:"restored"`
	}
	EnvDetails struct {
		App   string   `json:"app_id"`
		Names []string `json:"names"`
	}
)

// WhoIs is an actor by the name that people know.
func WhoIs(a api.Actor) string { return cmp.Or(a.Name, a.ID, string(a.Kind)) }

// CheckDeployment checks the arguments of Publish, but for the files.
func CheckDeployment(op string, d storage.NewDeployment, keep int) error {
	if err := storage.CheckKey(op, "app name", d.Name); err != nil {
		return err
	}
	if err := CheckKeep(op, keep); err != nil {
		return err
	}
	if err := storage.CheckIndexes(op, d.Indexes); err != nil {
		return err
	}
	if len(d.Manifest) > 0 {
		err := storage.CheckValue(op, d.Manifest)
		if e, ok := err.(*storage.Error); ok {
			e.Path = "manifest"
		}
		return err
	}
	return nil
}

// CheckKeep checks how many versions are kept.
func CheckKeep(op string, keep int) error {
	if keep < 1 {
		return &storage.Error{Code: storage.CodeInvalid, Op: op, Path: "keep", Msg: "must be 1 version at least"}
	}
	return nil
}

// Deployment is what is published as a version of the app with that id.
func Deployment(d storage.NewDeployment, id string, version int, now time.Time) storage.Deployment {
	made := storage.Deployment{AppID: id, Name: d.Name, Version: version, Manifest: d.Manifest, Engine: d.Engine,
		Reason: d.Reason, Source: d.Source, Files: len(d.Files), CreatedAt: time.UnixMilli(now.UnixMilli())}
	if len(made.Manifest) == 0 {
		made.Manifest = json.RawMessage("{}")
	}
	for _, f := range d.Files {
		made.Size += f.Size
	}
	return made
}

// Restored notes in a version who made it of which kept one.
func Restored(s *api.Source, by string, version int) {
	s.By = by
	if s.Restored == 0 { // what is restored stays the one that was deployed
		s.Restored = version
	}
}

// ErrPathTwice is for a deployment that has two files of one path.
func ErrPathTwice(op, path string) error {
	return &storage.Error{Code: storage.CodeConflict, Op: op, Path: path, Msg: "the path occurs twice"}
}

// ErrNotStored is for a file whose content is not there.
func ErrNotStored(op string, f storage.File) error {
	return &storage.Error{Code: storage.CodeNotFound, Op: op, Path: f.Path,
		Msg: fmt.Sprintf("content %s is not stored", f.Hash), Hint: "store it with PutContent and publish again"}
}

// AppChange returns what the audit log says about a change of an app, and the text that
// its tags are stored as, sorted and each once; nil if they stay.
func AppChange(appID string, c storage.AppChange) (details map[string]any, tags *string, err error) {
	details = map[string]any{"app_id": appID}
	if c.Title != nil {
		details["title"] = *c.Title
	}
	if c.Tags != nil {
		sorted := slices.Compact(slices.Sorted(slices.Values(*c.Tags)))
		text, err := json.Marshal(append([]string{}, sorted...))
		if err != nil {
			return nil, nil, err
		}
		list := string(text)
		tags, details["tags"] = &list, sorted
	}
	if c.Visibility != nil {
		details["visibility"] = *c.Visibility
	}
	return details, tags, nil
}

// Alias checks an alias, and returns the text that its split is stored as and what the
// audit log says about it.
func Alias(op string, a storage.Alias) (split string, details map[string]any, err error) {
	if err := storage.CheckAlias(op, a); err != nil {
		return "", nil, err
	}
	if a.Kind == storage.AliasSplit {
		text, err := json.Marshal(a.Split)
		if err != nil {
			return "", nil, err
		}
		split = string(text)
	}
	return split, map[string]any{"kind": a.Kind, "app": a.App, "version": a.Version, "url": a.URL, "split": a.Split}, nil
}

// AliasTargets calls check for each app, and its version or 0, that an alias leads to.
func AliasTargets(a storage.Alias, check func(app string, version int) error) error {
	if a.Kind == storage.AliasApp {
		if err := check(a.App, a.Version); err != nil {
			return err
		}
	}
	for _, w := range a.Split {
		if err := check(w.App, w.Version); err != nil {
			return err
		}
	}
	return nil
}

// CheckTarget returns [storage.CodeNotFound] for a target of an alias: an app that is not
// there, or a version that is not kept; version 0 is the current one.
func CheckTarget(op, app string, version int, there, kept bool) error {
	switch {
	case !there:
		return &storage.Error{Code: storage.CodeNotFound, Op: op, Path: app, Msg: "no app of that name", Hint: "deploy it first"}
	case version != 0 && !kept:
		return &storage.Error{Code: storage.CodeNotFound, Op: op, Path: app,
			Msg: fmt.Sprintf("version %d is not kept", version), Hint: "list the app's versions to see those that are"}
	}
	return nil
}

// Swap returns the moves, from one label to another, by which two aliases change places.
// No label is empty, so that one is free to pass through.
func Swap(op, a, b string) (moves [][2]string, err error) {
	if a == b {
		return nil, &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "the labels are the same"}
	}
	return [][2]string{{a, ""}, {b, a}, {"", b}}, nil
}

// CheckSealed checks the names and values of sealed variables.
func CheckSealed(op string, sealed map[string][]byte) error {
	for name, value := range sealed {
		if err := storage.CheckSealed(op, name, value); err != nil {
			return err
		}
	}
	return nil
}

// CheckBlob checks what names a blob.
func CheckBlob(op string, scope storage.Scope, path string) error {
	if err := storage.CheckScope(op, scope); err != nil {
		return err
	}
	return storage.CheckKey(op, "path", path)
}

// CheckLease checks the name and the holder of a lease.
func CheckLease(op, name, holder string) error {
	if err := storage.CheckKey(op, "name", name); err != nil {
		return err
	}
	return storage.CheckKey(op, "holder", holder)
}
