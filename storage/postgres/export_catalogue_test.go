package postgres

import "context"

// SweepLease is the name of the lease that a server has while it sweeps.
const SweepLease = sweepLease

// SweepNow makes a pass unless another server is at it.
func (s *Store) SweepNow(ctx context.Context) (swept bool, err error) {
	return s.sweeper.sweep(ctx, true)
}

// RenewPinned keeps what is being read from the sweeper for another minute.
func (s *Store) RenewPinned(ctx context.Context) error { return s.renewPinned(ctx) }

// WhileLeased runs fn while this server has a lease, and reports whether it had it.
func (s *Store) WhileLeased(ctx context.Context, name string, fn func(context.Context)) (had bool, err error) {
	err = s.leased(ctx, name, func(ctx context.Context) error {
		had = true
		fn(ctx)
		return nil
	})
	return had, err
}
