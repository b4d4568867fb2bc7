package budget

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// Ticket is a caller's admission. Its methods but [Ticket.Yield] are for one
// goroutine at a time.
type Ticket struct {
	admission *Admission
	flow      *flow
	budget    *Budget       // charged for the waits and the computing; may be nil
	ready     chan struct{} // receives when the ticket leaves its queue
	timer     *time.Timer   // kept with the ticket; nil before the first wait
	err       error         // why it was rejected

	idle atomic.Int64 // ns of the time on the slot, see Idle

	// Guarded by Admission.mu.
	queue      *queue // nil: not waiting
	next, prev *Ticket
	arrived    time.Time     // in the queue
	deadline   time.Time     // of the wait
	since      time.Time     // when the slot was taken; zero without one
	used       time.Duration // on slots before that
	charged    time.Duration // of this slice, to the flow
	admitted   bool
	long       bool
}

// ticket returns a blank one. Used ones are kept, so that admission allocates
// nothing; each processor's own, so that none travels between their caches.
func (a *Admission) ticket() *Ticket {
	if t, ok := a.tickets.Get().(*Ticket); ok {
		return t
	}
	return &Ticket{admission: a, ready: make(chan struct{}, 1)}
}

func (t *Ticket) recycle() {
	a := t.admission
	*t = Ticket{admission: a, ready: t.ready, timer: t.timer}
	a.tickets.Put(t)
}

// limit is a channel that receives after d.
func (t *Ticket) limit(d time.Duration) <-chan time.Time {
	if t.timer == nil {
		t.timer = time.NewTimer(d)
	} else {
		t.timer.Reset(d)
	}
	return t.timer.C
}

// Resume takes a slot again after [Ticket.Leave]. It waits as long as ctx
// allows: work that has begun is not refused. The error is the cause of ctx's
// end.
func (t *Ticket) Resume(ctx context.Context) error {
	a := t.admission
	now := time.Now()
	a.mu.Lock()
	a.touch(t.flow, now)
	q := &t.flow.resumed
	if t.long {
		q = &t.flow.parked
	}
	if q.head == nil && a.fits(t, now) {
		a.grant(t, now)
		a.mu.Unlock()
		return nil
	}
	t.deadline = now.Add(a.config.MaxWait)
	if deadline, ok := ctx.Deadline(); ok {
		t.deadline = now.Add(deadline.Sub(now)) // monotonic, whatever ctx's is
	}
	a.push(q, t, now)
	a.mu.Unlock()
	return a.wait(ctx, t, nil)
}

// Idle tells that the caller did something else than compute for d of the time
// that it has had the slot. It matters to the Budget's account alone.
func (t *Ticket) Idle(d time.Duration) { t.idle.Add(int64(d)) }

// Leave gives the slot back, if the caller has one.
func (t *Ticket) Leave() {
	a := t.admission
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.leave(t, now)
	a.dispatch(now)
}

// Done ends the admission, and gives the slot back if the caller has one. The
// Ticket must not be used after.
func (t *Ticket) Done() {
	a, f := t.admission, t.flow
	defer t.recycle() // when the lock is free
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.leave(t, now)
	a.inFlight--
	f.inFlight--
	if t.long {
		f.longRuns--
	}
	f.observe(&f.runs, now, t.used)
	a.touch(f, now)
	a.dispatch(now)
}

// Yield reports whether the caller should [Ticket.Leave] and [Ticket.Resume] as
// soon as it can. Ask every few milliseconds, from any goroutine, until Done: a
// run that has computed for 100 ms is moved to the long class when it is asked
// about.
func (t *Ticket) Yield() bool {
	a := t.admission
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if t.since.IsZero() {
		return false
	}
	slice := now.Sub(t.since)
	if !t.long {
		if t.used+slice < longAfter {
			return false
		}
		a.lengthen(t)
	}
	// What a long run takes is charged as it goes, or its flow would be served
	// on credit meanwhile.
	a.charge(t, slice)
	a.dispatch(now)
	f := t.flow
	switch {
	case a.long > a.most && a.short+a.long > a.config.Slots:
		return true
	case slice < quantum:
		return false
	}
	return f.waiting() || a.parkedElsewhere(f)
}

// parkedElsewhere reports whether a long run of another flow waits for a slot.
func (a *Admission) parkedElsewhere(f *flow) bool {
	return slices.ContainsFunc(a.backlog, func(other *flow) bool { return other != f && other.parked.head != nil })
}

// lengthen moves a run on a slot to the long class.
func (a *Admission) lengthen(t *Ticket) {
	t.long = true
	a.short--
	a.long++
	t.flow.short--
	t.flow.long++
	t.flow.longRuns++
}

