package harnesstest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/gaps"
)

// Resilience runs the suite of what a server does when too much is asked of it, and when
// what it depends on breaks: under load each answer is right or a clear refusal, and
// after it service is as before; what was acknowledged outlives a kill; a full disk is
// said, and not more. Checks judge what a server promises, and never how long it took.
// It takes up to 90 s, and up to 20 s with -short.
func Resilience(t *testing.T, target Target, opts ...Option) {
	t.Helper()
	ResilienceSuite().Run(t, target, opts...)
}

// ResilienceSuite is the table of [Resilience].
func ResilienceSuite() Suite {
	deploys, spawns := []Capability{Need[Deployer]()}, []Capability{Need[Spawner]()}
	return Suite{Name: "Resilience", Checks: []Check{
		{Name: "load/concurrent", Run: concurrentLoad},
		{Name: "load/sustained", Needs: deploys, Severity: gaps.Critical, Run: sustainedLoad},
		{Name: "load/saturation", Needs: deploys, Run: saturation,
			Fix: "bound what may wait, refuse the rest at once by 503 with Retry-After, and give back what a refused request held"},
		{Name: "load/memory", Needs: deploys, Run: memoryPressure,
			Fix: "bound the memory of a handler and of all bodies together, and refuse what does not fit"},
		{Name: "timeouts/server", Needs: deploys, Parallel: true, Run: serverTimeout,
			Fix: "end a handler when its time is over, whatever it does, and answer 503 or 504 with a code"},
		{Name: "timeouts/client", Parallel: true, Run: clientTimeout, Fix: "give back what a request holds when its client has gone"},
		{Name: "timeouts/deadline", Needs: []Capability{Need[Deployer](), Need[Sibling]()}, Parallel: true, Run: callerDeadline,
			Fix: "end a request's context when its caller stops waiting, and begin no write after that"},
		{Name: "connections/lines", Parallel: true, Run: badLines},
		{Name: "connections/leaks", Needs: []Capability{Need[Spawner](), Need[Keyer]()}, Parallel: true, Run: connectionLeaks,
			Fix: "give each connection deadlines, and end its goroutines and files with it"},
		{Name: "restart/stop", Needs: spawns, Severity: gaps.Critical, Parallel: true, Run: stopUnderLoad,
			Fix: "take no new work when asked to end, and answer what has begun"},
		{Name: "restart/kill", Needs: spawns, Severity: gaps.Critical, Parallel: true, Run: killUnderLoad,
			Fix: "acknowledge a write when it is stored, and not before"},
		{Name: "disk/full", Needs: spawns, Severity: gaps.Critical, Parallel: true, Run: fullDisk,
			Fix: "roll back a write that failed, refuse it, and try the next one anew"},
		{Name: "consistency/line", Needs: deploys, Severity: gaps.Critical, Parallel: true, Run: consistentOnBadLine},
		{Name: "consistency/kill", Needs: spawns, Severity: gaps.Critical, Parallel: true, Run: consistentThroughKill},
	}}
}

// sturdy is the app of the suite.
var sturdy = fstest.MapFS{
	"manifest.json": {Data: []byte(`{"engine": "goja"}`)},
	"index.html":    {Data: []byte(sturdyPage)},
	"api/main.js": {Data: []byte(`
async function handler(request) {
	const kv = fazt.storage.kv, q = request.query, key = q.key, value = Number(q.value);
	switch (request.path) {
	case '/api/echo': return {n: Number(q.n)};
	case '/api/work': {
		let sum = 0;
		for (let i = 0; i < Number(q.loops); i++) sum = (sum + i) % 1000003;
		return {n: Number(q.n), sum};
	}
	case '/api/grow': {
		let list = [];
		for (let i = 0; i < Number(q.mib); i++) list.push(String(i).repeat(1 << 20));
		return {grown: list.length};
	}
	case '/api/length': return {length: request.bytes.length};
	case '/api/forever': for (;;) {}
	case '/api/wait':
		if (q.begun) kv.incr('begun');
		await new Promise(resolve => setTimeout(resolve, Number(q.ms)));
		if (key) kv.set(key, 1);
		return {waited: q.ms};
	case '/api/put': kv.set(key, value); return {stored: value};
	case '/api/delete': kv.delete(key); return {deleted: key};
	case '/api/get': {
		const found = kv.get(key);
		return found === undefined ? {found: false} : {found: true, value: found};
	}
	case '/api/add': return {value: kv.incr(key, value)};
	case '/api/swap':
		for (;;) { // a value that was changed in between has another version
			const version = kv.getVersion(key);
			if (kv.get(key) !== Number(q.old)) return {swapped: false};
			try {
				kv.setIf(key, value, version);
				return {swapped: true};
			} catch (e) {
				if (e.code !== 'CONFLICT') throw e;
			}
		}
	case '/api/missing': return {missing: request.body.filter(key => kv.get(key) === undefined)};
	}
	return respond(404, {error: 'no such route'});
}`)},
}

const sturdyPage = "<!doctype html><title>sturdy</title><p>This page is always the same."

// span is how much a check does: short where its run is brief, see [Short].
func span[T any](p *Probe, short, long T) T {
	if p.brief {
		return short
	}
	return long
}

// reply is what came of a request.
type reply struct {
	status int
	header http.Header
	body   string
	err    error // there was no answer, or not all of it
}

// String is for messages.
func (r reply) String() string {
	if r.err != nil {
		return fmt.Sprintf("no answer: %v", r.err)
	}
	return fmt.Sprintf("%d %s", r.status, clip(r.body))
}

