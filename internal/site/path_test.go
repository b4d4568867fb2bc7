package site_test

import (
	"path"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/internal/site"
)

func TestCleanPath(t *testing.T) {
	for p, want := range map[string]string{
		"": "/", "/": "/", "//": "/", "/a": "/a", "/a/": "/a/", "/a//b": "/a/b", "/a/../b": "/b", "/../../a": "/a", "/a/.": "/a", "/a/./": "/a/",
	} {
		if got, ok := site.CleanPath(p); got != want || !ok {
			t.Errorf("%q: got %q, %v; want %q", p, got, ok, want)
		}
	}
	for _, p := range []string{`/a\b`, "/a\x00"} {
		if got, ok := site.CleanPath(p); ok {
			t.Errorf("%q: got %q, want it refused", p, got)
		}
	}
}

func FuzzCleanPath(f *testing.F) {
	f.Add("/a/../b//c/.")
	f.Fuzz(func(t *testing.T, p string) {
		clean, ok := site.CleanPath(p)
		if !ok {
			return
		}
		if trimmed := strings.TrimSuffix(clean, "/"); trimmed != "" && path.Clean(trimmed) != trimmed || !strings.HasPrefix(clean, "/") {
			t.Errorf("%q: %q is not clean", p, clean)
		}
	})
}

func TestHasContentHash(t *testing.T) {
	for name, want := range map[string]bool{
		"assets/app.3f2a91bc.js": true, "index-B7xYz12_.js": true, "chunk-ABCD2345.js": true, "a-DiwrgTda1.css": false,
		"index-B-xYz12_.js": true, "main.0123456789abcdef.css": true,
		"app.js": false, "3f2a91bc.js": false, "jquery-3.7.1.min.js": false, "report-20261122.pdf": false, "my-component2.js": false,
		"photo-deadbeef.png": false, "notes.markdown.txt": false, "README-Markdown.md": false,
	} {
		if got := site.HasContentHash(name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}
