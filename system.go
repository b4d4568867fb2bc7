package fazt

import (
	"context"
	goruntime "runtime"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/storage"
)

// Health says that the server is there, and for how long.
func (s *Server) Health(context.Context) (*api.Health, error) {
	return &api.Health{Status: "ok", Version: Version, Uptime: s.uptime()}, nil
}

func (s *Server) uptime() int64 { return int64(time.Since(s.started).Seconds()) }

// Limits returns the limits in force, defaults filled in.
func (s *Server) Limits(context.Context) (*api.Limits, error) {
	o, d, b, h := s.opt, s.door.Options(), s.opt.Budget, s.runtime.Limits()
	l := &api.Limits{
		RequestMS: b.RequestTimeout.Milliseconds(), ReserveMS: b.Reserve.Milliseconds(), StorageOpMS: b.StorageOpTimeout.Milliseconds(),
		MinOperationMS: b.MinOperationTime.Milliseconds(), QueueAdmissionMS: b.QueueAdmissionTime.Milliseconds(), Operations: b.Operations,
		ReadBytes: b.ReadBytes, WriteBytes: b.WriteBytes,
		CPUMS: h.CPU.Milliseconds(), MemoryBytes: h.Memory, ResponseBytes: h.ResponseBytes, LogLines: h.LogLines, SourceBytes: h.SourceBytes,
		LoadMS: h.Load.Milliseconds(),
		Slots:  o.Slots, Queue: o.Queue, BodyBytes: o.MaxBody, UploadBytes: o.MaxUpload, AllBodiesBytes: o.BodyMemory, AllAnswersBytes: o.AnswerMemory,
		DeployFileBytes: o.Deploy.FileBytes, DeployAppBytes: o.Deploy.AppBytes, DeployFiles: o.Deploy.Files,
		LoadedApps: o.LoadedApps, LoadedBytes: o.LoadedBytes,
		ConnsPerAddress: d.ConnsPerAddress, Conns: d.Conns, HeaderBytes: d.HeaderBytes, DrainMS: d.DrainTimeout.Milliseconds(),
	}
	if d.RateLimit != frontdoor.NoRateLimit {
		l.RatePerSecond, l.RateBurst = d.RateLimit, d.RateBurst
	}
	return l, nil
}

// Stats returns what the server is doing now, and counts since its start.
func (s *Server) Stats(context.Context) (*api.Stats, error) {
	var memory goruntime.MemStats
	goruntime.ReadMemStats(&memory)
	files, fileBytes := s.content.usage()
	apps, appBytes := s.apps.usage()
	phases := make(map[string]float64)
	for _, p := range budget.Phases() {
		phases[p.String()] = float64(s.stats.phases[p].Load()) / 1e6
	}
	return &api.Stats{
		Uptime: s.uptime(), InFlight: s.stats.inFlight.Load(), Admission: admissionData(s.slots.Stats()),
		PhasesMS: phases, Operations: s.stats.operations.Load(), Storage: storageData(s.store.Stats()), FrontDoor: api.DoorStats(s.door.Stats()),
		Bodies: poolData(s.bodies.Stats()), Answers: poolData(s.answers.Stats()),
		Cache:  api.CacheStats{Entries: files, Bytes: int64(fileBytes), Limit: contentCacheBytes},
		Loaded: api.CacheStats{Entries: apps, Bytes: appBytes, Limit: s.opt.LoadedBytes},
		Process: api.ProcessStats{
			Goroutines: goruntime.NumGoroutine(), HeapBytes: memory.HeapAlloc, SysBytes: memory.Sys, GCCount: memory.NumGC,
		},
		Apps: s.busiestApps(),
	}, nil
}

func admissionData(a budget.AdmissionStats) api.Admission {
	data := api.Admission{
		Slots: a.Slots, Short: a.Short, Long: a.Long, InFlight: a.InFlight, Queued: a.Queued, Resuming: a.Resuming,
		Refused: api.Refusals(a.Refused), Flows: make([]api.FlowStats, len(a.Flows)),
	}
	for i, f := range a.Flows {
		data.Flows[i] = api.FlowStats(f)
	}
	return data
}

func poolData(p budget.PoolStats) api.PoolStats {
	data := api.PoolStats{Bytes: p.Used, Limit: p.Total, Refused: p.Refused, Flows: make([]api.PoolFlowStats, len(p.Flows))}
	for i, f := range p.Flows {
		data.Flows[i] = api.PoolFlowStats(f)
	}
	return data
}

func storageData(s storage.Stats) api.StorageStats {
	data := api.StorageStats{
		QueueDepth: s.Depth, DelayMS: milliseconds(s.Delay), Batches: s.Batches, Writes: s.Commits,
		BatchSize: make(map[string]float64), CommitMS: make(map[string]float64),
	}
	for _, q := range storageQuantiles(s) {
		data.BatchSize[q.name], data.CommitMS[q.name] = float64(q.size), milliseconds(q.commit)
	}
	return data
}

// storageQuantile is one figure of the last batches.
type storageQuantile struct {
	name, label string // in JSON, and as Prometheus has it
	size        int
	commit      time.Duration
}

func storageQuantiles(s storage.Stats) []storageQuantile {
	return []storageQuantile{
		{"p50", "0.5", s.BatchSize.P50, s.CommitTime.P50},
		{"p90", "0.9", s.BatchSize.P90, s.CommitTime.P90},
		{"p99", "0.99", s.BatchSize.P99, s.CommitTime.P99},
		{"max", "1", s.BatchSize.Max, s.CommitTime.Max},
	}
}
