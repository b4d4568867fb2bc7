package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"strconv"
	"strings"

	"github.com/fazt-sh/fazt/harnesstest/gaps"
)

//go:embed page.css
var style string

//go:embed page.tmpl
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is what the template is filled with.
type page struct {
	*Report
	Style     template.CSS
	StyleHash string // for the policy
	Headline  []string
	Tiles     []tile
	Figures   []figure
	Forest    *forest
	Baseline  string
	Tables    []tableView
	Failed    []Check
	NA        []Check
	Passed    []Check
	GapRows   []Gap
}

type tile struct{ Figure, Text, Class string }

// figure is plots beside a table.
type figure struct {
	ID, Title string
	Plots     []*plot
	Legend    []series
	Table     tableView
}

type tableView struct {
	Title   string
	Caption string // "" where a heading says it all
	Head    []string
	Rows    [][]string
	Numbers bool
}

// view is the table below a heading of its own title, beside is that below another.
func (t table) view() tableView {
	caption := ""
	if t.note != "" {
		caption = strings.ToUpper(t.note[:1]) + t.note[1:] + "."
	}
	return tableView{t.title, caption, t.head, t.rows, t.numbers}
}

func (t table) beside() tableView {
	v := t.view()
	v.Caption = t.title + parenthesised(t.note)
	return v
}

// HTML writes the report as a page that needs nothing else: no file, no script, no
// network. Its Content-Security-Policy allows nothing but its own style sheet.
func (r *Report) HTML(w io.Writer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	sum := sha256.Sum256([]byte(style))
	p := page{
		Report: r, Style: template.CSS(style), StyleHash: base64.StdEncoding.EncodeToString(sum[:]),
		Headline: r.headline(), Tiles: r.tiles(), Figures: r.figures(), GapRows: order(r.Gaps, rankGap),
	}
	if c := r.Comparison; c != nil && len(c.Changes) > 0 {
		f := c.forest()
		p.Forest, p.Baseline = &f, c.about(r.Machine)
	}
	if closed := r.loop(Closed); len(closed.connections) > 1 && len(r.loop(Open).connections) > 0 {
		p.Tables = append(p.Tables, closed.latencies().view())
	}
	for _, t := range []table{r.failures(), r.invalidRuns(), r.resources(), r.timings(), r.beside()} {
		if len(t.rows) > 0 {
			p.Tables = append(p.Tables, t.view())
		}
	}
	for _, c := range r.Checks {
		switch c.Outcome {
		case Passed:
			p.Passed = append(p.Passed, c)
		case NotApplicable:
			p.NA = append(p.NA, c)
		default:
			p.Failed = append(p.Failed, c)
		}
	}
	var out bytes.Buffer // an error writes nothing
	if err := pageTemplate.Execute(&out, p); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}

// figures are the measurements as plots with their tables. The latencies of a closed
// loop are drawn where there is no open one: they say how many connections shared the
// throughput, and not how long anybody would wait.
func (r *Report) figures() (all []figure) {
	closed, open := r.loop(Closed), r.loop(Open)
	if len(closed.connections) > 1 {
		all = append(all, figure{ID: "throughput-figure", Title: "Throughput by concurrency", Plots: kept(closed.throughput()), Table: closed.rates().beside()})
	}
	for _, l := range []loops{closed, open} {
		switch {
		case len(l.connections) == 1:
			all = append(all, figure{ID: "throughput-" + string(l.loop), Title: "Throughput, " + loopNames[l.loop], Plots: kept(l.bars()), Table: l.one().beside()})
		case len(l.connections) > 1 && (l.loop == Open || len(open.connections) == 0):
			all = append(all, figure{
				ID: "latency-" + string(l.loop), Title: "Latency percentiles, " + loopNames[l.loop],
				Plots: l.latencyPlots(), Legend: l.legend(), Table: l.latencies().beside(),
			})
		}
	}
	return all
}

func kept(p *plot) []*plot {
	if p == nil {
		return nil
	}
	return []*plot{p}
}

func (l loops) legend() (all []series) {
	for _, name := range l.names {
		all = append(all, series{Name: name, Look: look(l.names, name)})
	}
	return all
}

// tiles are what one sees first. A tile that tells of trouble says so by a word and
// by its colour.
func (r *Report) tiles() (tiles []tile) {
	if len(r.Checks) > 0 {
		failed, passed, na := 0, 0, 0
		for _, c := range r.Checks {
			switch c.Outcome {
			case Failed:
				failed++
			case Passed:
				passed++
			default:
				na++
			}
		}
		tiles = append(tiles, tile{strconv.Itoa(passed), "checks passed", "good"})
		tiles = append(tiles, trouble(failed, "check failed", "checks failed"))
		if na > 0 {
			tiles = append(tiles, tile{strconv.Itoa(na), "not applicable", ""})
		}
	}
	if len(r.Gaps) > 0 {
		tiles = append(tiles, trouble(r.openGaps(""), "open gap", "open gaps"))
	}
	if c := r.Comparison; c != nil {
		tiles = append(tiles, trouble(len(c.Regressions()), "regression", "regressions"))
	}
	if l := r.loop(Closed); len(l.connections) > 0 {
		if text, share := l.best(); text != "" {
			tiles = append(tiles, tile{text, share, ""})
		}
	}
	return tiles
}

func trouble(n int, one, many string) tile {
	t := tile{strconv.Itoa(n), many, "good"}
	if n == 1 {
		t.Text = one
	}
	if n > 0 {
		t.Class = "bad"
	}
	return t
}

// best is the highest throughput of anything but the floor.
func (l loops) best() (figure, text string) {
	most := 0.0
	for _, m := range l.measurements {
		if rate, ok := m.median(rateOf); ok && rate > most && m.Name != Floor {
			most = rate
			figure, text = grouped(rate), "highest throughput (requests/s): "+m.Name+", "+counted(m.Connections, "connection")
		}
	}
	return figure, text
}

// Show is the forest with other rows, for the template of its table.
func (f *forest) Show(rows []forestRow) forest {
	return forest{Low: f.Low, High: f.High, Rows: rows}
}

// Mark is the class of an outcome or of a severity in the style sheet.
func (page) Mark(of any) string {
	switch of {
	case Failed, gaps.Critical, gaps.High:
		return "bad"
	case gaps.Medium:
		return "warn"
	case Passed:
		return "good"
	}
	return ""
}
