package frontdoor_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/frontdoor"
)

// record is a line of the log in JSON.
type record struct {
	Time      time.Time `json:"time"`
	RequestID string    `json:"request_id"`
	Client    string    `json:"client"`
	Method    string    `json:"method"`
	Host      string    `json:"host"`
	Path      string    `json:"path"`
	Proto     string    `json:"proto"`
	Status    int       `json:"status"`
	Bytes     int64     `json:"bytes"`
	Duration  *float64  `json:"duration_ms"`
	Agent     string    `json:"user_agent"`
}

// logged answers requests with h, through a Door, and returns the lines.
func logged(t *testing.T, format frontdoor.AccessFormat, opt frontdoor.Options, h http.HandlerFunc, requests ...func(*http.Request)) string {
	t.Helper()
	var out bytes.Buffer
	log, err := frontdoor.NewAccessLog(&out, format, nil)
	if err != nil {
		t.Fatal(err)
	}
	opt.AccessLog = log
	l := listen(t)
	_, stop := serve(t, opt, l, h)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, change := range requests {
		r, err := http.NewRequest(http.MethodGet, "http://"+l.Addr().String()+"/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "notes.example.com"
		r.Header.Set("User-Agent", "test")
		change(r)
		if res, err := client.Do(r); err == nil { // a handler may end the connection
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
	}
	stop()
	log.Close()
	return out.String()
}

func TestAccessLogJSON(t *testing.T) {
	opt := frontdoor.Options{
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		PublicPath:     func(path string) string { return strings.Replace(path, "secret", "...", 1) },
	}
	text := logged(t, frontdoor.AccessJSON, opt, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-ID", "id-1")
		switch r.URL.Path {
		case "/made":
			w.WriteHeader(http.StatusCreated)
			io.WriteString(w, "four")
		case "/copied":
			io.Copy(w, strings.NewReader("123456"))
		case "/nothing":
		case "/hint":
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusNotFound)
		case "/panics":
			panic(http.ErrAbortHandler)
		default:
			io.WriteString(w, "x")
		}
	},
		func(r *http.Request) { r.URL.Path, r.Method = "/made", "POST" },
		func(r *http.Request) { r.URL.Path = "/copied"; r.Header.Set("X-Forwarded-For", "203.0.113.7") },
		func(r *http.Request) { r.URL.Path = "/nothing" },
		func(r *http.Request) { r.URL.Path = "/hint" },
		func(r *http.Request) { r.URL.Path = "/panics" },
		func(r *http.Request) { r.URL.Path, r.URL.RawQuery = "/a/secret", "code=hush" },
		func(r *http.Request) { r.URL.Path = "/\u009b31m\n\"" + strings.Repeat("x", 2000) },
		func(r *http.Request) { r.Header.Set("Referer", "http://x/?code=hush") },
	)
	if strings.Contains(text, "hush") || strings.Contains(text, "secret") {
		t.Errorf("a secret is in\n%s", text)
	}
	want := []record{
		{Method: "POST", Path: "/made", Status: 201, Bytes: 4},
		{Path: "/copied", Status: 200, Bytes: 6, Client: "203.0.113.7"},
		{Path: "/nothing", Status: 200},
		{Path: "/hint", Status: 404},
		{Path: "/panics"},
		{Path: "/a/...", Status: 200, Bytes: 1},
		{Path: "/?31m\n\"" + strings.Repeat("x", 1016), Status: 200, Bytes: 1},
		{Path: "/", Status: 200, Bytes: 1},
	}
	var got []record
	for line := range strings.Lines(text) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if age := time.Since(r.Time); age < -time.Second || age > time.Hour || r.Duration == nil || *r.Duration < 0 {
			t.Errorf("%s", line)
		}
		r.Time, r.Duration = time.Time{}, nil
		got = append(got, r)
	}
	for i := range want {
		w := &want[i]
		w.RequestID, w.Host, w.Proto, w.Agent = "id-1", "notes.example.com", "HTTP/1.1", "test"
		if w.Method == "" {
			w.Method = "GET"
		}
		if w.Client == "" {
			w.Client = "127.0.0.1"
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAccessLogCommon(t *testing.T) {
	text := logged(t, frontdoor.AccessCommon, frontdoor.Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			io.WriteString(w, "four")
		}
	},
		func(*http.Request) {},
		func(r *http.Request) { r.URL.Path = "/a \"b\"\n" },
	)
	want := regexp.MustCompile(`^127\.0\.0\.1 - - \[\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET / HTTP/1\.1" 200 4
127\.0\.0\.1 - - \[.{26}\] "GET /a%20%22b%22%0A HTTP/1\.1" 200 -
$`)
	if !want.MatchString(text) {
		t.Errorf("%s", text)
	}
}

