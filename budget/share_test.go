package budget_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/fazt-sh/fazt/budget"
)

// flood is an app that asks for more than its share, all the time.
type flood struct {
	Callers, Addresses int
	Slice              int64 // ms on a slot at a time
	Yields             bool  // makes way when it is asked; otherwise Slice is at most stuckSlice
	Off                int64 // ms of waiting after each slice
	Turns              int   // slices of a run
}

// stuckSlice is how long a run of the test computes at most without making way,
// in ms.
const stuckSlice = 20

func drawFlood(rt *rapid.T) flood {
	f := flood{
		Callers:   rapid.IntRange(1, 60).Draw(rt, "callers"),
		Addresses: rapid.IntRange(1, 5).Draw(rt, "addresses"),
		Slice:     rapid.Int64Range(1, 150).Draw(rt, "slice"),
		Yields:    rapid.Bool().Draw(rt, "yields"),
		Off:       rapid.SampledFrom([]int64{0, 0, 1, 100, 9500}).Draw(rt, "off"),
		Turns:     rapid.IntRange(1, 4).Draw(rt, "turns"),
	}
	if !f.Yields {
		f.Slice = min(f.Slice, stuckSlice)
	}
	return f
}

// insatiable reports whether somebody of the flood waits at any time. One that only
// has a few callers, or whose callers are mostly away, may be below its share now
// and then.
func (f flood) insatiable(c budget.AdmissionConfig) bool {
	return f.Off == 0 && f.Callers > 4*c.Slots && c.Queue >= 500
}

// longest is how long one of the flood's slices may be, in ms.
func (f flood) longest() int64 {
	if f.Yields {
		return min(f.Slice, 5)
	}
	return f.Slice
}

// run has one of the flood's callers send one request after the other.
func (f flood) run(ctx context.Context, a *budget.Admission, c budget.Caller) {
	for ctx.Err() == nil {
		request, cancel := context.WithTimeout(ctx, 10*time.Second)
		f.request(request, a, c)
		cancel()
	}
}

func (f flood) request(ctx context.Context, a *budget.Admission, c budget.Caller) {
	ticket, err := a.Enter(ctx, c)
	if err != nil {
		time.Sleep(10 * ms)
		return
	}
	defer ticket.Done()
	for range f.Turns {
		if f.Yields {
			if compute(ctx, ticket, time.Duration(f.Slice)*ms) != nil {
				return
			}
		} else {
			for left := f.Slice; left > 0; left -= 5 {
				time.Sleep(time.Duration(min(left, 5)) * ms)
				ticket.Yield()
			}
		}
		ticket.Leave()
		select {
		case <-time.After(time.Duration(f.Off) * ms):
		case <-ctx.Done():
		}
		if ticket.Resume(ctx) != nil {
			return
		}
	}
}

// TestOneAddressFloodsItsOwnApp: the other visitors of the app take turns with it,
// and none is refused.
func TestOneAddressFloodsItsOwnApp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := admission(t, budget.AdmissionConfig{Slots: 2, Queue: 32})
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
		defer stop()
		var all sync.WaitGroup
		for range 200 {
			f := flood{Slice: 20, Yields: true, Turns: 1}
			all.Go(func() { f.run(ctx, a, budget.Caller{Flow: "app", Address: "flood"}) })
		}
		for i := range 15 {
			all.Go(func() {
				for ctx.Err() == nil {
					time.Sleep(200 * ms)
					start := time.Now()
					ticket, err := a.Enter(t.Context(), budget.Caller{Flow: "app", Address: fmt.Sprint(i)})
					if err != nil {
						t.Errorf("refused: %v", err)
						return
					}
					// Two under way, and one of each other address.
					if waited := time.Since(start); waited > (2+15)*20*ms {
						t.Errorf("waited %v", waited)
					}
					time.Sleep(20 * ms)
					ticket.Done()
				}
			})
		}
		all.Wait()
		if s := a.Stats(); s.Refused.QueueFull+s.Refused.Wait == 0 {
			t.Errorf("nobody of the flood was refused: %+v", s)
		}
	})
}

// TestPlacesAreShared: apps whose runs only wait leave places to one that comes
// later, and to other addresses of their own.
func TestPlacesAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := admission(t, budget.AdmissionConfig{Slots: 2, InFlight: 32})
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		wait := flood{Slice: 1, Yields: true, Off: 9500, Turns: 1}
		for _, app := range []string{"one", "two"} {
			for range 40 {
				all.Go(func() { wait.run(ctx, a, budget.Caller{Flow: app, Address: "flood"}) })
			}
		}
		time.Sleep(time.Second)
		if s := a.Stats(); s.InFlight < 8 || s.InFlight > places(32, 2) || s.Flows[0].InFlight > 16 {
			t.Errorf("of 32 places: %+v", s)
		}
		for i := range 8 { // the share of a third is 32/4
			ticket, err := a.Enter(t.Context(), budget.Caller{Flow: "third", Address: fmt.Sprint(i)})
			if err != nil {
				t.Fatal(err)
			}
			ticket.Leave()
			defer ticket.Done()
		}
		visitor, err := a.Enter(t.Context(), budget.Caller{Flow: "one", Address: "visitor"})
		if err != nil {
			t.Fatal(err)
		}
		visitor.Done()
		stop()
		all.Wait()
	})
}

