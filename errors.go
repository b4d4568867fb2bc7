package fazt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// statuses maps the codes of every package to HTTP. A code that is not here is a
// failure inside, 500.
var statuses = map[string]int{
	"INVALID":          http.StatusBadRequest,
	"UNAUTHORIZED":     http.StatusUnauthorized,
	"FORBIDDEN":        http.StatusForbidden,
	"NOT_FOUND":        http.StatusNotFound,
	"CONFLICT":         http.StatusConflict,
	"TOO_MANY_MATCHES": http.StatusConflict,
	"QUOTA_EXCEEDED":   http.StatusRequestEntityTooLarge,
	"INVALID_APP":      http.StatusUnprocessableEntity,
	"RATE_LIMITED":     http.StatusTooManyRequests,
	"BUDGET_CPU":       http.StatusServiceUnavailable,
	"BUDGET_MEMORY":    http.StatusServiceUnavailable,
	"OVERLOADED":       http.StatusServiceUnavailable,
	"UNAVAILABLE":      http.StatusServiceUnavailable,
	"CLOSED":           http.StatusServiceUnavailable,
	"BUDGET_WALL":      http.StatusGatewayTimeout,
	"BUDGET_OPS":       http.StatusInternalServerError,
	"BUDGET_READ":      http.StatusInternalServerError,
	"BUDGET_WRITE":     http.StatusInternalServerError,
	"BUDGET_RESPONSE":  http.StatusInternalServerError,
	"RESULT_TOO_LARGE": http.StatusBadRequest,
	"UNCERTAIN":        http.StatusInternalServerError,
	"READ_ONLY":        http.StatusForbidden,
	"FORMAT":           http.StatusInternalServerError,
	"SYNTAX_ERROR":     http.StatusInternalServerError, // of a deployed handler; a deploy is INVALID_APP
	"UNSUPPORTED":      http.StatusInternalServerError,
	"LOAD_ERROR":       http.StatusInternalServerError,
	"HANDLER_ERROR":    http.StatusInternalServerError,
	"ENGINE_ERROR":     http.StatusInternalServerError,
	"CANCELED":         http.StatusInternalServerError, // nobody reads it
	"INTERNAL":         http.StatusInternalServerError,
}

const insideMessage = "something went wrong inside; the log has more under the request id"

// explain turns an error of any package into what a client sees of it: its code,
// with the status that the table above has for it. What could tell of the inside
// is replaced.
func explain(err error) *api.Error {
	if e, ok := errors.AsType[*api.Error](err); ok {
		return e
	}
	f := &api.Error{Code: "INTERNAL", Message: insideMessage}
	if errors.Is(err, ErrInvalidApp) {
		f = explainApp(err)
	} else if e, ok := errors.AsType[*runtime.Error](err); ok {
		f = explainRun(e)
	} else if e, ok := errors.AsType[*auth.Error](err); ok {
		f = explainAuth(e)
	} else if e, ok := errors.AsType[*storage.Error](err); ok {
		f = explainStorage(e)
	} else if e, ok := errors.AsType[*budget.Error](err); ok {
		f = explainBudget(e)
	} else if errors.Is(err, context.DeadlineExceeded) {
		f = &api.Error{Code: "BUDGET_WALL", Message: "the request took longer than it may"}
	}
	status, ok := statuses[f.Code]
	if !ok {
		status = http.StatusInternalServerError
	}
	f.Status = status
	return f
}

// explainApp says what is wrong with an app that was to be deployed, and where.
func explainApp(err error) *api.Error {
	f := &api.Error{Code: "INVALID_APP", Message: err.Error()}
	if e, ok := errors.AsType[*runtime.Error](err); ok {
		f.Details = map[string]any{"file": e.File, "line": e.Line, "column": e.Column, "source_line": e.SourceLine}
	}
	return f
}

// explainRun adds what a run that breached its budget was allowed, and used.
func explainRun(e *runtime.Error) *api.Error {
	f := &api.Error{Code: e.Code, Message: e.Error()}
	// What was measured is an estimate that other runs may have tipped.
	f.Retryable = e.Code == runtime.CodeMemory
	if spent, ok := errors.AsType[*budget.Error](e.Err); ok {
		said := strings.TrimPrefix(spent.Error(), "budget: ")
		if figures, ok := strings.CutPrefix(said, "spent"); ok {
			f.Message += figures // the message has said that already
		} else {
			f.Message += ": " + said
		}
		f.Details = explainBudget(spent).Details
	} else if strings.HasPrefix(e.Code, "BUDGET_") && e.Allowed != "" {
		f.Details = map[string]any{"allowed": e.Allowed, "used": e.Used, "phase": budget.Compute.String()}
	}
	return f
}

