package harnesstest_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest"
)

// listen hands every connection to a function, and closes it afterwards. It returns
// the URL.
func listen(t testing.TB, each func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { defer conn.Close(); each(conn) })
		}
	})
	return "http://" + l.Addr().String()
}

// readRequest reads a request, so that nothing is unread when the connection closes.
func readRequest(conn net.Conn) {
	if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
		io.Copy(io.Discard, req.Body)
	}
}

// untilGone reads until the client has given up.
func untilGone(conn net.Conn) { io.Copy(io.Discard, conn) }

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

// health answers as a fazt of a version, and everything else with a status.
func health(version string, status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/health" {
			fmt.Fprintf(w, `{"data":{"status":"ok","version":%q,"uptime":1}}`, version)
			return
		}
		w.WriteHeader(status)
	}
}

// never is how long a target gets that never answers, and others that do at once.
const never = 50 * time.Millisecond

// A target that can't be tested is a failure of the set-up, said in one line.
func TestBadTarget(t *testing.T) {
	nobody := listen(t, func(net.Conn) {})
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	plain := serve(t, http.NotFound)
	for _, test := range []struct {
		name, target string
		patience     time.Duration
		url, attach  string // what is said; "" where it does
	}{
		{"no URL", "", time.Minute, "is not the URL of a host", "is not the URL of a host"},
		{"no host", "localhost:8080", time.Minute, "is not the URL of a host", "is not the URL of a host"},
		{"a path", "http://localhost:8080/app", time.Minute, "is not the URL of a host", "is not the URL of a host"},
		{"not there", "http://" + gone.Addr().String(), time.Minute, "is not there: nothing listens", "is not there: nothing listens"},
		{"closes every connection", nobody, time.Minute, "closes the connection without an answer", "closes the connection without an answer"},
		{"closes after the request", listen(t, readRequest), time.Minute, "closes the connection without an answer", "closes the connection without an answer"},
		{"not HTTP", listen(t, func(c net.Conn) { io.WriteString(c, "220 mail.example.com ESMTP\r\n"); untilGone(c) }), time.Minute,
			`does not speak HTTP: it answers "220 mail.example.com ESMTP\r\n"`, "does not speak HTTP"},
		{"bad HTTP", listen(t, func(c net.Conn) { readRequest(c); io.WriteString(c, "HTTP/1.1 many\r\n\r\n") }), time.Minute,
			"does not speak HTTP as it should", "does not speak HTTP as it should"},
		{"never answers", listen(t, untilGone), never, "is too slow", "is too slow"},
		{"never ends", listen(t, func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
			untilGone(c)
		}), never, "breaks off its answer to GET /: is too slow", "is too slow"},
		{"breaks off", listen(t, func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
		}), time.Minute, "breaks off its answer to GET /", "breaks off its answer"},
		{"500 to everything", serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }), time.Minute,
			"answers every request with 500 or more", "answers 500 to GET /api/health"},
		{"500 to some", serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				w.WriteHeader(500)
			}
		}), time.Minute, "", "is not fazt"},
		{"not fazt", serve(t, http.NotFound), time.Minute, "", "is not fazt, or not where its management API is: GET /api/health answers 404"},
		{"a later fazt", serve(t, health("9.9.0", 401)), time.Minute, "", "is fazt 9.9.0, and this package tests 0.1.x"},
		{"no version", serve(t, health("", 401)), time.Minute, "", "is not fazt"},
		{"500 but for its health", serve(t, health(fazt.Version, 500)), time.Minute, "answers every request", "answers 500 to GET /api/apps"},
		{"HTTP for HTTPS", strings.Replace(plain, "http:", "https:", 1), time.Minute, "speaks HTTP, and not HTTPS; write " + plain, "speaks HTTP, and not HTTPS; write " + plain},
		{"another patch", serve(t, health(fazt.Version+"9", 401)), time.Minute, "", "does not know the key in FAZT_TOKEN"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := harnesstest.URLWithin(t, test.target, test.patience)
			says(t, "URL", err, test.url)
			_, err = harnesstest.AttachWithin(t, test.target, "fzt_1_2", test.patience)
			says(t, "Attach", err, test.attach)
		})
	}
}

func says(t *testing.T, what string, err error, want string) {
	t.Helper()
	switch {
	case err == nil && want == "":
	case err == nil:
		t.Errorf("%s takes it, want %q", what, want)
	case want == "" || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n"):
		t.Errorf("%s: %v\nwant one line with %q", what, err, want)
	}
}

// What is wrong ends the test that attaches, and names the variable.
func TestAttachFails(t *testing.T) {
	t.Setenv("FAZT_TARGET", serve(t, http.NotFound))
	res := harnesstest.Check{Run: func(p *harnesstest.Probe) { harnesstest.Attach(p) }}.Try(t, nil)
	if res.Outcome != harnesstest.Failed || !strings.HasPrefix(res.Text, "harnesstest: FAZT_TARGET http://127.0.0.1:") {
		t.Error(res)
	}
	res = harnesstest.Check{Run: func(p *harnesstest.Probe) { harnesstest.URL(p, "nowhere") }}.Try(t, nil)
	if res.Outcome != harnesstest.Failed || !strings.HasPrefix(res.Text, `harnesstest: the target "nowhere" is not the URL`) {
		t.Error(res)
	}
}

