package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// nothing stands where there is no figure.
const nothing = "-"

// grouped is a whole number with a comma at each thousand.
func grouped(n float64) string {
	digits := strconv.FormatFloat(n, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// durationText is a time at three figures: "18.2 ms".
func durationText(d time.Duration) string {
	if d <= 0 {
		return nothing
	}
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "us"}} {
		if d >= unit.of {
			return figures(float64(d)/float64(unit.of)) + " " + unit.name
		}
	}
	return strconv.FormatInt(d.Nanoseconds(), 10) + " ns"
}

// figures is a number at about three figures, without a point where it has none.
func figures(x float64) string {
	decimals := 0
	switch {
	case x < 10:
		decimals = 2
	case x < 100:
		decimals = 1
	}
	s := strconv.FormatFloat(x, 'f', decimals, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

func bytesText(n int64) string {
	if n <= 0 {
		return nothing
	}
	if n >= 1<<30 {
		return figures(float64(n)/(1<<30)) + " GiB"
	}
	return figures(float64(n)/(1<<20)) + " MiB"
}

func countText(n int) string {
	if n <= 0 {
		return nothing
	}
	return grouped(float64(n))
}

// median is that of the valid runs that have the value; false without any.
func (m Measurement) median(of func(Run) float64) (float64, bool) {
	values := m.values(of)
	if len(values) == 0 {
		return 0, false
	}
	slices.Sort(values)
	return medianOf(values), true
}

// medianTime is the median of a latency, or 0 where a valid run has none: the runs with
// enough requests for a percentile may be the fast ones, and not speak for all.
func (m Measurement) medianTime(of func(Run) time.Duration) time.Duration {
	if m.lacks(of) {
		return 0
	}
	d, _ := m.median(func(r Run) float64 { return float64(of(r)) })
	return time.Duration(d)
}

// lacks says that a valid run does not have the latency.
func (m Measurement) lacks(of func(Run) time.Duration) bool {
	return slices.ContainsFunc(m.Runs, func(r Run) bool { return r.Invalid == "" && of(r) == 0 })
}

// invalid says that the generator fell behind in every run.
func (m Measurement) invalid() bool {
	return len(m.Runs) > 0 && !slices.ContainsFunc(m.Runs, func(r Run) bool { return r.Invalid == "" })
}

func (m Measurement) rateText() string {
	if m.invalid() {
		return "invalid"
	}
	rate, ok := m.median(func(r Run) float64 { return r.Rate })
	if !ok {
		return nothing
	}
	return grouped(rate)
}

func (m Measurement) ofFloorText() string {
	if m.Name == Floor {
		return "1.00"
	}
	x, ok := m.median(func(r Run) float64 { return r.RateOfFloor })
	if !ok {
		return nothing
	}
	return strconv.FormatFloat(x, 'f', 2, 64)
}

func (m Measurement) timeText(of func(Run) time.Duration) string {
	if m.invalid() {
		return "invalid"
	}
	return durationText(m.medianTime(of))
}

// percentiles are the latencies of a run, by what they are called.
var percentiles = []struct {
	name string
	of   func(Run) time.Duration
}{
	{"p50", func(r Run) time.Duration { return r.P50 }},
	{"p90", func(r Run) time.Duration { return r.P90 }},
	{"p99", func(r Run) time.Duration { return r.P99 }},
	{"p99.9", func(r Run) time.Duration { return r.P999 }},
	{"max", func(r Run) time.Duration { return r.Max }},
}

// failedText is what a measurement's requests had instead of a good answer.
func (m Measurement) failedText() string {
	all := map[string]int64{}
	for _, r := range m.Runs {
		for kind, n := range r.Failed {
			all[kind] += n
		}
	}
	var parts []string
	for kind, n := range all {
		parts = append(parts, fmt.Sprintf("%s %s", grouped(float64(n)), kind))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// counted is "1 run" or "2 runs".
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return grouped(float64(n)) + " " + what + "s"
}
