package budget_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fazt-sh/fazt/budget"
)

// TestPool: a flood of one address, of one flow and of many leaves the others
// room. The figures are of a pool of 512 x 64 bytes, in which a flow is sure of 64.
func TestPool(t *testing.T) {
	const total, common, sure = 512 * 64, 448 * 64, 64
	// fill takes all that an address gets.
	fill := func(p *budget.Pool, flow, address string) (n int64) {
		for p.Take(flow, address, 1) == nil {
			n++
		}
		return n
	}
	wantNear := func(t *testing.T, what string, got, want int64) {
		t.Helper()
		if got < want-want/50-1 || got > want+want/50+1 {
			t.Errorf("%s: %d, want about %d", what, got, want)
		}
	}
	t.Run("one address", func(t *testing.T) {
		p := budget.NewPool(total)
		alone := (common/2 + sure) / 2
		wantNear(t, "alone", fill(p, "a", "1"), int64(alone))
		wantNear(t, "another address of its flow", p.Room("a", "2"), int64(alone/2))
		wantNear(t, "another flow", p.Room("b", "1"), int64((common-alone)/4))
	})
	t.Run("one flow", func(t *testing.T) {
		p := budget.NewPool(total)
		held := int64(0)
		for i := range 40 {
			held += fill(p, "a", fmt.Sprint(i))
		}
		wantNear(t, "of many addresses", held, common/2+sure)
		wantNear(t, "another flow", p.Room("b", "1"), common/8)
	})
	t.Run("many flows", func(t *testing.T) {
		p := budget.NewPool(total)
		for flow := range 63 {
			for address := range 10 {
				fill(p, fmt.Sprint(flow), fmt.Sprint(address))
			}
		}
		if got := p.Room("last", "1"); got < sure/2 {
			t.Errorf("beside 63 floods a flow has room for %d bytes, want half of %d", got, sure)
		}
	})
	t.Run("more flows than can be sure of anything", func(t *testing.T) {
		p := budget.NewPool(total)
		for flow := range 2000 {
			for address := range 10 {
				fill(p, fmt.Sprint(flow), fmt.Sprint(address))
			}
		}
		if s := p.Stats(); s.Used > total {
			t.Errorf("%d bytes of %d were taken", s.Used, total)
		}
	})
	t.Run("flows that take turns", func(t *testing.T) {
		p := budget.NewPool(total)
		held := make([]int64, 4)
		for again := true; again; {
			again = false
			for i := range held {
				// An address for each byte, or they would have their part of its flow's part.
				if p.Take(fmt.Sprint(i), fmt.Sprint(held[i]), 1) == nil {
					held[i]++
					again = true
				}
			}
		}
		for i := range held {
			wantNear(t, fmt.Sprint("flow ", i), held[i], sure+common/5)
		}
	})
}

func TestPoolRefusal(t *testing.T) {
	p := budget.NewPool(1 << 20)
	if err := p.Take("a", "1", 1000); err != nil {
		t.Fatal(err)
	}
	err := p.Take("a", "1", 1<<20)
	e, ok := errors.AsType[*budget.Error](err)
	if !ok || !errors.Is(err, budget.ErrOverloaded) || !e.Retryable() || e.RetryAfter <= 0 {
		t.Fatalf("%#v", err)
	}
	if u, ok := e.Usage(); !ok || u.Used != "1000 bytes" || u.Allowed != fmt.Sprintf("%d bytes", 1000+p.Room("a", "1")) {
		t.Errorf("usage %+v", u)
	}
	if !strings.Contains(err.Error(), "1048576 more bytes") {
		t.Error(err)
	}
	for range 2 { // giving back nothing does no harm
		p.Release("b", "1", 0)
	}
	want := budget.PoolStats{Total: 1 << 20, Used: 1000, Refused: 1, Flows: []budget.PoolFlowStats{{Name: "a", Used: 1000, Addresses: 1}}}
	if diff := cmp.Diff(want, p.Stats()); diff != "" {
		t.Error("(-want +got)\n", diff)
	}
	p.Release("a", "1", 1000)
	if s := p.Stats(); s.Used != 0 || len(s.Flows) != 0 {
		t.Errorf("at the end %+v", s)
	}
}

