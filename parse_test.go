package fazt_test

import (
	"path"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt"
)

func TestManifest(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`{}`, ""},
		{"\ufeff{\"name\": \"notes\"}", ""},
		{`{"name": "notes", "spa": true, "engine": "otto", "timeout": "5s", "indexes": {"a": ["b.c"]}, "headers": {"/*": {"X-A": "b"}}}`, ""},
		{``, "manifest.json:1: not valid JSON: unexpected end of file"},
		{"{\n\"name\":\n", "manifest.json:3: not valid JSON: unexpected end of file"},
		{"{\n\"name\": nope}", "manifest.json:2: not valid JSON"},
		{`[]`, "manifest.json:1: must be a JSON object"},
		{"{\n\n\"nam\": \"x\"}", "manifest.json:3: nam: unknown key"},
		{"{\"spa\": false,\n\"spa\": true}", "manifest.json:2: spa: given twice"},
		{`{"spa": "yes"}`, `manifest.json:1: spa: must be true or false, not "yes"`},
		{`{"name": null}`, "manifest.json:1: name: must be a string, not null"},
		{`{"name": "-x"}`, "manifest.json:1: name: fazt: app name \"-x\" has a hyphen at an end"},
		{`{"engine": "v8"}`, "manifest.json:1: engine: must be one of auto, otto, goja"},
		{`{"timeout": "-1s"}`, "manifest.json:1: timeout: must be a positive duration"},
		{`{"timeout": 5}`, "manifest.json:1: timeout: must be a positive duration"},
		{`{"indexes": {"a": "b"}}`, "manifest.json:1: indexes: must be an object of lists"},
		{`{"headers": {"x": {}}}`, `manifest.json:1: headers: path "x" must begin with /`},
		{`{"headers": {"/": {"A b": "c"}}}`, "is not a valid header"},
		{`{"headers": {"/": {"A": "c\r\nd"}}}`, "is not a valid header"},
		{`{"headers": {"/": {"set-cookie": "a"}}}`, "is the server's own to set"},
		{`{} {}`, "text after the closing brace"},
	} {
		got := ""
		if err := fazt.ParseManifest([]byte(test.text)); err != nil {
			got = err.Error()
		}
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}

func FuzzManifest(f *testing.F) {
	f.Add(`{"name": "notes", "spa": true}`)
	f.Add(`{"headers": {"/*": {"X": "y"}}}`)
	f.Add(`{"timeout": "5s", "engine":`)
	f.Fuzz(func(t *testing.T, text string) {
		if err := fazt.ParseManifest([]byte(text)); err != nil && !strings.HasPrefix(err.Error(), "manifest.json:") {
			t.Errorf("%q: %v; want the file and line first", text, err)
		}
	})
}

func TestCleanName(t *testing.T) {
	for name, want := range map[string]string{
		"notes": "notes", "NOTES": "notes", "404": "404", "root": "root", "a-b": "a-b", strings.Repeat("a", 63): strings.Repeat("a", 63),
		"": "", "-a": "", "a-": "", "a.b": "", "a_b": "", "ä": "", "www": "", "Admin": "", "localhost": "", strings.Repeat("a", 64): "",
	} {
		if got, err := fazt.CleanName(name); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestCleanPath(t *testing.T) {
	for p, want := range map[string]string{
		"": "/", "/": "/", "//": "/", "/a": "/a", "/a/": "/a/", "/a//b": "/a/b", "/a/../b": "/b", "/../../a": "/a", "/a/.": "/a", "/a/./": "/a/",
	} {
		if got, ok := fazt.CleanPath(p); got != want || !ok {
			t.Errorf("%q: got %q, %v; want %q", p, got, ok, want)
		}
	}
	for _, p := range []string{`/a\b`, "/a\x00"} {
		if got, ok := fazt.CleanPath(p); ok {
			t.Errorf("%q: got %q, want it refused", p, got)
		}
	}
}

func FuzzCleanPath(f *testing.F) {
	f.Add("/a/../b//c/.")
	f.Fuzz(func(t *testing.T, p string) {
		clean, ok := fazt.CleanPath(p)
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
		if got := fazt.HasContentHash(name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestChooseEncoding(t *testing.T) {
	both := []string{"zstd", "gzip"}
	for _, test := range []struct {
		accept  string
		offered []string
		want    string
	}{
		{"", both, ""},
		{"gzip;Q=0", both, ""},
		{"gzip", both, "gzip"},
		{"gzip, deflate, br, zstd", both, "zstd"},
		{"gzip, zstd;q=0", both, "gzip"},
		{"gzip; q=0.0, *;q=0.5", both, "zstd"},
		{"*;q=0", both, ""},
		{"GZIP", []string{"gzip"}, "gzip"},
		{"zstd", []string{"gzip"}, ""},
	} {
		if got := fazt.ChooseEncoding(test.accept, test.offered); got != test.want {
			t.Errorf("%q of %v: got %q, want %q", test.accept, test.offered, got, test.want)
		}
	}
}
