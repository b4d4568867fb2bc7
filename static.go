package fazt

import (
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/fazt-sh/fazt/storage"
)

// serveStatic answers a request for one of the app's files. It never waits for
// a JavaScript slot. p is the cleaned absolute path of the request.
func (s *Server) serveStatic(w http.ResponseWriter, r *http.Request, a *app, p string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		writeError(w, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "this path is a file; use GET or HEAD")
		return
	}
	a.manifest.addHeaders(w.Header(), p)
	if isPrivate(p) {
		user, err := s.auth.User(r)
		if err != nil {
			s.writeFailure(w, r, a, err)
			return
		}
		if user == nil {
			writeError(w, http.StatusUnauthorized, "LOGIN_REQUIRED", "sign in to read this file")
			return
		}
	}
	file, redirect := a.find(p)
	switch {
	case redirect && r.URL.EscapedPath() != (&url.URL{Path: p}).EscapedPath():
		notFound(w, r) // a relative redirect from an unclean path leads elsewhere
	case redirect:
		// Relative, since the app may be mounted under a prefix it can't see.
		target := url.URL{Path: "./" + path.Base(p) + "/", RawQuery: r.URL.RawQuery}
		w.Header().Set("Location", target.String())
		w.WriteHeader(http.StatusMovedPermanently)
	case file == nil:
		notFound(w, r)
	default:
		s.serveFile(w, r, a, file)
	}
}

// cleanPath resolves . and .. and doubled slashes, and keeps a slash at the
// end. It reports whether the path can name anything: a backslash or a NUL is
// never part of a file's name here.
func cleanPath(p string) (string, bool) {
	if strings.ContainsAny(p, "\\\x00") {
		return "", false
	}
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	clean := path.Clean(p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return clean, true
}

func isPrivate(p string) bool { return p == "/private" || strings.HasPrefix(p, "/private/") }

// servable reports whether a path may name a file that is served: the handler's
// source, the manifest and what starts with a dot may not.
func servable(p string) bool {
	return p != "/api" && !strings.HasPrefix(p, "/api/") && p != "/manifest.json" && !strings.Contains(p, "/.")
}

// find returns the file that answers a path, or reports that the path wants a
// slash at its end.
func (a *app) find(p string) (file *file, redirect bool) {
	if !servable(p) {
		return nil, false
	}
	name := p[1:]
	if name == "" || strings.HasSuffix(name, "/") {
		file = a.files[name+"index.html"]
	} else if file = a.files[name]; file == nil && a.files[name+"/index.html"] != nil {
		return nil, true
	}
	if file == nil && a.manifest.SPA && !isPrivate(p) && path.Ext(name) == "" {
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
	mime := mimeType(f.Path)
	out := &file{File: f, contentType: []string{mime}, etags: map[string][]string{"": {`"` + f.Hash + `"`}},
		cacheControl: []string{cacheControl(f.Path, mime, isPrivate("/"+f.Path))}}
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
			encoding = chooseEncoding(r.Header.Get("Accept-Encoding"), f.Encodings)
		}
	}
	h["Content-Type"] = f.contentType
	h["Etag"] = f.etags[encoding]
	if h["Cache-Control"] == nil || isPrivate("/"+f.Path) && sharable(h.Get("Cache-Control")) {
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

// withoutDates takes out of a request what could get it a mixture of two
// versions that were deployed within a second, the resolution of HTTP's dates:
// a condition on a date, where the ETag is exact. A range that depends on one,
// or is one of too many, is answered with the whole file.
func withoutDates(r *http.Request) *http.Request {
	h := r.Header
	since, ranges, ifRange := h["If-Modified-Since"] != nil, h.Get("Range"), h.Get("If-Range")
	bad := ranges != "" && (strings.Count(ranges, ",") >= maxRanges || ifRange != "" && !strings.HasPrefix(ifRange, `"`))
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
	case hasContentHash(name):
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

// hasContentHash reports whether a build tool put a hash of the content into
// the file's name: app.3f2a91bc.js, index-B7xYz12_.js. A wrong yes would keep a
// stale file in browsers for a year, so words and dates are not taken for one:
// it must be hex with a digit and a letter, or 8 characters with a digit and a
// capital letter.
func hasContentHash(name string) bool {
	base := path.Base(name)
	base = strings.TrimSuffix(base, path.Ext(base))
	hash := base[strings.LastIndexAny(base, ".-")+1:]
	if len(base) >= 9 && (base[len(base)-9] == '-' || base[len(base)-9] == '.') {
		hash = base[len(base)-8:] // may itself contain a hyphen
	}
	if len(hash) < 8 || len(hash) == len(base) {
		return false
	}
	var digits, hexLetters, upper, other int
	for _, c := range hash {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'f':
			hexLetters++
		case c >= 'A' && c <= 'Z':
			upper++
		default:
			other++
		}
	}
	isHex := upper == 0 && other == 0 && hexLetters > 0
	return digits > 0 && (isHex || len(hash) == 8 && upper > 0)
}

// chooseEncoding picks the smallest of the offered encodings that an
// Accept-Encoding header takes; "" is the file as it is.
func chooseEncoding(accept string, offered []string) string {
	if accept == "" {
		return ""
	}
	taken := make(map[string]bool, 4)
	for part := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(part, ";")
		taken[strings.ToLower(strings.TrimSpace(name))] = quality(params) > 0
	}
	for _, encoding := range encodings {
		ok, named := taken[encoding]
		if !named {
			ok = taken["*"]
		}
		if ok && slices.Contains(offered, encoding) {
			return encoding
		}
	}
	return ""
}

// quality reads ";q=0.5"; what it cannot read counts as 1.
func quality(params string) float64 {
	_, value, ok := strings.Cut(strings.ToLower(strings.ReplaceAll(params, " ", "")), "q=")
	if !ok {
		return 1
	}
	q, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return 1
	}
	return q
}
