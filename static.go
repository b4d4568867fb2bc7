package fazt

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/internal/site"
	"github.com/fazt-sh/fazt/storage"
)

// serveStatic answers a request for one of the app's files. It never waits for
// a JavaScript slot. p is the cleaned absolute path of the request.
func (s *Server) serveStatic(w http.ResponseWriter, r *http.Request, a *app, p string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.writeMethod(w, r, "only GET and HEAD are answered here; a handler answers below /api and on its routes")
		return
	}
	a.manifest.SetHeaders(w.Header(), p)
	if site.IsPrivate(p) {
		user, err := s.auth.User(r)
		if err != nil {
			s.writeFailure(w, r, a, err)
			return
		}
		if user == nil && auth.IsNavigation(r) {
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, s.auth.LoginURL(r, r.RequestURI), http.StatusFound)
			return
		}
		if user == nil {
			s.writeError(w, r, &api.Error{Status: http.StatusUnauthorized, Code: "LOGIN_REQUIRED", Message: "sign in to read this file"})
			return
		}
	}
	file, to := a.find(p)
	switch {
	case to != "":
		// Relative, since the app may be mounted under a prefix it can't see, and as
		// the visitor has escaped it: they are led to where they are.
		raw := r.URL.EscapedPath()
		target := strings.ReplaceAll(to, "{}", lastSegment(raw))
		if r.URL.RawQuery != "" {
			target += "?" + r.URL.RawQuery
		}
		w.Header().Del("Cache-Control") // what a manifest gives is for the file
		w.Header().Set("Location", target)
		w.WriteHeader(http.StatusMovedPermanently)
	case file != nil:
		s.serveFile(w, r, a, file)
	default:
		s.serveMissing(w, r, a, p)
	}
}

// lastSegment is what a path ends in, without a slash.
func lastSegment(p string) string {
	p = strings.TrimRight(p, "/")
	return p[strings.LastIndexByte(p, '/')+1:]
}

// find is named, or the file that answers what no file is there for.
func (a *app) find(p string) (file *file, to string) {
	file, to = a.named(p)
	if file == nil && to == "" && a.manifest.IsServable(p) && !site.IsPrivate(p) && path.Ext(p) == "" {
		// 200.html is a custom of static hosts, for builds whose index.html is a page.
		if file = a.files["200.html"]; file == nil && a.manifest.SPA {
			file = a.files["index.html"]
		}
	}
	return file, to
}

// named returns the file that a path names, or says where that would be, relative to
// the last segment of the path, which stands for {}.
func (a *app) named(p string) (file *file, to string) {
	if !a.manifest.IsServable(p) || site.IsPackaging(p) && a.info.Current.Engine != "" {
		return nil, ""
	}
	name := p[1:]
	if dir, ok := strings.CutSuffix(name, "/"); name == "" || ok {
		if file = a.files[name+"index.html"]; file == nil && dir != "" && a.files[dir+".html"] != nil {
			return nil, "../{}"
		}
	} else if file = a.files[name]; file == nil {
		if file = a.files[name+".html"]; file == nil && a.files[name+"/index.html"] != nil {
			return nil, "./{}/"
		}
	}
	return file, ""
}

// serveMissing answers for a path that the current version has nothing for: by a file of
// a version before, if its name says that its bytes are the ones that are meant, so that
// a page that was open during a deploy finds its parts; else by the app's own page.
func (s *Server) serveMissing(w http.ResponseWriter, r *http.Request, a *app, p string) {
	kept, err := s.keptFile(r.Context(), a, p)
	if err != nil {
		s.writeFailure(w, r, a, err)
		return
	}
	if kept != nil {
		s.serveFile(w, r, a, kept)
		return
	}
	if page := a.files["404.html"]; page != nil {
		w.Header().Set("Cache-Control", "no-cache") // what a manifest gives is for the file
		s.serveFile(statusWriter{w, http.StatusNotFound}, withoutConditions(r), a, page)
		return
	}
	s.notFound(w, r)
}

// maxKept bounds the names that an app remembers of versions before.
const maxKept = 1024

