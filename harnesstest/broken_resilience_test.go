package harnesstest_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/harnesstest"
)

// brokenResilience has a server for each check of suite Resilience.
var brokenResilience = map[string]fault{
	"load/concurrent":   emptyUnderLoad,
	"load/sustained":    forgetsAdditions,
	"load/saturation":   neverRecovers,
	"load/memory":       emptyWithoutMemory,
	"timeouts/server":   emptyWithoutTime,
	"timeouts/client":   keepsPlaces,
	"timeouts/deadline": ignoresDeadlines,
	"connections/lines": hastyWithHeaders,
	"connections/leaks": keepsConnections,
	"restart/stop":      stopsAtOnce,
	"restart/kill":      acknowledgesTooSoon,
	"disk/full":         hidesFullDisk,
	"consistency/line": func(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
		return spoil(tb, healthy, staleReads)
	},
	"consistency/kill": func(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
		return spawner{healthy, func(tb testing.TB) harnesstest.Process { return inFront(tb, healthy.Spawn(tb), staleReads) }}
	},
}

// emptyUnderLoad answers 200 without a body where more than 20 ask at once.
func emptyUnderLoad(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
	var under atomic.Int64
	return spoil(tb, healthy, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer under.Add(-1)
			if under.Add(1) <= 20 {
				next.ServeHTTP(w, r)
			}
		})
	})
}

// forgetsAdditions answers every tenth addition without making it.
func forgetsAdditions(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
	var n atomic.Int64
	return spoil(tb, healthy, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/add" && n.Add(1)%10 == 0 {
				io.WriteString(w, `{"value":7}`)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
}

// neverRecovers refuses handlers from the moment on when 300 ask at once.
func neverRecovers(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
	var under atomic.Int64
	var full atomic.Bool
	return spoil(tb, healthy, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer under.Add(-1)
			if under.Add(1) > 300 {
				full.Store(true)
			}
			if full.Load() && strings.HasPrefix(r.URL.Path, "/api/") && r.Host != hostname(healthy) {
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
}

// hostname is the host at which a server is managed.
func hostname(s *harnesstest.Server) string { return strings.TrimPrefix(s.URL, "http://") }

// emptyWhere answers 200 without a body what a server refuses on a path.
func emptyWhere(tb testing.TB, healthy *harnesstest.Server, path string) harnesstest.Target {
	return spoil(tb, healthy, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != path {
				next.ServeHTTP(w, r)
				return
			}
			answer := httptest.NewRecorder()
			if next.ServeHTTP(answer, r); answer.Code < http.StatusInternalServerError {
				copyAnswer(w, answer)
			}
		})
	})
}

func copyAnswer(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	w.Write(answer.Body.Bytes())
}

func emptyWithoutMemory(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
	return emptyWhere(tb, healthy, "/api/grow")
}

func emptyWithoutTime(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
	return emptyWhere(tb, healthy, "/api/forever")
}

// keepsPlaces has 50 places for handlers, and one whose client went is never free again.
func keepsPlaces(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
	places := make(chan struct{}, 50)
	return spoil(tb, healthy, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/api/wait" && r.URL.Path != "/api/echo" {
				next.ServeHTTP(w, r)
				return
			}
			select {
			case places <- struct{}{}:
			default:
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			next.ServeHTTP(w, r)
			if r.Context().Err() == nil {
				<-places
			}
		})
	})
}

// ignoresDeadlines does not look at how long its caller waits.
func ignoresDeadlines(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
	return spoil(tb, healthy, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.WithoutCancel(r.Context())))
		})
	})
}

// hastyWithHeaders waits 10 ms for a request, which is 20 ms away on a slow line.
func hastyWithHeaders(tb testing.TB, _ *harnesstest.Server) harnesstest.Target {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }))
	srv.Config.ReadHeaderTimeout = 10 * time.Millisecond
	srv.Start()
	tb.Cleanup(srv.Close)
	return harnesstest.URL(tb, srv.URL)
}

// spawner is a fazt whose servers in processes of their own are at fault.
type spawner struct {
	*harnesstest.Server
	spawn func(tb testing.TB) harnesstest.Process
}

func (s spawner) Spawn(tb testing.TB) harnesstest.Process { return s.spawn(tb) }

// fronted is a process with something in front of it.
type fronted struct {
	harnesstest.Process
	harnesstest.Deployer
	harnesstest.Keyer
	front harnesstest.Target // nil: nothing
	stop  func() error       // nil: the process's own
	kill  func() error
}

func front(of harnesstest.Process) *fronted {
	return &fronted{Process: of, Deployer: of.(harnesstest.Deployer), Keyer: of.(harnesstest.Keyer)}
}

