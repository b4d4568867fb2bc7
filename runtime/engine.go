package runtime

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	goruntime "runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"
)

// Engine runs JavaScript: ottojs.New() or gojajs.New(). No other part of this
// package knows which engine runs. See the package's comment for why there are
// none outside of this module.
type Engine interface {
	// Name is what [Source].Engine pins, such as "otto".
	Name() string
	// Compile returns an [*Error] with the code SYNTAX_ERROR when the source
	// isn't JavaScript that the engine knows, and UNSUPPORTED when it would run
	// differently from what its author meant; both say where. It calls Unit.Check
	// between files, and between the passes over one.
	Compile(unit Unit) (Script, error)
}

// Unit is what an engine compiles: a program with its defaults filled in. The
// host is not known yet.
type Unit struct {
	Files  map[string]string
	Main   string
	Last   bool // no engine is tried after this one: what can be told at run time is not refused
	Limits Limits
	PassOn map[string]bool // see Options.PassOn

	load     *load // nil when it is compiled
	places   *places
	required map[string]required // the package that a file requires, by the file
}

// Bundled tells whether package bundle has made the program, or packages for it: in
// newer language, which is all that it writes.
func (u Unit) Bundled() bool {
	_, packages := u.Files[path.Dir(u.Main)+"/node_modules.js"]
	return packages || IsBundled(u.Files[u.Main])
}

// Script is a compiled program. It is used by many goroutines.
type Script interface {
	// NewVM makes an interpreter for one goroutine at a time.
	NewVM(host *Host) (VM, error)
}

// VM runs a program's handler.
type VM interface {
	// Run answers x.Request. It runs on a goroutine of its own, which x may end
	// (see [Exec.Check]); the VM is then dropped.
	Run(x *Exec) (Response, error)
	// Reset prepares for another request, and reports whether nothing is left
	// of the last one: one that has ended, or that a host function has stopped (see
	// [Stop]) and whose goroutine has been unwound. A VM that says false is dropped. It
	// takes no longer than dropping the VM would cost, whatever the run has done: no
	// budget covers it.
	Reset() bool
}

// Exec is one run as the engine sees it. All methods but Check are for the
// run's own goroutine.
type Exec struct {
	Request *Request
	Limits  Limits

	ctx     context.Context
	handler *Handler
	pass    Pass // nil without a gate
	watch   *watcher
	ended   chan struct{} // receives when the run is over
	log     []Line
	logged  int           // bytes
	dropped int           // lines
	checks  uint          // checkpoints passed
	host    hostContext   // what host functions get
	brief   bool          // a brief call is under way
	where   func() *Error // see Locate
	last    *Error        // what it has said
	began   time.Duration // its CPU time that the pass knows of, and what came before it

	state   atomic.Int32          // one of the states below
	since   atomic.Int64          // when it began to compute, in ns after watcher.epoch; 0 while it has no slot
	used    atomic.Int64          // ns computed before since
	held    atomic.Int64          // bytes, see Hold
	cause   atomic.Pointer[cause] // set once: how the run came to its end
	outcome Result                // what the caller gets
	end     cause                 // what main points cause at: the run's own end
	onStop  atomic.Pointer[func()]

	// The watcher's, under its lock.
	watched    bool
	prev, next *Exec
	growth     uint64     // of the heap, ascribed to this run
	seen       uint64     // of what it holds, in the growth
	alone      uint64     // of that, while there was no other run
	base       heapSample // the heap when the run started
	peak       uint64     // by how much what is alive had grown, while there was no other run
}

const (
	stateRun  int32 = iota
	stateHold       // the watcher is measuring; wait for the result
	stateAway       // another run is to have the slot meanwhile
	stateStop
)

// cause is why a run is over. Whoever sets it first decides: the watcher, a
// host function, or the handler by finishing.
type cause struct {
	response Response
	err      error
	finished bool // the engine returned, rather than being stopped
}

// Context is the run's context.
func (x *Exec) Context() context.Context { return x.ctx }

// Check is the checkpoint: two atomic loads and a look at the clock while the run
// may go on, some 25 ns. Otherwise it waits, or ends the goroutine with
// [goruntime.Goexit], which no JavaScript catch or finally can hold up, because
// recover returns nil while it unwinds. Engines call it, or Step, at every function
// entry and loop iteration, and in natives that take long.
func (x *Exec) Check() {
	x.checks++
	x.check()
}

