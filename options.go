package fazt

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	goruntime "runtime"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/internal/site"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/backups"
)

// Options is the whole configuration of a [Server]. One of DataFile and Store is
// required.
type Options struct {
	// DataFile is the path of the SQLite file that holds everything: apps,
	// their data, users and keys. It is made, readable by its owner only, when
	// it is missing. Several processes may share one file on a local disk; a
	// network file system would lose data.
	DataFile string

	// Store holds everything in place of a data file. The Server does not close
	// it, and it may serve several. Quotas are the store's own then, and must not
	// be set here. Default: nil; DataFile is opened, and closed by Close.
	Store storage.Store

	// KeyFile is the path of the file with the key that encrypts secrets before they
	// are stored: apps' variables, and the client secrets of sign-in providers. It is
	// made, readable by its owner only, for the first of them. Keep a copy of it, but
	// not beside those of the data: who has both has the secrets, and a copy of the
	// data without it lacks them. [New] refuses to start without the key that was
	// used. Several servers on one Store need the same file each. Default: DataFile
	// with ".key" at its end; with a Store none, so that nothing can be encrypted.
	KeyFile string

	// Domain is the server's own host name, such as "example.com". Apps answer
	// on their label below it, and the management API on admin.<domain>.
	// Default: none; apps answer on <label>.localhost only.
	Domain string

	// Home is the label of the app, or of the alias, that answers the domain itself,
	// IP addresses, and names of machines, which have no dot. Visitors of the bare
	// loopback host are sent to it. Where it leads nowhere, the one named root answers.
	// Default: "root", and visitors of the bare loopback host get a welcome page.
	Home string

	// Dev is for the machine that apps are made on. It shows a handler's errors with
	// their source lines in answers. To visitors of this machine, at a name of
	// localhost and through no proxy, it offers the dev sign-in provider, and adds a
	// script to each page, which loads it anew after a deploy and shows what went wrong.
	// Logger gets a debug record for each request. Default: off; leave it off on any
	// machine that others can reach.
	Dev bool

	// Providers are the sites that people sign in by, as [auth.Options] has them.
	// Default: none but those in the data.
	Providers []auth.Provider

	// Passkeys makes and checks passkeys, as [auth.Options] has it; package
	// auth/passkey has one. Default: none, and nobody can add a passkey.
	Passkeys auth.Passkeys

	// Logger receives what happens inside, handlers' console output included.
	// Default: nil; what failed inside then goes to [slog.Default], and nothing else
	// anywhere.
	Logger *slog.Logger

	// Budget is how long a request and its steps may take. Zero fields stand
	// for the defaults that package budget documents.
	Budget budget.Config

	// Slots is how many handlers compute at the same time. More than the
	// processors only makes them wait inside the scheduler. Go looks at the network
	// every 10 ms while all of its processors compute; so a program whose static files
	// and neighbours are not to wait for that calls runtime.GOMAXPROCS with one more,
	// as fazt serve does. Default: GOMAXPROCS.
	Slots int
	// InFlight is how many handlers are under way at the same time, those that
	// wait in storage or for a timer included. Apps share the places; one that has
	// had less than its share gets one even if that makes them more, see
	// [budget.AdmissionConfig]. One app has at most half of them, and one address
	// half of its app's. Default: 256, or 16 for each slot where that is more.
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

	// AccessLog gets a line for each request that comes through [Server.Serve], without
	// its query and without the codes of set-up links and invites. The Server does not
	// close it: do so after the Server. Default: nil, none.
	AccessLog *frontdoor.AccessLog

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

	// Backups are copies of everything that the Server makes by itself, a number of
	// which it keeps, as package storage/backups has it. Default: none.
	Backups backups.Options

	// LoadedApps is how many apps are kept ready to answer, and LoadedBytes how
	// much memory they may take, estimated from their files and their source.
	// Those that were used least recently wait in the store: their next request
	// reads and compiles them again, some milliseconds. Default: 1,000 and 64 MiB.
	LoadedApps  int
	LoadedBytes int64

	// MaxBody is the largest request body, in bytes, that a handler is given.
	// Default: 1 MiB.
	MaxBody int64

	// MaxUpload is the same for multipart forms, which carry files.
	// Default: 32 MiB.
	MaxUpload int64

	// BodyMemory is how many bytes of request bodies may be in memory together. One
	// app has at most half of it, and one address a quarter, as [budget.Pool] has
	// it. Less than five times MaxUpload refuses the largest uploads always.
	// Default: 256 MiB, or five times the larger of MaxBody and MaxUpload where that
	// is more.
	BodyMemory int64

	// AnswerMemory is the same for the answers of handlers, until their clients
	// have taken them. Less than five times Handler.ResponseBytes refuses the largest
	// answers always. Default: 256 MiB, or five times Handler.ResponseBytes where
	// that is more.
	AnswerMemory int64

	// FileMemory is how many bytes of apps' files are kept in memory, those that were
	// asked for last; files of more than 1 MiB, and the others, are read from the store.
	// Default: 64 MiB.
	FileMemory int64

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

// withDefaults fills in the zero fields and reports every field that cannot be
// used, but for those that are the front door's.
func (opt Options) withDefaults() (Options, error) {
	var errs []error
	switch {
	case opt.DataFile == "" && opt.Store == nil:
		errs = append(errs, errors.New("fazt: there is nothing to store data in; give DataFile a path, such as \"data.db\", or give a Store"))
	case opt.DataFile != "" && opt.Store != nil:
		errs = append(errs, errors.New("fazt: DataFile and Store are both set; give one"))
	case opt.Store != nil && opt.Quotas != (storage.Quotas{}):
		errs = append(errs, errors.New("fazt: Quotas are set beside a Store; give them to the store"))
	}
	if opt.KeyFile == "" && opt.DataFile != "" {
		opt.KeyFile = DefaultKeyFile(opt.DataFile)
	}
	opt.Domain = strings.ToLower(strings.TrimSuffix(opt.Domain, "."))
	if strings.ContainsAny(opt.Domain, "/:@ ") || strings.HasPrefix(opt.Domain, ".") {
		errs = append(errs, fmt.Errorf("fazt: Domain %q is not a host name; give one without scheme and port, such as \"example.com\"", opt.Domain))
	} else if _, err := netip.ParseAddr(opt.Domain); err == nil {
		errs = append(errs, fmt.Errorf("fazt: Domain %q is an address, which has no names below it for apps; leave Domain empty, and Home names the app that answers there", opt.Domain))
	}
	if opt.Home != "" {
		home, err := site.CleanName(opt.Home)
		if opt.Home = home; err != nil {
			errs = append(errs, fmt.Errorf("fazt: Home: %w", err))
		}
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(failuresOnly{})
	}
	var err error
	if opt.Budget, err = opt.Budget.WithDefaults(); err != nil {
		errs = append(errs, err)
	}
	if opt.Quotas, err = opt.Quotas.WithDefaults(); err != nil {
		errs = append(errs, err)
	}
	if opt.Backups, err = opt.Backups.WithDefaults(); err != nil {
		errs = append(errs, err)
	}
	positive(&errs, "Slots", &opt.Slots, goruntime.GOMAXPROCS(0))
	positive(&errs, "InFlight", &opt.InFlight, max(256, 16*opt.Slots))
	positive(&errs, "Queue", &opt.Queue, 256)
	positive(&errs, "MaxBody", &opt.MaxBody, 1<<20)
	positive(&errs, "MaxUpload", &opt.MaxUpload, 32<<20)
	positive(&errs, "BodyMemory", &opt.BodyMemory, max(defaultMemory, 5*opt.MaxBody, 5*opt.MaxUpload))
	positive(&errs, "AnswerMemory", &opt.AnswerMemory, 0) // New knows how long one may be
	positive(&errs, "FileMemory", &opt.FileMemory, 64<<20)
	positive(&errs, "LoadedApps", &opt.LoadedApps, 1000)
	positive(&errs, "LoadedBytes", &opt.LoadedBytes, 64<<20)
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
