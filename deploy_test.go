package fazt_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/runtime"
)

// TestBadApps refuses a deploy and leaves what is served as it was. What makes
// an app a bad one is tested in internal/site, case by case.
func TestBadApps(t *testing.T) {
	srv := open(t, func(o *fazt.Options) {
		o.Deploy = fazt.DeployLimits{FileBytes: 9 << 20, AppBytes: 10 << 20, Files: 4}
	})
	deploy(t, srv, "app", files("index.html", "good"))
	for _, test := range []struct {
		name, want string
		app        fs.FS
	}{
		{"app", "there are no files", files()},
		{"app", "manifest.json:1: not valid JSON", files("manifest.json", "nope")},
		{"app", "api/main.js:2:", files("index.html", "new", "api/main.js", "var x = 1;\nvar y = ;\n")},
		{"app", "api/data.json: brings", files("api/main.js", "", "api/data.json", strings.Repeat(" ", 9<<20))},
		{"app", "the limit for one file is 9437184", files("index.html", strings.Repeat("x", 9<<20+1))},
		{"app", "past 10485760 bytes", files("index.html", strings.Repeat("x", 9<<20), "b.txt", strings.Repeat("x", 9<<20))},
		{"app", "more than the 4 files", files("index.html", "", "1", "", "2", "", "3", "", "4", "")},
		{"a_b", "use a-z, 0-9 and -", files("index.html", "")},
		{"", "has 0 characters", files("index.html", "")},
		{"admin", "is reserved", files("index.html", "")},
	} {
		_, err := srv.Deploy(t.Context(), test.name, test.app)
		if !errors.Is(err, fazt.ErrInvalidApp) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
	_, err := srv.Deploy(t.Context(), "app", files("api/main.js", "\n  var ;"))
	if e, ok := errors.AsType[*runtime.Error](err); !ok || e.File != "api/main.js" || e.Line != 2 {
		t.Errorf("a syntax error: %#v", err)
	}
	if _, err := srv.Deploy(t.Context(), "app", os.DirFS(filepath.Join(t.TempDir(), "missing"))); err == nil || errors.Is(err, fazt.ErrInvalidApp) {
		t.Errorf("a directory that does not exist: %v; want an error that is not the app's fault", err)
	}
	if _, err := srv.DeployZIP(t.Context(), "app", strings.NewReader("nope"), 4); !errors.Is(err, fazt.ErrInvalidApp) {
		t.Errorf("a broken ZIP: %v", err)
	}
	if got := get(srv, "http://app.localhost/"); got != "200 good" {
		t.Errorf("the running version is now %s", got)
	}
	apps, err := srv.Apps(t.Context())
	if err != nil || len(apps) != 1 || apps[0].Version != 1 {
		t.Errorf("apps are %+v, %v", apps, err)
	}
}

func TestDeployZIP(t *testing.T) {
	srv := open(t)
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for _, name := range []string{"assets/", "index.html"} {
		if _, err := z.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := srv.DeployZIP(t.Context(), "app", bytes.NewReader(archive.Bytes()), int64(archive.Len()))
	if err != nil || d.Files != 1 || d.Version != 1 {
		t.Errorf("got %+v, %v; want one file in version 1", d, err)
	}
	if got := get(srv, "http://app.localhost/"); got != "200 " {
		t.Error(got)
	}
}

// TestSPA overrides what the manifest says, for one deploy.
func TestSPA(t *testing.T) {
	srv := open(t)
	for _, test := range []struct {
		manifest, want string
		opts           []api.DeployOption
	}{
		{`{"spa": true}`, "200 page", nil},
		{`{"spa": true}`, "404", []api.DeployOption{api.SPA(false)}},
		{`{}`, "200 page", []api.DeployOption{api.SPA(true)}},
		{`{}`, "404", nil},
	} {
		if _, err := srv.Deploy(t.Context(), "app", files("index.html", "page", "manifest.json", test.manifest), test.opts...); err != nil {
			t.Fatal(err)
		}
		if got := get(srv, "http://app.localhost/some/path"); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s and %d options: got %s, want %s", test.manifest, len(test.opts), got, test.want)
		}
	}
}

// TestRedeployKeepsCompressedForms deploys a file once more, which compresses
// nothing again.
func TestRedeployKeepsCompressedForms(t *testing.T) {
	srv := open(t)
	app := files("index.html", strings.Repeat("<p>again", 10_000), "new.txt", "1")
	deploy(t, srv, "app", app)
	app["new.txt"] = &fstest.MapFile{Data: []byte("2")}
	deploy(t, srv, "app", app)
	for _, encoding := range []string{"zstd", "gzip"} {
		w := do(srv, http.MethodGet, "http://app.localhost/", "Accept-Encoding", encoding)
		if got := w.Header().Get("Content-Encoding"); w.Code != 200 || got != encoding {
			t.Errorf("asked for %s: %d %q", encoding, w.Code, got)
		}
	}
	if got := get(srv, "http://app.localhost/new.txt"); got != "200 2" {
		t.Error(got)
	}
}

// TestPinnedEngineWarns deploys a handler to the engine that can't do all of what it may
// mean.
func TestPinnedEngineWarns(t *testing.T) {
	srv := open(t)
	for _, c := range []struct{ engine, source, want string }{
		{"otto", "return request.text.charAt(0)", "api/main.js:1:21: otto's texts can't hold half of an emoji, which charAt may return; without \"engine\" in fazt.json it runs on goja"},
		{"otto", "return 1 + 1", ""},
		{"goja", "return request.text.charAt(0)", ""},
		{"auto", "return request.text.charAt(0)", ""},
	} {
		made, err := srv.Deploy(t.Context(), "pinned", files("fazt.json", `{"engine": "`+c.engine+`"}`, "api/main.js", c.source))
		if err != nil {
			t.Errorf("%s %s: %v", c.engine, c.source, err)
			continue
		}
		if got := strings.Join(made.Warnings, "\n"); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.engine, c.source, got, c.want)
		}
	}
}
