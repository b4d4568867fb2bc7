// Package budget decides how long a request may take and each of its steps,
// and how many may compute at once.
//
// A [Budget] is made for each request by [Config.Start] and travels in its
// context. An operation inside the request, such as one storage call, asks
// [Operation] for a context of its own: it gets half of what remains, and never
// more than a cap, so that one slow call leaves time to answer with something
// better than a closed connection. When less remains than an operation could
// usefully take, it is refused before it starts.
//
// [Slots] bounds how many requests compute at the same time. More than the
// number of processors only moves the queue into the scheduler, where nothing
// can see it; here it is counted, and a caller whose deadline passes leaves it.
//
// The package imports nothing of fazt and suits any Go service.
package budget
