package harnesstest

import (
	"github.com/fazt-sh/fazt/harnesstest/report"
)

// WithReport puts what the suite measures and finds into a report: each check with its
// outcome, what it found lacking, see [Result.Gaps], and whatever it has recorded that is
// a [report.Item]. Checks that measure
// take longer then, for figures that are worth reading.
func WithReport(r *report.Report) Option {
	return func(run *run) {
		run.reports = true
		run.sinks = append(run.sinks, func(res Result) {
			r.Add(report.Check{Name: res.Suite + "/" + res.Check, Outcome: report.Outcome(res.Outcome), Text: res.Text})
			for _, v := range res.Values {
				if item, ok := v.(report.Item); ok {
					r.Add(item)
				}
			}
			for _, g := range res.Gaps() {
				r.Add(report.Gap(g))
			}
		})
	}
}

// WithPath is the path that [Baseline] asks any target for, one that it can't deploy to
// above all, with its query if it has one. Default: "/".
func WithPath(path string) Option {
	return func(run *run) { run.path = path }
}
