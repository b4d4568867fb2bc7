package sqlite

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// snapshots are the read transactions of this process that are open. While there is
// always one, the write-ahead log can't be restarted and grows without end
// (https://www.sqlite.org/wal.html, section 6), so the writer may pause them, and end
// those that are too old.
type snapshots struct {
	mu     sync.Mutex
	open   map[*snapshot]struct{}
	paused chan struct{} // while none may begin: closed when they may again
	ended  chan struct{} // signals an end while they are paused
}

// snapshot is one of them.
type snapshot struct {
	began time.Time
	over  atomic.Bool // it was ended: every read fails from then on

	mu     sync.Mutex
	cancel context.CancelFunc // of the statement that is running, if it is watched
}

func newSnapshots() *snapshots {
	return &snapshots{open: make(map[*snapshot]struct{}), ended: make(chan struct{}, 1)}
}

// begin opens sn, or waits until that is allowed.
func (s *snapshots) begin(ctx context.Context, sn *snapshot) error {
	s.mu.Lock()
	for s.paused != nil {
		paused := s.paused
		s.mu.Unlock()
		err := storage.Wait(ctx, func() error {
			select {
			case <-paused:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if err != nil {
			return err
		}
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	sn.began = time.Now()
	s.open[sn] = struct{}{}
	return nil
}

// waited tells whether whoever begins one has to wait.
func (s *snapshots) waited() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paused != nil
}

// end closes sn.
func (s *snapshots) end(sn *snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, sn)
	sn.over.Store(false) // the connection goes on without it
	if s.paused != nil {
		select {
		case s.ended <- struct{}{}:
		default:
		}
	}
}

// drain lets no snapshot begin until resume is called, and waits for those that are
// open, for so long at most. Those that are older than age, if it is not 0, are ended.
// It reports whether none is left.
func (s *snapshots) drain(wait, age time.Duration) bool {
	s.mu.Lock()
	s.paused = make(chan struct{})
	s.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	deadline := time.Now().Add(wait)
	for {
		left, again := s.endOlder(age, deadline)
		if left == 0 {
			return true
		}
		timer.Reset(time.Until(again))
		select {
		case <-s.ended:
		case <-timer.C:
			if !time.Now().Before(deadline) {
				return false
			}
		}
	}
}

// endOlder ends what is older than age, and returns how many snapshots are open still
// and when to look again, which is no later than the deadline.
func (s *snapshots) endOlder(age time.Duration, deadline time.Time) (left int, again time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sn := range s.open {
		if age == 0 || sn.over.Load() {
			continue
		}
		if old := sn.began.Add(age); time.Now().Before(old) {
			if old.Before(deadline) {
				deadline = old
			}
		} else {
			sn.stop()
		}
	}
	return len(s.open), deadline
}

// resume lets snapshots begin again.
func (s *snapshots) resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.paused)
	s.paused = nil
	select {
	case <-s.ended:
	default:
	}
}

// stop ends a snapshot, together with the statement that it is running.
func (sn *snapshot) stop() {
	sn.mu.Lock()
	defer sn.mu.Unlock()
	sn.over.Store(true)
	if sn.cancel != nil {
		sn.cancel()
	}
}

// watch returns a context for one statement, which ends with the snapshot too. A
// context that never ends is returned as it is: whoever uses that looks at each row.
func (sn *snapshot) watch(ctx context.Context) (watched context.Context, done func()) {
	if ctx.Done() == nil {
		return ctx, func() {}
	}
	watched, cancel := context.WithCancel(ctx)
	sn.mu.Lock()
	defer sn.mu.Unlock()
	sn.cancel = cancel
	if sn.over.Load() {
		cancel()
	}
	return watched, func() {
		sn.mu.Lock()
		defer sn.mu.Unlock()
		sn.cancel = nil
		cancel()
	}
}

// err is what a read fails with after the snapshot was ended, and nil before.
func (sn *snapshot) err() error {
	if !sn.over.Load() {
		return nil
	}
	return &storage.Error{Code: storage.CodeOverloaded, Msg: "the read was ended, since others' writes had to wait for it",
		Hint: "read less at a time, or try again"}
}
