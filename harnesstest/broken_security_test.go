package harnesstest_test

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	stdpath "path"
	"strings"
	"sync"
	"testing"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/harnesstest"
)

// brokenSecurity has a server for each check of suite Security.
var brokenSecurity = map[string]fault{
	"headers/slow":        doorless,
	"body/slow":           doorless,
	"answers/slow":        doorless,
	"connections/address": doorless,
	"headers/size":        plain(func(s *httptest.Server) { s.Config.MaxHeaderBytes = 16 << 20 }),
	"connections/slow": plain(func(s *httptest.Server) {
		s.Listener = &fewPlaces{Listener: s.Listener, places: make(chan struct{}, 20)}
	}),
	"headers/malformed": agreeable,
	"rate/limit":        func(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target { return unlimited{healthy} },
	"rate/recovery":     spoiledBy(resentful),

	"body/size": spoiledBy(onPath("/api/length", func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, `{"ran":true,"length":%d}`, n)
	})),
	// It does not look at what is called JSON.
	"body/json": spoiledBy(changed(func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") })),
	"body/nesting": spoiledBy(onPath("/api/length", func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler) // as a stack that overflows ends a server
	})),
	"body/gzip": spoiledBy(changed(func(r *http.Request) {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return
		}
		r.Header.Del("Content-Encoding")
		r.Header.Set("Content-Type", "text/plain")
		r.Body, r.ContentLength = io.NopCloser(io.LimitReader(z, 512<<10)), 512<<10
	})),
	"body/parts":    spoiledBy(changed(func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") })),
	"archive/bomb":  spoiledBy(onPath("/api/deploy", agrees)),
	"archive/paths": spoiledBy(onPath("/api/deploy", agrees)),

	"paths/outside": handledBy(func(w http.ResponseWriter, r *http.Request) {
		text, err := os.ReadFile(stdpath.Clean("/srv" + r.URL.Path)) // of which .. leads out
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Write(text)
	}),
	"paths/hidden": spoiledBy(onPath("/api/lib/secret.js", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "module.exports = 'SECRET-SOURCE'")
	})),
	"injection/path": handledBy(func(w http.ResponseWriter, r *http.Request) {
		where, _ := url.QueryUnescape(r.URL.RequestURI())
		answerRaw(w, "302 Found", "Location: "+where)
	}),
	"injection/app": spoiledBy(onPath("/api/header", func(w http.ResponseWriter, r *http.Request) {
		answerRaw(w, "200 OK", r.URL.Query().Get("name")+": "+r.URL.Query().Get("value"))
	})),
	"injection/request-id": handledBy(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-ID", r.Header.Get("X-Request-ID"))
	}),
	"redirect/path": handledBy(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.URL.Path+"/")
		w.WriteHeader(http.StatusMovedPermanently)
	}),
	"redirect/sign-in": spoiledBy(onPath("/auth/logout", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.FormValue("back"))
		w.WriteHeader(http.StatusSeeOther)
	})),

	"cookies/flags": spoiledBy(answered(func(h http.Header) {
		for i, line := range h["Set-Cookie"] {
			h["Set-Cookie"][i] = strings.Replace(line, "; HttpOnly", "", 1)
		}
	})),
	"cookies/planted": spoiledBy(answered(func(h http.Header) {
		if len(h["Set-Cookie"]) > 0 {
			h.Add("Set-Cookie", "fazt_session=x; Path=/")
		}
	})),
	"cookies/hidden":  spoiledBy(changed(func(r *http.Request) { r.Header["X-Seen"] = r.Header["Cookie"] })),
	"csrf/app":        spoiledBy(changed(trusting)),
	"csrf/management": spoiledBy(changed(trusting)),
	"authorisation/routes": withKey(func(r *http.Request, key string) {
		if r.Method == http.MethodGet && r.URL.Path == "/api/audit" {
			r.Header.Set("Authorization", "Bearer "+key)
		}
	}),
	"authorisation/routes#owner": withKey(func(r *http.Request, key string) {
		if r.URL.Path == "/api/backup" && r.Header.Get("Cookie") != "" { // of an admin, too
			r.Header.Set("Authorization", "Bearer "+key)
		}
	}),
	"authorisation/routes#table": spoiledBy(onPath("/api/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"paths": {"/api/debug": {"get": {"security": []}}}}`)
	})),
	"authorisation/keys": spoiledBy(changed(func(r *http.Request) {
		if key := r.URL.Query().Get("token"); key != "" {
			r.Header.Set("Authorization", "Bearer "+key)
			r.URL.RawQuery = ""
		}
	})),
	"dev/exposure":      spoiledBy(changed(func(r *http.Request) { r.Header.Del("X-Real-Ip") })),
	"dev/exposure#host": spoiledBy(changed(func(r *http.Request) { r.Host = "localhost" })),
}

