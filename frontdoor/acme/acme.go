package acme

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
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// DefaultDirectory is Let's Encrypt.
	DefaultDirectory = certmagic.LetsEncryptProductionCA
	// DefaultNewHosts is 20 an hour. Let's Encrypt allows 50 a week for one domain,
	// and those who ask for more are shut out.
	DefaultNewHosts = 20
	// DefaultCheckEvery is 10 min, a small part of any certificate's life.
	DefaultCheckEvery = 10 * time.Minute

	// expiredKept is how long a certificate is kept after its end: its host may come back.
	expiredKept = 30 * 24 * time.Hour
)

// Options configures [New].
type Options struct {
	// Store keeps the certificates, and the account at the authority. Required.
	Store storage.Certificates

	// Email is the address that the authority is given for the account. To give one
	// is to agree to the authority's terms of service. Required.
	Email string

	// Known says whether a host is one that the server answers now. Every handshake
	// with a host that has no certificate yet asks it, so it must not be slow, and
	// must bound what such a flood costs. Required.
	Known func(ctx context.Context, host string) (bool, error)

	// TLSAddr is where the server listens for TLS, which the authority reaches as
	// port 443. Required.
	TLSAddr net.Addr

	// HTTPAddr is where [Certificates.HTTP] answers, which the authority reaches as
	// port 80; on the host of TLSAddr. Default: nowhere; the authority then has to
	// reach TLSAddr.
	HTTPAddr net.Addr

	// Directory is the URL of the authority. Default: [DefaultDirectory].
	Directory string

	// Roots are who the authority's own certificate has to come from. Default:
	// nil, those that the system trusts.
	Roots *x509.CertPool

	// NewHosts is how many hosts the authority is asked for in an hour, renewals
	// not counted. Default: 20. A negative one is an error.
	NewHosts int

	// CheckEvery is how often the certificates are looked through for those that
	// have less than a third of their life left, which are renewed. Default: 10 min.
	// A negative one is an error.
	CheckEvery time.Duration

	// Logger gets what was obtained, and what failed. Default: nil, which discards
	// it.
	Logger *slog.Logger
}

func (opt Options) withDefaults() (Options, error) {
	var errs []error
	missing := func(is bool, what string) {
		if is {
			errs = append(errs, fmt.Errorf("acme: %s is missing", what))
		}
	}
	missing(opt.Store == nil, "Store")
	missing(opt.Known == nil, "Known")
	missing(opt.TLSAddr == nil, "TLSAddr")
	if addr, err := mail.ParseAddress(opt.Email); err != nil || addr.Address != opt.Email {
		errs = append(errs, fmt.Errorf("acme: Email %q is not an e-mail address; give one such as you@example.com", opt.Email))
	}
	if opt.Directory == "" {
		opt.Directory = DefaultDirectory
	}
	if u, err := url.Parse(opt.Directory); err != nil || u.Scheme != "https" || u.Host == "" {
		errs = append(errs, fmt.Errorf("acme: Directory %q is not an https URL; give one such as %s", opt.Directory, DefaultDirectory))
	}
	switch {
	case opt.NewHosts < 0:
		errs = append(errs, fmt.Errorf("acme: NewHosts is %d; give a positive number, or 0 for %d", opt.NewHosts, DefaultNewHosts))
	case opt.NewHosts == 0:
		opt.NewHosts = DefaultNewHosts
	}
	switch {
	case opt.CheckEvery < 0:
		errs = append(errs, fmt.Errorf("acme: CheckEvery is %v; give a positive time, or 0 for %v", opt.CheckEvery, DefaultCheckEvery))
	case opt.CheckEvery == 0:
		opt.CheckEvery = DefaultCheckEvery
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	return opt, errors.Join(errs...)
}

// Certificates are those of one server. Make them with [New], and close them. They
// are safe for concurrent use.
type Certificates struct {
	opt    Options
	keeper *keeper
	cache  *certmagic.Cache
	magic  *certmagic.Config
	issuer *certmagic.ACMEIssuer

	open context.Context // until Close
	stop context.CancelFunc
	work sync.WaitGroup

	mu      sync.Mutex
	hosts   map[string]*host // known ones that have been asked for
	strange window           // challenges of hosts that are not known
	closed  bool
}

// New reports every problem with opt at once. It asks neither the store nor the
// authority: a server starts while that can't be reached.
func New(opt Options) (*Certificates, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Certificates{opt: opt, hosts: make(map[string]*host)}
	c.open, c.stop = context.WithCancel(context.Background())
	c.keeper = newKeeper(c.open, opt.Store, opt.Logger)
	logger := zap.New(&slogCore{handler: opt.Logger.Handler()})
	c.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert:   func(certmagic.Certificate) (*certmagic.Config, error) { return c.magic, nil },
		RenewCheckInterval: opt.CheckEvery,
		Logger:             logger,
	})
	c.magic = certmagic.New(c.cache, certmagic.Config{
		Storage:             c.keeper,
		Logger:              logger,
		OnEvent:             c.onEvent,
		ShouldEmitFunc:      func(event string) bool { return event != "tls_get_certificate" },
		DisableStorageCheck: true, // a write for each certificate, to a store that says by itself when it can't
	})
	c.issuer = certmagic.NewACMEIssuer(c.magic, c.template(logger))
	c.magic.Issuers = []certmagic.Issuer{c.issuer}
	c.work.Go(func() { c.clean(logger) })
	return c, nil
}

