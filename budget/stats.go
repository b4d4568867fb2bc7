package budget

import (
	"slices"
	"strings"
	"time"
)

// AdmissionStats is what an [Admission] is doing.
type AdmissionStats struct {
	Slots    int `json:"slots"`
	Short    int `json:"short"`     // on slots
	Long     int `json:"long"`      // on slots, past 100 ms
	InFlight int `json:"in_flight"` // admitted and not done
	Queued   int `json:"queued"`    // waiting to be admitted
	Resuming int `json:"resuming"`  // under way and waiting for a slot
	Refused  struct {
		QueueFull uint64 `json:"queue_full"`
		Wait      uint64 `json:"wait"`   // predicted or found to be too long
		Doomed    uint64 `json:"doomed"` // less remained than a run takes
	} `json:"refused"`
	Flows []FlowStats `json:"flows"` // by name; those with nothing to do may be forgotten
}

// FlowStats is one flow's part.
type FlowStats struct {
	Name     string        `json:"name"`
	Running  int           `json:"running"`
	InFlight int           `json:"in_flight"`
	Queued   int           `json:"queued"`
	Wait     time.Duration `json:"wait_ns"` // that one that comes now would expect
	Admitted uint64        `json:"admitted"`
	Refused  uint64        `json:"refused"`
	CPU      time.Duration `json:"cpu_ns"`     // on slots, in all
	CPU50    time.Duration `json:"cpu_p50_ns"` // the same by run, decayed
	CPU99    time.Duration `json:"cpu_p99_ns"`
}

// Stats returns what is happening now, and counts since the start.
func (a *Admission) Stats() AdmissionStats {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	s := AdmissionStats{
		Slots: a.config.Slots, Short: a.on - a.long, Long: a.long, InFlight: a.inFlight,
		Queued: a.queued, Resuming: a.waiting - a.queued, Flows: make([]FlowStats, 0, len(a.flows)),
	}
	s.Refused.QueueFull, s.Refused.Wait, s.Refused.Doomed = a.refusedQueue, a.refusedWait, a.refusedDoomed
	for _, f := range a.flows {
		s.Flows = append(s.Flows, FlowStats{
			Name: f.name, Running: f.on, InFlight: f.inFlight, Queued: f.queued, Wait: f.expectedWait(now, f.ahead(&source{})),
			Admitted: f.admitted, Refused: f.refused, CPU: f.used, CPU50: f.runs.Quantile(now, 0.5), CPU99: f.runs.Quantile(now, 0.99),
		})
	}
	slices.SortFunc(s.Flows, func(a, b FlowStats) int { return strings.Compare(a.Name, b.Name) })
	return s
}
