package budget_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/budget"
)

// BenchmarkAdmission is one run: admitted, and done.
func BenchmarkAdmission(b *testing.B) {
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	b.Run("uncontended", func(b *testing.B) {
		a := admission(b, budget.AdmissionConfig{Slots: 2})
		b.ReportAllocs()
		for b.Loop() {
			t, err := a.Enter(ctx, budget.Caller{Flow: "app"})
			if err != nil {
				b.Fatal(err)
			}
			t.Done()
		}
	})
	b.Run("host call", func(b *testing.B) {
		a := admission(b, budget.AdmissionConfig{Slots: 2})
		t, err := a.Enter(ctx, budget.Caller{Flow: "app"})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			t.Leave()
			if err := t.Resume(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("1000 flows known", func(b *testing.B) {
		a := admission(b, budget.AdmissionConfig{Slots: 2})
		for i := range 1000 {
			t, err := a.Enter(ctx, budget.Caller{Flow: strconv.Itoa(i)})
			if err != nil {
				b.Fatal(err)
			}
			t.Done()
		}
		b.ReportAllocs()
		for b.Loop() {
			t, err := a.Enter(ctx, budget.Caller{Flow: "500"})
			if err != nil {
				b.Fatal(err)
			}
			t.Done()
		}
	})
	b.Run("contended", func(b *testing.B) {
		a := admission(b, budget.AdmissionConfig{Slots: 2})
		b.SetParallelism(32)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				t, err := a.Enter(ctx, budget.Caller{Flow: "app"})
				if err != nil {
					b.Error(err)
					return
				}
				t.Done()
			}
		})
	})
}

// BenchmarkBudget is what a request pays for having one.
func BenchmarkBudget(b *testing.B) {
	c, err := budget.Config{}.WithDefaults()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		budget.New(b.Context(), c).Close()
	}
}

// BenchmarkOperation is what a storage call pays.
func BenchmarkOperation(b *testing.B) {
	c, err := budget.Config{RequestTimeout: time.Hour, Operations: 1 << 62}.WithDefaults()
	if err != nil {
		b.Fatal(err)
	}
	ctx := budget.New(b.Context(), c)
	defer ctx.Close()
	kind := budget.NewOperation("get", budget.StorageRead)
	b.ReportAllocs()
	for b.Loop() {
		_, done, err := kind.Start(ctx)
		if err != nil {
			b.Fatal(err)
		}
		done()
	}
}

func admission(tb testing.TB, c budget.AdmissionConfig) *budget.Admission {
	tb.Helper()
	a, err := budget.NewAdmission(c)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}
