package fazt

import (
	"io"
	"net/http"
	"net/url"
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
		s.writeMethod(w, r, "this path is a file; use GET or HEAD")
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
	file, redirect := a.find(p)
	switch {
	case redirect && r.URL.EscapedPath() != (&url.URL{Path: p}).EscapedPath():
		s.notFound(w, r) // a relative redirect from an unclean path leads elsewhere
	case redirect:
		// Relative, since the app may be mounted under a prefix it can't see.
		target := url.URL{Path: "./" + path.Base(p) + "/", RawQuery: r.URL.RawQuery}
		w.Header().Set("Location", target.String())
		w.WriteHeader(http.StatusMovedPermanently)
	case file == nil:
		s.notFound(w, r)
	default:
		s.serveFile(w, r, a, file)
	}
}

// find returns the file that answers a path, or reports that the path wants a
// slash at its end.
func (a *app) find(p string) (file *file, redirect bool) {
	if !site.IsServable(p) {
		return nil, false
	}
	name := p[1:]
	if name == "" || strings.HasSuffix(name, "/") {
		file = a.files[name+"index.html"]
	} else if file = a.files[name]; file == nil && a.files[name+"/index.html"] != nil {
		return nil, true
	}
	if file == nil && a.manifest.SPA && !site.IsPrivate(p) && path.Ext(name) == "" {
		file = a.files["index.html"]
	}
	return file, false
}

// file is a static file with the header values of its answers, made once.
// Nothing changes a header's slice in place.
type file struct {
	storage.File
	contentType  []string
	cacheControl []string
	etags        map[string][]string // by encoding
}

func newFile(f storage.File) *file {
	mime := site.MIMEType(f.Path)
	out := &file{File: f, contentType: []string{mime}, etags: map[string][]string{"": {`"` + f.Hash + `"`}},
		cacheControl: []string{cacheControl(f.Path, mime, site.IsPrivate("/"+f.Path))}}
	for _, encoding := range f.Encodings {
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
	encoding := ""
	if len(f.Encodings) > 0 {
		h.Add("Vary", "Accept-Encoding")
		if r.Header.Get("Range") == "" && r.Header.Get("If-Match") == "" && r.Header.Get("If-Unmodified-Since") == "" {
			encoding = site.ChooseEncoding(r.Header.Get("Accept-Encoding"), f.Encodings)
		}
	}
	h["Content-Type"] = f.contentType
	h["Etag"] = f.etags[encoding]
	if h["Cache-Control"] == nil || site.IsPrivate("/"+f.Path) && sharable(h.Get("Cache-Control")) {
		h["Cache-Control"] = f.cacheControl
	}
	if encoding != "" {
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
	if encoding != "" {
		// ServeContent leaves this out for an encoded body.
		if size, err := content.Seek(0, io.SeekEnd); err == nil {
			h.Set("Content-Length", strconv.FormatInt(size, 10))
		}
	}
	http.ServeContent(w, withoutDates(r), "", a.info.Current.CreatedAt, content)
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

func tooManyRanges(r *http.Request) bool {
	return strings.Count(r.Header.Get("Range"), ",") >= maxRanges
}

// withoutDates takes out of a request what could get it a mixture of two
// versions that were deployed within a second, the resolution of HTTP's dates:
// a condition on a date, where the ETag is exact. A range that depends on one,
// or is one of too many, is answered with the whole file.
func withoutDates(r *http.Request) *http.Request {
	h := r.Header
	since, ranges, ifRange := h["If-Modified-Since"] != nil, h.Get("Range"), h.Get("If-Range")
	bad := ranges != "" && (tooManyRanges(r) || ifRange != "" && !strings.HasPrefix(ifRange, `"`))
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
func cacheControl(name, mime string, private bool) string {
	switch {
	case private:
		return "private, no-cache"
	case strings.HasPrefix(mime, "text/html"):
		return "no-cache"
	case site.HasContentHash(name):
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
