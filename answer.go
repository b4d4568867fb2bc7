package fazt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// failure is an error as clients see it.
type failure struct {
	status    int
	Code      string         `json:"code"`
	Message   string         `json:"message"`
	Details   map[string]any `json:"details,omitempty"`
	RequestID string         `json:"request_id,omitempty"`
	Retryable bool           `json:"retryable,omitempty"`
	after     int            // seconds, for Retry-After
}

// classify turns any error into its answer: the one table from the codes of the
// packages to HTTP. Messages that could tell of the inside are replaced.
func classify(err error) failure {
	if errors.Is(err, ErrInvalidApp) {
		f := failure{status: http.StatusUnprocessableEntity, Code: "INVALID_APP", Message: err.Error()}
		if e, ok := errors.AsType[*runtime.Error](err); ok {
			f.Details = map[string]any{"file": e.File, "line": e.Line, "column": e.Column, "source_line": e.SourceLine}
		}
		return f
	}
	if e, ok := errors.AsType[*runtime.Error](err); ok {
		return classifyRun(e)
	}
	if e, ok := errors.AsType[*auth.Error](err); ok { // before storage's, which may be the cause
		return classifyAuth(e)
	}
	if e, ok := errors.AsType[*storage.Error](err); ok {
		return classifyStorage(e)
	}
	if e, ok := errors.AsType[*budget.Error](err); ok {
		return classifyBudget(e)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return failure{status: statusOf("BUDGET_WALL"), Code: "BUDGET_WALL", Message: "the request took longer than it may"}
	}
	return failure{status: http.StatusInternalServerError, Code: "INTERNAL", Message: "something went wrong inside; the log has more under the request id"}
}

// classifyRun adds what a run that breached its budget was allowed, and used.
func classifyRun(e *runtime.Error) failure {
	f := failure{status: statusOf(e.Code), Code: e.Code, Message: e.Error()}
	// What was measured is an estimate that other runs may have tipped.
	f.Retryable = e.Code == runtime.CodeMemory
	if spent, ok := errors.AsType[*budget.Error](e.Err); ok {
		f.Message += ": " + strings.TrimPrefix(spent.Error(), "budget: ")
		f.Details = classifyBudget(spent).Details
	} else if strings.HasPrefix(e.Code, "BUDGET_") && e.Allowed != "" {
		f.Details = map[string]any{"allowed": e.Allowed, "used": e.Used, "phase": budget.Compute.String()}
	}
	return f
}

func classifyStorage(e *storage.Error) failure {
	f := failure{status: statusOf(string(e.Code)), Code: string(e.Code), Message: e.Error()}
	switch {
	case e.Code == storage.CodeOverloaded:
		f.Details = overloadDetails(e.Depth, e.Delay)
	case e.Code == storage.CodeQuotaExceeded && e.Allowed > 0:
		f.Details = map[string]any{"allowed": fmt.Sprintf("%d bytes", e.Allowed), "used": fmt.Sprintf("%d bytes", e.Used)}
	}
	if f.status == http.StatusServiceUnavailable {
		f.Retryable, f.after = true, 1
	}
	return f
}

// overloadDetails are about the queue alone, and not about who is in it.
func overloadDetails(depth int, delay time.Duration) map[string]any {
	return map[string]any{"queue_depth": depth, "predicted_delay_ms": milliseconds(delay)}
}

// milliseconds is a duration to the microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// classifyAuth does not tell which way a key is wrong. A database that is busy
// or out of time says so; what else is the matter with it is not the client's
// doing, whatever its code.
func classifyAuth(e *auth.Error) failure {
	f := failure{status: statusOf(string(e.Code)), Code: string(e.Code), Message: e.Error()}
	switch e.Code {
	case auth.CodeUnauthorized:
		f.Message = "the API key is missing, unknown, expired or revoked"
	case auth.CodeUnavailable:
		if cause := classify(e.Err); cause.status >= 500 && cause.Code != "INTERNAL" {
			return cause
		}
		f.Message, f.Retryable, f.after = "users and keys could not be read just now; try again shortly", true, 1
	}
	return f
}

// classifyBudget keeps the budget's own words: what was allowed, what was used,
// and which phase used most.
func classifyBudget(e *budget.Error) failure {
	code := budgetCodes[e.Reason]
	f := failure{
		status: statusOf(code), Code: code, Message: strings.TrimPrefix(e.Error(), "budget: "),
		Retryable: e.Retryable(), after: int(math.Ceil(e.RetryAfter.Seconds())),
	}
	if u, ok := e.Usage(); ok {
		f.Details = map[string]any{"allowed": u.Allowed, "used": u.Used}
		if u.InPhase > 0 {
			f.Details["phase"], f.Details["phase_ms"] = u.Phase.String(), milliseconds(u.InPhase)
		}
	} else {
		f.Details = overloadDetails(e.Depth, e.Delay)
	}
	return f
}

// budgetCodes are the codes of a budget's reasons.
var budgetCodes = map[error]string{
	budget.ErrSpent:      "BUDGET_WALL",
	budget.ErrDoomed:     "BUDGET_WALL",
	budget.ErrOperations: "BUDGET_OPS",
	budget.ErrOverloaded: "OVERLOADED",
}

