package load_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/harnesstest/load"
)

// until takes the arrivals before end.
func until(a load.Arrivals, end time.Duration) (due []time.Duration) {
	for d := range a {
		if d >= end {
			break
		}
		due = append(due, d)
	}
	return due
}

func TestConstant(t *testing.T) {
	want := []time.Duration{0, 250 * time.Millisecond, 500 * time.Millisecond, 750 * time.Millisecond}
	if diff := cmp.Diff(want, until(load.Constant(4), time.Second)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRamp(t *testing.T) {
	for _, test := range []struct {
		name      string
		from, to  float64
		perSecond []int
	}{
		{"up from nothing", 0, 100, []int{13, 37, 63, 87, 100}}, // the integral: 12.5, 50, 112.5, 200
		{"up", 100, 200, []int{113, 137, 163, 187, 200}},
		{"level", 100, 100, []int{100, 100, 100, 100, 100}},
		{"down to nothing", 100, 0, []int{88, 62, 38, 12, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			due := until(load.Ramp(test.from, test.to, 4*time.Second), 5*time.Second)
			if !slices.IsSorted(due) {
				t.Error("an arrival is before the one before it")
			}
			got := make([]int, 5)
			for _, d := range due {
				got[d/time.Second]++
			}
			if diff := cmp.Diff(test.perSecond, got); diff != "" {
				t.Errorf("arrivals in each second (-want +got):\n%s", diff)
			}
		})
	}
}

// The gaps are exponential: their mean and their standard deviation are both 1/rate,
// and a share of 1/e is longer than the mean.
func TestPoisson(t *testing.T) {
	due := until(load.Poisson(1000, 7), 100*time.Second)
	if n := float64(len(due)); math.Abs(n-100_000) > 4*math.Sqrt(100_000) {
		t.Fatalf("%v arrivals, want 100,000 within four standard deviations", n)
	}
	var sum, squares float64
	long := 0
	for i := range due[1:] {
		gap := (due[i+1] - due[i]).Seconds()
		sum += gap
		squares += gap * gap
		if gap > 0.001 {
			long++
		}
	}
	n := float64(len(due) - 1)
	mean := sum / n
	deviation := math.Sqrt(squares/n - mean*mean)
	if math.Abs(mean-0.001) > 0.00002 || math.Abs(deviation-0.001) > 0.00002 || math.Abs(float64(long)/n-1/math.E) > 0.01 {
		t.Errorf("mean %v, deviation %v, %v longer than the mean", mean, deviation, float64(long)/n)
	}
	if again := until(load.Poisson(1000, 7), 100*time.Second); !slices.Equal(again, due) {
		t.Error("the same seed gave other arrivals")
	}
	if other := until(load.Poisson(1000, 8), 100*time.Second); slices.Equal(other, due) {
		t.Error("another seed gave the same arrivals")
	}
}

func TestNoArrivals(t *testing.T) {
	for name, a := range map[string]load.Arrivals{
		"constant": load.Constant(0), "negative": load.Constant(-1), "not a number": load.Constant(math.NaN()),
		"poisson": load.Poisson(0, 1), "ramp": load.Ramp(0, 0, time.Second), "ramp below": load.Ramp(-1, 5, time.Second), "ramp in no time": load.Ramp(1, 5, 0),
	} {
		if due := until(a, time.Second); due != nil {
			t.Errorf("%s: %v", name, due)
		}
	}
}
