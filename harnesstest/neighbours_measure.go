package harnesstest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/load"
	"github.com/fazt-sh/fazt/harnesstest/report"
)

// neighbourApp is the app that is measured.
var neighbourApp = fstest.MapFS{
	"1k.bin": {Data: []byte(strings.Repeat("0123456789abcdef", 64))},
	"api/main.js": {Data: []byte(`
function handler(request) {
	var kv = fazt.storage.kv, key = 'a' + request.query.k;
	switch (request.query.do) {
	case 'get': return kv.get(key) || null;
	case 'set': kv.set(key, {n: request.query.k}); return 'ok';
	}
	return {hello: 'world'};
}`)},
}

// neighbourAsks are what the neighbour's visitors ask for.
var neighbourAsks = []struct{ what, path string }{
	{"handler", "/api?do=hello"}, {"get", "/api?do=get&k=0"}, {"set", "/api?do=set&k=0"}, {"static", "/1k.bin"},
}

// Measure deploys an app, and those of the attackers, and returns what the visitors of
// the first get alone, beside the attack, and beside the same traffic to a bare server,
// each kind of request for as long as each. The target is a [Deployer] and a [Keyer].
func (k Attack) Measure(tb testing.TB, target Target, each time.Duration) report.Beside {
	tb.Helper()
	p := &Probe{TB: tb, Target: target}
	neighbour := deploy(tb, target, neighbourApp).URL
	attackers := k.prepare(p, target)
	sink := Handler(tb, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "ok")
	}))
	alone := askNeighbour(p, neighbour, each)
	stop := k.begin(p, attackers, sink)
	time.Sleep(time.Second) // until it is in full swing
	besideSink := askNeighbour(p, neighbour, each)
	stop()
	stop = k.begin(p, attackers, target)
	time.Sleep(time.Second)
	beside := askNeighbour(p, neighbour, each)
	stop()
	return compare(k, alone, beside, besideSink)
}

// askNeighbour measures each thing that the neighbour's visitors ask for.
func askNeighbour(p *Probe, url string, each time.Duration) (got []*load.Result) {
	p.Helper()
	for _, ask := range neighbourAsks {
		result, err := load.Load{
			Dial:        func(ctx context.Context) (net.Conn, error) { return dialFrom(ctx, p.Target, neighbourAddr) },
			Connections: 8, Duration: each, Request: load.Same(load.Get(hostOf(url), ask.path)),
		}.Run(p.Context())
		if err != nil {
			p.Fatalf("%s: %v", ask.path, err)
		}
		got = append(got, result)
	}
	return got
}

// compare puts together what was measured; sink may be nil.
func compare(k Attack, alone, beside, sink []*load.Result) report.Beside {
	b := report.Beside{Attack: k.Name, Resource: k.Resource}
	for i, ask := range neighbourAsks {
		a := report.Asked{What: ask.what, Alone: alone[i].Rate(), Beside: beside[i].Rate(), P99: beside[i].OK.At(99),
			NotOK: beside[i].Requests() - beside[i].OK.Count()}
		if sink != nil {
			a.Sink = sink[i].Rate()
		}
		b.Asked = append(b.Asked, a)
	}
	return b
}

// prepare deploys the attackers' apps.
func (k Attack) prepare(p *Probe, target Target) (attackers []*attacker) {
	p.Helper()
	token := ""
	if k.deploys {
		token = target.(Keyer).Key(p, "deploy")
	}
	for i := range max(1, k.apps) {
		from := netip.AddrFrom4([4]byte{127, 0, 1, byte(i + 1)})
		if k.asVisitor {
			from = neighbourAddr
		}
		app := k.app
		if k.documents > 0 {
			app = documents
		}
		url := deploy(p, target, app).URL
		v := newStranger(p)
		if k.documents > 0 {
			// Removing an app takes long with its documents, and this a moment.
			p.Cleanup(func() { v.send(http.MethodGet, url+"/api?op=delete", "") })
		}
		for n := range k.documents {
			v.get(fmt.Sprintf("%s/api?op=seed&n=%d", url, n)).Expect(http.StatusOK)
		}
		if k.seed != "" {
			v.get(url + k.seed).Expect(http.StatusOK)
		}
		attackers = append(attackers, &attacker{host: hostOf(url), from: from, token: token})
	}
	return attackers
}

// begin lets the attackers loose on a target, and returns when each has begun. Until
// stop is called they go on; it waits for their end.
func (k Attack) begin(p *Probe, attackers []*attacker, target Target) (stop func()) {
	p.Helper()
	ctx, cancel := context.WithCancel(p.Context())
	var running sync.WaitGroup
	stop = func() {
		cancel()
		running.Wait()
		for _, a := range attackers {
			if what := a.pointless(k.throws); what != "" {
				p.Errorf("the attack %q came to nothing: it is answered %s", k.Name, what)
			}
		}
	}
	p.Cleanup(func() { cancel(); running.Wait() })
	for i, a := range attackers {
		a.dial = func(ctx context.Context) (net.Conn, error) { return dialFrom(ctx, target, a.from) }
		a.begun, a.statuses = make(chan struct{}, 1), nil
		running.Go(func() { k.run(ctx, a, i) })
	}
	timer := time.NewTimer(p.patience())
	defer timer.Stop()
	for _, a := range attackers {
		select {
		case <-a.begun:
		case <-timer.C:
			p.Fatalf("the attack %q has not begun within %v", k.Name, p.patience())
		}
	}
	return stop
}
