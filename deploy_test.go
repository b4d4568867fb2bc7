package fazt_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
)

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
