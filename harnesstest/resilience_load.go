package harnesstest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/load"
)

// sound fails the check for what a load saw that is neither right nor a clear refusal.
func sound(p *Probe, what string, res *load.Result, err error) {
	p.Helper()
	if err != nil {
		p.Fatalf("%s: %v", what, err)
	}
	p.Record(res)
	if n := res.Wrong.Count(); n > 0 {
		p.Errorf("%s: %d of %d answers are wrong: %v", what, n, res.Requests(), res.Examples)
	}
	if len(res.Errors) > 0 {
		p.Errorf("%s: requests without an answer: %v, such as %v; what can't be served is to be refused", what, maps.Clone(res.Errors), res.Examples)
	}
	if res.NoRetryAfter > 0 {
		p.Errorf("%s: %d of %d refusals don't say when to come again; send Retry-After", what, res.NoRetryAfter, res.Refused.Count())
	}
}

// concurrentLoad: many connections at once get what one gets at rest, and so does one
// afterwards.
func concurrentLoad(p *Probe) {
	c, path := calm(p)
	rest := c.rest(path)
	request := load.Get(hostOf(c.origin), path)
	res, err := load.Load{
		Dial: spread(p.Target, 4), Connections: 200, Duration: span(p, time.Second, 5*time.Second), Timeout: p.patience(),
		Request: load.Same(request),
		Check:   func(_ int, a load.Answer) error { return rest.wrong(a.Status, string(a.Body)) },
	}.Run(p.Context())
	sound(p, "200 connections", res, err)
	c.eventually("200 connections", path, func(r reply) bool { return r.err == nil && rest.wrong(r.status, r.body) == nil })
}

// sustainedLoad: a steady mixture of reads and writes is answered right, each by its
// own answer, and no write that was acknowledged is lost or done twice.
func sustainedLoad(p *Probe) {
	c := crowdOf(p, p.Target, p.Deploy(sturdy).URL)
	host := hostOf(c.origin)
	var added atomic.Int64
	res, err := load.Load{
		Dial: spread(p.Target, 4), Arrivals: load.Poisson(100, 1), Duration: span(p, 2*time.Second, 15*time.Second), Timeout: p.patience(),
		Request: func(n int) []byte {
			switch n % 3 {
			case 0:
				return load.Post(host, "/api/add?key=total&value=1", "")
			case 1:
				return load.Get(host, fmt.Sprintf("/api/echo?n=%d", n))
			}
			return load.Get(host, "/")
		},
		Check: func(n int, a load.Answer) error {
			right := a.Status == http.StatusOK
			switch n % 3 {
			case 0:
				if right = right && bytes.HasPrefix(a.Body, []byte(`{"value":`)); right {
					added.Add(1)
				}
			case 1:
				right = right && string(a.Body) == fmt.Sprintf(`{"n":%d}`, n)
			default:
				right = right && string(a.Body) == sturdyPage
			}
			if !right {
				return fmt.Errorf("request %d is answered %d %s", n, a.Status, clip(string(a.Body)))
			}
			return nil
		},
	}.Run(p.Context())
	sound(p, "a steady load", res, err)
	if p.Failed() {
		return // the numbers below go by what was answered
	}
	if got := c.post("/api/add?key=total&value=0"); !got.is(`{"value":%d}`, added.Load()) {
		p.Errorf("%d additions were acknowledged, and their sum is %v", added.Load(), got)
	}
}

// saturation: more than can wait is refused, with when to come again; files go on as if
// nothing were, and handlers when it is over.
func saturation(p *Probe) {
	c := crowdOf(p, p.Target, p.Deploy(sturdy).URL)
	host := hostOf(c.origin)
	const loops = 50_000 // some milliseconds
	first := c.get(pathOf("/api/work", "n", 1, "loops", loops))
	if first.status != http.StatusOK {
		p.Fatalf("at rest, /api/work is answered %v", first)
	}
	_, sum, _ := strings.Cut(first.body, ",")
	ctx, stop := context.WithCancel(p.Context())
	var files sync.WaitGroup
	var pages atomic.Int64
	reader := newCrowd(p, c.origin, spread(p.Target, 1), p.patience())
	files.Go(func() {
		for ctx.Err() == nil {
			if res := reader.ask(p.Context(), http.MethodGet, "/", ""); res.status != http.StatusOK || res.body != sturdyPage || res.err != nil {
				p.Errorf("while handlers are overloaded, a file is answered %v; files are not to wait for them", res)
				return
			}
			pages.Add(1)
		}
	})
	res, err := load.Load{
		Dial: spread(p.Target, 8), Connections: 800, Duration: span(p, time.Second/2, 4*time.Second), Timeout: p.patience(),
		Request: func(n int) []byte { return load.Get(host, pathOf("/api/work", "n", n, "loops", loops)) },
		Check: func(n int, a load.Answer) error {
			if want := fmt.Sprintf(`{"n":%d,%s`, n, sum); a.Status != http.StatusOK || string(a.Body) != want {
				return fmt.Errorf("request %d is answered %d %s, want %s", n, a.Status, clip(string(a.Body)), want)
			}
			return nil
		},
	}.Run(p.Context())
	stop()
	files.Wait()
	sound(p, "800 connections to a handler that computes", res, err)
	if res.Refused.Count() == 0 {
		p.Logf("nothing of %d requests was refused: the target has room for 800 handlers at once", res.Requests())
	}
	p.Logf("%d answered, %d refused, %d pages beside", res.OK.Count(), res.Refused.Count(), pages.Load())
	c.eventually("saturation", "/api/echo?n=3", func(r reply) bool { return r.is(`{"n":3}`) })
}

// memoryPressure: handlers that grow to their limit and bodies of some megabytes, many
// at once, are answered right or refused, and an ordinary request goes on after them.
func memoryPressure(p *Probe) {
	c := crowdOf(p, p.Target, p.Deploy(sturdy).URL)
	body, err := json.Marshal(strings.Repeat("x", 700<<10))
	if err != nil {
		p.Fatal(err)
	}
	const mib = 200 // more than a handler may have, of which each step has some
	var all sync.WaitGroup
	var grown, refused atomic.Int64
	for range span(p, 6, 12) {
		all.Go(func() {
			for range span(p, 1, 3) {
				switch res := c.get(pathOf("/api/grow", "mib", mib)); {
				case res.is(`{"grown":%d}`, mib):
					grown.Add(1)
				case res.refused():
					refused.Add(1)
				default:
					p.Errorf("a handler that takes much memory is answered %v; refuse it clearly", res)
				}
			}
		})
		all.Go(func() {
			for range span(p, 4, 10) {
				res := c.ask(p.Context(), http.MethodPost, "/api/length", string(body))
				if !res.is(`{"length":%d}`, len(body)) && !res.refused() {
					p.Errorf("a body of %d bytes beside handlers that take much memory is answered %v", len(body), res)
				}
			}
		})
	}
	all.Wait()
	p.Logf("%d handlers had the memory, %d were refused", grown.Load(), refused.Load())
	c.eventually("memory pressure", "/api/echo?n=3", func(r reply) bool { return r.is(`{"n":3}`) })
}
