package fazt

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/internal/jsapi"
	"github.com/fazt-sh/fazt/internal/site"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// app is one version of an app, ready to answer. It never changes, but that its
// handler is loaded by its first request, that its owner may set variables, and that
// it learns of files of the versions before it: a deploy makes a new one, and requests
// that are under way keep theirs.
type app struct {
	info     storage.App
	manifest site.Manifest
	files    map[string]*file // by path
	private  []string         // the paths of those under private/, below it, sorted
	modified []string         // the Last-Modified of its files
	broken   error            // why nothing of it can be answered
	size     int64            // that it takes in memory, estimated
	stats    *appStats
	js       *jsapi.App                // what its handler's functions know of it
	env      atomic.Pointer[jsapi.Env] // replaced whole, since it changes without a deploy

	handler atomic.Pointer[loadedHandler]
	closed  atomic.Bool
	load    handlerLoad

	keptMu sync.Mutex
	kept   map[string]*file // by path: of versions before, nil for none
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
func (s *Server) loadApp(ctx context.Context, info storage.App) (*app, error) {
	a := &app{info: info, size: appBytes, load: handlerLoad{turn: make(chan struct{}, 1)}, stats: s.apps.statsOf(info.ID)}
	if a.stats == nil {
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
		a.files[f.Path] = newFile(f, &a.manifest)
		if name, ok := strings.CutPrefix(f.Path, "private/"); ok {
			a.private = append(a.private, name)
		}
		a.size += fileBytes + int64(len(f.Path))
		if site.IsSource(f.Path) {
			a.size += sourceBytes * f.Size
		} else if _, ok := site.MapOf(f.Path); ok {
			a.size += f.Size
		}
	}
	slices.Sort(a.private)
	a.js = &jsapi.App{
		ID: info.ID, Name: info.Name, Version: info.Current.Version, Operations: a.stats.operations, Private: privateFiles{s, a},
		Env: a.env.Load,
	}
	return a, s.loadEnv(ctx, a)
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
// the answer is 404. For its users to sign in, mount [Server.Auth] at /auth/ too.
func (s *Server) App(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, func(w *answer, r *http.Request, p string) { s.serveNamed(w, r, name, p) })
	})
}

// loadedHandler is an app's compiled handler, with the functions that it was
// given.
type loadedHandler struct {
	program *runtime.Program
	handler *runtime.Handler
	host    *runtime.Host
	err     error     // why there is none
	retry   time.Time // until when that is the answer; zero: for good
}

// current reports whether h is the answer while handlers are given host.
func (h *loadedHandler) current(host *runtime.Host) bool {
	return h != nil && h.host == host && (h.retry.IsZero() || time.Now().Before(h.retry))
}

// handlerLoad is how the requests to an app share one loading of its handler.
type handlerLoad struct {
	turn chan struct{} // holds an element while the handler is loaded: never twice at once

	mu      sync.Mutex
	flight  *flight          // the one under way, nil without
	program *runtime.Program // what a deploy has compiled, until it is taken
}

// flight is one loading of a handler. It ends when nobody waits for it any more.
type flight struct {
	waiting int // guarded by handlerLoad.mu
	cancel  context.CancelFunc
	done    chan struct{} // closed when handler and err are there
	handler *runtime.Handler
	err     error
}

