package fazt

import (
	"crypto/rand"
	"encoding/hex"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/internal/livereload"
	"github.com/fazt-sh/fazt/internal/site"
	"github.com/fazt-sh/fazt/storage"
)

// ServeHTTP answers a request by its host and path: sign-in under /auth/ on any
// host, the management API on the bare loopback host and on admin.<domain>, apps
// and aliases on the labels below localhost and the domain, and the home app on the
// domain itself, on IP addresses and on names of machines.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.serve(w, r, s.serveHost) }

// serve answers a request by route, which is given the path, cleaned once for
// everybody.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, route func(w *answer, r *http.Request, p string)) {
	out := s.begin(w, r)
	defer s.end(out, r)
	if !s.enter() {
		s.writeClosed(out, r)
		return
	}
	defer s.requests.Done()
	p, ok := site.CleanPath(r.URL.Path)
	if !ok || r.URL.Opaque != "" { // "GET http:.elsewhere.test", which redirects would go on with
		s.notFound(out, r)
		return
	}
	route(out, r, p)
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
	h[api.RequestIDHeader] = []string{id}
	if frontdoor.IsSecure(r) {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	return &answer{ResponseWriter: w, start: time.Now(), kind: kindOther, since: s.revision.Load()}
}

// Header values that every answer has, made once. Nothing changes a header's
// slice in place.
var (
	nosniff        = []string{"nosniff"}
	jsonType       = []string{"application/json"}
	referrerPolicy = []string{"strict-origin-when-cross-origin"}
	sameOrigin     = []string{"SAMEORIGIN"}
)

func newRequestID() string {
	var id [12]byte
	rand.Read(id[:]) // never fails
	var text [2 * len(id)]byte
	hex.Encode(text[:], id[:])
	return string(text[:])
}

// end counts a request that is over, and logs a panic. net/http would say so to a
// log that is only for clients' mistakes.
func (s *Server) end(w *answer, r *http.Request) {
	p := recover()
	s.stats.record(w)
	if s.opt.Dev {
		s.logRequest(w, r)
	}
	if p == nil {
		return
	}
	if p != http.ErrAbortHandler {
		s.log.Error("a request panicked", "request_id", w.Header().Get(api.RequestIDHeader),
			"method", r.Method, "path", auth.PublicPath(r.URL.Path), "panic", p, "stack", string(debug.Stack()))
	}
	panic(http.ErrAbortHandler)
}

func (s *Server) serveHost(w *answer, r *http.Request, p string) {
	host := s.auth.SiteOf(r)
	managing := auth.IsAtManagement(r.Context())
	if (host.Kind == auth.SiteElsewhere || host.Kind == auth.SiteSingle) && !managing && s.auth.IsAddress(r.Host) {
		r = r.WithContext(auth.AtApps(r.Context()))
		host = s.auth.SiteOf(r)
	}
	switch canonical := host.Canonical(); {
	case managing && host.Kind != auth.SiteManagement:
		s.notFound(w, r)
	case canonical != "":
		w.Header().Set("Location", scheme(r)+canonical+r.URL.RequestURI())
		w.WriteHeader(http.StatusPermanentRedirect)
	case p == "/auth" || strings.HasPrefix(p, "/auth/"):
		w.kind = kindAuth
		if p != r.URL.Path {
			s.notFound(w, r)
			return
		}
		s.auth.ServeHTTP(w, r)
	case host.Kind == auth.SiteManagement:
		w.kind = kindManagement
		s.serveManagement(w, r, p)
	case host.Kind == auth.SiteApp && host.Label == "":
		s.serveHome(w, r, p)
	case host.Kind == auth.SiteApp:
		s.serveLabel(w, r, host.Label, p)
	default:
		s.serveUnknown(w, r)
	}
}

// serveLabel answers a label: by its alias, else by the app of that name.
func (s *Server) serveLabel(w *answer, r *http.Request, label, p string) {
	if !s.serveAlias(w, r, label, p) && !s.serveUndeployed(w, r, label, p) {
		s.serveUnknown(w, r)
	}
}

// serveAlias is serveLabel for a label that may lead nowhere: it reports false then,
// and has not answered.
func (s *Server) serveAlias(w *answer, r *http.Request, label, p string) bool {
	route, err := s.route(r.Context(), label)
	if err != nil {
		s.writeFailure(w, r, nil, err)
		return true
	}
	key := route.key
	switch route.kind {
	case storage.AliasReserved:
		return false
	case storage.AliasRedirect:
		s.redirect(w, r, route.url, p)
		return true
	case storage.AliasSplit:
		key = s.draw(w, r, route.split)
	}
	a, err := s.appVersion(r.Context(), key)
	switch {
	case err != nil:
		s.writeFailure(w, r, nil, err)
	case a == nil:
		return false
	default:
		s.serveApp(w, r, a, p)
	}
	return true
}

// redirect sends a visitor to the path p and the query below a URL. Browsers ask each
// time, for the alias may change.
func (s *Server) redirect(w *answer, r *http.Request, to *url.URL, p string) {
	path := r.URL.EscapedPath()
	if p != r.URL.Path {
		path = (&url.URL{Path: p}).EscapedPath()
	}
	query := to.RawQuery
	if query != "" && r.URL.RawQuery != "" {
		query += "&"
	}
	if query += r.URL.RawQuery; query != "" {
		query = "?" + query
	}
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("Location", to.Scheme+"://"+to.Host+strings.TrimSuffix(to.EscapedPath(), "/")+path+query)
	w.WriteHeader(http.StatusPermanentRedirect)
}

