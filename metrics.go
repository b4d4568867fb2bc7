package fazt

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/fazt-sh/fazt/budget"
)

// newMetrics makes the handler of GET /metrics, on a registry of its own: two
// servers in a process do not mix.
func (s *Server) newMetrics() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collector{s},
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// collector reads the server's own counters when it is scraped, so that nothing
// is counted twice on the way.
type collector struct{ server *Server }

var (
	metricRequests    = prometheus.NewDesc("fazt_app_requests_total", "Requests to apps by what answered them.", []string{"app", "kind", "status"}, nil)
	metricProcessor   = prometheus.NewDesc("fazt_app_processor_seconds_total", "Time that apps have computed.", []string{"app"}, nil)
	metricWriter      = prometheus.NewDesc("fazt_app_writer_seconds_total", "Time that the store's writer has worked for apps.", []string{"app"}, nil)
	metricBytes       = prometheus.NewDesc("fazt_app_bytes_total", "Bytes that apps' handlers have read from the store, written to it, and logged.", []string{"app", "what"}, nil)
	metricAnswers     = prometheus.NewDesc("fazt_requests_total", "All requests by what answered them.", []string{"kind", "status"}, nil)
	metricLatency     = prometheus.NewDesc("fazt_request_duration_seconds", "Time from the headers to the end of the answer.", []string{"kind"}, nil)
	metricInFlight    = prometheus.NewDesc("fazt_requests_in_flight", "Requests being answered.", nil, nil)
	metricPhase       = prometheus.NewDesc("fazt_phase_seconds_total", "Time that handlers' requests spent, by phase.", []string{"phase"}, nil)
	metricOps         = prometheus.NewDesc("fazt_operations_total", "Storage operations that handlers started.", nil, nil)
	metricSlots       = prometheus.NewDesc("fazt_slots", "Slots for JavaScript that there are.", nil, nil)
	metricRunning     = prometheus.NewDesc("fazt_runs", "Runs that hold a slot (short, long), wait to be admitted (queued), or wait for a slot again (resuming).", []string{"state"}, nil)
	metricRefused     = prometheus.NewDesc("fazt_refused_total", "What was refused before any work was done, by reason.", []string{"reason"}, nil)
	metricConns       = prometheus.NewDesc("fazt_connections", "Open connections.", nil, nil)
	metricAddrs       = prometheus.NewDesc("fazt_rate_limited_addresses", "Client addresses that the rate limiter remembers.", nil, nil)
	metricClosed      = prometheus.NewDesc("fazt_idle_connections_closed_total", "Idle connections closed for others of their address.", nil, nil)
	metricNotLogged   = prometheus.NewDesc("fazt_access_log_dropped_total", "Lines of the access log that came faster than they could be written.", nil, nil)
	metricPool        = prometheus.NewDesc("fazt_pool_bytes", "Bytes of requests' bodies and of handlers' answers in memory.", []string{"pool"}, nil)
	metricCached      = prometheus.NewDesc("fazt_cache_bytes", "Bytes of static files in memory.", nil, nil)
	metricLoaded      = prometheus.NewDesc("fazt_loaded_apps", "Apps that are ready to answer.", nil, nil)
	metricLoadedBytes = prometheus.NewDesc("fazt_loaded_bytes", "Bytes that they take, estimated.", nil, nil)

	metricWriteQueue = prometheus.NewDesc("fazt_storage_queue_depth", "Writes that wait for the store's writer.", nil, nil)
	metricWriteDelay = prometheus.NewDesc("fazt_storage_delay_seconds", "Time that a write that comes now is expected to take.", nil, nil)
	metricBatches    = prometheus.NewDesc("fazt_storage_batches_total", "Transactions that were committed.", nil, nil)
	metricWrites     = prometheus.NewDesc("fazt_storage_writes_total", "Writes that they held.", nil, nil)
	metricBatchSize  = prometheus.NewDesc("fazt_storage_batch_size", "Writes that shared a commit lately.", []string{"quantile"}, nil)
	metricCommitTime = prometheus.NewDesc("fazt_storage_commit_seconds", "Time that a commit took lately.", []string{"quantile"}, nil)
)

var (
	metricData           = prometheus.NewDesc("fazt_storage_bytes", "Length of the data file (data) and of its write-ahead log (log).", []string{"file"}, nil)
	metricFree           = prometheus.NewDesc("fazt_storage_free_bytes", "Room that the disk of the data file has left.", nil, nil)
	metricBackup         = prometheus.NewDesc("fazt_backup_last_timestamp_seconds", "When the newest good backup was begun that the server made by itself.", nil, nil)
	metricBackupSize     = prometheus.NewDesc("fazt_backup_bytes", "Length of that backup.", nil, nil)
	metricCertificate    = prometheus.NewDesc("fazt_certificate_end_timestamp_seconds", "When the certificate ends that a host has from an authority.", []string{"host"}, nil)
	metricBackupFailures = prometheus.NewDesc("fazt_backup_failures", "Attempts at a backup that have failed since.", nil, nil)
)

