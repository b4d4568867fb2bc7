package report_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fazt-sh/fazt/harnesstest/report"
)

func upTo(n int) (x []float64) {
	for i := range n {
		x = append(x, float64(i+1))
	}
	return x
}

func plus(x []float64, d float64) (y []float64) {
	for _, v := range x {
		y = append(y, v+d)
	}
	return y
}

// The exact probabilities are those of tables of the U test; with ties, of the normal
// approximation worked out by hand.
func TestMannWhitney(t *testing.T) {
	for _, test := range []struct {
		name string
		x, y []float64
		want float64
	}{
		{"apart, 3 and 3", upTo(3), plus(upTo(3), 10), 2.0 / 20},
		{"apart, 4 and 4", upTo(4), plus(upTo(4), 10), 2.0 / 70},
		{"apart, 5 and 10", upTo(5), plus(upTo(10), 20), 2.0 / 3003},
		{"U = 2 of 5 and 5", []float64{1, 2, 3, 4, 7}, []float64{5, 6, 8, 9, 10}, 8.0 / 252}, // 1+1+2 orders on a side
		{"apart, 2 and 3", []float64{1, 2}, []float64{3, 4, 5}, 2.0 / 10},
		{"mixed", []float64{1, 4}, []float64{2, 3}, 1},
		{"all the same", []float64{2, 2, 2}, []float64{2, 2}, 1},
		{"none", nil, []float64{1}, 1},
		// U = 0.5; groups of 2: variance 9/12*(7-6/30) = 5.1; z = (4-0.5)/2.2583 = 1.5498.
		{"a tie", []float64{1, 2, 3}, []float64{3, 4, 5}, math.Erfc(3.5 / math.Sqrt(5.1) / math.Sqrt2)},
	} {
		if got := report.MannWhitney(test.x, test.y); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
		if got, back := report.MannWhitney(test.x, test.y), report.MannWhitney(test.y, test.x); math.Abs(got-back) > 1e-9 {
			t.Errorf("%s: %v one way, %v the other", test.name, got, back)
		}
	}
}

// The distribution of U is that of all orders, counted one by one.
func TestUDistribution(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {2, 3}, {3, 3}, {4, 5}, {6, 2}, {5, 5}} {
		n, m := size[0], size[1]
		counts := make([]float64, n*m+1)
		total := 0.0
		for set := range 1 << (n + m) {
			u, before, ones := 0, 0, 0
			for i := range n + m {
				if set>>i&1 == 1 {
					ones++
					u += before
				} else {
					before++
				}
			}
			if ones == n {
				counts[u]++
				total++
			}
		}
		below := 0.0
		for u := range counts {
			below += counts[u] / total
			counts[u] = below
		}
		if diff := cmp.Diff(counts, report.UDistribution(n, m), cmpopts.EquateApprox(0, 1e-12)); diff != "" {
			t.Errorf("%d and %d (-counted +got):\n%s", n, m, diff)
		}
	}
}

// At the largest exact sizes the normal distribution says nearly the same.
func TestExactMeetsNormal(t *testing.T) {
	below := report.UDistribution(50, 50)
	deviation := math.Sqrt(50 * 50 * 101 / 12.0)
	for _, u := range []int{900, 1000, 1100, 1250} {
		normal := math.Erfc((1250-float64(u)-0.5)/deviation/math.Sqrt2) / 2
		if math.Abs(below[u]-normal) > 0.04*normal+1e-5 {
			t.Errorf("P(U <= %d) is %v, by the normal distribution %v", u, below[u], normal)
		}
	}
}

func TestRatio(t *testing.T) {
	base := []float64{100, 101, 102, 103, 104, 105, 106, 107}
	now := plus(nil, 0)
	for _, v := range base {
		now = append(now, 2*v)
	}
	median, low, high := report.Ratio(base, now, 0.95)
	if math.Abs(median-2) > 0.01 || low < 1.9 || low >= 2 || high <= 2 || high > 2.1 {
		t.Errorf("%v (%v to %v), want about 2", median, low, high)
	}
	// Hollander, Wolfe and Chicken's table: for 3 and 3 there is no interval of 95%.
	if _, low, high := report.Ratio(base[:3], now[:3], 0.95); low != 0 || high != 0 {
		t.Errorf("3 runs against 3 gave the interval %v to %v", low, high)
	}
	// With 4 and 4, it is from the smallest ratio to the largest.
	if _, low, high := report.Ratio([]float64{1, 2, 4, 8}, []float64{10, 20, 40, 80}, 0.95); low != 1.25 || high != 80 {
		t.Errorf("4 runs against 4 gave %v to %v, want 1.25 to 80", low, high)
	}
}

// The interval covers the truth as often as it says, and the test errs no more often
// than it may.
func TestCoverage(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const trials = 2000
	covered, differing := 0, 0
	for range trials {
		var base, now []float64
		for range 10 {
			base = append(base, math.Exp(0.1*random.NormFloat64()))
		}
		for range 6 {
			now = append(now, 1.5*math.Exp(0.1*random.NormFloat64()))
		}
		if _, low, high := report.Ratio(base, now, 0.95); low <= 1.5 && 1.5 <= high {
			covered++
		}
		for i := range now {
			now[i] /= 1.5
		}
		if report.MannWhitney(base, now) <= 0.05 {
			differing++
		}
	}
	if share := float64(covered) / trials; share < 0.94 || share > 0.975 {
		t.Errorf("the interval of 95%% covers the ratio in %v of all", share)
	}
	if share := float64(differing) / trials; share > 0.06 {
		t.Errorf("the test found a difference where there is none in %v of all", share)
	}
}

func TestAdjusted(t *testing.T) {
	// 0.01*4/1, 0.02*4/2, 0.03*4/3, and 0.5; each at most what comes after it.
	got := report.Adjusted([]float64{0.5, 0.01, 0.03, 0.02})
	if diff := cmp.Diff([]float64{0.5, 0.04, 0.04, 0.04}, got, cmpopts.EquateApprox(0, 1e-12)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
