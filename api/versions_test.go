package api_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/storage"
)

// codeOf is an error's code, whichever service returned it.
func codeOf(err error) string {
	if e, ok := errors.AsType[*api.Error](err); ok {
		return e.Code
	}
	return string(storage.CodeOf(err))
}

// TestVersions does everything about versions in both ways, each on an app of its own.
func TestVersions(t *testing.T) {
	for name, s := range services(t) {
		t.Run(name, func(t *testing.T) {
			for v := 1; v <= 3; v++ {
				app := fstest.MapFS{"index.html": {Data: fmt.Appendf(nil, "page %d", v)}, "a b/ü%2f.txt": {Data: []byte("odd")}, "empty.css": {}}
				from := api.Source{URL: "https://name:secret@example.com/app.git", Ref: fmt.Sprint("v", v), Commit: "0a1b", By: "anybody", Restored: 7}
				if _, err := s.Deploy(t.Context(), name, app, api.From(from)); err != nil {
					t.Fatal(err)
				}
			}
			d, err := s.Rollback(t.Context(), name, 1)
			if err != nil || d.App != name || d.Version != 4 || d.Files != 3 {
				t.Fatalf("rolled back to %+v, %v", d, err)
			}
			list, err := s.Versions(t.Context(), name)
			if err != nil || len(list) != 4 {
				t.Fatalf("versions %+v, %v", list, err)
			}
			by := map[string]string{"server": "local", "client": "test"}[name]
			got := list[0]
			got.DeployedAt = list[1].DeployedAt
			want := api.Version{Version: 4, Current: true, Files: 3, Size: 9, DeployedAt: got.DeployedAt,
				Source: api.Source{URL: "https://example.com/app.git", Ref: "v1", Commit: "0a1b", By: by, Restored: 1}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the rollback (-want +got):\n%s", diff)
			}
			if v := list[1]; v.Current || v.Source.Restored != 0 || v.Source.Ref != "v3" {
				t.Errorf("the version before: %+v", v)
			}
			for version, want := range map[int]string{0: "page 1", 2: "page 2", 3: "page 3"} {
				if text := content(t, s, name, version, "index.html"); text != want {
					t.Errorf("version %d has %q, want %q", version, text, want)
				}
			}
			if text := content(t, s, name, 0, "a b/ü%2f.txt") + content(t, s, name, 0, "empty.css"); text != "odd" {
				t.Errorf("got %q", text)
			}
			files, err := s.Files(t.Context(), name, 2)
			if err != nil || len(files) != 3 || files[0].Path != "a b/ü%2f.txt" || files[2].Size != 6 {
				t.Errorf("files %+v, %v", files, err)
			}
			for what, ask := range map[string]func() error{
				"no app":                 func() error { _, err := s.Versions(t.Context(), "none"); return err },
				"no app to roll back":    func() error { _, err := s.Rollback(t.Context(), "none", 1); return err },
				"version that isn't":     func() error { _, err := s.Rollback(t.Context(), name, 9); return err },
				"files of no version":    func() error { _, err := s.Files(t.Context(), name, 9); return err },
				"file of no version":     func() error { _, _, err := s.OpenFile(t.Context(), name, 9, "index.html"); return err },
				"no file":                func() error { _, _, err := s.OpenFile(t.Context(), name, 0, "index.htm"); return err },
				"app to change":          func() error { _, err := s.ChangeApp(t.Context(), "none", api.AppChange{}); return err },
				"nothing before version": func() error { _, err := s.Rollback(t.Context(), name, 0); return err },
			} {
				if err := ask(); codeOf(err) != "NOT_FOUND" {
					t.Errorf("%s: %v", what, err)
				}
			}
			long := api.From(api.Source{Ref: "a\nb"})
			if _, err := s.Deploy(t.Context(), name, fstest.MapFS{"index.html": {}}, long); codeOf(err) != "INVALID" {
				t.Errorf("a ref of two lines: %v", err)
			}
		})
	}
}

