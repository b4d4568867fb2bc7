package fazt_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// catalogueReads counts how often all apps are read.
type catalogueReads struct {
	storage.Store
	n atomic.Int64
}

func (s *catalogueReads) Apps(ctx context.Context) ([]storage.App, error) {
	s.n.Add(1)
	return s.Store.Apps(ctx)
}

func TestHasHost(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "data.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	counted := &catalogueReads{Store: store}
	srv, err := fazt.New(t.Context(), fazt.Options{Store: counted, Domain: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	deploy := func(name string) {
		t.Helper()
		if _, err := srv.Deploy(t.Context(), name, fstest.MapFS{"index.html": {}}); err != nil {
			t.Fatal(err)
		}
	}
	check := func(host string, want bool) {
		t.Helper()
		if got, err := srv.HasHost(t.Context(), host); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", host, got, err, want)
		}
	}
	deploy("notes")
	for host, want := range map[string]bool{
		"example.com": true, "EXAMPLE.com:443": true, "example.com.": true, "www.example.com": true, "admin.example.com": true,
		"notes.example.com": true, "Notes.Example.com": true,
		"": false, "none.example.com": false, "a.notes.example.com": false, "notes.example.org": false, "notesexample.com": false,
		"localhost": false, "notes.localhost": false, "127.0.0.1": false, "[::1]": false, "203.0.113.7": false, "*.example.com": false,
	} {
		check(host, want)
	}
	before := counted.n.Load()
	for range 100 {
		check("none.example.com", false)
	}
	if reads := counted.n.Load() - before; reads != 0 {
		t.Errorf("%d reads for hosts that nobody has", reads)
	}

	// What changes is noticed at once.
	deploy("none")
	check("none.example.com", true)
	if err := srv.RemoveApp(t.Context(), "none", api.Removal{}); err != nil {
		t.Fatal(err)
	}
	check("none.example.com", false)
}

// TestHasHostWithoutDomain: there is none to have a certificate for.
func TestHasHostWithoutDomain(t *testing.T) {
	srv, err := fazt.New(t.Context(), fazt.Options{DataFile: filepath.Join(t.TempDir(), "data.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	for _, host := range []string{"localhost", "example.com", ""} {
		if got, err := srv.HasHost(t.Context(), host); err != nil || got {
			t.Errorf("%q: %v, %v", host, got, err)
		}
	}
}

// TestOpaqueTarget: a request line that no browser sends redirects to nobody else's host.
func TestOpaqueTarget(t *testing.T) {
	srv, err := fazt.New(t.Context(), fazt.Options{DataFile: filepath.Join(t.TempDir(), "data.db"), Domain: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	for _, host := range []string{"www.example.com", "example.com", "admin.example.com"} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Host, r.URL = host, &url.URL{Scheme: "http", Opaque: ".elsewhere.test"}
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		if w.Code != http.StatusNotFound || strings.Contains(w.Header().Get("Location"), "elsewhere") {
			t.Errorf("%s: %d %v", host, w.Code, w.Header())
		}
	}
}
