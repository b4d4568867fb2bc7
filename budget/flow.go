package budget

import (
	"math"
	"math/rand/v2"
	"time"
)

// flow is what an Admission knows of the callers of one name.
type flow struct {
	name  string
	slots int // that there are

	// tag is the flow's virtual time: the CPU that it was given, from where the
	// clock stood when it was last idle. The smallest goes next.
	tag      time.Duration
	short    int // on a slot, in the short class
	long     int // on a slot, in the long class
	inFlight int // admitted and not done
	longRuns int // of those, the ones that are long
	admitted uint64

	resumed, fresh, parked queue

	slices Percentiles // time on a slot between waits
	runs   Percentiles // time on slots of a whole run

	backlog time.Time // since when fresh has not been empty
	granted time.Time // when one of fresh was last admitted
	// How fast fresh drains while somebody waits: admissions, and the seconds
	// that they took, both decayed.
	grants, seconds float64

	refused uint64
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

func (f *flow) running() int { return f.short + f.long }

func (f *flow) waiting() bool {
	return f.resumed.head != nil || f.fresh.head != nil || f.parked.head != nil
}

func (f *flow) idle() bool { return f.inFlight == 0 && !f.waiting() }

// nextShort is who would take a short slot next: a run that is under way before
// one that would begin.
func (f *flow) nextShort() *Ticket {
	if f.resumed.head != nil {
		return f.resumed.head
	}
	return f.fresh.head
}

// observeGrant measures how fast the queue drains, over about the last second:
// a pause of the whole process is then one slow admission among many.
func (f *flow) observeGrant(now time.Time) {
	d := now.Sub(f.granted).Seconds()
	decay := math.Exp2(-d)
	f.grants = f.grants*decay + 1
	f.seconds = f.seconds*decay + d
	f.granted = now
}

// drain is how long those who wait now will keep the queue busy. A head that
// has waited for longer than usual is expected to wait as long again.
func (f *flow) drain(now time.Time) time.Duration {
	if f.fresh.head == nil {
		return 0
	}
	usual := f.usual(now)
	return time.Duration(f.fresh.len-1)*usual + max(usual, now.Sub(f.granted))
}

// expectedWait is how long one that came now would wait to be admitted. While
// nobody waits nothing is known, and somebody has to find out.
func (f *flow) expectedWait(now time.Time) time.Duration {
	if f.fresh.head == nil {
		return 0
	}
	return f.drain(now) + f.usual(now)
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
