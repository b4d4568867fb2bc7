package budget_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/fazt-sh/fazt/budget"
)

// places is how many can be in flight at most, see [budget.AdmissionConfig].
func places(inFlight, flows int) int {
	most := 0
	for i := range flows {
		most += max(1, inFlight/(i+2))
	}
	return most
}

// TestAdmissionInvariants runs callers of a few flows that compute, wait,
// yield or not, and give up, and looks all the while.
func TestAdmissionInvariants(t *testing.T) {
	type caller struct {
		Flow              string
		Start, Slice, Off int64 // ms
		Turns             int
		Yields            bool
		Patience          int64
	}
	callers := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) caller {
		return caller{
			Flow:     rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "flow"),
			Start:    rapid.Int64Range(0, 500).Draw(rt, "start"),
			Slice:    rapid.Int64Range(0, 150).Draw(rt, "slice"),
			Off:      rapid.Int64Range(0, 50).Draw(rt, "off"),
			Turns:    rapid.IntRange(1, 5).Draw(rt, "turns"),
			Yields:   rapid.Bool().Draw(rt, "yields"),
			Patience: rapid.Int64Range(1, 2000).Draw(rt, "patience"),
		}
	}), 1, 60)
	rapid.Check(t, func(rt *rapid.T) {
		list := callers.Draw(rt, "callers")
		config := budget.AdmissionConfig{
			Slots: rapid.IntRange(1, 4).Draw(rt, "slots"), Queue: rapid.IntRange(1, 20).Draw(rt, "queue"),
			InFlight: rapid.IntRange(2, 20).Draw(rt, "inFlight"), MaxWait: 3 * time.Second,
		}
		slots := config.Slots
		if slices.ContainsFunc(list, func(c caller) bool { return !c.Yields }) {
			slots *= 2 // others start beside those that do not make way
		}
		synctest.Test(t, func(t *testing.T) {
			a := admission(t, config)
			for _, c := range list {
				go func() {
					time.Sleep(time.Duration(c.Start) * ms)
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(c.Patience)*ms)
					defer cancel()
					ticket, err := a.Enter(ctx, budget.Caller{Flow: c.Flow})
					if err != nil {
						return
					}
					defer ticket.Done()
					for range c.Turns {
						for left := c.Slice; left > 0; left -= 5 {
							time.Sleep(5 * ms)
							if ticket.Yield() && c.Yields {
								ticket.Leave()
								if ticket.Resume(ctx) != nil {
									return
								}
							}
						}
						ticket.Leave()
						time.Sleep(time.Duration(c.Off) * ms)
						if ticket.Resume(ctx) != nil {
							return
						}
					}
				}()
			}
			// The longest patience, after the latest start, and a slice.
			for range (500 + 2000 + 200) / 5 {
				time.Sleep(5 * ms)
				synctest.Wait()
				s := a.Stats()
				if s.Short+s.Long > slots || s.InFlight > places(config.InFlight, 3) || s.Queued > max(config.Queue, 3) {
					t.Fatalf("over the limits %+v: %+v", config, s)
				}
			}
			time.Sleep(time.Minute) // turns that never wait are not cut short
			synctest.Wait()
			if s := a.Stats(); s.InFlight != 0 || s.Short != 0 || s.Long != 0 || s.Queued != 0 || s.Resuming != 0 {
				t.Fatalf("something is left over: %+v", s)
			}
		})
	})
}
