// Package frontdoor has what a Go service needs between the open internet and its
// handler: listeners and middleware for net/http, and nothing else. It imports
// only package api, for the form of its refusals.
//
// A [Door] is all of it, in order:
//
//	door, err := frontdoor.New(frontdoor.Options{})
//	...
//	err = door.Serve(ctx, listener, handler) // until ctx ends, then drained
//
// Each part is useful alone: [ConnLimiter] bounds connections, [RateLimiter]
// requests, [SlowClients] the time of those that hardly move. [TrustProxies] and
// [HopDeadline] take from known proxies who a client is and how long it waits;
// [PassDeadline] tells the next server. [Subscriber] is what they count by.
//
// A refusal is the JSON of package api, with Retry-After where another try may
// succeed: 429 RATE_LIMITED, 504 BUDGET_WALL. Connections beyond a limit are reset
// without a word, which costs least.
//
// # What it can't do
//
// It bounds what an address can do, and a botnet has many. TLS handshakes cost the
// server much more than the client; they are bounded as connections, and not as
// requests. A connection that a handler took over with [net/http.Hijacker]
// counts for up to a second after its end.
package frontdoor
