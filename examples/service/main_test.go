package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt"
)

// One sign-in is good for both apps and for the service's own route.
func TestOneSession(t *testing.T) {
	srv, err := fazt.New(t.Context(), fazt.Options{DataFile: filepath.Join(t.TempDir(), "data.db"), Dev: true})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	handler, err := newHandler(t.Context(), srv)
	if err != nil {
		t.Fatal(err)
	}
	service := httptest.NewServer(handler)
	defer service.Close()
	base := strings.Replace(service.URL, "127.0.0.1", "localhost", 1)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Jar: jar}
	read := func(res *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(res.StatusCode, " ", res.Request.URL.Path, " ", strings.TrimSpace(string(body)))
	}
	check := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	check(read(client.Get(base+"/blog/api/me")), `200 /blog/api/me {"reader":"a stranger","signIn":"/auth/login?back=%2Fblog%2F"}`)
	for _, path := range []string{"/account", "/shop/api/orders"} {
		if got := read(client.Get(base + path)); !strings.HasPrefix(got, "401 "+path) || !strings.Contains(got, "LOGIN_REQUIRED") {
			t.Errorf("a stranger gets %s", got)
		}
	}
	check(read(client.PostForm(base+"/auth/dev/callback", url.Values{
		"email": {"ada@example.com"}, "name": {"Ada"}, "role": {"user"}, "back": {"/account"},
	})), "200 /account Hello, Ada.")
	check(read(client.Get(base+"/shop/api/orders")), `200 /shop/api/orders {"orders":[],"of":"Ada"}`)
	check(read(client.Get(base+"/blog/api/me")), `200 /blog/api/me {"reader":"Ada","signIn":"/auth/login?back=%2Fblog%2F"}`)
}