// charge accounts for a slice of d so far.
func (a *Admission) charge(t *Ticket, d time.Duration) {
	t.flow.tag += d - t.charged
	t.charged = d
}

// leave takes the slot away.
func (a *Admission) leave(t *Ticket, now time.Time) {
	if t.since.IsZero() {
		return
	}
	f := t.flow
	slice := now.Sub(t.since)
	a.charge(t, slice)
	f.observe(&f.slices, now, slice)
	t.since = time.Time{}
	t.used += slice
	t.budget.Spend(Compute, max(0, slice-time.Duration(t.idle.Swap(0))))
	if t.long {
		a.long--
		f.long--
		return
	}
	a.short--
	f.short--
	if t.used >= longAfter {
		t.long = true
		f.longRuns++
	}
}

// grant gives t a slot.
func (a *Admission) grant(t *Ticket, now time.Time) {
	f := t.flow
	if !t.admitted {
		t.admitted = true
		a.inFlight++
		f.inFlight++
		f.admitted++
	}
	if t.long {
		a.long++
		f.long++
	} else {
		a.short++
		f.short++
	}
	t.since = now
	// The start tag. What the slice will take is known when it ends; until then
	// the usual is charged, so that slices at the same time add up.
	a.clock = max(a.clock, f.tag)
	f.tag = a.clock
	t.charged = 0
	a.charge(t, f.slices.Expected(now, 0.9))
}

// fits reports whether a run that was admitted before may have a slot.
func (a *Admission) fits(t *Ticket, now time.Time) bool {
	if t.long {
		return a.fitsLong(t.flow, now)
	}
	return a.fitsShort(t.flow, now)
}

// fitsShort: the slots that the long class holds are no more than its own, so
// runs that became long on a short slot are not in the way. That they cannot
// be stopped on the spot is why there may be more on slots than there are; the
// last condition bounds it.
func (a *Admission) fitsShort(f *flow, now time.Time) bool {
	n := a.config.Slots
	return a.short < max(1, n-min(a.long, a.most)) &&
		a.short+a.long < 2*n &&
		a.mayHold(f, f.short+min(f.long, a.most), now)
}

// fitsFresh also bounds how much is under way.
func (a *Admission) fitsFresh(f *flow, now time.Time) bool {
	return a.inFlight < a.config.InFlight && f.inFlight < a.share &&
		f.longRuns < 2*a.config.Slots && a.fitsShort(f, now)
}

// fitsLong: beyond its own slots the long class has those that nobody wants.
func (a *Admission) fitsLong(f *flow, now time.Time) bool {
	return a.short+a.long < a.config.Slots &&
		(a.long < a.most || a.waiting == a.parked) &&
		a.mayHold(f, f.running(), now)
}

// mayHold keeps one flow from holding the last slot. It is only lent: to a flow
// that gives it back at once, or one that is alone.
func (a *Admission) mayHold(f *flow, held int, now time.Time) bool {
	n := a.config.Slots
	switch {
	case held < max(1, n-1):
		return true
	case held >= n:
		return false
	}
	if expected := f.slices.Expected(now, 0.9); expected > 0 && expected <= shortSlice {
		return true
	}
	return a.quiet(f, now)
}

// dispatch gives the free slots to those who wait: by start-time fair queuing
// among flows, by the order of [Admission.next] within one.
func (a *Admission) dispatch(now time.Time) {
	for a.waiting > 0 {
		var best *Ticket
		for _, f := range a.backlog {
			if best != nil && f.tag >= best.flow.tag {
				continue
			}
			if t := a.next(f, now); t != nil {
				best = t
			}
		}
		if best == nil {
			return
		}
		f := best.flow
		if best.queue == &f.fresh {
			f.observeGrant(now)
		}
		a.withdraw(best)
		a.grant(best, now)
		best.ready <- struct{}{}
	}
}

// next is who among a flow's waiting may have a slot now. A run that is under
// way goes before a new one; between the classes, who has waited longer.
func (a *Admission) next(f *flow, now time.Time) *Ticket {
	var t *Ticket
	switch {
	case f.resumed.head != nil:
		if a.fitsShort(f, now) {
			t = f.resumed.head
		}
	case f.fresh.head != nil:
		if a.fitsFresh(f, now) {
			t = f.fresh.head
		}
	}
	if p := f.parked.head; p != nil && (t == nil || p.arrived.Before(t.arrived)) && a.fitsLong(f, now) {
		return p
	}
	return t
}
