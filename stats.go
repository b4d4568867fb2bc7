package fazt

import (
	"io"
	"net/http"
	goruntime "runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/storage"
)

// kind is what answered a request.
type kind int

const (
	kindStatic kind = iota
	kindHandler
	kindManagement
	kindAuth
	kindOther // an address that leads nowhere
	kindCount
)

var kindNames = [kindCount]string{"static", "handler", "management", "auth", "other"}

// latencyBounds are the buckets of the latency histogram, in seconds: what a
// cached file takes up to what a budget allows.
var latencyBounds = [...]float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// stats counts what the server does. Its memory grows with the apps that are
// deployed and nothing else.
type stats struct {
	inFlight   atomic.Int64
	kinds      [kindCount]kindStats
	phases     [8]atomic.Int64 // nanoseconds, by budget.Phase
	operations atomic.Int64

	mu   sync.Mutex
	apps map[string]*appStats // by name
}

// kindStats are the answers of one kind.
type kindStats struct {
	status  [6]atomic.Uint64 // by the first digit
	nanos   atomic.Int64
	latency [len(latencyBounds) + 1]atomic.Uint64
}

// appStats are the answers of one app, and what its storage operations take.
type appStats struct {
	status     [2][6]atomic.Uint64 // by kindStatic or kindHandler, and the first digit
	operations operations

	mu      sync.Mutex
	latency [2]budget.Percentiles
}

// app returns the counters of a deployed app, which its next versions share.
func (s *stats) app(name string) *appStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.apps == nil {
		s.apps = make(map[string]*appStats)
	}
	a := s.apps[name]
	if a == nil {
		a = &appStats{operations: newOperations()}
		s.apps[name] = a
	}
	return a
}

// keep forgets the apps that are no longer deployed.
func (s *stats) keep(apps map[string]*app) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.apps {
		if apps[name] == nil {
			delete(s.apps, name)
		}
	}
}

