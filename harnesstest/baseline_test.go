package harnesstest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/harnesstest/report"
)

// A server that is not fazt is measured by the path that is given, beside the floor; what
// needs an app of one's own is listed with the reason.
func TestBaselineOfAnyServer(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /shop", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "page=2" {
			http.NotFound(w, r)
		}
	})
	r := report.New("a shop")
	harnesstest.Baseline(t, harnesstest.Handler(t, mux), harnesstest.WithReport(r), harnesstest.WithPath("/shop?page=2"))
	runs := map[string]int{}
	for _, m := range r.Measurements {
		runs[m.Name+" "+string(m.Loop)] += len(m.Runs)
		for _, run := range m.Runs {
			if run.Rate <= 0 || run.Requests == 0 || run.Failed != nil || m.Name == report.Floor && run.RateOfFloor > 0 {
				t.Errorf("%s: %+v", m.Name, run)
			}
		}
	}
	rounds := 5
	if testing.Short() {
		rounds = 1
	}
	want := map[string]int{"floor closed": 4 * rounds, "floor open": 4 * rounds, "GET /shop?page=2 closed": 4 * rounds, "GET /shop?page=2 open": 4 * rounds}
	if diff := cmp.Diff(want, runs); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	for _, c := range r.Checks {
		switch c.Name {
		case "Baseline/get":
			if c.Outcome != report.Passed {
				t.Errorf("%+v", c)
			}
		default:
			if c.Outcome != report.NotApplicable || !strings.Contains(c.Text, "only asked over HTTP") {
				t.Errorf("%+v", c)
			}
		}
	}
}

// A limit of requests is the target's right, and no throughput.
func TestBaselineOfLimitedServer(t *testing.T) {
	limited := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.UserAgent() == "" { // it is the load
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	check := harnesstest.BaselineSuite().Checks[0]
	if res := check.Try(t, harnesstest.Handler(t, limited)); check.Name != "get" || res.Outcome != harnesstest.NotApplicable || !strings.Contains(res.Text, "--rate-limit 0") {
		t.Errorf("%s: %+v", check.Name, res)
	}
}
