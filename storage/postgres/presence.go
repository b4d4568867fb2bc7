package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// presenceInterval is how often the database is asked whether it is there, and
	// absenceInterval the same while it is not: service resumes that soon.
	presenceInterval = 250 * time.Millisecond
	absenceInterval  = 100 * time.Millisecond
	// silence is how long the database may take to answer a question that costs it
	// nothing. One that takes longer is as good as gone: its machine has lost its power or
	// its network, which nobody tells, and what waits for it would do so for minutes.
	silence = 3 * time.Second
)

// presence watches over a connection of its own whether the database answers. When it
// does not, the pools' connections are cut, so that those who wait on them are told, no
// new ones are made, which refuses all calls, and it is asked again until it does.
type presence struct {
	config *pgx.ConnConfig // of its own connection
	log    *slog.Logger
	reset  func() // has the pools let go of their connections
	conn   *pgx.Conn

	state atomic.Pointer[storage.State]
	saved settings // that the state was made of

	mu    sync.Mutex
	conns map[*trackedConn]struct{} // of the pools
	here  context.Context           // until the database is lost
	lose  context.CancelFunc
}

// settings decide what an acknowledged write survives.
type settings struct{ version, fsync, commit, standbys string }

// All of them are in PostgreSQL; others leave out what they have no use for.
const selectSettings = `SELECT version(), coalesce(current_setting('fsync', true), ''),
	coalesce(current_setting('synchronous_commit', true), ''), coalesce(current_setting('synchronous_standby_names', true), '')`

// errAway is why no connection is made.
var errAway = errors.New("the database has not answered of late")

func newPresence(config *pgx.ConnConfig, log *slog.Logger, reset func()) *presence {
	p := &presence{config: config.Copy(), log: log, reset: reset, conns: make(map[*trackedConn]struct{})}
	p.state.Store(&storage.State{})
	p.here, p.lose = context.WithCancel(context.Background())
	return p
}

// watch has the connections that are made by config go by the database's presence.
func (p *presence) watch(config *pgx.ConnConfig) {
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		here := p.isHere()
		if here.Err() != nil {
			return nil, errAway
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(here, cancel)()
		conn, err := dial(ctx, network, addr)
		if err != nil && here.Err() != nil {
			err = errAway // and not that a context has ended
		}
		if err != nil {
			return nil, err
		}
		c := &trackedConn{Conn: conn, presence: p}
		p.mu.Lock()
		defer p.mu.Unlock()
		if here.Err() != nil {
			conn.Close()
			return nil, errAway
		}
		p.conns[c] = struct{}{}
		return c, nil
	}
}

// isHere returns a context that ends when the database is lost.
func (p *presence) isHere() context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.here
}

// trackedConn is a connection of a pool's.
type trackedConn struct {
	net.Conn
	presence *presence
	spared   bool // guarded by presence.mu
}

func (c *trackedConn) Close() error {
	c.presence.mu.Lock()
	delete(c.presence.conns, c)
	c.presence.mu.Unlock()
	return c.Conn.Close()
}

// spare keeps a connection from being cut: the driver would try to cancel what is under
// way on it, which must not happen to a COMMIT.
func (p *presence) spare(conn *pgx.Conn, spared bool) {
	c := conn.PgConn().Conn()
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if c, ok := c.(*trackedConn); ok {
		p.mu.Lock()
		defer p.mu.Unlock()
		c.spared = spared
	}
}

// leave notes that the database is lost.
func (p *presence) leave(err error) {
	p.log.Error("the database can't be reached: calls are refused until it can", "error", err)
	away := *p.state.Load()
	away.Unreachable = true
	p.state.Store(&away)
	p.mu.Lock()
	p.lose()
	var cut []*trackedConn
	for c := range p.conns {
		if !c.spared {
			cut = append(cut, c)
		}
	}
	p.mu.Unlock()
	for _, c := range cut {
		c.Close()
	}
	p.reset()
}

// comeBack notes that it is there again.
func (p *presence) comeBack() {
	p.log.Info("the database can be reached again")
	p.mu.Lock()
	defer p.mu.Unlock()
	p.here, p.lose = context.WithCancel(context.Background())
}

// run asks until ctx ends.
func (p *presence) run(ctx context.Context) {
	defer p.hangUp()
	defer func() { p.lose() }()
	for {
		p.look(ctx)
		wait := presenceInterval
		if p.state.Load().Unreachable {
			wait = absenceInterval
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// look asks once, and notes what has changed.
func (p *presence) look(ctx context.Context) {
	found, err := p.ask(ctx)
	if ctx.Err() != nil {
		return
	}
	now := *p.state.Load()
	switch was := now.Unreachable; {
	case err != nil && !answered(err):
		if !was {
			p.leave(err)
		}
		return
	case was:
		p.comeBack()
	}
	if now.Unreachable = false; err == nil { // else it is there, and has no room for this connection
		now = found.state()
	}
	p.state.Store(&now)
	if err == nil && found != p.saved {
		p.saved = found
		found.report(p.log, now)
	}
}

// answered reports whether an error is the database's own word, and not that it is
// starting or ending.
func answered(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && !strings.HasPrefix(e.Code, "57P")
}

// ask reads the settings, on a new connection if there is none that works.
func (p *presence) ask(ctx context.Context) (s settings, err error) {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	if p.conn != nil {
		if s, err = p.read(ctx); err == nil {
			return s, nil
		}
		p.hangUp()
		if ctx.Err() != nil { // it is silent: a new connection would be, too
			return s, err
		}
	}
	if p.conn, err = pgx.ConnectConfig(ctx, p.config); err != nil {
		p.conn = nil
		return s, err
	}
	return p.read(ctx)
}

func (p *presence) read(ctx context.Context) (s settings, err error) {
	err = p.conn.QueryRow(ctx, selectSettings).Scan(&s.version, &s.fsync, &s.commit, &s.standbys)
	return s, err
}

func (p *presence) hangUp() {
	if p.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), absenceInterval)
	defer cancel()
	p.conn.Close(ctx)
	p.conn = nil
}

// state is what the settings mean.
func (s settings) state() storage.State {
	if strings.HasPrefix(s.version, "CockroachDB") || strings.Contains(s.version, "-YB-") {
		return storage.State{Durable: true, Settings: "copies by consensus, as many as its operator has set"}
	}
	// "local" and "remote_write" are on this machine's disk, and on no other's.
	durable := s.fsync == "on" && s.commit != "off"
	return storage.State{
		Durable:    durable,
		Replicated: durable && s.standbys != "" && (s.commit == "on" || s.commit == "remote_apply"),
		Settings:   fmt.Sprintf("fsync=%s, synchronous_commit=%s, synchronous_standby_names=%q", s.fsync, s.commit, s.standbys),
	}
}

// report tells the operator.
func (s settings) report(log *slog.Logger, now storage.State) {
	switch {
	case !now.Durable:
		log.Warn("NOT durable: acknowledged writes may be lost when the database's machine fails; set fsync and synchronous_commit to on", "settings", now.Settings)
	case !now.Replicated:
		log.Info("acknowledged writes survive a crash of the database's machine, and not its loss: that takes a synchronous standby", "settings", now.Settings)
	default:
		log.Info("acknowledged writes survive the loss of the database's machine", "settings", now.Settings)
	}
}

// State implements [storage.Maintenance].
func (s *Store) State() storage.State { return *s.presence.state.Load() }
