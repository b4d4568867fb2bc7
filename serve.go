package fazt

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/storage"
)

// writeGrace is how much longer than its budget a request may take to be written,
// for clients far away.
const writeGrace = 30 * time.Second

// newDoor makes the front door of a Server with opt, whose defaults are filled in
// as far as they aren't the door's own.
func newDoor(opt Options, reserve func(*http.Request) frontdoor.Reserve) (*frontdoor.Door, error) {
	return frontdoor.New(frontdoor.Options{
		TrustedProxies: opt.TrustedProxies,
		RateLimit:      opt.RateLimit,
		Reserve:        reserve,
		WriteTimeout:   opt.Budget.RequestTimeout + writeGrace,
		DrainTimeout:   opt.DrainTimeout,
		Logger:         opt.Logger,
		AccessLog:      opt.AccessLog,
		PublicPath:     auth.PublicPath,
	})
}

// Door is what stands before the requests of [Server.Serve], for a listener with
// another handler beside it, such as [frontdoor.RedirectTLS]: what it limits, it limits
// for all listeners together.
func (s *Server) Door() *frontdoor.Door { return s.door }

// reserveFor finds the requests that keep the server in its owner's hands. Whose
// key or session has opened the management before is known without asking the
// store, which a flood must not cause.
func (s *Server) reserveFor(r *http.Request) frontdoor.Reserve {
	if s.auth.SiteOf(r).Kind != auth.SiteManagement {
		return frontdoor.NoReserve
	}
	switch r.URL.Path {
	case "/health", "/api/health":
		return frontdoor.HealthReserve
	}
	if s.credentials.known(r) {
		return frontdoor.ManagementReserve
	}
	return frontdoor.NoReserve
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
// Server stays open: call [Server.Close] after. A Close before that ends it, too, and
// after one it refuses with [storage.CodeClosed]. l is closed in any case. A listener of package tls serves
// TLS, and HTTP/2 where its NextProtos have "h2"; what stands before the requests
// is in package frontdoor. With Options.Dev it refuses a listener that others than
// this machine could reach.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	defer s.auth.ListenForApps(portOf(l))()
	return s.serveOn(ctx, l)
}

// ServeAdmin is [Server.Serve] for a listener of its own for the management API and for
// signing in: there every IP address and name of a machine stands for them, as the
// loopback host does, and nothing else answers. It is how a server without a domain is
// managed from another machine. Visitors of its home app at l's machine sign in there,
// so its port must be the one that they see. What is on the way can read passwords and
// keys unless l is one of package tls, or the way is a tunnel.
func (s *Server) ServeAdmin(ctx context.Context, l net.Listener) error {
	defer s.auth.ListenForManagement(portOf(l))()
	return s.serveOn(auth.AtManagement(ctx), l)
}

func portOf(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String()) // a Unix socket has none
	return port
}

func (s *Server) serveOn(ctx context.Context, l net.Listener) error {
	if addr, ok := l.Addr().(*net.TCPAddr); s.opt.Dev && ok && !addr.IP.IsLoopback() {
		l.Close()
		return fmt.Errorf("fazt: Dev is on, so anybody who reaches %v could sign in as anyone; listen on 127.0.0.1, or turn Dev off", addr)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.open, cancel)()
	if s.open.Err() != nil {
		l.Close()
		return &storage.Error{Code: storage.CodeClosed, Op: "serve", Msg: "the server is closed", Hint: "make another by New"}
	}
	if err := s.door.Serve(context.WithValue(ctx, servingKey{}, ctx), l, s); err != nil {
		return fmt.Errorf("fazt: %w", err)
	}
	return nil
}

// servingKey has the context of a [Server.Serve] in those of its requests, which
// outlive it: Shutdown would wait for streams that do not end by themselves.
type servingKey struct{}

// servingOf is the context of the Serve that a request came through, if one did.
func servingOf(request context.Context) context.Context {
	if serve, ok := request.Value(servingKey{}).(context.Context); ok {
		return serve
	}
	return context.Background()
}

// hostLabels are the labels that apps and aliases have, as of a revision of the
// catalogue.
type hostLabels struct {
	revision int64
	retry    time.Time // not read again before; zero: the revision says
	labels   map[string]struct{}
	err      error // there are none: the store failed
}

// HasHost reports whether this server answers a host with more than that there is
// nothing: Options.Domain, www and admin before it, and the labels that are an app or
// an alias now. Ports do not count. It reads the store once after each change to the
// catalogue, and not for each host, so it may be asked about any that a stranger
// names, as for a certificate.
func (s *Server) HasHost(ctx context.Context, host string) (bool, error) {
	site := s.auth.Site(host)
	switch domain := s.opt.Domain; {
	case domain == "":
		return false, nil
	case site.Name == domain || site.Name == "www."+domain || site.Name == "admin."+domain:
		return true, nil
	case site.Kind != auth.SiteApp || site.Name != site.Label+"."+domain:
		return false, nil
	}
	labels, err := s.hostLabels(ctx)
	if err != nil {
		return false, err
	}
	_, ok := labels[site.Label]
	return ok, nil
}

// hostLabels returns the labels of now.
func (s *Server) hostLabels(ctx context.Context) (map[string]struct{}, error) {
	have := s.labels.Load()
	if have.current(s.revision.Load()) {
		return have.labels, have.err
	}
	s.labelsMu.Lock()
	defer s.labelsMu.Unlock()
	revision := s.revision.Load() // before the store is read: what changes meanwhile is read again
	if have = s.labels.Load(); have.current(revision) {
		return have.labels, have.err
	}
	labels, err := s.readLabels(ctx)
	next := &hostLabels{revision: revision, labels: labels}
	if err != nil {
		next.retry = time.Now().Add(time.Second)
		if next.err = err; have != nil && have.err == nil {
			next.labels, next.err = have.labels, nil // the ones so far stay
		}
	}
	s.labels.Store(next)
	return next.labels, next.err
}

func (l *hostLabels) current(revision int64) bool {
	switch {
	case l == nil:
		return false
	case !l.retry.IsZero():
		return time.Now().Before(l.retry)
	}
	return l.revision == revision
}

// readLabels is for all who ask, so it ends with none of them.
func (s *Server) readLabels(ctx context.Context) (map[string]struct{}, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
	defer cancel()
	apps, err := s.store.Apps(ctx)
	if err != nil {
		return nil, err
	}
	aliases, err := s.store.Aliases(ctx)
	if err != nil {
		return nil, err
	}
	labels := make(map[string]struct{}, len(apps)+len(aliases))
	for _, a := range apps {
		labels[a.Name] = struct{}{}
	}
	for _, a := range aliases {
		labels[a.Label] = struct{}{}
	}
	return labels, nil
}