func (f *fronted) Dial(ctx context.Context) (net.Conn, error) {
	if f.front == nil {
		return f.Process.Dial(ctx)
	}
	return f.front.Dial(ctx)
}

func (f *fronted) Stop() error {
	if f.stop != nil {
		return f.stop()
	}
	return f.Process.Stop()
}

func (f *fronted) Kill() error {
	if f.kill != nil {
		return f.kill()
	}
	return f.Process.Kill()
}

// inFront puts a handler around a process's answers.
func inFront(tb testing.TB, of harnesstest.Process, wrap func(http.Handler) http.Handler) *fronted {
	f := front(of)
	f.front = harnesstest.URL(tb, "http://"+behindDoor(tb, wrap(passOn(tb, of)), frontdoor.Options{RateLimit: frontdoor.NoRateLimit}))
	return f
}

// passOn answers by what a target does.
func passOn(tb testing.TB, to harnesstest.Target) http.Handler {
	behind, err := url.Parse(to.Base())
	if err != nil {
		tb.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return to.Dial(ctx) }}
	tb.Cleanup(transport.CloseIdleConnections)
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(behind); r.Out.Host = r.In.Host },
		// What can't be passed on is no answer, as without a proxy.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		Transport:    transport,
	}
}

// keepsConnections leaves a goroutine behind for each connection that it had.
func keepsConnections(_ testing.TB, healthy *harnesstest.Server) harnesstest.Target {
	return spawner{healthy, func(tb testing.TB) harnesstest.Process {
		f := front(healthy.Spawn(tb))
		pass := passOn(tb, f.Process)
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/metrics" { // of the process that this server is in
				fmt.Fprintf(w, "go_goroutines %d\nprocess_open_fds 9\n", runtime.NumGoroutine())
				return
			}
			pass.ServeHTTP(w, r)
		}))
		end := make(chan struct{})
		srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				go func() { <-end }()
			}
		}
		srv.Start()
		tb.Cleanup(func() { srv.CloseClientConnections(); srv.Close(); close(end) })
		f.front = harnesstest.URL(tb, srv.URL)
		return f
	}}
}

// stopsAtOnce drops what is under way when it is asked to end.
func stopsAtOnce(_ testing.TB, healthy *harnesstest.Server) harnesstest.Target {
	return spawner{healthy, func(tb testing.TB) harnesstest.Process {
		f := front(healthy.Spawn(tb))
		f.stop = f.Process.Kill
		return f
	}}
}

// acknowledgesTooSoon stores the last ten writes later than it says, or never if it is
// killed.
func acknowledgesTooSoon(_ testing.TB, healthy *harnesstest.Server) harnesstest.Target {
	return spawner{healthy, func(tb testing.TB) harnesstest.Process {
		var mu sync.Mutex
		var waiting []*http.Request
		f := inFront(tb, healthy.Spawn(tb), func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/api/put" {
					next.ServeHTTP(w, r)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				waiting = append(waiting, r.Clone(context.Background()))
				if len(waiting) > 10 {
					next.ServeHTTP(httptest.NewRecorder(), waiting[0])
					waiting = waiting[1:]
				}
				io.WriteString(w, `{"stored":`+r.URL.Query().Get("value")+`}`)
			})
		})
		f.kill = func() error {
			mu.Lock()
			defer mu.Unlock()
			waiting = nil
			return f.Process.Kill()
		}
		return f
	}}
}

// hidesFullDisk says of writes that failed that they were made.
func hidesFullDisk(_ testing.TB, healthy *harnesstest.Server) harnesstest.Target {
	return spawner{healthy, func(tb testing.TB) harnesstest.Process {
		return inFront(tb, healthy.Spawn(tb), func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answer := httptest.NewRecorder()
				next.ServeHTTP(answer, r)
				if r.URL.Path == "/api/put" && answer.Code >= http.StatusInternalServerError {
					io.WriteString(w, `{"stored":`+r.URL.Query().Get("value")+`}`)
					return
				}
				copyAnswer(w, answer)
			})
		})
	}}
}

// staleReads answers every other read by what it answered to the one before.
func staleReads(next http.Handler) http.Handler {
	var mu sync.Mutex
	answers := map[string]*httptest.ResponseRecorder{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/get" {
			next.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		answer := answers[r.URL.RawQuery]
		delete(answers, r.URL.RawQuery)
		mu.Unlock()
		if answer == nil {
			answer = httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			mu.Lock()
			answers[r.URL.RawQuery] = answer
			mu.Unlock()
		}
		copyAnswer(w, answer)
	})
}
