package auth

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// usePrecision is how exactly last_used is kept: a write for every request
	// would cost more than the requests.
	usePrecision = time.Minute
	// maxUses bounds what waits to be written. What does not fit is recorded
	// at its next use.
	maxUses = 4096
	// useTimeout bounds one write, also the last one when closing.
	useTimeout = 5 * time.Second
)

// The statements repeat the precision, so that several processes together
// write no oftener than one.
const (
	sessionUsed = `UPDATE auth_sessions SET last_used = ? WHERE token_hash = ? AND last_used <= ?`
	keyUsed     = `UPDATE api_keys SET last_used = ? WHERE id = ? AND COALESCE(last_used, 0) <= ?`
)

// uses writes when sessions and keys were last used: off the request path, and
// all that came in during one write with the next.
type uses struct {
	db  storage.Database
	log *slog.Logger

	mu      sync.Mutex
	waiting map[use]int64 // to when it was used
	closed  bool

	wake chan struct{} // holds one token while something waits
	done chan struct{}
}

type use struct{ statement, id string }

func recordUses(db storage.Database, log *slog.Logger) *uses {
	u := &uses{
		db:      db,
		log:     log,
		waiting: make(map[use]int64),
		wake:    make(chan struct{}, 1),
		done:    make(chan struct{}),
	}
	go u.run()
	return u
}

func (u *uses) session(hash string, last, now int64) { u.add(use{sessionUsed, hash}, last, now) }
func (u *uses) key(id string, last, now int64)       { u.add(use{keyUsed, id}, last, now) }

func (u *uses) add(what use, last, now int64) {
	if now-last < usePrecision.Milliseconds() {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed || len(u.waiting) >= maxUses {
		return
	}
	u.waiting[what] = now
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

func (u *uses) run() {
	defer close(u.done)
	for range u.wake {
		u.write()
	}
}

func (u *uses) write() {
	u.mu.Lock()
	batch := u.waiting
	u.waiting = make(map[use]int64)
	u.mu.Unlock()
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), useTimeout)
	defer cancel()
	err := u.db.Write(ctx, func(tx storage.SQL) error {
		for what, at := range batch {
			if _, err := tx.Exec(what.statement, at, what.id, at-usePrecision.Milliseconds()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		u.log.Warn("last use of sessions and keys was not recorded", "count", len(batch), "error", err)
	}
}

// close writes what waits and ends the goroutine.
func (u *uses) close() {
	u.mu.Lock()
	if !u.closed {
		u.closed = true
		close(u.wake) // a token in it is still received
	}
	u.mu.Unlock()
	<-u.done
}
