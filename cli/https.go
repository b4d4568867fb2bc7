package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/mail"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/frontdoor/acme"
)

const (
	defaultTLSAddr = ":443"
	noAddr         = "off" // of --http-addr
)

func httpsFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "tls-email", Usage: "HTTPS by Let's Encrypt, whose terms `ADDRESS` agrees to"},
		&cli.StringFlag{Name: "tls-cert", Usage: "HTTPS with the certificate in `FILE`, and its chain"},
		&cli.StringFlag{Name: "tls-key", Usage: "the key of --tls-cert, in `FILE`"},
		&cli.StringFlag{Name: "http-addr", Usage: "redirect to HTTPS from `HOST:PORT`; default :80, or off"},
		&cli.StringFlag{Name: "acme-ca", Usage: "ask the ACME authority at `URL`, not Let's Encrypt"},
		&cli.StringFlag{Name: "acme-root", Usage: "trust that authority by the certificates in `FILE`"},
	}
}

// httpsOptions is what the flags say of HTTPS.
type httpsOptions struct {
	email             string
	certFile, keyFile string
	directory         string
	roots             *x509.CertPool
	addr, httpAddr    string // httpAddr is "" for none
}

// newHTTPSOptions is nil without HTTPS.
func newHTTPSOptions(c *cli.Context, opt fazt.Options) (*httpsOptions, error) {
	h := &httpsOptions{email: c.String("tls-email"), certFile: c.String("tls-cert"), keyFile: c.String("tls-key"),
		directory: c.String("acme-ca"), addr: defaultTLSAddr}
	switch {
	case h.email == "" && h.certFile == "" && h.keyFile == "":
		for _, name := range []string{"http-addr", "acme-ca", "acme-root"} {
			if c.IsSet(name) {
				return nil, usagef("--%s is for HTTPS; give --tls-email too, or --tls-cert and --tls-key", name)
			}
		}
		return nil, nil
	case (h.certFile == "") != (h.keyFile == ""):
		return nil, usagef("--tls-cert and --tls-key belong together; give both")
	case h.email != "" && h.certFile != "":
		return nil, usagef("--tls-email and --tls-cert are both given; certificates come from one of them")
	case h.email == "" && (c.IsSet("acme-ca") || c.IsSet("acme-root")):
		return nil, usagef("--acme-ca and --acme-root are for certificates from an authority; give --tls-email instead of --tls-cert")
	case opt.Domain == "":
		return nil, usagef("HTTPS needs the name that certificates are for; give --domain, such as --domain example.com")
	case opt.Dev:
		return nil, usagef("--dev is for this machine alone, which needs no HTTPS; leave out one of them")
	}
	if c.IsSet("addr") {
		h.addr = c.String("addr")
	}
	if err := checkHostPort("addr", h.addr, defaultTLSAddr); err != nil {
		return nil, err
	}
	if host, port, _ := net.SplitHostPort(h.addr); port == "443" || port == "https" {
		h.httpAddr = net.JoinHostPort(host, "80")
	}
	if c.IsSet("http-addr") {
		h.httpAddr = c.String("http-addr")
		if h.httpAddr == noAddr {
			h.httpAddr = ""
		} else if err := checkHostPort("http-addr", h.httpAddr, ":80"); err != nil {
			return nil, err
		}
	}
	if err := checkAuthority(h.email, h.directory); err != nil {
		return nil, err
	}
	var err error
	h.roots, err = readRoots(c.String("acme-root"))
	return h, err
}

// checkAuthority refuses what [acme.New] would, before the server says that it serves and
// makes a set-up link, which ends those before it. Both may be "".
func checkAuthority(email, directory string) error {
	if addr, err := mail.ParseAddress(email); email != "" && (err != nil || addr.Address != email) {
		return usagef("--tls-email %s is not an e-mail address; give one such as you@example.com", email)
	}
	if u, err := url.Parse(directory); directory != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		return usagef("--acme-ca %s is not an https URL; give one such as %s", directory, acme.DefaultDirectory)
	}
	return nil
}

func readRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--acme-root: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("--acme-root %s has no certificate in PEM", file)
	}
	return roots, nil
}

// https serves a server over TLS, and redirects to there.
type https struct {
	opt      *httpsOptions
	tls      net.Listener // without its TLS
	redirect net.Listener // nil: none
	pair     *frontdoor.KeyPair
}

// listenHTTPS opens the files and the ports.
func listenHTTPS(ctx context.Context, opt *httpsOptions, domain string, log *slog.Logger) (h *https, err error) {
	h = &https{opt: opt}
	if opt.certFile != "" {
		if h.pair, err = frontdoor.LoadKeyPair(opt.certFile, opt.keyFile, log); err != nil {
			return nil, fmt.Errorf("%w; see that --tls-cert and --tls-key name a certificate and its key, and that this user may read them", err)
		}
		checkCertificate(h.pair.Certificate().Leaf, domain, log)
	}
	if h.tls, err = listenFor(ctx, "addr", opt.addr); err != nil {
		return nil, err
	}
	if opt.httpAddr != "" {
		if h.redirect, err = listenFor(ctx, "http-addr", opt.httpAddr); err != nil {
			return nil, errors.Join(err, h.tls.Close())
		}
		log.Info("listening, to redirect to HTTPS", "addr", h.redirect.Addr())
	}
	return h, nil
}

func (h *https) listener() net.Listener { return h.tls }

func (h *https) url(opt fazt.Options) string {
	return "https://" + opt.Domain + portSuffix(h.tls, 443) + "/"
}

func (h *https) signIn(opt fazt.Options) string {
	return "https://admin." + opt.Domain + portSuffix(h.tls, 443)
}

func (h *https) close() {
	h.tls.Close()
	if h.redirect != nil {
		h.redirect.Close()
	}
}

// checkCertificate warns of what its visitors would be warned of.
func checkCertificate(cert *x509.Certificate, domain string, log *slog.Logger) {
	var not []string
	for _, host := range []string{domain, "admin." + domain, "any-app." + domain} {
		if cert.VerifyHostname(host) != nil {
			not = append(not, host)
		}
	}
	if len(not) > 0 {
		log.Warn("the certificate of --tls-cert is not for all hosts; one for the domain and its wildcard is", "not", strings.Join(not, ", "))
	}
	if time.Now().After(cert.NotAfter) {
		log.Warn("the certificate of --tls-cert has expired; put another in its place", "expired", cert.NotAfter)
	}
}

// serve answers until ctx ends. It does not wait for the certificates' authority.
func (h *https) serve(ctx context.Context, server *fazt.Server, opt fazt.Options) error {
	config, challenges := (*tls.Config)(nil), func(next http.Handler) http.Handler { return next }
	if h.pair != nil {
		config = h.pair.TLSConfig()
	} else {
		certificates, err := acme.New(acme.Options{
			Store: server.Store(), Email: h.opt.email, Known: server.HasHost, Directory: h.opt.directory, Roots: h.opt.roots,
			TLSAddr: h.tls.Addr(), HTTPAddr: addrOf(h.redirect), Logger: opt.Logger,
		})
		if err != nil {
			return err
		}
		defer certificates.Close()
		config, challenges = certificates.TLSConfig(), certificates.HTTP
	}
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error { return server.Serve(ctx, tls.NewListener(h.tls, config)) })
	if h.redirect != nil {
		both.Go(func() error {
			return server.Door().Serve(ctx, h.redirect, challenges(frontdoor.RedirectTLS(port(h.tls), server.HasHost)))
		})
	}
	return both.Wait()
}

// addrOf is nil for no listener, and not an address that is nil inside.
func addrOf(l net.Listener) net.Addr {
	if l == nil {
		return nil
	}
	return l.Addr()
}
