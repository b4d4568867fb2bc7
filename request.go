package fazt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/frontdoor"
	"github.com/fazt-sh/fazt/runtime"
)

// readRequest makes what the handler sees of a request, or says why it is not
// run.
func (s *Server) readRequest(w http.ResponseWriter, r *http.Request, a *app, p string, body *held) (*runtime.Request, error) {
	req := &runtime.Request{
		ID: w.Header().Get(api.RequestIDHeader), Method: r.Method, Path: p, Query: runtime.ParseForm(r.URL.RawQuery),
		Header: auth.PublicHeader(r.Header), Host: r.Host, IP: remoteIP(r),
	}
	for _, c := range r.Cookies() {
		if auth.OwnsCookie(c.Name) {
			continue
		}
		if req.Cookies == nil {
			req.Cookies = make(map[string]string)
		}
		if _, ok := req.Cookies[c.Name]; !ok {
			req.Cookies[c.Name] = c.Value
		}
	}
	if r.Body == nil || r.Body == http.NoBody {
		return req, nil
	}
	return req, s.readBody(w, r, a, req, body)
}

func badRequest(code, message string) *api.Error {
	return &api.Error{Status: http.StatusBadRequest, Code: code, Message: message}
}

// readBody fills in the body by its type. It is read first, which costs little and
// may take long, and then looked at.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, a *app, req *runtime.Request, held *held) error {
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	limit := s.opt.MaxBody
	if kind == "multipart/form-data" {
		limit = s.opt.MaxUpload
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		w.Header().Set("Accept-Encoding", "identity") // RFC 9110, section 15.5.16
		return &api.Error{Status: http.StatusUnsupportedMediaType, Code: "UNSUPPORTED_ENCODING",
			Message: "the body has a Content-Encoding; send it as it is"}
	}
	if r.ContentLength > limit {
		// Not a byte is read, so a client that expects 100 Continue sends none.
		return bodyError(&http.MaxBytesError{Limit: limit})
	}
	announced := r.ContentLength
	counted := &heldBody{ReadCloser: r.Body, held: held, announced: announced}
	body, err := readAll(http.MaxBytesReader(w, counted, limit), announced)
	if err != nil {
		return bodyError(err)
	}
	caller := budget.Caller{Flow: a.info.Name, Address: frontdoor.Subscriber(r), NoSample: true}
	return s.compute(r.Context(), caller, len(body), func(turn func() error) error {
		return parseBody(req, body, kind, params["boundary"], turn)
	})
}