// keptFile returns the file of another version that answers a path, or nil: of one before,
// or of the next, which this server is yet to hear of while another has answered by it
// already. The store is asked only about what could be one, and once for each name as
// long as there are not too many of them.
func (s *Server) keptFile(ctx context.Context, a *app, p string) (*file, error) {
	if !a.manifest.IsServable(p) || site.IsPrivate(p) || !site.MayBeHashed(p[1:]) {
		return nil, nil
	}
	a.keptMu.Lock()
	known, ok := a.kept[p]
	a.keptMu.Unlock()
	if ok {
		return known, nil
	}
	var found *file
	stored, err := s.store.FileInKept(ctx, a.info.ID, p[1:])
	if err == nil && stored.Hashed {
		found = newFile(stored, &a.manifest)
	}
	if err != nil && storage.CodeOf(err) != storage.CodeNotFound {
		return nil, err
	}
	a.keptMu.Lock()
	defer a.keptMu.Unlock()
	if a.kept == nil || len(a.kept) >= maxKept {
		a.kept = make(map[string]*file)
	}
	a.kept[p] = found
	return found, nil
}

// file is a static file with the header values of its answers, made once.
// Nothing changes a header's slice in place.
type file struct {
	storage.File
	contentType  []string
	cacheControl []string
	coding       []string            // that its bytes are in already, nil for none
	etags        map[string][]string // by encoding
}

func newFile(f storage.File, m *site.Manifest) *file {
	mime, coding := m.TypeOf(f.Path)
	out := &file{File: f, contentType: []string{mime}, etags: map[string][]string{"": {`"` + f.Hash + `"`}},
		cacheControl: []string{cacheControl(f, mime)}}
	if coding != "" {
		out.coding, out.Encodings = []string{coding}, nil
	}
	for _, encoding := range out.Encodings {
		out.etags[encoding] = []string{`"` + f.Hash + "-" + encoding + `"`}
	}
	return out
}

var acceptRanges = []string{"bytes"}

// serveFile writes a file, compressed if the client takes that and asks for
// nothing that depends on exact bytes. http.ServeContent does the conditional
// and range requests, and what is too large for memory.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request, a *app, f *file) {
	h := w.Header()
	if len(f.Encodings) > 0 {
		h.Add("Vary", "Accept-Encoding")
	}
	encoding := f.encodingFor(r.Header)
	h["Etag"] = f.etags[encoding]
	if h["Cache-Control"] == nil || site.IsPrivate("/"+f.Path) && sharable(h.Get("Cache-Control")) {
		h["Cache-Control"] = f.cacheControl
	}
	if f.isUnchanged(r, encoding) {
		// A client keeps what it was told with the file (RFC 9110, 15.4.5 and 9111, 3.2).
		delete(h, "X-Content-Type-Options")
		delete(h, "Referrer-Policy")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"] = f.contentType
	if f.coding != nil {
		h["Content-Encoding"] = f.coding
	} else if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	if data, ok := s.content.get(contentKey{f.Hash, encoding}); ok && wantsWhole(r) {
		h["Last-Modified"] = a.modified
		h["Accept-Ranges"] = acceptRanges
		if len(data) > maxCountedBody {
			h.Set("Content-Length", strconv.Itoa(len(data)))
		}
		w.WriteHeader(http.StatusOK)
		w.Write(data)
		return
	}
	content, err := s.openContent(r.Context(), f.File, encoding)
	if err != nil {
		for _, name := range []string{"Content-Type", "Etag", "Cache-Control", "Content-Encoding"} {
			h.Del(name)
		}
		s.writeFailure(w, r, a, err)
		return
	}
	defer content.Close()
	if h["Content-Encoding"] != nil && r.Header["Range"] == nil {
		// ServeContent leaves this out for an encoded body.
		if size, err := content.Seek(0, io.SeekEnd); err == nil {
			h.Set("Content-Length", strconv.FormatInt(size, 10))
		}
	}
	http.ServeContent(w, cleanRange(withoutDates(r), f.Size), "", a.info.Current.CreatedAt, content)
}

// encodingFor chooses the form of a file that answers a request: the one that its
// conditions name, if the client takes that, else the smallest. Ranges, and what depends
// on a date, are of the bytes as they are.
func (f *file) encodingFor(h http.Header) string {
	if len(f.Encodings) == 0 || h["Range"] != nil || h["If-Unmodified-Since"] != nil {
		return ""
	}
	accept := h.Get("Accept-Encoding")
	if h["If-None-Match"] != nil || h["If-Match"] != nil {
		named := h.Get("If-Match") + h.Get("If-None-Match")
		for i, encoding := range f.Encodings {
			if strings.Contains(named, f.etags[encoding][0]) && site.ChooseEncoding(accept, f.Encodings[i:i+1]) != "" {
				return encoding
			}
		}
		if strings.Contains(named, f.etags[""][0]) {
			return ""
		}
	}
	if accept == "" {
		return ""
	}
	return site.ChooseEncoding(accept, f.Encodings)
}

