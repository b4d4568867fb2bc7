package api

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
)

// HandlerOptions are what a handler of the management API works with. All but
// WriteError, Logger and Stream are required.
type HandlerOptions struct {
	Service Service
	// Authorize says who sends a request, if they may use a route of the scope.
	// The error is an [*Error], or anything that Explain knows.
	Authorize func(r *http.Request, scope string) (Actor, error)
	// SignIn gives the browser of a request a session by a password, and SignOut
	// ends it. Where the request was sent from has been checked before.
	SignIn  func(w http.ResponseWriter, r *http.Request, name, password string) (*User, error)
	SignOut func(w http.ResponseWriter, r *http.Request) error
	// Explain turns an error of the Service into what a client sees of it.
	Explain func(error) *Error
	// Failed is told of errors whose status is 500, with the request's id, before
	// they are answered.
	Failed func(r *http.Request, id string, err error)
	// NotFound answers a path that no route has.
	NotFound http.HandlerFunc
	// WriteError answers an error that Explain has made. Default: [WriteError].
	WriteError func(http.ResponseWriter, *http.Request, *Error)
	// Metrics answers GET /metrics.
	Metrics http.Handler
	// MaxDeploy is the largest archive, in bytes, that is taken.
	MaxDeploy int64
	// TempDir is where backups are made before they are sent, with room for one of
	// everything. Default: [os.TempDir].
	TempDir string
	// Stream returns the context of an answer that does not end by itself; it is
	// to end when the server shuts down. Default: the request's own.
	Stream func(context.Context) (context.Context, context.CancelFunc)
	// Logger gets who changed what. Default: none.
	Logger *slog.Logger
}

// NewHandler answers the [Routes] from a service. It is for a host, or a path, of
// its own: every other path is NotFound's.
func NewHandler(opt HandlerOptions) http.Handler {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Stream == nil {
		opt.Stream = context.WithCancel
	}
	if opt.WriteError == nil {
		opt.WriteError = func(w http.ResponseWriter, _ *http.Request, e *Error) { WriteError(w, e) }
	}
	h := &handler{HandlerOptions: opt, followers: make(chan struct{}, MaxFollowers), backups: make(chan struct{}, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("/", opt.NotFound)
	mux.HandleFunc("/api/", h.noRoute)
	byPattern := make(map[string][]Route)
	for _, r := range Routes() {
		byPattern[r.Pattern] = append(byPattern[r.Pattern], r)
	}
	for pattern, routes := range byPattern {
		mux.HandleFunc(pattern, h.dispatch(routes))
	}
	return mux
}

// Codes of errors that a client can tell a server's age by: it has not the route, or
// the route not the method.
const (
	CodeNoRoute  = "NO_ROUTE"
	CodeNoMethod = "METHOD_NOT_ALLOWED"
)

type handler struct {
	HandlerOptions
	followers chan struct{} // one element for each
	backups   chan struct{} // the same, of those that are being made or sent
}

// noRoute answers what no route has with a code of its own: a client of a newer
// version can tell it from an app that is not there.
func (h *handler) noRoute(w http.ResponseWriter, r *http.Request) {
	h.WriteError(w, r, &Error{Status: http.StatusNotFound, Code: CodeNoRoute, Message: "there is no such route; the server may be older than what asks"})
}

// dispatch answers a path by the route of the request's method.
func (h *handler) dispatch(routes []Route) http.HandlerFunc {
	var allow []string
	for _, r := range routes {
		allow = append(allow, r.Method)
		if r.Method == http.MethodGet {
			allow = append(allow, http.MethodHead)
		}
	}
	slices.Sort(allow)
	return func(w http.ResponseWriter, r *http.Request) {
		for _, route := range routes {
			if r.Method == route.Method || route.Method == http.MethodGet && r.Method == http.MethodHead {
				h.serve(w, r, route)
				return
			}
		}
		w.Header().Set("Allow", strings.Join(allow, ", "))
		h.WriteError(w, r, &Error{Status: http.StatusMethodNotAllowed, Code: CodeNoMethod, Message: "use " + strings.Join(allow, ", ")})
	}
}

// serve runs one operation for a caller who may use it.
func (h *handler) serve(w http.ResponseWriter, r *http.Request, route Route) {
	if route.Scope != ScopeOpen {
		actor, err := h.Authorize(r, route.Scope)
		if err != nil {
			h.fail(w, r, err)
			return
		}
		r = r.WithContext(WithActor(r.Context(), actor))
		if err := checkQuery(r, route); err != nil {
			h.fail(w, r, err)
			return
		}
	}
	if err := route.serve(h, w, r); err != nil {
		h.fail(w, r, err)
	}
}

// fail answers an error. A client that has gone gets none.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := h.Explain(err)
	if e.Status == http.StatusInternalServerError {
		h.Failed(r, w.Header().Get(RequestIDHeader), err)
	}
	if r.Context().Err() == nil {
		h.WriteError(w, r, e)
	}
}

type answer struct {
	Data any `json:"data"`
	Meta any `json:"meta,omitempty"`
}

// writeData answers with what a method of the Service returned.
func writeData[T any](w http.ResponseWriter, data T, err error) error {
	if err == nil {
		WriteJSON(w, http.StatusOK, answer{Data: data})
	}
	return err
}

func (h *handler) limits(w http.ResponseWriter, r *http.Request) error {
	data, err := h.Service.Limits(r.Context())
	return writeData(w, data, err)
}

func (h *handler) stats(w http.ResponseWriter, r *http.Request) error {
	data, err := h.Service.Stats(r.Context())
	return writeData(w, data, err)
}

func (h *handler) metrics(w http.ResponseWriter, r *http.Request) error {
	h.Metrics.ServeHTTP(w, r)
	return nil
}
