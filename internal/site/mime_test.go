package site_test

import (
	"testing"

	"github.com/fazt-sh/fazt/internal/site"
)

func TestMIMEType(t *testing.T) {
	for name, want := range map[string]string{
		"a/index.html": "text/html; charset=utf-8", "APP.JS": "text/javascript; charset=utf-8", "a.tar.gz": "application/gzip",
		"a.unknown": "application/octet-stream", "html": "application/octet-stream", "a.b/html": "application/octet-stream",
	} {
		if got := site.MIMEType(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
