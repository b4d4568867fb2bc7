package harnesstest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// writers put keys of their own into an app, and keep those that were acknowledged, as
// the clients of a database do that want to know what it owes them.
type writers struct {
	*crowd
	round int
	stop  context.CancelFunc
	all   sync.WaitGroup

	mu           sync.Mutex
	acknowledged []string
	count        atomic.Int64
	unanswered   atomic.Int64
}

// writing starts writers, which go on when there is no answer, until halt.
func (c *crowd) writing(round int) *writers {
	ctx, stop := context.WithCancel(c.p.Context())
	w := &writers{crowd: c, round: round, stop: stop}
	for id := range 8 {
		w.all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				w.write(ctx, id, n)
			}
		})
	}
	return w
}

func (w *writers) write(ctx context.Context, id, n int) {
	key := fmt.Sprintf("%d-%d-%d", w.round, id, n)
	switch res := w.ask(ctx, http.MethodPut, pathOf("/api/put", "key", key, "value", n), ""); {
	case res.is(`{"stored":%d}`, n):
		w.mu.Lock()
		w.acknowledged = append(w.acknowledged, key)
		w.mu.Unlock()
		w.count.Add(1)
	case ctx.Err() != nil:
	case res.err != nil:
		w.unanswered.Add(1)
		select { // a server that is gone is not asked as fast as a processor can
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
		}
	case !res.refused() && !res.uncertain():
		w.p.Errorf("a write is answered %v, which is neither right nor a clear refusal", res)
		w.stop()
	}
}

// until waits for a number of acknowledged writes in all.
func (w *writers) until(count int64) {
	w.p.Helper()
	pause := time.NewTicker(time.Millisecond)
	defer pause.Stop()
	for end := time.Now().Add(w.p.patience()); w.count.Load() < count; <-pause.C {
		if time.Now().After(end) {
			w.halt()
			w.p.Fatalf("only %d of %d writes were acknowledged within %v", w.count.Load(), count, w.p.patience())
		}
	}
}

// halt ends the writers and returns what was acknowledged.
func (w *writers) halt() []string {
	w.stop()
	w.all.Wait()
	return w.acknowledged
}

// stored fails the check unless each key is there.
func (c *crowd) stored(what string, keys []string) {
	c.p.Helper()
	var missing []string
	for part := range slices.Chunk(keys, 500) { // of the 1,000 operations that a request may have
		text, err := json.Marshal(part)
		if err != nil {
			c.p.Fatal(err)
		}
		var found struct{ Missing []string }
		res := c.ask(c.p.Context(), http.MethodPost, "/api/missing", string(text))
		if res.err != nil || res.status != http.StatusOK || json.Unmarshal([]byte(res.body), &found) != nil || found.Missing == nil {
			c.p.Fatalf("%s, what was written can't be read: %v", what, res)
		}
		missing = append(missing, found.Missing...)
	}
	if len(missing) > 0 {
		c.p.Errorf("%s, %d of %d acknowledged writes are lost, such as %s; acknowledge what is stored, and not before", what, len(missing), len(keys), missing[0])
	}
}

// spawnSturdy starts a server in a process of its own, with the app of the suite.
func spawnSturdy(p *Probe) (Process, *crowd) {
	p.Helper()
	server := p.Target.(Spawner).Spawn(p)
	return server, crowdOf(p, server, deploy(p, server, sturdy).URL)
}

// stopUnderLoad: a server that is asked to end answers what it has begun, refuses the
// rest, and has all that it acknowledged when it is back.
func stopUnderLoad(p *Probe) {
	server, c := spawnSturdy(p)
	for round := range span(p, 1, 3) {
		w := c.writing(round)
		w.until(50)
		const begun = 8
		var waiting sync.WaitGroup
		for range begun {
			waiting.Go(func() {
				if res := c.get("/api/wait?ms=300&begun=1"); !res.is(`{"waited":"300"}`) {
					p.Errorf("a request that was under way when the server was asked to end is answered %v; answer what has begun", res)
				}
			})
		}
		c.eventually("requests began", "/api/get?key=begun", func(r reply) bool { return r.is(`{"found":true,"value":%d}`, begun*(round+1)) })
		if err := server.Stop(); err != nil {
			p.Error(err)
		}
		waiting.Wait()
		if err := server.Restart(); err != nil {
			p.Fatal(err)
		}
		w.until(w.count.Load() + 50)
		c.stored("after a restart", w.halt())
	}
}

// killUnderLoad: what was acknowledged before kill -9 is there after it, round by round.
// A kill takes the process and not the machine: it does not tell whether writes are on
// the disk or with the system.
func killUnderLoad(p *Probe) {
	server, c := spawnSturdy(p)
	var acknowledged []string
	rounds := span(p, 2, 8)
	for round := range rounds {
		w := c.writing(round)
		w.until(100 + int64(round)*37)
		if err := server.Kill(); err != nil {
			p.Fatal(err)
		}
		if err := server.Restart(); err != nil {
			p.Fatal(err)
		}
		w.until(w.count.Load() + 20) // with the same clients
		acknowledged = append(acknowledged, w.halt()...)
		c.stored(fmt.Sprintf("after kill %d", round+1), acknowledged)
	}
	p.Logf("%d kills, %d acknowledged writes", rounds, len(acknowledged))
}

// fullDisk: without room, writes are refused and say why, what is there can be read, and
// with room again service is as before.
func fullDisk(p *Probe) {
	server, c := spawnSturdy(p)
	w := c.writing(0)
	w.until(50)
	before := w.halt()
	if err := server.FillDisk(); err != nil {
		p.Fatal(err)
	}
	var refused []string
	for n := range 20 {
		key := fmt.Sprintf("full-%d", n)
		res := c.ask(p.Context(), http.MethodPut, pathOf("/api/put", "key", key, "value", n), "")
		if res.is(`{"stored":%d}`, n) {
			p.Errorf("a write without room on the disk is acknowledged")
		} else if res.status < 500 || res.code() == "" || res.err != nil {
			p.Errorf("a write without room on the disk is answered %v; refuse it by a status of 500 and more and a code", res)
		} else if !res.uncertain() {
			refused = append(refused, key)
		}
	}
	c.stored("without room on the disk", before)
	if res := c.get("/"); res.status != http.StatusOK || res.body != sturdyPage {
		p.Errorf("without room on the disk, a page is answered %v", res)
	}
	if err := server.FreeDisk(); err != nil {
		p.Fatal(err)
	}
	c.eventually("there was room again", "/api/put?key=again&value=1", func(r reply) bool { return r.is(`{"stored":1}`) })
	c.absent("after there was room again", refused)
	if err := server.Restart(); err != nil {
		p.Fatal(err)
	}
	c.stored("after a full disk and a restart", append(before, "again"))
	c.absent("after a full disk and a restart", refused)
}

// absent fails the check for each key that is there although its write was refused.
func (c *crowd) absent(what string, keys []string) {
	c.p.Helper()
	for _, key := range keys {
		if res := c.get(pathOf("/api/get", "key", key)); !res.is(`{"found":false}`) {
			c.p.Errorf("%s, a write that was refused is there: %v", what, res)
		}
	}
}
