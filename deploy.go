package fazt

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/internal/site"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// ErrInvalidApp is wrapped by the errors of a deploy that say what is wrong with
// the app itself. Nothing was changed.
var ErrInvalidApp = site.ErrInvalid

// Deploy makes the files of fsys the current version of the app of that name,
// making the app if there is none. Visitors get the whole old version or the
// whole new one. An error means that nothing changed, unless it says that the version
// is stored and not served yet; it wraps [ErrInvalidApp]
// when the app is at fault, and a [runtime.Error] with file, line and column
// when its JavaScript is. An empty name stands for the manifest's own. See
// package api for the options.
//
// One deploy goes on at a time, the others wait for it as long as ctx allows. What it
// computes is work of its app, in short slices between which other apps have their
// turn.
func (s *Server) Deploy(ctx context.Context, name string, fsys fs.FS, opts ...api.DeployOption) (made *api.Deployment, err error) {
	defer func() { s.noteDeploy(ctx, name, made, err) }()
	end, err := s.beginDeploy(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	app, err := site.ReadFS(fsys, s.opt.Deploy.site())
	if err != nil {
		return nil, err
	}
	return s.deploy(ctx, name, app, opts)
}

// DeployZIP is [Server.Deploy] for a ZIP archive of the app's directory.
func (s *Server) DeployZIP(ctx context.Context, name string, r io.ReaderAt, size int64, opts ...api.DeployOption) (made *api.Deployment, err error) {
	defer func() { s.noteDeploy(ctx, name, made, err) }()
	end, err := s.beginDeploy(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	app, err := site.ReadZIP(r, size, s.opt.Deploy.site())
	if err != nil {
		return nil, err
	}
	return s.deploy(ctx, name, app, opts)
}

// site is the part of the limits that bounds the app itself.
func (l DeployLimits) site() site.Limits {
	return site.Limits{FileBytes: l.FileBytes, AppBytes: l.AppBytes, Files: l.Files}
}

func (s *Server) deploy(ctx context.Context, name string, app *site.Site, opts []api.DeployOption) (*api.Deployment, error) {
	var options api.DeployOptions
	for _, opt := range opts {
		opt(&options)
	}
	m := &app.Manifest
	if options.SPA != nil {
		m.SPA = *options.SPA
	}
	if name == "" {
		name = m.Name
	}
	name, err := site.CleanName(name)
	if err != nil {
		return nil, invalid(err)
	}
	if options.From, err = cleanSource(options.From); err != nil {
		return nil, err
	}
	d := storage.NewDeployment{Name: name, Indexes: m.Indexes, Source: options.From}
	var program *runtime.Program
	if source, ok, err := app.Source(int64(s.runtime.Limits().SourceBytes)); err != nil {
		return nil, err
	} else if ok {
		// Compiled before anything is written, to find mistakes.
		program, err = s.runtime.Load(loadingFor(ctx, name, ""), source)
		if e, ok := errors.AsType[*runtime.Error](err); ok && e.Code != runtime.CodeWall {
			return nil, invalid(err)
		} else if err != nil {
			return nil, fmt.Errorf("fazt: deploy %s: %w", name, err)
		}
		d.Engine, d.Reason = program.Engine()
		if err := s.checkAnswers(ctx, name, source); err != nil {
			return nil, err
		}
		if warning := s.warnOfEngine(ctx, name, source, d.Engine); warning != "" {
			app.Warnings = append(app.Warnings, warning)
		}
	}
	if d.Manifest, err = json.Marshal(m); err != nil {
		return nil, err
	}
	app.Progress = options.Progress
	if d.Files, err = s.storeFiles(ctx, name, app); errors.Is(err, ErrInvalidApp) {
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("fazt: deploy %s: %w", name, err)
	}
	done, err := s.store.Publish(ctx, d, s.opt.Deploy.KeepVersions)
	if err != nil {
		return nil, fmt.Errorf("fazt: deploy %s: %w", name, err)
	}
	// The deploy is made; a reader that went away must not stop it being served.
	if err := s.refresh(context.WithoutCancel(ctx)); err != nil {
		return nil, fmt.Errorf("fazt: %s version %d is stored, but not served yet: %w", name, done.Version, err)
	}
	if program != nil {
		s.handOver(context.WithoutCancel(ctx), name, done.Version, program)
	}
	made := deployment(done, fmt.Sprintf("deployed %s version %d", name, done.Version))
	made.Warnings = app.Warnings
	return made, nil
}

// warnOfEngine says what the engine that a manifest names does otherwise than the author
// may mean, where the program would have gone to another if none were named. What it does
// wrong without a doubt was refused before.
func (s *Server) warnOfEngine(ctx context.Context, name string, source runtime.Source, engine string) string {
	if source.Engine == "" || source.Engine == "auto" {
		return ""
	}
	source.Engine = ""
	program, err := s.runtime.Load(loadingFor(ctx, name, ""), source)
	if err != nil {
		return "" // it is for the engine that was named, and no other
	}
	if other, reason := program.Engine(); other != engine && reason != "" {
		return fmt.Sprintf("%s; without \"engine\" in %s it runs on %s", reason, site.ConfigPath, other)
	}
	return ""
}

// checkAnswers finds out whether anything in a program answers requests, as work of its
// app.
func (s *Server) checkAnswers(ctx context.Context, name string, source runtime.Source) error {
	caller := budget.Caller{Flow: name, NoSample: true}
	return s.compute(ctx, caller, len(source.Files[source.Main]), func(func() error) error { return site.CheckAnswers(source) })
}

func deployment(d storage.Deployment, message string) *api.Deployment {
	return &api.Deployment{
		App: d.Name, AppID: d.AppID, Version: d.Version, Files: d.Files, Size: d.Size,
		Engine: d.Engine, EngineReason: d.Reason, Message: message,
	}
}

// cleanSource is a source without what is the server's to say, and without the
// password that a URL may have.
func cleanSource(source api.Source) (api.Source, error) {
	clean := api.Source{URL: source.URL, Ref: source.Ref, Commit: source.Commit}
	for name, text := range map[string]string{"source_url": clean.URL, "source_ref": clean.Ref, "source_commit": clean.Commit} {
		if len(text) > maxSourceBytes || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return clean, &storage.Error{Code: storage.CodeInvalid, Op: "deploy", Path: name,
				Msg: fmt.Sprintf("must be up to %d bytes of text in one line", maxSourceBytes)}
		}
	}
	if u, err := url.Parse(clean.URL); err == nil && u.User != nil && u.Host != "" {
		if _, secret := u.User.Password(); secret || u.Scheme != "ssh" { // a token may stand for the name
			u.User = nil
		}
		clean.URL = u.String()
	}
	return clean, nil
}

// maxSourceBytes is the longest part of where a version came from.
const maxSourceBytes = 2048

func invalid(err error) error { return fmt.Errorf("%w: %w", ErrInvalidApp, err) }

// Apps returns the deployed apps, by name.
func (s *Server) Apps(ctx context.Context) ([]api.App, error) {
	apps, err := s.store.Apps(ctx)
	return each(apps, appOf), err
}

// each makes a list of what f makes of a list, which is never nil.
func each[T, U any](list []T, f func(T) U) []U {
	made := make([]U, len(list))
	for i, v := range list {
		made[i] = f(v)
	}
	return made
}

func appOf(a storage.App) api.App {
	return api.App{
		ID: a.ID, Name: a.Name, Version: a.Current.Version, Engine: a.Current.Engine,
		Files: a.Current.Files, Size: a.Current.Size, DeployedAt: a.Current.CreatedAt,
		Title: a.Title, Tags: append([]string{}, a.Tags...), Visibility: a.Visibility,
	}
}

// ChangeApp changes what people are told of an app, by name or id: its title, tags and
// visibility. What can't be is [storage.CodeInvalid], and an app that does not exist
// [storage.CodeNotFound].
func (s *Server) ChangeApp(ctx context.Context, name string, change api.AppChange) (*api.App, error) {
	a, err := s.stored(ctx, "change", name)
	if err != nil {
		return nil, err
	}
	if err := s.store.ChangeApp(ctx, a.ID, storage.AppChange(change)); err != nil {
		return nil, err
	}
	if a, err = s.store.AppByID(ctx, a.ID); err != nil {
		return nil, err
	}
	changed := appOf(a)
	return &changed, nil
}

// AppInfo returns an app by name or id, with what it stores and what it was charged
// since this server's start. An app that does not exist is a [storage.CodeNotFound]
// error.
func (s *Server) AppInfo(ctx context.Context, name string) (*api.AppInfo, error) {
	a, err := s.stored(ctx, "info", name)
	if err != nil {
		return nil, err
	}
	usage, err := s.store.Usage(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	indexes, err := s.store.Indexes(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	return &api.AppInfo{App: appOf(a), EngineReason: a.Current.Reason, Source: a.Current.Source, Usage: api.Usage(usage), Stats: s.newCharging().of(s.stats.of(a)), Indexes: indexesOf(indexes)}, nil
}

// indexesOf leaves out collections that have nothing to tell.
func indexesOf(collections []storage.CollectionIndexes) []api.CollectionIndexes {
	told := []api.CollectionIndexes{}
	for _, c := range collections {
		if len(c.Indexes) == 0 && c.Scans == 0 {
			continue
		}
		t := api.CollectionIndexes{Collection: c.Collection, Documents: c.Documents, Indexes: []api.Index{}, Scans: c.Scans, Scanned: c.Scanned}
		for _, x := range c.Indexes {
			index := api.Index{Field: x.Field, Automatic: x.Automatic, Ready: x.Ready}
			if !x.UsedAt.IsZero() {
				index.UsedAt = &x.UsedAt
			}
			t.Indexes = append(t.Indexes, index)
		}
		told = append(told, t)
	}
	return told
}

// RemoveApp removes an app by name or id, with its data unless that is to be
// kept; kept data returns with the next app that is deployed under the name. An
// app that does not exist is a [storage.CodeNotFound] error.
func (s *Server) RemoveApp(ctx context.Context, name string, r api.Removal) error {
	a, err := s.stored(ctx, "remove", name)
	if err != nil {
		return err
	}
	if err := s.store.RemoveApp(ctx, a.ID, r.KeepData); err != nil {
		return err
	}
	s.stats.forget(a.Name)
	ctx = context.WithoutCancel(ctx) // the app is gone; what is left is to say so
	err = s.refresh(ctx)
	if !r.KeepData {
		err = errors.Join(err, s.auth.ForgetApp(ctx, a.ID))
	}
	return err
}

// Versions returns the kept versions of an app, by name or id, newest first. An app
// that does not exist is a [storage.CodeNotFound] error.
func (s *Server) Versions(ctx context.Context, app string) ([]api.Version, error) {
	a, err := s.stored(ctx, "versions", app)
	if err != nil {
		return nil, err
	}
	kept, err := s.store.Deployments(ctx, a.ID)
	return each(kept, func(d storage.Deployment) api.Version {
		return api.Version{Version: d.Version, Current: d.Version == a.Current.Version, Files: d.Files, Size: d.Size,
			Engine: d.Engine, EngineReason: d.Reason, Source: d.Source, DeployedAt: d.CreatedAt}
	}), err
}

// Rollback makes a new version of a kept one, and serves it: visitors get the whole
// version before or the whole new one. 0 stands for the version from before
// what is served. One that is not kept is a [storage.CodeNotFound] error.
func (s *Server) Rollback(ctx context.Context, app string, version int) (*api.Deployment, error) {
	a, err := s.stored(ctx, "rollback", app)
	if err != nil {
		return nil, err
	}
	if version == 0 {
		if version, err = s.versionBefore(ctx, a); err != nil {
			return nil, err
		}
	}
	done, err := s.store.Rollback(ctx, a.ID, version, s.opt.Deploy.KeepVersions)
	if storage.CodeOf(err) == storage.CodeNotFound {
		err = &storage.Error{Code: storage.CodeNotFound, Op: "rollback", Msg: fmt.Sprintf("version %d of %s is not kept", version, a.Name),
			Hint: "list those that are: fazt app versions " + a.Name}
	}
	if err != nil {
		return nil, err
	}
	if err := s.refresh(context.WithoutCancel(ctx)); err != nil {
		return nil, fmt.Errorf("fazt: %s version %d is stored, but not served yet: %w", a.Name, done.Version, err)
	}
	return deployment(done, fmt.Sprintf("rolled %s back to version %d, as version %d", a.Name, version, done.Version)), nil
}

// versionBefore is the newest kept version from before the one that is served, and from
// before the one that this restores: so it goes back once more each time.
func (s *Server) versionBefore(ctx context.Context, a storage.App) (int, error) {
	kept, err := s.store.Deployments(ctx, a.ID)
	if err != nil {
		return 0, err
	}
	served := cmp.Or(a.Current.Source.Restored, a.Current.Version)
	for _, d := range kept {
		if d.Version < served {
			return d.Version, nil
		}
	}
	return 0, &storage.Error{Code: storage.CodeNotFound, Op: "rollback", Msg: fmt.Sprintf("no version of %s from before version %d is kept", a.Name, served),
		Hint: "list those that are: fazt app versions " + a.Name}
}

// Files returns the files of a version of an app, by path. 0 stands for the current
// one. A version that is not kept is a [storage.CodeNotFound] error.
func (s *Server) Files(ctx context.Context, app string, version int) ([]api.AppFile, error) {
	a, err := s.stored(ctx, "files", app)
	if err != nil {
		return nil, err
	}
	files, err := s.filesOf(ctx, a, version)
	return each(files, func(f storage.File) api.AppFile { return api.AppFile{Path: f.Path, Size: f.Size, Hash: f.Hash} }), err
}

// filesOf are the files of a version that is kept.
func (s *Server) filesOf(ctx context.Context, a storage.App, version int) ([]storage.File, error) {
	version = cmp.Or(version, a.Current.Version)
	files, err := s.store.Files(ctx, a.ID, version)
	if err == nil && len(files) == 0 {
		err = &storage.Error{Code: storage.CodeNotFound, Op: "files", Msg: fmt.Sprintf("version %d of %s is not kept", version, a.Name),
			Hint: "list those that are: fazt app versions " + a.Name}
	}
	return files, err
}

// OpenFile reads a file of a version of an app, 0 being the current one, as it was
// deployed. Close the reader, which is an [io.ReadSeeker], too. A file or a version
// that does not exist is a [storage.CodeNotFound] error.
func (s *Server) OpenFile(ctx context.Context, app string, version int, path string) (*api.AppFile, io.ReadCloser, error) {
	a, err := s.stored(ctx, "files", app)
	if err != nil {
		return nil, nil, err
	}
	files, err := s.filesOf(ctx, a, version)
	if err != nil {
		return nil, nil, err
	}
	i, ok := slices.BinarySearchFunc(files, path, func(f storage.File, path string) int { return strings.Compare(f.Path, path) })
	if !ok {
		return nil, nil, &storage.Error{Code: storage.CodeNotFound, Op: "files", Msg: fmt.Sprintf("that version of %s has no file %q", a.Name, path)}
	}
	content, err := s.store.OpenContent(ctx, files[i].Hash, "")
	if err != nil {
		return nil, nil, err
	}
	return &api.AppFile{Path: path, Size: files[i].Size, Hash: files[i].Hash}, content, nil
}

// beginDeploy waits until no other deploy is under way: so what deploys hold in
// memory is what one holds, and they have one processor at most.
func (s *Server) beginDeploy(ctx context.Context) (end func(), err error) {
	select {
	case s.deploying <- struct{}{}:
		return func() { <-s.deploying }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// storeFiles writes what a deploy's files have to the store, as work of the app: it
// has a place among those of the app's requests, and a slot for each slice in which
// it computes.
func (s *Server) storeFiles(ctx context.Context, name string, app *site.Site) ([]storage.File, error) {
	pass, err := s.slots.Enter(ctx, budget.Caller{Flow: name, NoSample: true})
	if err != nil {
		return nil, err
	}
	defer pass.Done()
	pass.Leave()
	var computed time.Duration
	app.Turn = func(ctx context.Context, slice func() error) error {
		if err := pass.Resume(ctx); err != nil {
			return err
		}
		start := time.Now()
		err := slice()
		computed += time.Since(start)
		pass.Leave()
		return err
	}
	// In the store's queue a deploy goes by the name, where the app's writes go by its
	// id: who deploys an app that floods the writer need not wait behind it.
	app.App = name
	files, err := app.Store(ctx, s.store)
	if err == nil {
		s.stats.counters(name).processor.Add(int64(computed))
	}
	return files, err
}
