// Package fairqueue holds the requests that wait for those who write, and says whose is
// next. It is shared by the engines of package storage.
package fairqueue

import (
	"maps"
	"slices"
	"time"
)

// maxFlows is how many apps are remembered while they have no request waiting.
const maxFlows = 1024

// Queue shares a writer's time, or that of several lanes, among apps by start-time fair
// queuing (Goyal, Vin and Cheng, SIGCOMM 1996): each app has a tag, the time that its
// requests took, and the smallest goes next. An app that has been away starts where the
// clock stands, so that nothing is owed to it. Within an app, requests are served in
// their order.
//
// It only reckons with the times that it is told. It is not safe for concurrent use.
type Queue[T any] struct {
	// Lanes is how many batches are worked on at a time. Default: 1.
	Lanes int

	clock   time.Duration // the tag of the app that was served last, and idle time
	latest  time.Duration // the largest tag
	flows   map[string]*Flow[T]
	waiting []*Flow[T] // those with requests, in the order in which they came to have some
	len     int
	serving *Flow[T] // whose request was taken last in the batches under way
	batches int      // under way
}

// Flow is what a Queue knows of one app.
type Flow[T any] struct {
	App string
	// Busy keeps the app from being next: it is at its turn already.
	Busy bool

	tag        time.Duration
	first, end *Item[T] // those that wait
	len        int

	cost Smoothed      // time of a request, with its part of the commit
	work Smoothed      // without it
	used time.Duration // in all
	// In the batch under way:
	requests int
	took     time.Duration
}

// Item is a place in a Queue. Whoever waits is its Value.
type Item[T any] struct {
	Value T

	flow       *Flow[T] // whose queue it waits in, if it does
	next, prev *Item[T]
}

// Flow returns that of the app whose item waits, or nil.
func (i *Item[T]) Flow() *Flow[T] { return i.flow }

// Len is how many requests of the app wait.
func (f *Flow[T]) Len() int { return f.len }

// Last is the request of the app that has waited least.
func (f *Flow[T]) Last() T { return f.end.Value }

// Taken is how many of its requests are in the batch under way.
func (f *Flow[T]) Taken() int { return f.requests }

// Work is how long a request of the app lately took, without the commit.
func (f *Flow[T]) Work() time.Duration { return f.work.Time }

// Ahead is how much more the app has had than another.
func (f *Flow[T]) Ahead(other *Flow[T]) time.Duration { return f.tag - other.tag }

// Len is how many requests wait.
func (q *Queue[T]) Len() int { return q.len }

// Waiting is how many apps could be next.
func (q *Queue[T]) Waiting() (n int) {
	for _, f := range q.waiting {
		if !f.Busy {
			n++
		}
	}
	return n
}

// Known is how many apps are remembered.
func (q *Queue[T]) Known() int { return len(q.flows) }

// Used returns how long was worked for each app that is remembered.
func (q *Queue[T]) Used() map[string]time.Duration {
	used := make(map[string]time.Duration, len(q.flows))
	for app, f := range q.flows {
		used[app] = f.used
	}
	return used
}

// Depth is how many requests of an app wait.
func (q *Queue[T]) Depth(app string) int {
	if f := q.flows[app]; f != nil {
		return f.len
	}
	return 0
}

// flow finds what is known of an app, or begins to know it. When that is too many,
// those that have nothing to do are forgotten.
func (q *Queue[T]) flow(app string) *Flow[T] {
	f := q.flows[app]
	if f != nil {
		return f
	}
	if q.flows == nil {
		q.flows = make(map[string]*Flow[T])
	}
	if len(q.flows) >= maxFlows+len(q.waiting) {
		maps.DeleteFunc(q.flows, func(_ string, f *Flow[T]) bool { return f.len == 0 && f.requests == 0 && !f.Busy })
	}
	f = &Flow[T]{App: app}
	q.flows[app] = f
	return f
}

// Push lets an item wait behind those of its app.
func (q *Queue[T]) Push(app string, i *Item[T]) {
	f := q.flow(app)
	if f.len == 0 {
		f.tag = max(f.tag, q.clock)
		f.first = i
		q.waiting = append(q.waiting, f)
	} else {
		f.end.next, i.prev = i, f.end
	}
	f.end, i.flow = i, f
	f.len++
	q.len++
}

