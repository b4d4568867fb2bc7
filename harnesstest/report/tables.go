package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/fazt-sh/fazt/harnesstest/gaps"
)

// table is a part of the report, for every way to write it.
type table struct {
	title   string
	note    string
	head    []string
	rows    [][]string
	numbers bool // all columns but the first are numbers
}

// tables are those that have rows, in the order in which one wants to read them.
func (r *Report) tables() (all []table) {
	for _, t := range slices.Concat(r.measured(), []table{r.failures(), r.invalidRuns()}, r.compared(),
		[]table{r.resources(), r.timings(), r.beside(), r.checks(), r.gaps()}) {
		if len(t.rows) > 0 {
			all = append(all, t)
		}
	}
	return all
}

// headline is the report in a few lines: what, where, when, by what command.
func (r *Report) headline() (lines []string) {
	var versions []string
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		versions = append(versions, name+" "+r.Versions[name])
	}
	lines = append(lines, r.Machine.String(), strings.Join(append(versions, r.Made.UTC().Format("2006-01-02 15:04 UTC")), ", "))
	if r.Command != "" {
		lines = append(lines, r.Command)
	}
	return lines
}

// summary is what a reader wants to know first.
func (r *Report) summary() (lines []string) {
	by := map[Outcome]int{}
	for _, c := range r.Checks {
		by[c.Outcome]++
	}
	if len(r.Checks) > 0 {
		lines = append(lines, fmt.Sprintf("%s passed, %d failed, %d not applicable", counted(by[Passed], "check"), by[Failed], by[NotApplicable]))
	}
	if len(r.Gaps) > 0 {
		lines = append(lines, counted(r.openGaps(""), "open gap")+", "+strconv.Itoa(r.openGaps(gaps.Critical))+" of them critical")
	}
	if n := len(r.invalidRuns().rows); n > 0 {
		lines = append(lines, counted(n, "measurement")+" with runs in which the load generator fell behind")
	}
	if r.Comparison != nil {
		lines = append(lines, r.Comparison.summary())
	}
	return lines
}

func (c *Comparison) summary() string {
	by := map[Verdict]int{}
	for _, change := range c.Changes {
		by[change.Verdict]++
	}
	line := fmt.Sprintf("%s with the baseline: %d worse, %d better, %d without a difference",
		counted(len(c.Changes), "comparison"), by[Worse], by[Better], by[NoDifference])
	if n := by[TooFewRuns]; n > 0 {
		line += fmt.Sprintf(", %d with too few runs to tell", n)
	}
	return line
}

// openGaps counts those of a severity, or of any.
func (r *Report) openGaps(s gaps.Severity) (n int) {
	for _, g := range r.Gaps {
		if g.Status != gaps.Resolved && (s == "" || g.Severity == s) {
			n++
		}
	}
	return n
}

// loops are the measurements of one loop, with the names and the numbers of
// connections that they have, in the order in which they came.
type loops struct {
	loop         Loop
	measurements []Measurement
	names        []string
	connections  []int
}

func (r *Report) loop(loop Loop) loops {
	l := loops{loop: loop}
	for _, m := range r.Measurements {
		if m.Loop != loop {
			continue
		}
		l.measurements = append(l.measurements, m)
		if !slices.Contains(l.names, m.Name) {
			l.names = append(l.names, m.Name)
		}
		if !slices.Contains(l.connections, m.Connections) {
			l.connections = append(l.connections, m.Connections)
		}
	}
	slices.Sort(l.connections)
	return l
}

func (l loops) at(name string, connections int) (Measurement, bool) {
	i := slices.IndexFunc(l.measurements, func(m Measurement) bool { return m.Name == name && m.Connections == connections })
	if i < 0 {
		return Measurement{}, false
	}
	return l.measurements[i], true
}

func (l loops) runs() (most int) {
	for _, m := range l.measurements {
		if m.Name != Floor { // which stands beside each of the others
			most = max(most, len(m.Runs))
		}
	}
	return most
}

var loopNames = map[Loop]string{Closed: "closed loop", Open: "open loop"}

