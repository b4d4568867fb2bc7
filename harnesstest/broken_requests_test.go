package harnesstest_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fazt-sh/fazt/harnesstest"
)

// brokenRequests has a server for each check of suite Requests.
var brokenRequests = map[string]fault{
	"static/pages":       setsHeader("Content-Type", "text/html"),
	"static/paths":       status(http.StatusNotFound, func(r *http.Request) bool { return strings.Contains(r.RequestURI, "..") }),
	"static/types":       setsHeader("Content-Type", "application/octet-stream"),
	"static/cache":       setsHeader("Cache-Control", "public, max-age=300"),
	"static/validators":  forgets("If-None-Match"),
	"static/ranges":      forgets("Range"),
	"static/compression": setsHeader("Vary", ""),
	"static/methods": asks(func(r *http.Request) {
		if r.Method == http.MethodPost {
			r.Method = http.MethodGet
		}
	}),
	"static/headers":     setsHeader("X-Content-Type-Options", ""),
	"static/own-headers": setsHeader("X-Docs", ""),
	"static/not-found":   becomes(http.StatusNotFound, http.StatusOK),
	"static/spa":         status(http.StatusNotFound, ofPath("/users/7")),
	"static/hidden":      status(http.StatusOK, ofPath("/fazt.json")),
	"static/private":     becomes(http.StatusUnauthorized, http.StatusOK),
	"static/deploys":     status(http.StatusNotFound, ofPath("/assets/index-Bx7kQw3z.js")),

	"handler/forms":           replaces(`{"as":"a function"}`, `{"as":"its last value"}`),
	"handler/respond":         setsHeader("Content-Type", "text/html; charset=utf-8"),
	"handler/paths":           replaces("a b", "a%20b"),
	"handler/query":           asks(func(r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "&a=3", "", 1) }),
	"handler/headers":         forgets("Cookie"),
	"handler/methods":         status(http.StatusMethodNotAllowed, func(r *http.Request) bool { return r.Method == http.MethodPatch }),
	"handler/json":            asks(func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }),
	"handler/malformed-json":  becomes(http.StatusBadRequest, http.StatusOK),
	"handler/forms-and-files": replaces(`["1","2"]`, `["1"]`),
	"handler/text-and-bytes": answers(func(_ *http.Request, a *httptest.ResponseRecorder) {
		text := strings.ToValidUTF8(a.Body.String(), "\uFFFD")
		a.Body.Reset()
		a.Body.WriteString(text)
		a.Header().Del("Content-Length")
	}),
	"handler/body-limits": becomes(http.StatusRequestEntityTooLarge, http.StatusOK),
	"handler/errors":      becomes(http.StatusInternalServerError, http.StatusOK),
	"handler/require":     replaces(`"once":true`, `"once":false`),
	"handler/routes":      status(http.StatusNotFound, ofPath("/s/abc")),
	"handler/origins":     setsHeader("Access-Control-Allow-Origin", "*"),
	"handler/engines":     replaces("[1,2,10]", "[1,10,2]"),
	"handler/promises":    replaces("a promise", ""),
	"handler/isolation":   replaces(`"global":"undefined"`, `"global":"number"`),
	"handler/budget": answers(func(_ *http.Request, a *httptest.ResponseRecorder) {
		if a.Code >= 500 {
			a.Code = http.StatusOK
		}
	}),
	"handler/secrets": replaces(`"authorization":false`, `"authorization":true`),
	"handler/cache":   setsHeader("Cache-Control", "public, max-age=60"),

	"data/kv":                       replaces("déjà", "deja"),
	"data/kv-list":                  replaces(`["p:a","p:b"]`, `["p:b","p:a"]`),
	"data/kv-versions":              replaces(`"stored":false`, `"stored":true`),
	"data/documents":                replaces(`{"ids":["two","one"]}`, `{"ids":["one","two"]}`),
	"data/operators-from-a-request": replaces(`{"code":"OPERATOR_FROM_REQUEST"}`, `{"ids":["one"]}`),
	"data/blobs":                    forgets("Range"),
	"data/batch":                    replaces(`"a":null`, `"a":1`),
	"data/limits":                   replaces(`{"code":"QUOTA_EXCEEDED"}`, `{}`),
	"data/of-a-user":                replaces(`{"seen":2}`, `{"seen":1}`),
	"data/of-an-app":                replaces(`{"n":null}`, `{"n":1}`),
	"data/at-once":                  losesOne,
	"data/upload": answers(func(_ *http.Request, a *httptest.ResponseRecorder) {
		if b := a.Body.Bytes(); len(b) > 1<<20 {
			b[len(b)/2]++
		}
	}),

	"http/get": answers(func(_ *http.Request, a *httptest.ResponseRecorder) { a.Header()["Date"] = nil }),
	"http/head": raw(func(*bufio.Reader) string {
		return "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"
	}),
	"http/1.0": raw(func(*bufio.Reader) string {
		return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"
	}),
	"http/host":           raw(welcome),
	"http/request-line":   raw(welcome),
	"http/header-lines":   raw(welcome),
	"http/body-length":    raw(welcome),
	"http/large-header":   raw(welcome),
	"http/unknown-method": raw(welcome),
	"http/keep-alive":     setsHeader("Connection", "close"),
	"http/pipeline":       raw(welcome),

	"signin/session": asks(func(r *http.Request) {
		if r.URL.Path == "/auth/session" {
			r.Header.Del("Cookie")
		}
	}),
	"signin/page":    setsHeader("Content-Security-Policy", ""),
	"signin/visitor": replaces(`"admin":true`, `"admin":false`),
	"signin/guards":  becomes(http.StatusForbidden, http.StatusOK),
	"signin/logout": status(http.StatusOK, func(r *http.Request) bool {
		return r.URL.Path == "/auth/logout" && r.Header.Get("Sec-Fetch-Site") != "cross-site"
	}),
	"signin/paths": status(http.StatusOK, ofPath("/auth/nothing")),
	"signin/flow":  replaces(`{"user":null}`, `{"user":{"name":"Ada"}}`),

	"manage/health":    replaces(`"version":`, `"versions":`),
	"manage/callers":   becomes(http.StatusForbidden, http.StatusOK),
	"manage/scopes":    becomes(http.StatusForbidden, http.StatusOK),
	"manage/errors":    replaces(`"error":{`, `"fault":{`),
	"manage/app":       becomes(http.StatusUnauthorized, http.StatusOK),
	"manage/rollback":  status(http.StatusOK, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/rollback") }),
	"manage/variables": replaces("TOKEN", "TOKEN s3cret"),
	"manage/sql":       replaces(`"rows":[[2]]`, `"rows":[["2"]]`),
	"manage/documents": becomes(http.StatusUnauthorized, http.StatusOK),
	"manage/replace":   status(http.StatusNotFound, ofPath("/api")),
	"manage/remove":    becomes(http.StatusNotFound, http.StatusOK),
	"manage/log":       status(http.StatusNotFound, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/logs") }),

	"hosts/labels":     status(http.StatusNotFound, func(r *http.Request) bool { return r.Host != strings.ToLower(r.Host) }),
	"hosts/domain":     becomes(http.StatusPermanentRedirect, http.StatusFound),
	"hosts/management": asks(func(r *http.Request) { r.Host = strings.Replace(r.Host, "notes.example.com", "admin.example.com", 1) }),
	"hosts/unknown": answers(func(r *http.Request, a *httptest.ResponseRecorder) {
		if a.Code == http.StatusNotFound {
			fmt.Fprintf(a.Body, "no %s here", r.URL.Path)
			a.Header().Del("Content-Length")
		}
	}),
}

// answers is a fazt whose answers are changed on the way.
func answers(change func(r *http.Request, answer *httptest.ResponseRecorder)) fault {
	return func(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
		return spoil(tb, healthy, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answer := httptest.NewRecorder()
				answer.Body.Reset()
				h.ServeHTTP(answer, r)
				change(r, answer)
				for name, values := range answer.Header() {
					w.Header()[name] = values
				}
				w.WriteHeader(answer.Code)
				w.Write(answer.Body.Bytes())
			})
		})
	}
}