// readAll reads a body, whose space grows with what has come.
func readAll(body io.Reader, announced int64) ([]byte, error) {
	buf := make([]byte, 0, min(max(announced+1, 512), 64<<10)) // one more, to find its end
	for {
		if len(buf) == cap(buf) {
			size := 2 * cap(buf)
			if int64(len(buf)) <= announced {
				size = min(size, int(announced)+1)
			}
			buf = append(make([]byte, 0, size), buf...)
		}
		n, err := body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// largeBody is from which size on the check of a body, and what else is done with
// all of it, waits for a slot of its app. A shorter one takes half a millisecond.
const largeBody = 64 << 10

// compute does what takes a processor for a body of a size: on a slot, and at the
// caller's charge, as its JavaScript is. turn lets others have the slot for a
// while, and its error ends the work.
func (s *Server) compute(ctx context.Context, caller budget.Caller, size int, work func(turn func() error) error) error {
	if size <= largeBody {
		return work(func() error { return nil })
	}
	t, err := s.slots.Enter(ctx, caller)
	if err != nil {
		return err
	}
	defer t.Done()
	return work(func() error {
		t.Leave()
		return t.Resume(ctx)
	})
}

// parseBody fills in what a whole body says.
func parseBody(req *runtime.Request, body []byte, kind, boundary string, turn func() error) error {
	req.Body = body
	if kind == "multipart/form-data" {
		return readMultipart(req, boundary, turn)
	}
	req.IsText = isText(kind) && utf8.Valid(body)
	switch {
	case len(body) == 0:
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		if !req.IsText { // RFC 8259, 8.1
			return badRequest("INVALID_JSON", "the body is not valid JSON: it is not in UTF-8")
		}
		text := bytes.TrimPrefix(body, []byte("\ufeff")) // as browsers do
		if err := runtime.CheckJSON(text); err != nil {
			return badRequest("INVALID_JSON", "the body is not valid JSON: "+err.Error())
		}
		req.JSON = text
	case kind == "application/x-www-form-urlencoded":
		req.Form = runtime.ParseForm(string(body))
	}
	return nil
}

// isText reports whether a body of a type is text, as far as its bytes are. One
// without a type may be.
func isText(kind string) bool {
	if strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml") {
		return true
	}
	switch kind {
	case "", "application/json", "application/x-www-form-urlencoded", "application/xml", "application/javascript",
		"application/ecmascript", "application/graphql", "application/sql", "application/x-ndjson", "application/yaml", "application/toml":
		return true
	}
	return false
}

const (
	// maxParts is how many fields and files a form may have: each costs some
	// hundred bytes, however short it is.
	maxParts = 1000
	// partSlice is how much of a form is read in one turn on a slot, some tens of
	// microseconds.
	partSlice = 64 << 10
)

// readMultipart fills in the fields and files of a form, each of which is a part of the
// body's own bytes: it may be as large as the body.
func readMultipart(req *runtime.Request, boundary string, turn func() error) error {
	if boundary == "" {
		return badRequest("INVALID_BODY", "the form's Content-Type has no boundary")
	}
	req.Form, req.Files = make(url.Values), make(map[string][]runtime.UploadedFile)
	reader := multipart.NewReader(bytes.NewReader(req.Body), boundary)
	var content []byte
	rest := req.Body
	for parts := 0; ; parts++ {
		part, err := reader.NextPart()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return bodyError(err)
		case parts == maxParts:
			return badRequest("INVALID_BODY", fmt.Sprintf("the form has more than %d fields and files", maxParts))
		}
		if content, err = readPart(content[:0], part, turn); err != nil {
			return err
		}
		data := content
		if i := bytes.Index(rest, content); i >= 0 {
			data = slices.Clip(rest[i : i+len(content)])
			rest = rest[i+len(content):]
		} else { // it was encoded
			data = bytes.Clone(content)
		}
		addPart(req, part, data)
	}
}

// readPart reads a part into content, which grows.
func readPart(content []byte, part *multipart.Part, turn func() error) ([]byte, error) {
	for {
		if err := turn(); err != nil {
			return content, err
		}
		content = slices.Grow(content, partSlice)
		n, err := part.Read(content[len(content) : len(content)+partSlice])
		content = content[:len(content)+n]
		if err == io.EOF {
			return content, nil
		}
		if err != nil {
			return content, bodyError(err)
		}
	}
}

// formEscapes are what browsers write in the names of a form's fields and files for
// what would end them. See
// https://html.spec.whatwg.org/#multipart-form-data.
var formEscapes = strings.NewReplacer("%22", `"`, "%0D", "\r", "%0A", "\n")

// addPart notes a field, or a file, which a part is that has a file's name.
func addPart(req *runtime.Request, part *multipart.Part, data []byte) {
	field := formEscapes.Replace(part.FormName())
	_, params, _ := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	name, isFile := params["filename"]
	switch {
	case field == "", isFile && name == "" && len(data) == 0: // a file's field that was left empty
	case isFile:
		req.Files[field] = append(req.Files[field], runtime.UploadedFile{
			Name: formEscapes.Replace(part.FileName()), Type: part.Header.Get("Content-Type"), Data: data})
	default:
		req.Form[field] = append(req.Form[field], string(data))
	}
}

// bodyError says why a body could not be read.
func bodyError(err error) error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &api.Error{Status: http.StatusRequestEntityTooLarge, Code: "BODY_TOO_LARGE",
			Message: fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit)}
	}
	if errors.Is(err, budget.ErrOverloaded) {
		return err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &api.Error{Status: http.StatusRequestTimeout, Code: "BODY_TIMEOUT", Message: "the body came too slowly", Retryable: true}
	}
	return badRequest("INVALID_BODY", "the body could not be read")
}

// visitor is whose request an invocation answers; see [jsapi.Visitor].
type visitor struct {
	auth      *auth.Auth
	request   *http.Request
	app       string // its id
	requestID string
}

func (v visitor) User() (*auth.User, error) { return v.auth.User(v.request) }

