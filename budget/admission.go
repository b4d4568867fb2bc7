package budget

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	goruntime "runtime"
	"slices"
	"sync"
	"time"
)

const (
	// longAfter is the time on slots after which a run counts as long.
	longAfter = 100 * time.Millisecond
	// quantum is how long a long run keeps a slot that somebody else waits for.
	quantum = 100 * time.Millisecond
	// quietAfter is how long the others must have been away for one flow to be
	// lent the last slot whatever it does with it.
	quietAfter = time.Second
	// shortSlice is the time on a slot that nobody minds waiting for: a flow
	// whose slices are this short is lent the last slot at any time.
	shortSlice = 10 * time.Millisecond
	// standing is how long a queue may be while it never becomes empty, in
	// time, and standingAfter when it counts as that. A burst may fill the
	// queue up to the callers' deadlines, but one that stands only makes
	// everybody late, so it is cut to what still keeps every slot busy.
	standing      = 300 * time.Millisecond
	standingAfter = time.Second
	// maxYields is how often a caller lets others go on before it waits in the
	// queue, if nobody does, and yielding for how long.
	maxYields = 4
	yielding  = 100 * time.Microsecond
	// maxFlows is how many names are remembered while they have nothing to do.
	maxFlows = 1024
)

// AdmissionConfig is the size of an [Admission]. Zero fields stand for their
// defaults.
type AdmissionConfig struct {
	// Slots is how many compute at once. Default: GOMAXPROCS; more only wait
	// inside the scheduler, where nothing can see them.
	Slots int
	// Queue is how many wait to be admitted, all flows together. Default: 256.
	Queue int
	// InFlight is how many are admitted at once, those that have given their
	// slot back included: it bounds their memory. One flow gets at most three
	// quarters. Default: 256.
	InFlight int
	// MaxWait is the longest wait to be admitted. Default: 5 s.
	MaxWait time.Duration
}

func (c AdmissionConfig) withDefaults() (AdmissionConfig, error) {
	var errs []error
	set := func(name string, field *int, value int) {
		switch {
		case *field < 0:
			errs = append(errs, fmt.Errorf("budget: %s is %d; give a positive number, or 0 for %d", name, *field, value))
		case *field == 0:
			*field = value
		}
	}
	set("Slots", &c.Slots, goruntime.GOMAXPROCS(0))
	set("Queue", &c.Queue, 256)
	set("InFlight", &c.InFlight, 256)
	switch {
	case c.MaxWait < 0:
		errs = append(errs, fmt.Errorf("budget: MaxWait is %v; give a positive duration, or 0 for %v", c.MaxWait, DefaultQueueAdmissionTime))
	case c.MaxWait == 0:
		c.MaxWait = DefaultQueueAdmissionTime
	}
	return c, errors.Join(errs...)
}

// Admission decides who may compute. See the package comment for the rules. It
// is safe for concurrent use.
type Admission struct {
	config AdmissionConfig
	most   int // slots that long runs may hold
	share  int // of InFlight that one flow may hold

	began time.Time // less quietAfter, so that all are quiet at first

	// What every caller writes is side by side: it travels between the
	// processors' caches.
	mu       sync.Mutex
	clock    time.Duration // start tag of the flow that was served last
	short    int           // on slots
	long     int
	inFlight int
	last     *flow         // the flow that did something most recently
	lastAt   time.Duration // when it did, since began
	elseAt   time.Duration // when another flow did something

	flows   map[string]*flow
	waiting int     // in all queues
	queued  int     // in the fresh queues
	parked  int     // in the parked queues
	backlog []*flow // those with somebody waiting

	refusedQueue, refusedWait, refusedDoomed uint64

	tickets sync.Pool // of *Ticket
}

// NewAdmission returns an Admission, or all that is wrong with c.
func NewAdmission(c AdmissionConfig) (*Admission, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Admission{
		config: c, most: max(1, c.Slots/2), share: max(1, c.InFlight*3/4),
		flows: make(map[string]*flow), began: time.Now().Add(-quietAfter),
	}, nil
}

