package api

import (
	"context"
	"io"
	"io/fs"
	"net/http"
	"net/url"
)

// Apps are the apps of a server.
type Apps interface {
	// Deploy makes the files the current version of the app of that name,
	// making the app if there is none. An empty name stands for the manifest's
	// own. Visitors get the whole old version or the whole new one; an error
	// means that nothing changed. INVALID_APP says what is wrong with the app.
	Deploy(ctx context.Context, name string, files fs.FS, opts ...DeployOption) (*Deployment, error)
	// DeployZIP is Deploy for a ZIP archive of the app's directory.
	DeployZIP(ctx context.Context, name string, archive io.ReaderAt, size int64, opts ...DeployOption) (*Deployment, error)
	// Apps returns the deployed apps, by name.
	Apps(ctx context.Context) ([]App, error)
	// AppInfo returns what there is to know of one app, by name or id. One that does
	// not exist is NOT_FOUND.
	AppInfo(ctx context.Context, name string) (*AppInfo, error)
	// ChangeApp changes what people are told of an app. INVALID says what can't be;
	// an app that does not exist is NOT_FOUND.
	ChangeApp(ctx context.Context, name string, change AppChange) (*App, error)
	// RemoveApp removes an app with its files, its log and its data. One that
	// does not exist is NOT_FOUND.
	RemoveApp(ctx context.Context, name string, r Removal) error
}

// AppChange is what is changed of an app: what is not nil.
type AppChange struct {
	Title      *string   `json:"title,omitempty"`      // up to 200 bytes, in one line
	Tags       *[]string `json:"tags,omitempty"`       // up to 32, of up to 64 bytes, without commas
	Visibility *string   `json:"visibility,omitempty"` // "public" or "unlisted"
}

// Apps asks GET /api/apps.
func (c *Client) Apps(ctx context.Context) ([]App, error) {
	return all[App](ctx, c, "/api/apps", nil)
}

func appPath(name string) string { return "/api/apps/" + url.PathEscape(name) }

// ChangeApp sends PUT /api/apps/{app}.
func (c *Client) ChangeApp(ctx context.Context, name string, change AppChange) (*App, error) {
	return send[App](ctx, c, http.MethodPut, appPath(name), change)
}

// AppInfo asks GET /api/apps/{app}.
func (c *Client) AppInfo(ctx context.Context, name string) (*AppInfo, error) {
	return get[AppInfo](ctx, c, appPath(name))
}

// RemoveApp sends DELETE /api/apps/{app}.
func (c *Client) RemoveApp(ctx context.Context, name string, r Removal) error {
	path := appPath(name)
	if r.KeepData {
		path += "?keep_data=1"
	}
	return c.do(ctx, http.MethodDelete, path, nil, "", &Removed{})
}

func (h *handler) apps(w http.ResponseWriter, r *http.Request) error {
	apps, err := h.Service.Apps(r.Context())
	return writeList(w, r, apps, err)
}

func (h *handler) changeApp(w http.ResponseWriter, r *http.Request) error {
	var change AppChange
	if err := readJSON(w, r, &change); err != nil {
		return err
	}
	app, err := h.Service.ChangeApp(r.Context(), r.PathValue("app"), change)
	return writeData(w, app, err)
}

func (h *handler) appInfo(w http.ResponseWriter, r *http.Request) error {
	data, err := h.Service.AppInfo(r.Context(), r.PathValue("app"))
	return writeData(w, data, err)
}

type removalParameters struct {
	KeepData string `query:"keep_data" doc:"1 keeps the data for the next app of that name"`
}

func (h *handler) removeApp(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("app")
	removal := Removal{KeepData: r.URL.Query().Get("keep_data") == "1"}
	if err := h.Service.RemoveApp(r.Context(), name, removal); err != nil {
		return err
	}
	h.Logger.Info("removed", "app", name, "keep_data", removal.KeepData, "request_id", w.Header().Get(RequestIDHeader))
	return writeData(w, Removed{name}, nil)
}
