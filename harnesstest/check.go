package harnesstest

import (
	"cmp"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/gaps"
)

// Check is one question of a [Suite], with an answer that can be wrong. It depends
// on no other check, and leaves nothing behind.
type Check struct {
	// Name is what comes after the suite's in the name of the subtest, and stays
	// as it is once it has been released: "headers/slow".
	Name string
	// Needs is what the target must be able to do. Without it the subtest is
	// skipped, and says why. A check without needs asks only for what HTTP promises.
	Needs []Capability
	// Parallel checks may run beside others of their suite. One that loads the
	// machine or measures something is not parallel.
	Parallel bool
	// Severity is how bad a gap it is when the check fails. Default: [gaps.High].
	Severity gaps.Severity
	// Fix is what to do about it, for who reads the account of gaps. It may be left out
	// where what the check says has it.
	Fix string
	// Run asks, and reports what is wrong as a test does.
	Run func(*Probe)
}

// Suite is a table of checks.
type Suite struct {
	Name   string
	Checks []Check
}

// Outcome is how a check ended.
type Outcome string

// The outcomes.
const (
	Passed        Outcome = "passed"
	Failed        Outcome = "failed"
	NotApplicable Outcome = "not applicable"
)

// Result is what a check came to.
type Result struct {
	Suite, Check string
	Outcome      Outcome
	// Text is what was wrong, or why the check does not apply; "" if it passed.
	Text string
	// Values are what the check handed to [Probe.Record], in that order.
	Values []any

	severity gaps.Severity // of the check
	fix      string
}

// Option changes how a suite runs.
type Option func(*run)

// run is one run of a suite.
type run struct {
	sinks   []func(Result)
	reports bool   // somebody wants to know what was measured
	path    string // see WithPath
	short   bool   // see Short
}

// WithSink hands each check's result to sink when the check has ended. It is
// called by several goroutines at once.
func WithSink(sink func(Result)) Option {
	return func(r *run) { r.sinks = append(r.sinks, sink) }
}

// Short runs the suite as under go test -short: fewer attempts of each kind, and shorter
// loads.
func Short() Option { return func(r *run) { r.short = true } }

// Run runs the suite as a subtest with its name, in which each check is one.
func (s Suite) Run(t *testing.T, target Target, opts ...Option) {
	t.Helper()
	var r run
	for _, opt := range opts {
		opt(&r)
	}
	t.Run(s.Name, func(t *testing.T) {
		for _, c := range s.Checks {
			t.Run(c.Name, func(t *testing.T) {
				if c.Parallel {
					t.Parallel()
				}
				p := &Probe{TB: t, Target: target, suite: s.Name, check: c, reports: r.reports, asked: r.path, brief: r.short || testing.Short()}
				t.Cleanup(func() { r.report(p.result()) })
				p.ask(c)
			})
		}
	})
}

func (r *run) report(res Result) {
	for _, sink := range r.sinks {
		sink(res)
	}
}

// Try runs the check and returns what it came to; nothing fails by it. It is for
// tests of checks: each must find the fault that it is there for.
func (c Check) Try(tb testing.TB, target Target) Result {
	tb.Helper()
	return c.try(tb, target, 0)
}

func (c Check) try(tb testing.TB, target Target, within time.Duration) Result {
	tb.Helper()
	trial := newTrial(tb)
	p := &Probe{TB: trial, Target: target, check: c, within: within, brief: within > 0 || testing.Short()}
	trial.run(func() { p.ask(c) })
	return p.result()
}

// Probe is a check at work: the test that it reports to, and the target. What it
// reports is kept for the [Result] as well.
type Probe struct {
	testing.TB
	Target Target

	suite   string
	check   Check
	brief   bool          // see Short
	within  time.Duration // see patience; 0: the default
	reports bool          // what is measured is wanted
	asked   string        // see WithPath; "" is none

	mu     sync.Mutex
	wrong  []string
	reason string // why it does not apply
	values []any
}

// ask runs the check, or says why it does not apply.
func (p *Probe) ask(c Check) {
	p.Helper()
	for _, need := range c.Needs {
		if reason := need.lacks(p.Target); reason != "" {
			p.doesNotApply(reason)
		}
	}
	c.Run(p)
}

// notApplicable ends the check, whose target can't be asked for a reason.
func (p *Probe) doesNotApply(reason string) {
	p.Helper()
	p.mu.Lock()
	p.reason = reason
	p.mu.Unlock()
	p.Skip("not applicable: " + reason)
}

// patience is how long to wait for what comes within seconds from any server that is not
// at fault. Only a check that fails waits for all of it.
func (p *Probe) patience() time.Duration { return cmp.Or(p.within, time.Minute) }

// Record puts something that was measured or found into the [Result].
func (p *Probe) Record(value any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.values = append(p.values, value)
}

func (p *Probe) result() Result {
	failed := p.Failed()
	p.mu.Lock()
	defer p.mu.Unlock()
	res := Result{
		Suite: p.suite, Check: p.check.Name, Outcome: Passed, Text: strings.Join(p.wrong, "\n"), Values: p.values,
		severity: p.check.Severity, fix: p.check.Fix,
	}
	switch {
	case failed:
		res.Outcome = Failed
	case p.reason != "":
		res.Outcome, res.Text = NotApplicable, p.reason
	}
	return res
}

func (p *Probe) note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrong = append(p.wrong, strings.TrimSuffix(text, "\n"))
}

// Error is [testing.T.Error].
func (p *Probe) Error(args ...any) {
	p.Helper()
	p.note(fmt.Sprintln(args...))
	p.TB.Error(args...)
}

// Errorf is [testing.T.Errorf].
func (p *Probe) Errorf(format string, args ...any) {
	p.Helper()
	p.note(fmt.Sprintf(format, args...))
	p.TB.Errorf(format, args...)
}

// Fatal is [testing.T.Fatal].
func (p *Probe) Fatal(args ...any) {
	p.Helper()
	p.note(fmt.Sprintln(args...))
	p.TB.Fatal(args...)
}

// Fatalf is [testing.T.Fatalf].
func (p *Probe) Fatalf(format string, args ...any) {
	p.Helper()
	p.note(fmt.Sprintf(format, args...))
	p.TB.Fatalf(format, args...)
}
