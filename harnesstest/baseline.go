package harnesstest

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/load"
	"github.com/fazt-sh/fazt/harnesstest/report"
)

// Baseline runs the suite that measures: what a server does a second and how long its
// answers take, with 1, 10, 50 and 100 connections, in a closed loop and then in an open
// one, whose requests come by chance at half of the rate that the closed loop had. Beside
// each, in the same moment, stands the floor: a bare net/http handler in this process.
// It fails by wrong answers and by errors, and never by a speed.
//
// With [WithReport] it measures five rounds, each of them a run in the report, which takes
// about 90 s, or one round where the test is short, see [Short]. Without a report it measures just long enough
// to judge the answers.
//
// A target that is no [Deployer] is asked for one path, see [WithPath].
func Baseline(t *testing.T, target Target, opts ...Option) {
	t.Helper()
	BaselineSuite().Run(t, target, opts...)
}

// BaselineSuite is the table of [Baseline].
func BaselineSuite() Suite {
	deploys := Need[Deployer]()
	s := Suite{Name: "Baseline", Checks: []Check{{Name: "get", Run: baselineGet}}}
	for _, w := range workloads {
		s.Checks = append(s.Checks, Check{Name: w.check, Needs: []Capability{deploys}, Run: w.run})
	}
	return Suite{Name: s.Name, Checks: append(s.Checks,
		Check{Name: "resources", Needs: []Capability{deploys, Need[Keyer]()}, Run: baselineResources},
		Check{Name: "first-answer/deploy", Needs: []Capability{deploys}, Run: firstAnswerOfDeploy},
		Check{Name: "first-answer/restart", Needs: []Capability{deploys, Need[Spawner]()}, Run: firstAnswerOfRestart},
	)}
}

// baselineConnections are how many the measurements have.
var baselineConnections = []int{1, 10, 50, 100}

// pace is how much is measured.
type pace struct {
	rounds       int
	closed, open time.Duration // of one load
	kept         bool          // for the report
}

var (
	unhurried = pace{rounds: 5, closed: 100 * time.Millisecond, open: 150 * time.Millisecond, kept: true}
	once      = pace{rounds: 1, closed: 100 * time.Millisecond, open: 150 * time.Millisecond, kept: true}
	judging   = pace{rounds: 1, closed: 40 * time.Millisecond, open: 40 * time.Millisecond}
)

func (p *Probe) pace() pace {
	switch {
	case !p.reports:
		return judging
	case p.brief:
		return once
	}
	return unhurried
}

// baselineApp is what the measurements deploy. Its handler is plain ES5, and runs on the
// engine that the server chooses for that.
var baselineApp = fstest.MapFS{
	"index.html":    {Data: []byte("<!doctype html><title>baseline</title>")},
	"1k.bin":        {Data: []byte(strings.Repeat("0123456789abcdef", 64))},
	"manifest.json": {Data: []byte(`{"indexes": {"notes": ["owner"]}}`)},
	"api/main.js": {Data: []byte(`
function handler(request) {
	var kv = fazt.storage.kv, ds = fazt.storage.ds, q = request.query, n = Number(q.n), docs = [];
	switch (request.path) {
	case '/api/hello':
		return {hello: 'world'};
	case '/api/read':
		return kv.get('key');
	case '/api/write':
		kv.set(q.run + '-' + q.n, {n: n});
		return {n: n};
	case '/api/query':
		return ds.find('notes', {owner: 'owner ' + q.n}).map(function (d) { return d.text; });
	case '/api/written':
		var page = kv.list(q.run + '-', {limit: 2000, after: q.after || undefined});
		return {count: page.length, after: page.length ? page[page.length - 1].key : ''};
	case '/api/fill':
		kv.set('key', {n: 1, name: 'value'});
		for (var i = 0; i < 500; i++) docs.push({owner: 'owner ' + (n * 500 + i) % 1000, text: 'note ' + (n * 500 + i)});
		ds.insertMany('notes', docs);
		return {n: n};
	}
	return respond(404, {error: 'no such route'});
}`)},
}

// deployBaseline deploys the app with its data: a value, and 2,000 documents of 1,000
// owners.
func deployBaseline(p *Probe, target Target) *App {
	p.Helper()
	app := deploy(p, target, baselineApp)
	for n := range 4 {
		app.Get(fmt.Sprint("/api/fill?n=", n)).Expect(http.StatusOK)
	}
	return app
}

// workload is one kind of request.
type workload struct {
	check string // the check's name
	row   string // the measurement's
	path  func(run string, n int) string
	want  func(n int) string
	// writes are the requests whose effect is looked for afterwards; nil: none.
	writes func(n int) bool
}

