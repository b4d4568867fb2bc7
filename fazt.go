package fazt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	goruntime "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/gojajs"
	"github.com/fazt-sh/fazt/runtime/ottojs"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// Version is the version of this package and of the fazt command.
const Version = "0.1.0"

// Options is the whole configuration of a [Server]. Only DataFile is required.
type Options struct {
	// DataFile is the path of the SQLite file that holds everything: apps,
	// their data, users and keys. It is made, readable by its owner only, when
	// it is missing. Several processes may share one file on a local disk; a
	// network file system would lose data.
	DataFile string

	// Domain is the server's own host name, such as "example.com". Apps answer
	// on their label below it, and the management API on admin.<domain>.
	// Default: none; apps answer on <label>.localhost only.
	Domain string

	// Home names the app that a visitor of the bare loopback host is sent to.
	// Default: none; the visitor gets a welcome page.
	Home string

	// Dev shows a handler's errors with their source lines in answers, and
	// offers the dev sign-in provider to visitors on loopback. Default: off;
	// leave it off on any machine that others can reach.
	Dev bool

	// Logger receives what happens inside, handlers' console output included.
	// Default: nil, which discards it.
	Logger *slog.Logger

	// Budget is how long a request and its steps may take. Zero fields stand
	// for the defaults that package budget documents.
	Budget budget.Config

	// Slots is how many handlers compute at the same time. More than the
	// processors only makes them wait inside the scheduler. Default: GOMAXPROCS.
	Slots int
	// InFlight is how many handlers are under way at the same time, those that
	// wait in storage included; one app gets at most three quarters. Each takes
	// about a megabyte on otto. More of them let more writes share a commit, up to
	// what the slots can keep busy. Raise it if Bindings wait for something slow.
	// Default: 16 for each slot, and at least 32.
	InFlight int

	// Queue is how many requests may wait for a slot; what comes beyond is
	// answered 503 at once. Default: 256.
	Queue int

	// RateLimit is how many requests a second one client address may send, on
	// average; twice as many at once. What is beyond is answered 429 after 10 ms,
	// so that a client that does not wait by itself is made to; ten a second more
	// are kept for health checks, and ten for management. Only [Server.Serve]
	// limits; a program with a listener of its own uses a [frontdoor.Door].
	// Default: 500. [frontdoor.NoRateLimit] takes every request.
	RateLimit int

	// TrustedProxies are the addresses of proxies in front of the server, such
	// as 10.0.0.0/8: from them alone the client's address, its TLS, and a
	// deadline are taken; see package frontdoor. Whoever has one
	// of these addresses can claim to be anybody. Default: none.
	TrustedProxies []netip.Prefix

	// Handler bounds each run of a handler. Zero fields stand for the defaults
	// that package runtime documents.
	Handler runtime.Limits

	// Quotas bound what each app may store. Zero fields stand for the defaults
	// that package storage documents.
	Quotas storage.Quotas

	// Deploy bounds what may be deployed.
	Deploy DeployLimits

	// MaxBody is the largest request body, in bytes, that a handler is given.
	// Default: 1 MiB.
	MaxBody int64

	// MaxUpload is the same for multipart forms, which carry files.
	// Default: 32 MiB.
	MaxUpload int64

	// BodyMemory is how many bytes of request bodies may be in memory together.
	// Less than MaxUpload refuses the largest uploads always. Default: 256 MiB, or
	// twice the larger of MaxBody and MaxUpload where that is more.
	BodyMemory int64

	// DrainTimeout is how long [Server.Serve] waits for running requests after
	// its context ends. Default: 10 s.
	DrainTimeout time.Duration
}

// DeployLimits bounds one deploy. What is past a limit is refused before
// anything is written.
type DeployLimits struct {
	FileBytes    int64 // one file, uncompressed. Default: 100 MiB
	AppBytes     int64 // all files, uncompressed. Default: 500 MiB
	Files        int   // how many. Default: 20,000
	KeepVersions int   // that can be rolled back to. Default: 10
}

// Server serves apps. It is an [http.Handler], safe for concurrent use, and
// shares nothing with other Servers in the process.
type Server struct {
	opt     Options
	log     *slog.Logger
	store   *sqlite.Store
	auth    *auth.Auth
	runtime *runtime.Runtime
	slots   *budget.Admission
	stats   stats
	metrics http.Handler
	logs    *logWriter
	door    *frontdoor.Door
	content *contentCache
	blobKey []byte // signs the URLs of blobs
	started time.Time
	forgery *http.CrossOriginProtection

	credentials credentials

	routes   atomic.Pointer[routes] // replaced whole; see reload
	reloadMu sync.Mutex             // one reload at a time; guards bindings
	bindings map[string]runtime.Func

	open    context.Context    // until Close: for watch and the followers of logs
	stop    context.CancelFunc // ends it
	watched sync.WaitGroup

	followers chan struct{} // one element for each

	closeMu  sync.RWMutex // guards closed, and requests while it grows
	closed   bool
	requests sync.WaitGroup
	closeErr error
}

