package postgres

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// pollInterval is how often other servers' changes are looked for while somebody
// waits: that is within a quarter of a second of them, with the time that it takes to
// read one row. LISTEN would be quicker, and cost each server a connection that no
// proxy in between may share; what reads the revision has to be there anyway, for the
// notice that is lost.
const pollInterval = 200 * time.Millisecond

const selectRevision = "SELECT revision FROM changes WHERE name = 'catalogue'"

// watch tells waiters when the catalogue's revision changes. It asks the database for
// it only while somebody waits.
type watch struct {
	read   func(context.Context) (int64, error)
	logger *slog.Logger
	ctx    context.Context // until close
	cancel context.CancelFunc

	mu      sync.Mutex
	known   int64 // the newest revision seen
	waiters map[int64]chan struct{}
	lost    bool // the last look failed, and that was said
	stopped sync.WaitGroup
}

func newWatch(read func(context.Context) (int64, error), logger *slog.Logger) *watch {
	w := &watch{read: read, logger: logger, waiters: make(map[int64]chan struct{})}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.stopped.Go(w.poll)
	return w
}

// countRevision follows the clock, so that a revision that a fail-over has lost is not
// given to another change: servers that have seen it would take that for the one that
// they know.
const countRevision = "UPDATE changes SET revision = greatest(revision + 1, " + clock + ") WHERE name = 'catalogue' RETURNING revision"

// revise counts the revision up, and tells this server's waiters when that is
// committed.
func (s *Store) revise(tx *writeTx) error {
	var revision int64
	err := tx.returning(countRevision, nil,
		func(scan scanFunc) error { return scan(&revision) })
	tx.onCommit(func() { s.watch.observe(revision) })
	return err
}

// Revision implements [storage.Revisions].
func (s *Store) Revision(ctx context.Context) (int64, error) {
	return only(ctx, s, "revision", "the database has no revision", func(scan scanFunc) (n int64, err error) {
		err = scan(&n)
		return n, err
	}, selectRevision)
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
	if w.ctx.Err() != nil || since < w.known {
		close(ch)
		return ch
	}
	w.waiters[since] = ch
	return ch
}

// observe wakes those who wait for an older revision than this one. What is known may
// be newer: what was read last need not be heard of last.
func (w *watch) observe(revision int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle(max(w.known, revision))
}

func (w *watch) settle(revision int64) {
	w.known = revision
	for since, ch := range w.waiters {
		if since < revision {
			close(ch)
			delete(w.waiters, since)
		}
	}
}

// poll looks for changes while somebody waits, until close.
func (w *watch) poll() {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-w.ctx.Done():
			return
		}
		w.mu.Lock()
		wanted, before := len(w.waiters) > 0, w.known
		w.mu.Unlock()
		if wanted {
			w.look(before)
		}
	}
}

// look reads the revision, which was at least before.
func (w *watch) look(before int64) {
	revision, err := w.read(w.ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err != nil:
	case revision < before: // a fail-over has lost changes, and what they made
		w.logger.Error("the catalogue has lost changes: the database is older than it was", "revision", revision, "was", before)
		w.forget()
		w.known = revision
	default:
		w.settle(max(w.known, revision))
	}
	if failed := err != nil && w.ctx.Err() == nil; failed != w.lost {
		if w.lost = failed; failed {
			w.logger.Warn("the catalogue's revision can't be read: other servers' changes are not seen until it can", "err", err)
		} else {
			w.logger.Info("the catalogue's revision can be read again")
		}
	}
}

// close wakes everybody.
func (w *watch) close() {
	w.cancel()
	w.mu.Lock()
	w.forget()
	w.mu.Unlock()
	w.stopped.Wait()
}

// forget wakes all waiters.
func (w *watch) forget() {
	for since, ch := range w.waiters {
		close(ch)
		delete(w.waiters, since)
	}
}
