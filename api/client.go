package api

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// Client asks another server's management API. It is a [Service]. An error that
// the server answered is an [*Error].
type Client struct {
	// URL is where the management API answers, such as "https://admin.example.com".
	URL string
	// Token is an API key with the scopes that are needed.
	Token string
	// HTTP sends the requests. Default: [http.DefaultClient].
	HTTP *http.Client
}

var _ Service = (*Client)(nil)

// Health asks GET /api/health.
func (c *Client) Health(ctx context.Context) (*Health, error) {
	return get[Health](ctx, c, "/api/health")
}

// Limits asks GET /api/system/limits.
func (c *Client) Limits(ctx context.Context) (*Limits, error) {
	return get[Limits](ctx, c, "/api/system/limits")
}

// Stats asks GET /api/system/stats.
func (c *Client) Stats(ctx context.Context) (*Stats, error) {
	return get[Stats](ctx, c, "/api/system/stats")
}

// Apps asks GET /api/apps.
func (c *Client) Apps(ctx context.Context) ([]App, error) {
	return all[App](ctx, c, "/api/apps", nil)
}

// AppInfo asks GET /api/apps/{app}.
func (c *Client) AppInfo(ctx context.Context, name string) (*AppInfo, error) {
	return get[AppInfo](ctx, c, "/api/apps/"+url.PathEscape(name))
}

// RemoveApp sends DELETE /api/apps/{app}.
func (c *Client) RemoveApp(ctx context.Context, name string, r Removal) error {
	path := "/api/apps/" + url.PathEscape(name)
	if r.KeepData {
		path += "?keep_data=1"
	}
	return c.do(ctx, http.MethodDelete, path, nil, "", &Removed{})
}

// Logs asks GET /api/apps/{app}/logs, as often as the query's limit takes.
func (c *Client) Logs(ctx context.Context, app string, q LogQuery) ([]LogLine, error) {
	limit := q.Limit
	if limit == 0 {
		limit = 10_000
	}
	all := []LogLine{}
	for {
		values := url.Values{"limit": {strconv.Itoa(min(limit-len(all), maxLogLimit))}}
		if !q.Newest {
			values.Set("after", strconv.FormatInt(q.After, 10))
		}
		page, err := get[[]LogLine](ctx, c, "/api/apps/"+url.PathEscape(app)+"/logs?"+values.Encode())
		if err != nil {
			return nil, err
		}
		all = append(all, *page...)
		if q.Newest || len(*page) < min(limit, maxLogLimit) || len(all) >= limit {
			return all, nil
		}
		q.After = all[len(all)-1].ID
	}
}

// Deploy sends the files as a ZIP to POST /api/deploy.
func (c *Client) Deploy(ctx context.Context, name string, files fs.FS, opts ...DeployOption) (*Deployment, error) {
	archive, err := os.CreateTemp("", "fazt-deploy-*.zip")
	if err != nil {
		return nil, err
	}
	defer os.Remove(archive.Name())
	defer archive.Close()
	z := zip.NewWriter(archive)
	if err := z.AddFS(files); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	size, err := archive.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	return c.DeployZIP(ctx, name, archive, size, opts...)
}

// DeployZIP sends POST /api/deploy.
func (c *Client) DeployZIP(ctx context.Context, name string, archive io.ReaderAt, size int64, opts ...DeployOption) (*Deployment, error) {
	var opt DeployOptions
	for _, set := range opts {
		set(&opt)
	}
	body, out := io.Pipe()
	defer body.Close() // ends the writer when the request fails
	form := multipart.NewWriter(out)
	go func() { out.CloseWithError(writeDeployForm(form, name, opt, io.NewSectionReader(archive, 0, size))) }()
	d := &Deployment{}
	if err := c.do(ctx, http.MethodPost, "/api/deploy", body, form.FormDataContentType(), d); err != nil {
		return nil, err
	}
	return d, nil
}

func writeDeployForm(form *multipart.Writer, name string, opt DeployOptions, archive io.Reader) error {
	if err := form.WriteField("site_name", name); err != nil {
		return err
	}
	if opt.SPA != nil {
		if err := form.WriteField("spa", strconv.FormatBool(*opt.SPA)); err != nil {
			return err
		}
	}
	part, err := form.CreateFormFile("file", "app.zip")
	if err != nil {
		return err
	}
	if _, err := io.Copy(part, archive); err != nil {
		return err
	}
	return form.Close()
}

func get[T any](ctx context.Context, c *Client, path string) (*T, error) {
	data := new(T)
	if err := c.do(ctx, http.MethodGet, path, nil, "", data); err != nil {
		return nil, err
	}
	return data, nil
}

// maxAnswer is the largest answer that is read, in bytes: 10,000 log lines of
// 8 KiB fit, and a server that is none of ours cannot fill the memory.
const maxAnswer = 128 << 20

// do sends a request and reads the data of its answer.
func (c *Client) do(ctx context.Context, method, path string, body io.Reader, contentType string, data any) error {
	_, err := c.exchange(ctx, method, path, body, contentType, data)
	return err
}

// all asks for a list, a page after the other.
func all[T any](ctx context.Context, c *Client, path string, q url.Values) ([]T, error) {
	q = maps.Clone(q)
	if q == nil {
		q = url.Values{}
	}
	list := []T{}
	for {
		q.Set("offset", strconv.Itoa(len(list)))
		q.Set("limit", strconv.Itoa(maxPage))
		var part []T
		page, err := c.page(ctx, path+"?"+q.Encode(), &part)
		if err != nil {
			return nil, err
		}
		list = append(list, part...)
		if !page.HasMore || len(part) == 0 {
			return list, nil
		}
	}
}

// page asks for a part of a list, and returns which one it is.
func (c *Client) page(ctx context.Context, path string, list any) (Page, error) {
	return c.exchange(ctx, http.MethodGet, path, nil, "", list)
}

// exchange sends a request and reads the data of its answer, and what it says of
// the list that they are of.
func (c *Client) exchange(ctx context.Context, method, path string, body io.Reader, contentType string, data any) (page Page, err error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+path, body)
	if err != nil {
		return page, fmt.Errorf("api: %w", err)
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return page, fmt.Errorf("api: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return page, fmt.Errorf("api: %s %s: %w", method, path, err)
	}
	if len(text) > maxAnswer {
		return page, fmt.Errorf("api: %s %s: the answer is larger than %d bytes", method, path, maxAnswer)
	}
	var said struct {
		Data  json.RawMessage `json:"data"`
		Meta  json.RawMessage `json:"meta"`
		Error *Error          `json:"error"`
	}
	if err := json.Unmarshal(text, &said); err != nil || said.Error == nil && said.Data == nil {
		return page, fmt.Errorf("api: %s %s: %s answered %d, and not as a fazt server does; check the URL", method, path, c.URL, res.StatusCode)
	}
	if said.Error != nil {
		said.Error.Status = res.StatusCode
		return page, said.Error
	}
	if said.Meta != nil {
		if err := json.Unmarshal(said.Meta, &page); err != nil {
			return page, fmt.Errorf("api: %s %s: %w", method, path, err)
		}
	}
	return page, json.Unmarshal(said.Data, data)
}