// code is that of the error in the body, "" if there is none.
func (r reply) code() string {
	var envelope struct {
		Error struct{ Code, Message string }
	}
	if json.Unmarshal([]byte(r.body), &envelope) != nil || envelope.Error.Message == "" {
		return ""
	}
	return envelope.Error.Code
}

// refused reports whether the answer says clearly that nothing was done: a status for
// that, and a code for programs or when to come again.
func (r reply) refused() bool {
	if r.err != nil {
		return false
	}
	switch r.status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return r.code() != "" || r.header.Get("Retry-After") != ""
	case http.StatusGatewayTimeout, http.StatusInsufficientStorage:
		return r.code() != ""
	}
	return false
}

// uncertain reports whether nobody can tell what was done: an answer that did not come,
// or one that says so.
func (r reply) uncertain() bool {
	return r.err != nil || r.code() == "UNCERTAIN" || r.status == http.StatusGatewayTimeout
}

// is reports whether the answer is a 200 with just this JSON.
func (r reply) is(format string, args ...any) bool {
	return r.err == nil && r.status == http.StatusOK && strings.TrimSpace(r.body) == fmt.Sprintf(format, args...)
}

// crowd is clients of one origin, who share nothing but their connections.
type crowd struct {
	p      *Probe
	origin string
	client *http.Client
}

// newCrowd makes clients that come by dial and give up after patience.
func newCrowd(p *Probe, origin string, dial func(context.Context) (net.Conn, error), patience time.Duration) *crowd {
	by := func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }
	transport := &http.Transport{
		DialContext: by, DialTLSContext: by, MaxIdleConnsPerHost: 256, IdleConnTimeout: 30 * time.Second, DisableCompression: true,
	}
	p.Cleanup(transport.CloseIdleConnections)
	return &crowd{p, origin, &http.Client{
		Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// crowdOf is clients of a target, at the origin of an app or of itself.
func crowdOf(p *Probe, target Target, origin string) *crowd {
	return newCrowd(p, origin, target.Dial, p.patience())
}

// ask sends a request and reads its answer to the end.
func (c *crowd) ask(ctx context.Context, method, path, body string) reply {
	req, err := http.NewRequestWithContext(ctx, method, c.origin+path, strings.NewReader(body))
	if err != nil {
		return reply{err: err}
	}
	if body == "" {
		req.Body, req.GetBody = http.NoBody, nil
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.send(req)
}

func (c *crowd) send(req *http.Request) reply {
	res, err := c.client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(text), err}
}

func (c *crowd) get(path string) reply { return c.ask(c.p.Context(), http.MethodGet, path, "") }
func (c *crowd) post(path string) reply {
	return c.ask(c.p.Context(), http.MethodPost, path, "")
}

// eventually asks until the answer is as it should be. What it is not in the end is an
// error: service did not come back.
func (c *crowd) eventually(after, path string, good func(reply) bool) {
	c.p.Helper()
	var last reply
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for end := time.Now().Add(c.p.patience()); time.Now().Before(end); <-pause.C {
		ctx, cancel := context.WithDeadline(c.p.Context(), end)
		last = c.ask(ctx, http.MethodGet, path, "")
		cancel()
		if good(last) {
			return
		}
	}
	c.p.Errorf("after %s, %s is not answered as before within %v, but by %v; what it took must be given back", after, path, c.p.patience(), last)
}

// resting is what a path answers at rest, and what is to be compared of it.
type resting struct {
	path   string
	status int
	body   string // "" where the page is another each time
}

// rest asks for a path while nobody else does, and again while it is refused, as after
// what other checks have asked.
func (c *crowd) rest(path string) resting {
	c.p.Helper()
	var last reply
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for end := time.Now().Add(c.p.patience()); time.Now().Before(end); <-pause.C {
		first := c.get(path)
		if last = c.get(path); first.err != nil || last.err != nil || first.refused() || last.refused() {
			continue
		}
		r := resting{path: path, status: first.status}
		if first.body == last.body {
			r.body = first.body
		}
		return r
	}
	c.p.Fatalf("at rest, %s is answered %v for %v", path, last, c.p.patience())
	return resting{}
}

// wrong is what differs between an answer and the one at rest, or nil.
func (r resting) wrong(status int, body string) error {
	if status != r.status || r.body != "" && body != r.body {
		return fmt.Errorf("%s is answered %d %s, and at rest %d %s", r.path, status, clip(body), r.status, clip(r.body))
	}
	return nil
}

// calm is a path that any target answers, and an app where there can be one.
func calm(p *Probe) (c *crowd, path string) {
	p.Helper()
	if reason := Need[Deployer]().lacks(p.Target); reason != "" {
		return crowdOf(p, p.Target, p.Target.Base()), "/"
	}
	return crowdOf(p, p.Target, p.Deploy(sturdy).URL), "/api/echo?n=7"
}

var crowds atomic.Uint32

// spread dials a target from a number of addresses in turn, so that a limit for each
// does not stand for the server's own, where the target is on this machine.
func spread(target Target, addresses int) func(context.Context) (net.Conn, error) {
	block := byte(crowds.Add(1))
	var n atomic.Uint32
	return func(ctx context.Context) (net.Conn, error) {
		from := netip.AddrFrom4([4]byte{127, 32, block, byte(1 + n.Add(1)%uint32(addresses))})
		return dialFrom(ctx, target, from)
	}
}

// pathOf writes a path with a query of names and values.
func pathOf(path string, query ...any) string {
	values := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		values.Set(fmt.Sprint(query[i]), fmt.Sprint(query[i+1]))
	}
	return path + "?" + values.Encode()
}