// measured are the tables of the measurements.
func (r *Report) measured() (all []table) {
	for _, loop := range []Loop{Closed, Open} {
		switch l := r.loop(loop); {
		case len(l.connections) == 1:
			all = append(all, l.one())
		case len(l.connections) > 1 && loop == Closed:
			all = append(all, l.rates(), l.latencies())
		case len(l.connections) > 1:
			all = append(all, l.latencies())
		}
	}
	return all
}

// figuresOnly are those without the latencies of a closed loop where there are those
// of an open one.
func (r *Report) figuresOnly() []table {
	all := r.measured()
	if closed, open := r.loop(Closed), r.loop(Open); len(closed.connections) > 1 && len(open.connections) > 0 {
		all = slices.Delete(all, 1, 2)
	}
	return all
}

func (l loops) note() string {
	note := ""
	if n := l.runs(); n > 1 {
		note = fmt.Sprintf("medians of %d runs", n)
	}
	return note
}

// shareNote is the note of a table with shares of the floor's throughput.
func (l loops) shareNote() string {
	note := l.note()
	above := func(m Measurement) bool {
		share, ok := m.median(func(r Run) float64 { return r.RateOfFloor })
		return ok && m.Name != Floor && share >= 1.005 // which is written as 1.01
	}
	if slices.ContainsFunc(l.measurements, above) {
		if note != "" {
			note += "; "
		}
		note += "a share above 1.00 is noise, since nothing does less than the floor"
	}
	return note
}

