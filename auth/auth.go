package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// DefaultSessionIdle is how long a session lasts unused: a fortnight, so
	// that people who come weekly stay signed in over a missed week.
	DefaultSessionIdle = 14 * 24 * time.Hour
	// DefaultSessionMax is how long a session lasts however much it is used:
	// 90 days, which bounds what a stolen cookie is worth.
	DefaultSessionMax = 90 * 24 * time.Hour
	// MinSessionIdle is the least that SessionIdle may be. Use is recorded once
	// a minute, so a shorter one would end sessions that are in use.
	MinSessionIdle = 5 * time.Minute
	// DefaultProviderTimeout is as long as people wait before they try again.
	DefaultProviderTimeout = 10 * time.Second
)

// Options configure an [Auth].
type Options struct {
	// Store is where users, sessions and keys are kept. Required.
	Store Store

	// Domain is the server's domain, such as "example.com": people sign in on
	// admin.example.com, and its one-label subdomains are hosts of apps.
	// Default: none; any host but *.localhost then signs in for itself.
	Domain string

	// Dev switches the dev provider on, which signs in anybody as anyone. It
	// answers only when the connection's own and the peer's address are
	// loopback, the request's host is too (or *.localhost), and no header says
	// that a proxy passed the request on. A connection shows its own address
	// and not its listener's, so do not set it on a server that listens on more
	// than loopback. Users who signed in through it are nobody while it is off.
	Dev bool

	// Providers are other sites that people sign in by; a button each, in this
	// order. What a provider says of who somebody is, is believed: name none that
	// is not trusted with every account. Default: none.
	Providers []Provider

	// ProviderTimeout bounds how long one request of a browser waits for a
	// provider. Default: [DefaultProviderTimeout].
	ProviderTimeout time.Duration

	// Passkeys makes and checks passkeys, by which people can sign in beside the way
	// that they signed in first; [passkey.New] returns one. Default: none.
	//
	// [passkey.New]: https://pkg.go.dev/github.com/fazt-sh/fazt/auth/passkey#New
	Passkeys Passkeys

	// Sealer encrypts the client secrets of the providers in the data. Those that are
	// there already are sealed by New. Default: none; they are stored as they are,
	// and those that were sealed can't be used.
	Sealer Sealer

	// SessionIdle ends a session that has not been used for this long.
	// Default: [DefaultSessionIdle]. At least [MinSessionIdle].
	SessionIdle time.Duration

	// SessionMax ends a session this long after it was made.
	// Default: [DefaultSessionMax]. At least SessionIdle.
	SessionMax time.Duration

	// Secure reports whether the browser reached the server over TLS, for
	// servers behind a proxy that ends it. It decides the cookies' Secure
	// attribute and the scheme of redirects. Default: the request's own TLS.
	Secure func(*http.Request) bool

	// Logger gets what went wrong while answering, and each sign-in.
	// Default: none.
	Logger *slog.Logger
}

// Store is what an [Auth] needs of a storage.Store.
type Store interface {
	storage.Database
	storage.Secrets
}

// Auth keeps users, sessions and API keys, and is the http.Handler of /auth/.
// Its methods are safe for concurrent use.
type Auth struct {
	db      database
	domain  string // lower case; "" without one
	admin   string // the management host below it
	dev     bool
	idle    time.Duration
	max     time.Duration
	secure  func(*http.Request) bool
	log     *slog.Logger
	pages   *pages
	mux     *http.ServeMux
	seals   *sealer
	forgery *http.CrossOriginProtection
	uses    *uses

	own             []Provider // of the Options
	stored          *cached[[]storedProvider]
	passkeys        Passkeys // nil: there are none
	providerTimeout time.Duration
	sealer          Sealer // nil: there is none
	hasher          *hasher
	attempts        *attempts
	failures        *failures
	listeners       listeners
}