// handlerOf returns what answers the requests to an app's handler, which is loaded
// for the first. The others of that moment wait for it, each for as long as its own
// time goes.
func (s *Server) handlerOf(ctx context.Context, a *app) (*runtime.Handler, error) {
	if h := a.handler.Load(); h.current(s.host.Load()) {
		return h.handler, h.err
	}
	f := s.board(ctx, a)
	defer a.load.leave(f)
	select {
	case <-f.done:
		return f.handler, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// board joins the loading that is under way, or begins one.
func (s *Server) board(ctx context.Context, a *app) *flight {
	l := &a.load
	l.mu.Lock()
	defer l.mu.Unlock()
	if f := l.flight; f != nil {
		f.waiting++
		return f
	}
	// The first request's address is the one that it counts for. Its time and its
	// budget are its own.
	loading, cancel := context.WithTimeout(loadingFor(context.Background(), a.info.Name, addressOf(ctx)), loadTimeout+s.runtime.Limits().Load)
	f := &flight{waiting: 1, cancel: cancel, done: make(chan struct{})}
	l.flight = f
	go func() {
		f.handler, f.err = s.loadHandler(loading, a)
		l.mu.Lock()
		if l.flight == f {
			l.flight = nil
		}
		l.mu.Unlock()
		close(f.done)
	}()
	return f
}

// leave notes that a request waits no longer, and ends what nobody waits for.
func (l *handlerLoad) leave(f *flight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.waiting--; f.waiting > 0 {
		return
	}
	f.cancel()
	if l.flight == f {
		l.flight = nil
	}
}

// loadHandler makes a handler the one that answers.
func (s *Server) loadHandler(ctx context.Context, a *app) (*runtime.Handler, error) {
	select {
	case a.load.turn <- struct{}{}:
		defer func() { <-a.load.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	host := s.host.Load()
	was := a.handler.Load()
	if was.current(host) {
		return was.handler, was.err
	}
	h := &loadedHandler{host: host, program: a.load.take()}
	if was != nil && was.program != nil {
		h.program = was.program
	}
	if h.program == nil {
		if h.program, h.err = s.loadProgram(ctx, a); h.err != nil && !lasting(h.err) {
			return nil, h.err
		}
	}
	if h.err == nil {
		var own *runtime.Host
		own, h.err = host.With(map[string]any{
			"fazt.app.id": a.info.ID, "fazt.app.name": a.info.Name, "fazt.app.version": a.info.Current.Version,
		})
		if h.err == nil {
			h.handler = h.program.Bind(own)
		}
	}
	if h.err != nil {
		s.log.Error("the handler cannot be loaded; deploy the app again", "app", a.info.Name, "error", h.err)
		if storeFailed(h.err) {
			h.retry = time.Now().Add(storeRetry)
		}
	}
	a.handler.Store(h)
	if was != nil && was.handler != nil {
		was.handler.Close()
	}
	if a.closed.Load() && h.handler != nil {
		h.handler.Close()
	}
	return h.handler, h.err
}

// lasting reports whether an app that couldn't be loaded is better not tried again
// by the next request: for good, or for a while if the store failed. A crowd that
// left no slot, and visitors who have gone, are nothing to remember.
func lasting(err error) bool {
	return !errors.Is(err, context.Canceled) && !errors.Is(err, budget.ErrOverloaded)
}

// loadProgram compiles an app's handler, as work of that app.
func (s *Server) loadProgram(ctx context.Context, a *app) (*runtime.Program, error) {
	source := runtime.Source{Files: make(map[string]string), Maps: make(map[string]string), Main: site.MainPath, Engine: a.info.Current.Engine}
	main, err := s.readContent(ctx, a.files[site.MainPath].File)
	if err != nil {
		return nil, err
	}
	var mapBytes int64
	for _, p := range slices.Sorted(maps.Keys(a.files)) {
		f := a.files[p]
		file, isMap := site.MapOf(p)
		if !isMap && !site.IsSource(p) || !site.InProgram(string(main), cmp.Or(file, p)) || isMap && mapBytes+f.Size > site.MaxMapBytes {
			continue
		}
		if isMap {
			mapBytes += f.Size
		}
		text, err := s.readContent(ctx, f.File)
		if err != nil {
			return nil, err
		}
		if isMap {
			source.Maps[file] = string(text)
		} else {
			source.Files[p] = string(text)
		}
	}
	return s.runtime.Load(ctx, source)
}

// take returns what a deploy has left, once.
func (l *handlerLoad) take() *runtime.Program {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.program
	l.program = nil
	return p
}

// handOver gives the program of a version that was just deployed to the app that is
// to answer, so that it isn't compiled again.
func (s *Server) handOver(ctx context.Context, name string, version int, program *runtime.Program) {
	a, err := s.app(ctx, name)
	if err != nil || a == nil || a.info.Current.Version != version {
		return // the first request compiles it
	}
	a.load.mu.Lock()
	defer a.load.mu.Unlock()
	a.load.program = program
}

// loadKey is the context's key of on whose behalf a program is loaded.
type loadKey struct{}

// loadingFor returns a context for a load on an app's behalf, for a visitor with an
// address.
func loadingFor(ctx context.Context, app, address string) context.Context {
	return context.WithValue(ctx, loadKey{}, budget.Caller{Flow: app, Address: address, NoSample: true})
}

// loadFor is on whose behalf a load wants to compute.
func loadFor(ctx context.Context) budget.Caller {
	c, _ := ctx.Value(loadKey{}).(budget.Caller)
	return c
}
