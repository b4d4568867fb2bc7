package fazt_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/harnesstest"
)

// printing is an app that prints what it is asked to.
var printing = files("api/main.js", `for (var i = 0; i < (request.query.n || 1); i++) console.log((request.query.text || 'line') + i); 'ok'`)

func newKey(t *testing.T, srv *fazt.Server, scopes ...string) string {
	t.Helper()
	key, err := srv.CreateKey(t.Context(), "test", scopes...)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// logRequest asks for an app's log, such as "shop/logs?follow=1".
func logRequest(t *testing.T, base, path, key string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/apps/"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	return req
}

// stream is an open answer of server-sent events.
type stream struct {
	t    *testing.T
	res  *http.Response
	text *bufio.Reader
}

// follow opens a stream on a connection of its own.
func follow(t *testing.T, req *http.Request) *stream {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	res, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return &stream{t, res, bufio.NewReader(res.Body)}
}

// next reads the next line of the log, or returns false at the stream's end.
func (s *stream) next() (id string, line api.LogLine, ok bool) {
	s.t.Helper()
	for {
		text, err := s.text.ReadString('\n')
		if err == io.EOF {
			return "", line, false
		}
		if err != nil {
			s.t.Fatalf("the stream broke: %v", err)
		}
		if v, ok := strings.CutPrefix(text, "id: "); ok {
			id = strings.TrimSpace(v)
		}
		if data, ok := strings.CutPrefix(text, "data: "); ok {
			if err := json.Unmarshal([]byte(data), &line); err != nil {
				s.t.Fatalf("%q: %v", data, err)
			}
			return id, line, true
		}
	}
}

// texts reads n lines.
func (s *stream) texts(n int) []string {
	s.t.Helper()
	var texts []string
	for range n {
		id, l, ok := s.next()
		if !ok {
			s.t.Fatalf("the stream ended after %q", texts)
		}
		if id != fmt.Sprint(l.ID) {
			s.t.Errorf("line %d is event %q", l.ID, id)
		}
		texts = append(texts, l.Text)
	}
	return texts
}

// ends waits for the stream's end.
func (s *stream) ends() {
	s.t.Helper()
	for {
		if _, _, ok := s.next(); !ok {
			return
		}
	}
}

func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestLogsAPI(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(printing)
	read, write := newKey(t, srv.Fazt, "read"), newKey(t, srv.Fazt, "deploy")
	apps, err := srv.Fazt.Apps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	empty := srv.Deploy(printing)
	res := app.Get("/api?n=5")
	follow(t, logRequest(t, srv.URL, app.Name+"/logs?follow=1", read)).texts(5) // they are stored

	type answer struct {
		Data  []api.LogLine
		Meta  map[string]any
		Error struct{ Code, Message string }
	}
	call := func(path, key string) (status int, a answer) {
		t.Helper()
		res, err := srv.Client().Do(logRequest(t, srv.URL, path, key))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, a
	}
	_, all := call(app.Name+"/logs", read)
	for i, l := range all.Data {
		if l.Level != "info" || l.RequestID != res.Header.Get("X-Request-Id") || l.Time.IsZero() || l.ID < 1 {
			t.Errorf("line %d: %+v", i, l)
		}
	}
	second := all.Data[1].ID
	for _, test := range []struct {
		path string
		want string // texts
		more bool
	}{
		{app.Name + "/logs", "line0 line1 line2 line3 line4", false},
		{strings.ToUpper(app.Name) + "/logs", "line0 line1 line2 line3 line4", false},
		{apps[0].ID + "/logs?limit=5", "line0 line1 line2 line3 line4", false},
		{app.Name + "/logs?limit=2", "line3 line4", true},
		{app.Name + fmt.Sprintf("/logs?after=%d", second), "line2 line3 line4", false},
		{app.Name + fmt.Sprintf("/logs?limit=2&after=%d", second), "line2 line3", true},
		{app.Name + "/logs?after=999999999", "", false},
		{app.Name + fmt.Sprintf("/logs?limit=2&before=%d", all.Data[3].ID), "line1 line2", true},
		{app.Name + fmt.Sprintf("/logs?after=%d&newest=1&limit=1", second), "line4", true},
		{app.Name + "/logs?grep=ne3", "line3", false},
		{app.Name + "/logs?grep=.*", "", false},
		{app.Name + "/logs?level=warn", "", false},
		{app.Name + "/logs?level=info&since=1h&grep=4", "line4", false},
		{app.Name + "/logs?since=" + all.Data[0].Time.Add(time.Hour).Format(time.RFC3339Nano), "", false},
		{empty.Name + "/logs", "", false},
	} {
		status, a := call(test.path, read)
		texts := []string{}
		for _, l := range a.Data {
			texts = append(texts, l.Text)
		}
		if got := strings.Join(texts, " "); status != 200 || got != test.want || a.Meta["has_more"] != test.more || a.Data == nil {
			t.Errorf("%s: %d %q %v", test.path, status, got, a.Meta)
		}
	}
	for _, test := range []struct {
		path, key string
		status    int
		code      string
	}{
		{app.Name + "/logs", "", 401, "UNAUTHORIZED"},
		{app.Name + "/logs?follow=1", "", 401, "UNAUTHORIZED"},
		{app.Name + "/logs", write, 403, "FORBIDDEN"},
		{app.Name + "/logs?follow=1", write, 403, "FORBIDDEN"},
		{"nothing/logs", read, 404, "NOT_FOUND"},
		{"nothing/logs?follow=1", read, 404, "NOT_FOUND"},
		{app.Name + "/more/logs", read, 404, "NO_ROUTE"},
		{app.Name + "/logs?limit=0", read, 400, "INVALID"},
		{app.Name + "/logs?limit=1001", read, 400, "INVALID"},
		{app.Name + "/logs?limit=x", read, 400, "INVALID"},
		{app.Name + "/logs?after=-1", read, 400, "INVALID"},
		{app.Name + "/logs?follow=1&after=x", read, 400, "INVALID"},
		{app.Name + "/logs?before=x", read, 400, "INVALID"},
		{app.Name + "/logs?since=yesterday", read, 400, "INVALID"},
		{app.Name + "/logs?since=-5m", read, 400, "INVALID"},
		{app.Name + "/logs?level=bad", read, 400, "INVALID"},
		{app.Name + "/logs?follow=1&level=bad", read, 400, "INVALID"},
		{"../logs?app=nothing", read, 404, "NOT_FOUND"},
		{"../logs?follow=1&app=nothing", read, 404, "NOT_FOUND"},
		{"../logs", write, 403, "FORBIDDEN"},
	} {
		if status, a := call(test.path, test.key); status != test.status || a.Error.Code != test.code || a.Error.Message == "" {
			t.Errorf("%s: %d %+v", test.path, status, a.Error)
		}
	}
	head := logRequest(t, srv.URL, app.Name+"/logs?follow=1", read)
	head.Method = http.MethodHead
	if res, err := srv.Client().Do(head); err != nil || res.StatusCode != 200 {
		t.Errorf("HEAD: %v %v", res, err)
	}
}

func TestFollow(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(printing)
	key := newKey(t, srv.Fazt, "read")
	path := app.Name + "/logs?follow=1"

	first := follow(t, logRequest(t, srv.URL, path, key)) // of an empty log
	for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
		if got := first.res.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	app.Get("/api?n=300&text=a")
	if got := first.texts(300); got[0] != "a0" || got[299] != "a299" {
		t.Errorf("lines from %s to %s", got[0], got[299])
	}
	app.Get("/api?n=2&text=b")
	diff(t, "later lines", []string{"b0", "b1"}, first.texts(2))

	// Another gets the newest first; one that comes back what it has missed.
	second := follow(t, logRequest(t, srv.URL, path+"&limit=3", key))
	diff(t, "the newest", []string{"a299", "b0", "b1"}, second.texts(3))
	req := logRequest(t, srv.URL, path+"&limit=3", key)
	kept, err := srv.Fazt.Logs(t.Context(), api.LogQuery{Apps: []string{app.Name}})
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", fmt.Sprint(kept.Lines[9].ID))
	third := follow(t, req)
	if got := third.texts(292); got[0] != "a10" || got[291] != "b1" {
		t.Errorf("after a9 it goes on from %s to %s", got[0], got[291])
	}
	app.Get("/api?text=c")
	for _, s := range []*stream{first, second, third} {
		diff(t, "everybody's", []string{"c0"}, s.texts(1))
	}

	// Whoever may no longer read is told nothing more, nor is what is gone.
	if err := srv.Fazt.RevokeKeys(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	app.Get("/api?text=secret")
	for _, s := range []*stream{first, second} {
		if _, l, ok := s.next(); ok {
			t.Errorf("a key that was revoked still reads %q", l.Text)
		}
	}
}

func TestFollowEndsWithApp(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(printing)
	s := follow(t, logRequest(t, srv.URL, app.Name+"/logs?follow=1", newKey(t, srv.Fazt, "read")))
	if err := srv.Fazt.RemoveApp(t.Context(), app.Name, api.Removal{}); err != nil {
		t.Fatal(err)
	}
	s.ends()
}

// TestFollowersAreBounded: one too many is refused, until one leaves.
func TestFollowersAreBounded(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(printing)
	key := newKey(t, srv.Fazt, "read")
	var streams []*stream
	for range api.MaxFollowers {
		streams = append(streams, follow(t, logRequest(t, srv.URL, app.Name+"/logs?follow=1", key)))
	}
	refused := follow(t, logRequest(t, srv.URL, app.Name+"/logs?follow=1", key))
	body, err := io.ReadAll(refused.res.Body)
	if err != nil || refused.res.StatusCode != 503 || refused.res.Header.Get("Retry-After") == "" || !strings.Contains(string(body), `"OVERLOADED"`) {
		t.Errorf("one too many: %d %v %s, %v", refused.res.StatusCode, refused.res.Header, body, err)
	}
	streams[0].res.Body.Close()
	deadline := time.Now().Add(time.Minute)
	for {
		s := follow(t, logRequest(t, srv.URL, app.Name+"/logs?follow=1", key))
		if s.res.StatusCode == 200 {
			break
		}
		s.res.Body.Close()
		if time.Now().After(deadline) {
			t.Fatal("nobody is let in after a follower has left")
		}
	}
	app.Get("/api")
	diff(t, "a follower among many", []string{"line0"}, streams[1].texts(1))
}

// TestServeDrainsFollowers: a stream has no end of its own for the server to
// wait for.
func TestServeDrainsFollowers(t *testing.T) {
	srv := open(t, func(o *fazt.Options) { o.DrainTimeout = time.Hour })
	deploy(t, srv, "app", printing)
	key := newKey(t, srv, "read")
	for range 2 { // a Server may serve again
		l := listen(t)
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error)
		go func() { served <- srv.Serve(ctx, l) }()
		s := follow(t, logRequest(t, "http://"+l.Addr().String(), "app/logs?follow=1", key))
		get(srv, "http://app.localhost/api")
		s.texts(1)
		stop()
		s.ends()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	}
}

// TestCloseEndsFollowers is for programs with a listener of their own.
func TestCloseEndsFollowers(t *testing.T) {
	srv := open(t, func(o *fazt.Options) { o.DrainTimeout = time.Hour })
	deploy(t, srv, "app", printing)
	server := httptest.NewServer(srv)
	defer server.Close()
	s := follow(t, logRequest(t, server.URL, "app/logs?follow=1", newKey(t, srv, "read")))
	get(srv, "http://app.localhost/api")
	s.texts(1)
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	s.ends()
}

// TestFollowForLong: a stream outlives the server's WriteTimeout, says that it
// is alive, and ends for a client that takes nothing any more.
func TestFollowForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t)
		deploy(t, srv, "app", printing)
		serving := servePipes(t, srv)
		c := serving.dial(fmt.Sprintf("GET /api/apps/app/logs?follow=1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", newKey(t, srv, "read")))
		text := bufio.NewReader(c)
		start := time.Now()
		beats := 0
		for beats < 10 {
			line, err := text.ReadString('\n')
			if err != nil {
				t.Fatalf("after %v: %v", time.Since(start), err)
			}
			if strings.HasPrefix(line, ": ") {
				beats++
			}
		}
		if took := time.Since(start); took != 10*api.FollowBeat {
			t.Errorf("10 signs of life in %v", took)
		}
		get(srv, "http://app.localhost/api")
		for {
			line, err := text.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(line, `"text":"line0"`) {
				break
			}
		}
		if n := srv.InFlight(); n != 1 {
			t.Errorf("%d followers", n)
		}
		time.Sleep(api.FollowBeat + api.EventGrace + time.Second) // and read nothing
		if n := srv.InFlight(); n != 0 {
			t.Errorf("a client that takes nothing is still followed up")
		}
		serving.stop()
		if err := <-serving.result; err != nil {
			t.Error(err)
		}
	})
}

