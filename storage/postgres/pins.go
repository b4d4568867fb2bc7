package postgres

import (
	"context"
	"sync"
)

// pins counts who reads which body on this server, so that none is swept under them:
// every upkeepInterval, those of them that were let go are kept for longer. A server
// that ends takes its pins with it, which is why they are no rows of their own.
type pins struct {
	mu    sync.Mutex
	count map[string]int
}

func (p *pins) add(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count == nil {
		p.count = make(map[string]int)
	}
	p.count[id]++
}

func (p *pins) remove(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count[id]--; p.count[id] == 0 {
		delete(p.count, id)
	}
}

func (p *pins) all() (ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.count {
		ids = append(ids, id)
	}
	return ids
}

// renewPinned has what is being read kept from the sweeper for another minute.
func (s *Store) renewPinned(ctx context.Context) error {
	reading := s.reading.all()
	if len(reading) == 0 {
		return nil
	}
	_, err := s.exec(ctx, "renew", "UPDATE loose_bodies SET sweep_at = "+letGoUntil+" WHERE id = ANY($1) AND sweep_at > 0", reading)
	return err
}
