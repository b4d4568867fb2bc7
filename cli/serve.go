package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/frontdoor"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name:     "serve",
		Category: hereOnly,
		Usage:    "serve the apps in the data file",
		Flags: []cli.Flag{
			addrFlag(),
			&cli.StringFlag{Name: "domain", Usage: "own host `NAME`; apps answer below it, as app.NAME"},
			&cli.StringFlag{Name: "home", Usage: "app `NAME` answers the domain itself, default root"},
			adminFlag(),
			dbFlag(),
			&cli.IntFlag{Name: "rate-limit", Value: frontdoor.DefaultRateLimit, Usage: fmt.Sprintf("take `N` requests a second from an address, default %d; 0 is no limit", frontdoor.DefaultRateLimit)},
			&cli.StringSliceFlag{Name: "trusted-proxy", Usage: "believe what proxies at `CIDR` say of a client; may be repeated"},
			&cli.BoolFlag{Name: "dev", Usage: "show handlers' errors to visitors and offer the dev sign-in; loopback only"},
		},
		Description: "fazt serve\nfazt serve --addr 127.0.0.1:9000 --domain example.com --trusted-proxy 127.0.0.1/32\nfazt serve --addr 0.0.0.0:80 --admin-addr 192.168.1.5:8081 --home my-app",
		Action:      serve,
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
	addr := c.String("addr")
	if err := checkAddr("addr", addr, opt.Dev); err != nil {
		return err
	}
	if opt.DataFile, err = dataFile(c); err != nil {
		return err
	}
	out := newLogQueue(c.App.ErrWriter)
	defer out.close()
	log := slog.New(slog.NewTextHandler(out, nil))
	opt.Logger = log
	// The port first: when another server has it, the data file stays untouched.
	l, err := listen(c.Context, addr)
	if err != nil {
		return err
	}
	defer l.Close()
	admin, err := adminListener(c, opt.Dev)
	if err != nil {
		return err
	}
	signIn := signInURL(opt, l)
	if admin != nil {
		defer admin.Close()
		if opt.Domain == "" {
			signIn = adminURL(admin)
		}
	}
	ctx, stop := context.WithCancel(c.Context)
	defer stop()
	reserve := tuneMemory(ctx)
	defer runtime.KeepAlive(reserve)
	return withServer(c.Context, opt, func(server *fazt.Server) error {
		log.Info("serving", "url", "http://"+l.Addr().String()+"/", "data_file", opt.DataFile)
		if admin != nil {
			log.Info("managing", "url", adminURL(admin)+"/")
		}
		if opt.Dev {
			fmt.Fprintf(out, "Dev sign-in, as anybody: %s\n", devSignInURL(l))
		}
		if err := offerSetup(c.Context, server, out, signIn); err != nil && c.Context.Err() == nil {
			return err
		}
		err := serveBoth(c.Context, server, l, admin)
		if err == nil {
			log.Info("stopped; every request was answered")
		}
		return err
	})
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
	return fmt.Sprintf("http://localhost:%d/auth/dev/login", l.Addr().(*net.TCPAddr).Port)
}

// signInURL is where browsers find the sign-in host of a server.
func signInURL(opt fazt.Options, l net.Listener) string {
	port := ""
	if p := l.Addr().(*net.TCPAddr).Port; p != 80 {
		port = fmt.Sprintf(":%d", p)
	}
	switch {
	case opt.Domain == "":
		return "http://localhost" + port
	case len(opt.TrustedProxies) > 0: // they end TLS
		return "https://admin." + opt.Domain
	}
	return "http://admin." + opt.Domain + port
}

// serveOptions is what the flags say of how to serve.
func serveOptions(c *cli.Context) (fazt.Options, error) {
	opt := fazt.Options{Domain: c.String("domain"), Home: c.String("home"), Dev: c.Bool("dev"), RateLimit: c.Int("rate-limit")}
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
	return opt, nil
}