// Enter admits a caller of the named flow, or waits for that until ctx ends.
// The error is the cause of ctx's end, or an [*Error]: ErrOverloaded when the
// queue is full, or the wait is predicted or has turned out to be too long;
// ErrDoomed when nine in ten of the flow's runs have lately computed for longer
// than what remains. Call [Ticket.Done] when the work is over.
func (a *Admission) Enter(ctx context.Context, name string) (*Ticket, error) {
	began := time.Now()
	deadline, bounded := ctx.Deadline()
	if bounded && !began.Before(deadline) {
		return nil, ended(ctx)
	}
	a.mu.Lock()
	f, fits, now := a.look(name, began)
	a.touch(f, now)
	remaining := deadline.Sub(now)
	if bounded {
		if err := a.doomed(f, now, remaining, ctx); err != nil {
			a.mu.Unlock()
			return nil, err
		}
	}
	t := a.ticket()
	t.flow, t.budget = f, From(ctx)
	if now != began {
		t.budget.Spend(Queue, now.Sub(began))
	}
	if fits {
		a.grant(t, now)
		a.mu.Unlock()
		return t, nil
	}
	most := a.config.MaxWait
	if bounded {
		most = min(most, remaining)
	}
	t.deadline = now.Add(most)
	if err := a.enqueue(t, now); err != nil {
		a.mu.Unlock()
		t.recycle()
		return nil, err
	}
	a.mu.Unlock()
	err := a.wait(ctx, t, t.limit(a.config.MaxWait))
	if err != nil {
		t.recycle()
		return nil, err
	}
	return t, nil
}

// look finds the named flow, and whether it may have a slot for a new run. If not,
// and nobody waits, it lets others go on for a moment: as many as there are slots
// should have a processor, and so has whoever asks, so one of those with a slot
// has none just then. It is often done as soon as it has, and that costs a tenth
// of waiting in the queue. a.mu is held, but not all the time.
func (a *Admission) look(name string, began time.Time) (f *flow, fits bool, now time.Time) {
	now = began
	for yields := 0; ; yields++ {
		f = a.flow(name) // anew: it may have been forgotten
		fits = f.nextShort() == nil && a.fitsFresh(f, now)
		if fits || a.waiting > 0 || yields == maxYields || now.Sub(began) > yielding {
			return f, fits, now
		}
		a.mu.Unlock()
		goruntime.Gosched()
		now = time.Now()
		a.mu.Lock()
	}
}

// ended is why a context is over whose deadline has passed, which its timer may
// not have noticed yet.
func ended(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return context.DeadlineExceeded
}

// doomed refuses a run that is expected to take longer than what remains.
func (a *Admission) doomed(f *flow, now time.Time, remaining time.Duration, ctx context.Context) error {
	if f.inFlight == 0 {
		return nil // somebody has to find out when it is faster again
	}
	expected := f.runs.Expected(now, 0.1)
	if remaining >= expected {
		return nil
	}
	a.refusedDoomed++
	f.refused++
	e := &Error{Reason: ErrDoomed, Detail: fmt.Sprintf("it takes %v at present, and %v remain", expected, remaining.Round(time.Millisecond))}
	if b := From(ctx); b != nil {
		e.limit = b
	}
	return e
}

// enqueue puts t into its flow's queue unless that is hopeless. A full queue
// drops from its longest flow, as fq_codel does (RFC 8290, 4.1.2), so that no
// flow can fill it for the others.
func (a *Admission) enqueue(t *Ticket, now time.Time) error {
	f := t.flow
	wait, most := f.expectedWait(now), t.deadline.Sub(now)
	if f.fresh.head != nil && now.Sub(f.backlog) > standingAfter {
		most = min(most, standing)
	}
	if wait > 0 && wait+f.runs.Expected(now, 0.5) > most {
		a.refusedWait++
		return a.overloaded(f, now, wait, fmt.Sprintf("%d wait already, about %v", f.fresh.len, wait.Round(time.Millisecond)))
	}
	if a.queued >= a.config.Queue {
		longest := f
		for _, other := range a.backlog {
			if other.fresh.len > longest.fresh.len {
				longest = other
			}
		}
		a.refusedQueue++
		full := fmt.Sprintf("%d wait already", a.queued)
		if longest == f {
			return a.overloaded(f, now, wait, full)
		}
		a.reject(longest.fresh.tail, a.overloaded(longest, now, longest.drain(now), full))
	}
	if f.fresh.head == nil {
		f.backlog, f.granted = now, now
	}
	a.push(&f.fresh, t, now)
	return nil
}

