package budget_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt/budget"
)

const ms = time.Millisecond

// enter admits at once, or fails the test.
func enter(t *testing.T, a *budget.Admission, flow string) *budget.Ticket {
	t.Helper()
	start := time.Now()
	ticket, err := a.Enter(t.Context(), budget.Caller{Flow: flow})
	if err != nil {
		t.Fatalf("%s: %v", flow, err)
	}
	if waited := time.Since(start); waited > 0 {
		t.Fatalf("%s waited %v", flow, waited)
	}
	return ticket
}

// arrival is an Enter that may wait.
type arrival struct {
	outcome
	over   bool
	result chan outcome
}

type outcome struct {
	ticket *budget.Ticket
	err    error
	after  time.Duration
}

func arrive(ctx context.Context, a *budget.Admission, flow string) *arrival {
	x := &arrival{result: make(chan outcome, 1)}
	start := time.Now()
	go func() {
		ticket, err := a.Enter(ctx, budget.Caller{Flow: flow})
		x.result <- outcome{ticket, err, time.Since(start)}
	}()
	return x.look()
}

// look brings x up to date.
func (x *arrival) look() *arrival {
	synctest.Wait()
	select {
	case x.outcome = <-x.result:
		x.over = true
	default:
	}
	return x
}

// warm teaches an Admission how long a flow's runs take.
func warm(t *testing.T, a *budget.Admission, flow string, d time.Duration) {
	for range 20 {
		ticket := enter(t, a, flow)
		time.Sleep(d)
		ticket.Done()
	}
}

func TestAdmissionConfig(t *testing.T) {
	_, err := budget.NewAdmission(budget.AdmissionConfig{Slots: -1, Queue: -1, InFlight: -1, MaxWait: -1})
	for _, field := range []string{"Slots", "Queue", "InFlight", "MaxWait"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not named in: %v", field, err)
		}
	}
}

func TestQueueIsBoundedInLengthAndTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := admission(t, budget.AdmissionConfig{Slots: 1, Queue: 2, MaxWait: time.Second})
		first := enter(t, a, "app")
		next := arrive(t.Context(), a, "app")
		last := arrive(t.Context(), a, "app")
		full := arrive(t.Context(), a, "app")
		e, ok := errors.AsType[*budget.Error](full.err)
		if !full.over || full.after != 0 || !ok || !errors.Is(e, budget.ErrOverloaded) || e.RetryAfter < time.Second || e.RetryAfter > 3*time.Second || e.Depth != 2 {
			t.Errorf("beyond the queue: %+v", full)
		}
		time.Sleep(300 * ms)
		first.Done()
		if next.look(); next.err != nil || next.after != 300*ms || last.look().over {
			t.Errorf("the first in the queue: %+v; the second: %+v", next, last)
		}
		time.Sleep(time.Second)
		last.look()
		e, ok = errors.AsType[*budget.Error](last.err)
		if !ok || !errors.Is(e, budget.ErrOverloaded) || last.after != time.Second || e.Depth != 1 || e.Delay < time.Second {
			t.Errorf("at the end of the longest wait: %+v", last)
		}
		short, cancel := context.WithTimeout(t.Context(), ms)
		defer cancel()
		if _, err := a.Enter(short, budget.Caller{Flow: "app"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("past its own deadline: %v", err)
		}
		if _, err := a.Enter(short, budget.Caller{Flow: "app"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a deadline that has passed: %v", err)
		}
		next.ticket.Done()
		enter(t, a, "app").Done()
		if s := a.Stats(); s.InFlight != 0 || s.Queued != 0 || s.Short != 0 {
			t.Errorf("at rest: %+v", s)
		}
	})
}

func TestEarliestDeadlineFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := admission(t, budget.AdmissionConfig{Slots: 1})
		holder := enter(t, a, "app")
		var mu sync.Mutex
		var order []time.Duration
		for _, d := range []time.Duration{3 * time.Second, 2 * time.Second, time.Second, 4 * time.Second} {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			go func() {
				ticket, err := a.Enter(ctx, budget.Caller{Flow: "app"})
				if err != nil {
					t.Errorf("deadline %v: %v", d, err)
					return
				}
				mu.Lock()
				order = append(order, d)
				mu.Unlock()
				time.Sleep(ms)
				ticket.Done()
			}()
			synctest.Wait()
		}
		holder.Done()
		time.Sleep(time.Second)
		mu.Lock()
		defer mu.Unlock()
		if !slices.IsSorted(order) || len(order) != 4 {
			t.Errorf("admitted in the order %v", order)
		}
	})
}

func TestResumeGoesBeforeNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := admission(t, budget.AdmissionConfig{Slots: 1})
		waiting := enter(t, a, "app")
		waiting.Leave()
		holder := enter(t, a, "app")
		fresh := arrive(t.Context(), a, "app")
		var resumed atomic.Bool
		go func() {
			if err := waiting.Resume(t.Context()); err != nil {
				t.Error(err)
			}
			resumed.Store(true)
		}()
		synctest.Wait()
		holder.Done()
		if fresh.look(); !resumed.Load() || fresh.over {
			t.Errorf("resumed %v, admitted anew %v; want the one under way first", resumed.Load(), fresh.over)
		}
		waiting.Done()
		fresh.look().ticket.Done()
	})
}

