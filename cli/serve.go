package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/frontdoor"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name:        "serve",
		Category:    hereOnly,
		Usage:       "serve the apps in the data file",
		Flags:       slices.Concat(hostFlags(), httpsFlags(), visitorFlags(), accessLogFlags(), backupFlags(), []cli.Flag{dbFlag(), keyFileFlag(false)}),
		Description: "fazt serve\nfazt serve --domain example.com --tls-email you@example.com\nfazt serve --domain example.com --trusted-proxy 127.0.0.1/32\nfazt serve --addr 0.0.0.0:80 --admin-addr 192.168.1.5:8081 --home notes",
		Action:      serve,
	}
}

// hostFlags say where the server is found.
func hostFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "addr", Value: defaultAddr, Usage: "listen on `HOST:PORT`, default " + defaultAddr + ", or " + defaultTLSAddr + " with HTTPS"},
		&cli.StringFlag{Name: "domain", Usage: "own host `NAME`; apps answer below it, as app.NAME"},
		&cli.StringFlag{Name: "home", Usage: "app `NAME` answers the domain itself, default root"},
		adminFlag(),
	}
}

// visitorFlags say how visitors are treated.
func visitorFlags() []cli.Flag {
	return []cli.Flag{
		keepFlag(),
		&cli.IntFlag{Name: "rate-limit", Value: frontdoor.DefaultRateLimit, Usage: fmt.Sprintf("take `N` requests a second from an address, default %d; 0 is no limit", frontdoor.DefaultRateLimit)},
		&cli.StringSliceFlag{Name: "trusted-proxy", Usage: "believe what proxies at `CIDR` say of a client; may be repeated"},
		&cli.BoolFlag{Name: "dev", Usage: "show handlers' errors to visitors and offer the dev sign-in; loopback only"},
	}
}

func serve(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	opt, err := serveOptions(c)
	if err != nil {
		return err
	}
	secure, err := newHTTPSOptions(c, opt)
	if err != nil {
		return err
	}
	if secure == nil {
		if err := checkAddr("addr", c.String("addr"), opt.Dev); err != nil {
			return err
		}
	}
	data, err := ownData(c)
	if err != nil {
		return err
	}
	out := newLogQueue(c.App.ErrWriter)
	defer out.close()
	opt.Logger = slog.New(slog.NewTextHandler(out, nil))
	access, closeAccess, err := openAccessLog(c, opt.Logger)
	if err != nil {
		return err
	}
	defer closeAccess()
	opt.AccessLog = access
	// The ports first: when another server has them, the data file stays untouched.
	front, err := listenFront(c.Context, c.String("addr"), secure, opt)
	if err != nil {
		return err
	}
	defer func() { front.close() }()
	if front, err = withAdmin(c, front, opt); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(c.Context)
	defer stop()
	opt.Slots = spareProcessor()
	reserve := tuneMemory(ctx)
	defer runtime.KeepAlive(reserve)
	return withServer(c.Context, data, opt, func(server *fazt.Server) error {
		return serveOn(c.Context, server, data, opt, front, out)
	})
}

// serveOn says where the server is, and serves until ctx ends.
func serveOn(ctx context.Context, server *fazt.Server, data location, opt fazt.Options, front front, out io.Writer) error {
	opt.Logger.Info("serving", "url", front.url(opt), "data", data)
	signIn := front.signIn(opt)
	if opt.Dev {
		fmt.Fprintf(out, "Dev sign-in, as anybody: %s\n", devSignInURL(front.listener()))
	}
	if err := noteAddress(ctx, server, appsBeside(front, opt)); err != nil && ctx.Err() == nil {
		return err
	}
	if err := offerSetup(ctx, server, out, signIn); err != nil && ctx.Err() == nil {
		// Apps can be served from a disk that is full.
		opt.Logger.Error("no link to set this server up can be made; start it again when this is mended", "err", err)
	}
	err := front.serve(ctx, server, opt)
	if err == nil {
		opt.Logger.Info("stopped; every request was answered")
	}
	return err
}

