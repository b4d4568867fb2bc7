package fazt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// call is the context of a run: the request's budget, with what host functions
// need to know of the request that they serve.
type call struct {
	*budget.Budget

	server  *Server
	request *http.Request
	app     *app

	asked bool // user has been looked up; a run calls one host function at a time
	user  *auth.User
	err   error

	pipeline  storage.Pipeline  // nil before the first write that is queued
	unsettled *budget.Operation // the kind that was queued last; nil when all is on disk

	breach error // of the budget, that an operation met last
}

type callKey struct{}

func callFrom(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// Value makes the call found by callFrom.
func (c *call) Value(key any) any {
	if key == (callKey{}) {
		return c
	}
	return c.Budget.Value(key)
}

// signedIn returns the visitor, or nil; only handlers that ask pay for it.
func (c *call) signedIn() (*auth.User, error) {
	if !c.asked {
		c.asked = true
		start := time.Now()
		c.user, c.err = c.server.auth.User(c.request)
		c.Spend(budget.Auth, time.Since(start))
	}
	return c.user, c.err
}

// serveHandler answers a request under /api by the app's JavaScript. p is the
// cleaned path.
func (s *Server) serveHandler(w http.ResponseWriter, r *http.Request, a *app, p string) {
	if a.handler == nil && a.broken == nil {
		notFound(w, r)
		return
	}
	if a.broken != nil {
		s.keepLog(a, w.Header().Get(requestIDHeader), nil, a.broken)
		s.writeFailure(w, r, a, a.broken)
		return
	}
	if err := s.forgery.Check(r); err != nil {
		writeError(w, http.StatusForbidden, "CROSS_ORIGIN", "this request came from a page of another site; send it from the app's own pages")
		return
	}
	body := s.door.bodies.hold(r)
	defer body.release()
	req, fail := s.readRequest(w, r, p)
	if fail != nil {
		if fail.Code == "OVERLOADED" {
			pause(r.Context())
		}
		fail.write(w)
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
	c := &call{Budget: b, server: s, request: r, app: a}
	id := req.ID
	result, err := a.handler.Run(c, req)
	// Nothing below looks at the request's body: a client that takes its answer
	// slowly must not keep memory from others' uploads.
	body.release()
	if failed := c.settle(); failed != nil && err == nil {
		err = c.uncaught(failed)
	}
	s.logLines(c, a, id, result.Log)
	s.keepLog(a, id, result.Log, err)
	if s.opt.Dev {
		w.Header().Set("Server-Timing", b.ServerTiming())
	}
	start := time.Now()
	if err != nil {
		s.writeRunError(w, c, id, result, err)
	} else {
		writeResponse(w, r, a, p, &result.Response)
	}
	b.Spend(budget.Render, time.Since(start))
	s.stats.spend(b)
	if s.log.Enabled(c, slog.LevelDebug) {
		s.log.Debug("handled", "app", a.info.Name, "request_id", id, "method", r.Method, "path", p, "spent", b)
	}
}

// readRequest makes what the handler sees of a request, or says why it is not
// run.
func (s *Server) readRequest(w http.ResponseWriter, r *http.Request, p string) (*runtime.Request, *failure) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &failure{status: http.StatusBadRequest, Code: "INVALID_QUERY", Message: "the query string is malformed"}
	}
	req := &runtime.Request{
		ID: w.Header().Get(requestIDHeader), Method: r.Method, Path: p, Query: query,
		Header: publicHeader(r.Header), Host: r.Host, IP: r.RemoteAddr,
	}
	if ip, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		req.IP = ip
	}
	for _, c := range r.Cookies() {
		if auth.OwnsCookie(c.Name) {
			continue
		}
		if req.Cookies == nil {
			req.Cookies = make(map[string]string)
		}
		if _, ok := req.Cookies[c.Name]; !ok {
			req.Cookies[c.Name] = c.Value
		}
	}
	if r.Body == nil || r.Body == http.NoBody {
		return req, nil
	}
	return req, s.readBody(w, r, req)
}

