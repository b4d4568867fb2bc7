package site_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fazt-sh/fazt/internal/site"
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
		{`{"name": "-x"}`, "manifest.json:1: name: app name \"-x\" has a hyphen at an end"},
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
		if _, err := site.ParseManifest([]byte(test.text)); err != nil {
			got = err.Error()
		}
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}

// TestManifestBounds fills each bound, and goes one past it.
func TestManifestBounds(t *testing.T) {
	list := func(n int, item func(i int) string) string {
		items := make([]string, n)
		for i := range items {
			items[i] = item(i)
		}
		return strings.Join(items, ",")
	}
	collections := func(n, fields int) string {
		return `{"name": "a",` + "\n" + `"indexes": {` + list(n, func(i int) string {
			return fmt.Sprintf(`"c%d": [%s]`, i, list(fields, func(i int) string { return fmt.Sprintf(`"f%d"`, i) }))
		}) + `}}`
	}
	headers := func(paths, fields, bytes int) string {
		return "{\n\n" + `"headers": {` + list(paths, func(i int) string {
			return fmt.Sprintf(`"/p%d": {%s}`, i, list(fields, func(i int) string {
				return fmt.Sprintf(`"H%03d": %q`, i, strings.Repeat("v", bytes-4))
			}))
		}) + `}}`
	}
	long := func(bytes int) string {
		const frame = `{"headers": {"/": {"A": "b"}}}`
		return frame + strings.Repeat("\n", bytes-len(frame))
	}
	for _, test := range []struct{ name, text, want string }{
		{"bytes", long(64 << 10), ""},
		{"one byte more", long(64<<10 + 1), "manifest.json:1: has 65537 bytes; the limit is 65536"},
		{"indexes", collections(64, 16), ""},
		{"a collection more", collections(65, 1), "manifest.json:2: indexes: indexes on 65 collections, more than 64"},
		{"an index more", collections(1, 17), "manifest.json:2: indexes: c0: 17 indexes on one collection, more than 16"},
		{"headers", headers(64, 32, 5), ""},
		{"a long header", headers(1, 1, 4<<10), ""},
		{"a path more", headers(65, 1, 5), "manifest.json:3: headers: has 65 paths; the limit is 64"},
		{"a header more", headers(1, 33, 5), `manifest.json:3: headers: path "/p0" has 33 headers; the limit is 32`},
		{"a longer header", headers(1, 1, 4<<10+1), `manifest.json:3: headers: "H000" has 4097 bytes; the limit is 4096`},
		{"a long path", `{"headers": {"/` + strings.Repeat("p", 1024) + `": {}}}`, "has 1025 bytes; the limit is 1024"},
	} {
		got := ""
		if _, err := site.ParseManifest([]byte(test.text)); err != nil {
			got = err.Error()
		}
		if test.want == "" && got != "" || !strings.Contains(got, test.want) || len(got) > 300 {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// TestLargeManifest is not even read.
func TestLargeManifest(t *testing.T) {
	files := fstest.MapFS{"index.html": {}, "manifest.json": {Data: make([]byte, 1<<20)}}
	_, err := site.ReadFS(files, site.Limits{FileBytes: 2 << 20, AppBytes: 2 << 20, Files: 10})
	if !errors.Is(err, site.ErrInvalid) || !strings.Contains(err.Error(), "manifest.json:1: has 1048576 bytes") {
		t.Error(err)
	}
}

func FuzzManifest(f *testing.F) {
	f.Add(`{"name": "notes", "spa": true}`)
	f.Add(`{"headers": {"/*": {"X": "y"}}}`)
	f.Add(`{"timeout": "5s", "engine":`)
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := site.ParseManifest([]byte(text)); err != nil && !strings.HasPrefix(err.Error(), "manifest.json:") {
			t.Errorf("%q: %v; want the file and line first", text, err)
		}
	})
}
