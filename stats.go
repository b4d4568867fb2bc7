package fazt

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/internal/jsapi"
	"github.com/fazt-sh/fazt/runtime"
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

// maxNamedApps bounds what is said of single apps: those beyond it are counted
// together.
const maxNamedApps = 100

// stats counts what the server does.
type stats struct {
	inFlight   atomic.Int64
	kinds      [kindCount]kindStats
	phases     [8]atomic.Int64 // nanoseconds, by budget.Phase
	operations atomic.Int64

	mu   sync.Mutex
	apps map[string]*appCounters // by name
}

// kindStats are the answers of one kind.
type kindStats struct {
	status  [6]atomic.Uint64 // by the first digit
	nanos   atomic.Int64
	latency [len(latencyBounds) + 1]atomic.Uint64
}

// appCounters are the answers of one app, and what it was charged. They are kept
// while the app is deployed, whether it is loaded or not: a hundred bytes.
type appCounters struct {
	name      string
	id        atomic.Pointer[string] // of the app; nil before it is known
	status    [2][6]atomic.Uint64    // by kindStatic or kindHandler, and the first digit
	processor atomic.Int64           // nanoseconds on slots
	read      atomic.Int64           // bytes from the store
	written   atomic.Int64
	logged    atomic.Int64 // bytes that were printed
	warnings  atomic.Uint64
}

// counts are the answers of a kind, by "2xx".
func (c *appCounters) counts(k kind) map[string]uint64 {
	counts := make(map[string]uint64)
	for class := range c.status[k] {
		if n := c.status[k][class].Load(); n > 0 {
			counts[statusClass(class)] = n
		}
	}
	return counts
}

func (c *appCounters) total() (n uint64) {
	for k := range c.status {
		for class := range c.status[k] {
			n += c.status[k][class].Load()
		}
	}
	return n
}

// appStats are what a loaded app's answers and storage operations take, beside
// its counters. Its next versions share them.
type appStats struct {
	*appCounters
	operations *jsapi.Operations
	log        logAllowance

	warned atomic.Int64 // when a run came near a limit; see warnNear
	quota  quotaWatch

	mu      sync.Mutex
	latency [2]budget.Percentiles
}

func newAppStats(c *appCounters) *appStats {
	return &appStats{appCounters: c, operations: jsapi.NewOperations()}
}

// of are the counters of an app that is in the store.
func (s *stats) of(a storage.App) *appCounters {
	c := s.counters(a.Name)
	c.id.Store(&a.ID)
	return c
}

// counters are those of an app, by its name.
func (s *stats) counters(name string) *appCounters {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.apps == nil {
		s.apps = make(map[string]*appCounters)
	}
	c := s.apps[name]
	if c == nil {
		c = &appCounters{name: name}
		s.apps[name] = c
	}
	return c
}

// forget drops the counters of an app that is no longer deployed.
func (s *stats) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.apps, name)
}

// busiest are the counters of the apps with the most answers, by name, and those
// of the others.
func (s *stats) busiest() (named, others []*appCounters) {
	s.mu.Lock()
	all := slices.Collect(maps.Values(s.apps))
	s.mu.Unlock()
	if len(all) > maxNamedApps {
		slices.SortFunc(all, func(a, b *appCounters) int { return cmp.Compare(b.total(), a.total()) })
		all, others = all[:maxNamedApps], all[maxNamedApps:]
	}
	slices.SortFunc(all, func(a, b *appCounters) int { return cmp.Compare(a.name, b.name) })
	return all, others
}

// answer is the ResponseWriter of one request. It notes what the statistics
// need.
type answer struct {
	http.ResponseWriter
	status int
	start  time.Time
	kind   kind
	app    *appStats      // nil: no app's
	since  int64          // the revision of the catalogue when it came; with Options.Dev
	budget *budget.Budget // of a handler's run
	split  *http.Cookie   // of a visitor whom a split alias has led here, when it is new
	varies bool           // with the visitor's cookies, through a split alias
}

