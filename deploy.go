package fazt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

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
// whole new one. An error means that nothing changed; it wraps [ErrInvalidApp]
// when the app is at fault, and a [runtime.Error] with file, line and column
// when its JavaScript is. An empty name stands for the manifest's own. See
// package api for the options.
//
// One deploy goes on at a time, the others wait for it as long as ctx allows. What it
// computes is work of its app, in short slices between which other apps have their
// turn.
func (s *Server) Deploy(ctx context.Context, name string, fsys fs.FS, opts ...api.DeployOption) (*api.Deployment, error) {
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
func (s *Server) DeployZIP(ctx context.Context, name string, r io.ReaderAt, size int64, opts ...api.DeployOption) (*api.Deployment, error) {
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
	d := storage.NewDeployment{Name: name, Indexes: m.Indexes}
	var reason string
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
		d.Engine, reason = program.Engine()
	}
	if d.Manifest, err = json.Marshal(m); err != nil {
		return nil, err
	}
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
	return &api.Deployment{
		App: name, AppID: done.AppID, Version: done.Version, Files: done.Files, Size: done.Size,
		Engine: d.Engine, EngineReason: reason, Warnings: app.Warnings, Message: fmt.Sprintf("deployed %s version %d", name, done.Version),
	}, nil
}

func invalid(err error) error { return fmt.Errorf("%w: %w", ErrInvalidApp, err) }

// Apps returns the deployed apps, by name.
func (s *Server) Apps(ctx context.Context) ([]api.App, error) {
	apps, err := s.store.Apps(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]api.App, len(apps))
	for i, a := range apps {
		list[i] = appOf(a)
	}
	return list, nil
}

func appOf(a storage.App) api.App {
	return api.App{
		ID: a.ID, Name: a.Name, Version: a.Current.Version, Engine: a.Current.Engine,
		Files: a.Current.Files, Size: a.Current.Size, DeployedAt: a.Current.CreatedAt,
	}
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
	return &api.AppInfo{App: appOf(a), Usage: api.Usage(usage), Stats: s.newCharging().of(s.stats.of(a)), Indexes: indexesOf(indexes)}, nil
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
