package api_test

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/storage"
)

// services returns one server as both services that there are.
func services(t *testing.T) map[string]api.Service {
	t.Helper()
	srv := harnesstest.Start(t)
	token, err := srv.Fazt.CreateKey(t.Context(), "test", "admin")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]api.Service{
		"server": srv.Fazt,
		"client": &api.Client{URL: srv.URL, Token: token, HTTP: srv.Client()},
	}
}

// A server and a client of it say the same, and a change by one is seen by the
// other.
func TestServices(t *testing.T) {
	both := services(t)
	app := fstest.MapFS{
		"index.html":  {Data: []byte("hello")},
		"api/main.js": {Data: []byte("console.log('one'); console.log('two')")},
	}
	version := 0
	for name, s := range both {
		d, err := s.Deploy(t.Context(), "app", app, api.SPA(true))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		version++
		want := &api.Deployment{App: "app", AppID: d.AppID, Version: version, Files: 2, Size: d.Size, Engine: "otto", Message: d.Message}
		if diff := cmp.Diff(want, d); diff != "" {
			t.Errorf("%s: deployed (-want +got):\n%s", name, diff)
		}
	}
	asked := func(ask func(api.Service) (any, error)) {
		t.Helper()
		got := make(map[string]any)
		for name, s := range both {
			answer, err := ask(s)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got[name] = answer
		}
		if diff := cmp.Diff(got["server"], got["client"]); diff != "" {
			t.Errorf("the server and its client differ (-server +client):\n%s", diff)
		}
	}
	asked(func(s api.Service) (any, error) { return s.Apps(t.Context()) })
	asked(func(s api.Service) (any, error) { return s.AppInfo(t.Context(), "app") })
	asked(func(s api.Service) (any, error) { return s.Limits(t.Context()) })
	asked(func(s api.Service) (any, error) { return s.Logs(t.Context(), api.LogQuery{}) })
	asked(func(s api.Service) (any, error) {
		return s.Logs(t.Context(), api.LogQuery{Apps: []string{"app"}, Level: "info", Contains: "o", Since: time.Now().Add(-time.Hour), Before: 1 << 40})
	})
	asked(func(s api.Service) (any, error) {
		return s.Logs(t.Context(), api.LogQuery{Newest: true, Limit: 1, After: 1})
	})
	asked(func(s api.Service) (any, error) {
		h, err := s.Health(t.Context())
		h.Uptime = 0
		return h, err
	})
	asked(func(s api.Service) (any, error) {
		c, err := s.Checkup(t.Context())
		c.Uptime, c.Storage = 0, api.StorageHealth{}
		return c, err
	})
	asked(func(s api.Service) (any, error) {
		file := filepath.Join(t.TempDir(), "copy.db")
		last := int64(0)
		err := s.Backup(t.Context(), file, func(done, total int64) { last = total - done })
		info, statErr := os.Stat(file)
		if err != nil || statErr != nil {
			return nil, errors.Join(err, statErr)
		}
		again := s.Backup(t.Context(), file, nil)
		if !errors.Is(again, fs.ErrExist) {
			t.Errorf("a file that is there: %v", again)
		}
		return []any{info.Mode(), last, info.Size() > 100_000}, nil
	})
	asked(func(s api.Service) (any, error) {
		stats, err := s.Stats(t.Context())
		return stats.Loaded.Limit, err
	})
	if err := both["client"].RemoveApp(t.Context(), "app", api.Removal{}); err != nil {
		t.Fatal(err)
	}
	asked(func(s api.Service) (any, error) { return s.Apps(t.Context()) })
}

func TestClientErrors(t *testing.T) {
	both := services(t)
	for name, s := range both {
		err := s.RemoveApp(t.Context(), "none", api.Removal{})
		if err == nil {
			t.Errorf("%s: an app that is not there was removed", name)
		}
		e, ok := errors.AsType[*api.Error](err)
		if name == "client" && (!ok || e.Code != "NOT_FOUND" || e.Status != http.StatusNotFound || e.RequestID == "") {
			t.Errorf("%s: %#v", name, err)
		}
		_, err = s.Deploy(t.Context(), "bad", fstest.MapFS{"api/main.js": {Data: []byte("var = 1")}})
		e, ok = errors.AsType[*api.Error](err)
		if name == "client" && (!ok || e.Code != "INVALID_APP" || e.Details["line"] != 1.0) {
			t.Errorf("%s: %#v", name, err)
		}
	}
	srv := harnesstest.Start(t)
	page := fstest.MapFS{"index.html": {Data: []byte("hello")}, "api/main.js": {Data: []byte("({hello: 'world'})")}}
	for _, test := range []struct {
		name   string
		client api.Client
		code   string // "" when what answered is no fazt server
	}{
		{"no key", api.Client{URL: srv.URL}, "UNAUTHORIZED"},
		{"an unknown key", api.Client{URL: srv.URL, Token: "fzt_none_none"}, "UNAUTHORIZED"},
		{"an app's host", api.Client{URL: srv.Deploy(page).URL}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.client.HTTP = srv.Client()
			_, err := test.client.Apps(t.Context())
			e, ok := errors.AsType[*api.Error](err)
			if err == nil || ok != (test.code != "") || ok && e.Code != test.code {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestClientAddresses: what no request can be made of is said before one is sent, and a
// name that would lead to another path is one that does not exist, as on the server.
func TestClientAddresses(t *testing.T) {
	for _, url := range []string{"", "example.com", "127.0.0.1:8080", "/api", "ftp://example.com", "http://"} {
		_, err := (&api.Client{URL: url}).Apps(t.Context())
		if err == nil || !strings.Contains(err.Error(), "Client.URL") {
			t.Errorf("%q: %v", url, err)
		}
	}
	srv := harnesstest.Start(t)
	client := &api.Client{URL: srv.URL, Token: srv.Key(t, "admin", "read"), HTTP: srv.Client()}
	for _, name := range []string{"", ".", ".."} {
		_, err := client.AppInfo(t.Context(), name)
		if e, ok := errors.AsType[*api.Error](err); !ok || e.Code != "NOT_FOUND" {
			t.Errorf("the client, %q: %v", name, err)
		}
		if _, err := srv.Fazt.AppInfo(t.Context(), name); storage.CodeOf(err) != storage.CodeNotFound {
			t.Errorf("the server, %q: %v", name, err)
		}
	}
}

var _ api.Service = (*fazt.Server)(nil)
