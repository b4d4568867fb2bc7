package report_test

import (
	"fmt"

	"github.com/fazt-sh/fazt/harnesstest/report"
)

func ExampleCompare() {
	rates := func(title string, rates ...float64) *report.Report {
		r := report.New(title)
		for _, rate := range rates {
			r.Add(report.Measurement{Name: "search", Loop: report.Closed, Connections: 10, Runs: []report.Run{{Rate: rate}}})
		}
		return r
	}
	baseline := rates("last week", 1000, 1010, 1020, 990, 980)
	now := rates("now", 820, 810, 805, 795, 790)
	for _, change := range report.Compare(baseline, now).Changes {
		fmt.Println(change)
	}
	fmt.Println(report.Compare(baseline, rates("once", 600)).Changes[0])
	// Output:
	// search, 10 connections, throughput: 0.80 (0.78 to 0.83) (worse)
	// search, 10 connections, throughput: 0.60 (too few runs)
}