// TestPoolIsFair takes and gives back at random. Whoever has less than its share is
// refused only if another has more than that, which it took when its share was
// larger; whoever is below what a flow is sure of is not refused at all.
func TestPoolIsFair(t *testing.T) {
	const total = 8 * 64 * 40
	const sure, common = 40, total - total/8
	type holding struct {
		flow, address string
		n             int64
	}
	rapid.Check(t, func(rt *rapid.T) {
		p := budget.NewPool(total)
		var holdings []holding
		flows := make(map[string]map[string]int64)
		flowHeld := func(name string) (n int64) {
			for _, held := range flows[name] {
				n += held
			}
			return n
		}
		// below reports whether one that would hold n, and none of the others,
		// holds more than a part in one more than they are.
		below := func(total, n int64, others []int64) bool {
			part := total / int64(len(others)+2)
			for _, other := range others {
				if other > part {
					return false
				}
			}
			return n <= part
		}
		others := func(name string) (list []int64) {
			for other := range flows {
				if other != name {
					list = append(list, max(0, flowHeld(other)-sure))
				}
			}
			return list
		}
		for range rapid.IntRange(1, 200).Draw(rt, "steps") {
			if len(holdings) > 0 && rapid.IntRange(0, 2).Draw(rt, "kind") == 0 {
				i := rapid.IntRange(0, len(holdings)-1).Draw(rt, "holding")
				h := holdings[i]
				holdings = append(holdings[:i], holdings[i+1:]...)
				p.Release(h.flow, h.address, h.n)
				if flows[h.flow][h.address] -= h.n; flows[h.flow][h.address] == 0 {
					delete(flows[h.flow], h.address)
				}
				if len(flows[h.flow]) == 0 {
					delete(flows, h.flow)
				}
				continue
			}
			h := holding{
				rapid.StringMatching("[a-f]").Draw(rt, "flow"), rapid.StringMatching("[1-4]").Draw(rt, "address"),
				rapid.OneOf(rapid.Int64Range(1, 2*sure), rapid.Int64Range(1, total/4)).Draw(rt, "bytes"),
			}
			room, err := p.Room(h.flow, h.address), p.Take(h.flow, h.address, h.n)
			if (err == nil) != (h.n <= room) {
				rt.Fatalf("%+v with room for %d: %v", h, room, err)
			}
			if err == nil {
				holdings = append(holdings, h)
				if flows[h.flow] == nil {
					flows[h.flow] = make(map[string]int64)
				}
				flows[h.flow][h.address] += h.n
				continue
			}
			held, own := flowHeld(h.flow), flows[h.flow][h.address]
			var beside []int64 // other addresses of the flow
			for address, n := range flows[h.flow] {
				if address != h.address {
					beside = append(beside, n)
				}
			}
			list := others(h.flow)
			flowFits := below(common, max(0, held+h.n-sure), list)
			part := sure + common/int64(len(list)+2) // of the flow, when it fits
			if flowFits && below(part, own+h.n, beside) {
				rt.Fatalf("%+v was refused, below its share: %v", h, flows)
			}
			if below(sure, own+h.n, beside) {
				rt.Fatalf("%+v was refused, below what it is sure of: %v", h, flows)
			}
		}
		sum := int64(0)
		for name := range flows {
			sum += flowHeld(name)
		}
		if s := p.Stats(); s.Used != sum || sum > total || len(s.Flows) != len(flows) {
			rt.Fatalf("%+v, want %d bytes of %d flows", s, sum, len(flows))
		}
	})
}

// BenchmarkPool takes and gives back.
func BenchmarkPool(b *testing.B) {
	p := budget.NewPool(1 << 28)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Take("flow", "address", 4096); err != nil {
			b.Fatal(err)
		}
		p.Release("flow", "address", 4096)
	}
}
