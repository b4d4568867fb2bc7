package harnesstest

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/faults"
	"github.com/fazt-sh/fazt/harnesstest/history"
)

// clients of a history use few keys, so that they meet, and few operations of which the
// outcome is unknown, so that it can be decided.
const historyClients, historyKeys = 6, 3

// witness has clients use the app's store while disturb does what it wants, and checks
// what they saw.
func (c *crowd) witness(disturb func(progress func() int)) {
	c.p.Helper()
	var rec history.Recorder
	calls := span(c.p, 40, 120)
	var mu sync.Mutex
	done := 0
	progress := func() int {
		mu.Lock()
		defer mu.Unlock()
		return done * 100 / (historyClients * calls)
	}
	var clients sync.WaitGroup
	for id := range historyClients {
		clients.Go(func() {
			for n := range calls {
				c.witnessOne(&rec, id, int64(id*1_000_000+n+1))
				mu.Lock()
				done++
				mu.Unlock()
			}
		})
	}
	disturb(progress)
	clients.Wait()
	c.p.Logf("a history of %d operations", len(rec.Operations()))
	history.Verify(c.p, history.Register(), rec.Operations(), time.Minute)
}

// witnessOne carries out one operation and records it.
func (c *crowd) witnessOne(rec *history.Recorder, client int, value int64) {
	in := history.Input{Key: string(rune('a' + rand.IntN(historyKeys))), Value: value}
	method, path := http.MethodPost, ""
	switch rand.IntN(8) {
	case 0, 1, 2, 3:
		in.Op, method, path = history.Read, http.MethodGet, pathOf("/api/get", "key", in.Key)
	case 4, 5:
		in.Op, path = history.Write, pathOf("/api/put", "key", in.Key, "value", value)
	case 6:
		in.Op, path = history.Delete, pathOf("/api/delete", "key", in.Key)
	case 7:
		var seen struct{ Value int64 }
		_ = json.Unmarshal([]byte(c.get(pathOf("/api/get", "key", in.Key)).body), &seen) // 0 without an answer: a swap that fails
		in.Op, in.Old, path = history.Swap, seen.Value, pathOf("/api/swap", "key", in.Key, "old", seen.Value, "value", value)
	}
	call := rec.Invoke(client, in)
	res := c.ask(c.p.Context(), method, path, "")
	var out struct {
		Found, Swapped bool
		Value          int64
	}
	switch {
	case res.status == http.StatusOK && res.err == nil && json.Unmarshal([]byte(res.body), &out) == nil:
		call.Return(history.Output{Value: out.Value, OK: out.Found || out.Swapped})
	case in.Op == history.Read, res.refused() && !res.uncertain():
		call.Drop()
	case res.uncertain():
		call.Unknown()
	default:
		call.Unknown()
		c.p.Errorf("%s %s is answered %v, which is neither right nor a clear refusal", in.Op, in.Key, res)
	}
}

// consistentOnBadLine: to clients on a line that changes, breaks and comes back, the
// store is one, and each operation happens at one moment.
func consistentOnBadLine(p *Probe) {
	app := p.Deploy(sturdy)
	proxy, _ := proxyTo(p, p.Target)
	c := newCrowd(p, app.URL, dialer(proxy.Addr()), p.patience())
	c.witness(func(progress func() int) {
		c.stages(progress, []stage{
			{10, func() { proxy.Set(faults.Line{Latency: 2 * time.Millisecond}) }},
			{30, proxy.Reset},
			{40, func() { proxy.Set(faults.Line{Bandwidth: 200_000}) }},
			{60, proxy.Reset},
			{70, func() { proxy.Set(faults.Line{}) }},
			{85, proxy.Reset},
		})
	})
}

// consistentThroughKill: the same for a server that is killed and started again.
func consistentThroughKill(p *Probe) {
	server, c := spawnSturdy(p)
	restart := func() {
		if err := server.Kill(); err != nil {
			p.Error(err)
		}
		if err := server.Restart(); err != nil {
			p.Error(err)
		}
	}
	c.client.Transport = patient{c.client.Transport, server}
	c.witness(func(progress func() int) {
		c.stages(progress, []stage{{25, restart}, {60, restart}})
	})
}

// stage is what happens when that much of a history is done, in percent.
type stage struct {
	at   int
	then func()
}

// stages carries stages out one after the other.
func (c *crowd) stages(progress func() int, all []stage) {
	pause := time.NewTicker(time.Millisecond)
	defer pause.Stop()
	for _, s := range all {
		for end := time.Now().Add(c.p.patience()); progress() < s.at && time.Now().Before(end); {
			<-pause.C
		}
		s.then()
	}
}

// patient is a transport that does not send before the server takes connections: while
// one is down, a history would be of refused connections alone.
type patient struct {
	http.RoundTripper
	server Target
}

func (t patient) RoundTrip(req *http.Request) (*http.Response, error) {
	pause := time.NewTicker(2 * time.Millisecond)
	defer pause.Stop()
	for {
		conn, err := t.server.Dial(req.Context())
		if err == nil {
			conn.Close()
			return t.RoundTripper.RoundTrip(req)
		}
		select {
		case <-pause.C:
		case <-req.Context().Done():
			return nil, context.Cause(req.Context())
		}
	}
}
