package site_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/internal/site"
)

func TestManifest(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`{}`, ""},
		{"\ufeff{\"name\": \"notes\"}", ""},
		{`{"name": "notes", "spa": true, "version": "1", "types": {".GLB": "model/x", "/feed": "text/xml; charset=utf-8"}, "engine": "otto", "timeout": "5s", "indexes": {"a": ["b.c"]}, "headers": {"/*": {"X-A": "b"}}}`, ""},
		{``, "fazt.json:1: not valid JSON: it ends where a value is still to come (column 1)"},
		{"{\n\"name\":\n", "fazt.json:3: not valid JSON: it ends too early"},
		{"{\n\"name\": nope}", "fazt.json:2: not valid JSON"},
		{`[]`, "fazt.json:1: must be a JSON object"},
		{"{\"spa\": false,\n\"spa\": true}", "fazt.json:2: spa: given twice"},
		{`{"spa": "yes"}`, `fazt.json:1: spa: must be true or false, not "yes"`},
		{`{"name": null}`, "fazt.json:1: name: must be a string, not null"},
		{`{"name": "-x"}`, "fazt.json:1: name: app name \"-x\" has a hyphen at an end"},
		{`{"engine": "v8"}`, "fazt.json:1: engine: must be one of auto, otto, goja"},
		{`{"timeout": "-1s"}`, "fazt.json:1: timeout: must be a positive duration"},
		{`{"timeout": 5}`, "fazt.json:1: timeout: must be a positive duration"},
		{`{"indexes": {"a": "b"}}`, "fazt.json:1: indexes: must be an object of lists"},
		{`{"headers": {"x": {}}}`, `fazt.json:1: headers: path "x" must begin with /`},
		{`{"headers": {"/": {"A b": "c"}}}`, "is not a valid header"},
		{`{"headers": {"/": {"A": "c\r\nd"}}}`, "is not a valid header"},
		{`{"headers": {"/": {"set-cookie": "a"}}}`, "is the server's own to set"},
		{`{"headers": {"/": {"X-Accel-Redirect": "/etc/passwd"}}}`, "is the server's own to set"},
		{`{"types": {"glb": "model/x"}}`, `fazt.json:1: types: "glb": must be an extension such as ".glb" or a path`},
		{`{"types": {".tar.gz": "model/x"}}`, "must be an extension"},
		{`{"types": {".glb": "model"}}`, `types: ".glb": "model" is not a MIME type`},
		{`{"types": {".glb": "a/b\r\nX: y"}}`, "is not a MIME type"},
		{`{"types": [".glb"]}`, "must be an object of extensions or paths"},
		{`{} {}`, "text after the closing brace"},
	} {
		got := ""
		if _, _, err := site.ParseManifest(site.ConfigPath, []byte(test.text)); err != nil {
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
	sum := func(fields, prefixes int) string { // of 4,000 bytes each
		return `{"headers": {` + list(prefixes, func(i int) string {
			return fmt.Sprintf(`"/%s*": {"A": %q}`, strings.Repeat("a", i), strings.Repeat("v", 3999))
		}) + `, "/aaaaaaaa": {` + list(fields, func(i int) string {
			return fmt.Sprintf(`"H%03d": %q`, i, strings.Repeat("v", 3996))
		}) + `}}}`
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
		{"one byte more", long(64<<10 + 1), "fazt.json:1: has 65537 bytes; the limit is 65536"},
		{"indexes", collections(64, 16), ""},
		{"a collection more", collections(65, 1), "fazt.json:2: indexes: indexes on 65 collections, more than 64"},
		{"an index more", collections(1, 17), "fazt.json:2: indexes: c0: 17 indexes on one collection, more than 16"},
		{"headers of a list", `{"headers": {"/*": ["A: b"]}}`, `headers: "/*": must be an object of headers, such as {"X-Frame-Options": "DENY"}, not ["A: b"]`},
		{"a header of a number", `{"headers": {"/*": {"A": 1}}}`, `headers: "/*": "A" must be a string, not 1`},
		{"headers", headers(64, 32, 5), ""},
		{"a long header", headers(1, 1, 4<<10), ""},
		{"a path more", headers(65, 1, 5), "fazt.json:3: headers: has 65 paths; the limit is 64"},
		{"a header more", headers(1, 33, 5), `fazt.json:3: headers: path "/p0" has 33 headers; the limit is 32`},
		{"a longer header", headers(1, 1, 4<<10+1), `fazt.json:3: headers: "H000" has 4097 bytes; the limit is 4096`},
		{"an answer's headers", sum(2, 2), ""},
		{"an answer's headers by prefixes", sum(2, 3), `path "/aaaaaaaa" has headers of 20000 bytes`},
		{"an answer's headers alone", headers(1, 5, 4000), `path "/p0" has headers of 20000 bytes, with those of the prefixes that it is below; the limit is 16384`},
		{"a long path", `{"headers": {"/` + strings.Repeat("p", 1024) + `": {}}}`, "has 1025 bytes; the limit is 1024"},
	} {
		got := ""
		if _, _, err := site.ParseManifest(site.ConfigPath, []byte(test.text)); err != nil {
			got = err.Error()
		}
		if test.want == "" && got != "" || !strings.Contains(got, test.want) || len(got) > 300 {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// TestLargeManifest is not even read.
func TestLargeManifest(t *testing.T) {
	files := fstest.MapFS{"index.html": {}, "fazt.json": {Data: make([]byte, 1<<20)}}
	_, err := site.ReadFS(files, site.Limits{FileBytes: 2 << 20, AppBytes: 2 << 20, Files: 10})
	if !errors.Is(err, site.ErrInvalid) || !strings.Contains(err.Error(), "fazt.json:1: has 1048576 bytes") {
		t.Error(err)
	}
}

func FuzzManifest(f *testing.F) {
	f.Add(`{"name": "notes", "spa": true}`)
	f.Add(`{"headers": {"/*": {"X": "y"}}}`)
	f.Add(`{"timeout": "5s", "engine":`)
	f.Fuzz(func(t *testing.T, text string) {
		if _, _, err := site.ParseManifest(site.ConfigPath, []byte(text)); err != nil && !strings.HasPrefix(err.Error(), "fazt.json:") {
			t.Errorf("%q: %v; want the file and line first", text, err)
		}
	})
}

// TestManifestWarnings are about what does nothing.
func TestManifestWarnings(t *testing.T) {
	for _, test := range []struct {
		file, text string
		want       []string
	}{
		{"fazt.json", `{"version": "1", "description": "d", "author": "a", "$schema": "s"}`, nil},
		{"fazt.json", "{\n\n\"nam\": \"x\"}", []string{"fazt.json:3: nam: unknown key, which does nothing; did you mean name?"}},
		{"fazt.json", `{"SPA": true}`, []string{"fazt.json:1: SPA: unknown key, which does nothing; did you mean spa?"}},
		{"fazt.json", `{"haeders": {}}`, []string{"fazt.json:1: haeders: unknown key, which does nothing; did you mean headers?"}},
		{"fazt.json", `{"headers": {"/*": {"A": "b"}, "/*.js": {"A": "b"}}}`, []string{
			`fazt.json:1: headers: "/*.js": a * stands for anything at the end alone; as it is, no path but this very one has these headers`}},
		{"fazt.json", `{"scripts": {}}`, []string{"fazt.json:1: scripts: unknown key, which does nothing; known are " +
			"name, spa, engine, timeout, indexes, headers, types, routes, origins, version, description, author, $schema"}},
		{"manifest.json", `{"name": "x", "tmeout": "5s"}`, []string{"manifest.json:1: tmeout: unknown key, which does nothing; did you mean timeout?"}},
		{"manifest.json", "{\"name\": \"x\", \"icons\": [],\n\"spa\": true}", []string{
			"manifest.json:2: spa: does nothing in a manifest for browsers; put it into fazt.json"}},
		{"manifest.json", `{"main.js": "/main.3f2a91bc.js"}`, nil},
		{"manifest.json", `{"spaa": true}`, []string{"manifest.json:1: spaa: unknown key, which does nothing; did you mean spa?"}},
	} {
		_, warnings, err := site.ParseManifest(test.file, []byte(test.text))
		if diff := cmp.Diff(test.want, warnings); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", test.text, err, diff)
		}
	}
	many := "{" + strings.Repeat(`"k%d": 1,`, 100)
	numbers := make([]any, 100)
	for i := range numbers {
		numbers[i] = i
	}
	_, warnings, err := site.ParseManifest("fazt.json", []byte(fmt.Sprintf(many, numbers...)+`"name": "x"}`))
	if err != nil || len(warnings) != 11 || warnings[10] != "and 90 more of the kind" {
		t.Errorf("%d warnings, %v: %q", len(warnings), err, warnings)
	}
}

// TestWhichManifest is ours, and which is a file like any other.
func TestWhichManifest(t *testing.T) {
	for _, test := range []struct {
		name   string
		app    fstest.MapFS
		spa    bool
		served bool
	}{
		{"ours", files("manifest.json", `{"spa": true}`), true, false},
		{"an empty one", files("manifest.json", `{}`), false, false},
		{"fazt.json first", files("fazt.json", `{"spa": true}`, "manifest.json", `{"spa": false}`), true, true},
		{"fazt.json, and one for browsers that is broken", files("fazt.json", `{}`, "manifest.json", `{`), false, true},
		{"one for browsers", files("manifest.json", `{"name": "App", "short_name": "App", "spa": true}`), false, true},
		{"one of a build's files", files("manifest.json", `{"main.js": "main.3f2a91bc.js"}`), false, true},
		{"fazt.json alone", files("fazt.json", `{"spa": true}`), true, false},
	} {
		app, err := site.ReadFS(test.app, limits)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		m := &app.Manifest
		if m.SPA != test.spa || m.IsServable("/manifest.json") != test.served || m.IsServable("/fazt.json") {
			t.Errorf("%s: spa is %v, served is %v", test.name, m.SPA, m.IsServable("/manifest.json"))
		}
	}
}
