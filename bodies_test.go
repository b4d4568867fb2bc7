package fazt_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/harnesstest"
)

const sizeApp = `request.files && request.files.f ? request.files.f.size : request.bytes.length`

// poolStats is what the server says of its pools.
func poolStats(t *testing.T, srv *harnesstest.Server) (bodies, answers api.PoolStats) {
	t.Helper()
	var stats struct {
		Data struct{ Bodies, Answers api.PoolStats }
	}
	if err := json.Unmarshal([]byte(manage(t, srv, "/api/system/stats")), &stats); err != nil {
		t.Fatal(err)
	}
	return stats.Data.Bodies, stats.Data.Answers
}

func noBodies(t *testing.T, srv *harnesstest.Server) {
	t.Helper()
	eventually(t, func() bool { bodies, _ := poolStats(t, srv); return bodies.Bytes == 0 && len(bodies.Flows) == 0 })
}

// behindProxies lets clients say from which address they come.
func behindProxies(o *fazt.Options) {
	o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

// upload is a body that is there as it says.
func upload(t *testing.T, app *harnesstest.App, size int) *harnesstest.Response {
	t.Helper()
	return uploadFrom(t, app, "192.0.2.200", size)
}

func uploadFrom(t *testing.T, app *harnesstest.App, from string, size int) *harnesstest.Response {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("f", "name")
	if err != nil {
		t.Fatal(err)
	}
	part.Write(make([]byte, size)) // a bytes.Buffer takes every write
	form.Close()
	req := app.Request(http.MethodPost, "/api", &body)
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("X-Forwarded-For", from) // means nothing without behindProxies
	return app.Send(req)
}

func wantOverloaded(t *testing.T, what string, res *harnesstest.Response) {
	t.Helper()
	var body struct {
		Error struct {
			Code      string
			Retryable bool
			Details   struct{ Allowed, Used string }
		}
	}
	if err := json.Unmarshal([]byte(res.Body), &body); err != nil {
		t.Errorf("%s: %v: %v", what, err, res)
	}
	e := body.Error
	if res.Status != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || e.Code != "OVERLOADED" || !e.Retryable || !strings.HasSuffix(e.Details.Allowed, " bytes") || !strings.HasSuffix(e.Details.Used, " bytes") {
		t.Errorf("%s: %v", what, res)
	}
}

// TestStalledUploads: uploads that one address has begun and doesn't end keep no
// other address and no other app from theirs, and itself from no small ones.
func TestStalledUploads(t *testing.T) {
	srv := harnesstest.Start(t, func(o *fazt.Options) { o.Dev, o.BodyMemory = false, 4<<20 }, behindProxies)
	app, other := srv.Deploy(files("api/main.js", sizeApp)), srv.Deploy(files("api/main.js", sizeApp))
	const large = 400 << 10
	var stalled []net.Conn
	for i := range 6 {
		c, err := net.Dial("tcp", address(srv.URL))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST /api HTTP/1.1\r\nHost: %s\r\nX-Forwarded-For: 192.0.2.1\r\nContent-Length: %d\r\n\r\n", address(app.URL), large+1)
		c.Write(make([]byte, large)) // which the server may not take
		stalled = append(stalled, c)
		eventually(t, func() bool {
			bodies, _ := poolStats(t, srv)
			return bodies.Bytes == int64(min(i+1, 2)*large) && bodies.Refused == uint64(max(0, i-1))
		})
	}
	bodies, _ := poolStats(t, srv)
	want := api.PoolStats{Bytes: 2 * large, Limit: 4 << 20, Refused: 4, Flows: []api.PoolFlowStats{{Name: app.Name, Used: 2 * large, Addresses: 1}}}
	if diff := cmp.Diff(want, bodies); diff != "" {
		t.Error("of six, the two that an address may have (-want +got)\n", diff)
	}
	for _, beside := range []struct {
		what string
		app  *harnesstest.App
		from string
		size int
	}{
		{"another address", app.Another(), "192.0.2.2", large},
		{"an address far away", app.Another(), "2001:db8::1", large},
		{"another app", other, "192.0.2.1", large * 3 / 2},
		{"a small one of the address itself", app.Another(), "192.0.2.1", 1000},
	} {
		if res := uploadFrom(t, beside.app, beside.from, beside.size); res.Body != fmt.Sprint(beside.size) {
			t.Errorf("%s: %v", beside.what, res)
		}
	}
	wantOverloaded(t, "another large one of the address itself", uploadFrom(t, app.Another(), "192.0.2.1", large))
	for _, c := range stalled[:2] {
		c.Write([]byte("x"))
		if res, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("a body that came to its end: %v, %v", res, err)
		}
	}
	noBodies(t, srv)
	metrics := manage(t, srv, "/metrics")
	for _, want := range []string{`fazt_refused_total{reason="bodies"} 5`, `fazt_pool_bytes{pool="bodies"} 0`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics does not say %s", want)
		}
	}
}