// Remove takes an item out, if it is waiting.
func (q *Queue[T]) Remove(i *Item[T]) {
	f := i.flow
	if f == nil {
		return
	}
	if i.prev == nil {
		f.first = i.next
	} else {
		i.prev.next = i.next
	}
	if i.next == nil {
		f.end = i.prev
	} else {
		i.next.prev = i.prev
	}
	i.prev, i.next, i.flow = nil, nil, nil
	q.len--
	if f.len--; f.len == 0 {
		at := slices.Index(q.waiting, f)
		q.waiting = slices.Delete(q.waiting, at, at+1)
	}
}

// Next is the app whose turn it is, or nil if nobody waits who is not busy.
func (q *Queue[T]) Next() *Flow[T] {
	var least *Flow[T]
	for _, f := range q.waiting {
		if !f.Busy && (least == nil || f.tag < least.tag) {
			least = f
		}
	}
	return least
}

// Least is the app of some whose turn it is, or nil if none of them waits.
func Least[T any](flows []*Flow[T]) *Flow[T] {
	var least *Flow[T]
	for _, f := range flows {
		if f.len > 0 && (least == nil || f.tag < least.tag) {
			least = f
		}
	}
	return least
}

// Take takes the first request of an app for the batch under way.
func (q *Queue[T]) Take(f *Flow[T]) T {
	i := f.first
	q.clock = max(q.clock, f.tag)
	q.Remove(i)
	q.serving = f
	f.requests++
	return i.Value
}

// Charge lets an app whose request was taken have had so much time.
func (f *Flow[T]) Charge(took time.Duration) {
	f.tag += took
	f.took += took
	f.used += took
}

// Begin begins a batch.
func (q *Queue[T]) Begin() { q.batches++ }

// Finish ends a batch. Its apps, which are those of served, share the time of the
// commit as they shared that of the work.
func (q *Queue[T]) Finish(served []*Flow[T], commit time.Duration) {
	var work time.Duration
	for _, f := range served {
		work += f.took
	}
	for _, f := range served {
		part := commit / time.Duration(len(served))
		if work > 0 {
			part = time.Duration(float64(commit) * float64(f.took) / float64(work))
		}
		f.tag += part
		f.used += part
		if f.requests > 0 {
			f.cost.Observe((f.took + part) / time.Duration(f.requests))
			f.work.Observe(f.took / time.Duration(f.requests))
		}
		f.took, f.requests = 0, 0
		q.latest = max(q.latest, f.tag)
	}
	if q.batches--; q.batches <= 0 {
		q.batches, q.serving = 0, nil
	}
}

// Idle lets the writer have waited for work for so long. That makes up for as much
// of what some apps have had more than others.
func (q *Queue[T]) Idle(d time.Duration) {
	q.clock = max(q.clock, min(q.clock+d, q.latest))
	for _, f := range q.waiting {
		f.tag = max(f.tag, q.clock)
	}
}

// Longest is the app with the most requests.
func (q *Queue[T]) Longest() *Flow[T] {
	var longest *Flow[T]
	for _, f := range q.waiting {
		if longest == nil || f.len > longest.len {
			longest = f
		}
	}
	return longest
}

// Delay is how long a request of an app that came now would wait for its turn: for
// the batch under way, which takes about batch, for those of its app, and for what
// others are served until then. An idle writer promises nothing: it must get the
// chance to show that the disk is fast again.
func (q *Queue[T]) Delay(app string, batch time.Duration) time.Duration {
	if q.serving == nil && q.len == 0 {
		return 0
	}
	var own, others time.Duration
	start := q.clock
	f := q.flows[app]
	if f != nil {
		own = time.Duration(f.len) * f.cost.Time
		start = max(start, f.tag)
	}
	d := own
	if q.serving != nil {
		d += max(q.serving.cost.Time, batch)
	}
	turn := start + own
	for _, g := range q.waiting {
		if g != f && g.tag <= turn {
			others += min(time.Duration(g.len)*g.cost.Time, turn-g.tag+g.cost.Time)
		}
	}
	return d + others/time.Duration(max(1, q.Lanes))
}

// MaxDelay is the delay of the app that has most to do.
func (q *Queue[T]) MaxDelay(batch time.Duration) time.Duration {
	app, most := "", time.Duration(-1)
	for _, f := range q.waiting {
		if work := time.Duration(f.len) * f.cost.Time; work > most {
			app, most = f.App, work
		}
	}
	return q.Delay(app, batch)
}

// Smoothed is a time, of which the newest has a weight of 1/8, as in TCP's round trip
// estimate (RFC 6298).
type Smoothed struct{ Time time.Duration }

// Observe takes one more into account.
func (s *Smoothed) Observe(d time.Duration) { s.Time += (d - s.Time) / 8 }