// names are the apps that have counters, sorted.
func (s *stats) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]string, 0, len(s.apps))
	for name := range s.apps {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// answer is the ResponseWriter of one request. It notes what the statistics
// need.
type answer struct {
	http.ResponseWriter
	status int
	start  time.Time
	kind   kind
	app    *appStats // nil: no app's
}

// WriteHeader notes the status.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// ReadFrom spares http.ServeContent a buffer of its own.
func (a *answer) ReadFrom(src io.Reader) (int64, error) {
	return io.Copy(a.ResponseWriter, src)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// record counts an answer when it is over.
func (s *stats) record(a *answer) {
	s.inFlight.Add(-1)
	d := time.Since(a.start)
	class := max(a.status, 200) / 100 // a handler that writes nothing answers 200
	k := &s.kinds[a.kind]
	k.status[class].Add(1)
	k.nanos.Add(int64(d))
	i, _ := slices.BinarySearch(latencyBounds[:], d.Seconds())
	k.latency[i].Add(1)
	if a.app == nil || a.kind > kindHandler {
		return
	}
	a.app.status[a.kind][class].Add(1)
	a.app.mu.Lock()
	defer a.app.mu.Unlock()
	a.app.latency[a.kind].Record(a.start.Add(d), d)
}

// spend adds what one request spent.
func (s *stats) spend(b *budget.Budget) {
	for _, p := range budget.Phases() {
		if d := b.Spent(p); d > 0 {
			s.phases[p].Add(int64(d))
		}
	}
	s.operations.Add(int64(b.Operations()))
}

// limitsData is the answer of GET /api/system/limits: times in milliseconds.
type limitsData struct {
	RequestMS        int64 `json:"request_ms"`
	ReserveMS        int64 `json:"reserve_ms"`
	StorageOpMS      int64 `json:"storage_op_ms"`
	MinOperationMS   int64 `json:"min_operation_ms"`
	QueueAdmissionMS int64 `json:"queue_admission_ms"`
	Operations       int   `json:"operations"`
	CPUMS            int64 `json:"cpu_ms"`
	MemoryBytes      int64 `json:"memory_bytes"`
	ResponseBytes    int   `json:"response_bytes"`
	LogLines         int   `json:"log_lines"`
	SourceBytes      int   `json:"source_bytes"`
	Slots            int   `json:"slots"`
	Queue            int   `json:"queue"`
	BodyBytes        int64 `json:"body_bytes"`
	UploadBytes      int64 `json:"upload_bytes"`
	AllBodiesBytes   int64 `json:"all_bodies_bytes"` // in memory together
	DeployFileBytes  int64 `json:"deploy_file_bytes"`
	DeployAppBytes   int64 `json:"deploy_app_bytes"`
	DeployFiles      int   `json:"deploy_files"`
	RatePerSecond    int   `json:"rate_per_second"` // an address; 0 is no limit
	RateBurst        int   `json:"rate_burst"`
	ConnsPerAddress  int   `json:"connections_per_address"`
	Conns            int   `json:"connections"`
	HeaderBytes      int   `json:"header_bytes"`
	DrainMS          int64 `json:"drain_ms"`
}

func (s *Server) apiLimits(w http.ResponseWriter, _ *http.Request) error {
	o, b, h := s.opt, s.opt.Budget, s.runtime.Limits()
	data := limitsData{
		RequestMS: b.RequestTimeout.Milliseconds(), ReserveMS: b.Reserve.Milliseconds(), StorageOpMS: b.StorageOpTimeout.Milliseconds(),
		MinOperationMS: b.MinOperationTime.Milliseconds(), QueueAdmissionMS: b.QueueAdmissionTime.Milliseconds(), Operations: b.Operations,
		CPUMS: h.CPU.Milliseconds(), MemoryBytes: h.Memory, ResponseBytes: h.ResponseBytes, LogLines: h.LogLines, SourceBytes: h.SourceBytes,
		Slots: o.Slots, Queue: o.Queue, BodyBytes: o.MaxBody, UploadBytes: o.MaxUpload, AllBodiesBytes: s.door.bodies.limit,
		DeployFileBytes: o.Deploy.FileBytes, DeployAppBytes: o.Deploy.AppBytes, DeployFiles: o.Deploy.Files,
		ConnsPerAddress: DefaultConnsPerAddress, Conns: DefaultConns, HeaderBytes: maxHeaderBytes, DrainMS: o.DrainTimeout.Milliseconds(),
	}
	if o.RateLimit > 0 {
		data.RatePerSecond, data.RateBurst = o.RateLimit, 2*o.RateLimit
	}
	writeData(w, data)
	return nil
}

// appData is one app in the answer of GET /api/system/stats.
type appData struct {
	Name     string                       `json:"name"`
	Requests map[string]map[string]uint64 `json:"requests"` // by kind and "2xx"
	P50MS    map[string]float64           `json:"p50_ms"`   // by kind, of the last half minute or so
	P99MS    map[string]float64           `json:"p99_ms"`
}

func (s *Server) apiStats(w http.ResponseWriter, _ *http.Request) error {
	var memory goruntime.MemStats
	goruntime.ReadMemStats(&memory)
	cached, cachedBytes := s.content.usage()
	phases := make(map[string]float64)
	for _, p := range budget.Phases() {
		phases[p.String()] = float64(s.stats.phases[p].Load()) / 1e6
	}
	writeData(w, map[string]any{
		"uptime":     int64(time.Since(s.started).Seconds()),
		"in_flight":  s.stats.inFlight.Load(),
		"admission":  s.slots.Stats(),
		"phases_ms":  phases,
		"operations": s.stats.operations.Load(),
		"storage":    newStorageData(s.store.Stats()),
		"front_door": s.door.stats(),
		"cache":      map[string]any{"entries": cached, "bytes": cachedBytes, "limit_bytes": contentCacheBytes},
		"process": map[string]any{
			"goroutines": goruntime.NumGoroutine(), "heap_bytes": memory.HeapAlloc, "sys_bytes": memory.Sys, "gc_count": memory.NumGC,
		},
		"apps": s.appData(),
	})
	return nil
}

// storageData is what the store's writer is doing, in the answer of GET
// /api/system/stats.
type storageData struct {
	QueueDepth int                `json:"queue_depth"` // writes that wait
	DelayMS    float64            `json:"delay_ms"`    // that one that comes now would take
	Batches    uint64             `json:"batches"`     // commits since the start
	Writes     uint64             `json:"writes"`      // that they held
	BatchSize  map[string]float64 `json:"batch_size"`  // of the last 4,096 or more
	CommitMS   map[string]float64 `json:"commit_ms"`
}

func newStorageData(s storage.Stats) storageData {
	data := storageData{
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

func (s *Server) appData() []appData {
	now := time.Now()
	list := []appData{}
	for _, name := range s.stats.names() {
		a := s.stats.app(name)
		data := appData{Name: name, Requests: make(map[string]map[string]uint64), P50MS: make(map[string]float64), P99MS: make(map[string]float64)}
		for k := range a.status {
			counts := make(map[string]uint64)
			for class := range a.status[k] {
				if n := a.status[k][class].Load(); n > 0 {
					counts[statusClass(class)] = n
				}
			}
			if len(counts) == 0 {
				continue
			}
			data.Requests[kindNames[k]] = counts
			a.mu.Lock()
			data.P50MS[kindNames[k]] = float64(a.latency[k].Quantile(now, 0.5)) / 1e6
			data.P99MS[kindNames[k]] = float64(a.latency[k].Quantile(now, 0.99)) / 1e6
			a.mu.Unlock()
		}
		list = append(list, data)
	}
	return list
}

// statusClass is "2xx" for 2.
func statusClass(first int) string { return string(rune('0'+first)) + "xx" }