// clean removes from the store, about once a day for all servers on it, the
// certificates of hosts that are gone.
func (c *Certificates) clean(logger *zap.Logger) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-c.open.Done():
			return
		case <-tick.C:
		}
		err := certmagic.CleanStorage(c.open, c.keeper, certmagic.CleanStorageOptions{
			Logger: logger, Interval: 24 * time.Hour, OCSPStaples: true, ExpiredCerts: true, ExpiredCertGracePeriod: expiredKept,
		})
		if err != nil && c.open.Err() == nil {
			c.opt.Logger.Warn("certificates that have expired could not be removed", "error", err)
		}
	}
}

// template is what certmagic is told about the authority. It is told the addresses so
// that it finds the server there, and starts none of its own.
func (c *Certificates) template(logger *zap.Logger) certmagic.ACMEIssuer {
	template := certmagic.ACMEIssuer{
		CA: c.opt.Directory, Email: c.opt.Email, Agreed: true, TrustedRoots: c.opt.Roots,
		DisableHTTPChallenge: c.opt.HTTPAddr == nil,
		CertObtainTimeout:    askTimeout,
		Logger:               logger,
	}
	if addr, ok := c.opt.TLSAddr.(*net.TCPAddr); ok {
		template.AltTLSALPNPort = addr.Port
		if !addr.IP.IsUnspecified() {
			template.ListenHost = addr.IP.String()
		}
	}
	if addr, ok := c.opt.HTTPAddr.(*net.TCPAddr); ok {
		template.AltHTTPPort = addr.Port
	}
	return template
}

// TLSConfig is a server's configuration: HTTP/2 and HTTP/1.1 by these certificates,
// and the authority's challenges. A client that names no host, or one that the server
// does not know, is told so and gets no certificate.
func (c *Certificates) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1", "acme-tls/1"},
		GetCertificate: c.getCertificate,
	}
}

// HTTP answers the authority's questions on port 80 and hands everything else to
// next.
func (c *Certificates) HTTP(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if certmagic.LooksLikeHTTPChallenge(r) {
			name := r.Host
			if bare, _, err := net.SplitHostPort(name); err == nil {
				name = bare
			}
			if c.mayBeAsked(r.Context(), strings.ToLower(name)) && c.issuer.HandleHTTPChallenge(w, r) {
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// Close ends the work in the background and what is asked of the authority. The
// certificates stay in the store.
func (c *Certificates) Close() {
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	c.mu.Unlock()
	if !first {
		return
	}
	c.stop()
	c.cache.Stop()
	c.work.Wait()
	c.keeper.close()
}
