package harnesstest_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fazt-sh/fazt/harnesstest"
)

// teapot answers everything alike.
var teapot = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })

func TestTry(t *testing.T) {
	cleaned := false
	needs := []harnesstest.Capability{harnesstest.Need[harnesstest.Deployer]()}
	for _, test := range []struct {
		check   harnesstest.Check
		outcome harnesstest.Outcome
		text    string
	}{
		{harnesstest.Check{Run: func(p *harnesstest.Probe) {
			p.Visit().Get("/").Expect(http.StatusTeapot)
		}}, harnesstest.Passed, ""},
		{harnesstest.Check{Run: func(p *harnesstest.Probe) {
			p.Cleanup(func() { cleaned = true })
			p.Errorf("first %d", 1)
			p.Fatal("second")
			p.Error("never")
		}}, harnesstest.Failed, "first 1\nsecond"},
		{harnesstest.Check{Run: func(p *harnesstest.Probe) {
			p.Visit().Get("/").Expect(http.StatusOK)
		}}, harnesstest.Failed, "want status [200], got 418"},
		{harnesstest.Check{Needs: needs, Run: func(p *harnesstest.Probe) {
			p.Error("was asked")
		}}, harnesstest.NotApplicable, "is only asked over HTTP"},
	} {
		res := test.check.Try(t, harnesstest.Handler(t, teapot))
		if res.Outcome != test.outcome || !strings.Contains(res.Text, test.text) {
			t.Errorf("got %+v, want %s with %q", res, test.outcome, test.text)
		}
	}
	if !cleaned {
		t.Error("Try has not cleaned up after a check that ended early")
	}
}

func TestSuite(t *testing.T) {
	var mu sync.Mutex
	results := map[string]harnesstest.Result{}
	suite := harnesstest.Suite{Name: "Mine", Checks: []harnesstest.Check{
		{Name: "a/b", Parallel: true, Run: func(p *harnesstest.Probe) { p.Record(42) }},
		{Name: "deploys", Needs: []harnesstest.Capability{harnesstest.Need[harnesstest.Deployer]()}, Run: func(p *harnesstest.Probe) {
			p.Fatal("was asked")
		}},
	}}
	suite.Run(t, harnesstest.Handler(t, teapot), harnesstest.WithSink(func(r harnesstest.Result) {
		mu.Lock()
		defer mu.Unlock()
		results[r.Suite+"/"+r.Check] = r
	}))
	want := map[string]harnesstest.Result{
		"Mine/a/b": {Suite: "Mine", Check: "a/b", Outcome: harnesstest.Passed, Values: []any{42}},
		"Mine/deploys": {Suite: "Mine", Check: "deploys", Outcome: harnesstest.NotApplicable,
			Text: "needs an app: this target, an http.Handler, can't deploy one, since it is only asked over HTTP; give the suite a server of harnesstest.Start or Attach"},
	}
	if diff := cmp.Diff(want, results, cmpopts.IgnoreUnexported(harnesstest.Result{})); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

// A server of the test's own lacks nothing that a check can need.
func TestStartLacksNothing(t *testing.T) {
	srv := harnesstest.Start(t)
	everything := []harnesstest.Capability{
		harnesstest.Need[harnesstest.Deployer](), harnesstest.Need[harnesstest.SignsIn](),
		harnesstest.Need[harnesstest.Keyer](), harnesstest.Need[harnesstest.Sibling](),
		harnesstest.Need[harnesstest.Spawner](),
	}
	asked := false
	res := harnesstest.Check{Needs: everything, Run: func(p *harnesstest.Probe) {
		asked = true
		app := p.Deploy(fstest.MapFS{"index.html": {Data: []byte("home")}})
		app.Get("/").Expect(http.StatusOK)
		p.As(harnesstest.User{Email: "ada@example.com", Role: "owner"}).Get("/api/apps").Expect(http.StatusOK)
		p.As(harnesstest.User{Email: "bob@example.com"}).Get("/api/apps").Expect(http.StatusForbidden)
	}}.Try(t, srv)
	if res.Outcome != harnesstest.Passed || !asked {
		t.Error(res)
	}
}
