package auth

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

const (
	// failureInterval is how often failed sign-ins to one account from one address
	// are written to the audit log at most: who guesses must not fill it.
	failureInterval = time.Minute
	// maxFailures bounds how many accounts and addresses are told apart in that time.
	// Those beyond are written as one.
	maxFailures = 1000
)

// failure is what failed sign-ins are counted by.
type failure struct {
	userID, email string // "" when there is no such user: what was typed may be a password
	provider      string
	addr          string
}

// failures records failed sign-ins in the audit log: the first one at once, and
// those that follow within a minute as one entry with their number.
type failures struct {
	db  storage.Database
	log *slog.Logger

	mu      sync.Mutex
	waiting map[failure]*countedFailures
	closed  bool
	writing sync.WaitGroup
}

type countedFailures struct {
	count int // not written yet
	timer *time.Timer
}

func newFailures(db storage.Database, log *slog.Logger) *failures {
	return &failures{db: db, log: log, waiting: make(map[failure]*countedFailures)}
}

// add counts a failed sign-in.
func (f *failures) add(what failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	if f.waiting[what] == nil && len(f.waiting) >= maxFailures {
		what = failure{provider: what.provider}
	}
	if c := f.waiting[what]; c != nil {
		c.count++
		return
	}
	f.waiting[what] = &countedFailures{timer: time.AfterFunc(failureInterval, func() { f.end(what) })}
	f.writing.Go(func() { f.write(what, 1) })
}

// end writes what has been counted of a failure since its first.
func (f *failures) end(what failure) {
	f.mu.Lock()
	c := f.waiting[what]
	if c == nil { // close has been here
		f.mu.Unlock()
		return
	}
	delete(f.waiting, what)
	if c.count > 0 {
		f.writing.Go(func() { f.write(what, c.count) })
	}
	f.mu.Unlock()
}

func (f *failures) write(what failure, count int) {
	ctx, cancel := context.WithTimeout(context.Background(), useTimeout)
	defer cancel()
	err := f.db.Write(ctx, func(tx storage.SQL) error {
		actor := api.Actor{Kind: api.ActorUser, ID: what.userID, Name: what.email, Addr: what.addr}
		return storage.RecordAudit(tx, actor, auditSignInFailed, what.email, signInFailed{what.userID, what.provider, count})
	})
	if err != nil {
		f.log.Warn("failed sign-ins were not recorded", "count", count, "error", err)
	}
}

// close writes what waits.
func (f *failures) close() {
	f.mu.Lock()
	f.closed = true
	for what, c := range f.waiting {
		c.timer.Stop()
		if c.count > 0 {
			f.writing.Go(func() { f.write(what, c.count) })
		}
	}
	clear(f.waiting)
	f.mu.Unlock()
	f.writing.Wait()
}
