package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/ottojs"
	"github.com/fazt-sh/fazt/runtime/runtimetest"
)

func newRuntime(t testing.TB, opt runtime.Options) *runtime.Runtime {
	t.Helper()
	if opt.Engines == nil {
		opt.Engines = []runtime.Engine{ottojs.New()}
	}
	r, err := runtime.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func load(t testing.TB, r *runtime.Runtime, src string, host map[string]any) *runtime.Handler {
	t.Helper()
	p, err := runtimetest.Load(r, map[string]string{"api/main.js": src}, host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestNewReportsAllProblems(t *testing.T) {
	_, err := runtime.New(runtime.Options{Limits: runtime.Limits{CPU: -1, LogLines: -5}})
	for _, part := range []string{"no engine", "Limits.CPU", "Limits.LogLines"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v doesn't mention %s", err, part)
		}
	}
	if _, err := runtime.New(runtime.Options{Engines: []runtime.Engine{ottojs.New(), ottojs.New()}}); err == nil {
		t.Error("the same engine twice was accepted")
	}
}

func TestLoadErrors(t *testing.T) {
	big := runtime.Limits{SourceBytes: 100}
	for _, c := range []struct {
		name   string
		source runtime.Source
		limits runtime.Limits
		want   runtime.Error
	}{
		{"no main", runtime.Source{Files: map[string]string{"api/x.js": ""}}, runtime.Limits{},
			runtime.Error{Code: runtime.CodeLoad, Message: "there is no api/main.js"}},
		{"unclean path", runtime.Source{Files: map[string]string{"api/main.js": "", "api/../x.js": ""}}, runtime.Limits{},
			runtime.Error{Code: runtime.CodeLoad, Message: `"api/../x.js" is not a clean path inside the app`}},
		{"too large", runtime.Source{Files: map[string]string{"api/main.js": strings.Repeat(" ", 101)}}, big,
			runtime.Error{Code: runtime.CodeLoad, Message: "there is too much source", Allowed: "100 bytes", Used: "101 bytes"}},
		{"unknown engine", runtime.Source{Engine: "v8", Files: map[string]string{"api/main.js": ""}}, runtime.Limits{},
			runtime.Error{Code: runtime.CodeLoad, Message: `unknown engine "v8"; use auto or otto`}},
		{"strict mode", runtime.Source{Files: map[string]string{"api/main.js": "// x\n'use strict'; var a;"}}, runtime.Limits{},
			runtime.Error{Code: runtime.CodeUnsupported, File: "api/main.js", Line: 2, Column: 1, SourceLine: "'use strict'; var a;",
				Message: "otto has no strict mode, which 'use strict' asks for"}},
		{"strict mode in a function", runtime.Source{Engine: "otto", Files: map[string]string{"api/main.js": "function handler() { \"use strict\" }"}}, runtime.Limits{},
			runtime.Error{Code: runtime.CodeUnsupported, File: "api/main.js", Line: 1, Column: 22, SourceLine: "function handler() { \"use strict\" }",
				Message: "otto has no strict mode, which 'use strict' asks for"}},
		{"with", runtime.Source{Files: map[string]string{"api/main.js": "\n  with (a) { b; }"}}, runtime.Limits{},
			runtime.Error{Code: runtime.CodeUnsupported, File: "api/main.js", Line: 2, Column: 3, SourceLine: "  with (a) { b; }",
				Message: "the with statement can't be run safely on otto"}},
		{"a long name", runtime.Source{Files: map[string]string{"api/main.js": "var a;\nfunction " + strings.Repeat("f", 2000) + "() {}"}}, runtime.Limits{SourceBytes: 3000},
			runtime.Error{Code: runtime.CodeUnsupported, File: "api/main.js", Line: 2, Column: 10, SourceLine: "function " + strings.Repeat("f", 391) + "...", Message: "this name is too long"}},
		{"flags", runtime.Source{Files: map[string]string{"api/main.js": "var re = /x/u;"}}, runtime.Limits{},
			runtime.Error{Code: runtime.CodeUnsupported, File: "api/main.js", Line: 1, Column: 10, SourceLine: "var re = /x/u;",
				Message: "otto knows the regular expression flags g, i and m, not u"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := newRuntime(t, runtime.Options{Limits: c.limits}).Load(t.Context(), c.source)
			got, ok := errors.AsType[*runtime.Error](err)
			if !ok {
				t.Fatalf("error %v of type %T", err, err)
			}
			if diff := cmp.Diff(c.want, *got, cmpopts.IgnoreFields(runtime.Error{}, "Err")); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestNewerLanguageIsNamed(t *testing.T) {
	for _, c := range []struct{ src, place, part string }{
		{"var f = (a) => a;", "1:13", "an arrow function"},
		{"module.exports = (a, b) => { a.c(1); };", "1:18", "an arrow function"},
		{"let a = 1;", "1:1", "let"},
		{"var x;\nconst b = 2;", "2:1", "const"},
		{"var s = `t`;", "1:9", "a template string"},
		{"class A {}", "1:1", "class"},
		{"import x from './x'", "1:1", "import"},
		{"export default function () {}", "1:1", "export"},
		{"async function f() {}", "1:1", "async"},
		{"for (var x of y) {}", "1:12", "a for...of loop"},
		{"function* g() {}", "1:9", "a generator"},
		{"var a = b?.c;", "1:10", "optional chaining"},
		{"f(...args);", "1:3", "spread"},
		{"var a = 2 ** 3;", "1:11", "the ** operator"},
		{"var {a} = b;", "1:5", "destructuring"},
		{"var re = /a(?=b)/;", "1:10", "otto's regular expressions have no look-ahead"},
		{"var re = /(a)\\1/;", "1:10", "otto's regular expressions have no back-references"},
	} {
		_, err := newRuntime(t, runtime.Options{}).Load(t.Context(), runtime.Source{Files: map[string]string{"api/main.js": c.src}})
		e, ok := errors.AsType[*runtime.Error](err)
		if !ok {
			t.Errorf("%s: error %v", c.src, err)
			continue
		}
		if place := fmt.Sprintf("%d:%d", e.Line, e.Column); e.Code != runtime.CodeUnsupported || place != c.place || !strings.Contains(e.Message, c.part) {
			t.Errorf("%s: got %s %s %s, want %s %s", c.src, e.Code, place, e.Message, c.place, c.part)
		}
	}
}

// picky is an engine that refuses everything but one language.
type picky struct {
	runtime.Engine
	name string
	err  error
}

func (p picky) Name() string { return p.name }
func (p picky) Compile(u runtime.Unit) (runtime.Script, error) {
	if p.err != nil {
		return nil, p.err
	}
	return p.Engine.Compile(u)
}

func TestEngineChoice(t *testing.T) {
	refusal := &runtime.Error{Code: runtime.CodeUnsupported, Message: "an arrow function is too new", File: "api/main.js", Line: 1, Column: 5}
	old, young := picky{ottojs.New(), "old", refusal}, picky{ottojs.New(), "young", nil}
	r := newRuntime(t, runtime.Options{Engines: []runtime.Engine{old, young}})
	files := map[string]string{"api/main.js": "1"}
	for _, c := range []struct{ pin, engine, reason string }{
		{"", "young", "api/main.js:1:5: an arrow function is too new"},
		{"auto", "young", "api/main.js:1:5: an arrow function is too new"},
		{"young", "young", "pinned"},
	} {
		p, err := r.Load(t.Context(), runtime.Source{Files: files, Engine: c.pin})
		if err != nil {
			t.Fatal(err)
		}
		engine, reason := p.Engine()
		if engine != c.engine || reason != c.reason {
			t.Errorf("pin %q: got %s, %s", c.pin, engine, reason)
		}
	}
	if _, err := r.Load(t.Context(), runtime.Source{Files: files, Engine: "old"}); !errors.Is(err, refusal) {
		t.Errorf("a pinned engine's refusal: got %v", err)
	}
}

func TestLimits(t *testing.T) {
	r := newRuntime(t, runtime.Options{Limits: runtime.Limits{ResponseBytes: 1000, LogLines: 3, CPU: 50 * time.Millisecond}})
	for _, c := range []struct {
		src  string
		want runtime.Error
	}{
		{`return 'x'.repeat(1001)`, runtime.Error{Code: runtime.CodeResponse, Allowed: "1000 bytes", Used: "1001 bytes"}},
		{`return {a: ['x'.repeat(2000)]}`, runtime.Error{Code: runtime.CodeResponse, Allowed: "1000 bytes", Used: "2008 bytes"}},
		{`for (;;) ;`, runtime.Error{Code: runtime.CodeCPU, Allowed: "50ms"}},
	} {
		_, err := load(t, r, c.src, nil).Run(t.Context(), &runtime.Request{})
		e, ok := errors.AsType[*runtime.Error](err)
		if !ok || e.Code != c.want.Code || e.Allowed != c.want.Allowed || c.want.Used != "" && e.Used != c.want.Used || e.Used == "" {
			t.Errorf("%s: got %+v", c.src, err)
		}
	}
	res, err := load(t, r, `for (var i = 1; i <= 10; i++) console.log(i)`, nil).Run(t.Context(), &runtime.Request{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range res.Log {
		got = append(got, l.Text)
	}
	if diff := cmp.Diff([]string{"1", "2", "8 more lines were dropped: a run may log 3 lines and 1 MiB"}, got); diff != "" {
		t.Errorf("log (-want +got)\n%s", diff)
	}
}

func TestDeadlineAndCancel(t *testing.T) {
	p := load(t, newRuntime(t, runtime.Options{}), `console.log('began'); for (;;) ;`, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
	defer cancel()
	res, err := p.Run(ctx, &runtime.Request{})
	if e, ok := errors.AsType[*runtime.Error](err); !ok || e.Code != runtime.CodeWall || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline: got %v", err)
	}
	if len(res.Log) != 1 || res.CPU <= 0 {
		t.Errorf("result beside an error: %+v", res)
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	_, err = p.Run(ctx, &runtime.Request{})
	if e, ok := errors.AsType[*runtime.Error](err); !ok || e.Code != runtime.CodeCanceled || !errors.Is(err, context.Canceled) {
		t.Errorf("cancel: got %v", err)
	}
}

// gate counts slots, and refuses after a number of entries.
type gate struct {
	mu      sync.Mutex
	held    int
	runs    int // admitted and not done
	idle    time.Duration
	charged time.Duration
	entered int
	refuse  int  // which entry is refused; 0 is none
	yield   bool // ask runs to leave all the time
	asked   atomic.Int64
}

var errRefused = errors.New("no slot")

func (g *gate) take() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.entered++
	if g.entered == g.refuse {
		return errRefused
	}
	g.held++
	return nil
}

func (g *gate) Enter(context.Context) (runtime.Pass, error) {
	if err := g.take(); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.runs++
	return &pass{gate: g, held: true}, nil
}

// begin counts anew, and refuses the slot that is entered as the refuse-th.
func (g *gate) begin(refuse int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.entered, g.refuse = 0, refuse
}

func (g *gate) state() (held, entered int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.held, g.entered
}

type pass struct {
	gate *gate
	held bool
}

func (p *pass) Leave() {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	if !p.held {
		panic("leave without a slot")
	}
	p.held = false
	p.gate.held--
}

func (p *pass) Charge(d time.Duration) {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	p.gate.charged += d
}

func (p *pass) Idle(d time.Duration) {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	p.gate.idle += d
}

func (p *pass) Resume(context.Context) error {
	if err := p.gate.take(); err != nil {
		return err
	}
	p.held = true
	return nil
}

func (p *pass) Yield() bool {
	p.gate.asked.Add(1)
	return p.gate.yield
}

func (p *pass) Done() {
	if p.held {
		p.Leave()
	}
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	p.gate.runs--
}

func TestGateIsBalanced(t *testing.T) {
	for _, c := range []struct {
		name, src string
		refuse    int
		entered   int
		err       error
	}{
		{"no host call", `respond('x')`, 0, 1, nil},
		{"two host calls", `host.look(); host.look();`, 0, 3, nil},
		{"host error", `try { host.fail(); } catch (e) {}`, 0, 2, nil},
		{"stop", `host.stop()`, 0, 1, nil},
		{"panic", `host.panic()`, 0, 1, nil},
		{"throw", `host.look(); throw 1`, 0, 2, nil},
		{"endless", `host.look(); for (;;) ;`, 0, 2, nil},
		{"refused at first", `1`, 1, 1, errRefused},
		{"refused again", `try { host.look(); } catch (e) { } finally { for (;;) ; }`, 2, 2, errRefused},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &gate{}
			r := newRuntime(t, runtime.Options{Gate: g, Limits: runtime.Limits{CPU: time.Second / 2}})
			fail := func(err error) runtime.Func {
				return func(context.Context, runtime.Args) (runtime.Value, error) { return runtime.Value{}, err }
			}
			p := load(t, r, c.src, map[string]any{
				"host.look": runtime.Func(func(context.Context, runtime.Args) (runtime.Value, error) {
					if held, _ := g.state(); held != 0 {
						t.Error("the slot is held during a host call")
					}
					return runtime.Value{}, nil
				}),
				"host.fail":  fail(errors.New("x")),
				"host.stop":  fail(&runtime.Stop{Response: runtime.Response{Status: 302}}),
				"host.panic": runtime.Func(func(context.Context, runtime.Args) (runtime.Value, error) { panic("x") }),
			})
			g.begin(c.refuse) // to load it took a slot, too
			_, err := p.Run(t.Context(), &runtime.Request{})
			if c.err != nil && !errors.Is(err, c.err) {
				t.Errorf("error %v, want %v", err, c.err)
			}
			if held, entered := g.state(); held != 0 || entered != c.entered {
				t.Errorf("%d slots held and %d entered, want 0 and %d", held, entered, c.entered)
			}
			if g.runs != 0 {
				t.Errorf("%d runs aren't done", g.runs)
			}
		})
	}
}

// TestRunAsks has a run pass many checkpoints: it asks at some of them whether others
// are to compute, and doesn't wait for the watcher to ask.
func TestRunAsks(t *testing.T) {
	const rounds, between = 100_000, 1024
	g := &gate{}
	p := load(t, newRuntime(t, runtime.Options{Gate: g}), fmt.Sprintf(`for (var i = 0; i < %d; i++) ; return 'done'`, rounds), nil)
	g.asked.Store(0)
	if _, err := p.Run(t.Context(), &runtime.Request{}); err != nil {
		t.Fatal(err)
	}
	if n := g.asked.Load(); n < rounds/between-1 {
		t.Errorf("a run of %d checkpoints asked %d times", rounds, n)
	}
}

// A run that is asked to yield lets others have the slot, and goes on.
func TestYield(t *testing.T) {
	g := &gate{yield: true}
	p := load(t, newRuntime(t, runtime.Options{Gate: g}), `while (!host.yielded()) for (var i = 0; i < 1000; i++) ; return 'went on'`, map[string]any{
		// A call leaves and resumes too: once for the run and twice for each
		// call would be all without yielding.
		"host.yielded": runtime.Func(func() func(context.Context, runtime.Args) (runtime.Value, error) {
			calls := 0
			return func(context.Context, runtime.Args) (runtime.Value, error) {
				calls++
				_, entered := g.state()
				return runtime.Bool(entered > calls), nil
			}
		}())})
	res, err := p.Run(t.Context(), &runtime.Request{})
	if err != nil || string(res.Response.Body) != "went on" {
		t.Errorf("got %s, %v", res.Response.Body, err)
	}
	if held, _ := g.state(); held != 0 {
		t.Errorf("%d slots held", held)
	}
}

// A run whose deadline passes in a host function must not take a slot again.
func TestDeadlineInHostCall(t *testing.T) {
	g := &gate{}
	p := load(t, newRuntime(t, runtime.Options{Gate: g}), `try { host.wait(); } catch (e) { respond('caught'); }`, map[string]any{
		"host.wait": runtime.Func(func(ctx context.Context, _ runtime.Args) (runtime.Value, error) {
			<-ctx.Done()
			return runtime.Value{}, ctx.Err()
		})})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	res, err := p.Run(ctx, &runtime.Request{})
	if e, ok := errors.AsType[*runtime.Error](err); !ok || e.Code != runtime.CodeWall {
		t.Errorf("got %v", err)
	}
	if held, _ := g.state(); held != 0 {
		t.Errorf("%d slots held", held)
	}
	if res.CPU > 5*time.Second {
		t.Errorf("CPU %v counts the host call", res.CPU)
	}
}

func TestConcurrentRuns(t *testing.T) {
	p := load(t, newRuntime(t, runtime.Options{}), `
		undeclared = request.id;
		var lib = [3, 1, 2].sort().map(function (x) { return x + request.id; });
		host.call({id: request.id});
		if (undeclared !== request.id) throw new Error('mixed up');
		return {id: undeclared, lib: lib, match: /\d+/.exec(request.id)[0]};`, map[string]any{
		"host.call": runtime.Func(func(_ context.Context, args runtime.Args) (runtime.Value, error) { return args.At(0), nil })})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 40 {
				n := fmt.Sprintf("%d%03d", g+1, i)
				res, err := p.Run(t.Context(), &runtime.Request{ID: "r" + n})
				want := fmt.Sprintf(`{"id":"r%[1]s","lib":["1r%[1]s","2r%[1]s","3r%[1]s"],"match":"%[1]s"}`, n)
				if err != nil || string(res.Response.Body) != want {
					t.Errorf("got %s, %v, want %s", res.Response.Body, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestStream(t *testing.T) {
	type blob struct{ path string }
	p := load(t, newRuntime(t, runtime.Options{}), `var r = host.serve(); r.headers['X-More'] = '1'; return r`, map[string]any{
		"host.serve": runtime.Func(func(context.Context, runtime.Args) (runtime.Value, error) {
			return runtime.Respond(runtime.Response{Status: 206, Header: map[string][]string{"Content-Type": {"video/mp4"}}, Stream: &blob{"a.mp4"}}), nil
		})})
	res, err := p.Run(t.Context(), &runtime.Request{})
	if err != nil {
		t.Fatal(err)
	}
	want := runtime.Response{Status: 206, Header: map[string][]string{"Content-Type": {"video/mp4"}, "X-More": {"1"}}, Stream: &blob{"a.mp4"}}
	if diff := cmp.Diff(want, res.Response, cmp.AllowUnexported(blob{})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// What a host function's response is made of is the same for the visitor,
// wherever it says what its body is.
func TestRespondContentType(t *testing.T) {
	forEachEngine(t, func(t *testing.T, e runtime.Engine) {
		shared := http.Header{"X-More": {"1"}}
		p := load(t, newRuntime(t, runtime.Options{Engines: []runtime.Engine{e}}), `return host.page()`, map[string]any{
			"host.page": runtime.Func(func(context.Context, runtime.Args) (runtime.Value, error) {
				return runtime.Respond(runtime.Response{Header: shared, ContentType: "text/html", Body: []byte("<p>")}), nil
			})})
		for range 2 {
			res, err := p.Run(t.Context(), &runtime.Request{})
			if err != nil {
				t.Fatal(err)
			}
			want := http.Header{"Content-Type": {"text/html"}, "X-More": {"1"}}
			if diff := cmp.Diff(want, res.Response.Header); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		}
		if len(shared) != 1 {
			t.Errorf("the host's own headers were changed to %v", shared)
		}
	})
}

func TestCloseKeepsRunning(t *testing.T) {
	p := load(t, newRuntime(t, runtime.Options{}), `return 1`, nil)
	p.Close()
	for range 2 {
		if res, err := p.Run(t.Context(), &runtime.Request{}); err != nil || string(res.Response.Body) != "1" {
			t.Errorf("got %s, %v", res.Response.Body, err)
		}
	}
}
