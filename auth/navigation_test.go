package auth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/fazt-sh/fazt/auth"
)

func TestNavigation(t *testing.T) {
	tests := []struct {
		name, method, mode, accept string // mode is Sec-Fetch-Mode
		page, navigation           bool
	}{
		{"link", "GET", "navigate", "text/html,*/*;q=0.8", true, true},
		{"form by POST", "POST", "navigate", "text/html,*/*;q=0.8", true, false},
		{"link in an old browser", "GET", "", "text/html,*/*;q=0.8", true, true},
		{"form in an old browser", "POST", "", "text/html", true, false},
		{"HEAD", "HEAD", "", "text/html", true, false},
		{"fetch", "GET", "cors", "*/*", false, false},
		{"fetch of a page", "GET", "same-origin", "text/html", false, false},
		{"image", "GET", "no-cors", "image/avif,*/*", false, false},
		{"program", "GET", "", "*/*", false, false},
		{"program that says nothing", "GET", "", "", false, false},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(tt.method, "/", nil)
		for name, v := range map[string]string{"Sec-Fetch-Mode": tt.mode, "Accept": tt.accept} {
			if v != "" {
				r.Header.Set(name, v)
			}
		}
		if page, navigation := auth.WantsPage(r), auth.IsNavigation(r); page != tt.page || navigation != tt.navigation {
			t.Errorf("%s: page %v, navigation %v", tt.name, page, navigation)
		}
	}
}

// A program reads the errors of sign-in as it reads all of the server's.
func TestErrorEnvelope(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	program := func(path, host string) *httptest.ResponseRecorder {
		r := localRequest(http.MethodGet, host, path)
		r.Header.Del("Accept")
		r.AddCookie(&http.Cookie{Name: "fazt_session", Value: "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"})
		w := httptest.NewRecorder()
		w.Header().Set("X-Request-Id", "r1")
		s.ServeHTTP(w, r)
		return w
	}
	check := func(w *httptest.ResponseRecorder, status int, after, body string) {
		t.Helper()
		if w.Code != status || w.Body.String() != body || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Retry-After") != after {
			t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
		}
	}
	check(program("/auth/none", "localhost"), 404, "",
		`{"error":{"code":"NOT_FOUND","message":"There is no such page.","request_id":"r1"}}`)
	s.exec(`DROP TABLE auth_sessions`)
	check(program("/auth/session", "localhost"), 503, "1",
		`{"error":{"code":"UNAVAILABLE","message":"the session could not be read; try again","request_id":"r1","retryable":true}}`)
	check(program("/auth/logout", "localhost"), 503, "1",
		`{"error":{"code":"UNAVAILABLE","message":"The server could not do this just now. Try again shortly.","request_id":"r1","retryable":true}}`)
}
