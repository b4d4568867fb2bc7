package fazt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/storage"
)

// serveManagement answers on the management host.
func (s *Server) serveManagement(w http.ResponseWriter, r *http.Request, p string) {
	name, isApp := strings.CutPrefix(p, "/api/apps/")
	name, isLogs := strings.CutSuffix(name, "/logs")
	switch {
	case p == "/":
		s.serveWelcome(w, r)
	case p == "/health" || p == "/api/health":
		s.route(w, r, "GET", "", s.apiHealth)
	case p == "/api/system/limits":
		s.route(w, r, "GET", "read", s.apiLimits)
	case p == "/api/system/stats":
		s.route(w, r, "GET", "read", s.apiStats)
	case p == "/metrics":
		s.route(w, r, "GET", "read", s.apiMetrics)
	case p == "/api/deploy":
		s.route(w, r, "POST", "deploy", s.apiDeploy)
	case p == "/api/apps":
		s.route(w, r, "GET", "read", s.apiApps)
	case isLogs && isApp && name != "" && !strings.Contains(name, "/"):
		s.route(w, r, "GET", "read", func(w http.ResponseWriter, r *http.Request) error { return s.apiLogs(w, r, name) })
	case isApp && name != "" && !strings.Contains(name, "/"):
		s.route(w, r, "DELETE", "deploy", func(w http.ResponseWriter, r *http.Request) error { return s.apiRemove(w, r, name) })
	default:
		notFound(w, r)
	}
}

// route runs one operation of the API for a caller that may use it. An empty
// scope is open to everybody.
func (s *Server) route(w http.ResponseWriter, r *http.Request, method, scope string, run func(http.ResponseWriter, *http.Request) error) {
	if r.Method != method && !(method == http.MethodGet && r.Method == http.MethodHead) {
		w.Header().Set("Allow", method)
		writeError(w, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "use "+method)
		return
	}
	if scope != "" {
		if f := s.authorize(r, scope); f != nil {
			f.write(w)
			return
		}
	}
	if err := run(w, r); err != nil {
		f := classify(err)
		if f.status == http.StatusInternalServerError {
			s.writeFailure(w, r, nil, err)
			return
		}
		f.write(w)
	}
}

// authorize accepts an API key with the scope, or an owner's or admin's session.
func (s *Server) authorize(r *http.Request, scope string) *failure {
	if r.Header.Get("Authorization") != "" {
		key, err := s.auth.CheckKey(r.Context(), auth.BearerToken(r.Header))
		if err != nil {
			f := classify(err)
			return &f
		}
		if !key.Has(scope) {
			return &failure{status: http.StatusForbidden, Code: "FORBIDDEN",
				Message: fmt.Sprintf("this API key lacks the scope %q; make one with: fazt auth key create <name> --scopes %s", scope, scope)}
		}
		s.credentials.add(r)
		return nil
	}
	user, err := s.auth.User(r)
	if err != nil {
		f := classify(err)
		return &f
	}
	if user == nil {
		return &failure{status: http.StatusUnauthorized, Code: "UNAUTHORIZED",
			Message: "send an API key as Authorization: Bearer, or sign in; make a key with: fazt auth key create <name> --scopes " + scope}
	}
	if !user.Role.Has(auth.RoleAdmin) {
		return &failure{status: http.StatusForbidden, Code: "FORBIDDEN", Message: "only an owner or admin may do this"}
	}
	if err := s.forgery.Check(r); err != nil {
		return &failure{status: http.StatusForbidden, Code: "CROSS_ORIGIN", Message: "this request came from another site"}
	}
	s.credentials.add(r)
	return nil
}

// serveWelcome answers the bare host: the way to the home app, or a few words.
func (s *Server) serveWelcome(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		writeError(w, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "use GET or HEAD")
		return
	}
	site := s.auth.Site(r.Host)
	if s.opt.Home != "" && site.IsLoopback() {
		http.Redirect(w, r, "http://"+site.AppAddr(s.opt.Home)+"/", http.StatusFound)
		return
	}
	writePage(w, http.StatusOK, "fazt is running", "Deploy an app with: fazt app deploy <dir>. One named my-app answers at "+site.AppAddr("my-app"))
}

func (s *Server) apiHealth(w http.ResponseWriter, r *http.Request) error {
	writeData(w, map[string]any{"status": "ok", "version": Version, "uptime": int64(time.Since(s.started).Seconds())})
	return nil
}

func writeData(w http.ResponseWriter, data any) {
	writeJSON(w, http.StatusOK, map[string]any{"data": data})
}

