package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Client asks another server's management API. It is a [Service]. An error that
// the server answered is an [*Error].
type Client struct {
	// URL is where the management API answers, such as "https://admin.example.com".
	// One without a scheme or a host is an error of each method.
	URL string
	// Token is an API key with the scopes that are needed.
	Token string
	// HTTP sends the requests. Redirects are not followed, whatever it says of them.
	// Default: [http.DefaultClient].
	HTTP *http.Client
}

// AnswerError is an answer that no fazt server gives: another program's, or a
// redirect.
type AnswerError struct {
	URL      string // that was asked
	Status   int
	Location string // where a redirect leads; "" without one
}

// Error says what answered, and what to check.
func (e *AnswerError) Error() string {
	if e.Location != "" {
		return fmt.Sprintf("api: %s redirects to %s, which is not followed; check the URL", e.URL, e.Location)
	}
	return fmt.Sprintf("api: %s answered %d, and not as a fazt server does; check the URL", e.URL, e.Status)
}

var _ Service = (*Client)(nil)

// Limits asks GET /api/system/limits.
func (c *Client) Limits(ctx context.Context) (*Limits, error) {
	return get[Limits](ctx, c, "/api/system/limits")
}

// Stats asks GET /api/system/stats.
func (c *Client) Stats(ctx context.Context) (*Stats, error) {
	return get[Stats](ctx, c, "/api/system/stats")
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

// open sends a request and returns the answer to it, whose body the caller closes.
// It follows no redirect: the token is for nobody but the server at c.URL, and what
// was to be changed would only be read there.
func (c *Client) open(ctx context.Context, method, path string, body io.Reader, contentType string) (*http.Response, error) {
	if base, err := url.Parse(c.URL); err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, fmt.Errorf("api: %q is not the address of a server; give Client.URL one, such as \"https://admin.example.com\"", c.URL)
	}
	names, _, _ := strings.Cut(path, "?")
	for name := range strings.SplitSeq(strings.TrimPrefix(names, "/"), "/") {
		if name == "" || name == "." || name == ".." { // the path would lead elsewhere
			return nil, &Error{Status: http.StatusNotFound, Code: "NOT_FOUND", Message: fmt.Sprintf("nothing is named %q; give a name", name)}
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+path, body)
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	var client http.Client
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	return res, nil
}

// exchange sends a request and reads the data of its answer, and what it says of
// the list that they are of.
func (c *Client) exchange(ctx context.Context, method, path string, body io.Reader, contentType string, data any) (page Page, err error) {
	res, err := c.open(ctx, method, path, body, contentType)
	if err != nil {
		return page, err
	}
	return c.read(res, method, path, data)
}

// read reads the data of an answer, and what it says of the list that they are of.
func (c *Client) read(res *http.Response, method, path string, data any) (page Page, err error) {
	text, err := whole(res, method, path)
	if err != nil {
		return page, err
	}
	var said struct {
		Data  json.RawMessage `json:"data"`
		Meta  json.RawMessage `json:"meta"`
		Error *Error          `json:"error"`
	}
	if err := json.Unmarshal(text, &said); err != nil || said.Error == nil && said.Data == nil {
		return page, stranger(res)
	}
	if said.Error != nil {
		said.Error.Status = res.StatusCode
		return page, said.Error
	}
	if said.Meta != nil {
		if err := json.Unmarshal(said.Meta, &page); err != nil {
			return page, stranger(res)
		}
	}
	if err := json.Unmarshal(said.Data, data); err != nil {
		return page, stranger(res)
	}
	return page, nil
}

// whole reads an answer, and closes it.
func whole(res *http.Response, method, path string) ([]byte, error) {
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("api: %s %s: %w", method, path, err)
	}
	if len(text) > maxAnswer {
		return nil, fmt.Errorf("api: %s %s: the answer is larger than %d bytes", method, path, maxAnswer)
	}
	return text, nil
}

// stranger says that an answer is none of a fazt server's.
func stranger(res *http.Response) error {
	return &AnswerError{URL: res.Request.URL.String(), Status: res.StatusCode, Location: res.Header.Get("Location")}
}
