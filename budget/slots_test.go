package budget_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt/budget"
)

// compute asks a run every millisecond whether it is to make way, as package runtime does,
// until it has computed for d.
func compute(ctx context.Context, ticket *budget.Ticket, d time.Duration) error {
	for ; d > 0 && ctx.Err() == nil; d -= ms {
		time.Sleep(min(d, ms))
		if ticket.Yield() {
			ticket.Leave()
			if err := ticket.Resume(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// busy has callers of one app compute for d each, again and again, until ctx ends.
func busy(ctx context.Context, a *budget.Admission, callers int, d time.Duration) {
	for range callers {
		go func() {
			for ctx.Err() == nil {
				ticket, err := a.Enter(ctx, budget.Caller{Flow: "busy"})
				if err != nil {
					time.Sleep(10 * ms)
					continue
				}
				_ = compute(ctx, ticket, d) // until ctx ends
				ticket.Done()
			}
		}()
	}
}

// TestNewcomerWaitsForOneSlice: an app that keeps all slots busy has to make way
// when another comes, and gets them back.
func TestNewcomerWaitsForOneSlice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := admission(t, budget.AdmissionConfig{Slots: 2})
		ctx, stop := context.WithCancel(t.Context())
		busy(ctx, a, 8, 90*ms)
		time.Sleep(51 * ms)
		for range 20 {
			if s := a.Stats(); s.Flows[0].Running != 2 {
				t.Errorf("alone it has %d of 2 slots", s.Flows[0].Running)
			}
			other := arrive(t.Context(), a, "other")
			time.Sleep(ms)
			if other.look(); other.ticket == nil || other.after > ms {
				t.Fatalf("another app's run: %+v", other)
			}
			other.ticket.Done()
			time.Sleep(17 * ms)
		}
		stop()
		time.Sleep(time.Second)
	})
}

// TestLastSlotIsKept from long runs for a second after a short one, and no longer.
func TestLastSlotIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := admission(t, budget.AdmissionConfig{Slots: 2})
		ctx, stop := context.WithCancel(t.Context())
		busy(ctx, a, 4, time.Hour)
		time.Sleep(901 * ms)
		other := arrive(t.Context(), a, "other")
		time.Sleep(5 * ms)
		other.look().ticket.Done() // from now on
		for range 20 {
			time.Sleep(950 * ms)
			enter(t, a, "other").Done()
		}
		if s := a.Stats(); s.Long != 1 {
			t.Errorf("beside short runs %d long ones have slots, want 1", s.Long)
		}
		time.Sleep(1010 * ms)
		if s := a.Stats(); s.Long != 2 {
			t.Errorf("a second after the last short one %d long ones have slots, want 2", s.Long)
		}
		stop()
		time.Sleep(time.Second)
	})
}

// TestSlotIsKeptForLightRuns: for half a millisecond after a run of less than a
// millisecond, the next of its flow finds a slot, while it has had less than those who
// would take that too.
func TestSlotIsKeptForLightRuns(t *testing.T) {
	const us = time.Microsecond
	synctest.Test(t, func(t *testing.T) {
		a := admission(t, budget.AdmissionConfig{Slots: 2})
		first, second := enter(t, a, "heavy"), enter(t, a, "heavy")
		defer first.Done()
		time.Sleep(2 * ms)
		light := arrive(t.Context(), a, "light")
		if !first.Yield() {
			t.Fatal("not told to make way")
		}
		first.Leave()
		next := arrive(t.Context(), a, "heavy")
		for range 10 {
			if light.look(); light.ticket == nil {
				t.Fatalf("a light run has waited: %+v", light)
			}
			time.Sleep(50 * us)
			light.ticket.Done()
			time.Sleep(400 * us)
			if second.Yield(); next.look().over {
				t.Fatal("a second heavy run has the slot 0.4 ms after a light one")
			}
			light = arrive(t.Context(), a, "light")
		}
		light.look().ticket.Done()
		time.Sleep(501 * us)
		second.Yield()
		if next.look(); next.ticket == nil {
			t.Fatal("half a millisecond later a slot is free that a heavy run waits for")
		}
		next.ticket.Done()
		second.Done()
	})
	synctest.Test(t, func(t *testing.T) {
		a := admission(t, budget.AdmissionConfig{Slots: 2})
		light := enter(t, a, "light")
		heavy := enter(t, a, "heavy")
		time.Sleep(900 * us)
		light.Done() // it has had as much
		time.Sleep(100 * us)
		enter(t, a, "heavy").Done()
		heavy.Done()
	})
}

