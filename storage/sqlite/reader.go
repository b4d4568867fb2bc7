package sqlite

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/demand"
)

const (
	// minLong is how many long reads may hold a reader on a small machine.
	minLong = 2
	// longRead is from when on a read counts as long. There are as many readers as
	// may compute at once that no long read holds, if the reads can give way.
	longRead = 5 * time.Millisecond
	// paceEvery is about how long a read goes on before it lets others go on.
	paceEvery = 500 * time.Microsecond
	// readerCache is how many bytes of pages a reader of apps' data keeps. 2 MB, what
	// SQLite keeps by default, is less than 10,000 documents have, and a scan of
	// more than is kept finds none of it.
	readerCache = 8 << 20
	// streamCache is the same where chunks of bodies are read, which hardly anybody
	// reads twice, and systemCache for everything else.
	streamCache, systemCache = 1 << 20, 2 << 20
	// maxText is the longest text that a reader makes of several documents. No row has
	// a longer one.
	maxText = 4 << 20
)

// readers is a pool of connections that cannot write. Each has its own
// prepared statements. Those who read take a processor first (see [storage.Waiter]), and
// a read that gives its processor away counts as long. So whoever has one finds a
// reader, and doesn't wait a second time: all others who have one hold one reader
// each, and long reads hold those beyond that at most.
type readers struct {
	n         int
	mostLong  int // of them, those that long reads may hold
	closed    chan struct{}
	snapshots *snapshots
	demand    *demand.Demand // nil where no app's data is read
	batchTime time.Duration  // of a scan's batch at most

	mu       sync.Mutex
	returned sync.Cond
	taken    uint64    // how often one was handed out
	rested   uint64    // the same at the last look, see rest
	small    uint64    // the same when what they kept was given back
	idle     []*reader // the one used last at the end, as its pages are in the processor's cache
	long     int       // how many are held by long reads
	turns    turns
}

func openReaders(path string, cache int, snapshots *snapshots) (*readers, error) {
	processors := runtime.GOMAXPROCS(0)
	long := max(minLong, processors/2)
	r := &readers{n: processors + long, mostLong: long, closed: make(chan struct{}), snapshots: snapshots, batchTime: batchTime}
	r.returned.L = &r.mu
	for range r.n {
		c, err := r.open(path, cache)
		if err != nil {
			for _, c := range r.idle {
				c.close()
			}
			return nil, err
		}
		r.idle = append(r.idle, c)
	}
	return r, nil
}

func (pool *readers) open(path string, cache int) (*reader, error) {
	c, joiner, err := openJoining(func() (*conn, error) {
		return openConn(path, "mode", "rw", "_query_only", "on", "_cache_size", strconv.Itoa(-cache>>10)) // in KiB if it is negative
	})
	if err != nil {
		return nil, err
	}
	c.raw.SetLimit(sqlite3.SQLITE_LIMIT_LENGTH, maxText)
	r := &reader{conn: c, pool: pool, joiner: joiner}
	c.reader = r
	if r.begin, err = c.prepare("BEGIN"); err == nil {
		r.rollback, err = c.prepare("ROLLBACK")
	}
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (c *reader) close() error {
	err := c.conn.close()
	c.joiner.close()
	return err
}

// reader is one connection of the pool, and what is known about the read that
// holds it.
type reader struct {
	*conn
	pool            *readers
	begin, rollback statement
	joiner          *joiner // nil where there is none

	flow       *readFlow
	pacer      storage.Pacer // nil without one
	start      time.Time
	charged    time.Duration // of the time since start
	paced      time.Time     // when others could go on last
	long       bool
	givesWay   bool // its only operation so far can begin anew
	operations int  // that have ended
}

// rest gives back the pages that the connections keep, if nothing was read since the
// last look, and tells whether it did. A search has each keep as many as it may.
func (r *readers) rest() (given bool, err error) {
	r.mu.Lock()
	still := r.taken == r.rested && r.taken != r.small && len(r.idle) == r.n
	r.rested = r.taken
	if !still {
		r.mu.Unlock()
		return false, nil
	}
	var all []*reader
	for len(r.idle) > 0 {
		all = append(all, r.take("", false).begun(context.Background()))
	}
	r.mu.Unlock()
	for _, c := range all {
		_, e := c.exec("PRAGMA shrink_memory")
		err = errors.Join(err, e)
		r.put(c)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.taken == r.rested+uint64(r.n) {
		r.rested, r.small = r.taken, r.taken
	}
	return true, err
}

// get waits for a free connection, for an app or, as "", for the server. A long read
// also waits until there is one left for others.
func (r *readers) get(ctx context.Context, op, app string, long bool) (*reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-r.closed:
		return nil, errClosed(op)
	default:
	}
	r.mu.Lock()
	if len(r.idle) > 0 && (!long || r.long < r.mostLong) {
		c := r.take(app, long)
		r.mu.Unlock()
		return c.begun(ctx), nil
	}
	w := r.turns.wait(app, long)
	r.mu.Unlock()
	if err := storage.Wait(ctx, func() error { return r.await(ctx, op, w) }); err != nil {
		r.giveUp(w)
		return nil, err
	}
	return (<-w.got).begun(ctx), nil
}

// free tells whether a read that came now would have to wait for nothing.
func (r *readers) free() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.idle) > 0 && !r.snapshots.waited()
}

