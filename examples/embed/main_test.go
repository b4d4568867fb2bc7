package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt"
)

func TestService(t *testing.T) {
	srv, err := fazt.New(t.Context(), fazt.Options{DataFile: filepath.Join(t.TempDir(), "data.db")})
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

	tests := []struct {
		path   string
		status int
		body   string // part of it
	}{
		{"/", 200, "the service's own page"},
		{"/shop/", 200, "What does it cost?"},
		{"/shop/app.js", 200, "api/price"},
		{"/shop/api/price?sku=mug", 200, `{"sku":"mug","cents":1250}`},
		{"/shop/api/price?sku=moon", 404, `{"error":{"code":"UNKNOWN_ARTICLE","message":"there is no article \"moon\""}}`},
		{"/shop/api/price", 404, "UNKNOWN_ARTICLE"},
		{"/shop/api/main.js", 404, ""},
		{"/api/price?sku=mug", 404, ""},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			res, err := http.Get(service.URL + tt.path)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != tt.status || !strings.Contains(string(body), tt.body) {
				t.Errorf("got %d %s; want %d with %q", res.StatusCode, body, tt.status, tt.body)
			}
		})
	}
}
