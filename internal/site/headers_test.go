package site_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/internal/site"
)

// TestSetHeaders holds the longer pattern against the shorter, however the map
// is walked.
func TestSetHeaders(t *testing.T) {
	m, _, err := site.ParseManifest(site.ConfigPath, []byte(`{"headers": {
		"/a/b.txt": {"X-A": "path"}, "/a/b.tx*": {"x-a": "prefix", "X-B": "prefix"}, "/*": {"X-A": "all", "X-B": "all", "X-C": "all"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]http.Header{
		"/a/b.txt":  {"X-A": {"path"}, "X-B": {"prefix"}, "X-C": {"all"}},
		"/a/b.txt2": {"X-A": {"prefix"}, "X-B": {"prefix"}, "X-C": {"all"}},
		"/":         {"X-A": {"all"}, "X-B": {"all"}, "X-C": {"all"}},
	} {
		got := http.Header{}
		m.SetHeaders(got, path)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// TestServersOwnHeaders holds what a manifest may set against what a handler
// may: a handler speaks for one answer, so its list is the longer one.
func TestServersOwnHeaders(t *testing.T) {
	for name, want := range map[string]struct{ owned, inManifest bool }{
		"Content-Length": {true, false}, "Transfer-Encoding": {true, false}, "Connection": {true, false}, "Keep-Alive": {true, false},
		"Upgrade": {true, false}, "Trailer": {true, false}, "X-Request-Id": {true, false},
		"Content-Type": {false, false}, "Content-Encoding": {false, false}, "Content-Range": {false, false}, "Etag": {false, false},
		"Last-Modified": {false, false}, "Set-Cookie": {false, false},
		"Cache-Control": {false, true}, "Content-Security-Policy": {false, true}, "X-Frame-Options": {false, true},
	} {
		if got := site.OwnsHeader(name); got != want.owned {
			t.Errorf("%s: owned by the server is %v, want %v", name, got, want.owned)
		}
		_, _, err := site.ParseManifest(site.ConfigPath, []byte(`{"headers": {"/*": {"`+name+`": "x"}}}`))
		if got := err == nil; got != want.inManifest {
			t.Errorf("%s: in a manifest: %v; want it allowed: %v", name, err, want.inManifest)
		}
	}
}

// A manifest must not sign the visitors of other apps out.
func TestClearSiteData(t *testing.T) {
	for value, want := range map[string]bool{
		`"cache"`: true, `"cache", "storage"`: true, `"cookies"`: false, `"cache", "Cookies"`: false, `"*"`: false,
	} {
		m, err := json.Marshal(map[string]any{"headers": map[string]any{"/*": map[string]string{"clear-site-data": value}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := site.ParseManifest(site.ConfigPath, m); (err == nil) != want {
			t.Errorf("%s: %v", value, err)
		}
	}
}