// TestFairShares: a flow that floods and one that asks for as much as it is
// given get the same CPU, although their runs differ tenfold.
func TestFairShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := admission(t, budget.AdmissionConfig{Slots: 2, Queue: 1000})
		end := time.Now().Add(20 * time.Second)
		var mu sync.Mutex
		used := map[string]time.Duration{}
		worst := time.Duration(0)
		for flow, callers := range map[string]int{"flood": 100, "steady": 3} {
			slice := map[string]time.Duration{"flood": 20 * ms, "steady": 2 * ms}[flow]
			for range callers {
				go func() {
					for time.Now().Before(end) {
						start := time.Now()
						ticket, err := a.Enter(t.Context(), budget.Caller{Flow: flow})
						if err != nil {
							time.Sleep(50 * ms)
							continue
						}
						waited := time.Since(start)
						time.Sleep(slice)
						ticket.Done()
						mu.Lock()
						used[flow] += slice
						if flow == "steady" {
							worst = max(worst, waited)
						}
						mu.Unlock()
					}
				}()
			}
		}
		time.Sleep(25 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		share := used["steady"].Seconds() / (used["steady"] + used["flood"]).Seconds()
		if share < 0.45 {
			t.Errorf("the steady flow got %.2f of the CPU (%v), want half", share, used)
		}
		if worst > 60*ms {
			t.Errorf("it waited up to %v behind the flood", worst)
		}
	})
}

func TestPredictedWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := admission(t, budget.AdmissionConfig{Slots: 1})
		stop := time.Now().Add(10 * time.Second)
		var mu sync.Mutex
		var admitted, late int
		var refusals []time.Duration
		// 200 a second for a slot that does 100.
		for time.Now().Before(stop) {
			go func() {
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				ticket, err := a.Enter(ctx, budget.Caller{Flow: "app"})
				if err != nil {
					mu.Lock()
					defer mu.Unlock()
					if errors.Is(err, budget.ErrOverloaded) {
						refusals = append(refusals, time.Since(start))
					} else {
						late++
					}
					return
				}
				time.Sleep(10 * ms)
				ticket.Done()
				mu.Lock()
				defer mu.Unlock()
				admitted++
				if ctx.Err() != nil {
					late++
				}
			}()
			time.Sleep(5 * ms)
		}
		queued := a.Stats().Queued
		time.Sleep(5 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if admitted < 980 {
			t.Errorf("%d of 1000 that could be were served", admitted)
		}
		if late > 10 { // at the edge a prediction is a millisecond off
			t.Errorf("%d were taken on and missed their deadline", late)
		}
		if m := slices.Max(refusals); m > 0 {
			t.Errorf("a refusal took %v", m)
		}
		if queued > 31 {
			t.Errorf("%d stand in the queue at the end; want at most 300 ms of them", queued)
		}
	})
}

// TestFullQueueDropsFromTheLongestFlow: the last of the flood goes for the
// first of another.
func TestFullQueueDropsFromTheLongestFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := admission(t, budget.AdmissionConfig{Slots: 1, Queue: 3})
		holder := enter(t, a, "flood")
		var flood []*arrival
		for range 3 {
			flood = append(flood, arrive(t.Context(), a, "flood"))
		}
		other := arrive(t.Context(), a, "other")
		if other.over || !errors.Is(flood[2].look().err, budget.ErrOverloaded) || flood[1].look().over {
			t.Errorf("another app's: %+v; the flood's last: %+v", other, flood[2])
		}
		time.Sleep(10 * ms)
		holder.Done()
		if other.look().ticket == nil {
			t.Fatal("the flood went first")
		}
		other.ticket.Done()
		for _, x := range flood[:2] {
			x.look().ticket.Done()
		}
	})
}

func TestDoomedRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := admission(t, budget.AdmissionConfig{Slots: 2})
		warm(t, a, "slow", time.Second)
		one := enter(t, a, "slow")
		short, cancel := context.WithTimeout(t.Context(), 500*ms)
		defer cancel()
		if _, err := a.Enter(short, budget.Caller{Flow: "slow"}); !errors.Is(err, budget.ErrDoomed) {
			t.Errorf("500 ms for what takes a second: %v", err)
		}
		one.Done()
		// With nothing under way somebody has to find out how it is now.
		two, err := a.Enter(short, budget.Caller{Flow: "slow"})
		if err != nil {
			t.Fatal(err)
		}
		two.Done()
	})
}

func TestManyFlowsTakeLittleMemory(t *testing.T) {
	a := admission(t, budget.AdmissionConfig{Slots: 2})
	for i := range 10_000 {
		ticket, err := a.Enter(t.Context(), budget.Caller{Flow: fmt.Sprint(i)})
		if err != nil {
			t.Fatal(err)
		}
		ticket.Done()
	}
	if n := len(a.Stats().Flows); n > 1024 {
		t.Errorf("%d flows are remembered", n)
	}
}
