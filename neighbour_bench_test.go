package fazt_test

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest"
)

// BenchmarkNeighbour prints what one app's visitors get while another app, or its
// visitors, make the server do what they like: of each thing that they ask for,
// the ratio of what they have alone, and of what they have beside the same
// traffic sent to a bare net/http server in the same process. Suite Neighbours of
// package harnesstest judges the same attacks.
//
//	go test -run '^$' -bench 'Neighbour$' -benchtime 1x .
func BenchmarkNeighbour(b *testing.B) {
	for b.Loop() {
		table := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
		fmt.Fprintln(table, "what the others do\thandler\tget\tset\tstatic\tset p99\tnot 200\tRSS MiB\t(of alone, of beside a sink)")
		for _, attack := range harnesstest.Attacks() {
			b.Run(attack.Name, func(b *testing.B) { fmt.Fprintln(table, besideAttack(b, attack)) })
		}
		table.Flush()
	}
}

// besideAttack measures one attack on a server of its own, and returns its row.
func besideAttack(b *testing.B, attack harnesstest.Attack) string {
	slots := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(slots + 1)) // as fazt serve does
	srv := harnesstest.Start(b, quiet, func(o *fazt.Options) { o.Slots = slots })
	debug.FreeOSMemory()
	peak, stop := watchRSS()
	got := attack.Measure(b, srv, 1500*time.Millisecond)
	stop()
	cells := []string{attack.Name}
	var setP99 time.Duration
	var notOK int64
	for _, a := range got.Asked {
		cells = append(cells, fmt.Sprintf("%.2f %.2f", a.Beside/a.Alone, a.Beside/a.Sink))
		b.ReportMetric(a.Beside/a.Sink, a.What+"/sink")
		if a.What == "set" {
			setP99 = a.P99
		}
		notOK += a.NotOK
	}
	b.ReportMetric(float64(setP99.Milliseconds()), "set-p99-ms")
	b.ReportMetric(float64(notOK), "not-200")
	b.ReportMetric(float64(*peak>>20), "RSS-MiB")
	return strings.Join(append(cells, setP99.Round(time.Millisecond).String(), strconv.FormatInt(notOK, 10), strconv.FormatInt(*peak>>20, 10)), "\t")
}

// watchRSS finds the most memory that the process holds until stop is called.
func watchRSS() (peak *int64, stop func()) {
	peak = new(int64)
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			*peak = max(*peak, rss())
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	}()
	return peak, func() { close(done); <-stopped }
}

// rss is the process's resident memory, in bytes.
func rss() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0 // not on Linux
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
