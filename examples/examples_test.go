package examples_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/harnesstest"
)

// decode reads an answer's JSON and checks its status.
func decode(t *testing.T, res *harnesstest.Response, status int, into any) {
	t.Helper()
	if res.Status != status {
		t.Fatalf("got %v, want status %d", res, status)
	}
	if err := json.Unmarshal([]byte(res.Body), into); err != nil {
		t.Fatalf("%v: %v", res, err)
	}
}

type entries struct {
	Entries []struct {
		ID, Text, Author string
		At               int64
	}
}

func (e entries) lines() []string {
	lines := []string{}
	for _, entry := range e.Entries {
		lines = append(lines, entry.Author+": "+entry.Text)
	}
	return lines
}

type refusal struct{ Error struct{ Code string } }

func TestGuestbook(t *testing.T) {
	srv := harnesstest.Start(t)
	book := srv.Deploy(os.DirFS("guestbook"))

	page := book.Get("/")
	if page.Status != http.StatusOK || !strings.Contains(page.Body, "<h1>Guestbook</h1>") {
		t.Fatalf("page: %v", page)
	}
	if policy := page.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self'") {
		t.Errorf("page has the policy %q", policy)
	}
	for _, file := range []string{"/app.js", "/style.css", "/icon.svg"} {
		if res := book.Get(file); res.Status != http.StatusOK {
			t.Errorf("%s: %v", file, res)
		}
	}

	// A guest without a name reads, and does not write.
	var list entries
	decode(t, book.Get("/api/entries"), http.StatusOK, &list)
	if diff := cmp.Diff([]string{}, list.lines()); diff != "" {
		t.Errorf("a new book (-want +got):\n%s", diff)
	}
	var me struct{ User *struct{ Name string } }
	decode(t, book.Get("/api/me"), http.StatusOK, &me)
	if me.User != nil {
		t.Errorf("a stranger is %q", me.User.Name)
	}
	var refused refusal
	decode(t, book.Do(http.MethodPost, "/api/entries", map[string]string{"text": "hi"}), http.StatusUnauthorized, &refused)
	if refused.Error.Code != "LOGIN_REQUIRED" {
		t.Errorf("a stranger's entry: code %q", refused.Error.Code)
	}

	// A signed-in one does both.
	ada := srv.Visit(book.Name)
	ada.SignIn("ada@example.com", "Ada <b>", "user")
	decode(t, ada.Get("/api/me"), http.StatusOK, &me)
	if me.User == nil || me.User.Name != "Ada <b>" {
		t.Errorf("signed in as %v", me.User)
	}
	var made struct{ ID string }
	decode(t, ada.Do(http.MethodPost, "/api/entries", map[string]string{"text": "  <script>alert(1)</script>\n"}), http.StatusCreated, &made)
	decode(t, ada.Do(http.MethodPost, "/api/entries", map[string]string{"text": strings.Repeat("ü", 500)}), http.StatusCreated, &made)
	decode(t, book.Get("/api/entries"), http.StatusOK, &list)
	if diff := cmp.Diff([]string{"Ada <b>: " + strings.Repeat("ü", 500), "Ada <b>: <script>alert(1)</script>"}, list.lines()); diff != "" {
		t.Errorf("entries, newest first (-want +got):\n%s", diff)
	}
	for _, tt := range []struct {
		body any
		code string
	}{
		{map[string]any{"text": strings.Repeat("x", 501)}, "TOO_LONG"},
		{map[string]any{"text": " \n\t"}, "EMPTY"},
		{map[string]any{"text": 7}, "EMPTY"},
		{map[string]any{}, "EMPTY"},
		{[]int{}, "EMPTY"},
		{strings.NewReader(""), "EMPTY"},
	} {
		decode(t, ada.Do(http.MethodPost, "/api/entries", tt.body), http.StatusBadRequest, &refused)
		if refused.Error.Code != tt.code {
			t.Errorf("%v: code %q, want %q", tt.body, refused.Error.Code, tt.code)
		}
	}

	// The page shows the newest fifty.
	for i := range 50 {
		decode(t, ada.Do(http.MethodPost, "/api/entries", map[string]string{"text": fmt.Sprint("line ", i)}), http.StatusCreated, &made)
	}
	decode(t, book.Get("/api/entries"), http.StatusOK, &list)
	if lines := list.lines(); len(lines) != 50 || lines[0] != "Ada <b>: line 49" || lines[49] != "Ada <b>: line 0" {
		t.Errorf("got %d entries: %q", len(lines), lines)
	}

	// Signing out leaves a stranger.
	out := ada.Request(http.MethodPost, "/auth/logout", strings.NewReader(""))
	out.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	out.Header.Set("Accept", "text/html")
	out.Header.Set("Origin", ada.URL)
	if res := ada.Send(out); res.Status != http.StatusOK {
		t.Errorf("signing out ends at %v", res)
	}
	decode(t, ada.Get("/api/me"), http.StatusOK, &me)
	if me.User != nil {
		t.Errorf("signed out as %q", me.User.Name)
	}
}

