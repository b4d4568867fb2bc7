// Package runtime runs JavaScript request handlers under a budget.
//
// A [Runtime] compiles an app's source to a [Program] once. Bound to a [Host], it
// is a [Handler], which answers any number of requests at once:
//
//	rt, err := runtime.New(runtime.Options{Engines: []runtime.Engine{ottojs.New()}})
//	host, err := runtime.NewHost(map[string]any{"shop.price": price})
//	program, err := rt.Load(ctx, runtime.Source{Files: files})
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
// Run asks the [Gate] for admission. It takes an interpreter, a [VM], that an
// earlier run left clean, or a new one; each has a goroutine, which lasts as long
// as the VM is used. The engine runs the main file; if that neither responded nor
// returned, the function that it exports or its handler is called with the
// request, and what is left at the end becomes a [Response].
//
// Meanwhile one goroutine for all runs, the watcher, looks every 5 ms whether
// the context is done, the CPU time is used up, or the heap has grown too much,
// and sets a flag in the run. Engines load that flag at every function entry
// and every loop iteration and, when it is set, end their goroutine with Goexit:
// deferred functions run, but recover returns nil, so no catch or finally in
// JavaScript can go on. A VM that was stopped is dropped. What can't be stopped
// on the way, the natives of an engine, is bounded by the engine before it starts.
//
// When JavaScript calls a host function, the run gives its slot back, its CPU
// clock stands still, and it resumes after. A [Brief] one computes on the slot, and
// its time is the run's; it lets others have the slot by [Checkpoint] and while it
// waits in [Blocking], and [Hold] charges what it is about to make to the run. An
// error from the function is a JavaScript Error with name, code and message (see
// [HostError]), except [Stop], which ends the run with a response.
//
// The error of a failed run is an [*Error]: what went wrong, in which file,
// line and column of the author's source, or which budget was exceeded and by
// how much.
//
// # Engines
//
// The engines are the packages ottojs (ES5) and gojajs (ES2015 and newer). To
// a user an [Engine] is a value for [Options]; its interface, with [Unit],
// [Script], [VM] and [Exec], is between this package and those two.
//
// An engine outside of this module is not supported. The interface could be
// implemented, but not safely by what it says alone: whoever adapts an
// interpreter has to see to it that all code, its natives too, comes to
// [Exec.Check] within some milliseconds or is refused, that a VM which is used
// again has nothing left of the last request, and that errors name the author's
// file, line and column. That changes with every native that an interpreter
// gains, and with this package. So it is no promise to anybody, and what the
// engines share, the rules for JSON, console text and responses, is in
// runtime/internal/js. Package runtimetest has the cases that every engine
// passes; a new one is a folder here, and a line in engines_test.go.
package runtime
