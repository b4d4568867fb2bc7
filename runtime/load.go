package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Load compiles a program, which takes a place and a slot of Options.Gate as a run
// does, since it computes like one. It ends when ctx does, or after Limits.Load:
// between two steps, each of which takes some seconds at most, as a program that
// would take longer is refused before.
//
// The error is an [*Error]: SYNTAX_ERROR or UNSUPPORTED with the place in the
// source, LOAD_ERROR, or BUDGET_WALL for Limits.Load; or what Gate.Enter returned;
// or the cause of ctx's end.
//
// With Source.Engine "auto" or "" the first engine takes it that can. When none
// can, the error is the last engine's, as that is the one with the newest
// language.
func (r *Runtime) Load(ctx context.Context, src Source) (*Program, error) {
	allowed := r.limits.Load
	late := &Error{Code: CodeWall, Message: "the program could not be compiled in time; make it smaller, or try again when the server is less busy",
		Allowed: allowed.String(), Err: context.DeadlineExceeded}
	ctx, cancel := context.WithTimeoutCause(ctx, allowed, late)
	defer cancel()
	l := &load{ctx: ctx}
	if r.gate != nil {
		pass, err := r.gate.Enter(ctx)
		if err != nil {
			return nil, err
		}
		l.pass = pass
		defer l.end(l.begin())
	}
	return r.compile(l, src)
}

func (r *Runtime) compile(l *load, src Source) (*Program, error) {
	unit, err := r.unit(l, src)
	if err != nil {
		return nil, err
	}
	if err := unit.missingPackage(); err != nil { // whatever the engine
		unit.places.locate(err)
		return nil, err
	}
	var last *Error
	pinned := src.Engine != "" && src.Engine != "auto"
	for i, e := range r.engines {
		if pinned && src.Engine != e.Name() {
			continue
		}
		newest := i == len(r.engines)-1
		unit.Last = pinned || newest
		script, err := compile(e, unit)
		if err == nil {
			unit.load = nil
			return &Program{runtime: r, engine: e, reason: loadReason(src.Engine, last), unit: unit, script: script}, nil
		}
		if l.ctx.Err() != nil {
			return nil, context.Cause(l.ctx)
		}
		var refusal *Error
		if !errors.As(err, &refusal) {
			return nil, &Error{Code: CodeLoad, Message: e.Name() + ": " + err.Error(), Err: err}
		}
		last = unit.places.locate(refusal)
		last.adviseSyntax()
		if pinned && !newest && refusal.Code == CodeUnsupported && refusal.Hint == "" {
			told := *last
			told.Message += `; write it otherwise, or take "engine" out of fazt.json`
			told.Err = refusal
			last = &told
		}
	}
	if last == nil {
		return nil, &Error{Code: CodeLoad, Message: fmt.Sprintf("unknown engine %q; use auto or %s", src.Engine, r.engineNames())}
	}
	return nil, last
}

// compile keeps a parser's panic from ending the process.
func compile(e Engine, unit Unit) (script Script, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Error{Code: CodeInternal, Message: fmt.Sprintf("the engine %s panicked: %v", e.Name(), p)}
		}
	}()
	return e.Compile(unit)
}

func loadReason(pinned string, refusal *Error) string {
	switch {
	case pinned != "" && pinned != "auto":
		return "pinned"
	case refusal != nil:
		// It is no error: nothing in it may read like one.
		told := *refusal
		told.Name, told.Hint = "", ""
		return told.Error()
	}
	return ""
}

// load is a program that is being compiled.
type load struct {
	ctx   context.Context
	pass  Pass // nil without a gate
	asked atomic.Bool
	over  sync.WaitGroup
}

// begin asks the gate, until the channel is closed, whether others are to compute,
// as the watcher does for a run: parsers don't.
func (l *load) begin() chan struct{} {
	over := make(chan struct{})
	l.over.Go(func() {
		tick := time.NewTicker(watchInterval)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-tick.C:
				if l.pass.Yield() {
					l.asked.Store(true)
				}
			}
		}
	})
	return over
}

func (l *load) end(over chan struct{}) {
	close(over)
	l.over.Wait()
	l.pass.Done()
}

// Check is what an engine calls between two steps of compiling: it lets others
// compute, and its error ends the work.
func (u Unit) Check() error {
	l := u.load
	if l == nil {
		return nil // nobody loads it: an engine that is asked directly
	}
	if l.asked.Swap(false) {
		l.pass.Leave()
		if err := l.pass.Resume(l.ctx); err != nil {
			return err
		}
	}
	if l.ctx.Err() != nil {
		return context.Cause(l.ctx)
	}
	return nil
}
