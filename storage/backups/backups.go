// Package backups keeps a number of copies of a store, each made a while after the
// one before.
package backups

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// DefaultEvery is how long it is from one copy to the next.
	DefaultEvery = 24 * time.Hour
	// MinEvery is the shortest that it may be.
	MinEvery = time.Minute
	// DefaultKeep is how many copies are kept.
	DefaultKeep = 7

	// stamp is how a copy's time stands in its name, in UTC: names sort by it.
	stamp  = "20060102T150405Z"
	prefix = "fazt-"
	suffix = ".db"
	// jitter is the part of Every by which a copy is late by chance, so that the
	// servers of a machine, or of a disk, don't make theirs all at once.
	jitter = 20
	// firstRetry is how long it is to the next attempt after a failed one; it doubles
	// up to Every, or lastRetry.
	firstRetry, lastRetry = time.Minute, time.Hour
)

// Options says where copies are kept and how many.
type Options struct {
	// Dir is the directory that they are in, made for its owner alone if it is
	// missing. It belongs to one store: the oldest of its files are removed whose
	// names are of the form fazt-20060102T150405Z.db. Default: none, no copies.
	Dir string
	// Every is how long it is from one to the next. It counts from the newest in Dir,
	// also after a restart, and where several processes share store and directory one
	// of them makes it. A copy is up to a twentieth late, by chance. At least
	// [MinEvery]. Default: [DefaultEvery].
	Every time.Duration
	// Keep is how many are kept. There must be room for one more, since the oldest
	// goes when a new one is good. Default: [DefaultKeep].
	Keep int
}

// WithDefaults fills in zero fields, and reports every field that can't be used.
func (opt Options) WithDefaults() (Options, error) {
	if opt.Dir == "" {
		if opt != (Options{}) {
			return opt, errors.New("backups: Every or Keep is set without Dir; say where backups are to be")
		}
		return opt, nil
	}
	var errs []error
	if opt.Every == 0 {
		opt.Every = DefaultEvery
	}
	if opt.Every < MinEvery {
		errs = append(errs, fmt.Errorf("backups: Every is %v; give %v at least", opt.Every, MinEvery))
	}
	if opt.Keep == 0 {
		opt.Keep = DefaultKeep
	}
	if opt.Keep < 0 {
		errs = append(errs, fmt.Errorf("backups: Keep is %d; give 1 at least", opt.Keep))
	}
	return opt, errors.Join(errs...)
}

// Status is how the last copies went.
type Status struct {
	Last     time.Time     // of the newest good copy; zero if there is none
	Size     int64         // its bytes
	Every    time.Duration // as set
	Failures int           // attempts since then
	Err      error         // of the last of them; nil without
}

// Late reports whether the last attempt failed, or the newest good copy is older than
// it should ever be.
func (s Status) Late(now time.Time) bool {
	return s.Failures > 0 || !s.Last.IsZero() && now.Sub(s.Last) > 2*s.Every
}

// Keeper makes copies until it is told to stop.
type Keeper struct {
	opt    Options
	copy   func(ctx context.Context, path string, progress storage.Progress) error
	logger *slog.Logger

	mu     sync.Mutex
	status Status
}

// New returns what keeps copies by opt, whose defaults are filled in. copy is
// [storage.Maintenance].Backup.
func New(opt Options, copy func(ctx context.Context, path string, progress storage.Progress) error, logger *slog.Logger) *Keeper {
	k := &Keeper{opt: opt, copy: copy, logger: logger}
	k.status.Every = opt.Every
	k.look(time.Now())
	return k
}

// Status returns how the last copies went. It waits for nothing.
func (k *Keeper) Status() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.status
}

// Run makes copies until ctx ends. One that is being made then is given up, and
// leaves nothing.
func (k *Keeper) Run(ctx context.Context) {
	retry := firstRetry
	for {
		wait := k.due(time.Now())
		if k.Status().Failures > 0 {
			wait = max(wait, min(retry, k.opt.Every))
			retry = min(2*retry, lastRetry)
		} else {
			retry = firstRetry
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if k.due(time.Now()) > k.opt.Every/jitter { // another process has made one meanwhile
			continue
		}
		if err := k.Make(ctx); err != nil && ctx.Err() == nil {
			k.logger.Error("the backup failed; it is tried again", "dir", k.opt.Dir, "err", err)
		}
	}
}

// due is how long it is until the next copy, chance included.
func (k *Keeper) due(now time.Time) time.Duration {
	last := k.look(now)
	late := rand.N(k.opt.Every/jitter + 1)
	if last.IsZero() {
		return min(late, firstRetry) // a new server has soon one
	}
	return max(0, last.Add(k.opt.Every+late).Sub(now))
}

// Make makes one copy now, and removes the oldest if it is good.
func (k *Keeper) Make(ctx context.Context) error {
	started := time.Now()
	size, err := k.make(ctx, started)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
			k.status.Failures++
			k.status.Err = err
		}
		return err
	}
	k.status = Status{Last: started, Size: size, Every: k.opt.Every}
	k.logger.Info("backup made", "dir", k.opt.Dir, "bytes", size, "took", time.Since(started).Round(time.Millisecond))
	return nil
}

func (k *Keeper) make(ctx context.Context, now time.Time) (size int64, err error) {
	if err := os.MkdirAll(k.opt.Dir, 0o700); err != nil {
		return 0, fmt.Errorf("the directory of backups can't be made: %w", err)
	}
	path := filepath.Join(k.opt.Dir, prefix+now.UTC().Format(stamp)+suffix)
	if err := k.copy(ctx, path, nil); err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	copies, err := k.list()
	if err != nil {
		return 0, err
	}
	for len(copies) > k.opt.Keep && copies[0] != filepath.Base(path) {
		if err := os.Remove(filepath.Join(k.opt.Dir, copies[0])); err != nil && !errors.Is(err, os.ErrNotExist) {
			k.logger.Warn("an old backup can't be removed", "err", err)
		}
		copies = copies[1:]
	}
	return info.Size(), nil
}

// list returns the names of the copies, the oldest first.
func (k *Keeper) list() ([]string, error) {
	entries, err := os.ReadDir(k.opt.Dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if _, ok := timeOf(e.Name()); ok && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// timeOf is when a copy of that name was made, if it is one.
func timeOf(name string) (time.Time, bool) {
	rest, ok := strings.CutPrefix(name, prefix)
	text, ok2 := strings.CutSuffix(rest, suffix)
	at, err := time.Parse(stamp, text)
	return at, ok && ok2 && err == nil
}

// look finds the newest copy: a file has such a name only when it is whole and
// checked. Those of a time to come are a clock's mistake, and nothing is put off for
// them.
func (k *Keeper) look(now time.Time) time.Time {
	names, err := k.list()
	if err != nil {
		return time.Time{} // there is no directory yet, or the attempt will say what it is
	}
	for _, name := range slices.Backward(names) {
		at, _ := timeOf(name)
		if at.After(now) {
			continue
		}
		info, err := os.Stat(filepath.Join(k.opt.Dir, name))
		if err != nil {
			continue
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		if at.After(k.status.Last) {
			k.status.Last, k.status.Size = at, info.Size()
		}
		return at
	}
	return time.Time{}
}