// isUnchanged answers the commonest question of caches, whether they have the file as it
// is, without its content. What it does not answer, http.ServeContent does.
func (f *file) isUnchanged(r *http.Request, encoding string) bool {
	have := r.Header["If-None-Match"]
	return len(have) == 1 && have[0] == f.etags[encoding][0] &&
		r.Header["If-Match"] == nil && r.Header["If-Unmodified-Since"] == nil
}

// maxCountedBody is up to which length net/http counts a body by itself. A
// header less is time saved: beyond eight, Go's maps are made in another way.
const maxCountedBody = 1 << 10

// wantsWhole reports whether a request is for all of a file, whatever the
// client may have of it.
func wantsWhole(r *http.Request) bool {
	h := r.Header
	return r.Method == http.MethodGet && h["If-None-Match"] == nil && h["Range"] == nil &&
		h["If-Match"] == nil && h["If-Unmodified-Since"] == nil // If-Modified-Since and If-Range: see withoutDates
}

// maxRanges is how many parts of a file one request may ask for; beyond it the
// whole file costs less.
const maxRanges = 16

// cleanRange mends what http.ServeContent takes a Range header otherwise than RFC 9110
// has it (section 14): a request that isn't GET has no ranges, a unit that isn't known
// is ignored, whatever its case, an empty file has no part, and the last 0 bytes of a
// file are none that it has.
func cleanRange(r *http.Request, size int64) *http.Request {
	given := r.Header.Get("Range")
	if given == "" {
		return r
	}
	unit, ranges, _ := strings.Cut(given, "=")
	clean := "bytes=" + ranges
	switch {
	case r.Method != http.MethodGet || !strings.EqualFold(strings.TrimSpace(unit), "bytes") || ranges == "" ||
		size == 0 || strings.Count(ranges, ",") >= maxRanges:
		clean = ""
	case strings.Contains(ranges, "-0"):
		var kept []string
		for part := range strings.SplitSeq(ranges, ",") {
			if last, ok := strings.CutPrefix(strings.TrimSpace(part), "-"); !ok || last == "" || strings.Trim(last, "0") != "" {
				kept = append(kept, part)
			}
		}
		if clean = "bytes=" + strings.Join(kept, ","); len(kept) == 0 {
			clean = fmt.Sprintf("bytes=%d-", size) // which it has not either
		}
	}
	if clean == given {
		return r
	}
	r = r.Clone(r.Context())
	if r.Header.Del("Range"); clean != "" {
		r.Header.Set("Range", clean)
	}
	return r
}

// withoutDates takes out of a request what could get it a mixture of two
// versions that were deployed within a second, the resolution of HTTP's dates:
// a condition on a date, where the ETag is exact. A range that depends on one is
// answered with the whole file.
func withoutDates(r *http.Request) *http.Request {
	h := r.Header
	since, ifRange := h["If-Modified-Since"] != nil, h.Get("If-Range")
	bad := h["Range"] != nil && ifRange != "" && !strings.HasPrefix(ifRange, `"`)
	if !since && !bad {
		return r
	}
	r = r.Clone(r.Context())
	r.Header.Del("If-Modified-Since")
	if bad {
		r.Header.Del("Range")
	}
	return r
}

// cacheControl says how long a file may be kept without asking again.
func cacheControl(f storage.File, mime string) string {
	switch {
	case site.IsPrivate("/" + f.Path):
		return "private, no-cache"
	case strings.HasPrefix(mime, "text/html"):
		return "no-cache"
	case f.Hashed:
		return "public, max-age=31536000, immutable"
	}
	return "public, max-age=300"
}

// sharable reports whether a Cache-Control lets caches that several people share
// keep an answer. What a manifest gives for all paths must not let them keep what
// is for those who have signed in.
func sharable(cacheControl string) bool {
	text := strings.ToLower(cacheControl)
	return !strings.Contains(text, "private") && !strings.Contains(text, "no-store")
}