func always(text string) func(int) string { return func(int) string { return text } }

func writePath(run string, n int) string { return fmt.Sprintf("/api/write?run=%s&n=%d", run, n) }
func written(n int) string               { return fmt.Sprintf(`{"n":%d}`, n) }

const kvValue = `{"n":1,"name":"value"}`

var workloads = []workload{
	{
		check: "static", row: "static read",
		path: func(string, int) string { return "/1k.bin" }, want: always(string(baselineApp["1k.bin"].Data)),
	},
	{
		check: "handler", row: "handler read",
		path: func(string, int) string { return "/api/hello" }, want: always(`{"hello":"world"}`),
	},
	{
		check: "kv-read", row: "kv read",
		path: func(string, int) string { return "/api/read" }, want: always(kvValue),
	},
	{
		check: "durable-write", row: "durable write",
		path: writePath, want: written, writes: func(int) bool { return true },
	},
	{
		check: "document-query", row: "document query",
		path: func(_ string, n int) string { return fmt.Sprint("/api/query?n=", n%1000) },
		want: func(n int) string { return fmt.Sprintf(`["note %d","note %d"]`, n%1000, n%1000+1000) },
	},
	{
		check: "mixed", row: "mixed 80/20",
		path: func(run string, n int) string {
			if isWrite(n) {
				return writePath(run, n)
			}
			return "/api/read"
		},
		want: func(n int) string {
			if isWrite(n) {
				return written(n)
			}
			return kvValue
		},
		writes: isWrite,
	},
}

// isWrite chooses a fifth of all requests.
func isWrite(n int) bool { return n%5 == 4 }

// run is the check of a workload.
func (w workload) run(p *Probe) {
	app := deployBaseline(p, p.Target)
	loads := 0
	measureBeside(p, p.pace(), w.row, func(l load.Load) *load.Result {
		loads++
		return w.load(p, app, fmt.Sprint("run", loads), l)
	})
}

// load is one load of the workload, every answer of which must be right, and every write
// that was acknowledged there.
func (w workload) load(p *Probe, app *App, run string, l load.Load) *load.Result {
	p.Helper()
	host, acknowledged := hostOf(app.URL), atomic.Int64{}
	l.Dial = p.Target.Dial
	l.Request = func(n int) []byte { return load.Get(host, w.path(run, n)) }
	l.Check = func(n int, a load.Answer) error {
		if want := w.want(n); a.Status != http.StatusOK || string(a.Body) != want {
			return fmt.Errorf("%s is answered %d %s, want 200 %s", w.path(run, n), a.Status, clip(string(a.Body)), clip(want))
		}
		if w.writes != nil && w.writes(n) {
			acknowledged.Add(1)
		}
		return nil
	}
	result := mustLoad(p, w.row, l)
	if w.writes != nil {
		if n := countWritten(app, run); n != acknowledged.Load() {
			p.Errorf("%s: %d writes were acknowledged, and %d are there", w.row, acknowledged.Load(), n)
		}
	}
	return result
}

// countWritten counts the values that a run has written.
func countWritten(app *App, run string) (n int64) {
	var page struct {
		Count int64
		After string
	}
	for {
		app.Get("/api/written?run=" + run + "&after=" + url.QueryEscape(page.After)).Expect(http.StatusOK).JSON(&page)
		if page.Count == 0 {
			return n
		}
		n += page.Count
	}
}

// mustLoad runs a load, each of whose requests must have a good answer. That the
// generator fell behind is no fault of the target's.
func mustLoad(p *Probe, what string, l load.Load) *load.Result {
	p.Helper()
	result, err := l.Run(p.Context())
	return judged(p, what, result, err)
}

// judged is what a load came to, in the check's own goroutine.
func judged(p *Probe, what string, result *load.Result, err error) *load.Result {
	p.Helper()
	if err != nil {
		p.Fatalf("%s: %v", what, err)
	}
	if result.Statuses[http.StatusTooManyRequests] > 0 {
		p.doesNotApply("the target limits the requests of an address (it answered 429), so that the limit is all there is to measure; for fazt, start it with: fazt serve --rate-limit 0")
	}
	if result.OK.Count() < result.Requests() {
		p.Errorf("%s: %v", what, result.Err())
	}
	return result
}