// apiDeploy takes a multipart form: file (a ZIP), site_name, and spa.
func (s *Server) apiDeploy(w http.ResponseWriter, r *http.Request) error {
	// The form's own overhead is small beside the archive.
	r.Body = http.MaxBytesReader(w, r.Body, s.opt.Deploy.AppBytes+(1<<20))
	form, err := r.MultipartReader()
	if err != nil {
		return &storage.Error{Code: storage.CodeInvalid, Op: "deploy", Msg: "send a multipart form with the fields site_name and file (a ZIP)"}
	}
	archive, fields, err := readDeployForm(form)
	if archive != nil {
		defer os.Remove(archive.Name())
		defer archive.Close()
	}
	if err != nil {
		return err
	}
	if archive == nil {
		return &storage.Error{Code: storage.CodeInvalid, Op: "deploy", Path: "file", Msg: "is missing; send the app as a ZIP"}
	}
	info, err := archive.Stat()
	if err != nil {
		return err
	}
	var opts []DeployOption
	if text, ok := fields["spa"]; ok {
		on, err := strconv.ParseBool(text)
		if err != nil {
			return &storage.Error{Code: storage.CodeInvalid, Op: "deploy", Path: "spa", Msg: "must be true or false"}
		}
		opts = append(opts, SPA(on))
	}
	d, err := s.DeployZIP(r.Context(), fields["site_name"], archive, info.Size(), opts...)
	if err != nil {
		return err
	}
	s.log.Info("deployed", "app", d.App, "version", d.Version, "request_id", w.Header().Get(requestIDHeader))
	writeData(w, map[string]any{
		"site": d.App, "app_id": d.AppID, "version": d.Version, "file_count": d.Files, "size_bytes": d.Size,
		"engine": d.Engine, "message": fmt.Sprintf("deployed %s version %d", d.App, d.Version),
	})
	return nil
}

// maxDeployFields is more than the form of any client of ours has.
const maxDeployFields = 100

// readDeployForm puts the archive into a temporary file, which the caller
// removes, and returns the other fields.
func readDeployForm(form *multipart.Reader) (archive *os.File, fields map[string]string, err error) {
	fields = make(map[string]string)
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return archive, fields, nil
		}
		if err != nil {
			return archive, nil, deployBodyError(err)
		}
		if part.FormName() != "file" {
			text, err := io.ReadAll(io.LimitReader(part, 4096))
			if err != nil {
				return archive, nil, deployBodyError(err)
			}
			if len(fields) >= maxDeployFields {
				return archive, nil, &storage.Error{Code: storage.CodeInvalid, Op: "deploy", Msg: "the form has too many fields"}
			}
			fields[part.FormName()] = string(text)
			continue
		}
		if archive != nil {
			return archive, nil, &storage.Error{Code: storage.CodeInvalid, Op: "deploy", Path: "file", Msg: "is there twice"}
		}
		if archive, err = os.CreateTemp("", "fazt-deploy-*.zip"); err != nil {
			return nil, nil, err
		}
		if _, err := io.Copy(archive, part); err != nil {
			return archive, nil, deployBodyError(err)
		}
	}
}

func deployBodyError(err error) error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &storage.Error{Code: storage.CodeQuotaExceeded, Op: "deploy", Msg: fmt.Sprintf("the upload is larger than %d bytes", tooLarge.Limit)}
	}
	return &storage.Error{Code: storage.CodeInvalid, Op: "deploy", Msg: "the upload could not be read", Err: err}
}

func (s *Server) apiApps(w http.ResponseWriter, r *http.Request) error {
	apps, err := s.Apps(r.Context())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"data": apps,
		"meta": map[string]any{"offset": 0, "limit": len(apps), "total": len(apps), "has_more": false},
	})
	return nil
}

func (s *Server) apiRemove(w http.ResponseWriter, r *http.Request, name string) error {
	keep := r.URL.Query().Get("keep_data") == "1"
	if err := s.RemoveApp(r.Context(), name, keep); err != nil {
		return err
	}
	s.log.Info("removed", "app", name, "keep_data", keep, "request_id", w.Header().Get(requestIDHeader))
	writeData(w, map[string]any{"removed": name})
	return nil
}

// CreateKey makes an API key with the given scopes (deploy, read, sql, admin)
// and returns its token, which cannot be shown again.
func (s *Server) CreateKey(ctx context.Context, name string, scopes ...string) (token string, err error) {
	token, _, err = s.auth.CreateKey(ctx, name, scopes, time.Time{})
	return token, err
}
