package harnesstest

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/fazt-sh/fazt"
)

// Target is what the suites ask: anything that answers HTTP/1.1. What more can be
// done with it, it says by the methods that it has: see [Deployer], [SignsIn],
// [Keyer], [Sibling] and [Spawner]. For one that it does not have it gives the
// reason, see [Lacker]. A target is used by many goroutines at once.
type Target interface {
	// Base is where it answers, without a path: "http://127.0.0.1:41234". For
	// fazt it is the bare host, where the management API is.
	Base() string
	// Dial connects to it, whatever the host in a URL, since apps have hosts of
	// their own. The connection is ready for HTTP/1.1; where Base is https, TLS
	// has been done. Package load takes it as it is: load.Load{Dial: target.Dial}; what
	// wants an address, such as faults.NewProxy, takes the host:port of Base.
	Dial(ctx context.Context) (net.Conn, error)
}

// Deployer is a [Target] that a suite may deploy apps of its own to.
type Deployer interface {
	// DeployApp deploys an app, or its next version.
	DeployApp(ctx context.Context, name string, fsys fs.FS) error
	// RemoveApp removes an app with its data. One that is not there is no error.
	RemoveApp(ctx context.Context, name string) error
	// AppURL is where an app answers, without a path: "http://name.localhost:41234".
	AppURL(name string) string
}

// User is somebody who signs in. An e-mail address is one user.
type User struct {
	Email string // must be given
	Name  string // default: what is before the @
	Role  string // "owner", "admin" or "user", which is the default
}

// SignsIn is a [Target] that lets in whom a test names.
type SignsIn interface {
	// SignIn gives a client the session of a user at the origin, such as
	// "http://name.localhost:41234": its cookie is in the client's jar then.
	SignIn(ctx context.Context, client *http.Client, origin string, user User) error
}

// Keyer is a [Target] that makes API keys.
type Keyer interface {
	// Key makes a key with scopes: "deploy", "read", "sql" or "admin". It is gone
	// when the test ends.
	Key(tb testing.TB, scopes ...string) string
}

// Sibling is a [Target] of which there can be another of the same kind, for what
// needs other options than the target was started with.
type Sibling interface {
	// Sibling starts a server on data of its own, which ends with the test.
	Sibling(tb testing.TB, change ...func(*fazt.Options)) Target
}

// Spawner is a [Target] that can be had in a process of its own.
type Spawner interface {
	// Spawn starts a server of the same kind in another process, on data of its
	// own. It ends with the test. Its Target has the capabilities of this one, but
	// Spawner.
	Spawn(tb testing.TB) Process
}

// Process is a server in a process of its own. The methods are called by one
// goroutine at a time, while others send requests.
type Process interface {
	Target
	// Kill ends it at once, as kill -9 does, and waits until it is gone.
	Kill() error
	// Stop asks it to end, as an operator does (SIGTERM), and waits until it has:
	// requests that it had begun are answered by then.
	Stop() error
	// Restart kills it if it runs, and starts it again on the same data and the
	// same address. It answers when Restart returns.
	Restart() error
	// FillDisk makes every write to a file fail, as a full disk does, until
	// FreeDisk or a Restart.
	FillDisk() error
	// FreeDisk takes FillDisk back.
	FreeDisk() error
}

// Lacker is a [Target] without some of the capabilities.
type Lacker interface {
	// Lacks is why the target can't do what an interface says, such as
	// "Deployer", although it may have the methods: a sentence for whoever reads
	// the results. "" means that it can.
	Lacks(capability string) string
}

// Capability is one of the interfaces that a [Check] may need, see [Need].
type Capability struct {
	name string
	has  func(Target) bool
	// judge is in place of has where it is no interface: why a target lacks it, or "".
	judge func(Target) string
}

// needs are the capabilities in the words of a check that has the need.
var needs = map[string]string{
	"Deployer": "needs an app",
	"SignsIn":  "needs a visitor who has signed in",
	"Keyer":    "needs an API key",
	"Sibling":  "needs a second server with other options",
	"Spawner":  "needs a server in a process of its own",
}

// cannot is what a target without a capability can't do, after the words of the need.
var cannot = map[string]string{
	"Deployer": "can't deploy one",
	"SignsIn":  "can't sign one in",
	"Keyer":    "can't make one",
	"Sibling":  "can't start one",
	"Spawner":  "can't start one",
}

// ownListener is that the listener with its http.Server belongs to the target, so that
// whoever reads the results can mend what a check finds wrong with it.
var ownListener = Capability{name: "own listener", judge: func(t Target) string {
	if l, ok := t.(interface{ lent() string }); ok {
		return l.lent()
	}
	return ""
}}