// WriteHeader notes the status. A split's headers come last, for an app may set its own
// of these names.
func (a *answer) WriteHeader(status int) {
	if a.varies && status >= 200 {
		a.varies = false
		a.Header().Add("Vary", "Cookie")
		if a.split != nil {
			http.SetCookie(a, a.split)
		}
	}
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

// spend adds what one request of an app spent.
func (s *stats) spend(c *appCounters, b *budget.Budget) {
	c.processor.Add(int64(b.Spent(budget.Compute)))
	c.read.Add(b.BytesRead())
	c.written.Add(b.BytesWritten())
	for _, p := range budget.Phases() {
		if d := b.Spent(p); d > 0 {
			s.phases[p].Add(int64(d))
		}
	}
	s.operations.Add(int64(b.Operations()))
}

// statusClass is "2xx" for 2.
func statusClass(first int) string { return string(rune('0'+first)) + "xx" }

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

const (
	// nearLimit is the part of a limit that a warning is worth, and nearInterval
	// the least time between two warnings of an app.
	nearLimit    = 0.8
	nearInterval = time.Minute
)

// warnNear says in the app's log which limits a run came near to, once a minute.
// That of a run that failed for one is there already.
func (s *Server) warnNear(a *app, req *runtime.Request, b *budget.Budget, result *runtime.Result, err error) {
	near := b.Near(nearLimit)
	limits := s.runtime.Limits()
	if float64(result.CPU) >= nearLimit*float64(limits.CPU) {
		near = append(near, budget.Usage{Limit: "CPU", Allowed: limits.CPU.String(), Used: result.CPU.Round(time.Millisecond).String()})
	}
	if m := result.Memory; float64(m) >= nearLimit*float64(limits.Memory) {
		near = append(near, budget.Usage{Limit: "memory", Allowed: mebibytes(limits.Memory), Used: mebibytes(m)})
	}
	if n := len(result.Response.Body); float64(n) >= nearLimit*float64(limits.ResponseBytes) {
		near = append(near, budget.Usage{Limit: "response bytes", Allowed: strconv.Itoa(limits.ResponseBytes), Used: strconv.Itoa(n)})
	}
	if n := len(result.Log); float64(n) >= nearLimit*float64(limits.LogLines) {
		near = append(near, budget.Usage{Limit: "log lines", Allowed: strconv.Itoa(limits.LogLines), Used: strconv.Itoa(n)})
	}
	if len(near) == 0 || err != nil && strings.HasPrefix(explain(err).Code, "BUDGET_") {
		return
	}
	now, last := int64(time.Since(s.started)), a.stats.warned.Load()
	if last != 0 && now-last < int64(nearInterval) || !a.stats.warned.CompareAndSwap(last, now) {
		return
	}
	parts := make([]string, len(near))
	for i, u := range near {
		parts[i] = fmt.Sprintf("%s of %s %s", u.Used, u.Allowed, u.Limit)
		if u.InPhase > 0 {
			parts[i] += fmt.Sprintf(" (%v: %v)", u.Phase, u.InPhase.Round(time.Millisecond))
		}
	}
	s.warn(a, req, "used "+strings.Join(parts, ", "))
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// warn puts into the app's log what a request did.
func (s *Server) warn(a *app, req *runtime.Request, did string) {
	a.stats.warnings.Add(1)
	text := cutLogText(fmt.Sprintf("%s %s %s", req.Method, req.Path, did))
	s.logs.add([]storage.LogLine{{App: a.info.ID, Time: time.Now(), Level: "warn", Text: text, RequestID: req.ID}})
}

// quotaWatch says when what an app stores is worth a look: when it may have come near
// its quota, by what was written since, or a minute after it did.
type quotaWatch struct {
	mu   sync.Mutex
	at   time.Time // of the last look
	near bool      // it had come near
	room int64     // bytes that were left until then, less what was written since
}

// due reports whether a run that has written so many bytes is to look. That of blobs
// is not counted: 0 may be any number.
func (q *quotaWatch) due(now time.Time, written int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.room -= written
	if now.Sub(q.at) < nearInterval && (q.near || written > 0 && q.room > 0) {
		return false
	}
	q.at, q.near = now, true // for those who ask meanwhile
	return true
}

// seen notes what a look has found: how many bytes are left until it is near.
func (q *quotaWatch) seen(room int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.near, q.room = room <= 0, room
}

// warnQuota says in the app's log that what it stores has come near its quota, after
// a run that wrote something, and once a minute.
func (s *Server) warnQuota(ctx context.Context, a *app, req *runtime.Request, b *budget.Budget) {
	if b.Spent(budget.StorageWrite) == 0 || !a.stats.quota.due(time.Now(), b.BytesWritten()) {
		return
	}
	usage, err := s.store.Usage(ctx, a.info.ID)
	if err != nil {
		a.stats.quota.seen(1) // the next that writes looks again
		return
	}
	room := int64(nearLimit*float64(usage.Allowed)) - usage.Used
	if a.stats.quota.seen(room); room <= 0 {
		s.warn(a, req, fmt.Sprintf("wrote, and the app stores %d of %d bytes", usage.Used, usage.Allowed))
	}
}
