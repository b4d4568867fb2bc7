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

func TestTypeOf(t *testing.T) {
	m := site.Manifest{Types: map[string]string{".own": "text/x-own", "/one/a.txt": "text/x-one"}}
	for name, want := range map[string][2]string{
		"a.own": {"text/x-own", ""}, "A.OWN": {"text/x-own", ""}, "one/a.txt": {"text/x-one", ""}, "two/a.txt": {"text/plain; charset=utf-8", ""},
		"b/game.wasm.br": {"application/wasm", "br"}, "game.data.gz": {"application/octet-stream", "gzip"}, "a.JS.GZ": {"text/javascript; charset=utf-8", "gzip"},
		"a.json.br": {"application/json", "br"}, "a.symbols.json.gz": {"application/json", "gzip"}, "a.json.gz": {"application/gzip", ""},
		"a.tar.gz": {"application/gzip", ""}, "a.csv.gz": {"application/gzip", ""}, ".gz": {"application/gzip", ""}, "js.gz": {"application/gzip", ""},
		"x/.br": {"application/x-brotli", ""}, "a.own.br": {"application/x-brotli", ""},
	} {
		kind, coding := m.TypeOf(name)
		if got := [2]string{kind, coding}; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