// Step is Check for what is short, such as an iteration of a loop that does
// nothing long without a Check of its own: it looks at the clock every eighth time.
func (x *Exec) Step() {
	if x.checks++; x.checks%clockInterval == 0 || x.state.Load() != stateRun {
		x.check()
	}
}

func (x *Exec) check() {
	if x.state.Load() != stateRun || x.watch.overdue() {
		x.yield()
	}
	// Go takes the processor from a goroutine after 10 ms. Everybody else, with
	// a file to send or a request to refuse, would wait for that at each step.
	if x.checks%yieldInterval == 0 {
		if x.contended() {
			x.yield()
		}
		goruntime.Gosched()
	}
}

const (
	// clockInterval is how many steps there are from one look at the clock to the
	// next.
	clockInterval = 8
	// yieldInterval is how many checkpoints a run passes before it lets others have
	// the processor: about half a millisecond. It is a multiple of clockInterval.
	yieldInterval = 1024
)

func (x *Exec) yield() {
	if !x.goOn() {
		x.exit()
	}
}

// Locate sets what says where JavaScript is, in the File, Line and Column of an error,
// or nil if it can't. It is called once at most, on the run's own goroutine, when the run
// is stopped on the way: the error of a breach has the last place.
func (x *Exec) Locate(where func() *Error) { x.where = where }

// exit ends the goroutine of a run that has to end.
func (x *Exec) exit() {
	x.locate()
	goruntime.Goexit()
}

func (x *Exec) locate() {
	where := x.where
	if where == nil {
		return
	}
	x.where = nil
	defer func() { _ = recover() }() // no JavaScript may catch it
	x.last = where()
}

// placed is an error of a run, with the last place if it is that of a breach, which
// has none of its own.
func (x *Exec) placed(err error) error {
	e, ok := err.(*Error)
	if !ok || x.last == nil || e.File != "" || !strings.HasPrefix(e.Code, "BUDGET_") {
		return err
	}
	at := *e // the cause is looked at elsewhere
	at.File, at.Line, at.Column = x.last.File, x.last.Line, x.last.Column
	at.Stack = strings.TrimPrefix(x.last.Stack, "\n")
	return &at
}

// contended asks whether another run is to have the slot now.
func (x *Exec) contended() bool {
	if x.pass != nil && x.since.Load() != 0 && x.pass.Yield() {
		x.state.CompareAndSwap(stateRun, stateAway)
	}
	return x.state.Load() == stateAway
}

// goOn waits while others are to compute, and tells whether the run may go on.
func (x *Exec) goOn() bool {
	if x.watch.overdue() {
		x.watch.look()
	}
	if x.state.Load() == stateHold {
		computed := x.stopClock() // it doesn't compute meanwhile
		x.watch.await(x)
		if computed {
			x.since.Store(x.watch.now())
		}
	}
	if x.state.Load() == stateAway {
		if x.leave() {
			x.enter()
		}
		x.state.CompareAndSwap(stateAway, stateRun)
	}
	return x.state.Load() != stateStop
}

// stop asks the run to end for c, unless it is over already.
func (x *Exec) stop(c cause) {
	if x.cause.CompareAndSwap(nil, &c) {
		if x.state.Swap(stateStop) == stateHold {
			x.watch.release()
		}
		if f := x.onStop.Load(); f != nil {
			(*f)()
		}
	}
}

// OnStop sets what is called, once and on any goroutine, when the run has to
// end: for an engine that can be interrupted between checkpoints. It may come
// when the run has just ended by itself.
func (x *Exec) OnStop(f func()) {
	x.onStop.Store(&f)
	if x.state.Load() == stateStop {
		f()
	}
}

// Left is how much time the run has: what is left of its CPU time and until its
// deadline, the lesser.
func (x *Exec) Left() time.Duration {
	left := x.Limits.CPU - x.cpu()
	if deadline, ok := x.ctx.Deadline(); ok {
		left = min(left, time.Until(deadline))
	}
	return left
}

// TextTooLong ends the run for a text that is longer than allowed. It doesn't
// return: a handler that caught an error here would still have the text, and
// could make a longer one of it.
func (x *Exec) TextTooLong(length, allowed string) {
	x.stop(cause{err: &Error{Code: CodeMemory, Message: "the handler made a text that is too long", Allowed: allowed, Used: length}})
	x.exit()
}

