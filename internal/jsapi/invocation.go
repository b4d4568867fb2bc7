package jsapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// App is what the functions know of the app whose handler runs.
type App struct {
	ID         string // the app's random id, to which its data belongs
	Name       string
	Version    int
	Operations *Operations
	Private    Files
	Env        func() *Env // as it is now; nobody may change it
}

// Files are the files of an app under private/, by their path below it.
type Files interface {
	// Names are all of them, sorted.
	Names() []string
	// Size returns a file's size in bytes, and whether there is one.
	Size(name string) (int64, bool)
	// Read returns a file whole.
	Read(ctx context.Context, name string) ([]byte, error)
}

// Visitor is whose request an invocation answers.
type Visitor interface {
	// User is who is signed in, or nil.
	User() (*auth.User, error)
	// Roles are those that the user has in this app alone.
	Roles(ctx context.Context, user *auth.User) ([]string, error)
	// LoginURL is where the visitor can sign in and comes back to back from; ""
	// is the page that the visitor is on, never an address that answers data.
	LoginURL(back string) string
	// Here is the request's own address, for a visitor who navigates.
	Here() string
	LogoutURL() string
	// Navigates reports whether a browser is about to show the answer as a page.
	Navigates() bool
	// URL is where the visitor finds a path of the app's host: the app may be
	// mounted below a prefix.
	URL(path string) string
}

// Invocation is one run of an app's handler, and its context. It is for the
// run's goroutine; a run calls one function at a time.
type Invocation struct {
	*budget.Budget
	App     *App
	Visitor Visitor // nil: there is none

	api *API

	asked bool // user and err are known
	user  *auth.User
	err   error

	rolesAsked bool // roles and rolesErr are known
	roles      []string
	rolesErr   error

	pipeline  storage.Pipeline  // nil before the first write that is queued
	unsettled *budget.Operation // the kind that was queued last; nil when all is on disk

	breach   error // of the budget, that an operation met last
	exceeded error // what the run has read too much for; it is over
}

// Invoke begins an invocation. visitor may be nil.
func (a *API) Invoke(b *budget.Budget, app *App, visitor Visitor) *Invocation {
	return &Invocation{Budget: b, App: app, Visitor: visitor, api: a}
}

type invocationKey struct{}

// From is the invocation that a host function serves.
func From(ctx context.Context) *Invocation {
	inv, _ := ctx.Value(invocationKey{}).(*Invocation)
	return inv
}

// Value makes the invocation found by [From].
func (inv *Invocation) Value(key any) any {
	if key == (invocationKey{}) {
		return inv
	}
	return inv.Budget.Value(key)
}

// signedIn returns the visitor's user, or nil; only handlers that ask pay for it.
func (inv *Invocation) signedIn() (*auth.User, error) {
	if !inv.asked && inv.Visitor != nil {
		start := time.Now()
		inv.user, inv.err = inv.Visitor.User()
		inv.Spend(budget.Auth, time.Since(start))
	}
	inv.asked = true
	return inv.user, inv.err
}

// appRoles returns the roles that the visitor's user has in the app; only handlers
// that ask pay for it.
func (inv *Invocation) appRoles() ([]string, error) {
	if !inv.rolesAsked && inv.user != nil {
		start := time.Now()
		inv.roles, inv.rolesErr = inv.Visitor.Roles(inv, inv.user)
		inv.Spend(budget.Auth, time.Since(start))
	}
	inv.rolesAsked = true
	return inv.roles, inv.rolesErr
}

// Settle waits until all that the invocation has queued is on disk.
func (inv *Invocation) Settle() error {
	kind := inv.unsettled
	if kind == nil {
		return nil
	}
	inv.unsettled = nil
	start := time.Now()
	err := inv.pipeline.Wait()
	kind.Waited(inv, time.Since(start))
	return err
}

// Uncaught is the failure of a run by the error of an operation that came when
// nobody could catch it any more: so what isn't the handler's fault is not put
// down to it.
func (inv *Invocation) Uncaught(err error) *runtime.Error {
	err = inv.failed(err)
	e := &runtime.Error{Code: runtime.CodeHandler, Name: "Error", Message: err.Error(), Err: err}
	if h, ok := errors.AsType[*runtime.HostError](err); ok {
		e.Message, e.ThrownCode = h.Message, h.Code
	}
	return e
}

// Failure is the answer to a run that failed with e. A handler that lets the
// error of an operation through has not failed itself: the answer is then that
// of the breach, as it is when the run is ended for one.
func (inv *Invocation) Failure(e *runtime.Error) *api.Error {
	if inv.breach != nil && e.Code == runtime.CodeHandler {
		if f := inv.api.opt.Explain(inv.breach); f.Code == e.ThrownCode {
			return f
		}
	}
	return inv.api.opt.Explain(e)
}

// refused gives a handler the reason why an operation was not started, or was
// given up. One too many, or too much, ends the run: a handler that caught the
// error would only try the next.
func (inv *Invocation) refused(err error) error {
	if !errors.Is(err, budget.ErrOperations) && !errors.Is(err, budget.ErrRead) {
		return inv.failed(err)
	}
	return stop(inv.api.opt.Explain(err))
}

// failed gives a handler the error of an operation, and remembers it when the
// budget, the server's load or the store is the reason, and not the handler.
func (inv *Invocation) failed(err error) error {
	_, spent := errors.AsType[*budget.Error](err)
	switch storage.CodeOf(err) {
	case storage.CodeUncertain, storage.CodeUnavailable, storage.CodeClosed, storage.CodeOverloaded:
		spent = true
	}
	if spent {
		inv.breach = err
	}
	return inv.api.hostError(err)
}

// hostError gives an error from below to JavaScript, with its code.
func (a *API) hostError(err error) error {
	f := a.opt.Explain(err)
	if f.Code == "INTERNAL" {
		return err // the run's error has it; a visitor never sees it
	}
	return &runtime.HostError{Code: f.Code, Message: f.Message, Err: err}
}

// stop is an error as the answer of a run that ends here. The error itself is there
// as its Stream, for a visitor who wants a page.
func stop(e *api.Error) *runtime.Stop {
	return &runtime.Stop{Response: runtime.Response{
		Status: e.Status,
		Header: http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}},
		Body:   e.MarshalEnvelope(),
		Stream: e,
	}}
}
