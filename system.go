package fazt

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
	"github.com/fazt-sh/fazt/storage/transfer"
)

// Health says that the server is there, and for how long. It is degraded, and no
// failure, while the data can't be reached: a load balancer that took the server away
// for that would take its cached files away, too, and those of all others.
func (s *Server) Health(context.Context) (*api.Health, error) {
	h := &api.Health{Status: api.HealthOK, Version: Version, Uptime: s.uptime()}
	if s.store.State().Unreachable {
		h.Status = api.HealthDegraded
	}
	return h, nil
}

const (
	// probeTime is how long the store may take over a read and a write that do nothing.
	probeTime = 3 * time.Second
	// lowSpace is how much room on its disk the data should have, in bytes.
	lowSpace = 256 << 20
)

// Checkup tries what the server depends on: it reads from the store, and writes to it,
// within 3 s. What is wrong is among the reasons, and no error.
func (s *Server) Checkup(ctx context.Context) (*api.Checkup, error) {
	now := time.Now()
	c := &api.Checkup{Health: api.Health{Status: api.HealthOK, Version: Version, Uptime: s.uptime()}, Reasons: []string{}}
	worse := func(status, reason string) {
		if c.Status != api.HealthFailing {
			c.Status = status
		}
		c.Reasons = append(c.Reasons, reason)
	}
	probe, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	read, write, err := s.store.Probe(probe)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		worse(api.HealthFailing, "the data can't be read and written: "+publicError(err).Message)
	}
	stats := s.store.Stats()
	c.Storage = api.StorageHealth{ReadMS: milliseconds(read), WriteMS: milliseconds(write), QueueDepth: stats.Depth,
		DataBytes: stats.DataBytes, LogBytes: stats.LogBytes, FreeBytes: stats.FreeBytes}
	state := s.store.State()
	c.Storage.Durable, c.Storage.Replicated, c.Storage.Settings = state.Durable, state.Replicated, state.Settings
	if !state.Durable {
		worse(api.HealthDegraded, "acknowledged writes may be lost when the database's machine fails: "+state.Settings)
	}
	if stats.Free && stats.FreeBytes < lowSpace {
		worse(api.HealthDegraded, fmt.Sprintf("the disk of the data has %d MB left", stats.FreeBytes>>20))
	}
	ends, err := s.certificateEnds(probe)
	if err != nil && c.Status != api.HealthFailing {
		worse(api.HealthFailing, "the certificates can't be read: "+publicError(err).Message)
	}
	for _, e := range ends {
		if now.After(e.late) {
			worse(api.HealthDegraded, fmt.Sprintf("the certificate of %s ends on %s, and was not renewed", e.host, e.end.UTC().Format(time.RFC3339)))
		}
	}
	if s.backups == nil {
		return c, nil
	}
	b := s.backups.Status()
	c.Backup = &api.BackupHealth{Every: int64(b.Every.Seconds()), Size: b.Size, Failures: b.Failures}
	if !b.Last.IsZero() {
		last := b.Last.UTC().Truncate(time.Second)
		c.Backup.Last, c.Backup.Age = &last, int64(now.Sub(b.Last).Seconds())
	}
	switch {
	case b.Err != nil:
		c.Backup.Error = publicError(b.Err).Message
		worse(api.HealthDegraded, "the last backup failed: "+c.Backup.Error)
	case b.Late(now):
		worse(api.HealthDegraded, fmt.Sprintf("the last backup was made %v ago", now.Sub(b.Last).Round(time.Minute)))
	}
	return c, nil
}

// certificateEnd is when a host's certificate ends.
type certificateEnd struct {
	host   string
	end    time.Time
	late   time.Time // from when on it should have been renewed: half of the time is over that there is for that
	stored time.Time
}

// certificateEnds remembers what was read of the certificates in the store.
type certificateEnds struct {
	mu    sync.Mutex
	known map[string]certificateEnd // by the value's name
}