// floor is the least that an HTTP server can do.
var floor = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"hello":"world"}`)
})

// measureBeside measures a workload beside the floor, until something is wrong with it.
// one runs a load, of which it knows how to dial and what to send.
func measureBeside(p *Probe, pace pace, row string, one func(load.Load) *load.Result) {
	p.Helper()
	server := Handler(p, floor)
	ofFloor := func(l load.Load) *load.Result {
		l.Dial, l.Request = server.Dial, load.Same(load.Get("floor", "/"))
		return mustLoad(p, "the floor, which is this process's own", l)
	}
	p.Record(report.Note(aboutBaseline))
	for round := range pace.rounds {
		for _, connections := range baselineConnections {
			closed := load.Load{Connections: connections, Duration: pace.closed}
			bare, loaded := ofFloor(closed), one(closed)
			if p.Failed() {
				return
			}
			pace.record(p, row, report.Closed, connections, loaded, bare, 0, 0)
			open := func(rate float64) load.Load {
				return load.Load{Connections: connections, Duration: pace.open, Arrivals: load.Poisson(rate, uint64(round+1))}
			}
			bareRate, rate := bare.Rate()/2, loaded.Rate()/2
			bare, loaded = ofFloor(open(bareRate)), one(open(rate))
			if p.Failed() {
				return
			}
			pace.record(p, row, report.Open, connections, loaded, bare, rate, bareRate)
		}
	}
}

const aboutBaseline = "A closed loop sends each connection's next request after its answer. In the open loop, requests come by chance " +
	"(Poisson) at half of the rate that the closed loop had with as many connections, and a latency counts from when the request was due. " +
	"The floor is a bare net/http handler; clients, floor and server share the machine's processors."

// record records a load and the floor's.
func (p pace) record(to *Probe, row string, loop report.Loop, connections int, loaded, bare *load.Result, offered, offeredBare float64) {
	if !p.kept {
		return
	}
	floorRun := report.FromLoad(bare, offeredBare, nil)
	to.Record(report.Measurement{Name: report.Floor, Loop: loop, Connections: connections, Runs: []report.Run{floorRun}})
	to.Record(report.Measurement{Name: row, Loop: loop, Connections: connections, Runs: []report.Run{report.FromLoad(loaded, offered, &floorRun)}})
}

// baselineGet measures a path of any target. Its answers must have the status that the
// first of them has.
func baselineGet(p *Probe) {
	path := cmp.Or(p.asked, "/")
	pace := p.pace()
	if p.asked == "" && Need[Deployer]().lacks(p.Target) == "" {
		pace = judging // there is more to say about what the suite deploys
	}
	first := p.Visit().StayPut().Get(path)
	if first.Status >= http.StatusInternalServerError || first.Status == http.StatusTooManyRequests {
		p.Fatalf("GET %s is answered %d, of which nothing can be measured; name another by WithPath", path, first.Status)
	}
	request := load.Same(load.Get(hostOf(p.Target.Base()), path))
	measureBeside(p, pace, "GET "+path, func(l load.Load) *load.Result {
		l.Dial, l.Request = p.Target.Dial, request
		l.Check = func(_ int, a load.Answer) error {
			if a.Status != first.Status {
				return fmt.Errorf("GET %s is answered %d, and was before with %d", path, a.Status, first.Status)
			}
			return nil
		}
		return mustLoad(p, "GET "+path, l)
	})
}

// firstAnswerOfDeploy measures how long it takes from a deploy to an answer.
func firstAnswerOfDeploy(p *Probe) {
	var took []time.Duration
	for range p.pace().rounds {
		start := time.Now()
		app := deploy(p, p.Target, baselineApp)
		expectHello(p, app.Get("/api/hello"))
		took = append(took, time.Since(start))
	}
	p.Record(report.Timing{Name: "from deploying an app to its handler's first answer", Took: took})
}

// firstAnswerOfRestart measures how long it takes from the start of a server that was
// killed to an answer.
func firstAnswerOfRestart(p *Probe) {
	process := p.Target.(Spawner).Spawn(p)
	app := deployBaseline(p, process)
	var took []time.Duration
	for range p.pace().rounds {
		if err := process.Kill(); err != nil {
			p.Fatal(err)
		}
		start := time.Now()
		if err := process.Restart(); err != nil {
			p.Fatal(err)
		}
		expectHello(p, app.Another().Get("/api/hello"))
		took = append(took, time.Since(start))
	}
	p.Record(report.Timing{Name: "from starting a server that was killed to a handler's first answer", Took: took})
}

func expectHello(p *Probe, res *Response) {
	p.Helper()
	if res.Status != http.StatusOK || res.Body != `{"hello":"world"}` {
		p.Fatalf("the first answer is %v", res)
	}
}
