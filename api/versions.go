package api

import (
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// Versions are what has been deployed of an app, as far as it is kept.
type Versions interface {
	// Versions returns the kept versions of an app, newest first. An app that does
	// not exist is NOT_FOUND.
	Versions(ctx context.Context, app string) ([]Version, error)
	// Rollback makes a new version of a kept one and serves it. 0 stands for the one
	// from before what is served, so that it goes back once more each time. One that is not kept is NOT_FOUND.
	Rollback(ctx context.Context, app string, version int) (*Deployment, error)
	// Files returns the files of a version, by path. 0 stands for the current one.
	Files(ctx context.Context, app string, version int) ([]AppFile, error)
	// OpenFile reads a file of a version as it was deployed. Close the reader. One
	// that does not exist is NOT_FOUND.
	OpenFile(ctx context.Context, app string, version int, path string) (*AppFile, io.ReadCloser, error)
}

// Version is a kept version of an app.
type Version struct {
	Version      int       `json:"version"`
	Current      bool      `json:"current"` // it is what the app's name leads to
	Files        int       `json:"file_count"`
	Size         int64     `json:"size_bytes"`              // uncompressed
	Engine       string    `json:"engine"`                  // that runs the handler; "" without one
	EngineReason string    `json:"engine_reason,omitempty"` // why it is that engine; "" if it is the first one
	Source       Source    `json:"source"`
	DeployedAt   time.Time `json:"deployed_at"`
}

// AppFile is a file of an app's version.
type AppFile struct {
	Path string `json:"path"` // slash-separated, relative
	Size int64  `json:"size_bytes"`
	Hash string `json:"hash"` // lower-case hex SHA-256 of the bytes
}

// Versions asks GET /api/apps/{app}/versions.
func (c *Client) Versions(ctx context.Context, app string) ([]Version, error) {
	return all[Version](ctx, c, appPath(app)+"/versions", nil)
}

// Rollback sends POST /api/apps/{app}/rollback.
func (c *Client) Rollback(ctx context.Context, app string, version int) (*Deployment, error) {
	return send[Deployment](ctx, c, http.MethodPost, appPath(app)+"/rollback", rollbackTo{version})
}

// Files asks GET /api/apps/{app}/files.
func (c *Client) Files(ctx context.Context, app string, version int) ([]AppFile, error) {
	return all[AppFile](ctx, c, appPath(app)+"/files", versionValues(version))
}

func versionValues(version int) url.Values {
	if version == 0 {
		return nil
	}
	return url.Values{"version": {strconv.Itoa(version)}}
}

// OpenFile asks GET /api/apps/{app}/files/{path}.
func (c *Client) OpenFile(ctx context.Context, app string, version int, name string) (*AppFile, io.ReadCloser, error) {
	segments := strings.Split(name, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	at := appPath(app) + "/files/" + strings.Join(segments, "/") + "?" + versionValues(version).Encode()
	res, err := c.open(ctx, http.MethodGet, at, nil, "")
	if err != nil {
		return nil, nil, err
	}
	hash, tagged := strings.CutPrefix(strings.TrimSuffix(res.Header.Get("Etag"), `"`), `"`)
	if res.StatusCode != http.StatusOK || !tagged || res.ContentLength < 0 {
		if _, err = c.read(res, http.MethodGet, at, new(any)); err == nil {
			err = &AnswerError{URL: res.Request.URL.String(), Status: res.StatusCode}
		}
		return nil, nil, err
	}
	return &AppFile{Path: name, Size: res.ContentLength, Hash: hash}, res.Body, nil
}

type rollbackTo struct {
	Version int `json:"version"` // 0: the one before what is served
}

func (h *handler) versions(w http.ResponseWriter, r *http.Request) error {
	list, err := h.Service.Versions(r.Context(), r.PathValue("app"))
	return writeList(w, r, list, err)
}

func (h *handler) rollback(w http.ResponseWriter, r *http.Request) error {
	var to rollbackTo
	if err := readJSON(w, r, &to); err != nil {
		return err
	}
	d, err := h.Service.Rollback(r.Context(), r.PathValue("app"), to.Version)
	if err != nil {
		return err
	}
	h.Logger.Info("rolled back", "app", d.App, "version", d.Version, "request_id", w.Header().Get(RequestIDHeader))
	return writeData(w, d, nil)
}

// versionOf reads which version a request is about; 0 is the current one.
func versionOf(r *http.Request) (version int, err error) {
	if text := r.URL.Query().Get("version"); text != "" {
		if version, err = strconv.Atoi(text); err != nil || version < 1 {
			return 0, invalid("version: must be a whole number, 1 or more")
		}
	}
	return version, nil
}

type fileParameters struct {
	Version int `query:"version" doc:"which version. Default: the current one"`
}

type filesParameters struct {
	paging
	fileParameters
}

func (h *handler) files(w http.ResponseWriter, r *http.Request) error {
	version, err := versionOf(r)
	if err != nil {
		return err
	}
	list, err := h.Service.Files(r.Context(), r.PathValue("app"), version)
	return writeList(w, r, list, err)
}

// file answers with a file's bytes. They are an app's, and this is the host of the
// management: no browser is to take them for a page of it.
func (h *handler) file(w http.ResponseWriter, r *http.Request) error {
	version, err := versionOf(r)
	if err != nil {
		return err
	}
	f, content, err := h.Service.OpenFile(r.Context(), r.PathValue("app"), version, r.PathValue("path"))
	if err != nil {
		return err
	}
	defer content.Close()
	header := w.Header()
	header.Set("Content-Type", "application/octet-stream")
	header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": path.Base(f.Path)}))
	header.Set("Content-Security-Policy", "sandbox")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "private, no-cache")
	header.Set("Etag", `"`+f.Hash+`"`)
	if seekable, ok := content.(io.ReadSeeker); ok {
		http.ServeContent(w, r, "", time.Time{}, seekable)
		return nil
	}
	header.Set("Content-Length", strconv.FormatInt(f.Size, 10))
	if r.Method != http.MethodHead {
		_, _ = io.Copy(w, content) // a client that has gone is told nothing
	}
	return nil
}
