// Package runtime runs JavaScript request handlers under a budget.
//
// A [Runtime] compiles an app's source to a [Program] once. Bound to a [Host], it
// is a [Handler], which answers any number of requests at once:
//
//	rt, err := runtime.New(runtime.Options{Engines: []runtime.Engine{ottojs.New()}})
//	host, err := runtime.NewHost(map[string]any{"shop.price": price})
//	program, err := rt.Load(runtime.Source{Files: files})
//	handler := program.Bind(host)
//	result, err := handler.Run(ctx, request)
//
// What JavaScript can reach beside the language is what the host gives it: plain
// Go functions under dotted names, whose arguments and results are [Value]s,
// copies both, and constants. A host is made once and shared; what one app has
// for itself is added by [Host.With], which copies none of the functions:
//
//	own, err := host.With(map[string]any{"fazt.app.id": id})
//	handler := program.Bind(own)
//
// Binding a program takes microseconds and makes no interpreter, so that another
// host is another Bind, without compiling anything again.
//
// # A run
//
// Run asks the [Gate] for admission. It takes a VM that an earlier run left
// clean, or a new one; each has a goroutine, which lasts as long as the VM is
// used. The engine runs the main file; if that neither responded nor returned, the function that it
// exports or its handler is called with the request. [Answer] turns what is
// left at the end into a [Response].
//
// Meanwhile one goroutine for all runs, the watcher, looks every 5 ms whether
// the context is done, the CPU time is used up, or the heap has grown too much,
// and sets a flag in the run. Engines load that flag at every function entry
// and every loop iteration ([Exec.Check] or Step) and, when it is set, end their
// goroutine with Goexit: deferred functions run, but recover returns nil, so no
// catch or finally in JavaScript can go on. A VM that was stopped is dropped.
// What can't be stopped on the way, the natives of an engine, is bounded by the
// engine before it starts.
//
// When JavaScript calls a host function, the run gives its slot back, its CPU
// clock stands still, and it resumes after. A [Brief] one keeps the slot, unless
// it takes long, or says that it has to wait ([Blocking]). An error from the
// function is a JavaScript Error with name, code and message (see [HostError]),
// except [Stop], which ends the run with a response.
//
// The error of a failed run is an [*Error]: what went wrong, in which file,
// line and column of the author's source, or which budget was exceeded and by
// how much.
//
// # Adding an engine
//
// An engine is a package beside ottojs that implements [Engine], [Script] and
// [VM]. It reads its values for this package through a [Reader], which gives it
// JSON, console output and the rules for responses, and calls host functions
// with [Exec.Call]. It has to see to three things by itself: that all code, its
// natives too, comes to Exec.Check within some milliseconds or is refused; that
// a VM which is used again has nothing left of the last request; and that
// errors name the author's file, line and column. Package runtimetest proves
// all of it: add the engine to the list in engines_test.go.
package runtime
