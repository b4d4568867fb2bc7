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
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/fazt-sh/fazt/harnesstest"
)

// BenchmarkPairs compares this build with another one, row by row of
// [BenchmarkHTTP]. Both run all the time, but only one of them has a load at a
// time, by turns; so what else the machine does is the same for both. It prints
// the medians of this build's figures over the other's, with their quartiles.
//
//	go test -c -o /tmp/other.test .    # in a checkout of the other build
//	FAZT_OTHER=/tmp/other.test go test -run '^$' -bench Pairs -benchtime 1x -timeout 1h .
//
// FAZT_ROWS chooses rows: "floor;kv get, otto". FAZT_PAIRS is how many pairs
// there are for each row, 15 without it, a third of them after both have been
// started anew.
func BenchmarkPairs(b *testing.B) {
	other := os.Getenv("FAZT_OTHER")
	if other == "" {
		b.Skip("FAZT_OTHER names no test binary to compare with")
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	pairs := 15
	if text := os.Getenv("FAZT_PAIRS"); text != "" {
		if pairs, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	const starts = 3
	for b.Loop() {
		ratios := map[string]*pairRatios{}
		var names []string
		for range starts {
			us, them := startSide(b, self), startSide(b, other)
			names = rowsOf(us.rows, os.Getenv("FAZT_ROWS"))
			for i := range (pairs + starts - 1) / starts {
				for _, name := range names {
					if ratios[name] == nil {
						ratios[name] = &pairRatios{}
					}
					ratios[name].add(us, them, name, i%2 == 0)
				}
			}
			us.stop()
			them.stop()
		}
		t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t, "\n\tCPU a request, this/other\trequests/s, this/other\tus a request, this\trequests/s, this\tof the floor\t")
		for _, name := range names {
			r := ratios[name]
			floor := 0.0
			if f := ratios["floor"]; f != nil {
				floor = medianOf(r.ownRate) / medianOf(f.ownRate)
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%.1f\t%.0f\t%.2f\t\n", name, spread(r.cpu), spread(r.rate), medianOf(r.ownCPU), medianOf(r.ownRate), floor)
		}
		t.Flush()
	}
}

type pairRatios struct{ cpu, rate, ownCPU, ownRate []float64 }

func (r *pairRatios) add(us, them *pairSide, row string, usFirst bool) {
	var mine, theirs measured
	if usFirst {
		mine = us.measure(row)
	}
	theirs = them.measure(row)
	if !usFirst {
		mine = us.measure(row)
	}
	r.cpu, r.rate = append(r.cpu, mine.CPU/theirs.CPU), append(r.rate, mine.Rate/theirs.Rate)
	r.ownCPU, r.ownRate = append(r.ownCPU, mine.CPU), append(r.ownRate, mine.Rate)
}

func medianOf(values []float64) float64 { return median(slices.Clone(values)) }

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

// measured is what one load on one side cost: the processor time of the server
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
	s.cmd.Stderr = os.Stderr
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

func (s *pairSide) measure(row string) (m measured) {
	if _, err := fmt.Fprintln(s.in, row); err != nil {
		s.b.Fatal(err)
	}
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
		result, err := harnesstest.Load{Addr: row.addr, Request: row.request, Duration: 500 * time.Millisecond}.Run(context.Background())
		if err != nil {
			b.Fatalf("%s: %v", row.name, err)
		}
		used := processorTime(b) - before
		send(measured{CPU: float64(used.Nanoseconds()) / 1000 / float64(result.Requests), Rate: result.Rate})
	}
}

// processorTime is what this process has used, in the kernel, too.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