func (v visitor) Roles(ctx context.Context, user *auth.User) ([]string, error) {
	list, err := v.auth.AppRoles(ctx, user.ID, v.app)
	roles := make([]string, len(list))
	for i, r := range list {
		roles[i] = r.Role
	}
	return roles, err
}

func (v visitor) LoginURL(back string) string {
	if back == "" {
		back = v.page()
	}
	return v.auth.LoginURL(v.request, back)
}

// Here has the prefix that the app is mounted under.
func (v visitor) Here() string { return v.request.RequestURI }

// page is the page that the visitor is on: what they navigate to, or the one of this
// host whose script has sent the request. It is never a path under /api, where a
// visitor who comes back would read JSON.
func (v visitor) page() string {
	if v.Navigates() && !isAPI(v.request.URL.Path) {
		return v.Here()
	}
	from, err := url.Parse(v.request.Referer())
	if err != nil || !strings.EqualFold(from.Host, v.request.Host) || isAPI(strings.TrimPrefix(from.Path, mountPrefix(v.request))) {
		return v.URL("/")
	}
	return from.RequestURI()
}

// isAPI reports whether a path below an app's address is its handler's.
func isAPI(p string) bool { return p == "/api" || strings.HasPrefix(p, "/api/") }

func (v visitor) LogoutURL() string { return v.auth.LogoutURL() }

func (v visitor) Navigates() bool { return auth.IsNavigation(v.request) }

func (v visitor) URL(path string) string { return mountPrefix(v.request) + path }

// mountPrefix is what http.StripPrefix has taken off the request's path where a
// program mounts an app below a prefix.
func mountPrefix(r *http.Request) string {
	full, err := url.ParseRequestURI(r.RequestURI)
	if err != nil {
		return ""
	}
	prefix, ok := strings.CutSuffix(full.EscapedPath(), r.URL.EscapedPath())
	if !ok {
		return ""
	}
	return prefix
}

// admitOrigin returns a request as an app's handler is to have it, if it may. A page of
// a site among the manifest's origins may send anything and read the answer, but as
// anybody could: its request has no cookies, the session's among them, for a browser
// sends those of a visitor along who has not been asked. Its preflight is answered here
// (https://fetch.spec.whatwg.org/#http-cors-protocol).
func (s *Server) admitOrigin(w http.ResponseWriter, r *http.Request, a *app) (admitted *http.Request, ok bool) {
	if len(a.manifest.Origins) == 0 {
		return r, !s.refuseForged(w, r)
	}
	h := w.Header()
	varyByOrigin(h, a)
	origin := r.Header.Get("Origin")
	_, host, _ := strings.Cut(origin, "://")
	if !slices.Contains(a.manifest.Origins, origin) || strings.EqualFold(host, r.Host) {
		return r, !s.refuseForged(w, r)
	}
	h.Set("Access-Control-Allow-Origin", origin)
	method := r.Header.Get("Access-Control-Request-Method")
	if r.Method != http.MethodOptions || method == "" {
		h.Set("Access-Control-Expose-Headers", "*")
		r = r.Clone(r.Context())
		r.Header.Del("Cookie")
		return r, true
	}
	h.Set("Access-Control-Allow-Methods", method)
	if names := r.Header.Get("Access-Control-Request-Headers"); names != "" {
		h.Set("Access-Control-Allow-Headers", names)
	}
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return r, false
}

// varyByOrigin tells caches that an answer depends on who asks, whatever the app says of
// it itself.
func varyByOrigin(h http.Header, a *app) {
	if len(a.manifest.Origins) > 0 && !strings.Contains(strings.Join(h["Vary"], ","), "Origin") {
		h["Vary"] = append(slices.Clip(h["Vary"]), "Origin")
	}
}

// refuseForged answers a request that would change something and that a browser has
// sent from a page of another origin, a sibling app's too. Browsers from before 2023
// say so by Origin alone; what says nothing is no browser, or no more than a link.
func (s *Server) refuseForged(w http.ResponseWriter, r *http.Request) bool {
	if s.forgery.Check(r) == nil {
		return false
	}
	s.writeError(w, r, &api.Error{Status: http.StatusForbidden, Code: "CROSS_ORIGIN",
		Message: "this request came from a page of another site; send it from the app's own pages"})
	return true
}
