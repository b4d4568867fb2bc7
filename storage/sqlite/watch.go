package sqlite

import (
	"context"
	"database/sql/driver"
	"log/slog"
	"sync"
	"time"
)

// pollInterval is how often another process's changes are looked for while
// somebody waits. Looking costs one read of the log's index, a microsecond or
// two.
const pollInterval = 100 * time.Millisecond

const selectRevision = "SELECT revision FROM changes WHERE name = 'catalogue'"

// watch tells waiters when the catalogue's revision changes. It polls PRAGMA
// data_version, which changes when another connection has committed, on a
// connection of its own, and only while somebody waits.
type watch struct {
	logger *slog.Logger

	mu      sync.Mutex
	conn    *conn // nil once closed
	known   int64 // the newest revision seen
	version int64 // the data version at which it was read
	waiters map[int64]chan struct{}
	polling bool
	quit    chan struct{}
	stopped sync.WaitGroup
}

func openWatch(path string, logger *slog.Logger) (*watch, error) {
	c, err := openConn(path, "mode", "rw", "_query_only", "on")
	if err != nil {
		return nil, err
	}
	return &watch{logger: logger, conn: c, waiters: make(map[int64]chan struct{}), quit: make(chan struct{})}, nil
}

// revise counts the revision up, and tells this process's waiters when that is
// on disk.
func (s *Store) revise(tx *writeTx) error {
	if _, err := tx.write("UPDATE changes SET revision = revision + 1 WHERE name = 'catalogue'"); err != nil {
		return err
	}
	revision, err := tx.conn.queryInt(selectRevision)
	tx.notify = append(tx.notify, func() { s.watch.observe(revision) })
	return err
}

// Revision implements [storage.Revisions].
func (s *Store) Revision(ctx context.Context) (int64, error) {
	return one(ctx, s, "revision", "the data file has no revision", func(row []driver.Value) int64 { return row[0].(int64) }, selectRevision)
}

// Changed implements [storage.Revisions]. Close closes the channel too, so that
// nobody waits for ever.
func (s *Store) Changed(since int64) <-chan struct{} { return s.watch.changed(since) }

func (w *watch) changed(since int64) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ch, ok := w.waiters[since]; ok {
		return ch
	}
	ch := make(chan struct{})
	if w.conn == nil || since < w.known {
		close(ch)
		return ch
	}
	w.waiters[since] = ch
	if !w.polling {
		w.polling = true
		w.version = 0 // what happened while nobody looked counts too
		w.stopped.Add(1)
		go w.poll()
	}
	return ch
}

// observe wakes those who wait for another revision than this one.
func (w *watch) observe(revision int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle(revision)
}

func (w *watch) settle(revision int64) {
	w.known = revision
	for since, ch := range w.waiters {
		if since != revision {
			close(ch)
			delete(w.waiters, since)
		}
	}
}

// poll looks for changes until nobody waits any more.
func (w *watch) poll() {
	defer w.stopped.Done()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for w.look() {
		select {
		case <-tick.C:
		case <-w.quit:
			return
		}
	}
}

// look reads the revision if the database has changed, and reports whether
// somebody still waits.
func (w *watch) look() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn == nil {
		return false
	}
	if err := w.read(); err != nil {
		w.logger.Warn("the catalogue's revision can't be read", "err", err)
	}
	w.polling = len(w.waiters) > 0
	return w.polling
}

func (w *watch) read() error {
	version, err := w.conn.queryInt("PRAGMA data_version")
	if err != nil || version == w.version {
		return err
	}
	revision, err := w.conn.queryInt(selectRevision)
	if err != nil {
		return err
	}
	w.version = version
	w.settle(revision)
	return nil
}

// close wakes everybody and releases the connection.
func (w *watch) close() error {
	w.mu.Lock()
	c := w.conn
	w.conn = nil
	for since, ch := range w.waiters {
		close(ch)
		delete(w.waiters, since)
	}
	close(w.quit)
	w.mu.Unlock()
	w.stopped.Wait()
	return c.close()
}
