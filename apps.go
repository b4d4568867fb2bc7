package fazt

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	// storeRetry is how long a load that the store failed is not tried again. Whatever
	// was the matter, service resumes within this and a load's own time.
	storeRetry = time.Second
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
	byKey  map[appKey]*loadedApp
	bytes  int64
	absent map[appKey]int64 // those that there are none of, and at which revision
}

// appKey is a version of an app; version 0 is the current one, whichever that is.
type appKey struct {
	name    string
	version int
}

func (k appKey) String() string { return fmt.Sprintf("%s@%d", k.name, k.version) }

type loadedApp struct {
	app     *app
	checked atomic.Int64 // the revision at which it was current
	used    atomic.Int64
	retry   atomic.Int64 // Unix nanoseconds until which it isn't looked up again; 0: the revision says
}

func newLoadedApps(most int, mostBytes int64) *loadedApps {
	return &loadedApps{most: most, mostBytes: mostBytes, byKey: make(map[appKey]*loadedApp), absent: make(map[appKey]int64)}
}

// get returns an app that is current at a revision; ok is false if it has to be
// looked up. What is known not to be there is nil, true.
func (l *loadedApps) get(key appKey, revision int64) (a *app, ok bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if e := l.byKey[key]; e != nil {
		e.used.Store(l.uses.Add(1))
		if retry := e.retry.Load(); retry != 0 {
			return e.app, time.Now().UnixNano() < retry
		}
		return e.app, e.checked.Load() == revision
	}
	since, absent := l.absent[key]
	return nil, absent && since == revision
}

// put keeps an app in place of what its key stood for, and drops the apps that
// were used least recently when there is no room.
func (l *loadedApps) put(key appKey, e *loadedApp) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(key)
	delete(l.absent, key)
	e.used.Store(l.uses.Add(1))
	l.byKey[key] = e
	l.bytes += e.app.size
	for len(l.byKey) > 1 && (len(l.byKey) > l.most || l.bytes > l.mostBytes) {
		var oldest appKey
		least := int64(0)
		for key, other := range l.byKey {
			if used := other.used.Load(); least == 0 || used < least {
				oldest, least = key, used
			}
		}
		l.drop(oldest)
	}
}

// remove notes that there is no such app at a revision.
func (l *loadedApps) remove(key appKey, revision int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(key)
	if len(l.absent) >= maxAbsent {
		clear(l.absent)
	}
	l.absent[key] = revision
}

// drop lets an app go; requests that are under way keep it. l.mu is held.
func (l *loadedApps) drop(key appKey) {
	if e := l.byKey[key]; e != nil {
		delete(l.byKey, key)
		l.bytes -= e.app.size
		e.app.close()
	}
}

func (l *loadedApps) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key := range l.byKey {
		l.drop(key)
	}
}

// usage is how much is loaded.
func (l *loadedApps) usage() (apps int, bytes int64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.byKey), l.bytes
}

// each calls f for each loaded app.
func (l *loadedApps) each(f func(*app)) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, e := range l.byKey {
		f(e.app)
	}
}

// statsOf are the statistics that the versions of an app share, those of one that is
// loaded.
func (l *loadedApps) statsOf(id string) *appStats {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, e := range l.byKey {
		if e.app.info.ID == id {
			return e.app.stats
		}
	}
	return nil
}

// app returns the app of that name as it is now, or nil. The error is the store's, or
// that of ctx, and is for this request alone.
func (s *Server) app(ctx context.Context, name string) (*app, error) {
	return s.appVersion(ctx, appKey{name: name})
}

// appVersion is app for any version that is kept.
func (s *Server) appVersion(ctx context.Context, key appKey) (*app, error) {
	if a, ok := s.apps.get(key, s.revision.Load()); ok {
		return a, nil
	}
	loaded := s.apps.flight.DoChan(key.String(), func() (any, error) {
		ctx, cancel := context.WithTimeout(s.open, loadTimeout)
		defer cancel()
		a, err := s.lookUp(ctx, key)
		return a, outOfReach("app", err)
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
func (s *Server) lookUp(ctx context.Context, key appKey) (*app, error) {
	for {
		revision := s.revision.Load() // before the store is asked: what changes meanwhile is asked for again
		s.apps.mu.RLock()
		have := s.apps.byKey[key]
		s.apps.mu.RUnlock()
		info, err := s.find(ctx, key)
		switch {
		case storage.CodeOf(err) == storage.CodeNotFound:
			s.apps.remove(key, revision)
			return nil, nil
		case err != nil && have != nil:
			return s.keepApp(have, err), nil
		case err != nil:
			return nil, err
		}
		if have != nil && have.app.is(info) && have.app.broken == nil {
			if err := s.loadEnv(ctx, have.app); err != nil {
				return s.keepApp(have, err), nil
			}
		}
		if have != nil && have.app.is(info) && (have.app.broken == nil || have.retry.Load() == 0) {
			have.checked.Store(revision)
			have.retry.Store(0)
			return have.app, nil
		}
		a, err := s.loadApp(ctx, info)
		switch {
		case errors.Is(err, errSuperseded):
			continue
		case err != nil && storeFailed(err) && have != nil:
			return s.keepApp(have, err), nil
		}
		e := &loadedApp{app: a}
		e.checked.Store(revision)
		if err != nil {
			// One app's damaged content is its own trouble, not its neighbours'.
			s.log.Error("the app cannot be loaded; deploy it again", "app", key.name, "version", info.Current.Version, "error", err)
			a.broken = err
			if storeFailed(err) {
				e.retry.Store(time.Now().Add(storeRetry).UnixNano())
			}
		}
		s.apps.put(key, e)
		return a, nil
	}
}

// find finds an app in the store, as of the version of the key.
func (s *Server) find(ctx context.Context, key appKey) (storage.App, error) {
	info, err := s.store.App(ctx, key.name)
	if storage.CodeOf(err) == storage.CodeNotFound {
		s.stats.forget(key.name)
	}
	if err != nil || key.version == 0 || key.version == info.Current.Version {
		return info, err
	}
	versions, err := s.store.Deployments(ctx, info.ID)
	if err != nil {
		return info, err
	}
	i := slices.IndexFunc(versions, func(d storage.Deployment) bool { return d.Version == key.version })
	if i < 0 {
		return info, &storage.Error{Code: storage.CodeNotFound, Op: "app", Path: key.name, Msg: fmt.Sprintf("version %d is not kept", key.version)}
	}
	info.Current = versions[i]
	return info, nil
}

// keepApp goes on with an app that the store could not be asked about, for a
// while.
func (s *Server) keepApp(e *loadedApp, err error) *app {
	s.log.Error("the store could not be asked for an app; the version served so far stays", "app", e.app.info.Name, "error", err)
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

// outOfReach says that the store is at fault where a load's time was over, which is no
// request's own.
func outOfReach(op string, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &storage.Error{Code: storage.CodeUnavailable, Op: op, Msg: fmt.Sprintf("the store has not answered for %v", loadTimeout), Hint: "try again"}
	}
	return err
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
