package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
)

// Default limits, see [Limits].
const (
	DefaultCPU           = 5 * time.Second
	DefaultMemory        = 64 << 20
	DefaultResponseBytes = 32 << 20
	DefaultLogLines      = 1000
	DefaultLoad          = 10 * time.Second
	DefaultSourceBytes   = 4 << 20
	DefaultStackDepth    = 400
	DefaultIdle          = 128 // see [Options]
	DefaultMain          = "api/main.js"
)

// Options are the parts of a [Runtime].
type Options struct {
	// Engines are tried in this order for a program that doesn't pin one. At
	// least one is needed.
	Engines []Engine
	// Limits bound each run; zero fields take their default.
	Limits Limits
	// Gate bounds how many runs compute at once, and loads. Default: no waiting.
	Gate Gate
	// Idle is how many VMs are kept for all programs together while no run uses
	// them: as many as are in flight at the same time while they wait in host
	// functions. One of otto's holds 0.8 MB, and making it costs as much as a
	// hundred requests: with fewer than come back at once after a commit, much of
	// the time goes there. A quarter as many handlers, or eight, have some, those
	// that were used last, and what isn't used goes by itself. Default: 128.
	Idle int
	// PassOn are the dotted names of host functions that return lists and objects as
	// JSON that is printed as JSON.stringify would: "fazt.storage.ds.find". Where a
	// program does nothing with such a result but answer with it, its text is sent as it
	// is. Default: none.
	PassOn []string
}

// Runtime loads programs. It has nothing to close.
type Runtime struct {
	engines []Engine
	limits  Limits
	gate    Gate
	passOn  map[string]bool
	watch   *watcher
	pool    pool
	signals sync.Pool // of chan struct{}, empty, for [Exec].ended
}

func (r *Runtime) signal() chan struct{} {
	if c, ok := r.signals.Get().(chan struct{}); ok {
		return c
	}
	return make(chan struct{}, 1)
}

// New returns a runtime, or all that is wrong with opt.
func New(opt Options) (*Runtime, error) {
	var errs []error
	if len(opt.Engines) == 0 {
		errs = append(errs, errors.New("runtime: no engine; set Options.Engines, for example to ottojs.New()"))
	}
	seen := map[string]bool{}
	for _, e := range opt.Engines {
		if seen[e.Name()] {
			errs = append(errs, fmt.Errorf("runtime: engine %q is there twice", e.Name()))
		}
		seen[e.Name()] = true
	}
	errs = append(errs, orDefault("Idle", &opt.Idle, DefaultIdle))
	limits, err := opt.Limits.withDefaults()
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	passOn := make(map[string]bool)
	for _, name := range opt.PassOn {
		passOn[name] = true
	}
	return &Runtime{engines: slices.Clone(opt.Engines), limits: limits, gate: opt.Gate, passOn: passOn, watch: newWatcher(), pool: pool{most: opt.Idle}}, nil
}

// Limits returns the limits in force, defaults filled in.
func (r *Runtime) Limits() Limits { return r.limits }

func (l Limits) withDefaults() (Limits, error) {
	var errs []error
	errs = append(errs,
		orDefault("Limits.CPU", &l.CPU, DefaultCPU),
		orDefault("Limits.Memory", &l.Memory, DefaultMemory),
		orDefault("Limits.ResponseBytes", &l.ResponseBytes, DefaultResponseBytes),
		orDefault("Limits.LogLines", &l.LogLines, DefaultLogLines),
		orDefault("Limits.Load", &l.Load, DefaultLoad),
		orDefault("Limits.SourceBytes", &l.SourceBytes, DefaultSourceBytes),
		orDefault("Limits.StackDepth", &l.StackDepth, DefaultStackDepth))
	return l, errors.Join(errs...)
}

func orDefault[T int | int64 | time.Duration](name string, field *T, def T) error {
	if *field < 0 {
		return fmt.Errorf("runtime: %s is negative; 0 means %v", name, def)
	}
	if *field == 0 {
		*field = def
	}
	return nil
}

// Program is an app's source, compiled. It has nothing to close, and is safe for
// concurrent use.
type Program struct {
	runtime *Runtime
	engine  Engine
	reason  string
	unit    Unit
	script  Script
}

// Handler is a program that is bound to a host, ready to answer requests. It is
// safe for concurrent use.
type Handler struct {
	program *Program
	host    *Host

	idle idle
}

// Bind makes a handler of the program. nil is a host with nothing but console and
// fazt.log. A program may be bound any number of times; it takes microseconds,
// and no interpreter is made before the first run.
func (p *Program) Bind(host *Host) *Handler {
	if host == nil {
		host = newHost()
	}
	return &Handler{program: p, host: host}
}