// trusting believes that every request comes from a page of its own.
func trusting(r *http.Request) {
	r.Header.Del("Origin")
	r.Header.Del("Sec-Fetch-Site")
}

// agrees takes whatever it is sent.
func agrees(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	io.WriteString(w, `{"data":{}}`)
}

func spoiledBy(wrap func(http.Handler) http.Handler) fault {
	return func(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
		tb.Helper()
		return spoil(tb, healthy, wrap)
	}
}

func handledBy(h http.HandlerFunc) fault {
	return func(tb testing.TB, _ *harnesstest.Server) harnesstest.Target {
		tb.Helper()
		return harnesstest.Handler(tb, h)
	}
}

// onPath answers a path by instead, however it is written.
func onPath(p string, instead http.HandlerFunc) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if stdpath.Clean("/"+r.URL.Path) == p {
				instead(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// changed changes each request before it is answered.
func changed(change func(*http.Request)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r = r.Clone(r.Context())
			change(r)
			next.ServeHTTP(w, r)
		})
	}
}

// withKey is changed by who has a key that may do everything.
func withKey(change func(r *http.Request, key string)) fault {
	return func(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
		tb.Helper()
		key := healthy.Key(tb, "admin")
		return spoil(tb, healthy, changed(func(r *http.Request) { change(r, key) }))
	}
}

// answered changes the header of each answer before it is sent.
func answered(change func(http.Header)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&changedAnswer{ResponseWriter: w, change: change}, r)
		})
	}
}

type changedAnswer struct {
	http.ResponseWriter
	change func(http.Header)
	once   sync.Once
}

func (w *changedAnswer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *changedAnswer) WriteHeader(status int) {
	w.once.Do(func() { w.change(w.Header()) })
	w.ResponseWriter.WriteHeader(status)
}

func (w *changedAnswer) Write(b []byte) (int, error) {
	w.once.Do(func() { w.change(w.Header()) })
	return w.ResponseWriter.Write(b)
}

// answerRaw answers with a header as it is, which net/http would not write.
func answerRaw(w http.ResponseWriter, status, header string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "HTTP/1.1 %s\r\n%s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status, header)
}

// plain is a server of net/http alone, with a setting.
func plain(set func(*httptest.Server)) fault {
	return func(tb testing.TB, _ *harnesstest.Server) harnesstest.Target {
		tb.Helper()
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
		}))
		set(srv)
		srv.Start()
		tb.Cleanup(srv.Close)
		return harnesstest.URL(tb, srv.URL)
	}
}

// fewPlaces serves as many connections as it has places, and lets the others wait.
type fewPlaces struct {
	net.Listener
	places chan struct{}
}

func (l *fewPlaces) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &placed{Conn: conn, places: l.places}, nil
}

// placed takes its place with the first byte that is read.
type placed struct {
	net.Conn
	places chan struct{}
	take   sync.Once
	leave  sync.Once
}

func (c *placed) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.take.Do(func() { c.places <- struct{}{} })
	}
	return n, err
}

func (c *placed) Close() error {
	c.take.Do(func() { c.leave.Do(func() {}) }) // it had none
	c.leave.Do(func() { <-c.places })
	return c.Conn.Close()
}

// agreeable answers 200 to whatever ends with an empty line.
func agreeable(tb testing.TB, _ *harnesstest.Server) harnesstest.Target {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				lines := bufio.NewScanner(conn)
				for lines.Scan() && lines.Text() != "" {
				}
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			}()
		}
	}()
	return harnesstest.URL(tb, "http://"+l.Addr().String())
}

// unlimited is a server whose siblings have no limit of requests, whatever they are told.
type unlimited struct{ *harnesstest.Server }

func (u unlimited) Sibling(tb testing.TB, change ...func(*fazt.Options)) harnesstest.Target {
	tb.Helper()
	return harnesstest.Start(tb, append(change, func(o *fazt.Options) { o.RateLimit = frontdoor.NoRateLimit })...)
}

// resentful never forgives an address that has asked too often.
func resentful(next http.Handler) http.Handler {
	var mu sync.Mutex
	asked := map[string]int{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		mu.Lock()
		asked[host]++
		n := asked[host]
		mu.Unlock()
		if n > 3 {
			refuses(http.StatusTooManyRequests, "RATE_LIMITED")(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
