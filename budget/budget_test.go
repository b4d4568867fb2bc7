package budget_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fazt-sh/fazt/budget"
)

func TestConfig(t *testing.T) {
	got, err := budget.Config{StorageOpTimeout: time.Second}.WithDefaults()
	want := budget.Config{
		RequestTimeout: 10 * time.Second, Reserve: 50 * time.Millisecond, StorageOpTimeout: time.Second,
		MinOperationTime: 5 * time.Millisecond, QueueAdmissionTime: 5 * time.Second, Operations: 1000,
		ReadBytes: 64 << 20, WriteBytes: 16 << 20,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v; -want +got\n%s", err, diff)
	}
	_, err = budget.Config{RequestTimeout: -1, Reserve: -1, QueueAdmissionTime: -1, Operations: -1, ReadBytes: -1, WriteBytes: -1}.WithDefaults()
	for _, field := range []string{"RequestTimeout", "Reserve", "QueueAdmissionTime", "Operations", "ReadBytes", "WriteBytes"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not named in: %v", field, err)
		}
	}
	if _, err = (budget.Config{RequestTimeout: time.Millisecond}).WithDefaults(); err == nil {
		t.Error("a request shorter than an operation was accepted")
	}
}

func begin(t testing.TB, parent context.Context, c budget.Config) *budget.Budget {
	t.Helper()
	c, err := c.WithDefaults()
	if err != nil {
		t.Fatal(err)
	}
	b := budget.New(parent, c)
	t.Cleanup(b.Close)
	return b
}

func TestBudgetCountsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := begin(t, t.Context(), budget.Config{RequestTimeout: time.Second})
		time.Sleep(300 * time.Millisecond)
		// 50 ms are kept back for the answer.
		if got := b.Remaining(); got != 650*time.Millisecond {
			t.Errorf("Remaining is %v after 300ms of 1s", got)
		}
		if got := b.Used(); got != 300*time.Millisecond {
			t.Errorf("Used is %v", got)
		}
		b.Spend(budget.StorageWrite, 250*time.Millisecond)
		b.Spend(budget.Compute, 50*time.Millisecond)
		time.Sleep(650 * time.Millisecond)
		synctest.Wait()
		if got := b.Remaining(); got != 0 || b.Err() != context.DeadlineExceeded {
			t.Errorf("at the end: %v remain, context: %v", got, b.Err())
		}
		want := "budget: spent (allowed 1s, used 950ms, mostly in write: 250ms)"
		if err := context.Cause(b); !errors.Is(err, budget.ErrSpent) || err.Error() != want {
			t.Errorf("the cause is %v, want %s", err, want)
		}
		time.Sleep(time.Second)
		if got := b.Remaining(); got != 0 {
			t.Errorf("Remaining is %v after the end", got)
		}
	})
}

func TestReserveIsAtMostATenth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := begin(t, t.Context(), budget.Config{RequestTimeout: 100 * time.Millisecond})
		if got := b.Remaining(); got != 90*time.Millisecond {
			t.Errorf("%v of 100ms are for work, want 90ms", got)
		}
		past, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		defer cancel()
		b = begin(t, past, budget.Config{})
		if b.Remaining() != 0 || b.Allowed() != 0 || b.Err() == nil {
			t.Errorf("under a parent that has ended: %v of %v remain", b.Remaining(), b.Allowed())
		}
	})
}

func TestPhases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := begin(t, t.Context(), budget.Config{})
		b.Spend(budget.Compute, 1500*time.Microsecond)
		b.Spend(budget.Queue, 2*time.Millisecond)
		b.Spend(budget.Queue, time.Millisecond)
		_, done, err := budget.NewOperation("reading", budget.StorageRead).Start(b)
		if err != nil {
			t.Fatal(err)
		}
		done()
		time.Sleep(5 * time.Millisecond)
		if got := b.ServerTiming(); got != "queue;dur=3.000, js;dur=1.500, total;dur=5.000" {
			t.Errorf("Server-Timing: %s", got)
		}
		if got := fmt.Sprint(b.LogValue()); got != "[total=5ms operations=1 queue=3ms js=1.5ms]" {
			t.Errorf("for the log: %s", got)
		}
		var none *budget.Budget
		none.Spend(budget.Queue, time.Second) // work outside any budget
	})
}