// Need is the capability of a target that has the methods of C.
func Need[C any]() Capability {
	return Capability{
		name: reflect.TypeFor[C]().Name(),
		has:  func(t Target) bool { _, ok := t.(C); return ok },
	}
}

// lacks is why a target does not have a capability, or "" if it has.
func (c Capability) lacks(t Target) string {
	if c.judge != nil {
		return c.judge(t)
	}
	var reason string
	if l, ok := t.(Lacker); ok {
		reason = l.Lacks(c.name)
	}
	if reason == "" && !c.has(t) {
		reason = fmt.Sprintf("%s is no harnesstest.%s", t.Base(), c.name)
	}
	if reason == "" {
		return ""
	}
	return cmp.Or(needs[c.name], "needs a "+c.name) + ": " + reason
}

// site is a target that nothing is known of but its address.
type site struct {
	base   *url.URL
	kind   string // "an http.Handler"
	addr   string
	secure *tls.Config // nil: no TLS
	lends  bool        // the listener is this package's
}

// Handler is a target that any handler answers, on a loopback listener of its own
// until the test ends. What a check asks of a listener and its http.Server, such as
// their deadlines, does not apply to it; see [URL].
func Handler(tb testing.TB, h http.Handler) Target {
	tb.Helper()
	return lend(tb, h, "an http.Handler")
}

// lend puts a handler on a listener of this package's.
func lend(tb testing.TB, h http.Handler, kind string) *site {
	tb.Helper()
	if h == nil {
		tb.Fatalf("harnesstest: the handler is nil; give the one to test, such as an *http.ServeMux")
	}
	srv := httptest.NewServer(h)
	tb.Cleanup(srv.Close)
	s := siteAt(srv.Listener.Addr())
	s.kind, s.lends = kind, true
	return s
}

func siteAt(addr net.Addr) *site {
	return &site{base: &url.URL{Scheme: "http", Host: addr.String()}, addr: addr.String()}
}

// URL is a target that runs already, and may be anything that answers HTTP: it is
// the scheme and the host that count, as in "https://example.com:8443". One that is
// not there, is not HTTP, does not answer, or answers every request with a status of
// 500 or more ends the test, with what is wrong in one line.
func URL(tb testing.TB, target string) Target {
	tb.Helper()
	s, err := reachSite(tb.Context(), target, patience)
	if err != nil {
		tb.Fatalf("harnesstest: the target %v", err)
	}
	return s
}

func reachSite(ctx context.Context, target string, patience time.Duration) (*site, error) {
	s, err := parseSite(target)
	if err != nil {
		return nil, fmt.Errorf("%q %w", target, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, path := range []string{"/", "/" + rand.Text()} {
		res, err := reach(ctx, s, path)
		if err != nil {
			return nil, fmt.Errorf("%s %w", s.Base(), err)
		}
		if res.Status < http.StatusInternalServerError {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%s answers every request with 500 or more; look at its log", s.Base())
}

func parseSite(target string) (*site, error) {
	u, err := url.Parse(target)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" && u.Path != "/" {
		return nil, errors.New("is not the URL of a host; write it like http://localhost:8080")
	}
	s := &site{base: &url.URL{Scheme: u.Scheme, Host: u.Host}, kind: "a URL"}
	port := u.Port()
	if u.Scheme == "https" {
		s.secure = &tls.Config{ServerName: u.Hostname(), NextProtos: []string{"http/1.1"}}
	}
	switch {
	case port != "":
	case s.secure != nil:
		port = "443"
	default:
		port = "80"
	}
	s.addr = net.JoinHostPort(u.Hostname(), port)
	return s, nil
}

// Base implements [Target].
func (s *site) Base() string { return s.base.String() }

// Dial implements [Target].
func (s *site) Dial(ctx context.Context) (net.Conn, error) {
	if s.secure != nil {
		return (&tls.Dialer{Config: s.secure}).DialContext(ctx, "tcp", s.addr)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", s.addr)
}

// Lacks implements [Lacker].
func (s *site) Lacks(capability string) string {
	return fmt.Sprintf("this target, %s, %s, since it is only asked over HTTP; give the suite a server of harnesstest.Start or Attach",
		s.kind, cmp.Or(cannot[capability], "is no "+capability))
}

// lent is why checks of the listener don't apply, or "" where the target has its own.
func (s *site) lent() string {
	if !s.lends {
		return ""
	}
	return "the listener is harnesstest's own; give URL() of your server, with its own http.Server"
}
