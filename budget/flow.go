package budget

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// flow is what an Admission knows of the callers of one name.
type flow struct {
	name  string
	slots int // that there are

	// tag is the flow's virtual time: the CPU that it was given, from where the
	// clock stood when it was last idle. The smallest goes next. clock is the same
	// as the Admission's, among the flow's sources.
	tag, clock time.Duration
	on         int // on slots
	inFlight   int // admitted and not done
	longRuns   int // of those, the ones that are long
	tickets    int // admitted or waiting
	admitted   uint64
	used       time.Duration // on slots

	sources map[string]*source // by address
	last    *source            // that did something most recently
	active  int                // sources with somebody admitted or waiting

	resumed queue     // runs under way that are not long
	backlog []*source // those with somebody in their queues
	waiting int       // in all of these queues
	queued  int       // of those, the ones that are not admitted yet

	slices Percentiles // time on a slot between waits
	runs   Percentiles // time on slots of a whole run

	since   time.Time // when somebody began to be queued; see queued
	granted time.Time // when one of those was last admitted
	// How fast they are admitted while somebody waits: admissions, and the seconds
	// that they took, both decayed.
	grants, seconds float64

	refused uint64
}

// source is an address, of those that share a flow.
type source struct {
	flow     *flow
	address  string
	tag      time.Duration // as a flow's
	inFlight int           // admitted and not done
	tickets  int           // admitted or waiting

	fresh  queue // those that would begin
	parked queue // long runs under way
}

// source returns the source of an address, which is nearly always that of the
// caller before.
func (f *flow) source(address string) *source {
	if f.last != nil && f.last.address == address {
		return f.last
	}
	x := f.sources[address]
	if x == nil {
		if len(f.sources) >= maxSources+2*f.active {
			for other, y := range f.sources {
				if y.tickets == 0 && y != f.last {
					delete(f.sources, other)
				}
			}
		}
		x = &source{flow: f, address: address}
		f.sources[address] = x
	}
	f.last = x
	return x
}

// rest forgets what the sources have taken, now that none has anything to do, if
// there are many.
func (f *flow) rest() {
	if len(f.sources) > maxSources {
		clear(f.sources)
		f.last = nil
	}
}

// push puts t into a queue, and reports whether it is the flow's first that
// waits.
func (f *flow) push(q *queue, t *Ticket) (first bool) {
	x := t.source
	if q != &f.resumed && !x.waiting() {
		f.backlog = append(f.backlog, x)
	}
	q.push(t)
	if !t.admitted {
		f.queued++
	}
	f.waiting++
	return f.waiting == 1
}

// remove takes t out of its queue, and reports whether nobody waits any more.
func (f *flow) remove(t *Ticket) (last bool) {
	q, x := t.queue, t.source
	q.remove(t)
	if q != &f.resumed && !x.waiting() {
		i := slices.Index(f.backlog, x)
		f.backlog = slices.Delete(f.backlog, i, i+1)
	}
	if !t.admitted {
		f.queued--
	}
	f.waiting--
	return f.waiting == 0
}

func (x *source) waiting() bool { return x.fresh.head != nil || x.parked.head != nil }

// longest is the source with most to be admitted, or nil.
func (f *flow) longest() (longest *source) {
	for _, x := range f.backlog {
		if x.fresh.head != nil && (longest == nil || x.fresh.len > longest.fresh.len) {
			longest = x
		}
	}
	return longest
}

// observe records a time, or one in eight once there are plenty: what is written
// has to travel between the processors' caches.
func (f *flow) observe(p *Percentiles, now time.Time, d time.Duration) {
	if p.total >= plenty && rand.Uint32()%8 != 0 {
		return
	}
	p.Record(now, d)
}

// plenty is how many observations, decayed, make a percentile that no single one
// moves.
const plenty = 256

// observeGrant measures how fast the queue drains, over about the last second:
// a pause of the whole process is then one slow admission among many.
func (f *flow) observeGrant(now time.Time) {
	d := now.Sub(f.granted).Seconds()
	decay := math.Exp2(-d)
	f.grants = f.grants*decay + 1
	f.seconds = f.seconds*decay + d
	f.granted = now
}

// drain is how long those who wait now will keep the queue busy.
func (f *flow) drain(now time.Time) time.Duration { return f.admitting(now, f.queued) }

// admitting is how long it takes to admit the first n of those who wait. A head
// that has waited for longer than usual is expected to wait as long again.
func (f *flow) admitting(now time.Time, n int) time.Duration {
	if f.queued == 0 || n == 0 {
		return 0
	}
	usual := f.usual(now)
	return time.Duration(n-1)*usual + max(usual, now.Sub(f.granted))
}

// ahead is how many would be admitted before one that came now from x. Sources
// take turns: those with more waiting get no more of them before x has had its
// own.
func (f *flow) ahead(x *source) int {
	sources := len(f.backlog)
	if !x.waiting() {
		sources++
	}
	return min(f.queued, (x.fresh.len+1)*sources-1)
}

// expectedWait is how long one that came now would wait with so many ahead. While
// nobody waits nothing is known, and somebody has to find out.
func (f *flow) expectedWait(now time.Time, ahead int) time.Duration {
	if f.queued == 0 || ahead == 0 {
		return 0
	}
	return f.admitting(now, ahead) + f.usual(now)
}

// usual is the time from one admission to the next: as it was found, or before
// anything was, as it is with all slots to itself.
func (f *flow) usual(now time.Time) time.Duration {
	if f.grants == 0 {
		return f.runs.Expected(now, 0.5) / time.Duration(f.slots)
	}
	return time.Duration(f.seconds / f.grants * float64(time.Second))
}

// queue is a list of waiting tickets, the earliest deadline first.
type queue struct {
	head, tail *Ticket
	len        int
}

// push inserts t by its deadline. Callers of one kind have the same time each,
// so the place is nearly always the end.
func (q *queue) push(t *Ticket) {
	after := q.tail
	for after != nil && t.deadline.Before(after.deadline) {
		after = after.prev
	}
	t.prev = after
	if after == nil {
		t.next, q.head = q.head, t
	} else {
		t.next, after.next = after.next, t
	}
	if t.next == nil {
		q.tail = t
	} else {
		t.next.prev = t
	}
	t.queue = q
	q.len++
}

func (q *queue) remove(t *Ticket) {
	if t.prev == nil {
		q.head = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next == nil {
		q.tail = t.prev
	} else {
		t.next.prev = t.prev
	}
	t.prev, t.next, t.queue = nil, nil, nil
	q.len--
}