// readBody fills in the body by its type.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, req *runtime.Request) *failure {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	limit := s.opt.MaxBody
	if kind == "multipart/form-data" {
		limit = s.opt.MaxUpload
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if kind == "multipart/form-data" {
		return readMultipart(r, req)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return bodyFailure(err)
	}
	req.Text = string(body)
	switch {
	case len(body) == 0:
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		if err := runtime.CheckJSON(body); err != nil {
			return &failure{status: http.StatusBadRequest, Code: "INVALID_JSON", Message: "the body is not valid JSON: " + err.Error()}
		}
		req.JSON = body
	case kind == "application/x-www-form-urlencoded":
		if req.Form, err = url.ParseQuery(req.Text); err != nil {
			return &failure{status: http.StatusBadRequest, Code: "INVALID_FORM", Message: "the form's fields are malformed"}
		}
	}
	return nil
}

// maxFormMemory is how much of a form is read into memory before it is known to
// be whole; larger files wait on disk.
const maxFormMemory = 1 << 20

func readMultipart(r *http.Request, req *runtime.Request) *failure {
	if err := r.ParseMultipartForm(maxFormMemory); err != nil {
		return bodyFailure(err)
	}
	defer r.MultipartForm.RemoveAll()
	req.Form = url.Values(r.MultipartForm.Value)
	req.Files = make(map[string]runtime.UploadedFile)
	for field, files := range r.MultipartForm.File {
		f, err := files[0].Open()
		if err != nil {
			return bodyFailure(err)
		}
		data := make([]byte, files[0].Size) // and not by growing: that would take twice the memory
		_, err = io.ReadFull(f, data)
		f.Close()
		if err != nil {
			return bodyFailure(err)
		}
		req.Files[field] = runtime.UploadedFile{Name: files[0].Filename, Type: files[0].Header.Get("Content-Type"), Data: data}
	}
	return nil
}

func bodyFailure(err error) *failure {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &failure{status: http.StatusRequestEntityTooLarge, Code: "BODY_TOO_LARGE",
			Message: fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit)}
	}
	if full, ok := errors.AsType[*errBodyMemory](err); ok {
		return full.failure()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &failure{status: http.StatusRequestTimeout, Code: "BODY_TIMEOUT", Message: "the body came too slowly", Retryable: true}
	}
	return &failure{status: http.StatusBadRequest, Code: "INVALID_BODY", Message: "the body could not be read"}
}

// writeResponse sends what the handler answered.
func writeResponse(w http.ResponseWriter, r *http.Request, a *app, p string, res *runtime.Response) {
	h := w.Header()
	a.manifest.addHeaders(h, p)
	switch res.ContentType {
	case "":
	case jsonType[0]:
		h["Content-Type"] = jsonType
	default:
		h["Content-Type"] = []string{res.ContentType}
	}
	for name, values := range res.Header {
		switch name {
		case "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Upgrade", "Trailer", requestIDHeader:
			continue // the server's own to say
		case "Set-Cookie":
			values = publicCookies(values)
		}
		if len(values) > 0 {
			h[name] = values
		}
	}
	if b := streamOf(res); b != nil && bodyAllowed(res.Status) {
		b.send(w, r, a, res.Status)
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
func (s *Server) writeRunError(w http.ResponseWriter, c *call, id string, result *runtime.Result, err error) {
	e, ok := errors.AsType[*runtime.Error](err)
	if !ok {
		s.writeFailure(w, c.request, c.app, err)
		return
	}
	f := c.failure(e)
	level := slog.LevelError
	if f.Code == "OVERLOADED" {
		level = slog.LevelDebug // as in writeFailure
		pause(c.request.Context())
	}
	s.log.Log(c.request.Context(), level, "handler failed", "app", c.app.info.Name, "request_id", id, "code", f.Code,
		"error", f.Message, "spent", c.Budget, "file", e.File, "line", e.Line, "column", e.Column, "source_line", e.SourceLine, "stack", e.Stack)
	switch {
	case s.opt.Dev:
		inside := map[string]any{
			"name": e.Name, "file": e.File, "line": e.Line, "column": e.Column,
			"source_line": e.SourceLine, "stack": e.Stack, "console": consoleLines(result.Log),
		}
		maps.Copy(inside, f.Details)
		f.Details = inside
	case f.Code == runtime.CodeHandler, f.Code == runtime.CodeInternal:
		f.Message = "the app's handler failed; its owner's log has more under the request id"
	}
	f.write(w)
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
