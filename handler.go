package fazt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/internal/jsapi"
	"github.com/fazt-sh/fazt/internal/site"
	"github.com/fazt-sh/fazt/runtime"
)

// serveHandler answers a request by the app's JavaScript. p is the cleaned path, params
// are its named parts.
func (s *Server) serveHandler(w *answer, r *http.Request, a *app, p string, params map[string]string) {
	if a.broken != nil {
		s.writeBroken(w, r, a, a.broken)
		return
	}
	if a.files[site.MainPath] == nil {
		s.notFound(w, r)
		return
	}
	r, ok := s.admitOrigin(w, r, a)
	if !ok {
		return
	}
	body := &held{pool: s.bodies, app: a.info.Name, request: r}
	defer body.release()
	req, err := s.readRequest(w, r, a, p, body)
	req.Params = params
	if err != nil {
		if r.Context().Err() != nil {
			return // the visitor has gone
		}
		f := explain(err)
		if f.Code == "OVERLOADED" {
			frontdoor.DelayRefusal(r.Context())
		}
		s.writeError(w, r, f)
		return
	}
	limits := s.opt.Budget
	if t := time.Duration(a.manifest.Timeout); t > 0 {
		limits.RequestTimeout = min(limits.RequestTimeout, t)
	}
	// The budget begins with the whole request at hand: how long an upload takes
	// is its sender's doing, and bounded at the front door.
	b := budget.New(r.Context(), limits)
	defer b.Close()
	w.budget = b
	defer func() { s.stats.spend(a.stats.appCounters, b) }()
	inv := s.jsapi.Invoke(b, a.js, visitor{s.auth, r, a.info.ID, req.ID})
	handler, err := s.handlerOf(inv, a)
	if err != nil {
		s.writeBroken(w, r, a, err)
		return
	}
	result, err := s.invoke(inv, handler, req)
	if f, ok := result.Response.Stream.(*api.Error); ok && err == nil && strings.HasPrefix(f.Code, "BUDGET_") {
		err = breach(f, result.Place) // an operation too many, which has ended the run
	}
	// Nothing below looks at the request's body: a client that takes its answer
	// slowly must not keep memory from others' uploads.
	body.release()
	s.keepLog(inv, a, req.ID, result.Log, err)
	s.warnNear(a, req, b, result, err)
	s.warnQuota(r.Context(), a, req, b)
	if s.opt.Dev {
		w.Header().Set("Server-Timing", b.ServerTiming())
	}
	start := time.Now()
	s.noteRun(r, a, p, result, err)
	if err != nil {
		s.writeRunError(w, r, a, inv, result, err)
	} else {
		s.writeResponse(w, r, a, p, &result.Response)
	}
	b.Spend(budget.Render, time.Since(start))
	if s.log.Enabled(inv, slog.LevelDebug) {
		s.log.Debug("handled", "app", a.info.Name, "request_id", req.ID, "method", r.Method, "path", p, "spent", b)
	}
}

// breach is the error of a run that was ended for what f says, at a place.
func breach(f *api.Error, at *runtime.Error) error {
	e := &runtime.Error{Code: f.Code, Message: f.Message, Err: f}
	if at != nil {
		e.File, e.Line, e.Column, e.SourceLine = at.File, at.Line, at.Column, at.SourceLine
	}
	return e
}

// withPlace is what is said of an error to its author: where, and what.
func withPlace(f *api.Error, e *runtime.Error) string {
	if e.Line < 1 || strings.HasPrefix(f.Message, e.File+":") {
		return f.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, f.Message)
}

// invoke runs a handler, and waits until what it has written is on disk.
func (s *Server) invoke(inv *jsapi.Invocation, handler *runtime.Handler, req *runtime.Request) (*runtime.Result, error) {
	result, err := handler.Run(inv, req)
	if failed := inv.Settle(); failed != nil && err == nil {
		err = inv.Uncaught(failed)
	}
	return result, err
}

// writeBroken answers for an app whose handler can't be loaded, or not yet.
func (s *Server) writeBroken(w http.ResponseWriter, r *http.Request, a *app, err error) {
	s.keepLog(r.Context(), a, w.Header().Get(api.RequestIDHeader), nil, err)
	s.noteRun(r, a, r.URL.Path, nil, err)
	s.writeFailure(w, r, a, err)
}

// gate admits runs and loads by app, and by the visitor's address within one.
type gate struct{ admission *budget.Admission }