// one is the table of measurements that are all of one number of connections.
func (l loops) one() table {
	t := table{
		title: fmt.Sprintf("Throughput and latency, %s, %s", loopNames[l.loop], counted(l.connections[0], "connection")), note: l.shareNote(),
		head: []string{"", "requests/s", "of the floor", "p50", "p90", "p99"}, numbers: true,
	}
	for _, m := range l.measurements {
		row := []string{m.Name, m.rateText(), m.ofFloorText()}
		for _, p := range percentiles[:3] {
			row = append(row, m.timeText(p.of))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// matrix is a table with a row for each name and a column for each number of
// connections.
func (l loops) matrix(title string, cell func(Measurement) string) table {
	t := table{title: title, note: l.note(), head: []string{"connections"}, numbers: true}
	for _, c := range l.connections {
		t.head = append(t.head, strconv.Itoa(c))
	}
	for _, name := range l.names {
		row := []string{name}
		for _, c := range l.connections {
			text := nothing
			if m, ok := l.at(name, c); ok {
				text = cell(m)
			}
			row = append(row, text)
		}
		t.rows = append(t.rows, row)
	}
	return t
}

func (l loops) rates() table {
	t := l.matrix("Throughput, "+loopNames[l.loop]+": requests/s and share of the floor's", func(m Measurement) string {
		text := m.rateText()
		if share := m.ofFloorText(); share != nothing && share != "1.00" && text != "invalid" {
			text += " (" + share + ")"
		}
		return text
	})
	t.note = l.shareNote()
	return t
}

func (l loops) latencies() table {
	return l.matrix("Latency, "+loopNames[l.loop]+": p50 / p99", func(m Measurement) string {
		if m.invalid() {
			return "invalid"
		}
		return m.timeText(percentiles[0].of) + " / " + m.timeText(percentiles[2].of)
	})
}

func (m Measurement) label() string {
	return fmt.Sprintf("%s, %s, %s", m.Name, loopNames[m.Loop], counted(m.Connections, "connection"))
}

func (r *Report) failures() table {
	t := table{title: "Requests without a good answer", head: []string{"measurement", "requests"}}
	for _, m := range r.Measurements {
		if text := m.failedText(); text != "" {
			t.rows = append(t.rows, []string{m.label(), text})
		}
	}
	return t
}

func (r *Report) invalidRuns() table {
	t := table{title: "Invalid runs", note: "they are no part of the figures; a quieter machine, a lower rate, or a generator of its own helps", head: []string{"measurement", "invalid", "why"}}
	for _, m := range r.Measurements {
		n, why := 0, ""
		for _, run := range m.Runs {
			if run.Invalid != "" {
				n++
				why = run.Invalid
			}
		}
		if n > 0 {
			t.rows = append(t.rows, []string{m.label(), fmt.Sprintf("%d of %d", n, len(m.Runs)), why})
		}
	}
	return t
}

// compared are the ratios to the baseline, with a word where there is a difference.
// All that is known of each is in the JSON and on the page.
func (r *Report) compared() []table {
	if r.Comparison == nil {
		return nil
	}
	return r.Comparison.tables(r.Machine)
}

func (c *Comparison) tables(now Machine) (all []table) {
	for _, metric := range []Metric{Throughput, TailTime} {
		t := table{
			title: "Compared with the baseline: " + string(metric) + ", now / baseline", note: "the baseline " + c.about(now),
			head: []string{"connections"}, numbers: true,
		}
		changes := slices.DeleteFunc(slices.Clone(c.Changes), func(change Change) bool { return change.Metric != metric })
		column := func(c Change) string { return strconv.Itoa(c.Connections) }
		for _, c := range order(changes, func(c Change) int { return c.Connections }) {
			if !slices.Contains(t.head, column(c)) {
				t.head = append(t.head, column(c))
			}
		}
		for _, c := range changes {
			i := slices.IndexFunc(t.rows, func(row []string) bool { return row[0] == c.Name })
			if i < 0 {
				i = len(t.rows)
				t.rows = append(t.rows, append([]string{c.Name}, slices.Repeat([]string{nothing}, len(t.head)-1)...))
			}
			text := strconv.FormatFloat(c.Ratio, 'f', 2, 64)
			if c.Verdict == Better || c.Verdict == Worse {
				text += " " + string(c.Verdict)
			}
			t.rows[i][slices.Index(t.head, column(c))] = text
		}
		all = append(all, t)
	}
	return all
}

// about says what the baseline is.
func (c *Comparison) about(now Machine) string {
	text := "was measured on " + c.Made.UTC().Format("2006-01-02")
	if version := c.Versions["fazt"]; version != "" {
		text += " of fazt " + version
	}
	if c.Machine != now {
		text += " on another machine, " + c.Machine.String()
	}
	return text
}

func probability(p float64) string {
	if p < 0.001 {
		return "< 0.001"
	}
	return strconv.FormatFloat(p, 'f', 3, 64)
}

func (r *Report) resources() table {
	t := table{title: "Resources", head: []string{"", "memory", "goroutines", "open files"}, numbers: true}
	for _, x := range r.Resources {
		t.rows = append(t.rows, []string{x.Name, bytesText(x.Resident), countText(x.Goroutines), countText(x.Files)})
	}
	return t
}

func (r *Report) timings() table {
	t := table{title: "Times", head: []string{"", "median", "shortest", "longest", "times"}, numbers: true}
	for _, x := range r.Timings {
		if len(x.Took) == 0 {
			continue
		}
		took := slices.Sorted(slices.Values(x.Took))
		t.rows = append(t.rows, []string{
			x.Name, durationText(took[len(took)/2]), durationText(took[0]), durationText(took[len(took)-1]), strconv.Itoa(len(took)),
		})
	}
	return t
}

// order sorts a copy by rank, and leaves equals as they are.
func order[T any](items []T, rank func(T) int) []T {
	items = slices.Clone(items)
	slices.SortStableFunc(items, func(a, b T) int { return rank(a) - rank(b) })
	return items
}

func rankOutcome(c Check) int {
	return slices.Index([]Outcome{Failed, NotApplicable, Passed}, c.Outcome)
}

func rankGap(g Gap) int {
	rank := slices.Index([]gaps.Severity{gaps.Critical, gaps.High, gaps.Medium, gaps.Low}, g.Severity)
	if g.Status == gaps.Resolved {
		rank += 10
	}
	return rank
}

func (r *Report) checks() table {
	t := table{title: "Checks", head: []string{"check", "outcome", ""}}
	for _, c := range order(r.Checks, rankOutcome) {
		t.rows = append(t.rows, []string{c.Name, string(c.Outcome), c.Text})
	}
	return t
}

func (r *Report) gaps() table {
	t := table{title: "Gaps", head: []string{"id", "severity", "category", "what", "found by", "how to fix", "state"}}
	for _, g := range order(r.Gaps, rankGap) {
		state := cmp.Or(g.Status, gaps.Open)
		t.rows = append(t.rows, []string{g.ID, string(g.Severity), g.Category, g.Description, g.FoundBy, g.Fix, string(state)})
	}
	return t
}
