package fazt_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest"
)

const sizeApp = `request.files.f ? request.files.f.size : request.text.length`

// bodyBytes is how much the server says is in memory.
func bodyBytes(t *testing.T, srv *harnesstest.Server) (bytes int64, refused int) {
	t.Helper()
	var stats struct {
		Data struct {
			Door struct {
				Bytes   int64 `json:"body_bytes"`
				Refused int   `json:"bodies_refused"`
			} `json:"front_door"`
		}
	}
	if err := json.Unmarshal([]byte(manage(t, srv, "/api/system/stats")), &stats); err != nil {
		t.Fatal(err)
	}
	return stats.Data.Door.Bytes, stats.Data.Door.Refused
}

// upload is a body that is there as it says.
func upload(t *testing.T, app *harnesstest.App, size int) *harnesstest.Response {
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
	if res.Status != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || e.Code != "OVERLOADED" || !e.Retryable || e.Details.Allowed != "1048576 bytes" || e.Details.Used == "" {
		t.Errorf("%s: %v", what, res)
	}
}

// TestBodiesAreBoundedTogether: an upload that fills the memory has others
// refused, but not small ones, and gives it back at its end.
func TestBodiesAreBoundedTogether(t *testing.T) {
	srv := harnesstest.Start(t, func(o *fazt.Options) { o.Dev, o.BodyMemory = false, 1<<20 })
	app := srv.Deploy(files("api/main.js", sizeApp))
	const large = 700 << 10
	r, w := io.Pipe()
	answer := make(chan *harnesstest.Response, 1)
	go func() { answer <- app.Do(http.MethodPost, "/api", r) }() // its length is not announced
	if _, err := w.Write(make([]byte, large)); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { n, _ := bodyBytes(t, srv); return n == large })

	wantOverloaded(t, "an upload beside it", upload(t, app.Another(), 100<<10))
	wantOverloaded(t, "text beside it", app.Another().Do(http.MethodPost, "/api", strings.NewReader(strings.Repeat("x", 100<<10))))
	wantOverloaded(t, "text of unknown length", app.Another().Do(http.MethodPost, "/api", io.MultiReader(strings.NewReader(strings.Repeat("x", 100<<10)))))
	if res := app.Another().Do(http.MethodPost, "/api", strings.NewReader("small")); res.Body != "5" {
		t.Errorf("a small body beside it: %v", res)
	}
	if n, refused := bodyBytes(t, srv); n != large || refused != 3 {
		t.Errorf("%d bytes are in memory and %d were refused, want %d and 3", n, refused, large)
	}

	w.Close()
	if res := <-answer; res.Body != fmt.Sprint(large) {
		t.Errorf("the upload itself: %v", res)
	}
	eventually(t, func() bool { n, _ := bodyBytes(t, srv); return n == 0 })
	if res := upload(t, app, 100<<10); res.Body != fmt.Sprint(100<<10) {
		t.Errorf("an upload after it: %v", res)
	}
	if metrics := manage(t, srv, "/metrics"); !strings.Contains(metrics, `fazt_refused_total{reason="bodies"} 3`) || !strings.Contains(metrics, "fazt_body_bytes 0") {
		t.Error("/metrics does not tell of bodies")
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
	fmt.Fprintf(c, "POST /api HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", host, 10<<20)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("before its body was sent: %v, %v", res, err)
	}

	srv = harnesstest.Start(t)
	app = srv.Deploy(files("api/main.js", sizeApp))
	if res := app.Do(http.MethodPost, "/api", strings.NewReader(strings.Repeat("x", 2<<20))); res.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("past the limit of one body: %v", res)
	}
	eventually(t, func() bool { n, _ := bodyBytes(t, srv); return n == 0 })
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
	eventually(t, func() bool { n, _ := bodyBytes(t, srv); return n == 0 })
}

// TestLargestBodyAlwaysFits, whatever it was set to.
func TestLargestBodyAlwaysFits(t *testing.T) {
	srv := harnesstest.Start(t, func(o *fazt.Options) { o.MaxUpload = 1 << 30 })
	var limits struct{ Data map[string]float64 }
	if err := json.Unmarshal([]byte(manage(t, srv, "/api/system/limits")), &limits); err != nil {
		t.Fatal(err)
	}
	if got := limits.Data["all_bodies_bytes"]; got != 2<<30 {
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