// TestLongRunsMakeWay: a run past 100 ms makes way for a short one of its own app,
// too, and they take turns.
func TestLongRunsMakeWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := admission(t, budget.AdmissionConfig{Slots: 1})
		long := enter(t, a, "app")
		short := arrive(t.Context(), a, "app")
		time.Sleep(99 * ms)
		if long.Yield() {
			t.Error("asked to make way for its own app's before 100 ms")
		}
		time.Sleep(ms)
		if s := a.Stats(); !long.Yield() || s.Queued != 1 {
			t.Errorf("a long run keeps its slot while a short one of its app waits: %+v", s)
		}
		if s := a.Stats(); s.Long != 1 || s.Short != 0 {
			t.Errorf("after 100 ms: %+v", s)
		}
		long.Leave()
		if short.look().ticket == nil {
			t.Fatal("the short run did not get the slot")
		}
		var resumed atomic.Bool
		go func() {
			if err := long.Resume(t.Context()); err != nil {
				t.Error(err)
			}
			resumed.Store(true)
		}()
		time.Sleep(ms)
		later := arrive(t.Context(), a, "app")
		short.ticket.Done()
		if later.look(); !resumed.Load() || later.over {
			t.Fatalf("resumed %v, a later run admitted %v; want turns", resumed.Load(), later.over)
		}
		if long.Yield() {
			t.Error("asked to make way at once")
		}
		long.Done()
		later.look().ticket.Done()
	})
}

// TestRunsThatCannotYield are bounded: others start beside them, though none of
// their own app, and there are never more than twice as many runs as slots.
func TestRunsThatCannotYield(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := admission(t, budget.AdmissionConfig{Slots: 2})
		var stuck []*budget.Ticket
		for i := range 10 {
			short, cancel := context.WithTimeout(t.Context(), 50*ms)
			name := fmt.Sprint(i / 2)
			next := arrive(short, a, name)
			for range 20 {
				time.Sleep(5 * ms)
				for _, ticket := range stuck {
					ticket.Yield()
				}
			}
			cancel()
			if next.look(); next.err != nil {
				continue
			}
			stuck = append(stuck, next.ticket)
		}
		if s := a.Stats(); len(stuck) != 4 || s.Short+s.Long != 4 {
			t.Errorf("%d runs that do not yield were admitted on 2 slots: %+v", len(stuck), s)
		}
		for _, f := range a.Stats().Flows {
			if f.Running > 2 {
				t.Errorf("%s has %d of 2 slots", f.Name, f.Running)
			}
		}
		for _, ticket := range stuck {
			ticket.Done()
		}
		enter(t, a, "app").Done()
	})
}

// TestOneFlowOfLongRuns does not fill the server with parked runs.
func TestOneFlowOfLongRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := admission(t, budget.AdmissionConfig{Slots: 2})
		end := time.Now().Add(5 * time.Second)
		for range 50 {
			go func() {
				ctx, cancel := context.WithDeadline(t.Context(), end)
				defer cancel()
				ticket, err := a.Enter(ctx, budget.Caller{Flow: "loops"})
				if err != nil {
					return
				}
				defer ticket.Done()
				_ = compute(ctx, ticket, 5*time.Second) // until ctx ends
			}()
		}
		for range 40 {
			time.Sleep(100 * ms)
			if s := a.Stats(); s.InFlight > 5 || s.Short+s.Long > 3 {
				t.Fatalf("50 endless loops: %+v", s)
			}
			start := time.Now()
			enterSoon, err := a.Enter(t.Context(), budget.Caller{Flow: "other"})
			if err != nil || time.Since(start) > 100*ms {
				t.Fatalf("another app's run after %v: %v", time.Since(start), err)
			}
			enterSoon.Done()
		}
		time.Sleep(2 * time.Second)
	})
}

// TestChargesCount: what something else has computed for a flow counts when the next
// slot is given.
func TestChargesCount(t *testing.T) {
	for _, charged := range []time.Duration{0, 50 * ms} {
		synctest.Test(t, func(t *testing.T) {
			a := admission(t, budget.AdmissionConfig{Slots: 1})
			first, second := enter(t, a, "first"), arrive(t.Context(), a, "second")
			first.Charge(charged)
			time.Sleep(2 * ms)
			first.Leave()
			time.Sleep(4 * ms) // the second has the slot, and has had more than the first by now
			resumed := false
			go func() {
				if err := first.Resume(t.Context()); err != nil {
					t.Error(err)
				}
				resumed = true
			}()
			synctest.Wait()
			makesWay := second.look().ticket.Yield()
			if want := charged == 0; makesWay != want {
				t.Errorf("charged %v, the first is to go on before the second: %v", charged, makesWay)
			}
			second.ticket.Done()
			synctest.Wait()
			if !resumed {
				t.Error("the first does not go on")
			}
			first.Done()
		})
	}
}
