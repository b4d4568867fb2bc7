package clustertest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage/postgres"
)

// Where clients think that everything answers: the balancer's address, so to say. The
// port is never listened on.
const (
	managementURL = "http://localhost:8080"
	appURL        = "http://notes.localhost:8080"
)

// balancer sends each connection to the next of its servers, and clients make a
// connection for each request.
type balancer struct {
	servers []*server
	turn    atomic.Int64
}

// dial connects to the next server, or to the one after it if that is dead.
func (b *balancer) dial(ctx context.Context, _, _ string) (conn net.Conn, err error) {
	for range b.servers {
		s := b.servers[int(b.turn.Add(1))%len(b.servers)]
		var d net.Dialer
		if conn, err = d.DialContext(ctx, "tcp", s.addr); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// client is a visitor who follows redirects and keeps cookies.
func (b *balancer) client(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: b.dial, DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Jar: jar, Timeout: time.Minute}
}

// only is a visitor with another's cookies at one server, whoever's turn it is.
func only(t *testing.T, s *server, jar http.CookieJar) *http.Client {
	c := (&balancer{servers: []*server{s}}).client(t)
	if jar != nil {
		c.Jar = jar
	}
	return c
}

// answer is a response, read whole.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, a.body) }

func do(c *http.Client, method, url string, form url.Values) (answer, error) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		return answer{}, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := c.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(text)}, err
}

func get(c *http.Client, url string) (answer, error) { return do(c, http.MethodGet, url, nil) }

func mustGet(t *testing.T, c *http.Client, url string) answer {
	t.Helper()
	a, err := get(c, url)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// newKey makes an API key on the database, as the command line does beside servers.
func newKey(t *testing.T, url string) string {
	t.Helper()
	store, err := openStore(t.Context(), url, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	srv, err := fazt.New(t.Context(), fazt.Options{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	key, err := srv.CreateKey(t.Context(), "test", "deploy", "read", "admin")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// manager manages by the servers of a client.
func manager(c *http.Client, key string) *api.Client {
	return &api.Client{URL: managementURL, Token: key, HTTP: c}
}

// files makes an app of names and contents in turn.
func files(parts ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := 0; i < len(parts); i += 2 {
		fsys[parts[i]] = &fstest.MapFile{Data: []byte(parts[i+1])}
	}
	return fsys
}

func decode[T any](a answer) (v T, err error) {
	err = json.Unmarshal([]byte(a.body), &v)
	return v, err
}
