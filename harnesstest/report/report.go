package report

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/gaps"
	"github.com/fazt-sh/fazt/harnesstest/load"
)

// Format is the version of the JSON document.
const Format = 1

// Report is what a run of tests measured and found. Its fields may be read and set
// by one goroutine at a time; [Report.Add] and the methods that write are safe for many.
type Report struct {
	Format int    `json:"format"`
	Title  string `json:"title"`
	// Made is when.
	Made time.Time `json:"made"`
	// Command makes the report again.
	Command string  `json:"command,omitempty"`
	Machine Machine `json:"machine"`
	// Versions are those of what was measured, by name: "go", "fazt".
	Versions map[string]string `json:"versions,omitempty"`
	// Notes say how to understand the figures, a sentence each.
	Notes        []string      `json:"notes,omitempty"`
	Measurements []Measurement `json:"measurements,omitempty"`
	Resources    []Resource    `json:"resources,omitempty"`
	Timings      []Timing      `json:"timings,omitempty"`
	Beside       []Beside      `json:"beside,omitempty"`
	Checks       []Check       `json:"checks,omitempty"`
	Gaps         []Gap         `json:"gaps,omitempty"`
	// Comparison is with a baseline; nil without one.
	Comparison *Comparison `json:"comparison,omitempty"`

	mu sync.Mutex
}

// New is an empty report of this machine, made now, with the version of Go. Where the
// machine is busy with something else, a note says so.
func New(title string) *Report {
	r := &Report{
		Format: Format, Title: title, Made: time.Now().UTC().Truncate(time.Second), Machine: ThisMachine(),
		Versions: map[string]string{"go": strings.TrimPrefix(runtime.Version(), "go")},
	}
	loadavg, _ := os.ReadFile("/proc/loadavg") // there is none but on Linux
	if busy := otherWork(string(loadavg), r.Machine.CPUs); busy != "" {
		r.Add(Note(busy))
	}
	return r
}

// Item is what a report is made of: a [Measurement], a [Resource], a [Timing], a
// [Beside], a [Check], a [Gap] or a [Note].
type Item interface{ addTo(*Report) }

// Add puts items into the report. What is there already by its name, when a test runs
// more than once, gets further runs if it is a measurement or a timing; of a resource the
// most is kept, and of a check the worst outcome.
func (r *Report) Add(items ...Item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, item := range items {
		item.addTo(r)
	}
}

// Note is a sentence on how to understand the figures.
type Note string

func (n Note) addTo(r *Report) {
	if !slices.Contains(r.Notes, string(n)) {
		r.Notes = append(r.Notes, string(n))
	}
}

// Loop says when requests were sent.
type Loop string

const (
	Closed Loop = "closed" // each connection's next request after its answer
	Open   Loop = "open"   // at times of their own, whatever the server did
)

// Floor is the name of the measurement that others are ratios to.
const Floor = "floor"

// Measurement is one kind of request under one load.
type Measurement struct {
	Name        string `json:"name"`
	Loop        Loop   `json:"loop"`
	Connections int    `json:"connections"`
	Runs        []Run  `json:"runs"`
}

func (m Measurement) addTo(r *Report) {
	for i := range r.Measurements {
		if have := &r.Measurements[i]; have.Name == m.Name && have.Loop == m.Loop && have.Connections == m.Connections {
			have.Runs = append(have.Runs, m.Runs...)
			return
		}
	}
	m.Runs = slices.Clone(m.Runs)
	r.Measurements = append(r.Measurements, m)
}

// Run is what one load saw; see [FromLoad].
type Run struct {
	// Rate is the good answers a second.
	Rate float64 `json:"rate"`
	// Offered is the requests that were due a second; 0 in a closed loop.
	Offered float64 `json:"offered,omitempty"`
	// Requests is how many there were.
	Requests int64 `json:"requests"`
	// The latencies of good answers, from when they were due. One is 0 where fewer than
	// one answer was beyond it, so that it would be no more than the slowest.
	P50  time.Duration `json:"p50_ns,omitempty"`
	P90  time.Duration `json:"p90_ns,omitempty"`
	P99  time.Duration `json:"p99_ns,omitempty"`
	P999 time.Duration `json:"p999_ns,omitempty"`
	Max  time.Duration `json:"max_ns,omitempty"`
	// RateOfFloor and P99OfFloor are ratios to the floor's in the same round; 0 without
	// a floor.
	RateOfFloor float64 `json:"rate_of_floor,omitempty"`
	P99OfFloor  float64 `json:"p99_of_floor,omitempty"`
	// Failed counts the requests without a good answer, by what they had instead:
	// "refused", "wrong", or a load.Kind.
	Failed map[string]int64 `json:"failed,omitempty"`
	// Invalid is why the run measured nothing; "" where it did.
	Invalid string `json:"invalid,omitempty"`
}

