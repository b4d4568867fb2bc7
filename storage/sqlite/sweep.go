package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"sync"
	"time"
)

const (
	// sweepInterval is how often the sweeper looks for what can go. Nothing
	// waits for it: expired keys are invisible at once.
	sweepInterval = time.Minute
	// sweepRows is how many rows one transaction of the sweeper removes at most, and
	// sweepChunks the same for chunks of content, 4 MiB. It begins with sweepFirst, and
	// goes on with more or fewer, so that one holds the writer up for about sweepTime:
	// a row may have a few bytes or a megabyte.
	sweepRows   most = 200
	sweepChunks most = 16
	sweepFirst       = 8
	sweepTime        = time.Millisecond
	// removeWait is how long the removal of an app waits for its data to be swept.
	removeWait = time.Second
)

// most stands for the number of rows, of a statement of the sweeper's, that one
// transaction removes: up to so many.
type most int

// sweeper removes in the background what nobody can see any more: expired
// keys, the data of removed apps, and content without a version.
type sweeper struct {
	store  *Store
	wake   chan struct{}
	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu        sync.Mutex
	waiting   []chan struct{} // closed at the end of the next pass
	discarded []int64         // bodies whose upload has failed
	printed   map[string]bool // apps that have printed since their log was looked at

	audited any // the newest entry of the audit log at the last pass
}

func startSweeper(s *Store) *sweeper {
	w := &sweeper{store: s, wake: make(chan struct{}, 1)}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.now() // for what a process left that ended before its sweep did
	w.done.Go(w.loop)
	return w
}

// pass has the sweeper look at once, and returns when it has.
func (w *sweeper) pass(ctx context.Context) {
	swept := make(chan struct{})
	w.mu.Lock()
	w.waiting = append(w.waiting, swept)
	w.mu.Unlock()
	w.now()
	select {
	case <-swept:
	case <-ctx.Done():
	case <-w.ctx.Done():
	}
}

// now has the sweeper look at once.
func (w *sweeper) now() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *sweeper) stop() {
	w.cancel()
	w.done.Wait()
}

func (w *sweeper) loop() {
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-w.wake:
		case <-w.ctx.Done():
			return
		}
		w.mu.Lock()
		waiting := w.waiting
		w.waiting = nil
		w.mu.Unlock()
		for _, sweep := range []func() error{w.expired, w.removed, w.cleared, w.contents, w.bodies, w.logs, w.audit} {
			if err := sweep(); err != nil && !errors.Is(err, context.Canceled) {
				w.store.logger.Warn("sweeping failed", "err", err)
			}
		}
		w.store.vacuum.now()
		for _, swept := range waiting {
			close(swept)
		}
	}
}

// each runs a statement in short transactions of its own for as long as it removes
// rows, and rests in between.
func (w *sweeper) each(query string, args ...any) error {
	for rows := most(sweepFirst); ; {
		bound, limit := slices.Clone(args), most(1)
		for i, a := range bound {
			if m, ok := a.(most); ok {
				limit = m
				bound[i] = min(rows, limit)
			}
		}
		var n int64
		var took time.Duration
		start := time.Now()
		err := w.store.writer.do(w.ctx, "", "sweep", func(tx *writeTx) (err error) {
			tx.generations = nil // it may remove some
			start := time.Now()
			n, err = tx.write(query, bound...)
			took = time.Since(start)
			return err
		})
		if err != nil || n == 0 {
			return err
		}
		if took > sweepTime {
			rows = max(1, rows/2)
		} else {
			rows = min(2*rows, limit)
		}
		if err := rest(w.ctx, restPart*time.Since(start)); err != nil {
			return err
		}
	}
}

// find reads ids from the readers, so that a sweep with nothing to do does not
// take the write lock.
func (w *sweeper) find(query string, args ...any) ([]any, error) {
	return list(w.ctx, w.store, "sweep", func(row []driver.Value) any { return row[0] }, query, args...)
}

func (w *sweeper) expired() error {
	now := time.Now().UnixMilli()
	ids, err := w.find("SELECT 1 FROM kv WHERE expires_at > 0 AND expires_at <= ? LIMIT 1", now)
	if err != nil || len(ids) == 0 {
		return err
	}
	return w.each(`DELETE FROM kv WHERE (app, user, key) IN (
		SELECT app, user, key FROM kv WHERE expires_at > 0 AND expires_at <= ? LIMIT ?)`, now, sweepRows)
}

// removed deletes the data of removed apps. A request that was running when its
// app was removed may still write, so the app is remembered for an hour.
func (w *sweeper) removed() error {
	old := time.Now().Add(-time.Hour).UnixMilli()
	apps, err := w.find("SELECT id FROM removed_apps WHERE keep_data = 0")
	if err != nil {
		return err
	}
	for _, app := range apps {
		err := w.each(`DELETE FROM kv WHERE (app, user, key) IN (
			SELECT app, user, key FROM kv WHERE app = ? LIMIT ?)`, app, sweepRows)
		if err == nil {
			err = w.each(`DELETE FROM documents WHERE (app, user, collection, seq) IN (
				SELECT app, user, collection, seq FROM documents WHERE app = ? LIMIT ?)`, app, sweepRows)
		}
		if err == nil {
			err = w.removeIndexes(app)
		}
		if err == nil {
			err = w.removeRest(app)
		}
		if err == nil {
			err = w.each("DELETE FROM removed_apps WHERE id = ? AND removed_at <= ?", app, old)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