// TestNoSample: work that is no run is charged, and says nothing about runs.
func TestNoSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := admission(t, budget.AdmissionConfig{Slots: 2})
		for range 20 {
			ticket, err := a.Enter(t.Context(), budget.Caller{Flow: "app", NoSample: true})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			ticket.Done()
		}
		s := a.Stats().Flows[0]
		if s.CPU99 != 0 || s.CPU != 20*time.Second || s.Admitted != 20 {
			t.Errorf("after compiling: %+v", s)
		}
		warm(t, a, "app", 500*ms)
		run := enter(t, a, "app")
		defer run.Done()
		short, cancel := context.WithTimeout(t.Context(), 100*ms)
		defer cancel()
		ticket, err := a.Enter(short, budget.Caller{Flow: "app", NoSample: true})
		if err != nil {
			t.Fatalf("refused for how long runs take: %v", err)
		}
		ticket.Done()
	})
}

// TestTwentySixthApp: beside 25 apps that compute all the time, with 4 visitors
// each, another with 4 gets at least half of a 26th of what it has alone.
func TestTwentySixthApp(t *testing.T) {
	for _, others := range []flood{
		{Callers: 4, Slice: 5, Turns: 1},
		{Callers: 4, Slice: 20, Yields: true, Turns: 1},
		{Callers: 4, Slice: 50, Yields: true, Off: 5, Turns: 3},
		{Callers: 4, Slice: 5000, Yields: true, Turns: 1},
	} {
		answered := func(apps int) (n int) {
			synctest.Test(t, func(t *testing.T) {
				a := admission(t, budget.AdmissionConfig{Slots: 2})
				ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
				defer stop()
				var all sync.WaitGroup
				for i := range apps {
					for range others.Callers {
						all.Go(func() { others.run(ctx, a, budget.Caller{Flow: fmt.Sprint("other", i)}) })
					}
				}
				var mu sync.Mutex
				for range 4 {
					all.Go(func() {
						for ctx.Err() == nil {
							ticket, err := a.Enter(ctx, budget.Caller{Flow: "app"})
							if err != nil {
								time.Sleep(10 * ms)
								continue
							}
							time.Sleep(ms)
							ticket.Done()
							mu.Lock()
							n++
							mu.Unlock()
							time.Sleep(ms / 2) // on its way to the visitor and back
						}
					})
				}
				all.Wait()
			})
			return n
		}
		alone, beside := answered(0), answered(25)
		t.Logf("%+v: %d alone, %d beside them, %.3f", others, alone, beside, float64(beside)/float64(alone))
		if beside*52 < alone {
			t.Errorf("beside %+v it has %d answers, and %d alone", others, beside, alone)
		}
	}
}

// TestBelowShareNeverWaitsLong: whatever the others do, an app that asks for less
// than its share is never refused, and waits no longer than for a slice that is
// under way and one slice of each other such app.
func TestBelowShareNeverWaitsLong(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		config := budget.AdmissionConfig{
			Slots: rapid.IntRange(1, 4).Draw(rt, "slots"), Queue: rapid.SampledFrom([]int{1, 16, 500}).Draw(rt, "queue"),
			InFlight: rapid.IntRange(4, 64).Draw(rt, "inFlight"),
		}
		floods := rapid.SliceOfN(rapid.Custom(drawFlood), 1, 8).Draw(rt, "floods")
		slices := rapid.SliceOfN(rapid.Int64Range(1, 8), 1, 4).Draw(rt, "slices") // of those below their share, ms
		underWay, below := int64(8), int64(0)
		for _, f := range floods {
			underWay = max(underWay, f.longest())
			if !f.insatiable(config) {
				below += f.longest()
			}
		}
		for _, slice := range slices {
			below += slice
		}
		// The share of one of so many, with a slice that is under way in every round.
		apps := int64(len(floods) + len(slices))
		gap := func(slice int64) time.Duration {
			return time.Duration((slice+underWay)*apps/int64(config.Slots)) * ms
		}
		var mu sync.Mutex
		var failed string
		fail := func(format string, args ...any) {
			mu.Lock()
			defer mu.Unlock()
			failed = fmt.Sprintf(format, args...)
		}
		synctest.Test(t, func(t *testing.T) {
			a := admission(t, config)
			ctx, stop := context.WithTimeout(t.Context(), 2*time.Second)
			defer stop()
			var all sync.WaitGroup
			for i, f := range floods {
				for j := range f.Callers {
					c := budget.Caller{Flow: fmt.Sprint("flood", i), Address: fmt.Sprint(j % f.Addresses)}
					all.Go(func() { f.run(ctx, a, c) })
				}
			}
			for i, slice := range slices {
				most := time.Duration(underWay+below-slice) * ms
				all.Go(func() {
					for ctx.Err() == nil {
						time.Sleep(gap(slice))
						start := time.Now()
						ticket, err := a.Enter(t.Context(), budget.Caller{Flow: fmt.Sprint("modest", i)})
						if err != nil {
							fail("refused: %v", err)
							return
						}
						if waited := time.Since(start); waited > most {
							fail("app %d of %+v waited %v, want at most %v", i, slices, waited, most)
						}
						time.Sleep(time.Duration(slice) * ms)
						ticket.Done()
					}
				})
			}
			all.Wait()
			if s := a.Stats(); s.InFlight != 0 || s.Queued != 0 || s.Resuming != 0 || s.Short+s.Long != 0 {
				fail("left over: %+v", s)
			}
		})
		if failed != "" {
			rt.Fatal(failed) // there, so that rapid finds the smallest case
		}
	})
}