// Describe says nothing, which makes the collector unchecked: which apps there
// are changes.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads the counters.
func (c collector) Collect(out chan<- prometheus.Metric) {
	s := c.server
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	c.collectKinds(out)
	c.collectApps(counter)
	for _, p := range budget.Phases() {
		counter(metricPhase, float64(s.stats.phases[p].Load())/1e9, p.String())
	}
	counter(metricOps, float64(s.stats.operations.Load()))
	gauge(metricInFlight, float64(s.stats.inFlight.Load()))
	a := s.slots.Stats()
	gauge(metricSlots, float64(a.Slots))
	gauge(metricRunning, float64(a.Short), "short")
	gauge(metricRunning, float64(a.Long), "long")
	gauge(metricRunning, float64(a.Queued), "queued")
	gauge(metricRunning, float64(a.Resuming), "resuming")
	door := s.door.Stats()
	counter(metricRefused, float64(a.Refused.QueueFull), "queue_full")
	counter(metricRefused, float64(a.Refused.Wait), "wait")
	counter(metricRefused, float64(a.Refused.Doomed), "doomed")
	counter(metricRefused, float64(door.RateLimited), "rate")
	counter(metricRefused, float64(door.ConnsRefused), "connections")
	gauge(metricConns, float64(door.Conns))
	gauge(metricAddrs, float64(door.Addresses))
	counter(metricClosed, float64(door.ConnsClosed))
	counter(metricNotLogged, float64(door.NotLogged))
	for _, pool := range []struct {
		name  string
		stats budget.PoolStats
	}{{"bodies", s.bodies.Stats()}, {"answers", s.answers.Stats()}} {
		counter(metricRefused, float64(pool.stats.Refused), pool.name)
		gauge(metricPool, float64(pool.stats.Used), pool.name)
	}
	_, cached := s.content.usage()
	gauge(metricCached, float64(cached))
	loaded, bytes := s.apps.usage()
	gauge(metricLoaded, float64(loaded))
	gauge(metricLoadedBytes, float64(bytes))
	c.collectStorage(gauge, counter)
}

func (c collector) collectStorage(gauge, counter func(*prometheus.Desc, float64, ...string)) {
	store := c.server.store.Stats()
	gauge(metricWriteQueue, float64(store.Depth))
	gauge(metricWriteDelay, store.Delay.Seconds())
	counter(metricBatches, float64(store.Batches))
	counter(metricWrites, float64(store.Commits))
	for _, q := range storageQuantiles(store) {
		gauge(metricBatchSize, float64(q.size), q.label)
		gauge(metricCommitTime, q.commit.Seconds(), q.label)
	}
	gauge(metricData, float64(store.DataBytes), "data")
	gauge(metricData, float64(store.LogBytes), "log")
	if store.Free {
		gauge(metricFree, float64(store.FreeBytes))
	}
	c.collectBackups(gauge)
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	ends, err := c.server.certificateEnds(ctx)
	if err != nil {
		c.server.log.Warn("the certificates can't be read for the metrics", "err", err)
	}
	for _, e := range ends {
		gauge(metricCertificate, float64(e.end.Unix()), e.host)
	}
}

// collectBackups tells of the backups that the server makes by itself.
func (c collector) collectBackups(gauge func(*prometheus.Desc, float64, ...string)) {
	if c.server.backups == nil {
		return
	}
	b := c.server.backups.Status()
	if !b.Last.IsZero() {
		gauge(metricBackup, float64(b.Last.Unix()))
		gauge(metricBackupSize, float64(b.Size))
	}
	gauge(metricBackupFailures, float64(b.Failures))
}

func (c collector) collectKinds(out chan<- prometheus.Metric) {
	for k := range c.server.stats.kinds {
		kind := &c.server.stats.kinds[k]
		for class := range kind.status {
			if n := kind.status[class].Load(); n > 0 {
				out <- prometheus.MustNewConstMetric(metricAnswers, prometheus.CounterValue, float64(n), kindNames[k], statusClass(class))
			}
		}
		buckets, count := make(map[float64]uint64, len(latencyBounds)), uint64(0)
		for i := range kind.latency {
			count += kind.latency[i].Load()
			if i < len(latencyBounds) {
				buckets[latencyBounds[i]] = count
			}
		}
		out <- prometheus.MustNewConstHistogram(metricLatency, count, float64(kind.nanos.Load())/1e9, buckets, kindNames[k])
	}
}

func (c collector) collectApps(counter func(*prometheus.Desc, float64, ...string)) {
	type series struct {
		app, kind, status string
	}
	totals := make(map[series]uint64)
	add := func(name string, c *appCounters) {
		for k := range c.status {
			for class, n := range c.counts(kind(k)) {
				totals[series{name, kindNames[k], class}] += n
			}
		}
	}
	named, others := c.server.stats.busiest()
	for _, a := range named {
		add(a.name, a)
	}
	for _, a := range others {
		add("_other", a) // not a name that an app can have
	}
	for s, n := range totals {
		counter(metricRequests, float64(n), s.app, s.kind, s.status)
	}
	c.collectCharges(counter, named)
}

// collectCharges tells what single apps have taken.
func (c collector) collectCharges(counter func(*prometheus.Desc, float64, ...string), apps []*appCounters) {
	charging := c.server.newCharging()
	for _, a := range apps {
		charges := charging.charges(a)
		counter(metricProcessor, charges.ProcessorMS/1e3, a.name)
		counter(metricWriter, charges.WriterMS/1e3, a.name)
		counter(metricBytes, float64(charges.ReadBytes), a.name, "read")
		counter(metricBytes, float64(charges.WrittenBytes), a.name, "written")
		counter(metricBytes, float64(charges.LogBytes), a.name, "logged")
	}
}
