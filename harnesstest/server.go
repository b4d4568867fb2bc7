package harnesstest

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/storage"
)

// Server is a fazt server under test.
type Server struct {
	// URL is the bare host, where the management API answers:
	// "http://127.0.0.1:41234".
	URL string
	// Fazt is the server itself; nil when attached.
	Fazt *fazt.Server

	tb      testing.TB
	site    *site
	token   string            // API key, "" without one
	manager *http.Client      // of the management API
	lacks   map[string]string // see [Lacker]
}

var _ interface {
	Target
	Lacker
	Deployer
	SignsIn
	Keyer
	Sibling
	Spawner
} = (*Server)(nil)

// Base implements [Target].
func (s *Server) Base() string { return s.URL }

// Dial implements [Target].
func (s *Server) Dial(ctx context.Context) (net.Conn, error) {
	return s.site.Dial(ctx)
}

// Lacks implements [Lacker]. A server that [Start] started lacks nothing, in a package
// whose TestMain calls [Main].
func (s *Server) Lacks(capability string) string {
	if capability == "Spawner" && s.Fazt != nil && !mainCalled.Load() {
		return noMain
	}
	return s.lacks[capability]
}

// Sibling implements [Sibling].
func (s *Server) Sibling(tb testing.TB, change ...func(*fazt.Options)) Target {
	tb.Helper()
	if reason := s.Lacks("Sibling"); reason != "" {
		tb.Fatalf("harnesstest: no sibling: %s", reason)
	}
	return Start(tb, change...)
}

// Store, if a TestMain has set it, is asked for the store of every server that Start
// starts with a data file, so that a whole suite runs on another engine. nil stands for
// the data file. One that it returns is closed by itself, after the server.
var Store func(tb testing.TB, dataFile string, quotas storage.Quotas) storage.Store

// Start runs a server until the test ends. It has Dev on, takes as many requests
// as a test can send from its one address, and its log is shown when the test has
// failed; change may set other options. The test fails as well if the server leaves a
// goroutine or an open file behind.
func Start(tb testing.TB, change ...func(*fazt.Options)) *Server {
	tb.Helper()
	lines := &logTail{}
	tb.Cleanup(func() { lines.show(tb) })
	opt := fazt.Options{
		DataFile:  filepath.Join(tb.TempDir(), "data.db"),
		Dev:       true,
		RateLimit: frontdoor.NoRateLimit,
		Logger:    slog.New(slog.NewTextHandler(lines, nil)),
	}
	for _, f := range change {
		f(&opt)
	}
	InPlaceOfFile(tb, &opt)
	ctx, stop := context.WithCancel(context.Background())
	run, err := start(ctx, tb.Name(), opt)
	if err != nil {
		stop()
		tb.Fatalf("harnesstest: start: %v", err)
	}
	tb.Cleanup(func() {
		stop()
		if err := run.wait(); err != nil {
			tb.Errorf("harnesstest: stop: %v", err)
		}
		for _, stack := range leaked(run.label, leakPatience) {
			tb.Errorf("harnesstest: a goroutine outlived the server:\n%s", stack)
		}
		for _, file := range stillOpen(opt.DataFile) {
			tb.Errorf("harnesstest: the server has closed, and %s is still open", file)
		}
	})
	s := &Server{Fazt: run.fazt, tb: tb, site: siteAt(run.listener.Addr())}
	if s.token, err = run.fazt.CreateKey(ctx, "harnesstest", "admin"); err != nil {
		tb.Fatalf("harnesstest: %v", err)
	}
	s.URL = s.site.Base()
	s.manager = newClient(tb, s)
	return s
}

// InPlaceOfFile has options use what Store returns, if it returns something, as Start does.
func InPlaceOfFile(tb testing.TB, opt *fazt.Options) {
	tb.Helper()
	if Store == nil || opt.Store != nil || opt.DataFile == "" {
		return
	}
	if s := Store(tb, opt.DataFile, opt.Quotas); s != nil {
		if opt.KeyFile == "" {
			opt.KeyFile = fazt.DefaultKeyFile(opt.DataFile)
		}
		opt.Store, opt.DataFile, opt.Quotas = s, "", storage.Quotas{}
	}
}

// running is a server whose goroutines all carry a label.
type running struct {
	fazt     *fazt.Server
	listener net.Listener
	label    string
	served   chan error
}

func start(ctx context.Context, name string, opt fazt.Options) (*running, error) {
	r := &running{served: make(chan error, 1)}
	started := make(chan error, 1)
	r.label = labelled(name, func() {
		var err error
		if r.fazt, err = fazt.New(ctx, opt); err != nil {
			started <- err
			return
		}
		if r.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			r.fazt.Close()
			started <- err
			return
		}
		started <- nil
		r.served <- r.fazt.Serve(ctx, r.listener)
	})
	return r, <-started
}

func (r *running) wait() error {
	err := <-r.served
	if closeErr := r.fazt.Close(); err == nil {
		err = closeErr
	}
	return err
}

// StartOrAttach attaches when FAZT_TARGET is set, and starts a server if not.
func StartOrAttach(tb testing.TB) *Server {
	tb.Helper()
	if os.Getenv("FAZT_TARGET") != "" {
		return Attach(tb)
	}
	return Start(tb)
}
