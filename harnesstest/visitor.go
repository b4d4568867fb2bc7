package harnesstest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// newClient makes a client that keeps cookies and connects to the target whatever
// the host in a URL: names below localhost resolve in browsers, but not everywhere.
func newClient(tb testing.TB, target Target) *http.Client {
	tb.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		tb.Fatalf("harnesstest: %v", err)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return target.Dial(ctx) }
	transport := &http.Transport{
		DialContext:         dial,
		DialTLSContext:      dial,
		MaxIdleConnsPerHost: 256,
		IdleConnTimeout:     30 * time.Second, // before the server's own, which might be just when a request is sent
		DisableCompression:  true,
	}
	tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Jar: jar}
}

// Visitor is somebody who asks one host: their cookies are kept. Redirects are
// followed, also to other hosts of the target.
type Visitor struct {
	URL    string // the host, without a path: "http://127.0.0.1:41234"
	Target Target // that has the host

	tb     testing.TB
	client *http.Client
}

// Visit returns a new visitor of a target's bare host.
func Visit(tb testing.TB, target Target) *Visitor {
	tb.Helper()
	return visit(tb, target, target.Base())
}

func visit(tb testing.TB, target Target, origin string) *Visitor {
	tb.Helper()
	return &Visitor{URL: origin, tb: tb, Target: target, client: newClient(tb, target)}
}

// Client is what the visitor sends requests with, for tests that have their own.
func (v *Visitor) Client() *http.Client { return v.client }

// StayPut makes the visitor show redirects rather than follow them. It returns the
// visitor.
func (v *Visitor) StayPut() *Visitor {
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return v
}

// Another returns another visitor of the same host.
func (v *Visitor) Another() *Visitor {
	v.tb.Helper()
	return visit(v.tb, v.Target, v.URL)
}

// Get requests a path, which begins with "/" and may have a query.
func (v *Visitor) Get(path string) *Response {
	v.tb.Helper()
	return v.Do(http.MethodGet, path, nil)
}

// Do sends a request. A body that is an io.Reader is sent as it is, url.Values
// as a form, and anything else but nil as JSON.
func (v *Visitor) Do(method, path string, body any) *Response {
	v.tb.Helper()
	return v.Send(v.Request(method, path, body))
}

// Request makes a request for [Visitor.Send], for tests that set headers; see
// [Visitor.Do] for the body.
func (v *Visitor) Request(method, path string, body any) *http.Request {
	v.tb.Helper()
	if path != "" && !strings.ContainsRune("/?#", rune(path[0])) {
		v.tb.Fatalf("harnesstest: the path %q does not begin with a slash; write %q", path, "/"+path)
	}
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
			v.tb.Fatalf("harnesstest: %v", err)
		}
		reader, kind = bytes.NewReader(text), "application/json"
	}
	req, err := http.NewRequest(method, v.URL+path, reader)
	if err != nil {
		v.tb.Fatalf("harnesstest: %v", err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	return req
}

// Send sends a request as this visitor and reads the answer.
func (v *Visitor) Send(req *http.Request) *Response {
	v.tb.Helper()
	res, err := send(v.client, req)
	if err != nil {
		v.tb.Fatalf("harnesstest: %v", err)
	}
	res.tb = v.tb
	return res
}

func send(c *http.Client, req *http.Request) (*Response, error) {
	res, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", req.Method, req.URL, err)
	}
	return &Response{Status: res.StatusCode, Header: res.Header, Body: string(text), asked: res.Request}, nil
}

// Response is an answer, read whole.
type Response struct {
	Status int
	Header http.Header
	Body   string

	tb    testing.TB
	asked *http.Request // the last one, after redirects
}

// String shows the answer for a test's message: what is read first, the status and the
// body, and then the header's lines.
func (r *Response) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s\n", r.Status, r.Body)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			fmt.Fprintf(&b, "\n%s: %s", name, value)
		}
	}
	return b.String()
}

// Expect ends the test unless the answer has one of the statuses. It returns the
// answer.
func (r *Response) Expect(status ...int) *Response {
	r.tb.Helper()
	if !slices.Contains(status, r.Status) {
		r.tb.Fatalf("%s %s: want status %v, got %v", r.asked.Method, r.asked.URL, status, r)
	}
	return r
}

// JSON reads the body, which must be a JSON document, into the value that v points
// to. It returns the answer.
func (r *Response) JSON(v any) *Response {
	r.tb.Helper()
	if err := json.Unmarshal([]byte(r.Body), v); err != nil {
		r.tb.Fatalf("%s %s: %v in %v", r.asked.Method, r.asked.URL, err, r)
	}
	return r
}
