package budget

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// Pool shares bytes of memory, which are taken and given back, among flows and,
// within each flow, among addresses. What is taken never exceeds the total.
//
// A flow may hold as much as it leaves free of the pool, and an address as much as
// it leaves free of what its flow may hold. So n flows that all want more come to
// hold a part in n+1 each, one that is alone has half of the pool to itself, and
// those that hold more than their part, since they were fewer before, get nothing
// more until they have given back. That is the dynamic threshold of Choudhury and
// Hahne, "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches",
// IEEE/ACM Transactions on Networking 6(2), 1998, with a factor of 1. An eighth of
// the total is kept out of it: each of the first 64 flows is sure of its 64th of
// that, whatever the others hold.
//
// A Pool remembers nothing of flows and addresses that hold nothing. It is safe
// for concurrent use.
type Pool struct {
	total  int64
	sure   int64 // of each flow
	common int64 // what all flows have beyond that, together

	mu      sync.Mutex
	used    int64 // of the total
	beyond  int64 // of common
	refused uint64
	flows   map[string]*share
}

// share is what one flow holds.
type share struct {
	held      int64
	addresses map[string]int64
}

// sureFlows is how many flows are sure of a part, and sureParts is in how many
// parts what they are sure of is one.
const (
	sureFlows = 64
	sureParts = 8
)

// NewPool returns a Pool of total bytes. An address that has it to itself may hold
// 7/32 of it, so it should be five times the largest that is taken together, or
// more.
func NewPool(total int64) *Pool {
	kept := total / sureParts
	return &Pool{total: total, sure: kept / sureFlows, common: total - kept, flows: make(map[string]*share)}
}

// Total is how many bytes there are.
func (p *Pool) Total() int64 { return p.total }

// Room is how many bytes Take would give to an address of a flow just now.
func (p *Pool) Room(flow, address string) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.room(p.flows[flow], address)
}

func (p *Pool) room(f *share, address string) int64 {
	var held, own int64
	if f != nil {
		held, own = f.held, f.addresses[address]
	}
	// With x bytes more, beyond+x <= free-x, and own+x <= left-x.
	beyond, free := p.past(held), p.common-p.beyond
	left := max(0, p.sure-held)
	left += max(0, (free-beyond)/2)
	return max(0, min((left-own)/2, p.total-p.used))
}

// past is how much of what a flow holds is beyond what it is sure of.
func (p *Pool) past(held int64) int64 { return max(0, held-p.sure) }

// Take gives n bytes to an address of a flow, or an [*Error] of ErrOverloaded that
// says how many the address may hold at present, and how many it holds. Call
// Release with the same number when they are no longer needed.
func (p *Pool) Take(flow, address string, n int64) error {
	if n <= 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.flows[flow]
	if room := p.room(f, address); n > room {
		p.refused++
		e := &Error{
			Reason: ErrOverloaded, Detail: fmt.Sprintf("there is no room for %d more bytes in memory", n),
			RetryAfter: time.Second + rand.N(2*time.Second), limit: poolLimit{allowed: room},
		}
		if f != nil {
			e.limit = poolLimit{allowed: f.addresses[address] + room, used: f.addresses[address]}
		}
		return e
	}
	if f == nil {
		f = &share{addresses: make(map[string]int64)}
		p.flows[flow] = f
	}
	p.move(f, address, n)
	return nil
}

// Release gives back n bytes that an address of a flow has taken.
func (p *Pool) Release(flow, address string, n int64) {
	if n <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.flows[flow]
	p.move(f, address, -n)
	if f.addresses[address] == 0 {
		delete(f.addresses, address)
	}
	if f.held == 0 {
		delete(p.flows, flow)
	}
}

func (p *Pool) move(f *share, address string, n int64) {
	before := p.past(f.held)
	f.addresses[address] += n
	f.held += n
	p.used += n
	p.beyond += p.past(f.held) - before
}

// poolLimit is met by an address that has no room.
type poolLimit struct{ allowed, used int64 }

func (l poolLimit) usage() Usage {
	return Usage{Allowed: fmt.Sprintf("%d bytes", l.allowed), Used: fmt.Sprintf("%d bytes", l.used)}
}

// PoolStats is what a [Pool] has given.
type PoolStats struct {
	Total   int64           `json:"total_bytes"`
	Used    int64           `json:"bytes"`
	Refused uint64          `json:"refused"` // since the start
	Flows   []PoolFlowStats `json:"flows"`   // those that hold something, by name
}

// PoolFlowStats is one flow's part.
type PoolFlowStats struct {
	Name      string `json:"name"`
	Used      int64  `json:"bytes"`
	Addresses int    `json:"addresses"`
}

// Stats returns what is held now, and counts since the start.
func (p *Pool) Stats() PoolStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := PoolStats{Total: p.total, Used: p.used, Refused: p.refused, Flows: make([]PoolFlowStats, 0, len(p.flows))}
	for name, f := range p.flows {
		s.Flows = append(s.Flows, PoolFlowStats{Name: name, Used: f.held, Addresses: len(f.addresses)})
	}
	slices.SortFunc(s.Flows, func(a, b PoolFlowStats) int { return strings.Compare(a.Name, b.Name) })
	return s
}