// Where to attach is said, and in which words.
func TestAttachWhere(t *testing.T) {
	for target, want := range map[string]string{
		"":                              "FAZT_TARGET is not set; set it to a running fazt, such as http://localhost:8080, or use StartOrAttach",
		"http://app.localhost:8080":     "is the host of an app; give the bare host, where the management API is: http://localhost:8080",
		"http://admin.localhost:1":      "is not there",
		"https://more.app.localhost":    "where the management API is: https://localhost",
		"http://127.0.0.1:8080/api/app": "is not the URL of a host",
	} {
		t.Setenv("FAZT_TARGET", target)
		text := tried(t, nil, func(p *harnesstest.Probe) { harnesstest.Attach(p) })
		if !strings.Contains(text, want) || strings.Contains(text, "\n") {
			t.Errorf("%q: %s\nwant one line with %q", target, text, want)
		}
	}
}

// An attached server starts no other on this machine, which would be no test of it.
func TestAttachStartsNothing(t *testing.T) {
	t.Setenv("FAZT_TARGET", harnesstest.Start(t).URL)
	srv := harnesstest.Attach(t)
	if text := tried(t, srv, func(p *harnesstest.Probe) { srv.Spawn(p) }); !strings.Contains(text, "is not the test's to kill") {
		t.Error(text)
	}
	if text := tried(t, srv, func(p *harnesstest.Probe) { srv.Sibling(p) }); !strings.Contains(text, "has the options that it was started with") {
		t.Error(text)
	}
}

// What an attached server can do depends on the key, and on how it was started.
func TestAttachKeys(t *testing.T) {
	srv := harnesstest.Start(t)
	closed := harnesstest.Start(t, func(o *fazt.Options) { o.Dev = false })
	always := []string{"Sibling", "Spawner"}
	for _, test := range []struct {
		name   string
		srv    *harnesstest.Server
		scopes []string
		says   string
		lacks  []string
	}{
		{"no key", srv, nil, "", append([]string{"Deployer", "Keyer"}, always...)},
		{"read", srv, []string{"read"}, "refuses the key in FAZT_TOKEN, which has not the scope deploy", nil},
		{"deploy", srv, []string{"deploy"}, "refuses the key in FAZT_TOKEN, which has not the scope read", nil},
		{"deploy and read", srv, []string{"deploy", "read"}, "", append([]string{"Keyer"}, always...)},
		{"admin", srv, []string{"admin"}, "", always},
		{"without dev", closed, []string{"admin"}, "", append([]string{"SignsIn"}, always...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			token := ""
			if test.scopes != nil {
				token = test.srv.Key(t, test.scopes...)
			}
			got, err := harnesstest.AttachWithin(t, test.srv.URL, token, time.Minute)
			says(t, "Attach", err, test.says)
			if err != nil {
				return
			}
			var lacks []string
			for _, c := range []string{"Deployer", "Keyer", "SignsIn", "Sibling", "Spawner"} {
				if got.Lacks(c) != "" {
					lacks = append(lacks, c)
				}
			}
			if diff := cmp.Diff(test.lacks, lacks); diff != "" {
				t.Errorf("lacks (-want +got):\n%s", diff)
			}
		})
	}
}

// An attached server does what a started one does.
func TestAttach(t *testing.T) {
	started := harnesstest.Start(t)
	t.Setenv("FAZT_TARGET", started.URL)
	t.Setenv("FAZT_TOKEN", started.Key(t, "admin"))
	srv := harnesstest.Attach(t)
	app := srv.Deploy(fstest.MapFS{"index.html": {Data: []byte("home")}, "private/a.txt": {Data: []byte("for members")}})
	app.Get("/private/a.txt").Expect(http.StatusUnauthorized)
	ada := harnesstest.User{Email: "ada@example.com", Role: "owner"}
	if res := app.As(ada).Get("/private/a.txt").Expect(http.StatusOK); res.Body != "for members" {
		t.Error(res)
	}
	var apps struct{ Data []struct{ Name string } }
	srv.As(ada).Get("/api/apps").Expect(http.StatusOK).JSON(&apps)
	if len(apps.Data) != 1 || apps.Data[0].Name != app.Name {
		t.Error(apps)
	}
	var key string
	t.Run("key", func(t *testing.T) {
		key = srv.Key(t, "read")
		bearer(srv, t, key).Expect(http.StatusOK)
	})
	bearer(srv, t, key).Expect(http.StatusUnauthorized) // it was revoked when its test ended
}

func bearer(srv *harnesstest.Server, t *testing.T, key string) *harnesstest.Response {
	t.Helper()
	v := harnesstest.Visit(t, srv)
	req := v.Request(http.MethodGet, "/api/apps", nil)
	req.Header.Set("Authorization", "Bearer "+key)
	return v.Send(req)
}
