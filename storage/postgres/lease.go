package postgres

import (
	"context"
	"crypto/rand"
	"strings"
	"time"
)

// leaseTime is how long a lease is good for that is not renewed: its server has ended,
// or lost the database. It is renewed three times in that time.
const leaseTime = 15 * time.Second

// Leases go by the clock of the database, so that servers need not agree on the time.
const (
	clock = `CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)`

	leaseTake = `INSERT INTO leases (name, holder, expires_at) VALUES ($1, $2, ` + clock + ` + $3)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
		WHERE leases.holder = excluded.holder OR leases.expires_at <= ` + clock
	leaseDrop = `DELETE FROM leases WHERE name = $1 AND holder = $2`
)

// newID returns a name that nobody else has.
func newID() string { return strings.ToLower(rand.Text()) }

// takeLease gives holder a lease for a time, or renews it, unless another has it.
func (s *Store) takeLease(ctx context.Context, name, holder string, d time.Duration) (bool, error) {
	tag, err := s.pool.Exec(ctx, leaseTake, name, holder, d.Milliseconds())
	return tag.RowsAffected() > 0, err
}

func (s *Store) dropLease(ctx context.Context, name, holder string) error {
	_, err := s.pool.Exec(ctx, leaseDrop, name, holder)
	return err
}

// leased runs fn while this server has a lease, and does nothing if another has it. fn's
// context ends when the lease can't be renewed.
func (s *Store) leased(ctx context.Context, name string, fn func(context.Context) error) error {
	ok, err := s.takeLease(ctx, name, s.server, leaseTime)
	if err != nil || !ok {
		return err
	}
	return s.whileLeased(ctx, name, s.server, fn)
}

// whileLeased renews a lease that holder has while fn runs, and gives it up then.
func (s *Store) whileLeased(ctx context.Context, name, holder string, fn func(context.Context) error) error {
	working, stop := context.WithCancel(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		defer stop()
		tick := time.NewTicker(leaseTime / 3)
		defer tick.Stop()
		for until := time.Now().Add(leaseTime); time.Now().Before(until); {
			select {
			case <-working.Done():
				return
			case <-tick.C:
			}
			start := time.Now()
			limited, cancel := context.WithTimeout(working, leaseTime/3)
			ok, err := s.takeLease(limited, name, holder, leaseTime)
			cancel()
			if err == nil && !ok {
				return // another has it
			}
			if err == nil {
				until = start.Add(leaseTime)
			}
		}
	}()
	err := fn(working)
	stop()
	<-renewed
	// The store may be closing: the lease is given up all the same.
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelLimit)
	defer cancel()
	s.dropLease(limited, name, holder) // or it ends by itself
	return err
}