// TestNear: what is close to a limit, before it is met.
func TestNear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := begin(t, t.Context(), budget.Config{RequestTimeout: time.Second, Operations: 5, ReadBytes: 100, WriteBytes: 50})
		kind := budget.NewOperation("reading", budget.StorageRead)
		read := func(n int) {
			for range n {
				_, done, err := kind.Start(b)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(100 * time.Millisecond)
				done()
			}
		}
		read(3)
		if near := b.Near(0.8); len(near) > 0 {
			t.Errorf("after 3 of 5 operations and 0.3 of 1 s: %+v", near)
		}
		read(1)
		operations := budget.Usage{Limit: "operations", Allowed: "5", Used: "4", Phase: budget.StorageRead, InPhase: 400 * time.Millisecond}
		if diff := cmp.Diff([]budget.Usage{operations}, b.Near(0.8)); diff != "" {
			t.Errorf("after 4 of 5 operations: -want +got\n%s", diff)
		}
		if err := errors.Join(b.Read(79), b.Write(39)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]budget.Usage{operations}, b.Near(0.8)); diff != "" {
			t.Errorf("after 79 of 100 bytes read, and 39 of 50 written: -want +got\n%s", diff)
		}
		if err := errors.Join(b.Read(1), b.Write(1)); err != nil {
			t.Fatal(err)
		}
		bytes := []budget.Usage{
			{Limit: "bytes read from the store", Allowed: "100", Used: "80", Phase: budget.StorageRead, InPhase: 400 * time.Millisecond},
			{Limit: "bytes written to the store", Allowed: "50", Used: "40", Phase: budget.StorageWrite},
		}
		if diff := cmp.Diff(append([]budget.Usage{operations}, bytes...), b.Near(0.8)); diff != "" {
			t.Errorf("after one byte more of each: -want +got\n%s", diff)
		}
		time.Sleep(400 * time.Millisecond)
		wall := budget.Usage{Limit: "time", Allowed: "1s", Used: "800ms", Phase: budget.StorageRead, InPhase: 400 * time.Millisecond}
		if diff := cmp.Diff(append([]budget.Usage{wall, operations}, bytes...), b.Near(0.8)); diff != "" {
			t.Errorf("after 0.8 of 1 s: -want +got\n%s", diff)
		}
	})
}

// TestChildren: whatever the configurations and however deep, no child outlives
// its parent, and what a child spends its parents have spent.
func TestChildren(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		timeouts := rapid.SliceOfN(rapid.Int64Range(10, 20_000), 1, 6).Draw(rt, "timeouts")
		pauses := rapid.SliceOfN(rapid.Int64Range(0, 3000), len(timeouts), len(timeouts)).Draw(rt, "pauses")
		synctest.Test(t, func(t *testing.T) {
			ctx := t.Context()
			var family []*budget.Budget
			for i, ms := range timeouts {
				b := begin(t, ctx, budget.Config{RequestTimeout: time.Duration(ms) * time.Millisecond})
				family, ctx = append(family, b), b
				time.Sleep(time.Duration(pauses[i]) * time.Millisecond)
			}
			family[len(family)-1].Spend(budget.Compute, time.Second)
			for i := 1; i < len(family); i++ {
				parent, child := family[i-1], family[i]
				pd, _ := parent.Deadline()
				if cd, _ := child.Deadline(); cd.After(pd) || child.Remaining() > parent.Remaining() {
					t.Errorf("child %d ends %v after its parent", i, cd.Sub(pd))
				}
				if parent.Err() != nil && child.Err() == nil {
					t.Errorf("child %d lives on after its parent", i)
				}
			}
			if got := family[0].Spent(budget.Compute); got != time.Second {
				t.Errorf("the first parent has spent %v, want what its descendant spent", got)
			}
		})
	})
}

