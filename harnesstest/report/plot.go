package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// plot is a drawing of lines or bars, in the units of its own view box.
type plot struct {
	ID, Title, Desc string
	Width, Height   int
	Lines           []rule
	Labels          []label
	Series          []series
	Bars            []bar
}

// rule is a line of the grid or an axis.
type rule struct {
	X1, Y1, X2, Y2 string
	Class          string
}

type label struct {
	X, Y, Anchor, Text string
	Class              string
}

// series is one line with its points. Look numbers its colour and its marker.
type series struct {
	Name   string
	Look   int
	Path   string
	Points []point
}

type point struct{ X, Y, Text string }

type bar struct {
	X, Y, Width, Height string
	Look                int
	Text                string
}

// looks is how many colours and markers the style sheet has, the floor's apart,
// which is 0.
const looks = 7

// look of the i-th name. The floor has its own.
func look(names []string, name string) int {
	if name == Floor {
		return 0
	}
	n := 0
	for _, other := range names {
		if other == name {
			break
		}
		if other != Floor {
			n++
		}
	}
	return n%looks + 1
}

// scale is a logarithmic axis, from low at the pixel at to high at the pixel to.
type scale struct{ low, high, at, to float64 }

func (s scale) px(v float64) float64 {
	if s.low == s.high {
		return (s.at + s.to) / 2
	}
	return s.at + (math.Log(v)-math.Log(s.low))/(math.Log(s.high)-math.Log(s.low))*(s.to-s.at)
}

// fewTicks is what it takes to read values off an axis.
const fewTicks = 4

// ticks are the decades from low to high, or finer steps where those are too few: 1, 2
// and 5 of each decade, and even steps where the axis is a short one.
func ticks(low, high float64) []float64 {
	for _, steps := range [][]float64{{1}, {1, 2, 5}} {
		if all := ticksOf(steps, low, high); len(all) >= fewTicks {
			return all
		}
	}
	for unit := math.Pow(10, math.Ceil(math.Log10(high))); ; unit /= 10 {
		for _, s := range []float64{5, 2, 1} {
			step := s * unit
			first, last := math.Ceil(low/step), math.Floor(high/step)
			if last-first+1 < fewTicks {
				continue
			}
			var all []float64
			for n := first; n <= last; n++ {
				all = append(all, n*step)
			}
			return all
		}
	}
}

// ticksOf are the steps of each decade from low to high.
func ticksOf(steps []float64, low, high float64) (all []float64) {
	for decade := math.Pow(10, math.Floor(math.Log10(low))); decade <= high; decade *= 10 {
		for _, s := range steps {
			if v := s * decade; v >= low && v <= high {
				all = append(all, v)
			}
		}
	}
	return all
}

func at(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }

// frame is the place for lines between margins, with a grid for values.
func (p *plot) frame(left, right, top, bottom float64, low, high float64, name func(float64) string) (y scale) {
	low, high = low/1.15, high*1.15 // points don't touch the edge
	base := float64(p.Height) - bottom
	y = scale{low: low, high: high, at: base, to: top}
	p.Lines = append(p.Lines, rule{at(left), at(base), at(float64(p.Width) - right), at(base), "axis"})
	for _, v := range ticks(low, high) {
		p.Lines = append(p.Lines, rule{at(left), at(y.px(v)), at(float64(p.Width) - right), at(y.px(v)), "grid"})
		p.Labels = append(p.Labels, label{at(left - 7), at(y.px(v) + 4), "end", name(v), "tick"})
	}
	return y
}

// across puts a label below each place of the x axis.
func (p *plot) across(x float64, text string, bottom float64) {
	p.Labels = append(p.Labels, label{at(x), at(float64(p.Height) - bottom + 18), "middle", text, "tick"})
}

// line adds a series through points. Its line is interrupted where one is not there,
// which is the zero point: nothing was measured, and nothing is known of between.
func (p *plot) line(name string, look int, points []point) {
	var path strings.Builder
	command := "M"
	var measured []point
	for _, pt := range points {
		if pt == (point{}) {
			command = "M"
			continue
		}
		fmt.Fprintf(&path, "%s%s %s", command, pt.X, pt.Y)
		command = "L"
		measured = append(measured, pt)
	}
	if len(measured) > 0 {
		p.Series = append(p.Series, series{name, look, path.String(), measured})
	}
}

func shortCount(v float64) string {
	switch {
	case v >= 1e6:
		return figures(v/1e6) + "M"
	case v >= 1e3:
		return figures(v/1e3) + "k"
	}
	return figures(v)
}