// TestLargeBodiesTakeSlots: to check a large body is its app's work, as its
// handler's run is.
func TestLargeBodiesTakeSlots(t *testing.T) {
	srv := harnesstest.Start(t)
	form := func(size int) (kind, body string) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		w.SetBoundary("x")
		w.WriteField("f", strings.Repeat("1", size))
		w.Close()
		return w.FormDataContentType(), b.String()
	}
	for _, test := range []struct {
		name string
		make func(size int) (kind, body string)
	}{
		{"JSON", func(size int) (string, string) { return "application/json", strings.Repeat("1", size) }},
		{"not JSON", func(size int) (string, string) { return "application/json", strings.Repeat("x", size) }},
		{"a form", func(size int) (string, string) {
			return "application/x-www-form-urlencoded", "f=" + strings.Repeat("1", size)
		}},
		{"a multipart form", form},
	} {
		app := srv.Deploy(files("api/main.js", `1`))
		app.Get("/api") // which loads it
		for _, size := range []int{1000, 100 << 10} {
			before := admitted(t, srv, app.Name)
			kind, body := test.make(size)
			req := app.Request(http.MethodPost, "/api", strings.NewReader(body))
			req.Header.Set("Content-Type", kind)
			res, want := app.Send(req), uint64(1)
			if test.name == "not JSON" {
				want = 0
			}
			if wantStatus := map[uint64]int{0: 400, 1: 200}[want]; res.Status != wantStatus {
				t.Errorf("%s of %d bytes: %v", test.name, size, res)
			}
			if size > 64<<10 {
				want++
			}
			if got := admitted(t, srv, app.Name) - before; got != want {
				t.Errorf("%s of %d bytes took a slot %d times, want %d", test.name, size, got, want)
			}
		}
	}
}

// admitted is how often an app was given a slot.
func admitted(t *testing.T, srv *harnesstest.Server, app string) uint64 {
	t.Helper()
	stats, err := srv.Fazt.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range stats.Admission.Flows {
		if f.Name == app {
			return f.Admitted
		}
	}
	return 0
}

// TestMultipart: what a handler sees of forms.
func TestMultipart(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "app", files("api/main.js", `
		var f = (request.files || {}).f;
		respond({form: request.form, file: f && [f.name, f.type, f.size]})`))
	part := func(header, body string) string { return "--x\r\n" + header + "\r\n\r\n" + body + "\r\n" }
	field := func(name, body string) string { return part(`Content-Disposition: form-data; name="`+name+`"`, body) }
	file := func(field, name, body string) string {
		return part(`Content-Disposition: form-data; name="`+field+`"; filename="`+name+`"`+"\r\nContent-Type: image/png", body)
	}
	for _, test := range []struct {
		name, kind, body string
		status           int
		want             string
	}{
		{"fields", "; boundary=x", field("a", "1") + field("b", "") + field("a", "2") + "--x--", 200, `{"form":{"a":"1","b":""}}`},
		{"a file", "; boundary=x", field("a", "1") + file("f", "n", strings.Repeat("x", 200_000)) + "--x--", 200, `{"form":{"a":"1"},"file":["n","image/png",200000]}`},
		{"two files", "; boundary=x", file("f", "n", "") + file("f", "m", "x") + "--x--", 200, `{"form":{},"file":["n","image/png",0]}`},
		{"no name", "; boundary=x", file("", "n", "x") + field("", "x") + "--x--", 200, `{"form":{}}`},
		{"no end", "; boundary=x", field("a", "1"), 400, `INVALID_BODY`},
		{"no boundary", "", field("a", "1") + "--x--", 400, `INVALID_BODY`},
		{"nothing", "; boundary=x", "", 400, `INVALID_BODY`},
		{"a thousand fields", "; boundary=x", strings.Repeat(field("a", "1"), 1000) + "--x--", 200, `{"form":{"a":"1"}}`},
		{"more", "; boundary=x", strings.Repeat(field("a", "1"), 1001) + "--x--", 400, `INVALID_BODY`},
	} {
		r := httptest.NewRequest(http.MethodPost, "http://app.localhost/api", strings.NewReader(test.body))
		r.Header.Set("Content-Type", "multipart/form-data"+test.kind)
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s: %d %s, want %d %s", test.name, w.Code, w.Body, test.status, test.want)
		}
	}
}