// breaking is a proxy that cuts its connections when it is told to, and counts them.
type breaking struct {
	net.Listener
	to    string
	mu    sync.Mutex
	conns []net.Conn
	count int
}

func (b *breaking) serve() {
	for {
		c, err := b.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", b.to)
		if err != nil {
			c.Close()
			continue
		}
		b.mu.Lock()
		b.conns, b.count = append(b.conns, c, to), b.count+1
		b.mu.Unlock()
		go func() { io.Copy(to, c); to.Close() }()
		go func() { io.Copy(c, to); c.Close() }()
	}
}

func (b *breaking) cut() (connections int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.conns {
		c.Close()
	}
	b.conns = nil
	return b.count
}

// TestFollowLogsResumes: a client whose connections are cut misses no line and gets
// none twice, of two apps of three, at one level and above.
func TestFollowLogsResumes(t *testing.T) {
	srv := harnesstest.Start(t)
	js := files("api/main.js", `console.warn(request.query.text); console.log('not asked for')`)
	one, two, three := srv.Deploy(js), srv.Deploy(js), srv.Deploy(js)
	proxy := &breaking{Listener: listen(t), to: strings.TrimPrefix(srv.URL, "http://")}
	go proxy.serve()
	t.Cleanup(func() { proxy.cut() })
	client := &api.Client{URL: "http://localhost:" + strconv.Itoa(proxy.Addr().(*net.TCPAddr).Port), Token: newKey(t, srv.Fazt, "read"), HTTP: &http.Client{Transport: &http.Transport{}}}
	for name, service := range map[string]api.Service{"server": srv.Fazt, "client": client} {
		ctx, cancel := context.WithCancel(t.Context())
		got, done := make(chan api.LogLine, 100), make(chan error, 1)
		_, _, next, err := api.Recent(ctx, service, api.LogQuery{Apps: []string{one.Name, two.Name}, Level: "warn", Limit: 10})
		if err != nil {
			t.Fatal(name, err)
		}
		go func() {
			done <- service.FollowLogs(ctx, next, func(lines []api.LogLine) error {
				for _, l := range lines {
					got <- l
				}
				return nil
			})
		}()
		for i := range 4 {
			for _, app := range []*harnesstest.App{one, three, two} {
				app.Get("/api?text=" + fmt.Sprint(name, i))
			}
			found := map[string]string{}
			for range 2 {
				l := <-got
				found[l.App] = l.Level + " " + l.Text
			}
			text := "warn " + fmt.Sprint(name, i)
			diff(t, name, map[string]string{one.Name: text, two.Name: text}, found)
			proxy.cut()
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := proxy.cut(); n < 4 {
		t.Errorf("%d connections", n)
	}
	// What no waiting mends is an error at once.
	gone := client.FollowLogs(t.Context(), api.LogQuery{Apps: []string{"nothing"}}, nil)
	if e, ok := errors.AsType[*api.Error](gone); !ok || e.Code != "NOT_FOUND" {
		t.Errorf("an app that is not there: %v", gone)
	}
	proxy.Close()
	proxy.cut()
	client.HTTP.CloseIdleConnections()
	if err := client.FollowLogs(t.Context(), api.LogQuery{}, nil); err == nil {
		t.Error("a server that is not there is followed")
	}
}