// splitAge is how long a browser keeps to its target of a split.
const splitAge = 30 * 24 * time.Hour

// draw chooses a visitor's target of a split. The cookie holds one of the hundred
// places in which the targets have their shares, drawn once: so a change of the weights
// moves those visitors alone whose place has gone to another.
func (s *Server) draw(w *answer, r *http.Request, split []storage.Weight) appKey {
	name := auth.SplitCookie
	if frontdoor.IsSecure(r) {
		name = "__Host-" + name
	}
	w.varies = true
	place := -1
	if c, err := r.Cookie(name); err == nil {
		if n, err := strconv.Atoi(c.Value); err == nil && 0 <= n && n < 100 {
			place = n
		}
	}
	if place < 0 {
		place = mathrand.IntN(100)
		w.split = &http.Cookie{Name: name, Value: strconv.Itoa(place), Path: "/", MaxAge: int(splitAge.Seconds()),
			HttpOnly: true, Secure: frontdoor.IsSecure(r), SameSite: http.SameSiteLaxMode}
	}
	for _, t := range split {
		if place -= t.Percent; place < 0 {
			return appKey{t.App, t.Version}
		}
	}
	return appKey{} // no split sums to less than 100
}

// serveNamed answers from the app of a name, wherever that is mounted.
func (s *Server) serveNamed(w *answer, r *http.Request, name, p string) {
	a, err := s.app(r.Context(), name)
	switch {
	case err != nil:
		s.writeFailure(w, r, nil, err)
	case a == nil:
		s.notFound(w, r)
	default:
		s.serveApp(w, r, a, p)
	}
}

// serveApp answers from one app: its handler under /api and on its routes, its files
// elsewhere.
func (s *Server) serveApp(w *answer, r *http.Request, a *app, p string) {
	w.kind, w.app = kindStatic, a.stats
	asked := r
	if s.isDeveloper(r) && auth.IsNavigation(r) && !strings.HasPrefix(p, site.OwnPrefix) {
		s.dev.Visited(a.info.Name)
		page := livereload.NewPage(w.ResponseWriter, ownURL(r), versionOf(a))
		w.ResponseWriter = page
		defer page.Close()
		r = withoutConditions(r)
		r.Header.Del("Accept-Encoding")
	}
	if framedBySibling(r) {
		w.Header()["X-Frame-Options"] = sameOrigin
		r = withoutConditions(r) // Chromium does not take the header from a 304
	}
	switch {
	case strings.HasPrefix(p, site.OwnPrefix):
		s.serveOwn(w, r, a, p)
	case isAPI(p):
		w.kind = kindHandler
		params, _ := a.manifest.Route(p)
		s.serveHandler(w, asked, a, p, params)
	case a.broken != nil:
		s.writeFailure(w, r, a, a.broken)
	default:
		if params, ok := s.routed(r, a, p); ok {
			w.kind = kindHandler
			s.serveHandler(w, asked, a, p, params)
			return
		}
		s.serveStatic(w, r, a, p)
	}
}

// routed reports whether a path is the handler's by the app's routes, and returns its
// named parts. What a file answers, of this version or of one before, is not.
func (s *Server) routed(r *http.Request, a *app, p string) (params map[string]string, ok bool) {
	params, ok = a.manifest.Route(p)
	if !ok || a.files[site.MainPath] == nil {
		return nil, false
	}
	if file, to := a.named(p); file != nil || to != "" {
		return nil, false
	}
	kept, err := s.keptFile(r.Context(), a, p) // an error is serveStatic's to say
	return params, kept == nil && err == nil
}

// framedBySibling reports whether a browser wants a page for a frame on one of another
// app of this server. Sessions are good in such a frame, other than in one of another
// site, so whoever draws over it could have its visitor click there. An app that is to
// be framed says so by a Content-Security-Policy with frame-ancestors, which browsers
// obey instead of X-Frame-Options.
func framedBySibling(r *http.Request) bool {
	if r.Header.Get("Sec-Fetch-Site") != "same-site" {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "iframe", "frame", "fencedframe", "embed", "object":
		return true
	}
	return false
}

// home is the label of what answers the domain itself.
func (s *Server) home() string {
	if s.opt.Home != "" {
		return s.opt.Home
	}
	return "root"
}

// serveHome answers the domain itself, and the machine's addresses.
func (s *Server) serveHome(w *answer, r *http.Request, p string) {
	switch {
	case s.serveAlias(w, r, s.home(), p):
	case s.home() != "root" && s.serveAlias(w, r, "root", p):
	case p != "/":
		s.notFound(w, r)
	default:
		s.writeHome(w, r)
	}
}

// serveUnknown answers a host that no app has.
func (s *Server) serveUnknown(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		// An app that can't be had is as good as none here.
		if a, _ := s.app(r.Context(), "404"); a != nil && a.files["index.html"] != nil {
			a.manifest.SetHeaders(w.Header(), "/")
			s.serveFile(statusWriter{w, http.StatusNotFound}, withoutConditions(r), a, a.files["index.html"])
			return
		}
	}
	s.notFound(w, r)
}

// withoutConditions makes a request for the whole file: a 404 is neither a part of
// it nor unchanged.
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

// ReadFrom keeps a stream what it is, see [frontdoor.SlowClients].
func (w statusWriter) ReadFrom(src io.Reader) (int64, error) { return io.Copy(w.ResponseWriter, src) }