// nameWidth is the room that the longest name takes, in about the width of the style
// sheet's letters.
func nameWidth(names []string) (width float64) {
	for _, name := range names {
		width = max(width, 6.9*float64(utf8.RuneCountInString(shortName(name))))
	}
	return width
}

// shortName is a name for a plot, which has no room for all of a long one.
func shortName(name string) string {
	const most = 30
	if runes := []rune(name); len(runes) > most {
		return string(runes[:most-1]) + "\u2026"
	}
	return name
}

// throughput draws requests a second by the number of connections, with each line's
// name at its end.
func (l loops) throughput() *plot {
	const left, top, bottom = 44, 30, 42
	right := nameWidth(l.names) + 14
	values := l.all(rateOf)
	if len(values) == 0 {
		return nil
	}
	p := &plot{
		ID: "throughput", Width: 430, Height: 310, Title: "Throughput by concurrency",
		Desc: "Requests a second by the number of connections, on logarithmic axes. " + l.spoken() + " The table beside it has the figures.",
	}
	y := p.frame(left, right, top, bottom, slices.Min(values), slices.Max(values), shortCount)
	x := scale{low: float64(l.connections[0]), high: float64(l.connections[len(l.connections)-1]), at: left + 14, to: float64(p.Width) - right - 8}
	for _, c := range l.connections {
		p.across(x.px(float64(c)), strconv.Itoa(c), bottom)
	}
	p.Labels = append(p.Labels, label{at((x.at + x.to) / 2), at(float64(p.Height) - 6), "middle", "connections", "name"},
		label{"0.0", "12.0", "start", "requests/s", "name"})
	var ends []end
	for _, name := range l.names {
		var points []point
		last := 0.0
		for _, c := range l.connections {
			m, _ := l.at(name, c)
			rate, ok := m.median(rateOf)
			if !ok {
				points = append(points, point{})
				continue
			}
			last = y.px(rate)
			points = append(points, point{at(x.px(float64(c))), at(last), fmt.Sprintf("%s, %s: %s requests/s", name, counted(c, "connection"), grouped(rate))})
		}
		p.line(name, look(l.names, name), points)
		if last > 0 {
			ends = append(ends, end{shortName(name), last})
		}
	}
	for _, e := range spread(ends, 16, top, y.at) {
		p.Labels = append(p.Labels, label{at(float64(p.Width) - right + 8), at(e.y + 4), "start", e.name, "name"})
	}
	return p
}

func rateOf(r Run) float64 { return r.Rate }

// all are the medians of all measurements.
func (l loops) all(of func(Run) float64) (values []float64) {
	for _, m := range l.measurements {
		if v, ok := m.median(of); ok {
			values = append(values, v)
		}
	}
	return values
}

// spoken says in words what the plot shows at most concurrency.
func (l loops) spoken() string {
	most := l.connections[len(l.connections)-1]
	var parts []string
	for _, name := range l.names {
		if m, ok := l.at(name, most); ok {
			parts = append(parts, name+" "+m.rateText())
		}
	}
	return fmt.Sprintf("At %s: %s.", counted(most, "connection"), strings.Join(parts, ", "))
}

// end is where a line ends, and its name goes.
type end struct {
	name string
	y    float64
}

// spread moves names apart, so that none covers another.
func spread(ends []end, gap, top, bottom float64) []end {
	slices.SortStableFunc(ends, func(a, b end) int { return int(math.Copysign(1, a.y-b.y)) })
	for i := range ends {
		low := top
		if i > 0 {
			low = ends[i-1].y + gap
		}
		ends[i].y = max(ends[i].y, low)
	}
	for i := len(ends) - 1; i >= 0; i-- {
		high := bottom
		if i < len(ends)-1 {
			high = ends[i+1].y - gap
		}
		ends[i].y = min(ends[i].y, high)
	}
	return ends
}

// latencyPlots draw the percentiles of each measurement, one plot for each number of
// connections, all on one scale.
func (l loops) latencyPlots() (plots []*plot) {
	var values []float64
	for _, p := range percentiles {
		values = append(values, l.all(func(r Run) float64 { return float64(p.of(r)) })...)
	}
	if len(values) == 0 {
		return nil
	}
	low, high := slices.Min(values), slices.Max(values)
	for _, c := range l.connections {
		plots = append(plots, l.latencyPlot(c, low, high))
	}
	return plots
}