// explainAuth does not tell which way a key is wrong. A database that failed is
// answered by what it said, unless that blames the client, who asked it nothing.
func explainAuth(e *auth.Error) *api.Error {
	f := &api.Error{Code: string(e.Code), Message: e.Error()}
	switch e.Code {
	case auth.CodeUnauthorized:
		if !errors.Is(e, auth.ErrPassword) {
			f.Message = "the API key is missing, unknown, expired or revoked"
		}
	case auth.CodeRateLimited, auth.CodeOverloaded:
		f.Retryable, f.RetryAfter = true, e.RetryAfter
	case auth.CodeUnavailable:
		if cause := explain(e.Err); cause.Status >= http.StatusInternalServerError && cause.Code != "INTERNAL" {
			return cause
		}
		f.Message, f.Retryable, f.RetryAfter = "the users and keys can't be read just now; try again shortly", true, time.Second
	}
	return f
}

func explainStorage(e *storage.Error) *api.Error {
	if e.Code == "" && e.Count > 0 { // a write in chunks whose time was over
		f := explain(e.Err)
		f.Message = fmt.Sprintf("%s; %s", f.Message, e.Hint)
		return f
	}
	f := &api.Error{Code: string(e.Code), Message: e.Error()}
	switch e.Code {
	case storage.CodeUnavailable, storage.CodeUncertain:
		told := *e
		told.Err = nil // it may say where the database is
		f.Message = told.Error()
	case storage.CodeOverloaded:
		f.Details = overloadDetails(e.Depth, e.Delay)
	case storage.CodeTooManyMatches:
		f.Details = map[string]any{"matches": e.Count}
	case storage.CodeQuotaExceeded:
		if e.Allowed > 0 {
			f.Details = map[string]any{"allowed": fmt.Sprintf("%d bytes", e.Allowed), "used": fmt.Sprintf("%d bytes", e.Used)}
		}
	}
	if statuses[f.Code] == http.StatusServiceUnavailable {
		f.Retryable, f.RetryAfter = true, time.Second
	}
	return f
}

// overloadDetails are about the queue alone, and not about who is in it.
func overloadDetails(depth int, delay time.Duration) map[string]any {
	return map[string]any{"queue_depth": depth, "predicted_delay_ms": milliseconds(delay)}
}

// milliseconds is a duration to the microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// budgetCodes are the codes of the budget's reasons.
var budgetCodes = map[error]string{
	budget.ErrSpent:      "BUDGET_WALL",
	budget.ErrDoomed:     "BUDGET_WALL",
	budget.ErrOverloaded: "OVERLOADED",
	budget.ErrOperations: "BUDGET_OPS",
	budget.ErrRead:       "BUDGET_READ",
	budget.ErrWrite:      "BUDGET_WRITE",
}

// explainBudget keeps the budget's own words: what was allowed, what was used,
// and which phase used most.
func explainBudget(e *budget.Error) *api.Error {
	f := &api.Error{
		Code: budgetCodes[e.Reason], Message: strings.TrimPrefix(e.Error(), "budget: "),
		Retryable: e.Retryable(), RetryAfter: e.RetryAfter,
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

// writeFailure logs an error from inside and sends what a visitor may see of it.
func (s *Server) writeFailure(w http.ResponseWriter, r *http.Request, a *app, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // the visitor has gone
	}
	f := *explain(err)
	s.logFailure(w, r, a, &f, err)
	if errors.Is(err, budget.ErrOverloaded) {
		frontdoor.DelayRefusal(r.Context())
	}
	if f.Status == http.StatusInternalServerError {
		f.Message = insideMessage
	}
	s.writeError(w, r, &f)
}

func (s *Server) logFailure(w http.ResponseWriter, r *http.Request, a *app, f *api.Error, err error) {
	attrs := []any{"request_id", w.Header().Get(api.RequestIDHeader), "method", r.Method, "path", auth.PublicPath(r.URL.Path), "error", err}
	if a != nil {
		attrs = append(attrs, "app", a.info.Name)
	}
	level := slog.LevelError
	if f.Retryable {
		level = slog.LevelDebug // one for each request of a flood would be a flood itself; they are counted
	}
	if a == nil || a.stats.log.take(len(f.Message)) {
		s.log.Log(r.Context(), level, "request failed", attrs...)
	}
}

// writeClosed answers a request that came after [Server.Close].
func (s *Server) writeClosed(w http.ResponseWriter, r *http.Request) {
	s.writeError(w, r, &api.Error{Status: http.StatusServiceUnavailable, Code: "CLOSED", Message: "the server is shutting down",
		Retryable: true, RetryAfter: time.Second})
}
