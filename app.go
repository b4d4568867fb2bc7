package fazt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/fazt-sh/fazt/internal/jsapi"
	"github.com/fazt-sh/fazt/internal/site"
	"github.com/fazt-sh/fazt/storage"
)

// app is one version of an app, ready to answer. It never changes, but that its
// handler is loaded by its first request: a deploy makes a new one, and
// requests that are under way keep theirs.
type app struct {
	info     storage.App
	manifest site.Manifest
	files    map[string]*file // by path
	private  []string         // the paths of those under private/, below it, sorted
	modified []string         // the Last-Modified of its files
	broken   error            // why nothing of it can be answered
	size     int64            // that it takes in memory, estimated
	stats    *appStats
	js       *jsapi.App // what its handler's functions know of it

	handler atomic.Pointer[loadedHandler]
	closed  atomic.Bool
	load    handlerLoad
}

// is reports whether the app is the version that a store has.
func (a *app) is(info storage.App) bool {
	return a.info.ID == info.ID && a.info.Current.Version == info.Current.Version
}

// close lets the handler's interpreters go.
func (a *app) close() {
	a.closed.Store(true)
	if h := a.handler.Load(); h != nil && h.handler != nil {
		h.handler.Close()
	}
}

// What a loaded app takes in memory, estimated: in all, for each file with its
// header values, and for each byte of source, whose syntax tree is larger.
const (
	appBytes    = 8 << 10
	fileBytes   = 700
	sourceBytes = 16
)

// errSuperseded reports that a version was dropped while it was being read,
// because newer ones have been deployed meanwhile.
var errSuperseded = errors.New("fazt: the version has been superseded")

// loadApp reads one version of an app. The app is never nil: with an error it
// has what is known of it.
func (s *Server) loadApp(ctx context.Context, info storage.App, before *loadedApp) (*app, error) {
	a := &app{info: info, size: appBytes, load: handlerLoad{turn: make(chan struct{}, 1)}}
	if before != nil && before.app.info.ID == info.ID {
		a.stats = before.app.stats
	} else {
		a.stats = newAppStats(s.stats.of(info))
	}
	if err := json.Unmarshal(info.Current.Manifest, &a.manifest); err != nil {
		return a, fmt.Errorf("stored manifest: %w", err)
	}
	files, err := s.store.Files(ctx, info.ID, info.Current.Version)
	if err != nil {
		return a, err
	}
	if len(files) != info.Current.Files {
		return a, errSuperseded
	}
	a.modified = []string{info.Current.CreatedAt.UTC().Format(http.TimeFormat)}
	a.files = make(map[string]*file, len(files))
	for _, f := range files {
		a.files[f.Path] = newFile(f)
		if name, ok := strings.CutPrefix(f.Path, "private/"); ok {
			a.private = append(a.private, name)
		}
		a.size += fileBytes + int64(len(f.Path))
		if site.IsSource(f.Path) {
			a.size += sourceBytes * f.Size
		}
	}
	slices.Sort(a.private)
	a.js = &jsapi.App{
		ID: info.ID, Name: info.Name, Version: info.Current.Version, Operations: a.stats.operations, Private: privateFiles{s, a},
	}
	return a, nil
}

// privateFiles are the files that an app's handler reads under private/.
type privateFiles struct {
	server *Server
	app    *app
}

func (p privateFiles) Names() []string { return p.app.private }

func (p privateFiles) Size(name string) (int64, bool) {
	f := p.app.files["private/"+name]
	if f == nil {
		return 0, false
	}
	return f.Size, true
}

func (p privateFiles) Read(ctx context.Context, name string) ([]byte, error) {
	return p.server.readContent(ctx, p.app.files["private/"+name].File)
}

// App returns a handler that serves one app wherever it is mounted:
//
//	mux.Handle("/shop/", http.StripPrefix("/shop", srv.App("shop")))
//
// The app is looked up by each request, so it may be deployed later; until then
// the answer is 404. For its users to sign in, mount the Server at /auth/ too.
func (s *Server) App(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, func(w *answer, r *http.Request, p string) { s.serveNamed(w, r, name, p) })
	})
}
