package fazt_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/harnesstest/load"
)

// BenchmarkManyNeighbours measures one app beside others that are busy all the
// time: 25 that compute, with 4 visitors each, and two that only wait, with 40
// visitors each. It prints the app's rate of what it has alone: its share beside
// the first is a 26th, 0.038.
//
//	go test -run '^$' -bench ManyNeighbours -benchtime 1x .
func BenchmarkManyNeighbours(b *testing.B) {
	for _, c := range []struct {
		name, js       string
		apps, visitors int
	}{
		{"20ms", `function handler(request) { var x = 0, end = Date.now() + 20; while (Date.now() < end) x++; return {x: x}; }`, 25, 4},
		{"loops", `function handler(request) { while (true) {} }`, 25, 4},
		{"waiting", `async function handler(request) { await new Promise(r => setTimeout(r, 9500)); return 1; }`, 2, 40},
	} {
		b.Run(c.name, func(b *testing.B) {
			srv := harnesstest.Start(b, quiet)
			app := srv.Deploy(fstest.MapFS{"api/main.js": {Data: []byte(`function handler(request) { var s = 0; for (var i = 0; i < 200; i++) s += i; return {s: s}; }`)}})
			var others []*harnesstest.App
			for range c.apps {
				others = append(others, srv.Deploy(fstest.MapFS{"api/main.js": {Data: []byte(c.js)}}))
			}
			rate := func(visitors int) float64 {
				return answersOK(b, address(srv.URL), load.Get(address(app.URL), "/api"), visitors)
			}
			for b.Loop() {
				alone4, alone32 := rate(4), rate(32)
				ctx, cancel := context.WithCancel(b.Context())
				var loads sync.WaitGroup
				for i, other := range others {
					request := load.Get(address(other.URL), "/api")
					loads.Go(func() {
						// Its error is the context's, when it is stopped.
						_, _ = load.Load{Dial: load.TCP(address(srv.URL), fmt.Sprintf("127.0.0.%d", 2+i)), Connections: c.visitors,
							Duration: time.Minute, Request: load.Same(request)}.Run(ctx)
					})
				}
				time.Sleep(2 * time.Second)
				four, many := rate(4)/alone4, rate(32)/alone32
				cancel()
				loads.Wait()
				b.ReportMetric(four, "alone/4-visitors")
				b.ReportMetric(many, "alone/32-visitors")
				fmt.Printf("%s: alone %.0f and %.0f/s; beside them %.3f and %.3f of it\n", c.name, alone4, alone32, four, many)
			}
		})
	}
}

// answersOK is how many requests a second are answered well, for so many visitors
// who send one after the other for 3 s.
func answersOK(b *testing.B, addr string, request []byte, visitors int) float64 {
	b.Helper()
	result, err := load.Load{Dial: load.TCP(addr), Connections: visitors, Duration: 3 * time.Second, Request: load.Same(request)}.Run(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return result.Rate()
}
