package report

import (
	"cmp"
	"math"
	"slices"
)

// exactUpTo is the largest sample of which the distribution of U is counted out. It
// takes a few milliseconds; beyond, the normal distribution is as good.
const exactUpTo = 50

// mannWhitney is the two-sided probability that two samples from one distribution
// lie as far apart as these, by ranks: the U test of Mann and Whitney (On a Test of
// Whether one of Two Random Variables is Stochastically Larger than the Other, Annals
// of Mathematical Statistics 18, 1947). It is exact for up to 50 values each without
// ties, and else by the normal approximation with corrections for ties and for
// continuity (Hollander, Wolfe, Chicken: Nonparametric Statistical Methods, 3rd
// edition, chapter 4).
func mannWhitney(x, y []float64) float64 {
	n, m := len(x), len(y)
	if n == 0 || m == 0 {
		return 1
	}
	u, tied, tieTerm := uStatistic(x, y)
	if !tied && n <= exactUpTo && m <= exactUpTo {
		below := uDistribution(n, m)
		return min(1, 2*below[int(min(u, float64(n*m)-u))])
	}
	all := float64(n + m)
	variance := float64(n*m) / 12 * (all + 1 - tieTerm/(all*(all-1)))
	if variance <= 0 {
		return 1 // all values are the same
	}
	z := max(0, math.Abs(u-float64(n*m)/2)-0.5) / math.Sqrt(variance)
	return math.Erfc(z / math.Sqrt2)
}

// uStatistic counts the pairs in which x is the larger, ties as a half. The term is
// the sum of t^3-t over groups of t equal values.
func uStatistic(x, y []float64) (u float64, tied bool, tieTerm float64) {
	for _, a := range x {
		for _, b := range y {
			switch {
			case a > b:
				u++
			case a == b:
				u += 0.5
			}
		}
	}
	all := slices.Sorted(slices.Values(slices.Concat(x, y)))
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j] == all[i] {
			j++
		}
		if t := float64(j - i); t > 1 {
			tied = true
			tieTerm += t*t*t - t
		}
		i = j
	}
	return u, tied, tieTerm
}

// uDistribution is, for each u, the probability of U <= u under the hypothesis that
// the samples of n and m are from one distribution. The number of orders in which U
// is u obeys f(n, m, u) = f(n-1, m, u-m) + f(n, m-1, u) (Mann and Whitney 1947),
// whose generating function is the Gaussian binomial coefficient: here it is made
// factor by factor, (1-q^(m+i))/(1-q^i) for i from 1 to n.
func uDistribution(n, m int) []float64 {
	counts := make([]float64, n*m+1)
	counts[0] = 1
	for i := 1; i <= n; i++ {
		for u := n * m; u >= m+i; u-- {
			counts[u] -= counts[u-m-i]
		}
		for u := i; u <= n*m; u++ {
			counts[u] += counts[u-i]
		}
	}
	total := 0.0
	for _, c := range counts {
		total += c
	}
	below := 0.0
	for u, c := range counts {
		below += c
		counts[u] = below / total
	}
	return counts
}

// ratio is how many times as large as those of base the values of now are: the
// median of all ratios between one of each (Hodges and Lehmann: Estimates of Location
// Based on Rank Tests, Annals of Mathematical Statistics 34, 1963, on logarithms),
// with the confidence interval that belongs to the U test (Hollander, Wolfe,
// Chicken, chapter 4.3). The interval is 0, 0 where the samples are too small to have
// one at that confidence.
func ratio(base, now []float64, confidence float64) (median, low, high float64) {
	ratios := make([]float64, 0, len(base)*len(now))
	for _, b := range base {
		for _, n := range now {
			ratios = append(ratios, n/b)
		}
	}
	if len(ratios) == 0 {
		return 0, 0, 0
	}
	slices.Sort(ratios)
	median = medianOf(ratios)
	outside := (1 - confidence) / 2 // on either side
	k := -1                         // the largest u with P(U <= u) within that
	if n, m := len(base), len(now); n <= exactUpTo && m <= exactUpTo {
		for u, p := range uDistribution(n, m) {
			if p > outside {
				break
			}
			k = u
		}
	} else {
		nm := float64(n * m)
		k = int(math.Floor(nm/2-normalQuantile(1-outside)*math.Sqrt(nm*float64(n+m+1)/12))) - 1
	}
	if k < 0 {
		return median, 0, 0
	}
	return median, ratios[k], ratios[len(ratios)-1-k]
}

func normalQuantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// medianOf is that of sorted values.
func medianOf(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// adjusted are probabilities adjusted for how many there are, so that of all
// differences whose adjusted one stays below a bound, the share that is there by
// chance is at most the bound on average (Benjamini and Hochberg: Controlling the
// False Discovery Rate, Journal of the Royal Statistical Society B 57, 1995).
func adjusted(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p[b], p[a]) }) // the largest first
	all := make([]float64, len(p))
	least := 1.0
	for i, k := range order {
		least = min(least, p[k]*float64(len(p))/float64(len(p)-i))
		all[k] = least
	}
	return all
}
