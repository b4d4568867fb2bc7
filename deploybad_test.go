package fazt_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/harnesstest"
)

// zipOf packs n files of a size, which compress well where they are large.
func zipOf(t *testing.T, n, size int) []byte {
	t.Helper()
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	method := zip.Deflate
	if size < 100 {
		method = zip.Store
	}
	for i := range n {
		w, err := z.CreateHeader(&zip.FileHeader{Name: fmt.Sprintf("f/%d.txt", i), Method: method})
		if err == nil {
			_, err = w.Write(bytes.Repeat([]byte{'x'}, size))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

// TestInterruptedDeploys breaks the connection after every part of an upload: nothing
// is changed, and nothing is left behind.
func TestInterruptedDeploys(t *testing.T) {
	scratch := t.TempDir()
	t.Setenv("TMPDIR", scratch)
	srv := harnesstest.Start(t)
	token, err := srv.Fazt.CreateKey(t.Context(), "deployer", "deploy")
	if err != nil {
		t.Fatal(err)
	}
	deploy(t, srv.Fazt, "app", files("index.html", "whole"))
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := form.WriteField("site_name", "app"); err != nil {
		t.Fatal(err)
	}
	part, err := form.CreateFormFile("file", "app.zip")
	if err == nil {
		_, err = part.Write(zipOf(t, 3, 100))
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	head := fmt.Sprintf("POST /api/deploy HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		token, form.FormDataContentType(), body.Len())
	address := strings.TrimPrefix(srv.URL, "http://")
	send := func(upload []byte) string {
		t.Helper()
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, head+string(upload)); err != nil {
			t.Fatal(err)
		}
		if len(upload) < body.Len() {
			return ""
		}
		answer := make([]byte, 12)
		if _, err := io.ReadFull(conn, answer); err != nil {
			t.Fatal(err)
		}
		return string(answer)
	}
	for n := 0; n < body.Len(); n += 11 {
		send(body.Bytes()[:n])
	}
	eventually(t, func() bool {
		stats, err := srv.Fazt.Stats(t.Context())
		left, dirErr := os.ReadDir(scratch)
		return err == nil && dirErr == nil && stats.InFlight == 0 && len(left) == 0
	})
	versions, err := srv.Fazt.Versions(t.Context(), "app")
	if err != nil || len(versions) != 1 || get(srv.Fazt, "http://app.localhost/") != "200 whole" {
		t.Errorf("after interrupted deploys there are %+v, %v", versions, err)
	}
	if answer := send(body.Bytes()); answer != "HTTP/1.1 200" {
		t.Errorf("the whole upload: %q", answer)
	}
}

// TestDeploysAtOnce has several deploy one app at the same time: each becomes a version
// of its own, and one of them is served.
func TestDeploysAtOnce(t *testing.T) {
	srv := open(t)
	const n = 12
	made := make([]*api.Deployment, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			var err error
			if made[i], err = srv.Deploy(t.Context(), "app", files("index.html", fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	byVersion := make(map[int]int)
	for i, d := range made {
		byVersion[d.Version] = i
	}
	if len(byVersion) != n {
		t.Errorf("%d deploys made the versions %v", n, byVersion)
	}
	if got, want := get(srv, "http://app.localhost/"), fmt.Sprint("200 ", byVersion[n]); got != want {
		t.Errorf("%s is served, and version %d is %s", got, n, want)
	}
}

// TestRemoveServedApp removes an app that visitors are reading: each gets all of an
// answer, or that there is nothing.
func TestRemoveServedApp(t *testing.T) {
	srv := open(t)
	server := httptest.NewServer(srv)
	defer server.Close()
	big := strings.Repeat("x", 3<<20)
	ask := func(path, whole string, gone chan<- struct{}) {
		defer close(gone)
		for {
			req, err := http.NewRequest(http.MethodGet, server.URL+path, nil)
			if err != nil {
				t.Error(err)
				return
			}
			req.Host = "app.localhost"
			res, err := server.Client().Do(req)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				return
			}
			text, err := io.ReadAll(res.Body)
			res.Body.Close()
			switch {
			case err != nil:
				t.Errorf("%s: %v", path, err)
				return
			case res.StatusCode == http.StatusNotFound:
				return
			case res.StatusCode != http.StatusOK || string(text) != whole:
				t.Errorf("%s: %d with %d bytes", path, res.StatusCode, len(text))
				return
			}
		}
	}
	for range 5 {
		deploy(t, srv, "app", files("index.html", "page", "big.bin", big, "api/main.js", "respond(String(fazt.storage.kv.incr('n') > 0))"))
		gone := []chan struct{}{make(chan struct{}), make(chan struct{}), make(chan struct{})}
		go ask("/", "page", gone[0])
		go ask("/big.bin", big, gone[1])
		go ask("/api", "true", gone[2])
		eventually(t, func() bool {
			info, err := srv.AppInfo(t.Context(), "app")
			return err == nil && info.Stats.Requests["handler"]["2xx"] > 0
		})
		if err := srv.RemoveApp(t.Context(), "app", api.Removal{}); err != nil {
			t.Fatal(err)
		}
		for _, c := range gone {
			<-c
		}
	}
}

// TestTooMuch refuses archives and directories that hold more than an app may, and
// reads no more of them than it takes to see that.
func TestTooMuch(t *testing.T) {
	srv := open(t, func(o *fazt.Options) { o.Deploy = fazt.DeployLimits{AppBytes: 20 << 20} })
	bomb := zipOf(t, 3, 9<<20) // 27 MB in 27 kB
	lying := bytes.Clone(zipOf(t, 1, 5<<20))
	// What the directory says of the size, after its signature and 20 bytes more.
	at := bytes.LastIndex(lying, []byte("PK\x01\x02")) + 24
	binary.LittleEndian.PutUint32(lying[at:], 10)
	many := zipOf(t, 100_000, 1)
	tiny := files()
	for i := range 100_000 {
		tiny[fmt.Sprintf("f/%d.txt", i)] = files("x", "x")["x"]
	}
	for _, test := range []struct {
		name, want string
		deploy     func() (*api.Deployment, error)
	}{
		{"bomb", "brings the app past 20971520 bytes", func() (*api.Deployment, error) {
			return srv.DeployZIP(t.Context(), "app", bytes.NewReader(bomb), int64(len(bomb)))
		}},
		{"lying size", "f/0.txt", func() (*api.Deployment, error) {
			return srv.DeployZIP(t.Context(), "app", bytes.NewReader(lying), int64(len(lying)))
		}},
		{"100,000 files in a ZIP", "the ZIP has 100000 entries", func() (*api.Deployment, error) {
			return srv.DeployZIP(t.Context(), "app", bytes.NewReader(many), int64(len(many)))
		}},
		{"100,000 files", "is more than the 20000 files", func() (*api.Deployment, error) { return srv.Deploy(t.Context(), "app", tiny) }},
	} {
		if _, err := test.deploy(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; want %s", test.name, err, test.want)
		}
	}
	if apps, err := srv.Apps(t.Context()); err != nil || len(apps) != 0 {
		t.Errorf("left %+v, %v", apps, err)
	}
}

// TestNamesThatDifferInCase are two files' names.
func TestNamesThatDifferInCase(t *testing.T) {
	srv := open(t)
	deploy(t, srv, "app", files("index.html", "lower", "INDEX.html", "upper", "Assets/a.txt", "1", "assets/a.txt", "2"))
	for path, want := range map[string]string{"/": "200 lower", "/INDEX.html": "200 upper", "/Assets/a.txt": "200 1", "/assets/a.txt": "200 2"} {
		if got := get(srv, "http://app.localhost"+path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
