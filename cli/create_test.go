package cli_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/cli"
)

// TestTemplates deploys what one begins with, and asks it.
func TestTemplates(t *testing.T) {
	t.Chdir(t.TempDir())
	server, err := fazt.New(t.Context(), fazt.Options{DataFile: filepath.Join(t.TempDir(), "data.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, template := range []string{"static", "api", "guestbook", "uploads"} {
		if code, _, stderr := run("app", "create", "my-"+template, "--template", template); code != cli.ExitOK {
			t.Fatalf("%s: %s", template, stderr)
		}
		if _, err := server.Deploy(t.Context(), "my-"+template, os.DirFS("my-"+template)); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ method, url, body, want string }{
		{"GET", "http://my-static.localhost/", "", "200 <!doctype html>"},
		{"GET", "http://my-static.localhost/style.css", "", "200 :root {"},
		{"GET", "http://my-api.localhost/", "", "200 <!doctype html>"},
		{"GET", "http://my-api.localhost/api/items", "", `200 {"items":[]}`},
		{"POST", "http://my-api.localhost/api/items", `{"text": " milk "}`, `201 {"id":"`},
		{"POST", "http://my-api.localhost/api/items", `{"text": 1}`, `400 {"error":{"code":"INVALID"`},
		{"GET", "http://my-api.localhost/api/items", "", `200 {"items":[{`},
		{"GET", "http://my-api.localhost/api/other", "", `404 {"error":{"code":"NOT_FOUND"`},
		{"GET", "http://my-guestbook.localhost/", "", "200 <!doctype html>"},
		{"GET", "http://my-guestbook.localhost/api/entries", "", `200 {"entries":[]}`},
		{"POST", "http://my-guestbook.localhost/api/entries", `{"text": "x"}`, `401 {"error":{"code":"LOGIN_REQUIRED"`},
		{"GET", "http://my-uploads.localhost/", "", "200 <!doctype html>"},
		{"GET", "http://my-uploads.localhost/api/files", "", `401 {"error":{"code":"LOGIN_REQUIRED"`},
	} {
		r := httptest.NewRequest(test.method, test.url, strings.NewReader(test.body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if got := fmt.Sprint(w.Code, " ", w.Body); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s %s: %.100s; want %s", test.method, test.url, got, test.want)
		}
	}
}
