package fazt_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/harnesstest/faults"
)

// BenchmarkNeighbour prints what one app's visitors get while another app, or its
// visitors, make the server do what they like: of each thing that they ask for,
// the ratio of what they have alone, and of what they have beside the same
// traffic sent to a bare net/http server. The server is fazt serve in a process of its
// own; its visitors and the bare one are in the benchmark's. Of its memory, the table
// has the most that it held, and after how long it was below 100 MiB again, or what it
// held a minute after the attack. Suite Neighbours of package harnesstest judges the
// same attacks.
//
//	go test -run '^$' -bench '^BenchmarkNeighbour$' -benchtime 1x .
func BenchmarkNeighbour(b *testing.B) {
	program := filepath.Join(b.TempDir(), "fazt")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", program, "./cli/fazt").CombinedOutput(); err != nil {
		b.Fatalf("go build: %v\n%s", err, out)
	}
	for b.Loop() {
		table := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
		fmt.Fprintln(table, "what the others do\thandler\tget\tset\tstatic\tset p99\tnot 200\tRSS MiB\tafter\t(of alone, of beside a sink)")
		for _, attack := range harnesstest.Attacks() {
			b.Run(attack.Name, func(b *testing.B) { fmt.Fprintln(table, besideAttack(b, program, attack)) })
		}
		table.Flush()
	}
}

// besideAttack measures one attack on a server of its own, and returns its row.
func besideAttack(b *testing.B, program string, attack harnesstest.Attack) string {
	srv, pid := serveAlone(b, program)
	peak, stop := watchRSS(pid)
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
	after := shrinks(pid, 100<<20)
	b.ReportMetric(float64(setP99.Milliseconds()), "set-p99-ms")
	b.ReportMetric(float64(notOK), "not-200")
	b.ReportMetric(float64(*peak>>20), "RSS-MiB")
	return strings.Join(append(cells, setP99.Round(time.Millisecond).String(), strconv.FormatInt(notOK, 10), strconv.FormatInt(*peak>>20, 10), after), "\t")
}

// serveAlone runs fazt serve until the benchmark ends.
func serveAlone(b *testing.B, program string) (srv *harnesstest.Server, pid int) {
	dataFile := filepath.Join(b.TempDir(), "data.db")
	process, err := faults.Command{
		Path: program, Args: []string{"serve", "--db", dataFile, "--addr", "127.0.0.1:0", "--rate-limit", "0"},
		Answers: regexp.MustCompile(`msg=serving url=(http://\S+)/`),
	}.Start(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := process.Kill(); err != nil {
			b.Error(err)
		}
	})
	key, err := exec.CommandContext(b.Context(), program, "auth", "key", "create", "bench", "--scopes", "admin", "--db", dataFile).Output()
	if err != nil {
		b.Fatal(err)
	}
	b.Setenv("FAZT_TARGET", process.Answer()[1])
	b.Setenv("FAZT_TOKEN", strings.TrimSpace(string(key)))
	return harnesstest.Attach(b), process.PID()
}

// shrinks waits until a process holds less than so many bytes, a minute at most, and
// returns how long that took, or what it holds.
func shrinks(pid int, bytes int64) string {
	start := time.Now()
	for time.Since(start) < time.Minute {
		if rss(pid) < bytes {
			return time.Since(start).Round(time.Second).String()
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Sprintf("%d MiB", rss(pid)>>20)
}

// watchRSS finds the most memory that a process holds until stop is called.
func watchRSS(pid int) (peak *int64, stop func()) {
	peak = new(int64)
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			*peak = max(*peak, rss(pid))
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	}()
	return peak, func() { close(done); <-stopped }
}

// rss is a process's resident memory, in bytes.
func rss(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0 // not on Linux
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
