package harnesstest_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fazt-sh/fazt/harnesstest"
)

// brokenBaseline has a server for each check of suite Baseline.
var brokenBaseline = map[string]fault{
	"get": func(tb testing.TB, _ *harnesstest.Server) harnesstest.Target {
		return harnesstest.Handler(tb, nowAndThen("/", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
		})(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	},
	"static": wrongNowAndThen("/1k.bin", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat("0123456789abcdef", 63)+"another's 16 byte")
	}),
	"handler": wrongNowAndThen("/api/hello", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"hello":"somebody else"}`)
	}),
	"kv-read": wrongNowAndThen("/api/read", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `null`)
	}),
	"document-query": wrongNowAndThen("/api/query", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `[]`)
	}),
	"durable-write": wrongNowAndThen("/api/write", acknowledge),
	"mixed":         wrongNowAndThen("/api/write", acknowledge),
	"resources": func(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
		return alone{spoil(tb, healthy, hoard).(*spoiled)}
	},
	"first-answer/deploy": func(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
		return spoil(tb, healthy, instead("/api/hello", refuses(http.StatusServiceUnavailable, "OVERLOADED")))
	},
	"first-answer/restart": func(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
		return forgetful{healthy}
	},
}

// acknowledge says that a write is done, and does nothing.
func acknowledge(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, `{"n":%s}`, r.URL.Query().Get("n"))
}

// nowAndThen answers one request for a path in fifty otherwise.
func nowAndThen(path string, otherwise http.HandlerFunc) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		var n atomic.Int64
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == path && n.Add(1)%50 == 3 {
				otherwise(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func wrongNowAndThen(path string, otherwise http.HandlerFunc) fault {
	return func(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
		return spoil(tb, healthy, nowAndThen(path, otherwise))
	}
}

// instead answers all requests for a path otherwise.
func instead(path string, otherwise http.HandlerFunc) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == path {
				otherwise(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// hoard opens a file for each request to an app, and closes none, as its metrics tell.
func hoard(next http.Handler) http.Handler {
	var kept atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" {
			kept.Add(1)
			next.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		w.WriteHeader(answer.Code)
		for line := range strings.Lines(answer.Body.String()) {
			if strings.HasPrefix(line, "process_open_fds ") {
				line = fmt.Sprintf("process_open_fds %d\n", 10+kept.Load())
			}
			io.WriteString(w, line)
		}
	})
}

// alone is a spoiled server that spawns no healthy one.
type alone struct{ *spoiled }

func (a alone) Lacks(capability string) string {
	if capability == "Spawner" {
		return "it would not be the broken one"
	}
	return a.spoiled.Lacks(capability)
}

// forgetful spawns servers whose apps are gone after a restart.
type forgetful struct{ *harnesstest.Server }

func (f forgetful) Spawn(tb testing.TB) harnesstest.Process {
	process := f.Server.Spawn(tb)
	return &amnesiac{Process: process, Deployer: process.(harnesstest.Deployer)}
}

type amnesiac struct {
	harnesstest.Process
	harnesstest.Deployer

	mu   sync.Mutex
	apps []string
}

func (a *amnesiac) DeployApp(ctx context.Context, name string, fsys fs.FS) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.apps = append(a.apps, name)
	return a.Deployer.DeployApp(ctx, name, fsys)
}

func (a *amnesiac) Restart() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.Process.Restart(); err != nil {
		return err
	}
	for _, name := range a.apps {
		if err := a.RemoveApp(context.Background(), name); err != nil {
			return err
		}
	}
	return nil
}
