package harnesstest_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"testing"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/harnesstest/report"
)

// FAZT_REPORT is the directory that the run's report is saved to. The figures of suite
// Baseline are compared with the saved ones, for information.
const reportEnv = "FAZT_REPORT"

// saved are the runs that others are compared with, and that the README shows.
const saved = "baseline.json"

func TestMain(m *testing.M) {
	harnesstest.Main(m)
	if err := saveReport(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// results is the report of the whole run.
var results = sync.OnceValue(func() *report.Report {
	r := report.New("fazt")
	r.Versions["fazt"] = fazt.Version
	r.Command = fmt.Sprintf("%s=report go test -count=1 -tags=integration -run %s ./harnesstest", reportEnv, flag.Lookup("test.run").Value)
	if os.Getenv("FAZT_TARGET") != "" {
		r.Command = "FAZT_TARGET=... FAZT_TOKEN=... " + r.Command
	}
	return r
})

var wanted bool // a suite has results

// withReport are the options by which a suite fills the report, where one is wanted.
func withReport() []harnesstest.Option {
	if os.Getenv(reportEnv) == "" {
		return nil
	}
	wanted = true
	return []harnesstest.Option{harnesstest.WithReport(results())}
}

func saveReport() error {
	if !wanted {
		return nil
	}
	r := results()
	baseline, err := report.ReadFile(os.DirFS("../testdata/performance"), saved)
	switch {
	case err == nil:
		r.Comparison = report.Compare(baseline, r)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return r.Save(os.Getenv(reportEnv))
}