func TestOperation(t *testing.T) {
	for _, test := range []struct {
		spent, want time.Duration // want 0: refused
	}{
		{0, 3 * time.Second},
		{5950 * time.Millisecond, 2 * time.Second},
		{9850 * time.Millisecond, 50 * time.Millisecond},
		{9945 * time.Millisecond, 2500 * time.Microsecond},
		{9946 * time.Millisecond, 0},
		{11 * time.Second, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := begin(t, t.Context(), budget.Config{})
			time.Sleep(test.spent)
			op, done, err := budget.NewOperation("reading", budget.StorageRead).Start(b)
			if test.want == 0 {
				if !errors.Is(err, budget.ErrSpent) {
					t.Errorf("after %v: %v, want ErrSpent", test.spent, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("after %v: %v", test.spent, err)
			}
			deadline, _ := op.Deadline()
			if got := time.Until(deadline); got != test.want {
				t.Errorf("after %v an operation gets %v, want %v", test.spent, got, test.want)
			}
			var limit *budget.Error
			if context.Cause(op) != nil {
				t.Errorf("at its start: %v", context.Cause(op))
			}
			time.Sleep(time.Millisecond)
			done()
			if op.Err() == nil || errors.As(context.Cause(op), &limit) || b.Spent(budget.StorageRead) != time.Millisecond {
				t.Errorf("after the operation: context %v, %v spent", op.Err(), b.Spent(budget.StorageRead))
			}
		})
	}
}

// TestOperationOutlastsItsTime: the cause says whose time was up.
func TestOperationOutlastsItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := begin(t, t.Context(), budget.Config{RequestTimeout: 2 * time.Second})
		op, done, err := budget.NewOperation("writing", budget.StorageWrite).Start(b)
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		<-op.Done()
		e, ok := errors.AsType[*budget.Error](context.Cause(op))
		want := "budget: spent: writing took longer than one operation may (allowed 975ms, used 975ms, mostly in write: 975ms)"
		if !ok || !errors.Is(e, budget.ErrSpent) || e.Error() != want || b.Remaining() != 975*time.Millisecond {
			t.Errorf("%v with %v left; want %s", e, b.Remaining(), want)
		}
	})
}

func TestUsage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := begin(t, t.Context(), budget.Config{RequestTimeout: time.Second, Operations: 1})
		b.Spend(budget.Queue, 100*time.Millisecond)
		b.Spend(budget.StorageRead, 200*time.Millisecond)
		time.Sleep(950 * time.Millisecond)
		<-b.Done()
		kind := budget.NewOperation("reading", budget.StorageRead)
		_, _, late := kind.Start(b)
		_, _, many := kind.Start(b)
		_, overloaded := admission(t, budget.AdmissionConfig{Slots: 1}).Enter(b, budget.Caller{Flow: "app"})
		wall := budget.Usage{Limit: "time", Allowed: "1s", Used: "950ms", Phase: budget.StorageRead, InPhase: 200 * time.Millisecond}
		for _, test := range []struct {
			name string
			err  error
			want budget.Usage
		}{
			{"the deadline", context.Cause(b), wall},
			{"an operation too late", late, wall},
			{"an operation too many", many, budget.Usage{Limit: "operations", Allowed: "1", Used: "2", Phase: budget.StorageRead, InPhase: 200 * time.Millisecond}},
			{"admission too late", overloaded, wall},
		} {
			e, ok := errors.AsType[*budget.Error](test.err)
			if !ok {
				t.Errorf("%s: %v", test.name, test.err)
				continue
			}
			got, ok := e.Usage()
			if diff := cmp.Diff(test.want, got); diff != "" || !ok {
				t.Errorf("%s: %v; -want +got\n%s", test.name, ok, diff)
			}
		}
	})
}

func TestOperationWithoutBudget(t *testing.T) {
	op, done, err := budget.NewOperation("reading", budget.StorageRead).Start(t.Context())
	if err != nil || op != t.Context() {
		t.Errorf("got %v, %v; want the context itself", op, err)
	}
	done()
}

// TestDoomedOperation: what has lately taken longer than what remains is not
// begun, and is forgiven when it becomes faster or is forgotten.
func TestDoomedOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kind := budget.NewOperation("writing", budget.StorageWrite)
		run := func(b *budget.Budget, d time.Duration) error {
			_, done, err := kind.Start(b)
			if err == nil {
				time.Sleep(d)
				done()
			}
			return err
		}
		for range 20 {
			if err := run(begin(t, t.Context(), budget.Config{}), time.Second); err != nil {
				t.Fatal(err)
			}
		}
		b := begin(t, t.Context(), budget.Config{RequestTimeout: 500 * time.Millisecond})
		err := run(b, 0)
		e, ok := errors.AsType[*budget.Error](err)
		if !ok || !errors.Is(err, budget.ErrDoomed) || !e.Retryable() || !strings.Contains(err.Error(), "writing takes 1.") {
			t.Errorf("with 450ms left for what takes 1s: %v", err)
		}
		time.Sleep(time.Minute)
		if err := run(begin(t, t.Context(), budget.Config{RequestTimeout: 500 * time.Millisecond}), 0); err != nil {
			t.Errorf("a minute later: %v", err)
		}
		for range 100 {
			if err := run(begin(t, t.Context(), budget.Config{}), time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		if got := kind.Expected(); got > 2*time.Millisecond {
			t.Errorf("after 100 fast ones %v is expected", got)
		}
	})
}

func TestOperationsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := begin(t, t.Context(), budget.Config{Operations: 3})
		child := begin(t, b, budget.Config{})
		kind := budget.NewOperation("reading", budget.StorageRead)
		for i, ctx := range []context.Context{b, child, b} {
			_, done, err := kind.Start(ctx)
			if err != nil {
				t.Fatalf("operation %d: %v", i+1, err)
			}
			done()
		}
		_, _, err := kind.Start(child)
		if want := "budget: too many operations (allowed 3, used 4)"; !errors.Is(err, budget.ErrOperations) || err.Error() != want {
			t.Errorf("the fourth: %v, want %s", err, want)
		}
	})
}

func TestBytesAreCounted(t *testing.T) {
	b := begin(t, t.Context(), budget.Config{ReadBytes: 100, WriteBytes: 50})
	child := begin(t, b, budget.Config{})
	if err := errors.Join(b.Read(60), child.Read(40), b.Write(20), child.Write(30)); err != nil {
		t.Fatal(err)
	}
	if err, want := child.Read(1), "budget: too much read (allowed 100 bytes, used 101 bytes)"; !errors.Is(err, budget.ErrRead) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if err, want := b.Write(5), "budget: too much written (allowed 50 bytes, used 55 bytes)"; !errors.Is(err, budget.ErrWrite) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestPercentiles(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var p budget.Percentiles
	if p.Quantile(now, 0.5) != 0 || p.Expected(now, 0.5) != 0 {
		t.Error("something is expected of nothing")
	}
	for i := range 1000 {
		p.Record(now, time.Duration(i+1)*time.Millisecond)
	}
	for q, want := range map[float64]time.Duration{0.5: 500, 0.9: 900, 0.99: 990, 1: 1000} {
		want *= time.Millisecond
		if got := p.Quantile(now, q); got < want || float64(got) > 1.25*float64(want) {
			t.Errorf("the %v quantile of 1..1000ms is %v", q, got)
		}
	}
	for _, d := range []time.Duration{-time.Second, 0, 1, time.Microsecond, 3 * time.Microsecond, 240 * time.Hour} {
		var one budget.Percentiles
		one.Record(now, d)
		if got := one.Quantile(now, 0.5); d < time.Minute && (got < d || got > max(2*time.Microsecond, d*5/4+time.Microsecond)) {
			t.Errorf("of %v alone the median is %v", d, got)
		}
	}
	if got := p.Expected(now.Add(30*time.Second), 0.5); got == 0 {
		t.Error("1,000 observations are forgotten after half a minute")
	}
	if got := p.Expected(now.Add(10*time.Minute), 0.5); got != 0 {
		t.Errorf("ten minutes later %v is still expected", got)
	}
	// A clock that is set back neither loses nor adds anything.
	p.Record(now.Add(-time.Hour), time.Millisecond)
}

// Whoever asks late, when the parent has ended too, hears of the deadline that
// came first.
func TestCauseIsTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		b := begin(t, parent, budget.Config{})
		time.Sleep(2 * time.Second)
		err := b.Err()
		if _, ours := errors.AsType[*budget.Error](context.Cause(b)); err != context.DeadlineExceeded || !ours {
			t.Errorf("error %v, cause %v; want the deadline's, and the budget's own", err, context.Cause(b))
		}
	})
}

// TestUnaccountedTime: a phase that took next to nothing is not what most went into.
func TestUnaccountedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(t.Context(), budget.Config{RequestTimeout: time.Second})
		defer b.Close()
		b.Spend(budget.Compute, time.Millisecond)
		<-b.Done()
		err := context.Cause(b).Error()
		if want := "budget: spent (allowed 1s, used 950ms)"; err != want {
			t.Errorf("got %q, want %q", err, want)
		}
	})
}

// TestZeroConfig: the zero Config is ready to use, as its comment says.
func TestZeroConfig(t *testing.T) {
	b := budget.New(t.Context(), budget.Config{})
	defer b.Close()
	if b.Allowed() != budget.DefaultRequestTimeout || b.Err() != nil {
		t.Error(b.Allowed(), b.Err())
	}
	_, done, err := budget.NewOperation("read", budget.StorageRead).Start(b)
	if err != nil {
		t.Fatal(err)
	}
	done()
	if err := errors.Join(b.Read(budget.DefaultReadBytes), b.Write(budget.DefaultWriteBytes)); err != nil {
		t.Error(err)
	}
}
