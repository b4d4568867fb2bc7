// Package report is what a run of tests measured and found: throughput, latencies,
// resources, checks, gaps, and what has changed since a baseline.
//
// A [Report] is filled by [Report.Add], which tests may call in parallel, and
// written as text for a terminal ([Report.Text]), as Markdown ([Report.Markdown]),
// as a page with plots ([Report.HTML]), and as JSON ([Report.JSON]), from which
// [Read] makes it again. [Report.Save] writes all four into a directory.
//
// # Runs
//
// One run says little: on a machine that others use, too, it is easily a third off.
// So a measurement holds several runs, one from each round of a suite, and its
// figures are their medians. A ratio to the floor, a server that does nothing,
// is taken within each round, in which the machine was the same for both.
//
// A run in which the load generator fell behind is invalid (see package load). It
// is kept with its reason, and is no part of any figure; where there is no other, the
// figure is the word "invalid".
//
// # Comparison
//
// [Compare] asks of each measurement whether its runs come from another
// distribution than the baseline's, by the Mann-Whitney U test, and how far apart
// they are, by the Hodges-Lehmann estimate of the ratio with its confidence interval.
// See there for the sources and for what it can't tell.
//
// # JSON
//
// The document's "format" is [Format]. Within one format, fields are added and none
// changes its meaning, so that a reader ignores what it does not know; [Read] refuses a
// later format. Times are in nanoseconds, as the names of their fields say, memory is
// in bytes, and rates are a second.
package report
