package fazt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// mainPath is the handler's place in an app.
const mainPath = "api/main.js"

// isSource reports whether a file can be reached by a handler's require, and so
// counts as its source.
func isSource(p string) bool {
	return strings.HasPrefix(p, "api/") && (path.Ext(p) == ".js" || path.Ext(p) == ".json")
}

// app is one version of an app, ready to answer. It never changes: a deploy
// makes a new one, and requests that are under way keep theirs.
type app struct {
	info     storage.App
	manifest manifest
	files    map[string]*file // by path
	modified []string         // the Last-Modified of its files
	handler  *runtime.Handler // nil without one
	broken   error            // why the handler cannot run
	stats    *appStats
}

// routes is what ServeHTTP needs to know of the catalogue, at one revision.
type routes struct {
	revision int64
	apps     map[string]*app // by name
}

func (r *routes) close() {
	for _, a := range r.apps {
		a.close()
	}
}

func (a *app) close() {
	if a.handler != nil {
		a.handler.Close()
	}
}

// app returns the app of that name, or nil.
func (s *Server) app(name string) *app { return s.routes.Load().apps[name] }

// reload brings routes up to date with the catalogue. Apps whose version is
// the same are kept as they are.
func (s *Server) reload(ctx context.Context) error {
	s.reloadMu.Lock()
	defer s.reloadMu.Unlock()
	return s.load(ctx, s.routes.Load().apps)
}

// reloadAll loads every app anew. The caller holds reloadMu.
func (s *Server) reloadAll(ctx context.Context) error { return s.load(ctx, nil) }

// load replaces routes by what the catalogue has, taking over the apps in have
// that are still current.
func (s *Server) load(ctx context.Context, have map[string]*app) error {
	// The revision is read first: a change that comes in between is then seen
	// as one more revision and loaded again, never missed.
	revision, err := s.store.Revision(ctx)
	if err != nil {
		return err
	}
	apps, err := s.store.Apps(ctx)
	if err != nil {
		return err
	}
	next := &routes{revision: revision, apps: make(map[string]*app, len(apps))}
	for _, info := range apps {
		if a := have[info.Name]; a != nil && a.info.ID == info.ID && a.info.Current.Version == info.Current.Version {
			next.apps[info.Name] = a
			continue
		}
		a, err := s.loadApp(ctx, info)
		if errors.Is(err, errSuperseded) {
			return s.load(ctx, have)
		}
		if err != nil && (ctx.Err() != nil || storage.CodeOf(err) == storage.CodeClosed) {
			return err
		}
		if err != nil {
			// One app's damaged content is its own trouble, not its neighbours'.
			s.log.Error("the app cannot be loaded; deploy it again", "app", info.Name, "error", err)
			a = &app{info: info, stats: s.stats.app(info.Name), broken: err}
		}
		next.apps[info.Name] = a
	}
	old := s.routes.Swap(next)
	s.stats.keep(next.apps)
	for name, was := range old.apps {
		if next.apps[name] != was {
			was.close()
		}
	}
	return nil
}

// errSuperseded reports that a version was dropped while it was being read,
// because newer ones have been deployed meanwhile.
var errSuperseded = errors.New("fazt: the version has been superseded")

// loadApp reads one version of an app and compiles its handler, so that no
// request has to.
func (s *Server) loadApp(ctx context.Context, info storage.App) (*app, error) {
	a := &app{info: info, stats: s.stats.app(info.Name)}
	if err := json.Unmarshal(info.Current.Manifest, &a.manifest); err != nil {
		return nil, fmt.Errorf("stored manifest: %w", err)
	}
	files, err := s.store.Files(ctx, info.ID, info.Current.Version)
	if err != nil {
		return nil, err
	}
	if len(files) != info.Current.Files {
		return nil, errSuperseded
	}
	a.modified = []string{info.Current.CreatedAt.UTC().Format(http.TimeFormat)}
	a.files = make(map[string]*file, len(files))
	for _, f := range files {
		a.files[f.Path] = newFile(f)
	}
	return a, s.loadProgram(ctx, a)
}

// loadProgram compiles the app's handler. One that does not compile, because it
// was deployed by another version of fazt, is that app's trouble alone.
func (s *Server) loadProgram(ctx context.Context, a *app) error {
	if a.files[mainPath] == nil {
		return nil
	}
	source := runtime.Source{Files: make(map[string]string), Main: mainPath, Engine: a.info.Current.Engine}
	for p, f := range a.files {
		if !isSource(p) {
			continue
		}
		text, err := s.readContent(ctx, f.File)
		if err != nil {
			return err
		}
		source.Files[p] = string(text)
	}
	program, err := s.runtime.Load(source)
	if err == nil {
		var host *runtime.Host
		if host, err = runtime.NewHost(s.host(a)); err == nil {
			a.handler = program.Bind(host)
		}
	}
	if a.broken = err; err != nil {
		s.log.Error("the handler cannot be loaded; deploy the app again", "app", a.info.Name, "error", a.broken)
	}
	return nil
}

// watch reloads when another process has changed the catalogue.
func (s *Server) watch(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.store.Changed(s.routes.Load().revision):
		}
		if err := s.reload(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("apps could not be reloaded; the versions served so far stay", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second): // a failing disk is not made better by asking often
			}
		}
	}
}

// App returns a handler that serves one app wherever it is mounted:
//
//	mux.Handle("/shop/", http.StripPrefix("/shop", srv.App("shop")))
//
// The app is looked up by each request, so it may be deployed later; until then
// the answer is 404. For its users to sign in, mount the Server at /auth/ too.
func (s *Server) App(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, func(w *answer, r *http.Request, p string) {
			if a := s.app(name); a != nil {
				s.serveApp(w, r, a, p)
				return
			}
			notFound(w, r)
		})
	})
}

// AppInfo describes a deployed app.
type AppInfo struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Version    int       `json:"version"`
	Engine     string    `json:"engine"` // that runs the handler; "" without one
	Files      int       `json:"file_count"`
	Size       int64     `json:"size_bytes"` // uncompressed
	DeployedAt time.Time `json:"deployed_at"`
}

// Apps returns the deployed apps, by name.
func (s *Server) Apps(ctx context.Context) ([]AppInfo, error) {
	apps, err := s.store.Apps(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]AppInfo, len(apps))
	for i, a := range apps {
		list[i] = AppInfo{
			ID: a.ID, Name: a.Name, Version: a.Current.Version, Engine: a.Current.Engine,
			Files: a.Current.Files, Size: a.Current.Size, DeployedAt: a.Current.CreatedAt,
		}
	}
	return list, nil
}

// RemoveApp removes an app by name, with its data unless keepData; kept data
// returns with the next app that is deployed under the name. An app that does
// not exist is a [storage.CodeNotFound] error.
func (s *Server) RemoveApp(ctx context.Context, name string, keepData bool) error {
	a, err := s.store.App(ctx, strings.ToLower(name))
	if storage.CodeOf(err) == storage.CodeNotFound {
		return &storage.Error{Code: storage.CodeNotFound, Op: "remove", Msg: fmt.Sprintf("there is no app named %q", name), Hint: "list the apps to see their names"}
	}
	if err != nil {
		return err
	}
	if err := s.store.RemoveApp(ctx, a.ID, keepData); err != nil {
		return err
	}
	return s.reload(context.WithoutCancel(ctx))
}