// overloaded refuses a caller of f who would have waited for delay. It says when
// to try again: when the queue has drained, and up to twice that, so that those
// who are refused together do not return together.
func (a *Admission) overloaded(f *flow, now time.Time, delay time.Duration, detail string) *Error {
	f.refused++
	d := min(max(f.drain(now), time.Second), 30*time.Second)
	return &Error{Reason: ErrOverloaded, Detail: detail, Depth: a.queued, Delay: delay, RetryAfter: d + rand.N(d)}
}

// reject takes a waiting ticket out with an error.
func (a *Admission) reject(t *Ticket, err error) {
	a.withdraw(t)
	t.err = err
	t.ready <- struct{}{}
}

// push puts a ticket into one of its flow's queues.
func (a *Admission) push(q *queue, t *Ticket, now time.Time) {
	f := t.flow
	if !f.waiting() {
		a.backlog = append(a.backlog, f)
	}
	t.arrived = now
	q.push(t)
	a.count(q, f, 1)
}

// withdraw takes a ticket out of its queue.
func (a *Admission) withdraw(t *Ticket) {
	q, f := t.queue, t.flow
	q.remove(t)
	a.count(q, f, -1)
	if !f.waiting() {
		i := slices.Index(a.backlog, f)
		a.backlog = slices.Delete(a.backlog, i, i+1)
	}
}

func (a *Admission) count(q *queue, f *flow, n int) {
	a.waiting += n
	switch q {
	case &f.fresh:
		a.queued += n
	case &f.parked:
		a.parked += n
	}
}

// wait returns when t is granted or rejected, or the wait is over.
func (a *Admission) wait(ctx context.Context, t *Ticket, limit <-chan time.Time) error {
	start := time.Now()
	defer func() {
		t.budget.Spend(Queue, time.Since(start))
		if limit != nil {
			t.timer.Stop()
		}
	}()
	var over error
	select {
	case <-t.ready:
		return t.err
	case <-ctx.Done():
		over = context.Cause(ctx)
	case <-limit:
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if t.queue == nil { // decided meanwhile
		<-t.ready
		return t.err
	}
	if over == nil {
		now := time.Now()
		a.refusedWait++
		delay := max(now.Sub(start), t.flow.expectedWait(now))
		over = a.overloaded(t.flow, now, delay, fmt.Sprintf("no slot came free within %v", a.config.MaxWait))
	}
	a.withdraw(t)
	return over
}

// flow returns the flow of a name, which is nearly always that of the caller
// before.
func (a *Admission) flow(name string) *flow {
	if a.last != nil && a.last.name == name {
		return a.last
	}
	f := a.flows[name]
	if f == nil {
		if len(a.flows) >= maxFlows {
			for other, g := range a.flows {
				if g.idle() && g != a.last {
					delete(a.flows, other)
				}
			}
		}
		f = &flow{name: name, slots: a.config.Slots}
		a.flows[name] = f
	}
	return f
}

// touch notes that a flow is active.
func (a *Admission) touch(f *flow, now time.Time) {
	if a.last != f {
		a.last, a.elseAt = f, a.lastAt
	}
	a.lastAt = now.Sub(a.began)
}

// quiet reports whether no other flow has anything to do, and has not had for
// a while.
func (a *Admission) quiet(f *flow, now time.Time) bool {
	if a.short+a.long > f.running() {
		return false
	}
	at := a.lastAt
	if a.last == f {
		at = a.elseAt
	}
	return now.Sub(a.began)-at >= quietAfter
}
