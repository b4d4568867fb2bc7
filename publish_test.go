package fazt_test

import (
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
)

// countingFS counts how often a file is opened.
type countingFS struct {
	fstest.MapFS
	opened map[string]int
}

func (f countingFS) Open(name string) (fs.File, error) {
	f.opened[name]++
	return f.MapFS.Open(name)
}

// TestRedeployCompressesNothingAgain deploys a file once more: it is read once,
// to hash it, and its compressed forms are there as before.
func TestRedeployCompressesNothingAgain(t *testing.T) {
	srv := open(t)
	app := countingFS{files("index.html", strings.Repeat("<p>again", 10_000), "new.txt", "1"), map[string]int{}}
	deploy(t, srv, "app", app)
	first := app.opened["index.html"]
	app.MapFS["new.txt"] = &fstest.MapFile{Data: []byte("2")}
	clear(app.opened)
	deploy(t, srv, "app", app)
	if again := app.opened["index.html"]; again != 1 || first < 2 {
		t.Errorf("opened %d times, and %d when nothing had changed", first, again)
	}
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
