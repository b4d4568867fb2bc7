package budget_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt/budget"
)

func TestConfig(t *testing.T) {
	got, err := budget.Config{StorageOpTimeout: time.Second}.WithDefaults()
	want := budget.Config{
		RequestTimeout: 10 * time.Second, StorageOpTimeout: time.Second,
		MinOperationTime: 5 * time.Millisecond, QueueAdmissionTime: 5 * time.Second,
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	_, err = budget.Config{RequestTimeout: -1, QueueAdmissionTime: -1}.WithDefaults()
	if err == nil || !strings.Contains(err.Error(), "RequestTimeout") || !strings.Contains(err.Error(), "QueueAdmissionTime") {
		t.Errorf("negative durations: %v; want both fields named", err)
	}
	if _, err = (budget.Config{RequestTimeout: time.Millisecond}).WithDefaults(); err == nil {
		t.Error("a request shorter than an operation was accepted")
	}
}

func start(t *testing.T, parent context.Context, c budget.Config) (context.Context, *budget.Budget) {
	t.Helper()
	c, err := c.WithDefaults()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := c.Start(parent)
	t.Cleanup(cancel)
	return ctx, budget.From(ctx)
}

func TestBudgetCountsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, b := start(t, t.Context(), budget.Config{RequestTimeout: time.Second})
		time.Sleep(300 * time.Millisecond)
		if got := b.Remaining(); got != 700*time.Millisecond {
			t.Errorf("Remaining is %v after 300ms of 1s", got)
		}
		if got := b.Used(); got != 300*time.Millisecond {
			t.Errorf("Used is %v", got)
		}
		time.Sleep(700 * time.Millisecond)
		synctest.Wait()
		if got := b.Remaining(); got != 0 || ctx.Err() != context.DeadlineExceeded {
			t.Errorf("at the end: %v remain, context: %v", got, ctx.Err())
		}
		time.Sleep(time.Second)
		if got := b.Remaining(); got != 0 {
			t.Errorf("Remaining is %v after the end", got)
		}
	})
}

func TestBudgetNeverOutlivesParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, b := start(t, parent, budget.Config{})
		if got := b.Allowed(); got != time.Second {
			t.Errorf("allowed %v under a parent of 1s", got)
		}
	})
}

func TestOperation(t *testing.T) {
	for _, test := range []struct {
		spent, want time.Duration // want 0: refused
	}{
		{0, 3 * time.Second},
		{6 * time.Second, 2 * time.Second},
		{9900 * time.Millisecond, 50 * time.Millisecond},
		{9995 * time.Millisecond, 2500 * time.Microsecond},
		{9996 * time.Millisecond, 0},
		{11 * time.Second, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, _ := start(t, t.Context(), budget.Config{})
			time.Sleep(test.spent)
			op, cancel, err := budget.Operation(ctx)
			if test.want == 0 {
				if !errors.Is(err, budget.ErrSpent) {
					t.Errorf("after %v: %v, want ErrSpent", test.spent, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("after %v: %v", test.spent, err)
			}
			defer cancel()
			deadline, _ := op.Deadline()
			if got := time.Until(deadline); got != test.want {
				t.Errorf("after %v an operation gets %v, want %v", test.spent, got, test.want)
			}
		})
	}
}

func TestOperationWithoutBudget(t *testing.T) {
	op, cancel, err := budget.Operation(t.Context())
	if err != nil || op != t.Context() {
		t.Errorf("got %v, %v; want the context itself", op, err)
	}
	cancel()
}

func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := budget.NewSlots(1, 1, time.Second)
		if err := s.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		admitted := make(chan error)
		go func() { admitted <- s.Enter(t.Context()) }()
		synctest.Wait()
		if err := s.Enter(t.Context()); !errors.Is(err, budget.ErrOverloaded) {
			t.Errorf("beyond the queue: %v, want ErrOverloaded", err)
		}
		s.Leave()
		if err := <-admitted; err != nil {
			t.Errorf("the first in the queue: %v", err)
		}

		// The slot is taken for good: the wait is what ends.
		if err := s.Enter(t.Context()); !errors.Is(err, budget.ErrOverloaded) {
			t.Errorf("after the longest wait: %v, want ErrOverloaded", err)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := s.Enter(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller whose deadline passes: %v", err)
		}
		if err := s.Resume(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("resuming past the deadline: %v", err)
		}
		s.Leave()
		if err := s.Resume(t.Context()); err != nil {
			t.Errorf("resuming with a free slot: %v", err)
		}
	})
}

func BenchmarkSlots(b *testing.B) {
	s := budget.NewSlots(2, 1, time.Second)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Enter(ctx); err != nil {
			b.Fatal(err)
		}
		s.Leave()
	}
}
