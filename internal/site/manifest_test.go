package site_test

import (
	"strings"
	"testing"

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