// asks is a fazt to which requests come changed.
func asks(change func(*http.Request)) fault {
	return func(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
		return spoil(tb, healthy, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r = r.Clone(r.Context())
				change(r)
				h.ServeHTTP(w, r)
			})
		})
	}
}

// forgets a header of the requests.
func forgets(name string) fault {
	return asks(func(r *http.Request) { r.Header.Del(name) })
}

// setsHeader sets a header of all answers, or takes it away.
func setsHeader(name, value string) fault {
	return answers(func(_ *http.Request, a *httptest.ResponseRecorder) {
		a.Header().Del(name)
		if value != "" {
			a.Header().Set(name, value)
		}
	})
}

// becomes answers with another status in place of one.
func becomes(from, to int) fault {
	return answers(func(_ *http.Request, a *httptest.ResponseRecorder) {
		if a.Code == from {
			a.Code = to
		}
	})
}

// replaces a text in answers.
func replaces(text, instead string) fault {
	return answers(func(_ *http.Request, a *httptest.ResponseRecorder) {
		if body := a.Body.String(); strings.Contains(body, text) {
			a.Body.Reset()
			a.Body.WriteString(strings.ReplaceAll(body, text, instead))
			a.Header().Del("Content-Length")
		}
	})
}

func ofPath(p string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.URL.Path == p }
}

// status answers some requests with a status and nothing else, and does not do what they
// ask.
func status(code int, which func(*http.Request) bool) fault {
	return func(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
		return spoil(tb, healthy, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if which(r) {
					w.WriteHeader(code)
					return
				}
				h.ServeHTTP(w, r)
			})
		})
	}
}

// losesOne is a server that acknowledges one of its writes and does not make it.
func losesOne(tb testing.TB, healthy *harnesstest.Server) harnesstest.Target {
	var seen atomic.Int64
	return status(http.StatusOK, func(r *http.Request) bool {
		return r.Method == http.MethodPost && seen.Add(1) == 10
	})(tb, healthy)
}

// raw is a server that reads the header of a request, however that looks, and writes
// something.
func raw(answer func(in *bufio.Reader) string) fault {
	return func(tb testing.TB, _ *harnesstest.Server) harnesstest.Target {
		return harnesstest.URL(tb, listen(tb, func(conn net.Conn) {
			in := bufio.NewReader(conn)
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == "\r\n" {
					break
				}
			}
			io.WriteString(conn, answer(in))
			conn.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, in)
		}))
	}
}

// welcome has nothing against anything.
func welcome(*bufio.Reader) string {
	return "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
}
