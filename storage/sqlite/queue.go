package sqlite

import (
	"maps"
	"slices"
	"time"
)

const (
	// maxQueue is how many requests wait for the writer, those of all apps
	// together: a few milliseconds' worth on an SSD.
	maxQueue = 1024
	// maxFlows is how many apps are remembered while they have no request waiting.
	maxFlows = 1024
)

// writeQueue holds the requests that wait for the writer, and shares the writer's
// time among apps by start-time fair queuing (Goyal, Vin and Cheng, SIGCOMM 1996):
// each app has a tag, the time that its requests took in the writer, and the smallest
// goes next. An app that has been away starts where the clock stands, so that nothing
// is owed to it. Within an app, requests are served in their order.
//
// It only reckons with the times that it is told. It is not safe for concurrent use.
type writeQueue struct {
	clock   time.Duration // the tag of the app that was served last, and idle time
	latest  time.Duration // the largest tag
	flows   map[string]*flow
	waiting []*flow // those with requests, in the order in which they came to have some
	len     int
	serving *flow // whose request the writer has, or had last in the batch under way
}

// flow is what a writeQueue knows of one app.
type flow struct {
	app        string
	tag        time.Duration
	first, end *request // those that wait
	len        int

	cost smoothed      // time of a request, with its part of the commit
	work smoothed      // without it
	used time.Duration // in the writer, in all
	// In the batch under way:
	requests int
	took     time.Duration
}

func newWriteQueue() writeQueue { return writeQueue{flows: make(map[string]*flow)} }

// flow finds what is known of an app, or begins to know it. When that is too many,
// those that have nothing to do are forgotten.
func (q *writeQueue) flow(app string) *flow {
	f := q.flows[app]
	if f != nil {
		return f
	}
	if len(q.flows) >= maxFlows+len(q.waiting) {
		maps.DeleteFunc(q.flows, func(_ string, f *flow) bool { return f.len == 0 && f.requests == 0 })
	}
	f = &flow{app: app}
	q.flows[app] = f
	return f
}

// push lets r wait behind those of its app.
func (q *writeQueue) push(r *request) {
	f := q.flow(r.app)
	if f.len == 0 {
		f.tag = max(f.tag, q.clock)
		f.first = r
		q.waiting = append(q.waiting, f)
	} else {
		f.end.next, r.prev = r, f.end
	}
	f.end, r.flow = r, f
	f.len++
	q.len++
}

// remove takes r out, if it is waiting.
func (q *writeQueue) remove(r *request) {
	f := r.flow
	if f == nil {
		return
	}
	if r.prev == nil {
		f.first = r.next
	} else {
		r.prev.next = r.next
	}
	if r.next == nil {
		f.end = r.prev
	} else {
		r.next.prev = r.prev
	}
	r.prev, r.next, r.flow = nil, nil, nil
	q.len--
	if f.len--; f.len == 0 {
		i := slices.Index(q.waiting, f)
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
}

// next is the app whose turn it is, or nil if nobody waits.
func (q *writeQueue) next() *flow {
	var least *flow
	for _, f := range q.waiting {
		if least == nil || f.tag < least.tag {
			least = f
		}
	}
	return least
}

// take takes the first request of f, which is next, for the batch under way.
func (q *writeQueue) take(f *flow) *request {
	r := f.first
	q.clock = f.tag
	q.remove(r)
	q.serving = f
	f.requests++
	return r
}

// charge lets the app whose request was taken last have had so much time.
func (q *writeQueue) charge(took time.Duration) {
	q.serving.tag += took
	q.serving.took += took
	q.serving.used += took
}

// finish ends a batch. Its apps, which are those of served, share the time of the
// commit as they shared that of the work.
func (q *writeQueue) finish(served []*flow, commit time.Duration) {
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
		f.cost.observe((f.took + part) / time.Duration(f.requests))
		f.work.observe(f.took / time.Duration(f.requests))
		f.took, f.requests = 0, 0
		q.latest = max(q.latest, f.tag)
	}
	q.serving = nil
}

// idle lets the writer have waited for work for so long. That makes up for as much
// of what some apps have had more than others.
func (q *writeQueue) idle(d time.Duration) {
	q.clock = max(q.clock, min(q.clock+d, q.latest))
	for _, f := range q.waiting {
		f.tag = max(f.tag, q.clock)
	}
}

// longest is the app with the most requests.
func (q *writeQueue) longest() *flow {
	var longest *flow
	for _, f := range q.waiting {
		if longest == nil || f.len > longest.len {
			longest = f
		}
	}
	return longest
}

// delay is how long a request of an app that came now would wait for its turn: for
// the batch under way, which takes about batch, for those of its app, and for what
// others are served until then. An idle writer promises nothing: it must get the
// chance to show that the disk is fast again.
func (q *writeQueue) delay(app string, batch time.Duration) time.Duration {
	if q.serving == nil && q.len == 0 {
		return 0
	}
	var own time.Duration
	start := q.clock
	f := q.flows[app]
	if f != nil {
		own = time.Duration(f.len) * f.cost.time
		start = max(start, f.tag)
	}
	d := own
	if q.serving != nil {
		d += max(q.serving.cost.time, batch)
	}
	turn := start + own
	for _, g := range q.waiting {
		if g != f && g.tag <= turn {
			d += min(time.Duration(g.len)*g.cost.time, turn-g.tag+g.cost.time)
		}
	}
	return d
}

// maxDelay is the delay of the app that has most to do.
func (q *writeQueue) maxDelay(batch time.Duration) time.Duration {
	app, most := "", time.Duration(-1)
	for _, f := range q.waiting {
		if work := time.Duration(f.len) * f.cost.time; work > most {
			app, most = f.app, work
		}
	}
	return q.delay(app, batch)
}

// smoothed is a time, of which the newest has a weight of 1/8, as in TCP's round trip
// estimate (RFC 6298).
type smoothed struct{ time time.Duration }

func (s *smoothed) observe(d time.Duration) { s.time += (d - s.time) / 8 }
