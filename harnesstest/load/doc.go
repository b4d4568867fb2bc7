// Package load sends HTTP/1.1 requests to a server and measures the answers.
//
// A [Load] is a closed loop, in which each connection sends its next request when it
// has its answer, or an open one, whose requests are due at times of their own
// ([Constant], [Ramp], [Poisson]), whether or not the server keeps up. A closed loop
// finds out how much a server can do; an open one how long a crowd waits, since a
// crowd does not slow down when the server does.
//
//	result, err := load.Load{
//		Dial:     load.TCP("127.0.0.1:8080"),
//		Arrivals: load.Poisson(500, 1),
//		Duration: 10 * time.Second,
//		Request:  load.Same(load.Get("app.localhost", "/")),
//	}.Run(ctx)
//
// # Latencies
//
// A latency counts from when its request was due to when the answer had been read,
// so that a server that stalls cannot hide it by holding up the requests that would
// have met the stall ("coordinated omission", Gil Tene: How NOT to Measure Latency,
// 2015). With a limit of connections, that includes the wait for one. Latencies are
// kept in HDR histograms, to the microsecond and two significant figures.
//
// # When a result is invalid
//
// The generator shares a machine with the server, often the process, and may be late
// itself. Each request has a lag: how much later it was sent than it was due, less
// what it waited for a connection to be free or opened, which is the server's
// doing. In a closed loop a request is due when the answer before it had been read.
// Where the lag of more than one request in a hundred is over [Load.MaxLag], the 99th
// percentile may be the generator's own, and [Result.Invalid] says so. It isn't seen
// when an answer lies unread because nobody has a processor for it; who needs
// certainty there runs the generator on another machine. On Linux a request is sent within
// about a tenth of a millisecond of its time; elsewhere Go's timers may be late by a
// millisecond when nothing else happens.
//
// The package imports nothing of fazt.
package load
