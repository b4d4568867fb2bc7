package harnesstest

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// Client makes a client that keeps cookies and finds the server whatever the
// host in a URL: names below localhost resolve in browsers, but not everywhere.
// It follows redirects, except where a test sets CheckRedirect.
func (s *Server) Client() *http.Client {
	s.tb.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.tb.Fatalf("harnesstest: %v", err)
	}
	var dialer net.Dialer
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, s.addr)
		},
		MaxIdleConnsPerHost: 256,
		IdleConnTimeout:     30 * time.Second, // before the server's own, which might be just when a request is sent
		DisableCompression:  true,
	}
	s.tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Jar: jar}
}

// Response is an answer, read whole.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

// String shows the answer for a test's message.
func (r *Response) String() string { return fmt.Sprintf("%d %v\n%s", r.Status, r.Header, r.Body) }

// App is a deployed app, seen by one visitor: its cookies are kept.
type App struct {
	Name string
	URL  string // "http://name.localhost:41234"

	server *Server
	client *http.Client
}

// Deploy deploys an app under a name of its own through the management API, and
// removes it with its data when the test ends.
func (s *Server) Deploy(fsys fs.FS) *App {
	s.tb.Helper()
	name := "t-" + strings.ToLower(rand.Text()[:12])
	s.DeployAs(name, fsys)
	s.tb.Cleanup(func() {
		if res := s.manage(http.MethodDelete, "/api/apps/"+name, "", nil); res.Status != http.StatusOK && res.Status != http.StatusNotFound {
			s.tb.Errorf("harnesstest: remove %s: %v", name, res)
		}
	})
	return s.Visit(name)
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
	if s.token == "" {
		s.tb.Fatalf("harnesstest: set FAZT_TOKEN to an API key, made with: fazt auth key create test --scopes deploy,read")
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	form.WriteField("site_name", name) // a bytes.Buffer takes every write
	part, _ := form.CreateFormFile("file", name+".zip")
	archive := zip.NewWriter(part)
	if err := archive.AddFS(fsys); err != nil {
		s.tb.Fatalf("harnesstest: %v", err)
	}
	if err := archive.Close(); err != nil {
		s.tb.Fatalf("harnesstest: %v", err)
	}
	form.Close()
	return s.manage(http.MethodPost, "/api/deploy", form.FormDataContentType(), &body)
}

// manage calls the management API with the test's key.
func (s *Server) manage(method, path, contentType string, body io.Reader) *Response {
	s.tb.Helper()
	req, err := http.NewRequest(method, s.URL+path, body)
	if err != nil {
		s.tb.Fatalf("harnesstest: %v", err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return s.send(s.Client(), req)
}

func (s *Server) send(c *http.Client, req *http.Request) *Response {
	s.tb.Helper()
	res, err := c.Do(req)
	if err != nil {
		s.tb.Fatalf("harnesstest: %v", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.tb.Fatalf("harnesstest: %s %s: %v", req.Method, req.URL, err)
	}
	return &Response{Status: res.StatusCode, Header: res.Header, Body: string(text)}
}

// Visit returns a new visitor of an app, with cookies of their own.
func (s *Server) Visit(name string) *App {
	s.tb.Helper()
	_, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		s.tb.Fatalf("harnesstest: %v", err)
	}
	return &App{Name: name, URL: "http://" + name + ".localhost:" + port, server: s, client: s.Client()}
}

// Get requests a path of the app.
func (a *App) Get(path string) *Response {
	a.server.tb.Helper()
	return a.Do(http.MethodGet, path, nil)
}

// Do sends a request. A body that is an io.Reader is sent as it is, url.Values
// as a form, and anything else but nil as JSON.
func (a *App) Do(method, path string, body any) *Response {
	a.server.tb.Helper()
	return a.Send(a.Request(method, path, body))
}

// Request makes a request for [App.Send], for tests that set headers; see
// [App.Do] for the body.
func (a *App) Request(method, path string, body any) *http.Request {
	a.server.tb.Helper()
	var reader io.Reader
	var kind string
	switch b := body.(type) {
	case nil:
	case io.Reader:
		reader = b
	case url.Values:
		reader, kind = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	default:
		text, err := json.Marshal(b)
		if err != nil {
			a.server.tb.Fatalf("harnesstest: %v", err)
		}
		reader, kind = bytes.NewReader(text), "application/json"
	}
	req, err := http.NewRequest(method, a.URL+path, reader)
	if err != nil {
		a.server.tb.Fatalf("harnesstest: %v", err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	return req
}

// Send sends a request as this visitor and reads the answer.
func (a *App) Send(req *http.Request) *Response {
	a.server.tb.Helper()
	return a.server.send(a.client, req)
}

// Another returns another visitor of the same app.
func (a *App) Another() *App {
	a.server.tb.Helper()
	return a.server.Visit(a.Name)
}
