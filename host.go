package fazt

import (
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/frontdoor"
)

// ServeHTTP answers a request by its host and path: sign-in under /auth/ on any
// host, the management API on the bare loopback host and on admin.<domain>, and
// apps on the labels below localhost and the domain.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.serve(w, r, s.serveHost) }

// serve answers a request by route, which is given the path, cleaned once for
// everybody.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, route func(w *answer, r *http.Request, p string)) {
	out := s.begin(w, r)
	defer s.end(out, r)
	if !s.enter() {
		writeClosed(out)
		return
	}
	defer s.requests.Done()
	p, ok := cleanPath(r.URL.Path)
	if !ok {
		notFound(out, r)
		return
	}
	route(out, r, p)
}

// end counts a request that is over, and logs a panic. net/http would say so to a
// log that is only for clients' mistakes.
func (s *Server) end(w *answer, r *http.Request) {
	p := recover()
	s.stats.record(w)
	if p == nil {
		return
	}
	if p != http.ErrAbortHandler {
		s.log.Error("a request panicked", "request_id", w.Header().Get(requestIDHeader),
			"method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
	}
	panic(http.ErrAbortHandler)
}

func (s *Server) serveHost(w *answer, r *http.Request, p string) {
	host := hostname(r.Host)
	domain := s.opt.Domain
	switch {
	case p == "/auth" || strings.HasPrefix(p, "/auth/"):
		w.kind = kindAuth
		if p != r.URL.Path {
			notFound(w, r)
			return
		}
		s.auth.ServeHTTP(w, r)
	case s.isManagement(host):
		w.kind = kindManagement
		s.serveManagement(w, r, p)
	case domain != "" && host == domain:
		s.serveHome(w, r, p)
	default:
		label, ok := strings.CutSuffix(host, ".localhost")
		if !ok && domain != "" {
			label, ok = strings.CutSuffix(host, "."+domain)
		}
		if a := s.app(label); ok && a != nil {
			s.serveApp(w, r, a, p)
			return
		}
		s.serveUnknown(w, r)
	}
}

// isManagement reports whether the management API answers on a host.
func (s *Server) isManagement(host string) bool {
	return isLoopback(host) || s.opt.Domain != "" && host == "admin."+s.opt.Domain
}

// begin sets the headers that every answer has, and starts to count it.
func (s *Server) begin(w http.ResponseWriter, r *http.Request) *answer {
	s.stats.inFlight.Add(1)
	h := w.Header()
	h["X-Content-Type-Options"] = nosniff
	h["Referrer-Policy"] = referrerPolicy
	id := frontdoor.RequestID(r)
	if id == "" {
		id = newRequestID()
	}
	h[requestIDHeader] = []string{id}
	if frontdoor.IsSecure(r) {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	return &answer{ResponseWriter: w, start: time.Now(), kind: kindOther}
}

// Header values that every answer has, made once. Nothing changes a header's
// slice in place.
var (
	nosniff        = []string{"nosniff"}
	jsonType       = []string{"application/json"}
	referrerPolicy = []string{"strict-origin-when-cross-origin"}
)

// requestIDHeader carries the request's id in the answer, where the rest of the
// server reads it too.
const requestIDHeader = "X-Request-Id"

func newRequestID() string {
	var id [12]byte
	rand.Read(id[:]) // never fails
	var text [2 * len(id)]byte
	hex.Encode(text[:], id[:])
	return string(text[:])
}

// hostname returns a Host header's name: lower case, without port and final dot.
func hostname(host string) string {
	if strings.Contains(host, ":") { // else the error would be made for nothing
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

func isLoopback(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// serveApp answers from one app: its handler under /api, its files elsewhere.
func (s *Server) serveApp(w *answer, r *http.Request, a *app, p string) {
	w.kind, w.app = kindStatic, a.stats
	if strings.HasPrefix(p, ownPrefix) {
		s.serveOwn(w, r, a, p)
		return
	}
	if p == "/api" || strings.HasPrefix(p, "/api/") {
		w.kind = kindHandler
		s.serveHandler(w, r, a, p)
		return
	}
	s.serveStatic(w, r, a, p)
}

// serveHome answers the domain itself.
func (s *Server) serveHome(w *answer, r *http.Request, p string) {
	if a := s.app("root"); a != nil {
		s.serveApp(w, r, a, p)
		return
	}
	if p != "/" {
		notFound(w, r)
		return
	}
	writePage(w, http.StatusOK, "Welcome", "This is a fazt server. Deploy an app named root to put its pages here.")
}

// serveUnknown answers a host that no app has.
func (s *Server) serveUnknown(w http.ResponseWriter, r *http.Request) {
	if a := s.app("404"); a != nil && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		if f := a.files["index.html"]; f != nil {
			a.manifest.addHeaders(w.Header(), "/")
			s.serveFile(statusWriter{w, http.StatusNotFound}, withoutConditions(r), a, f)
			return
		}
	}
	notFound(w, r)
}

// withoutConditions makes a request for the whole file, since a 404 is neither
// a part of it nor unchanged.
func withoutConditions(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	for _, name := range []string{"If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range", "Range"} {
		r.Header.Del(name)
	}
	return r
}

// statusWriter answers with another status than 200.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w statusWriter) WriteHeader(int) { w.ResponseWriter.WriteHeader(w.status) }
