package fazt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	goruntime "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/ottojs"
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

	// Queue is how many requests may wait for a slot; what comes beyond is
	// answered 503 at once. Default: 256.
	Queue int

	// Handler bounds each run of a handler. Zero fields stand for the defaults
	// that package runtime documents.
	Handler runtime.Limits

	// Deploy bounds what may be deployed.
	Deploy DeployLimits

	// MaxBody is the largest request body, in bytes, that a handler is given.
	// Default: 1 MiB.
	MaxBody int64

	// MaxUpload is the same for multipart forms, which carry files.
	// Default: 32 MiB.
	MaxUpload int64

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
	slots   *budget.Slots
	content *contentCache
	started time.Time
	forgery *http.CrossOriginProtection

	routes   atomic.Pointer[routes] // replaced whole; see reload
	reloadMu sync.Mutex             // one reload at a time; guards bindings
	bindings map[string]runtime.Func

	stop    context.CancelFunc // ends watch
	watched sync.WaitGroup
	closed  sync.Once
}

// New opens the data file and loads the apps in it. It reports every problem
// with opt at once. The context bounds the opening alone. Call [Server.Close]
// when done.
func New(ctx context.Context, opt Options) (*Server, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		opt:      opt,
		log:      opt.Logger,
		slots:    budget.NewSlots(opt.Slots, opt.Queue, opt.Budget.QueueAdmissionTime),
		content:  newContentCache(contentCacheBytes),
		started:  time.Now(),
		forgery:  http.NewCrossOriginProtection(),
		bindings: make(map[string]runtime.Func),
	}
	s.routes.Store(&routes{})
	s.runtime, err = runtime.New(runtime.Options{
		Engines: []runtime.Engine{ottojs.New()},
		Limits:  opt.Handler,
		Gate:    gate{s.slots},
	})
	if err != nil {
		return nil, err
	}
	s.store, err = sqlite.Open(ctx, opt.DataFile, sqlite.Options{Logger: opt.Logger})
	if err != nil {
		return nil, err
	}
	s.auth, err = auth.New(ctx, auth.Options{Store: s.store, Dev: opt.Dev, Domain: opt.Domain, Logger: opt.Logger})
	if err != nil {
		return nil, errors.Join(err, s.store.Close())
	}
	if err := s.reload(ctx); err != nil {
		return nil, errors.Join(err, s.auth.Close(), s.store.Close())
	}
	watch, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.watched.Go(func() { s.watch(watch) })
	return s, nil
}

// withDefaults fills in the zero fields and reports every field that cannot be
// used.
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
	positive(&errs, "Slots", &opt.Slots, goruntime.GOMAXPROCS(0))
	positive(&errs, "Queue", &opt.Queue, 256)
	positive(&errs, "MaxBody", &opt.MaxBody, 1<<20)
	positive(&errs, "MaxUpload", &opt.MaxUpload, 32<<20)
	positive(&errs, "DrainTimeout", &opt.DrainTimeout, 10*time.Second)
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

// ListenAndServe listens on addr, such as "127.0.0.1:8080", and serves until
// ctx ends; see [Server.Serve].
func (s *Server) ListenAndServe(ctx context.Context, addr string) error {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("fazt: cannot listen on %s: %w; stop the program that uses it, or choose another address", addr, err)
	}
	return s.Serve(ctx, l)
}

// Serve answers connections on l until ctx ends. Then it takes no new ones,
// waits for the running requests up to Options.DrainTimeout, and returns nil;
// requests that are still running are cut off and reported as an error. The
// Server stays open: call [Server.Close] after. With Options.Dev it refuses a
// listener that others than this machine could reach.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if addr, ok := l.Addr().(*net.TCPAddr); s.opt.Dev && ok && !addr.IP.IsLoopback() {
		l.Close()
		return fmt.Errorf("fazt: Dev is on, so anybody who reaches %v could sign in as anyone; listen on 127.0.0.1, or turn Dev off", addr)
	}
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      s.opt.Budget.RequestTimeout + 30*time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("fazt: serve: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opt.DrainTimeout)
	defer cancel()
	err := server.Shutdown(drain)
	if err != nil {
		err = errors.Join(fmt.Errorf("fazt: requests still running after %v were cut off: %w", s.opt.DrainTimeout, err), server.Close())
	}
	<-done
	return err
}

// Close puts acknowledged writes on disk and releases the data file. Requests
// made after it fail. It may be called more than once.
func (s *Server) Close() error {
	var err error
	s.closed.Do(func() {
		s.stop()
		s.watched.Wait()
		err = errors.Join(s.auth.Close(), s.store.Close())
		s.routes.Load().close()
	})
	return err
}