// certificateEnds returns when the certificates in the store end of hosts that this
// server answers; those of others are not renewed. A certificate is read once.
func (s *Server) certificateEnds(ctx context.Context) (ends []certificateEnd, err error) {
	const below, suffix = "certificates", ".crt" // as certmagic names them
	values, err := s.store.CertificateValues(ctx, below)
	if err != nil {
		return nil, err
	}
	s.certificates.mu.Lock()
	defer s.certificates.mu.Unlock()
	known := make(map[string]certificateEnd)
	for _, v := range values {
		if !strings.HasSuffix(v.Name, suffix) {
			continue
		}
		c := s.certificates.known[v.Name]
		if !c.stored.Equal(v.UpdatedAt) {
			value, stored, err := s.store.CertificateValue(ctx, v.Name)
			if err != nil {
				return nil, err
			}
			c = certificateEnd{stored: stored}
			if block, _ := pem.Decode(value); block != nil {
				if parsed, err := x509.ParseCertificate(block.Bytes); err == nil && len(parsed.DNSNames) > 0 {
					c.host, c.end = parsed.DNSNames[0], parsed.NotAfter
					c.late = c.end.Add(-parsed.NotAfter.Sub(parsed.NotBefore) / 6) // a third is left when it begins
				}
			}
		}
		known[v.Name] = c
		if here, err := s.HasHost(ctx, c.host); err != nil {
			return nil, err
		} else if here {
			ends = append(ends, c)
		}
	}
	s.certificates.known = known
	return ends, nil
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
		Cache:  api.CacheStats{Entries: files, Bytes: fileBytes, Limit: s.opt.FileMemory},
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

// Audit returns entries of the log of changes, newest first, and how many there are for
// the query in all. A limit of 0 is 100.
func (s *Server) Audit(ctx context.Context, q api.AuditQuery) ([]api.AuditEntry, int, error) {
	if q.Limit == 0 {
		q.Limit = 100
	}
	asked := storage.AuditQuery{Offset: q.Offset, Limit: q.Limit, Since: q.Since, Action: q.Action, Actor: q.Actor}
	total, err := s.store.CountAudit(ctx, asked)
	if err != nil {
		return nil, 0, err
	}
	stored, err := s.store.Audit(ctx, asked)
	if err != nil {
		return nil, 0, err
	}
	list := make([]api.AuditEntry, len(stored))
	for i, e := range stored {
		list[i] = api.AuditEntry{ID: e.ID, Time: e.Time, Actor: e.Actor, Action: e.Action, Target: e.Target, Details: e.Details}
	}
	return list, total, nil
}

// Backup writes a copy of everything that the server stores, as it is at one
// moment, to a new file that only its owner can read. Requests are served and
// their writes are made as before. The copy is checked, and has its name only
// when it is whole. A file that exists is refused. progress, which may be nil,
// is told how many bytes of how many are done.
//
// Where the context has an actor who is no owner, it is FORBIDDEN: everybody's
// secrets are in it. One that is made for somebody leaves an entry in the audit log.
func (s *Server) Backup(ctx context.Context, file string, progress func(done, total int64)) error {
	if err := s.auth.OwnersOnly(ctx, "backup"); err != nil {
		return err
	}
	if err := s.store.Backup(ctx, file, progress); err != nil {
		return err
	}
	actor := api.ActorFrom(ctx)
	if actor.Kind == api.ActorLocal {
		return nil
	}
	err := s.store.Write(ctx, func(tx storage.SQL) error { return storage.RecordAudit(tx, actor, "backup.make", "", nil) })
	if err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}

// tempDir is where copies are made that are sent away: where there is room for the
// data.
func (s *Server) tempDir() string {
	if s.opt.DataFile == "" {
		return os.TempDir()
	}
	return filepath.Dir(s.opt.DataFile)
}

// BackupFile is [Server.Backup] for a data file without its server, or beside
// one that runs in another process.
func BackupFile(ctx context.Context, dataFile, file string, progress func(done, total int64)) error {
	return sqlite.BackupFile(ctx, dataFile, file, progress)
}

// Restore makes a backup the data file. It refuses what is not a backup, what has
// other tables, triggers or types of values than fazt makes, what is damaged, the
// copy of an open data file without its log, and what a newer fazt has made; it
// refuses to replace a data file unless force is set, and one that a process has open
// or that has a second name by a hard link in any case. A symbolic link is followed.
// After an error or a crash at any moment, the data file is the whole old one or the
// whole new one. progress may be nil.
func Restore(ctx context.Context, backup, dataFile string, force bool, progress func(done, total int64)) error {
	name, steps := auth.Schema()
	return sqlite.Restore(ctx, backup, dataFile, force, progress, sqlite.Module{Name: name, Steps: steps})
}

// RestoreTo puts everything that a backup has into an empty store of another engine, such
// as a database that several servers share, and returns what of each table has arrived.
// It refuses what [Restore] refuses, and a store that has data. What has arrived is
// compared with the backup, row by row; after an error the store is empty, unless it is
// [storage.CodeUncertain]. progress, which may be nil, is told how many rows are done.
func RestoreTo(ctx context.Context, backup string, store interface {
	transfer.Sink
	storage.Database
}, progress func(rows int64)) (counts transfer.Counts, err error) {
	dir, err := os.MkdirTemp("", "fazt-restore-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "data.db")
	if err := Restore(ctx, backup, file, false, nil); err != nil {
		return nil, err
	}
	// Backups of an older fazt are brought up to date first.
	name, steps := auth.Schema()
	if err := sqlite.Upgrade(ctx, file, sqlite.Module{Name: name, Steps: steps}); err != nil {
		return nil, err
	}
	if err := store.Migrate(ctx, name, steps); err != nil {
		return nil, err
	}
	return transfer.Move(ctx, sqlite.File(file), store, progress)
}

// QueryFile runs one read-only SQL statement on a data file and returns at most
// limit rows. The file is opened read-only, so that it cannot be changed, and
// is never made; a server may be running on it. Secrets such as token hashes
// come back as nil.
func QueryFile(ctx context.Context, dataFile, query string, limit int) (*storage.Table, error) {
	return sqlite.QueryFile(ctx, dataFile, query, limit)
}
