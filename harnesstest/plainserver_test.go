package harnesstest_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/harnesstest/report"
)

// Servers that are not fazt, and what the suites ask of them.

// page answers every path with the same page, as the server of many web apps does.
var page = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	http.ServeContent(w, r, "", time.Unix(0, 0), strings.NewReader("<!doctype html><title>app</title>"))
})

func checkOf(t *testing.T, suite harnesstest.Suite, name string) harnesstest.Check {
	t.Helper()
	for _, c := range suite.Checks {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("%s has no check %s", suite.Name, name)
	return harnesstest.Check{}
}

// What is the listener's is not asked where the listener is not the user's.
func TestListenerOfHarness(t *testing.T) {
	srv := harnesstest.Start(t)
	for _, name := range []string{"headers/slow", "headers/size", "body/slow", "connections/address"} {
		check := checkOf(t, harnesstest.SecuritySuite(), name)
		for kind, target := range map[string]harnesstest.Target{"Handler": harnesstest.Handler(t, page), "Serve": srv.Serve(page).Target} {
			res := check.Try(t, target)
			if res.Outcome != harnesstest.NotApplicable || !strings.HasPrefix(res.Text, "the listener is harnesstest's own; give URL()") {
				t.Errorf("%s of %s: %+v", name, kind, res)
			}
		}
	}
	own := httptest.NewServer(page)
	t.Cleanup(own.Close)
	if res := checkOf(t, harnesstest.SecuritySuite(), "headers/size").Try(t, harnesstest.URL(t, own.URL)); res.Outcome != harnesstest.Passed {
		t.Errorf("a server of the user's own: %+v", res)
	}
}

// A server may have a page for every path; what it answers else is shown with the path
// that was sent.
func TestUnknownPath(t *testing.T) {
	for _, name := range []string{"http/get", "http/head"} {
		check := checkOf(t, harnesstest.RequestsSuite(), name)
		if res := check.Try(t, harnesstest.Handler(t, page)); res.Outcome != harnesstest.Passed {
			t.Errorf("%s of a server that answers every path: %+v", name, res)
		}
		odd := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/" {
				w.WriteHeader(http.StatusAccepted)
			}
		})
		if res := check.Try(t, harnesstest.Handler(t, odd)); res.Outcome != harnesstest.Failed || !strings.Contains(res.Text, `"/xxxxxxxxxxxxxxxxxxxx-that-nobody-has"`) {
			t.Errorf("%s of a server that answers 202: %+v", name, res)
		}
	}
}

// The option shortens what go test -short does.
func TestShortBaseline(t *testing.T) {
	r := report.New("short")
	suite := harnesstest.Suite{Name: "Baseline", Checks: harnesstest.BaselineSuite().Checks[:1]}
	suite.Run(t, harnesstest.Handler(t, page), harnesstest.Short(), harnesstest.WithReport(r))
	for _, m := range r.Measurements {
		if len(m.Runs) != 1 {
			t.Errorf("%s has %d runs, want 1", m.Name, len(m.Runs))
		}
	}
	if len(r.Measurements) == 0 {
		t.Error("nothing was measured")
	}
}

// A reason begins with what the check needs.
func TestNeeds(t *testing.T) {
	target := harnesstest.Handler(t, page)
	got := map[string]string{}
	for name, need := range map[string]harnesstest.Capability{
		"Deployer": harnesstest.Need[harnesstest.Deployer](), "SignsIn": harnesstest.Need[harnesstest.SignsIn](),
		"Keyer": harnesstest.Need[harnesstest.Keyer](), "Sibling": harnesstest.Need[harnesstest.Sibling](),
		"Spawner": harnesstest.Need[harnesstest.Spawner](),
	} {
		res := harnesstest.Check{Needs: []harnesstest.Capability{need}, Run: func(p *harnesstest.Probe) { p.Error("was asked") }}.Try(t, target)
		got[name], _, _ = strings.Cut(res.Text, ", since")
	}
	want := map[string]string{
		"Deployer": "needs an app: this target, an http.Handler, can't deploy one",
		"SignsIn":  "needs a visitor who has signed in: this target, an http.Handler, can't sign one in",
		"Keyer":    "needs an API key: this target, an http.Handler, can't make one",
		"Sibling":  "needs a second server with other options: this target, an http.Handler, can't start one",
		"Spawner":  "needs a server in a process of its own: this target, an http.Handler, can't start one",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

// tried is what a test that does this ends with.
func tried(t *testing.T, target harnesstest.Target, run func(*harnesstest.Probe)) string {
	t.Helper()
	res := harnesstest.Check{Run: run}.Try(t, target)
	if res.Outcome != harnesstest.Failed {
		t.Errorf("nothing is wrong: %+v", res)
	}
	return res.Text
}

func TestNilHandler(t *testing.T) {
	if text := tried(t, nil, func(p *harnesstest.Probe) { harnesstest.Handler(p, nil) }); !strings.Contains(text, "the handler is nil; give the one to test") {
		t.Error(text)
	}
}

// What a newcomer writes wrong is answered with what to write.
func TestMistakes(t *testing.T) {
	srv := harnesstest.Start(t)
	for _, test := range []struct {
		name string
		run  func(*harnesstest.Probe)
		want string
	}{
		{"no e-mail", func(p *harnesstest.Probe) { p.As(harnesstest.User{Name: "x"}) }, "the User has no Email"},
		{"no folder", func(p *harnesstest.Probe) { p.Deploy(os.DirFS("nosuchdir")) },
			"the folder nosuchdir is not there; os.DirFS takes it relative to the test's own folder, /"},
		{"no slash", func(p *harnesstest.Probe) { p.Visit().Get("api/entries") }, `write "/api/entries"`},
	} {
		if text := tried(t, srv, test.run); !strings.Contains(text, test.want) || strings.Contains(text, "\n") {
			t.Errorf("%s: %s\nwant one line with %q", test.name, text, test.want)
		}
	}
}

// An answer that was not expected shows its body first, and then its header.
func TestExpectShows(t *testing.T) {
	target := harnesstest.Handler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-B", "b")
		w.Header().Set("X-A", "a")
		http.Error(w, "not today", http.StatusTeapot)
	}))
	text := tried(t, target, func(p *harnesstest.Probe) { p.Visit().Get("/").Expect(200) })
	if !strings.Contains(text, "got 418 not today\n") || !strings.Contains(text, "\nX-A: a\nX-B: b\n") && !strings.HasSuffix(text, "\nX-A: a\nX-B: b") {
		t.Error(text)
	}
}