// New opens the data file and loads the apps in it. It reports every problem
// with opt at once. The context bounds the opening alone. Call [Server.Close]
// when done.
func New(ctx context.Context, opt Options) (*Server, error) {
	opt, err := opt.withDefaults()
	s := &Server{
		opt:      opt,
		log:      opt.Logger,
		content:  newContentCache(contentCacheBytes),
		started:  time.Now(),
		forgery:  http.NewCrossOriginProtection(),
		bindings: make(map[string]runtime.Func),

		followers: make(chan struct{}, maxFollowers),
	}
	var doorErr error
	s.door, doorErr = newDoor(opt, s.reserveFor)
	if err := errors.Join(err, doorErr); err != nil {
		return nil, err
	}
	s.routes.Store(&routes{})
	s.metrics = s.newMetrics()
	s.slots, err = budget.NewAdmission(budget.AdmissionConfig{
		Slots: opt.Slots, Queue: opt.Queue, InFlight: opt.InFlight, MaxWait: opt.Budget.QueueAdmissionTime,
	})
	if err != nil {
		return nil, err
	}
	s.runtime, err = runtime.New(runtime.Options{
		Engines: []runtime.Engine{ottojs.New(), gojajs.New()},
		Limits:  opt.Handler,
		Gate:    gate{s.slots},
		Idle:    opt.InFlight,
	})
	if err != nil {
		return nil, err
	}
	s.store, err = sqlite.Open(ctx, opt.DataFile, sqlite.Options{Logger: opt.Logger, Quotas: opt.Quotas})
	if err != nil {
		return nil, err
	}
	if s.blobKey, err = s.store.Secret(ctx, "blob urls"); err != nil {
		return nil, errors.Join(err, s.store.Close())
	}
	s.auth, err = auth.New(ctx, auth.Options{Store: s.store, Dev: opt.Dev, Domain: opt.Domain, Secure: frontdoor.IsSecure, Logger: opt.Logger})
	if err != nil {
		return nil, errors.Join(err, s.store.Close())
	}
	if err := s.reload(ctx); err != nil {
		return nil, errors.Join(err, s.auth.Close(), s.store.Close())
	}
	s.logs = startLogWriter(s.store.AppendLogs, s.log)
	s.open, s.stop = context.WithCancel(context.Background())
	s.watched.Go(func() { s.watch(s.open) })
	return s, nil
}

// withDefaults fills in the zero fields and reports every field that cannot be
// used, but for those that are the front door's.
func (opt Options) withDefaults() (Options, error) {
	var errs []error
	if opt.DataFile == "" {
		errs = append(errs, errors.New("fazt: DataFile is empty; give the path of the data file, such as \"data.db\""))
	}
	opt.Domain = strings.ToLower(strings.TrimSuffix(opt.Domain, "."))
	if strings.ContainsAny(opt.Domain, "/:@ ") || strings.HasPrefix(opt.Domain, ".") {
		errs = append(errs, fmt.Errorf("fazt: Domain %q is not a host name; give one without scheme and port, such as \"example.com\"", opt.Domain))
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	var err error
	if opt.Budget, err = opt.Budget.WithDefaults(); err != nil {
		errs = append(errs, err)
	}
	if opt.Quotas, err = opt.Quotas.WithDefaults(); err != nil {
		errs = append(errs, err)
	}
	positive(&errs, "Slots", &opt.Slots, goruntime.GOMAXPROCS(0))
	positive(&errs, "InFlight", &opt.InFlight, max(32, 16*opt.Slots))
	positive(&errs, "Queue", &opt.Queue, 256)
	positive(&errs, "MaxBody", &opt.MaxBody, 1<<20)
	positive(&errs, "MaxUpload", &opt.MaxUpload, 32<<20)
	positive(&errs, "Deploy.FileBytes", &opt.Deploy.FileBytes, 100<<20)
	positive(&errs, "Deploy.AppBytes", &opt.Deploy.AppBytes, 500<<20)
	positive(&errs, "Deploy.Files", &opt.Deploy.Files, 20_000)
	positive(&errs, "Deploy.KeepVersions", &opt.Deploy.KeepVersions, 10)
	return opt, errors.Join(errs...)
}

func positive[T int | int64 | time.Duration](errs *[]error, name string, field *T, value T) {
	switch {
	case *field < 0:
		*errs = append(*errs, fmt.Errorf("fazt: %s is %v; give a positive value, or 0 for %v", name, *field, value))
	case *field == 0:
		*field = value
	}
}

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
// file. It may be called more than once, and returns the same each time.
func (s *Server) Close() error {
	s.closeMu.Lock()
	first := !s.closed
	s.closed = true
	s.closeMu.Unlock()
	if !first {
		return s.closeErr
	}
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
	s.closeErr = errors.Join(s.auth.Close(), s.store.Close())
	s.routes.Load().close()
	return s.closeErr
}