// TestCounter: of many clicks at once each gets a number of its own.
func TestCounter(t *testing.T) {
	srv := harnesstest.Start(t)
	counter := srv.Deploy(os.DirFS("counter"))
	type answer struct{ Count int }
	var now answer
	decode(t, counter.Get("/api/count"), http.StatusOK, &now)
	if now.Count != 0 {
		t.Fatalf("a new counter is at %d", now.Count)
	}

	const visitors, clicks = 16, 25
	var mu sync.Mutex
	seen := make(map[int]int)
	var wg sync.WaitGroup
	for range visitors {
		visitor := srv.Visit(counter.Name)
		wg.Go(func() {
			for range clicks {
				res := visitor.Do(http.MethodPost, "/api/count", nil)
				var got answer
				if err := json.Unmarshal([]byte(res.Body), &got); err != nil || res.Status != http.StatusOK {
					t.Errorf("click: %v", res)
					return
				}
				mu.Lock()
				seen[got.Count]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for n := 1; n <= visitors*clicks; n++ {
		if seen[n] != 1 {
			t.Errorf("%d was answered %d times", n, seen[n])
		}
	}
	decode(t, counter.Get("/api/count"), http.StatusOK, &now)
	if now.Count != visitors*clicks {
		t.Errorf("ended at %d after %d clicks", now.Count, visitors*clicks)
	}
	if page := counter.Get("/"); page.Status != http.StatusOK || !strings.Contains(page.Body, `<button id="add"`) {
		t.Errorf("page: %v", page)
	}
}

// TestUploads: each user has their own files, whose names are only ever shown.
func TestUploads(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(os.DirFS("uploads"))
	if page := app.Get("/"); page.Status != http.StatusOK || !strings.Contains(page.Body, `<input type="file" name="file" multiple`) {
		t.Fatalf("page: %v", page)
	}
	upload := func(user *harnesstest.App, files map[string]string) *harnesstest.Response {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			part, err := form.CreateFormFile("file", name)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(part, files[name])
		}
		form.Close()
		req := user.Request(http.MethodPost, "/api/files", &body)
		req.Header.Set("Content-Type", form.FormDataContentType())
		return user.Send(req)
	}
	var refused refusal
	decode(t, upload(app, map[string]string{"a.txt": "a"}), http.StatusUnauthorized, &refused)

	ada, bob := srv.Visit(app.Name), srv.Visit(app.Name)
	ada.SignIn("ada@example.com", "Ada", "user")
	bob.SignIn("bob@example.com", "Bob", "user")
	var added struct{ Added int }
	decode(t, upload(ada, map[string]string{"a.txt": "hello", "<b>.bin": "\x00\xff\xfe"}), http.StatusCreated, &added)
	if added.Added != 2 {
		t.Errorf("added %d", added.Added)
	}
	type file struct {
		Path, Name, URL string
		Size            int
	}
	list := func(user *harnesstest.App) map[string]file {
		var answer struct{ Files []file }
		decode(t, user.Get("/api/files"), http.StatusOK, &answer)
		byName := make(map[string]file)
		for _, f := range answer.Files {
			byName[f.Name] = f
		}
		return byName
	}
	files := list(ada)
	for name, content := range map[string]string{"a.txt": "hello", "<b>.bin": "\x00\xff\xfe"} {
		if f := files[name]; f.Size != len(content) || ada.Get(f.URL).Body != content {
			t.Errorf("%s is %+v, %v", name, f, ada.Get(f.URL))
		}
	}
	if others := list(bob); len(others) != 0 {
		t.Errorf("another user sees %v", others)
	}
	remove := "/api/files?path=" + url.QueryEscape(files["a.txt"].Path)
	bob.Do(http.MethodDelete, remove, nil)
	if len(list(ada)) != 2 {
		t.Error("another user has removed a file")
	}
	if res := ada.Do(http.MethodDelete, remove, nil); res.Status != http.StatusNoContent || len(list(ada)) != 1 {
		t.Errorf("removed: %v, and there are %v", res, list(ada))
	}
	decode(t, ada.Do(http.MethodPost, "/api/files", nil), http.StatusBadRequest, &refused)
	if refused.Error.Code != "NO_FILE" {
		t.Errorf("nothing to upload: %q", refused.Error.Code)
	}
}