// TestSlowReadersOfLargeAnswers: answers that an address doesn't take keep none
// of its own from it, of other addresses and other apps, but more than it may have.
func TestSlowReadersOfLargeAnswers(t *testing.T) {
	srv := harnesstest.Start(t, func(o *fazt.Options) { o.Dev, o.AnswerMemory = false, 128<<20 }, behindProxies)
	const size = 12 << 20 // more than the kernel takes on its way
	source := files("api/main.js", fmt.Sprintf(`let n = 0; respond(request.query.short ? 'short' : new Uint8Array(%d))`, size))
	app, other := srv.Deploy(source), srv.Deploy(source)
	for i := range 2 {
		c, err := net.Dial("tcp", address(srv.URL))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "GET /api HTTP/1.1\r\nHost: %s\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n", address(app.URL))
		eventually(t, func() bool { _, answers := poolStats(t, srv); return answers.Bytes == int64(i+1)*size })
	}
	ask := func(app *harnesstest.App, method, path, from string) *harnesstest.Response {
		req := app.Request(method, path, nil)
		req.Header.Set("X-Forwarded-For", from)
		return app.Send(req)
	}
	wantOverloaded(t, "a third of the address", ask(app.Another(), http.MethodGet, "/api", "192.0.2.1"))
	if res := ask(app.Another(), http.MethodPost, "/api", "192.0.2.1"); res.Status != http.StatusServiceUnavailable || !strings.Contains(res.Body, "has run") || strings.Contains(res.Body, "retryable") {
		t.Errorf("a third that may have changed something: %v", res)
	}
	for _, beside := range []struct {
		what, from, path string
		app              *harnesstest.App
		want             int
	}{
		{"a short one of the address", "192.0.2.1", "/api?short=1", app.Another(), len("short")},
		{"another address", "192.0.2.2", "/api", app.Another(), size},
		{"another app", "192.0.2.1", "/api", other, size},
	} {
		if res := ask(beside.app, http.MethodGet, beside.path, beside.from); res.Status != http.StatusOK || len(res.Body) != beside.want {
			t.Errorf("%s: %d with %d bytes", beside.what, res.Status, len(res.Body))
		}
	}
	if _, answers := poolStats(t, srv); answers.Refused != 2 || answers.Bytes != 2*size || answers.Flows[0].Name != app.Name {
		t.Errorf("%+v", answers)
	}
}

// TestHopelessBodiesAreNotSent: who asks before sending is refused before, and
// one that is too large whatever the memory is told that.
func TestHopelessBodiesAreNotSent(t *testing.T) {
	srv := harnesstest.Start(t, func(o *fazt.Options) { o.BodyMemory = 1 << 20 })
	app := srv.Deploy(files("api/main.js", sizeApp))
	host := address(app.URL)
	c, err := net.Dial("tcp", address(srv.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /api HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", host, 1<<20)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("before its body was sent: %v, %v", res, err)
	}

	srv = harnesstest.Start(t)
	app = srv.Deploy(files("api/main.js", sizeApp))
	if res := app.Do(http.MethodPost, "/api", strings.NewReader(strings.Repeat("x", 2<<20))); res.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("past the limit of one body: %v", res)
	}
	noBodies(t, srv)
}

// TestManyUploadsAtOnce: each is taken or refused, and all is given back.
func TestManyUploadsAtOnce(t *testing.T) {
	srv := harnesstest.Start(t, func(o *fazt.Options) { o.Dev, o.BodyMemory = false, 1<<20 })
	app := srv.Deploy(files("api/main.js", sizeApp))
	var visitors sync.WaitGroup
	for i := range 20 {
		visitors.Go(func() {
			visitor := app.Another()
			for n := range 5 {
				size := 1 << (8 + (i+n)%12) // 256 bytes to 512 KiB
				if res := upload(t, visitor, size); res.Body != fmt.Sprint(size) {
					wantOverloaded(t, fmt.Sprint(size, " bytes"), res)
				}
			}
		})
	}
	visitors.Wait()
	noBodies(t, srv)
}

// TestLargestBodyAlwaysFits, whatever it was set to.
func TestLargestBodyAlwaysFits(t *testing.T) {
	srv := harnesstest.Start(t, func(o *fazt.Options) { o.MaxUpload = 1 << 30 })
	var limits struct{ Data map[string]float64 }
	if err := json.Unmarshal([]byte(manage(t, srv, "/api/system/limits")), &limits); err != nil {
		t.Fatal(err)
	}
	if got := limits.Data["all_bodies_bytes"]; got != 5<<30 {
		t.Errorf("with uploads of 1 GiB all bodies may take %v bytes", got)
	}
}

// seeingWriter calls see when something is written.
type seeingWriter struct {
	http.ResponseWriter
	see func()
}

func (w seeingWriter) Write(p []byte) (int, error) {
	w.see()
	return w.ResponseWriter.Write(p)
}

// TestAnswerHoldsNoBody: a client that has uploaded, and takes its answer as
// slowly as it may, keeps nobody else's upload out.
func TestAnswerHoldsNoBody(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "app", files("api/main.js", `fazt.storage.kv.set('size', request.text.length); respond('done')`))
	seen := false
	w := httptest.NewRecorder()
	srv.ServeHTTP(seeingWriter{w, func() {
		seen = true
		if n := fazt.BodyBytes(srv); n != 0 {
			t.Errorf("%d bytes are held while the answer is written", n)
		}
	}}, httptest.NewRequest(http.MethodPost, "http://app.localhost/api", strings.NewReader(strings.Repeat("x", 100<<10))))
	if !seen || w.Body.String() != "done" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
