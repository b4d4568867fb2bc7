package postgres

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// sweepInterval is how often a server looks for what can go. Nothing waits for it:
	// expired keys are invisible at once.
	sweepInterval = time.Minute
	// sweepAgain is when a server that has something to sweep asks again whether another
	// has finished.
	sweepAgain = time.Second

	// sweepLease is held by the one server that sweeps, while it does. sweepTurn is held
	// on by the one that did so last: the others leave it to that one as long as they
	// have nothing to sweep in a hurry.
	sweepLease, sweepTurn = "fazt.sweep", "fazt.sweep.turn"
	sweepTurnTime         = sweepInterval + sweepInterval/2

	// sweepRows is how many rows one transaction of the sweeper removes at most, and
	// sweepChunks the same for chunks of bodies, 4 MiB. It begins with sweepFirst, and
	// goes on with more or fewer, so that one takes about sweepTime: a row may have a few
	// bytes or a megabyte.
	sweepRows, sweepChunks = 500, 16
	sweepFirst             = 64
	sweepTime              = 25 * time.Millisecond
)

// sweeper removes in the background what nobody can see any more: expired keys, the
// data of removed apps, content without a version, old lines and entries. One server at
// a time does.
type sweeper struct {
	store *Store
	wake  chan struct{}

	mu        sync.Mutex
	discarded []string // bodies whose upload has failed

	// What the last pass has seen, if it was on this server.
	audited string // the newest entry of the audit log
	logged  int64  // the newest line of the log; 0 is none
}

func startSweeper(s *Store) *sweeper {
	w := &sweeper{store: s, wake: make(chan struct{}, 1)}
	w.now() // for what a server left that ended before its sweep did
	s.background.Go(w.loop)
	return w
}

// now has this server look at once, or as soon as no other does.
func (w *sweeper) now() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *sweeper) loop() {
	s := w.store
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	again := time.NewTimer(sweepInterval)
	defer again.Stop()
	for {
		hurry := true
		select {
		case <-tick.C:
			hurry = false
		case <-w.wake:
		case <-again.C:
		case <-s.ctx.Done():
			return
		}
		swept, err := w.sweep(s.ctx, hurry)
		if err != nil && s.ctx.Err() == nil && !errors.Is(err, context.Canceled) {
			s.logger.Warn("sweeping failed", "err", err)
		}
		if again.Stop(); hurry && !swept {
			again.Reset(sweepAgain)
		}
	}
}

// sweep makes a pass unless another server is at it, or leaves it to another.
func (w *sweeper) sweep(ctx context.Context, hurry bool) (swept bool, err error) {
	s := w.store
	turn, err := s.takeLease(ctx, sweepTurn, s.server, sweepTurnTime)
	if err != nil || !turn && !hurry {
		return false, err
	}
	holder := newID()
	ok, err := s.takeLease(ctx, sweepLease, holder, leaseTime)
	if err != nil || !ok {
		return false, err
	}
	return true, s.whileLeased(ctx, sweepLease, holder, w.pass)
}

// pass looks for everything that can go. What fails keeps nothing else from going.
func (w *sweeper) pass(ctx context.Context) error {
	var errs []error
	for _, sweep := range []func(context.Context) error{w.expired, w.removed, w.cleared, w.contents, w.bodies, w.logs, w.audit} {
		if err := sweep(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// each calls remove, which removes up to so many rows in a transaction and tells how many
// there were, until there are none, and rests in between.
func (w *sweeper) each(ctx context.Context, most int, remove func(limit int) (int, error)) error {
	for limit := min(sweepFirst, most); ; {
		start := time.Now()
		n, err := remove(limit)
		if err != nil || n == 0 {
			return err
		}
		took := time.Since(start)
		if took > sweepTime {
			limit = max(1, limit/2)
		} else {
			limit = min(2*limit, most)
		}
		select {
		case <-time.After(took):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// removeRows runs a statement whose last value is a limit for as long as it removes rows.
// It is of what no quota counts.
func (w *sweeper) removeRows(ctx context.Context, app string, most int, statement string, args ...any) error {
	return w.each(ctx, most, func(limit int) (n int, err error) {
		err = w.store.write(ctx, app, "sweep", func(tx *writeTx) error {
			removed, err := tx.exec(statement, append(args[:len(args):len(args)], limit)...)
			n = int(removed)
			return err
		})
		return n, err
	})
}

// find reads texts, so that a sweep with nothing to do writes nothing.
func (w *sweeper) find(ctx context.Context, query string, args ...any) ([]string, error) {
	return list(ctx, w.store, "sweep", func(scan scanFunc) (text string, err error) {
		err = scan(&text)
		return text, err
	}, query, args...)
}
