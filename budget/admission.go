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
	// quantum is how long a run keeps a slot that somebody with a better claim
	// waits for. A change of slots costs microseconds.
	quantum = time.Millisecond
	// overdueAfter is how long a run that was told so has for it.
	overdueAfter = 5 * time.Millisecond
	// longAfter is the time on slots after which a run makes way for the others
	// of its own flow, too.
	longAfter = 100 * time.Millisecond
	// keptFor is how long the last slot is kept from long runs after a run of a
	// flow that has none.
	keptFor = time.Second
	// standing is how long a queue may be while it never becomes empty, in
	// time, and standingAfter when it counts as that. A burst may fill the
	// queue up to the callers' deadlines, but one that stands only makes
	// everybody late, so it is cut to what still keeps every slot busy. An
	// address that has nobody waiting yet is taken up to standingAfter: others
	// have made the queue.
	standing      = 300 * time.Millisecond
	standingAfter = time.Second
	// awaited is how long the last slot is kept for a flow whose run was shorter than
	// a quantum: about what a client nearby takes to send its next request.
	awaited = 500 * time.Microsecond
	// maxYields is how often a caller lets others go on before it waits in the
	// queue, if nobody does, and yielding for how long.
	maxYields = 4
	yielding  = 100 * time.Microsecond
	// maxFlows is how many names are remembered while they have nothing to do,
	// and maxSources how many addresses of each.
	maxFlows   = 1024
	maxSources = 16
)

// AdmissionConfig is the size of an [Admission]. Zero fields stand for their
// defaults.
type AdmissionConfig struct {
	// Slots is how many compute at once. Default: GOMAXPROCS; more only wait
	// inside the scheduler, where nothing can see them.
	Slots int
	// Queue is how many wait to be admitted, all flows together. A flow without
	// anybody waiting may have one in any case. Default: 256.
	Queue int
	// InFlight is how many places there are for those that are admitted, those
	// that have given their slot back included: it bounds their memory. A flow's
	// share is InFlight/(m+1), and at least 1, where m flows have somebody admitted
	// or waiting. Below it a flow always gets a place; above it only while half of
	// all are free. So one flow gets half at most, and m flows that fill their
	// shares one after the other, while nobody leaves, InFlight*(1/2 + ... +
	// 1/(m+1)) together: 2 flows 0.83 of it, 10 flows twice, 25 flows 2.9 times.
	// Default: 256, or 16 for each slot where that is more.
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
	set("InFlight", &c.InFlight, max(256, 16*c.Slots))
	switch {
	case c.MaxWait < 0:
		errs = append(errs, fmt.Errorf("budget: MaxWait is %v; give a positive duration, or 0 for %v", c.MaxWait, DefaultQueueAdmissionTime))
	case c.MaxWait == 0:
		c.MaxWait = DefaultQueueAdmissionTime
	}
	return c, errors.Join(errs...)
}

// Caller is who wants to compute.
type Caller struct {
	// Flow is on whose behalf: flows share what there is.
	Flow string
	// Address is who asks, such as a client's address: those of one flow share
	// what the flow gets. Default: all are one.
	Address string
	// NoSample is for work that is none of the flow's usual runs, such as
	// compiling. The flow is charged for it, but it tells nothing about how long
	// a run takes, nor do runs about it.
	NoSample bool
}

// Admission decides who may compute. See the package comment for the rules. It
// is safe for concurrent use.
type Admission struct {
	config AdmissionConfig

	// What every caller writes is side by side: it travels between the
	// processors' caches.
	mu       sync.Mutex
	clock    time.Duration // start tag of the flow that was served last
	on       int           // on slots
	long     int           // of those, the ones that are long
	asked    int           // of those on slots, the ones that are to leave
	overdue  int           // of those, the ones that could not at once
	inFlight int
	last     *flow     // the flow that did something most recently
	shortAt  time.Time // when a run of a flow without long ones ended
	light    *flow     // whose run was shorter than a quantum, most recently
	lightAt  time.Time // when that ended

	flows   map[string]*flow
	active  int     // flows with somebody admitted or waiting
	waiting int     // in all queues
	queued  int     // of those, the ones that are not admitted yet
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
	return &Admission{config: c, flows: make(map[string]*flow)}, nil
}

// Enter admits a caller, or waits for that until ctx ends. The error is the
// cause of ctx's end, or an [*Error]: ErrOverloaded when the queue is full, or
// the wait is predicted or has turned out to be too long; ErrDoomed when nine in
// ten of the flow's runs have lately computed for longer than what remains. Call
// [Ticket.Done] when the work is over.
func (a *Admission) Enter(ctx context.Context, c Caller) (*Ticket, error) {
	began := time.Now()
	deadline, bounded := ctx.Deadline()
	if bounded && !began.Before(deadline) {
		return nil, ended(ctx)
	}
	t := a.ticket()
	t.budget, t.noSample = From(ctx), c.NoSample
	a.mu.Lock()
	t.flow = a.flow(c.Flow)
	t.source = t.flow.source(c.Address)
	a.join(t)
	fits, now := a.look(t, began)
	remaining := deadline.Sub(now)
	if bounded {
		if err := a.doomed(t, now, remaining); err != nil {
			return nil, a.refuse(t, now, err)
		}
	}
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
		return nil, a.refuse(t, now, err)
	}
	a.mu.Unlock()
	err := a.wait(ctx, t, t.limit(a.config.MaxWait))
	if err != nil {
		t.recycle()
		return nil, err
	}
	return t, nil
}

