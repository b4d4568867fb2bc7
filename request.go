package fazt

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/runtime"
)

// readRequest makes what the handler sees of a request, or says why it is not
// run.
func (s *Server) readRequest(w http.ResponseWriter, r *http.Request, p string) (*runtime.Request, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("INVALID_QUERY", "the query string is malformed")
	}
	req := &runtime.Request{
		ID: w.Header().Get(api.RequestIDHeader), Method: r.Method, Path: p, Query: query,
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
	return req, s.readBody(w, r, req)
}

func badRequest(code, message string) *api.Error {
	return &api.Error{Status: http.StatusBadRequest, Code: code, Message: message}
}

// readBody fills in the body by its type.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, req *runtime.Request) error {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	limit := s.opt.MaxBody
	if kind == "multipart/form-data" {
		limit = s.opt.MaxUpload
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if kind == "multipart/form-data" {
		return readMultipart(r, req)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return bodyError(err)
	}
	req.Text = string(body)
	switch {
	case len(body) == 0:
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		if err := runtime.CheckJSON(body); err != nil {
			return badRequest("INVALID_JSON", "the body is not valid JSON: "+err.Error())
		}
		req.JSON = body
	case kind == "application/x-www-form-urlencoded":
		if req.Form, err = url.ParseQuery(req.Text); err != nil {
			return badRequest("INVALID_FORM", "the form's fields are malformed")
		}
	}
	return nil
}

// maxFormMemory is how much of a form is read into memory before it is known to
// be whole; larger files wait on disk.
const maxFormMemory = 1 << 20

func readMultipart(r *http.Request, req *runtime.Request) error {
	if err := r.ParseMultipartForm(maxFormMemory); err != nil {
		return bodyError(err)
	}
	defer r.MultipartForm.RemoveAll()
	req.Form = url.Values(r.MultipartForm.Value)
	req.Files = make(map[string]runtime.UploadedFile)
	for field, files := range r.MultipartForm.File {
		f, err := files[0].Open()
		if err != nil {
			return bodyError(err)
		}
		data := make([]byte, files[0].Size) // and not by growing: that would take twice the memory
		_, err = io.ReadFull(f, data)
		f.Close()
		if err != nil {
			return bodyError(err)
		}
		req.Files[field] = runtime.UploadedFile{Name: files[0].Filename, Type: files[0].Header.Get("Content-Type"), Data: data}
	}
	return nil
}

// bodyError says why a body could not be read.
func bodyError(err error) error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &api.Error{Status: http.StatusRequestEntityTooLarge, Code: "BODY_TOO_LARGE",
			Message: fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit)}
	}
	if full, ok := errors.AsType[*api.Error](err); ok {
		return full // the front door's
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &api.Error{Status: http.StatusRequestTimeout, Code: "BODY_TIMEOUT", Message: "the body came too slowly", Retryable: true}
	}
	return badRequest("INVALID_BODY", "the body could not be read")
}

// visitor is whose request an invocation answers; see [jsapi.Visitor].
type visitor struct {
	auth    *auth.Auth
	request *http.Request
}

func (v visitor) User() (*auth.User, error) { return v.auth.User(v.request) }

func (v visitor) LoginURL(back string) string {
	if back == "" {
		back = v.request.RequestURI // with the prefix that the app is mounted under
	}
	return v.auth.LoginURL(v.request, back)
}

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

// forgedRequest answers a request that another site's page has sent.
var forgedRequest = &api.Error{Status: http.StatusForbidden, Code: "CROSS_ORIGIN",
	Message: "this request came from a page of another site; send it from the app's own pages"}
