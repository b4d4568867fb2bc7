package fazt

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/internal/jsapi"
	"github.com/fazt-sh/fazt/internal/livereload"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/gojajs"
	"github.com/fazt-sh/fazt/runtime/ottojs"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/backups"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// Version is the version of this package and of the fazt command.
const Version = "0.1.0"

// Server serves apps. It is an [http.Handler], safe for concurrent use, and
// shares nothing with other Servers in the process.
type Server struct {
	opt     Options
	log     *slog.Logger
	store   storage.Store
	auth    *auth.Auth
	runtime *runtime.Runtime
	slots   *budget.Admission
	door    *frontdoor.Door
	bodies  *budget.Pool // of requests to handlers
	answers *budget.Pool // of handlers, held in memory
	jsapi   *jsapi.API
	stats   stats
	dev     livereload.Problems // with Options.Dev
	logs    *logWriter
	backups *backups.Keeper // nil without any

	certificates certificateEnds
	content      *contentCache
	blobKey      []byte // signs the URLs of blobs
	keys         *keyring
	started      time.Time
	forgery      *http.CrossOriginProtection

	management  http.Handler
	credentials credentials

	apps      *loadedApps
	aliases   aliases
	deploying chan struct{} // holds an element during a deploy
	revision  atomic.Int64  // of the store's catalogue, as far as this server has noticed

	labelsMu sync.Mutex // held while they are read
	labels   atomic.Pointer[hostLabels]

	bindMu    sync.Mutex
	functions map[string]any               // what handlers are given; replaced whole
	host      atomic.Pointer[runtime.Host] // the same, prepared

	open    context.Context    // until Close: for watch, loads and streams
	stop    context.CancelFunc // ends it
	watched sync.WaitGroup

	closeMu  sync.RWMutex // guards closed, and requests while it grows
	closed   bool
	requests sync.WaitGroup
	once     sync.Once // of Close
	closeErr error
}

// New opens the store. Apps are loaded when they are first asked for. It reports
// every problem with opt at once, before a file is made. The context bounds the
// opening alone. Call [Server.Close] when done.
func New(ctx context.Context, opt Options) (*Server, error) {
	opt, err := opt.withDefaults()
	s := &Server{
		opt:     opt,
		log:     opt.Logger,
		store:   opt.Store,
		content: newContentCache(opt.FileMemory),
		apps:    newLoadedApps(opt.LoadedApps, opt.LoadedBytes),

		deploying: make(chan struct{}, 1),
		started:   time.Now(),
		forgery:   http.NewCrossOriginProtection(),
	}
	if err == nil { // which has looked at the same fields
		s.slots, err = budget.NewAdmission(budget.AdmissionConfig{
			Slots: opt.Slots, Queue: opt.Queue, InFlight: opt.InFlight, MaxWait: opt.Budget.QueueAdmissionTime,
		})
	}
	var doorErr, runtimeErr error
	s.door, doorErr = newDoor(opt, s.reserveFor)
	s.runtime, runtimeErr = runtime.New(runtime.Options{
		Engines: []runtime.Engine{ottojs.New(), gojajs.New()},
		Limits:  opt.Handler,
		Gate:    gate{s.slots},
		PassOn:  jsapi.PassOn(),
		Idle:    max(runtime.DefaultIdle, 16*opt.Slots),
	})
	if err := errors.Join(err, doorErr, runtimeErr, s.authOptions().Check()); err != nil {
		return nil, err
	}
	if s.opt.AnswerMemory == 0 {
		s.opt.AnswerMemory = max(defaultMemory, 5*int64(s.runtime.Limits().ResponseBytes))
	}
	s.bodies, s.answers = budget.NewPool(s.opt.BodyMemory), budget.NewPool(s.opt.AnswerMemory)
	if s.store == nil {
		s.store, err = sqlite.Open(ctx, opt.DataFile, sqlite.Options{Logger: opt.Logger, Quotas: opt.Quotas})
		if err != nil {
			return nil, err
		}
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

// authOptions are those of s.auth, but for what the store gives.
func (s *Server) authOptions() auth.Options {
	return auth.Options{
		Dev: s.opt.Dev, Domain: s.opt.Domain, Secure: frontdoor.IsSecure, Logger: s.log,
		Providers: s.opt.Providers, Passkeys: s.opt.Passkeys,
	}
}

// start reads from the store what the server needs at once, and begins the work
// that goes on beside requests.
func (s *Server) start(ctx context.Context) (err error) {
	if s.blobKey, err = s.store.Secret(ctx, "blob urls"); err != nil {
		return err
	}
	s.keys = &keyring{path: s.opt.KeyFile, store: s.store}
	authOptions := s.authOptions()
	authOptions.Store = s.store
	if s.opt.KeyFile != "" {
		authOptions.Sealer = s.keys
	}
	if s.auth, err = auth.New(ctx, authOptions); err != nil {
		return err
	}
	if err := s.checkKey(ctx); err != nil {
		return err
	}
	s.jsapi = jsapi.New(jsapi.Options{Store: s.store, MaxBytes: s.opt.MaxUpload, BlobURL: s.signBlobURL, Explain: explain})
	if err := s.setFunctions(s.jsapi.Host()); err != nil {
		return err
	}
	if err := s.refresh(ctx); err != nil {
		return err
	}
	s.management = s.newManagement()
	s.logs = startLogWriter(s.store.AppendLogs, s.log)
	s.open, s.stop = context.WithCancel(context.Background())
	s.watched.Go(func() { s.watch(s.open) })
	if s.opt.Backups.Dir != "" {
		s.backups = backups.New(s.opt.Backups, s.store.Backup, s.log)
		s.watched.Go(func() { s.backups.Run(s.open) })
	}
	return nil
}

// release lets go of the store, which is closed unless it was lent.
func (s *Server) release() error {
	var err error
	if s.auth != nil {
		err = s.auth.Close()
	}
	if s.opt.Store == nil {
		err = errors.Join(err, s.store.Close())
	}
	return err
}

// Auth keeps the server's users and sessions, for a program that serves more than
// apps: it says who is signed in, protects the program's own handlers, and is the
// handler of /auth/ where the Server itself is not mounted. It is closed with the
// Server.
func (s *Server) Auth() *auth.Auth { return s.auth }

// Store has everything that the server keeps. It is lent: [Server.Close] closes it,
// unless it was given by Options.Store.
func (s *Server) Store() storage.Store { return s.store }

// enter counts a request in, unless the server is closed.
func (s *Server) enter() bool {
	s.closeMu.RLock()
	defer s.closeMu.RUnlock()
	if s.closed {
		return false
	}
	s.requests.Add(1)
	return true
}

// Close refuses new requests, waits for those that are running up to
// Options.DrainTimeout, puts acknowledged writes on disk and releases the data
// file, or leaves a Store that it was lent open. [Server.Serve] returns as when its
// context ends. Close may be called more than once and by several goroutines; each
// call returns the same, when all of that is done. Methods that need the store are
// [storage.CodeClosed] errors after it.
func (s *Server) Close() error {
	s.once.Do(s.shutDown)
	return s.closeErr
}

func (s *Server) shutDown() {
	s.closeMu.Lock()
	s.closed = true
	s.closeMu.Unlock()
	s.stop()
	idle := make(chan struct{})
	go func() {
		s.requests.Wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-time.After(s.door.Options().DrainTimeout):
	}
	s.watched.Wait()
	s.logs.close()
	s.closeErr = s.release()
	s.apps.close()
}
