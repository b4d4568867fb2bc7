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

func TestIsServable(t *testing.T) {
	for p, want := range map[string]bool{
		"/": true, "/a.b/c": true, "/.well-known/x": true, "/a/.well-known/x": true, "/.well-known": true,
		"/api": false, "/api/x": false, "/apis": true, "/fazt.json": false, "/a/fazt.json": true,
		"/.env": false, "/a/.env": false, "/.well-known/.x": false, "/.well-knowns": false, "/..a": false, "/.": false,
	} {
		if got := site.IsServable(p); got != want {
			t.Errorf("%s: %v, want %v", p, got, want)
		}
	}
}
