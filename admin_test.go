package fazt_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt"
)

// machine is a server that is reached by an address, on a port for apps and one for
// management.
type machine struct {
	t                *testing.T
	srv              *fazt.Server
	apps, management string // "http://192.0.2.1:PORT"
	client           *http.Client
}

// startMachine serves on both ports. Every address that the client asks for is this
// machine's.
func startMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{t: t, srv: open(t)}
	m.apps = m.serve(m.srv.Serve)
	m.management = m.serve(m.srv.ServeAdmin)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	m.client = &http.Client{Jar: jar, Transport: transport}
	return m
}

func (m *machine) serve(serve func(context.Context, net.Listener) error) string {
	l := listen(m.t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve(ctx, l) }()
	m.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			m.t.Error(err)
		}
	})
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return "http://192.0.2.1:" + port
}

// do sends a request as a browser does for a click, and returns the page at its end.
func (m *machine) do(method, target, host string, form url.Values, cookies ...*http.Cookie) (status int, body, at string) {
	m.t.Helper()
	r, err := http.NewRequest(method, target, strings.NewReader(form.Encode()))
	if err != nil {
		m.t.Fatal(err)
	}
	r.Host = host
	r.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	res, err := m.client.Do(r)
	if err != nil {
		m.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	return res.StatusCode, string(text), res.Request.URL.String()
}

func (m *machine) get(target string) (status int, body, at string) {
	m.t.Helper()
	return m.do(http.MethodGet, target, "", nil)
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)

// TestManagedByAddress: a server without a domain is managed at one port of its
// machine, and has its home app at another, which gets that app's session and no more.
func TestManagedByAddress(t *testing.T) {
	m := startMachine(t)
	if status, body, _ := m.get(m.apps + "/"); status != 200 || !strings.Contains(body, "The app that is named root answers here") {
		t.Fatalf("without an app: %d %s", status, body)
	}
	deploy(t, m.srv, "root", files("index.html", "home", "api/main.js",
		`var u = fazt.auth.getUser(); respond((u ? u.email : 'nobody') + '|' + (request.headers.cookie || ''))`))
	if status, body, _ := m.get(m.apps + "/"); status != 200 || body != "home" {
		t.Errorf("%d %s", status, body)
	}

	path, err := m.srv.CreateSetup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if status, _, at := m.get(m.apps + path); status != 404 {
		t.Errorf("the set-up page on the app's port: %d at %s", status, at)
	}
	status, _, at := m.do(http.MethodPost, m.management+path, "", url.Values{"email": {"ann@example.com"}, "password": {"correct horse battery"}})
	if status != 200 || at != m.management+"/" {
		t.Fatalf("set up: %d at %s", status, at)
	}
	if status, body, _ := m.get(m.management + "/api/me"); status != 200 || !strings.Contains(body, "ann@example.com") {
		t.Errorf("management: %d %s", status, body)
	}
	// The browser sends the cookie of management to the other port, too.
	if status, body, _ := m.get(m.apps + "/api/me"); status != 200 || body != "nobody|" {
		t.Errorf("the app without a session of its own: %d %s", status, body)
	}

	status, body, at := m.get(m.apps + "/auth/login?back=%2Fapi%2Fx")
	if status != 200 || !strings.HasPrefix(at, m.management+"/auth/login?") {
		t.Fatalf("sign-in: %d at %s", status, at)
	}
	form := url.Values{}
	for _, field := range hiddenField.FindAllStringSubmatch(body, -1) {
		form.Set(field[1], field[2])
	}
	status, body, at = m.do(http.MethodPost, m.management+"/auth/continue", "", form)
	if status != 200 || body != "ann@example.com|" || at != m.apps+"/api/x" {
		t.Fatalf("handed over: %d %s at %s", status, body, at)
	}
	if _, _, at := m.get(m.apps + "/auth/sessions"); !strings.HasPrefix(at, m.management+"/auth/sessions") {
		t.Errorf("the sessions are at %s", at)
	}

	// The app's session is none where the server is managed.
	u, err := url.Parse(m.apps)
	if err != nil {
		t.Fatal(err)
	}
	var session *http.Cookie
	for _, c := range m.client.Jar.Cookies(u) {
		if c.Name == "fazt_session" {
			session = c
		}
	}
	m.client.Jar = nil
	for _, name := range []string{"fazt_session", "fazt_management"} {
		if status, body, _ := m.do(http.MethodGet, m.management+"/api/me", "", nil, &http.Cookie{Name: name, Value: session.Value}); status != 401 {
			t.Errorf("the app's session as %s at management: %d %s", name, status, body)
		}
	}

	for what, test := range map[string]struct {
		target, host string
		want         int
	}{
		"another program's port":         {m.management + "/auth/login?app=192.0.2.1:6666&challenge=" + strings.Repeat("a", 64), "", 400},
		"another host":                   {m.management + "/auth/login?app=192.0.2.9&challenge=" + strings.Repeat("a", 64), "", 400},
		"a claim to be management":       {m.apps + "/api/me", strings.TrimPrefix(m.management, "http://"), 200}, // the app's
		"a name that leads here":         {m.management + "/health", "evil.example", 404},
		"the same, to sign in":           {m.management + "/auth/login", "evil.example", 404},
		"an app where the server is run": {m.management + "/", "root.localhost", 404},
		"another address of the machine": {m.management + "/health", "198.51.100.7", 200},
		"the machine's name":             {m.management + "/health", "nas", 200},
		"loopback":                       {m.management + "/health", "localhost", 200},
		"no key":                         {m.management + "/api/apps", "", 401},
	} {
		if status, body, _ := m.do(http.MethodGet, test.target, test.host, nil); status != test.want {
			t.Errorf("%s: %d %.100s, want %d", what, status, body, test.want)
		}
	}
}