// await returns when the read has got a reader, which is left where it is.
func (r *readers) await(ctx context.Context, op string, w *waiter) error {
	select {
	case c := <-w.got:
		w.got <- c
		return nil
	case <-r.closed:
		return errClosed(op)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// giveUp is for a read that waits no longer, and may have got a reader just now.
func (r *readers) giveUp(w *waiter) {
	r.mu.Lock()
	waited := r.turns.remove(w)
	if waited {
		r.turns.forget()
	}
	r.mu.Unlock()
	if !waited {
		r.put((<-w.got).begun(context.Background()))
	}
}

// take hands out an idle connection.
func (r *readers) take(app string, long bool) *reader {
	n := len(r.idle) - 1
	c := r.idle[n]
	r.taken++
	r.idle = r.idle[:n]
	c.flow, c.long = r.turns.start(app), long
	if long {
		r.long++
	}
	return c
}

// begun resets what is known about the read.
func (c *reader) begun(ctx context.Context) *reader {
	c.pacer = storage.PacerOf(ctx)
	c.start, c.charged, c.operations = time.Now(), 0, 0
	c.paced = c.start
	return c
}

// put gives a connection back, and to whoever is next.
func (r *readers) put(c *reader) {
	took := time.Since(c.start) - c.charged
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.long {
		r.long--
	}
	r.turns.end(c.flow, took)
	c.flow, c.pacer, c.long = nil, nil, false
	r.idle = append(r.idle, c)
	for len(r.idle) > 0 {
		w := r.turns.next(r.long < r.mostLong)
		if w == nil {
			break
		}
		w.got <- r.take(w.flow.app, w.long)
	}
	r.returned.Signal()
}

// lengthen has a read go on as a long one, if there is a reader left for others.
// A read that can't give way goes on anyway.
func (r *readers) lengthen(c *reader, must bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !must && r.long >= r.mostLong {
		return false
	}
	c.long = true
	r.long++
	return true
}

// charge counts what a read has taken so far.
func (r *readers) charge(c *reader, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	took := now.Sub(c.start) - c.charged
	c.flow.tag += took
	c.charged += took
}

// errGiveWay ends an operation that has to begin anew on another connection.
var errGiveWay = errors.New("a long read gives way")

// pace lets others go on, if the read has gone on for long enough.
func (c *reader) pace(ctx context.Context) error {
	now := time.Now()
	if now.Sub(c.paced) < paceEvery {
		return nil
	}
	if !c.long && (c.contended(ctx) || now.Sub(c.start) >= longRead) && !c.pool.lengthen(c, !c.givesWay) {
		return errGiveWay
	}
	c.pool.charge(c, now)
	if c.paced = now; c.pacer == nil {
		return nil
	}
	err := c.pacer.Pace(ctx)
	c.paced = time.Now()
	return err
}

// contended tells whether the read would give its processor away now.
func (c *reader) contended(ctx context.Context) bool {
	w, ok := c.pacer.(storage.Waiter)
	return ok && w.Contended(ctx)
}

// snapshot runs fn in a read transaction of the server's own.
func (r *readers) snapshot(ctx context.Context, op string, fn func(*conn) error) error {
	return r.snapshotFor(ctx, op, "", fn)
}

// snapshotFor is snapshot for an app.
func (r *readers) snapshotFor(ctx context.Context, op, app string, fn func(*conn) error) error {
	s := session{ctx: ctx}
	return s.snapshot(r, op, app, func() error { return fn(s.conn) })
}

// snapshot runs fn in a read transaction. SQLite takes the snapshot at the first
// read, and so it holds every commit that ended before that.
func (s *session) snapshot(r *readers, op, app string, fn func() error) (err error) {
	if err := s.beginRead(r, op, app, false); err != nil {
		return err
	}
	defer func() {
		if endErr := s.endRead(); err == nil {
			err = wrap(op, endErr)
		}
	}()
	defer foreignTypes(op, &err)
	return fn()
}

func (s *session) beginRead(r *readers, op, app string, long bool) error {
	c, err := r.get(s.ctx, op, app, long)
	if err != nil {
		return err
	}
	if err := r.snapshots.begin(s.ctx, &c.snapshot); err != nil {
		r.put(c)
		return err
	}
	if err := c.begin.run(); err != nil {
		r.snapshots.end(&c.snapshot)
		r.put(c)
		return wrap(op, err)
	}
	s.conn = c.conn
	return nil
}

// endRead gives the connection back. ROLLBACK and not COMMIT: it also ends a
// transaction in which a statement failed, and there is nothing to keep.
func (s *session) endRead() error {
	if s.conn == nil {
		return nil
	}
	c := s.conn.reader
	s.conn = nil
	defer c.pool.put(c)
	defer c.pool.snapshots.end(&c.snapshot)
	return c.rollback.run()
}

// maxRestarts is how often an operation begins anew since its snapshot was ended.
const maxRestarts = 3

// seen is for a read outside of operation: its snapshot is the one for what follows.
func (s *session) seen() {
	if s.conn != nil && s.conn.reader != nil {
		s.conn.reader.operations++
	}
}

// operation runs one, and again on a later snapshot if it must give way, or if the
// snapshot was ended for the write-ahead log's sake. Only the first of a transaction has
// to, since nobody has seen its snapshot yet.
func (s *session) operation(op string, fn func() error) error { return s.resumable(op, new(int64), fn) }

// resumable is operation for one that goes on where it was, as far as it has reached,
// and may do so as often as it gets on.
func (s *session) resumable(op string, reached *int64, fn func() error) error {
	for restarts, before := 0, *reached; ; {
		var c *reader
		if s.conn != nil {
			c = s.conn.reader
		}
		if c == nil {
			return fn()
		}
		c.givesWay = c.operations == 0
		err := fn()
		ended := c.givesWay && storage.CodeOf(err) == storage.CodeOverloaded && c.snapshot.over.Load()
		c.givesWay = false
		if ended {
			restarts++
			if *reached > before {
				restarts, before = 0, *reached
			}
		}
		if err != errGiveWay && (!ended || restarts > maxRestarts) {
			c.operations++
			return err
		}
		app := c.flow.app
		if err := s.endRead(); err != nil {
			return wrap(op, err)
		}
		if err := s.beginRead(c.pool, op, app, true); err != nil {
			return err
		}
	}
}

// close waits for reads that are under way, and closes the connections. It is
// called once.
func (r *readers) close() error {
	close(r.closed)
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.idle) < r.n {
		r.returned.Wait()
	}
	var first error
	for _, c := range r.idle {
		if err := c.close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

func errReadOnly(op string) error {
	return &storage.Error{Code: storage.CodeReadOnly, Op: op, Msg: "this transaction only reads", Hint: "write in Tx"}
}