// appsBeside is the sign-in host that apps are beside: not that of a listener of its own.
func appsBeside(front front, opt fazt.Options) string {
	if opt.Domain == "" {
		return "http://localhost" + portSuffix(front.listener(), 80)
	}
	return front.signIn(opt)
}

// front is where visitors come in.
type front interface {
	serve(ctx context.Context, server *fazt.Server, opt fazt.Options) error
	close()
	listener() net.Listener
	url(opt fazt.Options) string    // of the server itself
	signIn(opt fazt.Options) string // where browsers find the sign-in host, without a final slash
}

func listenFront(ctx context.Context, addr string, secure *httpsOptions, opt fazt.Options) (front, error) {
	if secure != nil {
		return listenHTTPS(ctx, secure, opt.Domain, opt.Logger)
	}
	l, err := listen(ctx, addr)
	return plainFront{l}, err
}

// plainFront is a front without TLS, or behind a proxy that ends it.
type plainFront struct{ net.Listener }

func (p plainFront) serve(ctx context.Context, server *fazt.Server, _ fazt.Options) error {
	return server.Serve(ctx, p.Listener)
}

func (p plainFront) close()                  { p.Close() }
func (p plainFront) listener() net.Listener  { return p.Listener }
func (p plainFront) url(fazt.Options) string { return "http://" + p.Addr().String() + "/" }

func (p plainFront) signIn(opt fazt.Options) string {
	switch {
	case opt.Domain == "":
		return "http://localhost" + portSuffix(p, 80)
	case len(opt.TrustedProxies) > 0: // they end TLS
		return "https://admin." + opt.Domain
	}
	return "http://admin." + opt.Domain + portSuffix(p, 80)
}

func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// portSuffix is a listener's port as URLs have it, or "" where it is the usual one.
func portSuffix(l net.Listener, usual int) string {
	if port(l) == usual {
		return ""
	}
	return fmt.Sprintf(":%d", port(l))
}

// offerSetup prints a link to whoever starts a server that nobody owns.
func offerSetup(ctx context.Context, server *fazt.Server, out io.Writer, base string) error {
	owned, err := server.HasOwner(ctx)
	if err != nil || owned {
		return err
	}
	path, err := server.CreateSetup(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Set up this server: %s%s\n", base, path)
	return nil
}

// devSignInURL is where browsers find the form of the dev sign-in, which is on no
// other host.
func devSignInURL(l net.Listener) string {
	return fmt.Sprintf("http://localhost:%d/auth/dev/login", port(l))
}

// serveOptions is what the flags say of how to serve.
func serveOptions(c *cli.Context) (fazt.Options, error) {
	opt := fazt.Options{
		Domain: c.String("domain"), Home: c.String("home"), KeyFile: c.String("key-file"), Dev: c.Bool("dev"), RateLimit: c.Int("rate-limit"),
		Deploy: fazt.DeployLimits{KeepVersions: c.Int("keep-versions")},
	}
	switch {
	case opt.RateLimit < 0:
		return opt, usagef("--rate-limit %d is negative; give requests a second, or 0 for no limit", opt.RateLimit)
	case opt.RateLimit == 0:
		opt.RateLimit = frontdoor.NoRateLimit
	}
	for _, text := range c.StringSlice("trusted-proxy") {
		prefix, err := netip.ParsePrefix(text)
		if err != nil || prefix.Addr().Is4In6() { // no client's address is written so
			return opt, usagef("--trusted-proxy %s is not a range of addresses; give one such as 10.0.0.0/8, or 127.0.0.1/32 for one alone", text)
		}
		opt.TrustedProxies = append(opt.TrustedProxies, prefix)
	}
	var err error
	opt.Backups, err = backupOptions(c)
	return opt, err
}
