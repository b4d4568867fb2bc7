package harnesstest

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
)

// App is a deployed app, seen by one visitor.
type App struct {
	Name string
	*Visitor
}

// Another returns another visitor of the same app.
func (a *App) Another() *App {
	a.tb.Helper()
	return &App{a.Name, a.Visitor.Another()}
}

// Client makes a client that keeps cookies and finds the server whatever the
// host in a URL: names below localhost resolve in browsers, but not everywhere.
// It follows redirects, except where a test sets CheckRedirect.
func (s *Server) Client() *http.Client {
	s.tb.Helper()
	return newClient(s.tb, s)
}

// Visit returns a new visitor of an app, with cookies of their own.
func (s *Server) Visit(name string) *App {
	s.tb.Helper()
	return &App{name, visit(s.tb, s, s.AppURL(name))}
}

// Get requests a path of the bare host, as a visitor without a session.
func (s *Server) Get(path string) *Response {
	s.tb.Helper()
	return Visit(s.tb, s).Get(path)
}

// Deploy deploys an app under a name of its own through the management API, and
// removes it with its data when the test ends.
func (s *Server) Deploy(fsys fs.FS) *App {
	s.tb.Helper()
	return deploy(s.tb, s, fsys)
}

// Deploy deploys an app of the check's own, which is removed when it ends. The check
// needs a [Deployer].
func (p *Probe) Deploy(fsys fs.FS) *App {
	p.Helper()
	return deploy(p, p.Target, fsys)
}

// Visit returns a new visitor of the target's bare host.
func (p *Probe) Visit() *Visitor {
	p.Helper()
	return Visit(p, p.Target)
}

// As returns a new visitor of the target's bare host who has signed in. The check
// needs a target that [SignsIn].
func (p *Probe) As(user User) *Visitor {
	p.Helper()
	return p.Visit().as(user)
}

func deploy(tb testing.TB, target Target, fsys fs.FS) *App {
	tb.Helper()
	d, ok := target.(Deployer)
	if !ok {
		tb.Fatalf("harnesstest: %s takes no deployments", target.Base())
	}
	name := "t-" + strings.ToLower(rand.Text()[:12])
	if err := d.DeployApp(tb.Context(), name, fsys); err != nil {
		tb.Fatalf("harnesstest: deploy: %v", err)
	}
	tb.Cleanup(func() {
		if err := d.RemoveApp(context.WithoutCancel(tb.Context()), name); err != nil {
			tb.Errorf("harnesstest: %v", err)
		}
	})
	return &App{name, visit(tb, target, d.AppURL(name))}
}

// DeployAs deploys an app, or its next version, under a given name.
func (s *Server) DeployAs(name string, fsys fs.FS) {
	s.tb.Helper()
	if res := s.TryDeploy(name, fsys); res.Status != http.StatusOK {
		s.tb.Fatalf("harnesstest: deploy %s: %v", name, res)
	}
}

// TryDeploy deploys an app and returns the management API's answer.
func (s *Server) TryDeploy(name string, fsys fs.FS) *Response {
	s.tb.Helper()
	res, err := s.deploy(s.tb.Context(), name, fsys)
	if err != nil {
		s.tb.Fatalf("harnesstest: deploy %s: %v", name, err)
	}
	return res
}

// DeployApp implements [Deployer].
func (s *Server) DeployApp(ctx context.Context, name string, fsys fs.FS) error {
	res, err := s.deploy(ctx, name, fsys)
	if err == nil && res.Status != http.StatusOK {
		err = fmt.Errorf("deploy %s: %v", name, res)
	}
	return err
}

// RemoveApp implements [Deployer].
func (s *Server) RemoveApp(ctx context.Context, name string) error {
	res, err := s.manage(ctx, http.MethodDelete, "/api/apps/"+name, "", nil)
	if err == nil && res.Status != http.StatusOK && res.Status != http.StatusNotFound {
		err = fmt.Errorf("remove %s: %v", name, res)
	}
	return err
}

// AppURL implements [Deployer].
func (s *Server) AppURL(name string) string {
	u := *s.site.base
	domain := "localhost"
	if host := u.Hostname(); !isLoopback(host) {
		domain = strings.TrimPrefix(host, "admin.")
	}
	u.Host = name + "." + domain
	if port := s.site.base.Port(); port != "" {
		u.Host += ":" + port
	}
	return u.String()
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (s *Server) deploy(ctx context.Context, name string, fsys fs.FS) (*Response, error) {
	if reason := s.Lacks("Deployer"); reason != "" {
		return nil, fmt.Errorf("%s", reason)
	}
	if _, err := fs.Stat(fsys, "."); errors.Is(err, fs.ErrNotExist) {
		return nil, noFolder(fsys)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	form.WriteField("site_name", name) // a bytes.Buffer takes every write
	part, _ := form.CreateFormFile("file", name+".zip")
	archive := zip.NewWriter(part)
	if err := archive.AddFS(fsys); err != nil {
		return nil, err
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	form.Close()
	return s.manage(ctx, http.MethodPost, "/api/deploy", form.FormDataContentType(), &body)
}

// noFolder says which folder an app was to come from.
func noFolder(fsys fs.FS) error {
	name := "of the app"
	if v := reflect.ValueOf(fsys); v.Kind() == reflect.String { // os.DirFS
		name = v.String()
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	return fmt.Errorf("the folder %s is not there; os.DirFS takes it relative to the test's own folder, %s", name, dir)
}

// manage calls the management API with the test's key.
func (s *Server) manage(ctx context.Context, method, path, contentType string, body io.Reader) (*Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return send(s.manager, req)
}
