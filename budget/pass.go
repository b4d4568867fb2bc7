package budget

import "context"

// Pass is the admission of one caller, who may leave and resume.
type Pass struct {
	slots *Slots
	holds bool
}

// Admit is [Slots.Enter] for a caller that will leave and resume.
func (s *Slots) Admit(ctx context.Context) (*Pass, error) {
	if err := s.Enter(ctx); err != nil {
		return nil, err
	}
	return &Pass{slots: s, holds: true}, nil
}

// Leave gives the slot back.
func (p *Pass) Leave() {
	if p.holds {
		p.holds = false
		p.slots.Leave()
	}
}

// Resume takes a slot again.
func (p *Pass) Resume(ctx context.Context) error {
	err := p.slots.Resume(ctx)
	p.holds = err == nil
	return err
}

// Yield never asks a run to step aside.
func (p *Pass) Yield() bool { return false }

// Done ends the caller's use of the slots.
func (p *Pass) Done() { p.Leave() }
