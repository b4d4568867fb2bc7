package fazt

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

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
