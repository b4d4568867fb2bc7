// Package harnesstest tests fazt from the outside, and what people build on it.
//
// [Start] runs a server inside the test: a real listener on a random loopback
// port and a real data file in a temporary directory. Both are gone when the
// test ends, and the test fails if a goroutine of the server is left.
//
//	func TestGuestbook(t *testing.T) {
//		srv := harnesstest.Start(t)
//		app := srv.Deploy(os.DirFS("guestbook"))
//		app.Get("/api/entries").Expect(200)
//	}
//
// [Attach] gives the same [Server] for one that is already running, named by the
// environment variable FAZT_TARGET, with an API key in FAZT_TOKEN, which may be left out,
// to deploy the test's own apps. [StartOrAttach] lets one suite run both ways.
//
// [StartIssuer] runs an OpenID Connect issuer, which does what a [Script] says and is
// correct without one. Package faults has handlers for an endpoint that misbehaves.
//
// Whoever asks is a [Visitor], with cookies of their own:
//
//	srv.Deploy(files)   a stranger at a new app; srv.Visit(name) at one that is there
//	srv.Serve(handler)  a stranger at a handler of the test's own
//	Visit(t, target)    a stranger at a target's bare host; srv.Get(path) for one request
//	v.As(user)          somebody at v's host who has signed in, of any of these
//	v.Another()         one more stranger there
//
// What the suites ask is a [Target]: a Server, any [Handler], any [URL]. A package whose
// TestMain calls [Main] can have servers in processes of their own, to kill and restart
// them, see [Spawner].
//
// [Suites] are run with a report by [WithReport]; package load sends the requests of
// what is measured, and package report writes what came of it.
//
// Tests may run in parallel. The package is for tests alone and never linked
// into the fazt binary.
package harnesstest