func (l loops) latencyPlot(connections int, low, high float64) *plot {
	const left, right, top, bottom = 58, 14, 12, 26
	p := &plot{
		ID: fmt.Sprintf("latency-%s-%d", l.loop, connections), Width: 300, Height: 220, Title: counted(connections, "connection"),
		Desc: fmt.Sprintf("Latency percentiles with %s, %s, on a logarithmic axis. The table beside it has the figures.", counted(connections, "connection"), loopNames[l.loop]),
	}
	y := p.frame(left, right, top, bottom, low, high, func(v float64) string { return durationText(time.Duration(math.Round(v))) })
	step := (float64(p.Width) - left - right - 20) / float64(len(percentiles)-1)
	place := func(i int) float64 { return left + 10 + float64(i)*step }
	for i, q := range percentiles {
		p.across(place(i), q.name, bottom)
	}
	for _, name := range l.names {
		m, _ := l.at(name, connections)
		var points []point
		for i, q := range percentiles {
			points = append(points, point{})
			if d := m.medianTime(q.of); d > 0 {
				points[i] = point{at(place(i)), at(y.px(float64(d))), fmt.Sprintf("%s, %s: %s", name, q.name, durationText(d))}
			}
		}
		p.line(name, look(l.names, name), points)
	}
	return p
}

// bars draws requests a second where there is one number of connections.
func (l loops) bars() *plot {
	const right, step = 56, 24
	left := nameWidth(l.names) + 10
	values := l.all(rateOf)
	if len(values) == 0 {
		return nil
	}
	most := slices.Max(values)
	p := &plot{
		ID: "bars-" + string(l.loop), Width: 430, Height: len(l.names)*step + 8, Title: "Throughput with " + counted(l.connections[0], "connection"),
		Desc: "Requests a second of each kind. " + l.spoken(),
	}
	for i, name := range l.names {
		m, _ := l.at(name, l.connections[0])
		rate, ok := m.median(rateOf)
		middle := float64(i*step + step/2 + 4)
		p.Labels = append(p.Labels, label{at(left - 8), at(middle + 4), "end", shortName(name), "name"})
		if !ok {
			p.Labels = append(p.Labels, label{at(left), at(middle + 4), "start", m.rateText(), "tick"})
			continue
		}
		width := rate / most * (float64(p.Width) - left - right)
		p.Bars = append(p.Bars, bar{at(left), at(middle - 7), at(max(width, 1)), "14", min(look(l.names, name), 1), fmt.Sprintf("%s: %s requests/s", name, grouped(rate))})
		p.Labels = append(p.Labels, label{at(left + width + 6), at(middle + 4), "start", grouped(rate), "tick"})
	}
	return p
}

// forest is the range of ratios of a comparison, one mark for each change.
type forest struct {
	Low, High string      // at the ends of the axis
	Rows      []forestRow // those that differ
	Rest      []forestRow
}

type forestRow struct {
	Change
	ID, Where, What, RatioText, P string
	Class                         string // of the verdict
	X, From, To, Zero             string
	Interval                      bool
}

// forestWidth is the width of the marks' view box.
const forestWidth = 240

func (c *Comparison) forest() forest {
	widest := 1.25
	for _, change := range c.Changes {
		for _, v := range []float64{change.Ratio, change.Low, change.High} {
			if v > 0 {
				widest = max(widest, v, 1/v)
			}
		}
	}
	widest = min(widest, 10) // one far away would leave the others on a point
	x := scale{low: 1 / widest, high: widest, at: 8, to: forestWidth - 8}
	px := func(v float64) string { return at(x.px(min(max(v, x.low), x.high))) }
	f := forest{Low: "x " + strconv.FormatFloat(x.low, 'f', 2, 64), High: "x " + strconv.FormatFloat(x.high, 'f', 2, 64)}
	rank := func(c Change) int { return slices.Index([]Verdict{Worse, Better, NoDifference, TooFewRuns}, c.Verdict) }
	for i, change := range order(c.Changes, rank) {
		row := forestRow{
			Change: change, ID: fmt.Sprintf("change-%d", i), Where: counted(change.Connections, "connection"), What: change.what(), RatioText: change.ratioText(), P: probability(change.Adjusted),
			Class: map[Verdict]string{Worse: "worse", Better: "better", NoDifference: "same", TooFewRuns: "few"}[change.Verdict],
			X:     px(change.Ratio), Zero: px(1), Interval: change.High > 0,
		}
		if row.Interval {
			row.From, row.To = px(change.Low), px(change.High)
		}
		if change.Verdict == Worse || change.Verdict == Better {
			f.Rows = append(f.Rows, row)
		} else {
			f.Rest = append(f.Rest, row)
		}
	}
	return f
}