// New brings the tables up to date and returns an Auth. It reports every
// problem of the options at once. Close it before its Store.
func New(ctx context.Context, opt Options) (*Auth, error) {
	var errs []error
	if opt.Store == nil {
		errs = append(errs, errors.New("options need a Store; open one with sqlite.Open or postgres.Open"))
	}
	opt, err := opt.withDefaults()
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, &Error{Code: CodeInvalid, Op: "auth.new", Err: err}
	}
	pages, err := parsePages()
	if err != nil {
		return nil, fmt.Errorf("auth.new: %w", err)
	}
	if err := opt.Store.Migrate(ctx, schemaModule, schema); err != nil {
		return nil, failed("auth.new", err)
	}
	key, err := opt.Store.Secret(ctx, "auth seals")
	if err != nil {
		return nil, failed("auth.new", err)
	}
	seals, err := newSealer(key)
	if err != nil {
		return nil, fmt.Errorf("auth.new: %w", err)
	}
	a := &Auth{
		seals:   seals,
		db:      database{opt.Store, &sessionCache{}},
		domain:  opt.Domain,
		admin:   "admin." + opt.Domain,
		dev:     opt.Dev,
		idle:    opt.SessionIdle,
		max:     opt.SessionMax,
		secure:  opt.Secure,
		log:     opt.Logger,
		pages:   pages,
		forgery: http.NewCrossOriginProtection(),

		own:             opt.Providers,
		passkeys:        opt.Passkeys,
		providerTimeout: opt.ProviderTimeout,
		sealer:          opt.Sealer,
	}
	a.stored = newCached(a.readProviders)
	a.mux = a.newMux()
	a.uses = recordUses(opt.Store, a.log) // when something was used ends no session
	a.hasher, a.attempts, a.failures = newHasher(), newAttempts(), newFailures(opt.Store, a.log)
	if err := a.sealProviders(ctx); err != nil {
		a.log.WarnContext(ctx, "client secrets are not encrypted yet; the next start tries again", "error", err)
	}
	return a, nil
}

// Close writes what is still to be recorded of the sessions' and keys' use and of
// failed sign-ins. It does not close the Store.
func (a *Auth) Close() error {
	a.uses.close()
	a.failures.close()
	return nil
}

// Check is what [New] would say of the options, for who has no Store yet. The error
// has every problem.
func (opt Options) Check() error {
	if _, err := opt.withDefaults(); err != nil {
		return &Error{Code: CodeInvalid, Op: "auth", Err: err}
	}
	return nil
}

func (opt Options) withDefaults() (Options, error) {
	var errs []error
	opt.Domain = strings.ToLower(opt.Domain)
	if _, err := netip.ParseAddr(opt.Domain); err == nil {
		errs = append(errs, fmt.Errorf("the Domain %q is an address, which has no names below it for apps; leave Domain empty, and Home names the app that answers there", opt.Domain))
	} else if opt.Domain != "" && !isHostname(opt.Domain) {
		errs = append(errs, fmt.Errorf("the Domain %q is not a host name; give it without scheme, port and slash, such as \"example.com\"", opt.Domain))
	}
	if opt.SessionIdle == 0 {
		opt.SessionIdle = DefaultSessionIdle
	}
	if opt.SessionIdle < MinSessionIdle {
		errs = append(errs, fmt.Errorf("SessionIdle is %v; it must be %v or more", opt.SessionIdle, MinSessionIdle))
	}
	if opt.SessionMax == 0 {
		opt.SessionMax = max(DefaultSessionMax, opt.SessionIdle)
	}
	if opt.SessionMax < opt.SessionIdle {
		errs = append(errs, fmt.Errorf("SessionMax is %v; it must be SessionIdle (%v) or more", opt.SessionMax, opt.SessionIdle))
	}
	if opt.ProviderTimeout == 0 {
		opt.ProviderTimeout = DefaultProviderTimeout
	}
	if opt.ProviderTimeout < 0 {
		errs = append(errs, fmt.Errorf("ProviderTimeout is %v; it must be positive, or 0 for %v", opt.ProviderTimeout, DefaultProviderTimeout))
	}
	opt.Providers = slices.Clone(opt.Providers)
	errs = append(errs, checkProviders(opt.Providers)...)
	if opt.Secure == nil {
		opt.Secure = func(r *http.Request) bool { return r.TLS != nil }
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	return opt, errors.Join(errs...)
}

// tokenLen is the length of what newToken returns.
const tokenLen = 52

var tokenText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newToken returns 256 random bits in letters and digits: good in a cookie and
// a URL, and selected by a double click.
func newToken() string {
	var b [32]byte
	rand.Read(b[:]) // never fails
	return tokenText.EncodeToString(b[:])
}

// newID returns 80 random bits: ids are unique, not secret.
func newID() string {
	var b [10]byte
	rand.Read(b[:])
	return tokenText.EncodeToString(b[:])
}

// digest is the hex SHA-256 of s, the only form in which a secret is stored.
// The secrets have 256 random bits, so a slow hash would add nothing.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func millis(t time.Time) int64 { return t.UnixMilli() }

// fromMillis is the inverse of millis; 0 is the zero Time.
func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
