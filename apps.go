package fazt

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// loadTimeout bounds the reading of an app, which several requests may wait
	// for, so that none of them ends it.
	loadTimeout = 10 * time.Second
	// storeRetry is how long a load that the store failed is not tried again.
	storeRetry = 10 * time.Second
	// maxAbsent bounds the names that are remembered to have no app.
	maxAbsent = 4096
)

// loadedApps are the apps that are ready to answer: those that were asked for
// lately, within a bound. The others wait in the store, so a server starts in
// the same time with ten apps and with ten thousand.
//
// A change to the catalogue, by whichever process, counts its revision up. An app
// that was loaded at an earlier one is looked up again by its next request, which
// costs one point read, and loaded again only if it has changed itself.
type loadedApps struct {
	most      int   // apps
	mostBytes int64 // that they take, estimated

	uses   atomic.Int64 // counts the requests: the clock of loadedApp.used
	flight singleflight.Group

	mu     sync.RWMutex
	byName map[string]*loadedApp
	bytes  int64
	absent map[string]int64 // names without an app, and at which revision
}

type loadedApp struct {
	app     *app
	checked atomic.Int64 // the revision at which it was current
	used    atomic.Int64
	retry   atomic.Int64 // Unix nanoseconds until which it isn't looked up again; 0: the revision says
}

func newLoadedApps(most int, mostBytes int64) *loadedApps {
	return &loadedApps{most: most, mostBytes: mostBytes, byName: make(map[string]*loadedApp), absent: make(map[string]int64)}
}

// get returns an app that is current at a revision; ok is false if it has to be
// looked up. No app of a name that is known to have none is nil, true.
func (l *loadedApps) get(name string, revision int64) (a *app, ok bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if e := l.byName[name]; e != nil {
		e.used.Store(l.uses.Add(1))
		if retry := e.retry.Load(); retry != 0 {
			return e.app, time.Now().UnixNano() < retry
		}
		return e.app, e.checked.Load() == revision
	}
	since, absent := l.absent[name]
	return nil, absent && since == revision
}

// put keeps an app in place of what its name stood for, and drops the apps that
// were used least recently when there is no room.
func (l *loadedApps) put(name string, e *loadedApp) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(name)
	delete(l.absent, name)
	e.used.Store(l.uses.Add(1))
	l.byName[name] = e
	l.bytes += e.app.size
	for len(l.byName) > 1 && (len(l.byName) > l.most || l.bytes > l.mostBytes) {
		oldest, least := "", int64(0)
		for name, other := range l.byName {
			if used := other.used.Load(); oldest == "" || used < least {
				oldest, least = name, used
			}
		}
		l.drop(oldest)
	}
}

// remove notes that a name has no app at a revision.
func (l *loadedApps) remove(name string, revision int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(name)
	if len(l.absent) >= maxAbsent {
		clear(l.absent)
	}
	l.absent[name] = revision
}

// drop lets an app go; requests that are under way keep it. l.mu is held.
func (l *loadedApps) drop(name string) {
	if e := l.byName[name]; e != nil {
		delete(l.byName, name)
		l.bytes -= e.app.size
		e.app.close()
	}
}

func (l *loadedApps) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name := range l.byName {
		l.drop(name)
	}
}

// usage is how much is loaded.
func (l *loadedApps) usage() (apps int, bytes int64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.byName), l.bytes
}

// each calls f for each loaded app.
func (l *loadedApps) each(f func(*app)) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, e := range l.byName {
		f(e.app)
	}
}

// app returns the app of that name, or nil. The error is the store's, or that of
// ctx, and is for this request alone.
func (s *Server) app(ctx context.Context, name string) (*app, error) {
	if a, ok := s.apps.get(name, s.revision.Load()); ok {
		return a, nil
	}
	loaded := s.apps.flight.DoChan(name, func() (any, error) {
		ctx, cancel := context.WithTimeout(s.open, loadTimeout)
		defer cancel()
		return s.lookUp(ctx, name)
	})
	select {
	case result := <-loaded:
		a, _ := result.Val.(*app)
		return a, result.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// lookUp brings an app up to date with the store.
func (s *Server) lookUp(ctx context.Context, name string) (*app, error) {
	for {
		revision := s.revision.Load() // before the store is asked: what changes meanwhile is asked for again
		s.apps.mu.RLock()
		have := s.apps.byName[name]
		s.apps.mu.RUnlock()
		info, err := s.store.App(ctx, name)
		switch {
		case storage.CodeOf(err) == storage.CodeNotFound:
			s.apps.remove(name, revision)
			s.stats.forget(name)
			return nil, nil
		case err != nil && have != nil:
			return s.keepApp(name, have, err), nil
		case err != nil:
			return nil, err
		}
		if have != nil && have.app.is(info) && have.app.broken == nil {
			if err := s.loadEnv(ctx, have.app); err != nil {
				return s.keepApp(name, have, err), nil
			}
		}
		if have != nil && have.app.is(info) && (have.app.broken == nil || have.retry.Load() == 0) {
			have.checked.Store(revision)
			have.retry.Store(0)
			return have.app, nil
		}
		a, err := s.loadApp(ctx, info, have)
		switch {
		case errors.Is(err, errSuperseded):
			continue
		case err != nil && storeFailed(err) && have != nil:
			return s.keepApp(name, have, err), nil
		}
		e := &loadedApp{app: a}
		e.checked.Store(revision)
		if err != nil {
			// One app's damaged content is its own trouble, not its neighbours'.
			s.log.Error("the app cannot be loaded; deploy it again", "app", name, "error", err)
			a.broken = err
			if storeFailed(err) {
				e.retry.Store(time.Now().Add(storeRetry).UnixNano())
			}
		}
		s.apps.put(name, e)
		return a, nil
	}
}

// keepApp goes on with an app that the store could not be asked about, for a
// while.
func (s *Server) keepApp(name string, e *loadedApp, err error) *app {
	s.log.Error("the store could not be asked for an app; the version served so far stays", "app", name, "error", err)
	e.retry.Store(time.Now().Add(storeRetry).UnixNano())
	return e.app
}

// storeFailed reports whether an error is the store's trouble rather than the
// app's: trying again may help.
func storeFailed(err error) bool {
	switch storage.CodeOf(err) {
	case storage.CodeUnavailable, storage.CodeOverloaded, storage.CodeClosed:
		return true
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// stored finds an app in the store by its name, or else by its id.
func (s *Server) stored(ctx context.Context, op, nameOrID string) (storage.App, error) {
	a, err := s.store.App(ctx, strings.ToLower(nameOrID))
	if storage.CodeOf(err) == storage.CodeNotFound {
		a, err = s.store.AppByID(ctx, nameOrID)
	}
	if storage.CodeOf(err) == storage.CodeNotFound {
		err = &storage.Error{Code: storage.CodeNotFound, Op: op, Msg: fmt.Sprintf("there is no app named %q", nameOrID), Hint: "list the apps to see their names"}
	}
	return a, err
}

// refresh takes notice of what has changed in the store.
func (s *Server) refresh(ctx context.Context) error {
	revision, err := s.store.Revision(ctx)
	if err != nil {
		return err
	}
	for {
		known := s.revision.Load()
		if revision <= known || s.revision.CompareAndSwap(known, revision) {
			return nil
		}
	}
}

// watch takes notice of what other processes change.
func (s *Server) watch(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.store.Changed(s.revision.Load()):
		}
		if err := s.refresh(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("changes could not be read; the apps served so far stay", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second): // a failing disk is not made better by asking often
			}
		}
	}
}
