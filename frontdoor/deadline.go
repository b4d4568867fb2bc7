package frontdoor

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/fazt-sh/fazt/api"
)

// TimeoutHeader says how many milliseconds a caller still waits for the answer.
// It is relative, since the clocks of two machines differ; the time on the wire
// is the caller's to allow for.
const TimeoutHeader = "X-Request-Timeout-Ms"

// maxHopTimeout is more than any caller waits, and fits a time.Duration.
const maxHopTimeout = 24 * time.Hour

// HopDeadline is middleware that ends the context of a request from one of
// callers when the caller stops waiting, as [TimeoutHeader] says; a deadline
// that is sooner stays. Work for an answer that nobody waits for is then not
// begun. Strangers' headers are ignored: they could only make their own
// requests fail, but a proxy might pass them on for somebody else's. A caller
// that no longer waits gets 504 at once, and one whose header makes no sense 400.
func HopDeadline(callers ...netip.Prefix) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			text := r.Header.Get(TimeoutHeader)
			if text == "" || !contains(callers, clientAddr(r)) {
				next.ServeHTTP(w, r)
				return
			}
			ms, err := strconv.ParseInt(text, 10, 64)
			switch {
			case err != nil:
				api.WriteError(w, &api.Error{Status: http.StatusBadRequest, Code: "INVALID_TIMEOUT", Message: TimeoutHeader + " must be a whole number of milliseconds"})
			case ms <= 0:
				api.WriteError(w, &api.Error{
					Status: http.StatusGatewayTimeout, Code: "BUDGET_WALL", Message: fmt.Sprintf("nobody waits for this answer: %s is %d", TimeoutHeader, ms),
					Details: map[string]any{"allowed": fmt.Sprintf("%dms", ms), "used": "0s"},
				})
			default:
				wait := time.Duration(min(ms, maxHopTimeout.Milliseconds())) * time.Millisecond
				ctx, cancel := context.WithTimeout(r.Context(), wait)
				defer cancel()
				next.ServeHTTP(w, r.WithContext(ctx))
			}
		})
	}
}

// PassDeadline tells the server that a request goes to how long its answer is
// waited for: what remains of the request's context. Without a deadline it does
// nothing. A deadline that has passed is its context's error.
func PassDeadline(r *http.Request) error {
	deadline, ok := r.Context().Deadline()
	if !ok {
		return nil
	}
	ms := time.Until(deadline).Milliseconds()
	if ms <= 0 {
		return context.DeadlineExceeded
	}
	r.Header.Set(TimeoutHeader, strconv.FormatInt(ms, 10))
	return nil
}