// statuses has every code of the packages, as HTTP. What is 500 says nothing of
// the inside to a visitor.
var statuses = map[string]int{
	"INVALID":          http.StatusBadRequest,
	"RESULT_TOO_LARGE": http.StatusBadRequest,
	"UNAUTHORIZED":     http.StatusUnauthorized,
	"READ_ONLY":        http.StatusForbidden,
	"NOT_FOUND":        http.StatusNotFound,
	"CONFLICT":         http.StatusConflict,
	"QUOTA_EXCEEDED":   http.StatusRequestEntityTooLarge,
	"RATE_LIMITED":     http.StatusTooManyRequests,

	"OVERLOADED":  http.StatusServiceUnavailable,
	"UNAVAILABLE": http.StatusServiceUnavailable,
	"CLOSED":      http.StatusServiceUnavailable,

	"BUDGET_WALL":     http.StatusGatewayTimeout,
	"BUDGET_CPU":      http.StatusServiceUnavailable,
	"BUDGET_MEMORY":   http.StatusServiceUnavailable,
	"BUDGET_OPS":      http.StatusInternalServerError,
	"BUDGET_RESPONSE": http.StatusInternalServerError,

	"HANDLER_ERROR": http.StatusInternalServerError,
	"ENGINE_ERROR":  http.StatusInternalServerError,
	"SYNTAX_ERROR":  http.StatusInternalServerError, // a deploy is refused before; this is an app that is served
	"UNSUPPORTED":   http.StatusInternalServerError,
	"LOAD_ERROR":    http.StatusInternalServerError,
	"CANCELED":      http.StatusInternalServerError,
	"UNCERTAIN":     http.StatusInternalServerError, // not retryable: the write may have been made
	"FORMAT":        http.StatusInternalServerError,
}

// statusOf is the status of a code; 500 for one that is not in the table.
func statusOf(code string) int {
	if status, ok := statuses[code]; ok {
		return status
	}
	return http.StatusInternalServerError
}

// write sends the failure in the envelope.
func (f failure) write(w http.ResponseWriter) {
	f.RequestID = w.Header().Get(requestIDHeader)
	if f.after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.after))
	}
	writeJSON(w, f.status, map[string]any{"error": f})
}

// stop is the failure as the answer of a run that ends here.
func (f failure) stop() *runtime.Stop {
	body, err := json.Marshal(map[string]any{"error": f})
	if err != nil {
		panic(err) // our own type
	}
	return &runtime.Stop{Response: runtime.Response{
		Status: f.status,
		Header: http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}},
		Body:   body,
	}}
}

// writeError sends an error that is the client's own doing.
func writeError(w http.ResponseWriter, status int, code, message string) {
	failure{status: status, Code: code, Message: message}.write(w)
}

// writeFailure logs an error from inside and sends what a visitor may see of it.
func (s *Server) writeFailure(w http.ResponseWriter, r *http.Request, a *app, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // the visitor has gone
	}
	attrs := []any{"request_id", w.Header().Get(requestIDHeader), "method", r.Method, "path", r.URL.Path, "error", err}
	if a != nil {
		attrs = append(attrs, "app", a.info.Name)
	}
	f := classify(err)
	level := slog.LevelError
	if f.Retryable {
		level = slog.LevelDebug // one for each request of a flood would be a flood itself; they are counted
	}
	s.log.Log(r.Context(), level, "request failed", attrs...)
	if errors.Is(err, budget.ErrOverloaded) {
		pause(r.Context())
	}
	if f.status == http.StatusInternalServerError {
		f.Message = "something went wrong inside; the log has more under the request id"
	}
	f.write(w)
}

// writeClosed answers a request that came after [Server.Close].
func writeClosed(w http.ResponseWriter) {
	failure{status: http.StatusServiceUnavailable, Code: "CLOSED", Message: "the server is shutting down", Retryable: true, after: 1}.write(w)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // every caller passes its own types
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Del("Content-Encoding")
	h.Del("Etag")
	w.WriteHeader(status)
	w.Write(body)
}

// notFound answers 404 as the client would like it: a page for a person, JSON
// for a program. It repeats nothing of the request.
func notFound(w http.ResponseWriter, r *http.Request) {
	if auth.WantsPage(r) {
		writePage(w, http.StatusNotFound, "Not found", "There is nothing at this address.")
		return
	}
	writeError(w, http.StatusNotFound, "NOT_FOUND", "there is nothing at this address")
}

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>
:root { color-scheme: light dark; --ink: #1d2433; --soft: #566074; --paper: #fbfaf7 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaf0; --soft: #a3abbd; --paper: #14171f } }
body { margin: 0; min-height: 100vh; display: grid; place-content: center; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.6 system-ui, sans-serif }
main { max-width: 32rem; padding: 2rem }
h1 { font-size: 1.75rem; font-weight: 600; margin: 0 0 .5rem }
p { margin: 0; color: var(--soft) }
</style>
<main>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
</main>
</html>
`))

// writePage sends one of the server's own plain pages.
func writePage(w http.ResponseWriter, status int, title, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	w.WriteHeader(status)
	// A visitor that has gone is the only way for this to fail.
	_ = pageTemplate.Execute(w, struct{ Title, Text string }{title, text})
}
