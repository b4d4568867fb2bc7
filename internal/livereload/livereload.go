// Package livereload keeps the pages of apps that are being worked on up to date: a
// script that is added to each loads it anew after a deploy, and shows what went wrong
// in a dialog until it is mended.
package livereload

import (
	"sync"
	"time"
)

// Problem is what a page shows.
type Problem struct {
	ID int64 `json:"id"` // made here
	// Deploy says that the app could not be deployed, Title which request failed.
	Deploy  bool     `json:"deploy,omitempty"`
	Title   string   `json:"title"`
	Message string   `json:"message"`
	Excerpt string   `json:"excerpt,omitempty"` // the source line, with a caret below its column
	Stack   string   `json:"stack,omitempty"`
	Console []string `json:"console,omitempty"`
	// Page is the address whose page is the answer that has failed, and shows so itself.
	Page string `json:"page,omitempty"`
}

// Problems are those of all apps. The zero value is ready to use.
type Problems struct {
	mu      sync.Mutex
	last    int64
	apps    map[string]*appProblems // by name
	changed chan struct{}           // closed at the next change; nil while nobody waits
}

type appProblems struct {
	deploy  *Problem
	run     *Problem
	request string // whose run it was
}

// DeployFailed notes why an app could not be deployed.
func (p *Problems) DeployFailed(app string, problem Problem) {
	p.change(app, func(a *appProblems) {
		problem.ID, problem.Deploy = p.next(), true
		a.deploy = &problem
	})
}

// Deployed notes that an app was deployed: what was wrong is of a version before.
func (p *Problems) Deployed(app string) {
	p.change(app, func(a *appProblems) { *a = appProblems{} })
}

// RunFailed notes why a request, such as "GET /api/items", was not answered.
func (p *Problems) RunFailed(app, request string, problem Problem) {
	p.change(app, func(a *appProblems) {
		problem.ID = p.next()
		a.run, a.request = &problem, request
	})
}

// RunEnded notes that a request was answered, so that nothing is wrong with it now.
func (p *Problems) RunEnded(app, request string) {
	p.mu.Lock()
	mended := p.apps[app] != nil && p.apps[app].run != nil && p.apps[app].request == request
	p.mu.Unlock()
	if mended {
		p.Visited(app)
	}
}

// Visited notes that a page is loaded: what failed for the one before it is no longer of
// interest.
func (p *Problems) Visited(app string) {
	p.change(app, func(a *appProblems) { a.run, a.request = nil, "" })
}

// Deploy is why an app could not be deployed, or nil.
func (p *Problems) Deploy(app string) *Problem {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.apps[app]; a != nil {
		return a.deploy
	}
	return nil
}

// next is an id that no problem has had, before the server was started again neither:
// pages remember which they have closed.
func (p *Problems) next() int64 {
	p.last = max(p.last+1, time.Now().UnixMilli())
	return p.last
}

// change makes a change, and wakes those who wait for one.
func (p *Problems) change(app string, f func(*appProblems)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.apps[app]
	if a == nil {
		a = new(appProblems)
	}
	was := *a
	f(a)
	if *a == was {
		return
	}
	if p.apps == nil {
		p.apps = make(map[string]*appProblems)
	}
	p.apps[app] = a
	if *a == (appProblems{}) {
		delete(p.apps, app)
	}
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// current is what is wrong with an app, or nil, and a channel that is closed when that
// may have changed. That it is not deployed comes first.
func (p *Problems) current(app string) (*Problem, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	switch a := p.apps[app]; {
	case a == nil:
		return nil, p.changed
	case a.deploy != nil:
		return a.deploy, p.changed
	default:
		return a.run, p.changed
	}
}