func (x *Exec) cpuError(used time.Duration) *Error {
	return &Error{Code: CodeCPU, Message: "the handler computed for too long",
		Allowed: x.Limits.CPU.String(), Used: used.Round(time.Millisecond).String()}
}

// enter takes a slot again. The run has to end if that fails.
func (x *Exec) enter() {
	if x.pass != nil {
		if err := x.pass.Resume(x.ctx); err != nil {
			x.stop(cause{err: x.entryError(err)})
			return
		}
	}
	x.arrive()
}

// arrive starts the CPU clock of a run that has a slot.
func (x *Exec) arrive() { x.since.Store(x.watch.now()) }

// leave gives the slot back, and tells whether the run had one.
func (x *Exec) leave() bool {
	if !x.stopClock() {
		return false
	}
	if x.pass != nil {
		x.tellIdle()
		x.pass.Leave()
	}
	return true
}

// finish gives up the pass, whether the run has a slot or not.
func (x *Exec) finish() {
	x.stopClock()
	if x.pass != nil {
		x.pass.Done()
	}
}

// stopClock stops the CPU clock, and tells whether it ran: it does while the run
// has a slot.
func (x *Exec) stopClock() bool {
	since := x.since.Swap(0)
	if since != 0 {
		x.used.Add(x.watch.now() - since)
	}
	return since != 0
}

func (x *Exec) cpu() time.Duration {
	used := x.used.Load()
	if since := x.since.Load(); since != 0 {
		used += x.watch.now() - since
	}
	return time.Duration(used)
}

// main runs the handler to its end, on the VM's goroutine.
func (x *Exec) main(w *worker) {
	clean := false
	defer func() { x.over(w, clean) }() // also when the run was stopped
	defer func() {
		if p := recover(); p != nil {
			x.stop(cause{err: &Error{Code: CodeInternal, Message: fmt.Sprintf("the engine panicked: %v", p), Stack: string(debug.Stack())}})
		}
	}()
	response, err := w.vm.Run(x)
	if e, ok := errors.AsType[*Error](err); ok {
		e.cut()
	}
	if err == nil && len(response.Body) > x.Limits.ResponseBytes {
		err = responseTooLarge(x.Limits.ResponseBytes, len(response.Body))
	}
	// A run that finished past its budget has failed all the same.
	x.end = cause{response: response, err: err, finished: true}
	x.cause.CompareAndSwap(nil, &x.end)
	clean = x.cause.Load().finished && w.vm.Reset()
}

// over gives the slot back, and the VM right after it: were that left to the run's
// caller, who has to wait for a processor first, the runs that get the slot would
// make VMs of their own meanwhile.
func (x *Exec) over(w *worker, clean bool) {
	if c := x.cause.Load(); !clean && !c.finished && c.err == nil && w.vm.Reset() {
		w, clean = &worker{vm: w.vm}, true // this goroutine ends
	}
	x.watch.remove(x)
	x.finish()
	if clean {
		x.handler.program.runtime.pool.give(x.handler, w)
	} else {
		w.retire()
	}
	x.ended <- struct{}{}
}

// reserveStack grows the goroutine's stack at once to what most handlers need.
// Interpreters recurse deeply, and growing in small steps below them copies all
// frames at each.
//
//go:noinline
func reserveStack(i int) byte {
	var room [reservedStack]byte
	return room[i]
}

const reservedStack = 24 << 10

func responseTooLarge(allowed, used int) *Error {
	return &Error{Code: CodeResponse, Message: "the response is too large: send less, or stream a blob with fazt.storage.s3.serve",
		Allowed: fmt.Sprintf("%d bytes", allowed), Used: fmt.Sprintf("%d bytes", used)}
}

// result is what the caller of Run gets.
func (x *Exec) result() (*Result, error) {
	r := &x.outcome
	r.Place = x.last
	r.Log, r.CPU, r.Memory = x.lines(), x.cpu(), max(x.held.Load(), int64(x.peak))
	c := x.cause.Load()
	if c.err != nil {
		return r, x.placed(c.err)
	}
	r.Response = c.response
	if r.Response.Status == 0 {
		r.Response.Status = http.StatusOK
	}
	return r, nil
}