func content(t *testing.T, s api.Service, app string, version int, path string) string {
	t.Helper()
	f, r, err := s.OpenFile(t.Context(), app, version, path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil || f.Path != path || f.Size != int64(len(text)) || len(f.Hash) != 64 {
		t.Errorf("%+v: %q, %v", f, text, err)
	}
	return string(text)
}

// TestPlainRollback goes back one deploy at a time, past versions that rollbacks made.
func TestPlainRollback(t *testing.T) {
	s := services(t)["client"]
	for v := range 3 {
		if _, err := s.Deploy(t.Context(), "app", fstest.MapFS{"index.html": {Data: fmt.Appendf(nil, "%d", v+1)}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"2", "1"} {
		if _, err := s.Rollback(t.Context(), "app", 0); err != nil {
			t.Fatal(err)
		}
		if got := content(t, s, "app", 0, "index.html"); got != want {
			t.Errorf("went back to %s, want %s", got, want)
		}
	}
	if _, err := s.Deploy(t.Context(), "app", fstest.MapFS{"index.html": {Data: []byte("6")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Rollback(t.Context(), "app", 0); err != nil {
		t.Fatal(err)
	}
	if got := content(t, s, "app", 0, "index.html"); got != "1" {
		t.Errorf("went back to %s, want 1, which was served before", got)
	}
}

func TestChangeApp(t *testing.T) {
	for name, s := range services(t) {
		if _, err := s.Deploy(t.Context(), name, fstest.MapFS{"index.html": {}}); err != nil {
			t.Fatal(err)
		}
		title, tags, visibility := "The app", []string{"b", "a"}, api.VisibilityUnlisted
		changed, err := s.ChangeApp(t.Context(), name, api.AppChange{Title: &title, Tags: &tags, Visibility: &visibility})
		if err != nil || changed.Title != title || cmp.Diff([]string{"a", "b"}, changed.Tags) != "" || changed.Visibility != visibility {
			t.Errorf("%s: %+v, %v", name, changed, err)
		}
		visibility = "secret"
		if _, err := s.ChangeApp(t.Context(), name, api.AppChange{Visibility: &visibility}); codeOf(err) != "INVALID" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFileIsNoPage: an app's page is not one of the management's host.
func TestFileIsNoPage(t *testing.T) {
	srv := harnesstest.Start(t)
	token, err := srv.Fazt.CreateKey(t.Context(), "reader", "read")
	if err != nil {
		t.Fatal(err)
	}
	app := srv.Deploy(fstest.MapFS{"index.html": {Data: []byte("<script>alert(1)</script>")}, "private/x.txt": {Data: []byte("private")}})
	get := func(path, token string, header ...string) *http.Response {
		t.Helper()
		req, err := http.NewRequest(http.MethodGet, srv.URL+"/api/apps/"+app.Name+"/files/"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res
	}
	res := get("index.html", token)
	for name, want := range map[string]string{
		"Content-Type": "application/octet-stream", "Content-Disposition": "attachment; filename=index.html",
		"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff", "Content-Length": "25",
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for path, want := range map[string]int{"private/x.txt": 401, "index.html": 401} {
		if got := get(path, "").StatusCode; got != want {
			t.Errorf("%s without a key: %d", path, got)
		}
	}
	if got := get("private/x.txt", token).StatusCode; got != 200 {
		t.Errorf("a private file: %d", got)
	}
	if got := get("index.html", token, "If-None-Match", res.Header.Get("Etag")).StatusCode; got != 304 {
		t.Errorf("what is known already: %d", got)
	}
	if got := get("index.html?version=x", token).StatusCode; got != 400 {
		t.Errorf("version x: %d", got)
	}
	if got := get("..%2f..%2fetc%2fpasswd", token).StatusCode; got != 404 {
		t.Errorf("a path that leads out: %d", got)
	}
}

// TestProgress: a deploy tells how far it is, up to its end.
func TestProgress(t *testing.T) {
	for name, s := range services(t) {
		var last, all int64
		told := 0
		_, err := s.Deploy(t.Context(), name, fstest.MapFS{"index.html": {Data: []byte("page")}, "a.txt": {Data: []byte("text")}},
			api.Progress(func(done, total int64) {
				if done < last {
					t.Errorf("%s: %d after %d", name, done, last)
				}
				last, all = done, total
				told++
			}))
		if err != nil || told < 2 || last != all || all < 8 {
			t.Errorf("%s: told %d times, %d of %d, %v", name, told, last, all, err)
		}
	}
}
