package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// DefaultMaxConns is how many connections a Store has at most, if the URL's
	// pool_max_conns does not say: a quarter of them, and four at most, write.
	DefaultMaxConns = 16
	// minConns is what a Store needs: to write, to do so for long, and to read twice.
	minConns = 4
	// maxLanes is how many transactions are written at a time. Each holds many callers'
	// writes, so that a few keep a disk busy.
	maxLanes = 4
	// maxLong is how many transactions with much to search are under way, beside the
	// lanes.
	maxLong = 2

	// connectTimeout bounds the making of a connection, if the URL's connect_timeout
	// does not.
	connectTimeout = 5 * time.Second
	// cancelDelay is how long a statement may go on whose context has ended, before the
	// database is asked to cancel it, and cancelLimit how long that may take: then the
	// connection is given up.
	cancelDelay, cancelLimit = 0, 2 * time.Second
	// idleInTransaction is how long the database keeps a transaction, and an app's turn
	// with it, whose server is not heard of.
	idleInTransaction = 15 * time.Second
)

// Options configures a [Store]. The zero value is ready to use.
type Options struct {
	// Logger gets what no caller is told: commits that failed, panics in
	// transactions, sweeps that failed. Default: nil, which discards it.
	Logger *slog.Logger

	// Quotas bound what each app stores through this Store. Other servers on the
	// same database go by their own.
	Quotas storage.Quotas
}

// Store is an open database. It implements [storage.Store].
type Store struct {
	logger   *slog.Logger
	quotas   storage.Quotas
	config   *pgxpool.Config
	pool     *pgxpool.Pool // for reads, and for the writes of a statement that the store makes for itself
	writes   *pgxpool.Pool // for the lanes
	numbers  *numbers
	writer   *writer
	indexer  *indexer
	presence *presence
	server   string // names this Store among the servers, as the holder of a lease

	watch     *watch
	reading   pins // bodies that are being read
	sweeper   *sweeper
	operators *operators
	others    otherModules
	dataBytes atomic.Int64 // how large the database was lately

	// What runs in the background ends with ctx.
	ctx        context.Context
	cancel     context.CancelFunc
	background sync.WaitGroup
	closed     chan struct{}
	closing    []func() // run by Close before the connections go, the last first

	closeOnce sync.Once
	closeErr  error
}

// Open opens the database that a URL such as postgres://user:password@host/name or a
// connection string names (https://www.postgresql.org/docs/current/libpq-connect.html),
// and makes its tables if there are none. Of several hosts the one that takes writes is
// used. pool_max_conns in the URL is how many connections are made at most, but for one that
// watches whether the database answers.
//
// A database that can't be reached is [storage.CodeUnavailable]; one whose text is not
// UTF-8, or that a newer fazt has written, is [storage.CodeFormat].
func Open(ctx context.Context, url string, opt Options) (*Store, error) {
	const op = "open"
	quotas, err := opt.Quotas.WithDefaults()
	if err != nil {
		return nil, err
	}
	logger := opt.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	config, err := configure(url)
	if err != nil {
		return nil, err
	}
	s := &Store{logger: logger, quotas: quotas, config: config, server: newID(), operators: newOperators(), closed: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.start(ctx); err != nil {
		s.Close() // the first error is the one that tells
		return nil, wrap(op, err)
	}
	return s, nil
}

// configure reads a URL.
func configure(url string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, &storage.Error{Code: storage.CodeInvalid, Op: "open", Err: err, Hint: "give a URL such as postgres://user:password@host:5432/name"}
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = DefaultMaxConns
	}
	config.MaxConns = max(config.MaxConns, minConns)
	c := config.ConnConfig
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTimeout
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "fazt"
	}
	// A standby lags, and what it answers may be undone: nothing is ever read from one.
	c.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	c.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, CancelRequestDelay: cancelDelay, DeadlineDelay: cancelLimit}
	}
	c.OnNotice = noteWarning
	return config, nil
}

// start connects, brings the schema up to date and begins what goes on in the background.
func (s *Store) start(ctx context.Context) (err error) {
	lanes := min(maxLanes, max(1, int(s.config.MaxConns)/4), 2*runtime.GOMAXPROCS(0))
	s.presence = newPresence(s.config.ConnConfig, s.logger, s.resetPools)
	s.presence.watch(s.config.ConnConfig)
	forWrites, forReads := s.config.Copy(), s.config.Copy()
	forWrites.MaxConns = int32(lanes + 1)
	forReads.MaxConns = s.config.MaxConns - forWrites.MaxConns
	// Not as a parameter of the connection's start: poolers refuse those that they don't know.
	forWrites.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, fmt.Sprintf("SET idle_in_transaction_session_timeout = %d", idleInTransaction.Milliseconds()))
		return err
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, forReads); err != nil {
		return err
	}
	if s.writes, err = pgxpool.NewWithConfig(ctx, forWrites); err != nil {
		return err
	}
	if err := s.checkDatabase(ctx); err != nil {
		return err
	}
	for _, m := range modules {
		if err := s.migrate(ctx, "open", m.name, m.steps); err != nil {
			return err
		}
	}
	s.presence.look(ctx)
	// It is watched for as long as writes that were accepted may be under way.
	watched, unwatch := context.WithCancel(context.Background())
	s.atClose(unwatch)
	s.background.Go(func() { s.presence.run(watched) })
	s.numbers = &numbers{store: s}
	s.writer = startWriter(s, lanes)
	s.indexer = startIndexer(s)
	return s.startRest()
}

// resetPools has connections that are of no use any more not given to anybody.
func (s *Store) resetPools() {
	s.pool.Reset()
	s.writes.Reset()
}

// checkDatabase refuses what data would be damaged in.
func (s *Store) checkDatabase(ctx context.Context) error {
	var encoding string
	if err := s.pool.QueryRow(ctx, "SHOW server_encoding").Scan(&encoding); err != nil {
		return err
	}
	if !strings.EqualFold(encoding, "UTF8") {
		return &storage.Error{Code: storage.CodeFormat, Op: "open", Msg: "the database's encoding is " + encoding,
			Hint: "make one with CREATE DATABASE fazt ENCODING 'UTF8' TEMPLATE template0"}
	}
	return nil
}

// atClose has fn called by Close, before the connections go and after what was given
// later.
func (s *Store) atClose(fn func()) { s.closing = append(s.closing, fn) }

// Close waits for accepted writes and for reads that are under way, and gives the
// connections back. Later calls return what the first did.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		close(s.closed)
		if s.writer != nil { // first of all: what it has accepted needs the rest
			s.writer.close()
		}
		s.cancel()
		for i := len(s.closing) - 1; i >= 0; i-- {
			s.closing[i]()
		}
		s.background.Wait()
		for _, p := range []*pgxpool.Pool{s.writes, s.pool} {
			if p != nil {
				p.Close()
			}
		}
	})
	return s.closeErr
}

// isClosed reports whether Close was called.
func (s *Store) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// noteWarning keeps the last warning of a connection: a COMMIT that was not waited for
// is told by one.
func noteWarning(c *pgconn.PgConn, n *pgconn.Notice) {
	if n.Severity == "WARNING" || n.SeverityUnlocalized == "WARNING" {
		c.CustomData()["warning"] = n.Message
	}
}

// takeWarning returns the last warning since it was called last, or "".
func takeWarning(c *pgx.Conn) string {
	data := c.PgConn().CustomData()
	text, _ := data["warning"].(string)
	delete(data, "warning")
	return text
}

// startRest begins what goes on in the background.
func (s *Store) startRest() error {
	s.startCatalogue()
	return nil
}
