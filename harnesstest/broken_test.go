package harnesstest_test

import (
	"context"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/harnesstest"
)

// fault makes a server that is at fault in just what one check asks. healthy is a
// server of harnesstest.Start, shared with all other faults, to be spoiled or left
// alone; what is made ends with tb.
type fault func(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target

// faults has one for each check of each suite, under "Suite/check", or more of them under
// "Suite/check#what". Each suite's are in a file of its own, broken_<suite>_test.go.
func faults() map[string]fault {
	all := map[string]fault{}
	for suite, of := range map[string]map[string]fault{
		"Baseline": brokenBaseline, "Requests": brokenRequests, "Neighbours": brokenNeighbours,
		"Resilience": brokenResilience, "Security": brokenSecurity,
	} {
		for check, f := range of {
			all[suite+"/"+check] = f
		}
	}
	return all
}

// atOnce is how many checks look for their faults at the same time. Many of them wait
// for a server's deadline; of parallel subtests only as many run as there are
// processors.
const atOnce = 8

// soon is how long the checks wait for what a broken server never does. A healthy one
// does it within 10 s.
const soon = 15 * time.Second

// TestChecksFindFaults: there is a broken server for each check, and the check fails
// against it.
func TestChecksFindFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED under -short: some hundred servers, each broken in its own way, take minutes")
	}
	healthy := harnesstest.Start(t)
	broken := faults()
	known := map[string]bool{}
	for _, suite := range harnesstest.Suites() {
		for _, check := range suite.Checks {
			known[suite.Name+"/"+check.Name] = true
		}
		t.Run(suite.Name, func(t *testing.T) { findFaults(t, suite, broken, healthy) })
	}
	for _, name := range slices.Sorted(maps.Keys(broken)) {
		if check, _, _ := strings.Cut(name, "#"); !known[check] {
			t.Errorf("a server is broken for %s, which is no check", name)
		}
	}
}

// findFaults tries the checks of a suite: first those that may run beside others, and
// each of the others when nothing else runs.
func findFaults(t *testing.T, suite harnesstest.Suite, broken map[string]fault, healthy *harnesstest.Server) {
	var running sync.WaitGroup
	places := make(chan struct{}, atOnce)
	var alone []func()
	for _, check := range suite.Checks {
		name := suite.Name + "/" + check.Name
		if broken[name] == nil {
			t.Errorf("no server is broken for %s: add one to broken_*_test.go", name)
		}
		for fault, make := range broken {
			if of, _, _ := strings.Cut(fault, "#"); of != name {
				continue
			}
			find := func() { finds(t, check, fault, func() harnesstest.Target { return make(t, healthy) }) }
			if !check.Parallel {
				alone = append(alone, find)
				continue
			}
			places <- struct{}{}
			running.Go(func() {
				defer func() { <-places }()
				find()
			})
		}
	}
	running.Wait()
	for _, find := range alone {
		find()
	}
}

// finds reports a check that does not find a fault.
func finds(t *testing.T, check harnesstest.Check, fault string, broken func() harnesstest.Target) {
	t.Helper()
	if res := harnesstest.TryWithin(check, t, broken(), soon); res.Outcome != harnesstest.Failed {
		t.Errorf("%s finds nothing wrong with a server that is broken for it: %s %s", fault, res.Outcome, res.Text)
	} else {
		first, _, _ := strings.Cut(res.Text, "\n")
		t.Logf("%s: %s", fault, first)
	}
}

// TestChecksPassHealthy: no check cries at a server without a fault, which stands behind
// the same wrapper as those with one. The long form of the suites is what the integration
// tests run.
func TestChecksPassHealthy(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED under -short: all suites, which take a minute")
	}
	healthy := spoil(t, harnesstest.Start(t), func(h http.Handler) http.Handler { return h })
	for _, suite := range harnesstest.Suites() {
		suite.Run(t, healthy, harnesstest.Short(), harnesstest.WithSink(func(res harnesstest.Result) {
			if res.Outcome == harnesstest.NotApplicable {
				t.Errorf("%s/%s does not apply: %s", res.Suite, res.Check, res.Text)
			}
		}))
	}
}

// spoiled is a fazt with a handler around it that spoils one thing. It can do what the
// fazt can, at an address of its own.
type spoiled struct {
	*harnesstest.Server                    // what is spoiled
	front               harnesstest.Target // where it answers
	wrap                func(http.Handler) http.Handler
}

// spoil puts a handler around a fazt, behind a front door of its own. change is what
// the front door needs to know of the fazt's options.
func spoil(tb testing.TB, healthy *harnesstest.Server, wrap func(http.Handler) http.Handler, change ...func(*fazt.Options)) harnesstest.Target {
	tb.Helper()
	opt := fazt.Options{RateLimit: frontdoor.NoRateLimit}
	for _, f := range change {
		f(&opt)
	}
	addr := behindDoor(tb, wrap(healthy.Fazt), frontdoor.Options{RateLimit: opt.RateLimit, TrustedProxies: opt.TrustedProxies})
	return &spoiled{healthy, harnesstest.URL(tb, "http://"+addr), wrap}
}

// doorless is a healthy fazt without a front door.
func doorless(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
	tb.Helper()
	return &spoiled{healthy, harnesstest.Handler(tb, healthy.Fazt), nil}
}

// behindDoor answers by a handler behind a front door until the test ends.
func behindDoor(tb testing.TB, h http.Handler, opt frontdoor.Options) (addr string) {
	tb.Helper()
	door, err := frontdoor.New(opt)
	if err != nil {
		tb.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- door.Serve(ctx, l, h) }()
	tb.Cleanup(func() {
		cancel()
		<-done // requests that were cut off are what some faults leave
	})
	return l.Addr().String()
}

func (s *spoiled) Base() string                               { return s.front.Base() }
func (s *spoiled) Dial(ctx context.Context) (net.Conn, error) { return s.front.Dial(ctx) }

// AppURL has the port of the wrapper.
func (s *spoiled) AppURL(name string) string {
	u, err := url.Parse(s.Base())
	if err != nil {
		panic(err)
	}
	return "http://" + name + ".localhost:" + u.Port()
}

// Sibling is spoiled likewise.
func (s *spoiled) Sibling(tb testing.TB, change ...func(*fazt.Options)) harnesstest.Target {
	tb.Helper()
	srv := harnesstest.Start(tb, change...)
	if s.wrap == nil {
		return doorless(tb, srv)
	}
	return spoil(tb, srv, s.wrap, change...)
}
