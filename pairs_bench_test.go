package fazt_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fazt-sh/fazt/harnesstest/load"
)

// BenchmarkPairs compares this build with another one, row by row of
// [BenchmarkHTTP]. Both run all the time. By turns each has the load, so that a
// machine whose speed drifts does so for both alike; or, with FAZT_TOGETHER=1, both
// have it at once: where others use the machine, too, what they take is then the
// same for both, and what a request costs can be compared, though not how fast an
// answer comes. It prints the medians of the other build's figures over this one's,
// with their quartiles.
//
//	go test -c -o /tmp/other.test .    # in a checkout of the other build
//	FAZT_OTHER=/tmp/other.test go test -run '^$' -bench Pairs -benchtime 1x -timeout 1h .
//
// FAZT_ROWS chooses rows: "floor;kv get, otto". FAZT_PAIRS is how many pairs of
// a second each there are for a row, 12 without it; both builds are started anew
// before the second half of them.
func BenchmarkPairs(b *testing.B) {
	other := os.Getenv("FAZT_OTHER")
	if other == "" {
		b.Skip("FAZT_OTHER names no test binary to compare with")
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	pairs := 12
	if text := os.Getenv("FAZT_PAIRS"); text != "" {
		if pairs, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	const starts = 2
	for b.Loop() {
		ratios := map[string]*pairRatios{}
		var names []string
		for range starts {
			us, them := startSide(b, self), startSide(b, other)
			names = rowsOf(us.rows, os.Getenv("FAZT_ROWS"))
			for _, name := range names {
				if ratios[name] == nil {
					ratios[name] = &pairRatios{}
				}
				for i := range (pairs + starts - 1) / starts {
					ratios[name].add(us, them, name, i%2 == 0)
				}
			}
			us.stop()
			them.stop()
		}
		t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t, "\n\tCPU a request, other/this\trequests/s, other/this\tus a request, this\trequests/s, this\tof the floor, other\tfailed\t")
		for _, name := range names {
			r := ratios[name]
			if len(r.cpu) == 0 {
				b.Fatalf("%s: every load failed", name)
			}
			floor := 0.0
			if f := ratios["floor"]; f != nil {
				floor = medianRatio(r.otherRate, f.otherRate)
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%.1f\t%.0f\t%.2f\t%d\t\n", name, spread(r.cpu), spread(r.rate), medianOf(r.ownCPU), medianOf(r.ownRate), floor, r.failed)
		}
		t.Flush()
	}
}

type pairRatios struct {
	cpu, rate, ownCPU, ownRate, otherRate []float64
	failed                                int
}

func (r *pairRatios) add(us, them *pairSide, row string, usFirst bool) {
	var mine, theirs measured
	if os.Getenv("FAZT_TOGETHER") != "" {
		us.begin(row)
		theirs, mine = them.measure(row), us.end(row)
	} else if usFirst {
		mine, theirs = us.measure(row), them.measure(row)
	} else {
		theirs, mine = them.measure(row), us.measure(row)
	}
	if mine.Rate == 0 || theirs.Rate == 0 {
		r.failed++
		return
	}
	r.cpu, r.rate = append(r.cpu, theirs.CPU/mine.CPU), append(r.rate, theirs.Rate/mine.Rate)
	r.ownCPU, r.ownRate = append(r.ownCPU, mine.CPU), append(r.ownRate, mine.Rate)
	r.otherRate = append(r.otherRate, theirs.Rate)
}

func medianOf(values []float64) float64 { return median(slices.Clone(values)) }

func medianRatio(a, b []float64) float64 {
	ratios := make([]float64, min(len(a), len(b)))
	for i := range ratios {
		ratios[i] = a[i] / b[i]
	}
	return median(ratios)
}

// spread is a median with its quartiles.
func spread(values []float64) string {
	v := slices.Sorted(slices.Values(values))
	return fmt.Sprintf("%.3f (%.3f-%.3f)", v[len(v)/2], v[len(v)/4], v[len(v)*3/4])
}

func rowsOf(all []string, chosen string) []string {
	if chosen == "" {
		return all
	}
	return strings.Split(chosen, ";")
}

// measured is what one load on one side cost, zero if that failed: the processor time of the server
// and its client, in us a request, and requests a second.
type measured struct{ CPU, Rate float64 }

// pairSide is a test binary that waits for the names of rows.
type pairSide struct {
	b       *testing.B
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *json.Decoder
	out     *os.File
	rows    []string
}

func startSide(b *testing.B, binary string) *pairSide {
	b.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	s := &pairSide{b: b, out: r, answers: json.NewDecoder(r)}
	s.cmd = exec.CommandContext(b.Context(), binary, "-test.run", "^$", "-test.bench", "^BenchmarkPairSide$", "-test.benchtime", "1x", "-test.timeout", "1h")
	s.cmd.Env = append(os.Environ(), "FAZT_PAIR_SIDE=1")
	s.cmd.ExtraFiles = []*os.File{w}
	s.cmd.Stdout, s.cmd.Stderr = os.Stderr, os.Stderr
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		b.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	w.Close()
	if err := s.answers.Decode(&s.rows); err != nil {
		b.Fatalf("%s: %v", binary, err)
	}
	return s
}

func (s *pairSide) measure(row string) measured {
	s.begin(row)
	return s.end(row)
}

func (s *pairSide) begin(row string) {
	if _, err := fmt.Fprintln(s.in, row); err != nil {
		s.b.Fatal(err)
	}
}

func (s *pairSide) end(row string) (m measured) {
	if err := s.answers.Decode(&m); err != nil {
		s.b.Fatalf("%s: %s: %v", s.cmd.Path, row, err)
	}
	return m
}

func (s *pairSide) stop() {
	s.in.Close()
	if err := s.cmd.Wait(); err != nil {
		s.b.Fatalf("%s: %v", s.cmd.Path, err)
	}
	s.out.Close()
}

// BenchmarkPairSide is one side of [BenchmarkPairs], which starts it.
func BenchmarkPairSide(b *testing.B) {
	if os.Getenv("FAZT_PAIR_SIDE") == "" {
		b.Skip("BenchmarkPairs starts this one")
	}
	rows := map[string]*benchRow{}
	var names []string
	for _, row := range startBenchmark(b) {
		rows[row.name] = row
		names = append(names, row.name)
	}
	out := json.NewEncoder(os.NewFile(3, "answers"))
	send := func(x any) {
		if err := out.Encode(x); err != nil {
			b.Fatal(err)
		}
	}
	send(names)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		row := rows[lines.Text()]
		if row == nil {
			b.Fatalf("there is no row %q", lines.Text())
		}
		before := processorTime(b)
		result, err := load.Load{Dial: load.TCP(row.addr), Request: row.request}.Run(context.Background())
		if err == nil {
			err = result.Err()
		}
		if err != nil { // refused, where others take the processors for too long
			send(measured{})
			continue
		}
		used := processorTime(b) - before
		send(measured{CPU: float64(used.Nanoseconds()) / 1000 / float64(result.Requests()), Rate: result.Rate()})
	}
}

// processorTime is what this process has used, in the kernel, too. It isn't that of
// getrusage, which the kernel estimates from ticks.
func processorTime(b *testing.B) time.Duration {
	var used unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Nano())
}
