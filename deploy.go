package fazt

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"

	"github.com/fazt-sh/fazt/internal/site"
	"github.com/fazt-sh/fazt/storage"
)

// Deployment says what a deploy made.
type Deployment struct {
	App          string // name
	AppID        string // random; the app's data belongs to it
	Version      int    // 1, 2, 3 ...
	Files        int
	Size         int64  // bytes, uncompressed
	Engine       string // that runs the handler; "" without one
	EngineReason string // why not the first one, "" if it is
}

// ErrInvalidApp is wrapped by the errors of a deploy that say what is wrong with
// the app itself. Nothing was changed.
var ErrInvalidApp = site.ErrInvalid

// DeployOptions is what one deploy says over the app's manifest. The zero value
// changes nothing.
type DeployOptions struct {
	// SPA overrides the manifest's "spa" key: whether a path without a file and
	// without an extension answers index.html. Default: nil, which leaves it.
	SPA *bool
}

// A DeployOption sets a field of [DeployOptions].
type DeployOption func(*DeployOptions)

// SPA sets [DeployOptions].SPA.
func SPA(on bool) DeployOption { return func(o *DeployOptions) { o.SPA = &on } }

// Deploy makes the files of fsys the current version of the app of that name,
// making the app if there is none. Visitors get the whole old version or the
// whole new one. An error means that nothing changed; it wraps [ErrInvalidApp]
// when the app is at fault, and a [runtime.Error] with file, line and column
// when its JavaScript is. An empty name stands for the manifest's own.
func (s *Server) Deploy(ctx context.Context, name string, fsys fs.FS, opts ...DeployOption) (*Deployment, error) {
	app, err := site.ReadFS(fsys, s.opt.Deploy.site())
	if err != nil {
		return nil, err
	}
	return s.deploy(ctx, name, app, opts)
}

// DeployZIP is [Server.Deploy] for a ZIP archive of the app's directory.
func (s *Server) DeployZIP(ctx context.Context, name string, r io.ReaderAt, size int64, opts ...DeployOption) (*Deployment, error) {
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

func (s *Server) deploy(ctx context.Context, name string, app *site.Site, opts []DeployOption) (*Deployment, error) {
	var options DeployOptions
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
	if d.Engine, reason, err = s.compile(app); err != nil {
		return nil, err
	}
	if d.Manifest, err = json.Marshal(m); err != nil {
		return nil, err
	}
	if d.Files, err = app.Store(ctx, s.store); err != nil {
		return nil, fmt.Errorf("fazt: deploy %s: %w", name, err)
	}
	done, err := s.store.Publish(ctx, d, s.opt.Deploy.KeepVersions)
	if err != nil {
		return nil, fmt.Errorf("fazt: deploy %s: %w", name, err)
	}
	// The deploy is made; a reader that went away must not stop it being served.
	if err := s.reload(context.WithoutCancel(ctx)); err != nil {
		return nil, fmt.Errorf("fazt: %s version %d is stored, but not served yet: %w", name, done.Version, err)
	}
	return &Deployment{
		App: name, AppID: done.AppID, Version: done.Version, Files: done.Files, Size: done.Size,
		Engine: d.Engine, EngineReason: reason,
	}, nil
}

// compile finds the mistakes in an app's handler before anything is written. It
// returns the engine that will run it, "" without a handler, and why that is not
// the first one.
func (s *Server) compile(app *site.Site) (engine, reason string, err error) {
	source, ok, err := app.Source(int64(s.runtime.Limits().SourceBytes))
	if err != nil || !ok {
		return "", "", err
	}
	program, err := s.runtime.Load(source, nil)
	if err != nil {
		return "", "", invalid(err)
	}
	defer program.Close()
	engine, reason = program.Engine()
	return engine, reason, nil
}

func invalid(err error) error { return fmt.Errorf("%w: %w", ErrInvalidApp, err) }
