package report

import (
	"fmt"
	"maps"
	"time"
)

// Comparison is a report held against a baseline.
type Comparison struct {
	// The baseline's own.
	Made     time.Time         `json:"made"`
	Machine  Machine           `json:"machine"`
	Versions map[string]string `json:"versions,omitempty"`
	Changes  []Change          `json:"changes"`
}

// Metric is what is compared.
type Metric string

const (
	Throughput Metric = "throughput" // good answers a second, in a closed loop
	TailTime   Metric = "p99"        // 99th percentile of latency, in an open loop
)

// Verdict is what a comparison found.
type Verdict string

const (
	Better       Verdict = "better"
	Worse        Verdict = "worse"
	NoDifference Verdict = "no difference found"
	TooFewRuns   Verdict = "too few runs"
)

// The bounds of a verdict. A difference counts where at most a twentieth of all that
// are found are so by chance, and where it is a twentieth or more itself: with enough
// runs, every difference is significant, and most are nobody's concern.
const (
	significance = 0.05
	leastChange  = 0.05
	confidence   = 0.95
)

// Change is one measurement against the baseline's.
type Change struct {
	Name        string `json:"name"`
	Loop        Loop   `json:"loop"`
	Connections int    `json:"connections"`
	Metric      Metric `json:"metric"`
	// OfFloor says that ratios to the floor were compared, and not the figures as
	// they are.
	OfFloor bool `json:"of_floor,omitempty"`
	// Ratio is now over baseline; Low and High are its confidence interval of 95%, and
	// 0 where there are too few runs for one.
	Ratio float64 `json:"ratio"`
	Low   float64 `json:"low,omitempty"`
	High  float64 `json:"high,omitempty"`
	// P is the probability of such a difference between runs of one and the same, and
	// Adjusted is the same for one of so many comparisons.
	P        float64 `json:"p"`
	Adjusted float64 `json:"adjusted_p"`
	// BaselineRuns and Runs are how many valid ones there were.
	BaselineRuns int     `json:"baseline_runs"`
	Runs         int     `json:"runs"`
	Verdict      Verdict `json:"verdict"`
}

// Regressions are the changes for the worse.
func (c *Comparison) Regressions() (worse []Change) {
	if c == nil {
		return nil
	}
	for _, change := range c.Changes {
		if change.Verdict == Worse {
			worse = append(worse, change)
		}
	}
	return worse
}

// Compare holds every measurement of now that the baseline has, too, against it:
// throughput in closed loops, the 99th percentile in open ones, as ratios to the floor
// where both have one. The floor itself is what machines differ in, and not compared.
// The runs are two samples: the U test of Mann and Whitney says how likely such a
// difference is by chance, adjusted by the procedure of Benjamini and Hochberg for the
// number of comparisons, and the estimate of Hodges and Lehmann how large it is.
//
// It supposes that the runs are independent of each other. Those of one process are
// less so than those of many, and a saved baseline was measured on another day, maybe
// on another machine; so a difference says that the two samples differ, not that the
// code between them is the reason. To decide about code, measure both versions by turns.
//
// With n and m runs, no difference at all has a smaller probability than 2/C(n+m, n),
// so that with a few dozen comparisons it takes about 10 runs in the baseline and 5
// now to find one that is alone. [TooFewRuns] says where that is the case.
func Compare(baseline, now *Report) *Comparison {
	c := &Comparison{Made: baseline.Made, Machine: baseline.Machine, Versions: maps.Clone(baseline.Versions)}
	var ps []float64
	for _, m := range now.Measurements {
		for _, b := range baseline.Measurements {
			if m.Name == Floor || b.Name != m.Name || b.Loop != m.Loop || b.Connections != m.Connections {
				continue
			}
			if change, ok := compare(b, m); ok {
				c.Changes = append(c.Changes, change)
				ps = append(ps, change.P)
			}
		}
	}
	for i, p := range adjusted(ps) {
		change := &c.Changes[i]
		change.Adjusted = p
		change.Verdict = change.verdict(len(ps))
	}
	return c
}

func (c *Change) verdict(comparisons int) Verdict {
	if c.Adjusted <= significance {
		switch up := c.Metric == Throughput; {
		case c.Ratio >= 1+leastChange && up, c.Ratio <= 1/(1+leastChange) && !up:
			return Better
		case c.Ratio <= 1/(1+leastChange) && up, c.Ratio >= 1+leastChange && !up:
			return Worse
		}
		return NoDifference
	}
	least := 2.0 // the smallest P that so many runs can have: 2/C(n+m, n)
	for i := 1; i <= c.Runs; i++ {
		least *= float64(i) / float64(c.BaselineRuns+i)
	}
	if least*float64(comparisons) > significance {
		return TooFewRuns
	}
	return NoDifference
}

// compare compares one measurement, if both have anything to compare.
func compare(base, now Measurement) (Change, bool) {
	c := Change{Name: now.Name, Loop: now.Loop, Connections: now.Connections, Metric: Throughput}
	plain, ofFloor := func(r Run) float64 { return r.Rate }, func(r Run) float64 { return r.RateOfFloor }
	if now.Loop == Open {
		c.Metric = TailTime
		p99 := func(r Run) time.Duration { return r.P99 }
		if base.lacks(p99) || now.lacks(p99) {
			return c, false // those that have one may be the fast ones
		}
		plain, ofFloor = func(r Run) float64 { return float64(r.P99) }, func(r Run) float64 { return r.P99OfFloor }
	}
	x, y := base.values(ofFloor), now.values(ofFloor)
	c.OfFloor = len(x) > 0 && len(y) > 0
	if !c.OfFloor {
		x, y = base.values(plain), now.values(plain)
	}
	if len(x) == 0 || len(y) == 0 {
		return c, false
	}
	c.BaselineRuns, c.Runs = len(x), len(y)
	c.P = mannWhitney(y, x)
	c.Ratio, c.Low, c.High = ratio(x, y, confidence)
	return c, true
}

// values are those of the valid runs that have one.
func (m Measurement) values(of func(Run) float64) (values []float64) {
	for _, r := range m.Runs {
		if v := of(r); r.Invalid == "" && v > 0 {
			values = append(values, v)
		}
	}
	return values
}

// String is the change in a line.
func (c Change) String() string {
	return fmt.Sprintf("%s, %d connections, %s: %s (%s)", c.Name, c.Connections, c.what(), c.ratioText(), c.Verdict)
}

func (c Change) what() string {
	if c.OfFloor {
		return string(c.Metric) + " of the floor"
	}
	return string(c.Metric)
}

func (c Change) ratioText() string {
	if c.High == 0 {
		return fmt.Sprintf("%.2f", c.Ratio)
	}
	return fmt.Sprintf("%.2f (%.2f to %.2f)", c.Ratio, c.Low, c.High)
}
