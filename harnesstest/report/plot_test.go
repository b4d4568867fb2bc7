package report_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/report"
)

// alike is a report of a server that is about as fast as the floor, with so much more
// throughput at each step, and no p99.9.
func alike(step float64) *report.Report {
	r := report.New("alike")
	for _, loop := range []report.Loop{report.Closed, report.Open} {
		rate := 20000.0
		for _, connections := range []int{1, 10, 50, 100} {
			of := report.Run{Rate: rate, P50: time.Millisecond, P90: 2 * time.Millisecond, P99: 3 * time.Millisecond, Max: 9 * time.Millisecond}
			r.Add(report.Measurement{Name: report.Floor, Loop: loop, Connections: connections, Runs: []report.Run{of}})
			of.RateOfFloor = 1.02
			of.Rate *= 1.02
			r.Add(report.Measurement{Name: "GET /", Loop: loop, Connections: connections, Runs: []report.Run{of}})
			rate *= step
		}
	}
	return r
}

var (
	throughput = regexp.MustCompile(`(?s)<svg [^>]*aria-labelledby="throughput-t.*?</svg>`)
	tick       = regexp.MustCompile(`<text class="tick" [^>]*text-anchor="end">[0-9.]+[kM]?</text>`)
	drawn      = regexp.MustCompile(`<path class="s l[01]" d="(M[^"]*)"`)
)

// The axis of the throughput can be read, however little or much it spans.
func TestThroughputAxis(t *testing.T) {
	for _, step := range []float64{1, 1.01, 1.1, 1.5, 2, 3, 5, 12} {
		plot := throughput.FindString(written(t, alike(step).HTML))
		if n := len(tick.FindAllString(plot, -1)); n < 4 || n > 12 || !strings.Contains(plot, ">requests/s</text>") {
			t.Errorf("a step of %v: %d ticks with numbers, want 4 to 12, and the axis' title:\n%s", step, n, plot)
		}
	}
}

// A line does not go through what was not measured.
func TestLatencyGap(t *testing.T) {
	page := written(t, alike(1.1).HTML)
	lines := drawn.FindAllStringSubmatch(page[strings.Index(page, "latency-open-1-t"):], -1)
	if len(lines) < 2 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines {
		if shape := regexp.MustCompile(`[^ML]`).ReplaceAllString(line[1], ""); shape != "MLLM" {
			t.Errorf("the line without a p99.9 is %s, %s", shape, line[1])
		}
	}
}

// A share above that of the floor is explained, in each form, and only where there is one.
func TestShareAboveFloor(t *testing.T) {
	const note = "a share above 1.00 is noise"
	one := report.New("one")
	one.Add(report.Measurement{Name: "a", Loop: report.Closed, Connections: 1, Runs: []report.Run{{Rate: 2, RateOfFloor: 1.5}}})
	for name, r := range map[string]*report.Report{"many": alike(2), "one": one} {
		if !strings.Contains(written(t, r.HTML), note) || !strings.Contains(strings.ToLower(written(t, r.Markdown)), note) || !strings.Contains(written(t, r.Text), note) {
			t.Errorf("%s: no note on the share", name)
		}
	}
	if page := written(t, sample().HTML); strings.Contains(page, note) {
		t.Error("a note on a share that is not there")
	}
	if page := written(t, alike(2).HTML); !strings.Contains(page, "highest throughput (requests/s): GET /, 100 connections") {
		t.Error("the tile does not say what it is")
	}
}
