//go:build integration

package harnesstest_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/harnesstest/gaps"
	"github.com/fazt-sh/fazt/harnesstest/report"
)

// FAZT_REPORT is the directory that the run's report is saved to. The figures of suite
// Baseline are compared with the saved ones, for information.
const reportEnv = "FAZT_REPORT"

// saved are the runs that others are compared with, and that the README shows.
const saved = "baseline.json"

// FAZT_GAPS is the file that keeps what the suites found lacking, from run to run. One
// whose name ends in .md is for people alone. A critical gap that is open fails the run,
// also where this run has not looked at it.
const gapsEnv = "FAZT_GAPS"

var (
	found gaps.Tracker
	asked bool // a suite has run, which none does in a spawned server
)

func TestMain(m *testing.M) {
	harnesstest.Main(m)
	if err := errors.Join(saveReport(), saveGaps()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// results is the report of the whole run.
var results = sync.OnceValue(func() *report.Report {
	r := report.New("fazt")
	r.Versions["fazt"] = fazt.Version
	r.Command = reportEnv + "=/tmp/report go test -count=" + flag.Lookup("test.count").Value.String() + " -tags=integration ./harnesstest"
	if run := flag.Lookup("test.run").Value.String(); run != "" {
		r.Command += " -run '" + run + "'"
	}
	if os.Getenv("FAZT_TARGET") != "" {
		r.Command = "FAZT_TARGET=... FAZT_TOKEN=... " + r.Command
	}
	return r
})

var wanted bool // a suite has results

// withReport are the options by which a suite fills the account of gaps, and the report
// where one is wanted.
func withReport() []harnesstest.Option {
	asked = true
	opts := []harnesstest.Option{harnesstest.WithGaps(&found)}
	if os.Getenv(reportEnv) != "" {
		wanted = true
		opts = append(opts, harnesstest.WithReport(results()))
	}
	return opts
}

func saveGaps() error {
	path := os.Getenv(gapsEnv)
	if path == "" || !asked {
		return nil
	}
	return errors.Join(found.Save(path), found.Err())
}

func saveReport() error {
	if !wanted {
		return nil
	}
	dir := os.Getenv(reportEnv)
	if !filepath.IsAbs(dir) {
		return fmt.Errorf("%s=%s is below wherever the test's package is; give a path from the root", reportEnv, dir)
	}
	r := results()
	baseline, err := report.ReadFile(os.DirFS("../testdata/performance"), saved)
	switch {
	case err == nil:
		r.Comparison = report.Compare(baseline, r)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return r.Save(dir)
}