// refuse lets go of a ticket that was neither admitted nor queued, and of a.mu.
func (a *Admission) refuse(t *Ticket, now time.Time, err error) error {
	a.part(t)
	a.dispatch(now)
	a.mu.Unlock()
	t.recycle()
	return err
}

// look reports whether t may have a slot for a new run. If not, and nobody waits,
// it lets others go on for a moment: as many as there are slots should have a
// processor, and so has whoever asks, so one of those with a slot has none just
// then. It is often done as soon as it has, and that costs a tenth of waiting in
// the queue. a.mu is held, but not all the time.
func (a *Admission) look(t *Ticket, began time.Time) (fits bool, now time.Time) {
	now = began
	for yields := 0; ; yields++ {
		fits = t.source.fresh.head == nil && a.free(t.flow, now) && a.placed(t.source)
		if fits || a.waiting > 0 || yields == maxYields || now.Sub(began) > yielding {
			return fits, now
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
func (a *Admission) doomed(t *Ticket, now time.Time, remaining time.Duration) error {
	f := t.flow
	if f.inFlight == 0 || t.noSample {
		return nil // somebody has to find out when it is faster again
	}
	expected := f.runs.Expected(now, 0.1)
	if remaining >= expected {
		return nil
	}
	a.refusedDoomed++
	f.refused++
	e := &Error{Reason: ErrDoomed, Detail: fmt.Sprintf("it takes %v at present, and %v remain", expected, remaining.Round(time.Millisecond))}
	if t.budget != nil {
		e.limit = t.budget
	}
	return e
}

// enqueue puts t into its queue unless that is hopeless.
func (a *Admission) enqueue(t *Ticket, now time.Time) error {
	f, x := t.flow, t.source
	wait, most := f.expectedWait(now, f.ahead(x)), t.deadline.Sub(now)
	if f.queued > 0 && now.Sub(f.since) > standingAfter {
		if x.fresh.head != nil {
			most = min(most, standing)
		} else {
			most = min(most, standingAfter)
		}
	}
	run := time.Duration(0)
	if !t.noSample {
		run = f.runs.Expected(now, 0.5)
	}
	if wait > 0 && wait+run > most {
		a.refusedWait++
		return a.overloaded(f, now, wait, fmt.Sprintf("%d wait already, about %v", f.queued, wait.Round(time.Millisecond)))
	}
	if a.queued >= a.config.Queue {
		if err := a.shed(t, now, wait); err != nil {
			return err
		}
	}
	if f.queued == 0 {
		f.since, f.granted = now, now
	}
	a.push(&x.fresh, t, now)
	return nil
}

// shed makes room in a full queue for t, or refuses it: the last of the longest
// address of the longest flow goes, as in fq_codel (RFC 8290, 4.1.2), so that
// nobody fills the queue for the others. Where no flow has more than one waiting
// there is room for the first of another: at most one a flow.
func (a *Admission) shed(t *Ticket, now time.Time, wait time.Duration) error {
	f := t.flow
	longest := f
	for _, other := range a.backlog {
		if other.queued > longest.queued {
			longest = other
		}
	}
	if longest != f && longest.queued == 1 {
		return nil
	}
	full := fmt.Sprintf("%d wait already", a.queued)
	x := longest.longest()
	a.refusedQueue++
	if longest == f && (x == nil || x.fresh.len <= t.source.fresh.len) {
		return a.overloaded(f, now, wait, full)
	}
	a.reject(x.fresh.tail, a.overloaded(longest, now, longest.drain(now), full))
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
	a.part(t)
	t.err = err
	t.ready <- struct{}{}
}

// push puts a ticket into one of its queues.
func (a *Admission) push(q *queue, t *Ticket, now time.Time) {
	t.arrived = now
	if t.flow.push(q, t) {
		a.backlog = append(a.backlog, t.flow)
	}
	a.waiting++
	if !t.admitted {
		a.queued++
	}
}

// withdraw takes a ticket out of its queue.
func (a *Admission) withdraw(t *Ticket) {
	if t.flow.remove(t) {
		i := slices.Index(a.backlog, t.flow)
		a.backlog = slices.Delete(a.backlog, i, i+1)
	}
	a.waiting--
	if !t.admitted {
		a.queued--
	}
}

// wait returns when t is granted or rejected, or the wait is over.
func (a *Admission) wait(ctx context.Context, t *Ticket, limit <-chan time.Time) error {
	start := time.Now()
	defer func() {
		now := time.Now()
		if !t.since.IsZero() {
			t.late.Store(int64(now.Sub(t.since)))
		}
		t.budget.Spend(Queue, now.Sub(start))
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
		delay := max(now.Sub(start), t.flow.drain(now))
		over = a.overloaded(t.flow, now, delay, fmt.Sprintf("no slot came free within %v", a.config.MaxWait))
	}
	a.withdraw(t)
	if !t.admitted {
		a.part(t)
		a.dispatch(time.Now()) // with one flow less the shares are larger
	}
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
				if g.tickets == 0 && g != a.last {
					delete(a.flows, other)
				}
			}
		}
		f = &flow{name: name, slots: a.config.Slots, sources: make(map[string]*source)}
		a.flows[name] = f
	}
	a.last = f
	return f
}

// join counts t among those of its flow and its source, and part ends that.
func (a *Admission) join(t *Ticket) {
	f, x := t.flow, t.source
	if f.tickets++; f.tickets == 1 {
		a.active++
	}
	if x.tickets++; x.tickets == 1 {
		f.active++
	}
}

func (a *Admission) part(t *Ticket) {
	f, x := t.flow, t.source
	if x.tickets--; x.tickets == 0 {
		f.active--
	}
	if f.tickets--; f.tickets == 0 {
		a.active--
		f.rest()
	}
}
