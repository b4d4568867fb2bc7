package fazt

import (
	"context"

	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/runtime"
)

// gate lets the budget's slots decide when a run may compute.
type gate struct{ slots *budget.Slots }

func (g gate) Enter(ctx context.Context) (runtime.Pass, error) {
	pass, err := g.slots.Admit(ctx)
	if err != nil {
		return nil, err
	}
	return pass, nil
}
