package cli_test

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/cli"
)

// TestTemplates deploys what one begins with, and asks it.
func TestTemplates(t *testing.T) {
	t.Chdir(t.TempDir())
	dataFile := filepath.Join(t.TempDir(), "data.db")
	for _, template := range []string{"static", "api", "typescript", "guestbook", "uploads"} {
		name := "my-" + template
		if code, _, stderr := run("app", "create", name, "--template", template); code != cli.ExitOK {
			t.Fatalf("%s: %s", template, stderr)
		}
		if code, _, stderr := run("app", "deploy", name, "--db", dataFile); code != cli.ExitOK {
			t.Fatalf("%s: %s", template, stderr)
		}
	}
	server, err := fazt.New(t.Context(), fazt.Options{DataFile: dataFile})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, test := range []struct{ method, url, body, want string }{
		{"GET", "http://my-static.localhost/", "", "200 <!doctype html>"},
		{"GET", "http://my-static.localhost/style.css", "", "200 :root {"},
		{"GET", "http://my-api.localhost/", "", "200 <!doctype html>"},
		{"GET", "http://my-api.localhost/api/items", "", `200 {"items":[]}`},
		{"POST", "http://my-api.localhost/api/items", `{"text": " milk "}`, `201 {"id":"`},
		{"POST", "http://my-api.localhost/api/items", `{"text": 1}`, `400 {"error":{"code":"INVALID"`},
		{"GET", "http://my-api.localhost/api/items", "", `200 {"items":[{`},
		{"GET", "http://my-api.localhost/api/other", "", `404 {"error":{"code":"NOT_FOUND"`},
		{"GET", "http://my-typescript.localhost/", "", "200 <!doctype html>"},
		{"POST", "http://my-typescript.localhost/api/items", `{"text": " milk "}`, `201 {"id":"`},
		{"POST", "http://my-typescript.localhost/api/items", `{"text": 1}`, `400 {"error":{"code":"INVALID"`},
		{"GET", "http://my-typescript.localhost/api/items", "", `200 {"items":[{`},
		{"GET", "http://my-typescript.localhost/api/other", "", `404 {"error":{"code":"NOT_FOUND"`},
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
