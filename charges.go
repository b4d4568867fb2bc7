package fazt

import (
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/budget"
)

// charging is what the parts of the server say of apps, gathered once for all of
// them.
type charging struct {
	now    time.Time
	loaded map[string]*appStats // by name
	flows  map[string]budget.FlowStats
	held   map[string]int64         // bytes
	writer map[string]time.Duration // by id
}

func (s *Server) newCharging() *charging {
	c := &charging{
		now: time.Now(), loaded: make(map[string]*appStats), flows: make(map[string]budget.FlowStats),
		held: make(map[string]int64), writer: s.store.Stats().Writer,
	}
	s.apps.each(func(a *app) { c.loaded[a.info.Name] = a.stats })
	for _, f := range s.slots.Stats().Flows {
		c.flows[f.Name] = f
	}
	for _, pool := range []*budget.Pool{s.bodies, s.answers} {
		for _, f := range pool.Stats().Flows {
			c.held[f.Name] += f.Used
		}
	}
	return c
}

// of is what one app has answered and what it was charged.
func (c *charging) of(a *appCounters) api.AppStats {
	data := api.AppStats{
		Name: a.name, Charges: c.charges(a),
		Requests: make(map[string]map[string]uint64), P50MS: make(map[string]float64), P99MS: make(map[string]float64),
	}
	for k := range a.status {
		counts := a.counts(kind(k))
		if len(counts) == 0 {
			continue
		}
		data.Requests[kindNames[k]] = counts
		if l := c.loaded[a.name]; l != nil {
			l.mu.Lock()
			data.P50MS[kindNames[k]] = float64(l.latency[k].Quantile(c.now, 0.5)) / 1e6
			data.P99MS[kindNames[k]] = float64(l.latency[k].Quantile(c.now, 0.99)) / 1e6
			l.mu.Unlock()
		}
	}
	return data
}

func (c *charging) charges(a *appCounters) api.Charges {
	flow := c.flows[a.name]
	charges := api.Charges{
		ProcessorMS: float64(a.processor.Load()) / 1e6,
		ReadBytes:   a.read.Load(), WrittenBytes: a.written.Load(), LogBytes: a.logged.Load(), Warnings: a.warnings.Load(),
		HeldBytes: c.held[a.name], InFlight: flow.InFlight, Waiting: flow.Queued,
	}
	// Deploys go by the app's name, see storeFiles.
	writer := c.writer[a.name]
	if id := a.id.Load(); id != nil {
		writer += c.writer[*id]
	}
	charges.WriterMS = float64(writer) / 1e6
	return charges
}

// busiestApps is what the busiest apps have answered, by name.
func (s *Server) busiestApps() []api.AppStats {
	c := s.newCharging()
	busiest, _ := s.stats.busiest()
	list := make([]api.AppStats, len(busiest))
	for i, a := range busiest {
		list[i] = c.of(a)
	}
	return list
}