// TestAccessLogRefusals: what never gets to the handler is logged too.
func TestAccessLogRefusals(t *testing.T) {
	text := logged(t, frontdoor.AccessCommon, frontdoor.Options{RateLimit: 1, RateBurst: 1}, func(http.ResponseWriter, *http.Request) {},
		func(*http.Request) {}, func(*http.Request) {})
	if !strings.Contains(text, `" 200 -`) || !strings.Contains(text, `" 429 `) {
		t.Errorf("%s", text)
	}
}

// stuck is a file on a disk that hangs, until it is let go.
type stuck struct {
	free    chan struct{}
	mu      sync.Mutex
	written bytes.Buffer
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.free
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written.Write(p)
}

// TestAccessLogNeverBlocks: requests go on when the log can't be written, and what is
// not written is counted.
func TestAccessLogNeverBlocks(t *testing.T) {
	out := &stuck{free: make(chan struct{})}
	log, err := frontdoor.NewAccessLog(out, frontdoor.AccessCommon, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := log.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), nil)
	const requests = 20_000
	for range requests {
		h.ServeHTTP(nobody{}, visit("/"))
	}
	dropped := log.Dropped()
	if dropped == 0 || dropped >= requests {
		t.Errorf("%d of %d lines dropped", dropped, requests)
	}
	close(out.free)
	log.Close()
	if lines := bytes.Count(out.written.Bytes(), []byte("\n")); lines+int(dropped) != requests {
		t.Errorf("%d lines written and %d dropped of %d requests", lines, dropped, requests)
	}
	h.ServeHTTP(nobody{}, visit("/"))
	if log.Dropped() != dropped+1 {
		t.Error("a request after the end is not counted")
	}
}

// nobody takes an answer.
type nobody struct{}

func (nobody) Header() http.Header         { return http.Header{} }
func (nobody) Write(p []byte) (int, error) { return len(p), nil }
func (nobody) WriteHeader(int)             {}

func visit(path string) *http.Request {
	r, err := http.NewRequest(http.MethodGet, path, http.NoBody)
	if err != nil {
		panic(err)
	}
	r.RemoteAddr = "192.0.2.1:99"
	return r
}

// TestAccessLogRotation: lines go to a new file when the old one is moved or removed,
// with a word and without; none is lost.
func TestAccessLogRotation(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "access.log")
	log, err := frontdoor.OpenAccessLog(path, frontdoor.AccessCommon, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := log.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), nil)
	sent := 0
	send := func() {
		h.ServeHTTP(nobody{}, visit("/"))
		sent++
	}
	lines := func(path string) int {
		text, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return bytes.Count(text, []byte("\n"))
	}
	until := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal(what)
			}
		}
	}
	send()
	until("the first line is not written", func() bool { return lines(path) == 1 })
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for i, told := range []bool{true, false} {
		old := filepath.Join(dir, "old"+string(rune('0'+i)))
		if err := os.Rename(path, old); err != nil {
			t.Fatal(err)
		}
		if told {
			log.Reopen()
		}
		until("there is no new file", func() bool { send(); return lines(path) > 0 })
	}
	log.Close()
	if got := lines(path) + lines(filepath.Join(dir, "old0")) + lines(filepath.Join(dir, "old1")); got != sent || log.Dropped() != 0 {
		t.Errorf("%d lines of %d requests, %d dropped", got, sent, log.Dropped())
	}
}

func TestAccessLogErrors(t *testing.T) {
	if _, err := frontdoor.OpenAccessLog(filepath.Join(t.TempDir(), "none", "a.log"), frontdoor.AccessJSON, nil); err == nil {
		t.Error("a file in no directory is opened")
	}
	if _, err := frontdoor.OpenAccessLog(filepath.Join(t.TempDir(), "a.log"), "xml", nil); err == nil || !strings.Contains(err.Error(), "give json or common") {
		t.Errorf("%v", err)
	}
}