func (r *Runtime) engineNames() string {
	var names []string
	for _, e := range r.engines {
		names = append(names, e.Name())
	}
	return strings.Join(names, ", ")
}

// unit checks what all engines need.
func (r *Runtime) unit(l *load, src Source) (Unit, error) {
	if src.Main == "" {
		src.Main = DefaultMain
	}
	if _, ok := src.Files[src.Main]; !ok {
		return Unit{}, &Error{Code: CodeLoad, Message: "there is no " + src.Main}
	}
	size := 0
	for name, text := range src.Files {
		if path.Clean(name) != name || strings.HasPrefix(name, "/") || strings.HasPrefix(name, "..") {
			return Unit{}, &Error{Code: CodeLoad, Message: fmt.Sprintf("%q is not a clean path inside the app", name)}
		}
		size += len(text)
	}
	if size > r.limits.SourceBytes {
		return Unit{}, &Error{Code: CodeLoad, Message: "there is too much source",
			Allowed: fmt.Sprintf("%d bytes", r.limits.SourceBytes), Used: fmt.Sprintf("%d bytes", size)}
	}
	unit := Unit{Files: maps.Clone(src.Files), Main: src.Main, Limits: r.limits, PassOn: r.passOn, load: l, places: newPlaces(src),
		required: make(map[string]required)}
	var sum extent
	for _, name := range slices.Sorted(maps.Keys(unit.Files)) {
		if name != src.Main && !strings.HasSuffix(name, ".js") {
			continue
		}
		unit.Files[name] = hideHashbang(unit.Files[name])
		wants, err := checkNesting(name, unit.Files[name], &sum)
		if err != nil {
			unit.places.locate(err).adviseSyntax()
			return Unit{}, err
		}
		if wants.name != "" {
			unit.required[name] = wants
		}
		if err := unit.Check(); err != nil {
			return Unit{}, err
		}
	}
	return unit, nil
}

// hideHashbang makes a comment of a file's first line when it is for a shell, as
// ES2023 has it. No place in the file moves.
func hideHashbang(text string) string {
	if rest, ok := strings.CutPrefix(text, "#!"); ok {
		return "//" + rest
	}
	return text
}

// Engine names the engine that was chosen, and why: the refusal of the engine
// before it, with the place in the source. There is no reason for the first.
func (p *Program) Engine() (name, reason string) { return p.engine.Name(), p.reason }

// Close drops the pooled VMs. Runs that are under way end as usual, and later
// ones work, without pooling.
func (h *Handler) Close() { h.program.runtime.pool.close(h) }

func (h *Handler) take() (*worker, error) {
	if w := h.program.runtime.pool.take(h); w != nil {
		return w, nil
	}
	vm, err := h.newVM()
	if err != nil {
		return nil, err
	}
	return &worker{vm: vm}, nil
}

// newVM makes a VM. Its error is an [*Error], and a panic is one: the run's slot must be
// given back.
func (h *Handler) newVM() (vm VM, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Error{Code: CodeInternal, Message: fmt.Sprintf("the engine %s panicked: %v", h.program.engine.Name(), p), Stack: string(debug.Stack())}
		}
	}()
	if vm, err = h.program.script.NewVM(h.host); err != nil {
		err = &Error{Code: CodeInternal, Message: err.Error(), Err: err}
	}
	return vm, err
}

// Run answers a request. The result has the log and the CPU time also when the
// run failed. The error is an [*Error], or what Gate.Enter returned.
func (h *Handler) Run(ctx context.Context, req *Request) (*Result, error) {
	r := h.program.runtime
	x := &Exec{Request: req, Limits: r.limits, ctx: ctx, watch: r.watch, handler: h}
	x.host = hostContext{ctx, x}
	if r.gate != nil {
		pass, err := r.gate.Enter(ctx)
		if err != nil {
			return &Result{}, err
		}
		x.pass = pass
	}
	w, err := h.take()
	if err != nil {
		x.finish()
		return &Result{}, err
	}
	x.arrive()
	x.ended = r.signal()
	r.watch.add(x)
	w.run(x)
	r.signals.Put(x.ended)
	result, err := x.result()
	e, ok := errors.AsType[*Error](err)
	if ok {
		e.placeHandler(h.program.unit)
		err = e
	}
	r.place(ctx, h.program.unit.places, result.Log, e, result.Place)
	if ok {
		e.advise(h.host, r.limits, h.program.unit.places.text(e.File))
	}
	return result, err
}
