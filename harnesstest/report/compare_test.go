package report_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/load"
	"github.com/fazt-sh/fazt/harnesstest/report"
)

// runs are n runs around a rate and a p99, with some noise.
func runs(random *rand.Rand, n int, rate, p99, ofFloor float64) (all []report.Run) {
	for range n {
		noise := 1 + 0.02*random.NormFloat64()
		all = append(all, report.Run{
			Rate: rate * noise, P99: time.Duration(p99 * noise), RateOfFloor: ofFloor * noise, P99OfFloor: ofFloor * noise,
		})
	}
	return all
}

func TestCompare(t *testing.T) {
	for _, test := range []struct {
		name       string
		loop       report.Loop
		base, now  int // runs
		times      float64
		want       report.Verdict
		comparable int // others, that are the same
	}{
		{"faster", report.Closed, 10, 5, 1.3, report.Better, 0},
		{"slower", report.Closed, 10, 5, 0.8, report.Worse, 0},
		{"slower, one of many", report.Closed, 10, 5, 0.8, report.Worse, 30},
		{"the same", report.Closed, 10, 5, 1, report.NoDifference, 0},
		{"longer", report.Open, 10, 5, 1.3, report.Worse, 0},
		{"shorter", report.Open, 10, 5, 0.8, report.Better, 0},
		{"less than matters", report.Closed, 30, 30, 1.03, report.NoDifference, 0},
		{"one against one", report.Closed, 1, 1, 0.5, report.TooFewRuns, 0},
		{"three against three", report.Closed, 3, 3, 0.5, report.TooFewRuns, 0},
		{"few, of many", report.Closed, 5, 5, 0.8, report.TooFewRuns, 30},
	} {
		t.Run(test.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(5, 6))
			base, now := report.New("base"), report.New("now")
			base.Add(report.Measurement{Name: "x", Loop: test.loop, Connections: 10, Runs: runs(random, test.base, 1000, 1e6, 0)})
			now.Add(report.Measurement{Name: "x", Loop: test.loop, Connections: 10, Runs: runs(random, test.now, 1000*test.times, 1e6*test.times, 0)})
			for i := range test.comparable {
				for _, r := range []*report.Report{base, now} {
					n := test.base
					if r == now {
						n = test.now
					}
					r.Add(report.Measurement{Name: "y", Loop: test.loop, Connections: i, Runs: runs(random, n, 1000, 1e6, 0)})
				}
			}
			c := report.Compare(base, now)
			if got := c.Changes[0]; got.Verdict != test.want || got.OfFloor || len(c.Changes) != test.comparable+1 {
				t.Errorf("of %d: %v, p %v, adjusted %v; want %s", len(c.Changes), got, got.P, got.Adjusted, test.want)
			}
			if worse := c.Regressions(); (len(worse) > 0 && worse[0].Name == "x") != (test.want == report.Worse) {
				t.Errorf("regressions: %v", worse)
			}
		})
	}
}

// A slower machine is no slower server: ratios to the floor are compared where both
// sides have them.
func TestCompareOfFloor(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	base, now := report.New("base"), report.New("now")
	base.Add(report.Measurement{Name: "x", Loop: report.Closed, Connections: 1, Runs: runs(random, 10, 1000, 1e6, 0.5)},
		report.Measurement{Name: "floor", Loop: report.Closed, Connections: 1, Runs: runs(random, 10, 2000, 1e6, 0)},
		report.Measurement{Name: "not now", Loop: report.Closed, Connections: 1, Runs: runs(random, 10, 2000, 1e6, 0)})
	now.Add(report.Measurement{Name: "x", Loop: report.Closed, Connections: 1, Runs: runs(random, 5, 300, 1e6, 0.5)},
		report.Measurement{Name: "floor", Loop: report.Closed, Connections: 1, Runs: runs(random, 5, 600, 1e6, 0)})
	c := report.Compare(base, now)
	if len(c.Changes) != 1 || !c.Changes[0].OfFloor || c.Changes[0].Verdict != report.NoDifference {
		t.Errorf("%v", c.Changes)
	}
}

// Runs in which the generator fell behind are compared with nothing, and are in no
// figure.
func TestInvalidRuns(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	base, now := report.New("base"), report.New("now")
	good, bad := runs(random, 10, 1000, 1e6, 0), runs(random, 10, 10, 1e9, 0)
	for i := range bad {
		bad[i].Invalid = "the generator fell behind"
	}
	base.Add(report.Measurement{Name: "x", Loop: report.Closed, Connections: 1, Runs: append(good, bad...)},
		report.Measurement{Name: "all", Loop: report.Closed, Connections: 1, Runs: bad})
	now.Add(report.Measurement{Name: "x", Loop: report.Closed, Connections: 1, Runs: good},
		report.Measurement{Name: "all", Loop: report.Closed, Connections: 1, Runs: good})
	c := report.Compare(base, now)
	if len(c.Changes) != 1 || c.Changes[0].BaselineRuns != 10 || c.Changes[0].Verdict != report.NoDifference {
		t.Errorf("%v", c.Changes)
	}
	text := written(t, base.Text)
	if !strings.Contains(text, "invalid  ") || !strings.Contains(text, "10 of 10") || !strings.Contains(text, "10 of 20") || strings.Contains(text, "505") {
		t.Errorf("the text is\n%s", text)
	}
}

func TestFromLoad(t *testing.T) {
	srv := handler(t)
	result, err := load.Load{Dial: load.TCP(srv), Connections: 2, Duration: 200 * time.Millisecond, Request: func(n int) []byte {
		return load.Get("h", []string{"/", "/", "/busy", "/wrong"}[n%4])
	}}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run := report.FromLoad(result, 0, &report.Run{Rate: 2 * result.Rate(), P99: result.OK.At(99) / 2})
	if run.Rate <= 0 || run.Requests != result.Requests() || run.P50 <= 0 || run.Max < run.P50 || run.RateOfFloor != 0.5 {
		t.Errorf("%+v", run)
	}
	if run.Failed["refused"] != result.Refused.Count() || run.Failed["wrong"] != result.Wrong.Count() || len(run.Failed) != 2 {
		t.Errorf("failed: %v", run.Failed)
	}
	// The thousandth slowest of fewer than a thousand is the slowest.
	if few := result.OK.Count() < 1000; few != (run.P999 == 0) {
		t.Errorf("p99.9 of %d is %v", result.OK.Count(), run.P999)
	}
}
