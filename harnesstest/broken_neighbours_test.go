package harnesstest_test

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/fazt-sh/fazt/harnesstest"
)

// brokenNeighbours has a server for each check of suite Neighbours: one that lets a
// neighbour suffer by what others do, in one of the ways that are judged.
var brokenNeighbours = map[string]fault{
	// Others are served for ever, and the neighbour never.
	"processor": besideOthers(refuses(http.StatusServiceUnavailable, "OVERLOADED")),
	"storage":   besideOthers(refuses(http.StatusServiceUnavailable, "UNCERTAIN")),
	"bodies":    besideOthers(refuses(http.StatusServiceUnavailable, "BUDGET_MEMORY")),
	"logs":      besideOthers(refuses(http.StatusInternalServerError, "INTERNAL")),
	"answers": besideOthers(func(w http.ResponseWriter, _ *http.Request) { // another's
		io.WriteString(w, "ok")
	}),
	"two at once": besideOthers(refuses(http.StatusGatewayTimeout, "BUDGET_CPU")),
	"places": besideOthers(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
	}),
}

func refuses(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, `{"error":{"code":"`+code+`"}}`)
	}
}

// besideOthers answers the neighbour's visitors by instead as soon as there have been
// requests of others.
func besideOthers(instead http.HandlerFunc) fault {
	return func(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
		return spoil(tb, healthy, func(next http.Handler) http.Handler {
			var others atomic.Bool
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ofNeighbour := r.URL.Query().Has("do") || r.URL.Path == "/1k.bin"
				if !ofNeighbour {
					others.Store(true)
				}
				if ofNeighbour && others.Load() {
					instead(w, r)
					return
				}
				next.ServeHTTP(w, r)
			})
		})
	}
}