func (g gate) Enter(ctx context.Context) (runtime.Pass, error) {
	var caller budget.Caller
	if inv := jsapi.From(ctx); inv != nil {
		caller = budget.Caller{Flow: inv.App.Name, Address: addressOf(ctx)}
	} else {
		caller = loadFor(ctx)
	}
	t, err := g.admission.Enter(ctx, caller)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// addressOf is the address of the visitor whose request an invocation answers.
func addressOf(ctx context.Context) string {
	if inv := jsapi.From(ctx); inv != nil {
		if v, ok := inv.Visitor.(visitor); ok {
			return frontdoor.Subscriber(v.request)
		}
	}
	return ""
}

// writeResponse sends what the handler answered.
func (s *Server) writeResponse(w http.ResponseWriter, r *http.Request, a *app, p string, res *runtime.Response) {
	if f, ok := res.Stream.(*api.Error); ok { // fazt.auth.require... has ended the run
		s.writeError(w, r, f)
		return
	}
	answer := &held{pool: s.answers, app: a.info.Name, request: r}
	if r.Method != http.MethodHead {
		if err := answer.take(int64(len(res.Body))); err != nil {
			s.writeCrowdedOut(w, r, err)
			return
		}
		defer answer.release()
	}
	h := w.Header()
	a.manifest.SetHeaders(h, p)
	switch res.ContentType {
	case "":
	case jsonType[0]:
		h["Content-Type"] = jsonType
	default:
		h["Content-Type"] = []string{res.ContentType}
	}
	for name, values := range res.Header {
		if site.OwnsHeader(name) {
			continue
		}
		switch name {
		case "Set-Cookie":
			values = s.publicCookies(w, r, a, values)
		case "Clear-Site-Data":
			values = slices.DeleteFunc(values, func(v string) bool { return site.ClearsCookies(name, v) })
		}
		if len(values) > 0 {
			h[name] = values
		}
	}
	varyByOrigin(h, a)
	if blob, ok := res.Stream.(*jsapi.Stream); ok && bodyAllowed(res.Status) {
		blobStream{scope: blob.Scope, path: blob.Path}.send(s, w, r, a, res.Status)
		return
	}
	if bodyAllowed(res.Status) {
		if len(res.Body) >= shortBody || r.Method == http.MethodHead {
			h.Set("Content-Length", strconv.Itoa(len(res.Body)))
		}
		if h.Get("Content-Type") == "" && len(res.Body) > 0 {
			h.Set("Content-Type", "application/octet-stream") // never sniffed
		}
	}
	w.WriteHeader(res.Status)
	if r.Method != http.MethodHead && bodyAllowed(res.Status) {
		w.Write(res.Body)
	}
}

// publicCookies are the Set-Cookie lines of a handler that are sent. The app's log
// says of the others why they are not.
func (s *Server) publicCookies(w http.ResponseWriter, r *http.Request, a *app, lines []string) []string {
	kept, refused := auth.PublicCookies(s.auth.SiteOf(r), lines)
	var log []runtime.Line
	for _, why := range refused {
		log = append(log, runtime.Line{Time: time.Now(), Level: "warn", Text: "not sent: " + why.Error()})
	}
	if log != nil {
		s.keepLog(r.Context(), a, w.Header().Get(api.RequestIDHeader), log, nil)
	}
	return kept
}

// shortBody is how long a body must be for its length to be said. That of a
// shorter one, which fits its buffer, net/http finds out by itself, without a
// header to be made, copied and read again.
const shortBody = 2048

// bodyAllowed reports whether HTTP lets a status have a body.
func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusResetContent && status != http.StatusNotModified
}

// writeRunError answers a run that failed. What is inside is shown only with
// Options.Dev; the log always has it.
func (s *Server) writeRunError(w http.ResponseWriter, r *http.Request, a *app, inv *jsapi.Invocation, result *runtime.Result, err error) {
	e, ok := errors.AsType[*runtime.Error](err)
	if !ok {
		s.writeFailure(w, r, a, err)
		return
	}
	shown := *e
	if !s.opt.Dev {
		shown.File, shown.Hint = "", "" // the log has them
	}
	f := *inv.Failure(&shown)
	level := slog.LevelError
	if f.Code == "OVERLOADED" {
		level = slog.LevelDebug // as in writeFailure
		frontdoor.DelayRefusal(r.Context())
	}
	if a.stats.log.take(len(f.Message) + len(e.Stack)) {
		s.log.Log(r.Context(), level, "handler failed", "app", a.info.Name, "request_id", w.Header().Get(api.RequestIDHeader), "method", r.Method, "path", auth.PublicPath(r.URL.Path), "code", f.Code,
			"error", withPlace(&f, e), "spent", inv.Budget, "file", e.File, "line", e.Line, "column", e.Column, "source_line", e.SourceLine, "stack", e.Stack)
	}
	switch {
	case s.opt.Dev:
		inside := map[string]any{
			"name": e.Name, "file": e.File, "line": e.Line, "column": e.Column,
			"source_line": e.SourceLine, "stack": e.Stack, "console": consoleLines(result.Log),
		}
		maps.Copy(inside, f.Details)
		f.Details, f.Message = inside, withPlace(&f, e)
	case f.Code == runtime.CodeHandler, f.Code == runtime.CodeInternal:
		f.Message = "the app's handler failed; its owner's log has more under the request id"
	case e.File != "": // where it was is for its owner
		told := *e
		told.File = ""
		f.Message = inv.Failure(&told).Message
	}
	s.writeError(w, r, &f)
}

