package fazt_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/harnesstest/load"
)

// quiet is how the benchmarks' servers run: as in production, but for the rate
// limit, since all the load comes from this machine.
func quiet(o *fazt.Options) { o.Dev, o.Logger = false, slog.New(slog.DiscardHandler) }

func address(url string) string { return strings.TrimPrefix(url, "http://") }

// BenchmarkOverload sends ten times what a handler that computes for 10 ms can
// answer, and prints what becomes of it.
//
//	go test -run '^$' -bench Overload -benchtime 1x .
func BenchmarkOverload(b *testing.B) {
	srv := harnesstest.Start(b, quiet)
	app := srv.Deploy(fstest.MapFS{"api/main.js": {Data: []byte(`
function handler(request) {
	var n = Number(request.query.n), x = 0;
	for (var i = 0; i < n; i++) x += i;
	return {x: x};
}`)}})
	n := calibrate(b, app, 10*time.Millisecond)
	addr, request := address(srv.URL), load.Get(address(app.URL), fmt.Sprintf("/api?n=%d", n))
	for b.Loop() {
		knee := mustLoad(b, load.Load{Dial: load.TCP(addr), Connections: 4, Duration: 3 * time.Second, Request: load.Same(request)})
		peak, stop := watchHeap()
		over, err := load.Load{
			Dial:     load.TCP(addr, "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"),
			Arrivals: load.Constant(10 * knee.Rate()), Duration: 8 * time.Second, Request: load.Same(request),
		}.Run(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		stop()
		start := time.Now()
		if res := app.Get(fmt.Sprintf("/api?n=%d", n)); res.Status != http.StatusOK {
			b.Errorf("after the load: %v", res)
		}
		after := time.Since(start)
		goodput := over.Rate() / knee.Rate()
		fmt.Printf("knee %.0f/s p99 %v; at %.0f/s: ok %d, refused %d (%d without Retry-After), wrong %d, failed %v %v %s\n",
			knee.Rate(), knee.OK.At(99), 10*knee.Rate(), over.OK.Count(), over.Refused.Count(), over.NoRetryAfter, over.Wrong.Count(),
			over.Errors, over.Examples, over.Invalid)
		fmt.Printf("goodput %.2f of the knee; admitted p50 %v p99 %v; refusals p99 %v max %v; heap peak %d MiB; the next request after %v\n",
			goodput, over.OK.At(50), over.OK.At(99), over.Refused.At(99), over.Refused.Max(), *peak>>20, after)
		b.ReportMetric(goodput, "goodput/knee")
		b.ReportMetric(over.OK.At(99).Seconds()*1000, "admitted-p99-ms")
		b.ReportMetric(over.Refused.At(99).Seconds()*1000, "refused-p99-ms")
		b.ReportMetric(after.Seconds()*1000, "after-ms")
	}
}

// calibrate finds how far to count for a handler to take d.
func calibrate(b *testing.B, app *harnesstest.App, d time.Duration) int {
	n := 1000
	for {
		var times []time.Duration
		for range 7 {
			start := time.Now()
			if res := app.Get(fmt.Sprintf("/api?n=%d", n)); res.Status != http.StatusOK {
				b.Fatal(res)
			}
			times = append(times, time.Since(start))
		}
		took := median(times)
		if took >= d/2 {
			return int(float64(n) * float64(d) / float64(took))
		}
		n *= 2
	}
}

// watchHeap finds the highest heap until stop is called.
func watchHeap() (peak *uint64, stop func()) {
	peak = new(uint64)
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			*peak = max(*peak, m.HeapInuse)
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	}()
	return peak, func() { close(done); <-stopped }
}

// BenchmarkNoisyNeighbour measures one app while another runs endless loops and
// is flooded, against what it does alone: its handler on half the processors,
// its files on all.
//
//	go test -run '^$' -bench NoisyNeighbour -benchtime 1x .
func BenchmarkNoisyNeighbour(b *testing.B) {
	start := func() (srv *harnesstest.Server, victim *harnesstest.App) {
		srv = harnesstest.Start(b, quiet)
		return srv, srv.Deploy(fstest.MapFS{
			"1k.bin":      {Data: make([]byte, 1024)},
			"api/main.js": {Data: []byte(`function handler(request) { var s = 0; for (var i = 0; i < 200; i++) s += i; return {s: s}; }`)},
		})
	}
	procs := runtime.GOMAXPROCS(max(1, runtime.GOMAXPROCS(0)/2))
	half, halfApp := start()
	runtime.GOMAXPROCS(procs)
	whole, app := start()
	noisy := whole.Deploy(fstest.MapFS{"api/main.js": {Data: []byte(`function handler() { while (true) {} }`)}})
	rate := func(srv *harnesstest.Server, app *harnesstest.App, path string) float64 {
		request := load.Same(load.Get(address(app.URL), path))
		return mustLoad(b, load.Load{Dial: load.TCP(address(srv.URL)), Duration: 2 * time.Second, Request: request}).Rate()
	}
	for b.Loop() {
		var handlers, statics []float64
		for range 3 {
			runtime.GOMAXPROCS(max(1, procs/2))
			alone := rate(half, halfApp, "/api")
			runtime.GOMAXPROCS(procs)
			files := rate(whole, app, "/1k.bin")
			stop := flood(b, whole, noisy)
			handler, file := rate(whole, app, "/api"), rate(whole, app, "/1k.bin")
			refused := stop()
			handlers, statics = append(handlers, handler/alone), append(statics, file/files)
			fmt.Printf("handler %.0f/s alone on half, %.0f/s beside the noise; files %.0f/s alone, %.0f/s beside; the flood got %.0f answers/s\n",
				alone, handler, files, file, refused)
		}
		b.ReportMetric(median(handlers), "handler/half-alone")
		b.ReportMetric(median(statics), "static/alone")
	}
}

// flood sends to an app on 100 connections, until it is stopped.
func flood(b *testing.B, srv *harnesstest.Server, app *harnesstest.App) (stop func() (rate float64)) {
	ctx, cancel := context.WithCancel(b.Context())
	rate := make(chan float64, 1)
	request := load.Get(address(app.URL), "/api")
	go func() {
		// Its error is the context's, when it is stopped.
		r, err := load.Load{
			Dial: load.TCP(address(srv.URL), "127.0.0.2"), Connections: 100, Duration: time.Minute, Request: load.Same(request),
		}.Run(ctx)
		if r == nil {
			b.Errorf("flood: %v", err)
			rate <- 0
			return
		}
		rate <- float64(r.Requests()) / r.Elapsed.Seconds()
	}()
	select { // the loops have begun when the first is stopped or refused
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
	return func() float64 {
		cancel()
		return <-rate
	}
}
