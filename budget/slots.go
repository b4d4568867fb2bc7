package budget

import (
	"cmp"
	"context"
	"sync/atomic"
	"time"
)

// Ticket is a caller's admission. Its methods but [Ticket.Yield] are for one
// goroutine at a time.
type Ticket struct {
	admission *Admission
	flow      *flow
	source    *source
	budget    *Budget       // charged for the waits and the computing; may be nil
	ready     chan struct{} // receives when the ticket leaves its queue
	timer     *time.Timer   // kept with the ticket; nil before the first wait
	err       error         // why it was rejected
	noSample  bool

	idle atomic.Int64 // ns of the time on the slot, see Idle
	late atomic.Int64 // ns of it before the caller had a processor

	// Guarded by Admission.mu.
	queue      *queue // nil: not waiting
	next, prev *Ticket
	arrived    time.Time     // in the queue
	deadline   time.Time     // of the wait
	since      time.Time     // when the slot was taken; zero without one
	used       time.Duration // on slots before that
	charged    time.Duration // of this slice, to the flow and the source
	asked      time.Time     // to leave the slot; zero: not
	overdue    bool          // asked, and could not at once
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
	a, f := t.admission, t.flow
	now := time.Now()
	a.mu.Lock()
	q := &f.resumed
	if t.long {
		q = &t.source.parked
	}
	if q.head == nil && a.free(f, now) && (!t.long || a.lends(now)) {
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

// Charge counts d, in which something without a slot has computed for the caller, as
// CPU of its flow. The caller's [Budget] has it already, in the phase in which it waited.
func (t *Ticket) Charge(d time.Duration) {
	a, f := t.admission, t.flow
	a.mu.Lock()
	defer a.mu.Unlock()
	f.tag += d
	t.source.tag += d
	f.used += d
	t.used += d
}

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
	t.source.inFlight--
	if t.long {
		f.longRuns--
	} else if f.longRuns == 0 {
		a.shortAt = now
	}
	if t.used < quantum {
		a.light, a.lightAt = f, now
	}
	if !t.noSample {
		f.observe(&f.runs, now, t.used)
	}
	a.part(t)
	a.dispatch(now)
}

// Yield reports whether the caller should [Ticket.Leave] and [Ticket.Resume] as
// soon as it can, because somebody waits with a better claim to the slot. Ask about
// every half millisecond, from any goroutine, until Done. A caller that was told
// so and is still there when it is asked 5 ms later cannot leave at once, and
// another is let in beside it.
func (t *Ticket) Yield() bool {
	a := t.admission
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if t.since.IsZero() {
		return false
	}
	slice := t.slice(now)
	// What a slice takes is charged as it goes, or its flow would be served on
	// credit meanwhile.
	a.charge(t, max(slice, t.charged))
	if !t.long && t.used+slice >= longAfter {
		a.lengthen(t)
		a.long++
	}
	a.dispatch(now) // the last slot may be free for a long run now
	switch {
	case t.asked.IsZero():
		if slice < quantum || !a.outranked(t, now) {
			return false
		}
		t.asked = now
		a.asked++
	case !t.overdue && now.Sub(t.asked) >= overdueAfter:
		t.overdue = true
		a.overdue++
		a.dispatch(now)
	}
	return true
}

// slice is the time that the caller has had on its slot: not what passed before it
// had a processor, of which a flow with short runs would have most.
func (t *Ticket) slice(now time.Time) time.Duration {
	return max(0, now.Sub(t.since)-time.Duration(t.late.Load()))
}

// outranked reports whether somebody waits who should have t's slot: another flow
// that has had less, for which nobody else was asked to leave, or any of the
// same flow if the run is long.
func (a *Admission) outranked(t *Ticket, now time.Time) bool {
	n := 0
	for _, other := range a.backlog {
		if other == t.flow {
			if t.long && a.next(other, now) != nil {
				n++
			}
		} else if other.tag < t.flow.tag && a.next(other, now) != nil {
			n++
		}
	}
	return n > a.asked-a.overdue
}

// lengthen makes a run long.
func (a *Admission) lengthen(t *Ticket) {
	t.long = true
	t.flow.longRuns++
}

// charge accounts for a slice of d so far.
func (a *Admission) charge(t *Ticket, d time.Duration) {
	t.flow.tag += d - t.charged
	t.source.tag += d - t.charged
	t.charged = d
}

// leave takes the slot away.
func (a *Admission) leave(t *Ticket, now time.Time) {
	if t.since.IsZero() {
		return
	}
	f := t.flow
	slice := t.slice(now)
	t.late.Store(0)
	a.charge(t, slice)
	if !t.noSample {
		f.observe(&f.slices, now, slice)
	}
	t.since = time.Time{}
	t.used += slice
	f.used += slice
	t.budget.Spend(Compute, max(0, slice-time.Duration(t.idle.Swap(0))))
	a.on--
	f.on--
	if t.long {
		a.long--
	} else if t.used >= longAfter {
		a.lengthen(t)
	}
	if !t.asked.IsZero() {
		t.asked = time.Time{}
		a.asked--
	}
	if t.overdue {
		t.overdue = false
		a.overdue--
	}
}

// grant gives t a slot.
func (a *Admission) grant(t *Ticket, now time.Time) {
	f, x := t.flow, t.source
	if !t.admitted {
		t.admitted = true
		a.inFlight++
		f.inFlight++
		x.inFlight++
		f.admitted++
	}
	a.on++
	f.on++
	if t.long {
		a.long++
	}
	t.since = now
	// The start tags. What the slice will take is known when it ends; until then
	// the usual is charged, so that slices at the same time add up.
	a.clock = max(a.clock, f.tag)
	f.clock = max(f.clock, x.tag)
	f.tag, x.tag = a.clock, f.clock
	t.charged = 0
	if !t.noSample {
		a.charge(t, f.slices.Expected(now, 0.9))
	}
}

// free reports whether there is a slot for the flow. Beside runs that are to leave
// and cannot there may be others, up to as many again; but not of the same flow,
// or what it gave up it would take back.
func (a *Admission) free(f *flow, now time.Time) bool {
	n, on := a.config.Slots, a.on-a.overdue
	return on < n && a.on < 2*n && f.on < n && (on < n-1 || !a.keeps(f, now))
}

// keeps reports whether the last slot is kept from one more run of f for a flow of
// light runs that has had less: whose clients' next requests are about to come, and
// would each wait for a quantum of f. f, which has a slot, asks again when that has.
func (a *Admission) keeps(f *flow, now time.Time) bool {
	k := a.light
	return k != nil && k != f && f.on > 0 && k.on == 0 && k.tag < f.tag && now.Sub(a.lightAt) < awaited
}

// lends reports whether a long run may have one more slot. The last is kept for
// a while after a short run, so that the next of these finds it free.
func (a *Admission) lends(now time.Time) bool {
	return a.long < max(1, a.config.Slots-1) || now.Sub(a.shortAt) >= keptFor
}

// placed reports whether there is a place in flight for a new run of x. See
// [AdmissionConfig.InFlight] for that of its flow; the sources share what the
// flow may have in the same way, and what is kept back is never taken. Long runs
// are few: each would only make the others longer.
func (a *Admission) placed(x *source) bool {
	f, most := x.flow, a.config.InFlight
	share := max(1, most/(a.active+1))
	if f.inFlight >= share && a.inFlight >= most/2 {
		return false
	}
	if f.longRuns >= 2*a.config.Slots && x.inFlight > 0 {
		return false
	}
	own := max(1, share/(f.active+1))
	room := max(share, most/2-(a.inFlight-f.inFlight))
	return x.inFlight < own || f.inFlight < room-own
}

// dispatch gives the free slots to those who wait: by start-time fair queuing
// among flows, by the order of [Admission.next] within one.
func (a *Admission) dispatch(now time.Time) {
	for a.waiting > 0 && a.on-a.overdue < a.config.Slots {
		var best *Ticket
		for _, f := range a.backlog {
			if best != nil && f.tag >= best.flow.tag || !a.free(f, now) {
				continue
			}
			if t := a.next(f, now); t != nil {
				best = t
			}
		}
		if best == nil {
			return
		}
		if !best.admitted {
			best.flow.observeGrant(now)
		}
		a.withdraw(best)
		a.grant(best, now)
		best.ready <- struct{}{}
	}
}

// next is who among a flow's waiting goes next. A run that is under way goes
// before one that would begin, unless its source has taken much more than
// another; between these and the long runs, who has waited longer.
func (a *Admission) next(f *flow, now time.Time) *Ticket {
	var t *Ticket
	for _, x := range f.backlog {
		if t != nil && x.tag >= t.source.tag {
			continue
		}
		if first := a.first(x, now); first != nil {
			t = first
		}
	}
	r := f.resumed.head
	switch {
	case t == nil || r == nil:
		return cmp.Or(t, r)
	case t.source.tag+longAfter < r.source.tag, t.long && t.arrived.Before(r.arrived):
		return t
	}
	return r
}

// first is who among a source's waiting goes next, of those that are not in the
// flow's queue.
func (a *Admission) first(x *source, now time.Time) *Ticket {
	t, p := x.fresh.head, x.parked.head
	if t != nil && !a.placed(x) {
		t = nil
	}
	if p != nil && !a.lends(now) {
		p = nil
	}
	if t == nil || p != nil && p.arrived.Before(t.arrived) {
		return p
	}
	return t
}