func consoleLines(lines []runtime.Line) []string {
	texts := make([]string, len(lines))
	for i, l := range lines {
		texts[i] = l.Level + ": " + l.Text
	}
	return texts
}

// logLines passes on what the handler printed.
func (s *Server) logLines(ctx context.Context, a *app, id string, lines []runtime.Line) {
	if _, quiet := s.log.Handler().(failuresOnly); quiet {
		return // what an app prints is no failure of the server's; its log has it
	}
	for _, l := range lines {
		level := slog.LevelInfo
		switch l.Level {
		case "debug":
			level = slog.LevelDebug
		case "warn":
			level = slog.LevelWarn
		case "error":
			level = slog.LevelError
		}
		if !s.log.Enabled(ctx, level) {
			continue
		}
		record := slog.NewRecord(l.Time, level, l.Text, 0)
		record.AddAttrs(slog.String("app", a.info.Name), slog.String("request_id", id), slog.String("source", "console"))
		// A log that cannot be written has nowhere to say so.
		_ = s.log.Handler().Handle(ctx, record)
	}
}

const (
	// defaultMemory is the default of Options.BodyMemory and Options.AnswerMemory, in
	// bytes: an address that is alone then has 56 MiB.
	defaultMemory = 256 << 20
	// uncounted is up to how many bytes a body or an answer isn't counted: the
	// buffers of its connection take as much.
	uncounted = 16 << 10
)

// held is what one request to an app holds of a pool.
type held struct {
	pool    *budget.Pool
	app     string
	request *http.Request // by whose address it counts

	bytes   int64
	counted int64 // of them
	address string
}

// take counts n bytes more, or says that there is no room for them.
func (h *held) take(n int64) error {
	if h.bytes+n > uncounted {
		if h.address == "" {
			h.address = frontdoor.Subscriber(h.request)
		}
		more := h.bytes + n - h.counted
		if err := h.pool.Take(h.app, h.address, more); err != nil {
			return err
		}
		h.counted += more
	}
	h.bytes += n
	return nil
}

// release gives everything back. To call it again does nothing.
func (h *held) release() {
	h.pool.Release(h.app, h.address, h.counted)
	h.bytes, h.counted = 0, 0
}

// heldBody is the body of a request that is read into memory. It counts what has
// come and not what was announced: to take memory away from others costs a client
// as much to send. But what announces more than there is room for fails to be read
// before its first byte, so that nobody sends what is then thrown away.
type heldBody struct {
	io.ReadCloser
	held      *held
	announced int64 // -1: nothing
	full      error
}

func (b *heldBody) Read(p []byte) (int, error) {
	if b.held.bytes == 0 && b.announced > 0 && b.full == nil {
		b.full = b.held.take(b.announced)
		b.held.release()
	}
	if b.full != nil {
		return 0, b.full
	}
	n, err := b.ReadCloser.Read(p)
	if b.full = b.held.take(int64(n)); b.full != nil {
		b.held.release() // what has come is dropped with the request
		return 0, b.full
	}
	return n, err
}

// writeCrowdedOut answers for a handler whose answer has no room in memory. What
// it has done is done, so only a request that changes nothing is worth sending again.
func (s *Server) writeCrowdedOut(w http.ResponseWriter, r *http.Request, err error) {
	f := *explain(err)
	f.Message = "the handler has run, but other answers that nobody takes leave no room for this one: " + f.Message
	if r.Method != http.MethodGet {
		f.Retryable, f.RetryAfter = false, time.Duration(0)
	}
	frontdoor.DelayRefusal(r.Context())
	s.writeError(w, r, &f)
}