// FromLoad is a run as a load saw it. floor is the run of the floor
// in the same round; nil without one.
func FromLoad(result *load.Result, offered float64, floor *Run) Run {
	run := Run{Rate: result.Rate(), Offered: offered, Requests: result.Requests(), Max: result.OK.Max(), Invalid: result.Invalid}
	for _, q := range []struct {
		percentile float64
		to         *time.Duration
	}{{50, &run.P50}, {90, &run.P90}, {99, &run.P99}, {99.9, &run.P999}} {
		if float64(result.OK.Count())*(100-q.percentile) >= 100-1e-6 {
			*q.to = result.OK.At(q.percentile)
		}
	}
	if floor != nil && floor.Invalid == "" {
		if floor.Rate > 0 {
			run.RateOfFloor = run.Rate / floor.Rate
		}
		if floor.P99 > 0 {
			run.P99OfFloor = float64(run.P99) / float64(floor.P99)
		}
	}
	failed := map[string]int64{"refused": result.Refused.Count(), "wrong": result.Wrong.Count()}
	for kind, n := range result.Errors {
		failed[string(kind)] = n
	}
	for kind, n := range failed {
		if n > 0 {
			if run.Failed == nil {
				run.Failed = map[string]int64{}
			}
			run.Failed[kind] = n
		}
	}
	return run
}

// Resource is what a process held at some moment.
type Resource struct {
	// Name is the process and the moment: "server, idle".
	Name string `json:"name"`
	// Resident is its memory in RAM.
	Resident int64 `json:"resident_bytes"`
	// Goroutines is how many; 0 where the process can't be asked.
	Goroutines int `json:"goroutines,omitempty"`
	// Files is its open file descriptors; 0 where they can't be counted.
	Files int `json:"files,omitempty"`
}

func (x Resource) addTo(r *Report) {
	for i := range r.Resources {
		if have := &r.Resources[i]; have.Name == x.Name {
			have.Resident, have.Goroutines, have.Files = max(have.Resident, x.Resident), max(have.Goroutines, x.Goroutines), max(have.Files, x.Files)
			return
		}
	}
	r.Resources = append(r.Resources, x)
}

// Timing is how long something took, each time that it was done.
type Timing struct {
	Name string          `json:"name"`
	Took []time.Duration `json:"took_ns"`
}

func (x Timing) addTo(r *Report) {
	for i := range r.Timings {
		if r.Timings[i].Name == x.Name {
			r.Timings[i].Took = append(r.Timings[i].Took, x.Took...)
			return
		}
	}
	x.Took = slices.Clone(x.Took)
	r.Timings = append(r.Timings, x)
}

// Outcome is how a check ended.
type Outcome string

const (
	Passed        Outcome = "passed"
	Failed        Outcome = "failed"
	NotApplicable Outcome = "not applicable"
)

// Check is a question that was asked of the target, and its answer.
type Check struct {
	// Name is the suite and the check: "Security/headers/slow".
	Name    string  `json:"name"`
	Outcome Outcome `json:"outcome"`
	// Text is what was wrong, or why it does not apply.
	Text string `json:"text,omitempty"`
}

func (c Check) addTo(r *Report) {
	for i, have := range r.Checks {
		if have.Name == c.Name {
			if rankOutcome(c) < rankOutcome(have) {
				r.Checks[i] = c
			}
			return
		}
	}
	r.Checks = append(r.Checks, c)
}

// Gap is a [gaps.Gap] as an item: report.Gap(g).
type Gap gaps.Gap

func (g Gap) addTo(r *Report) {
	g.Status = cmp.Or(g.Status, gaps.Open)
	r.Gaps = append(r.Gaps, g)
}

// Merge puts the runs and timings of other reports beside those of r, and takes from
// them what r does not have; all else is r's own. It is for measuring in several
// processes, each of which saved a report.
func (r *Report) Merge(others ...*Report) {
	for _, o := range others {
		for _, m := range o.Measurements {
			r.Add(m)
		}
		for _, t := range o.Timings {
			r.Add(t)
		}
		if len(r.Resources) == 0 {
			r.Resources = slices.Clone(o.Resources)
		}
		if len(r.Beside) == 0 {
			r.Beside = slices.Clone(o.Beside)
		}
	}
}

// JSON writes the report as a document; see the package's text.
func (r *Report) JSON(w io.Writer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(r)
}

// Read reads a report from its JSON. A document of a later format is an error.
func Read(from io.Reader) (*Report, error) {
	var r Report
	if err := json.NewDecoder(from).Decode(&r); err != nil {
		return nil, fmt.Errorf("report: it is not the JSON of a report: %w", err)
	}
	switch {
	case r.Format == 0:
		return nil, errors.New("report: the JSON has no \"format\", so it is not a report; give one that Report.JSON wrote")
	case r.Format > Format:
		return nil, fmt.Errorf("report: format %d is later than %d, which this version reads; update the package", r.Format, Format)
	}
	return &r, nil
}

// ReadFile reads a report from a file of JSON.
func ReadFile(fsys fs.FS, name string) (*Report, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	defer f.Close()
	r, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// Save writes report.json, report.txt, report.md and report.html into a directory,
// which it makes if need be.
func (r *Report) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	for name, write := range map[string]func(io.Writer) error{
		"report.json": r.JSON, "report.txt": r.Text, "report.md": r.Markdown, "report.html": r.HTML,
	} {
		if err := saveFile(filepath.Join(dir, name), write); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	return nil
}

func saveFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
