package examples_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/harnesstest"
)

// The three apps below are written from docs/javascript.md alone.

// refuses checks a refusal's status and code.
func refuses(t *testing.T, res *harnesstest.Response, status int, code string) {
	t.Helper()
	var refused refusal
	decode(t, res, status, &refused)
	if refused.Error.Code != code {
		t.Errorf("%v: want the code %s", res, code)
	}
}

func TestTodo(t *testing.T) {
	srv := harnesstest.Start(t)
	todo := srv.Deploy(os.DirFS("todo"))
	if page := todo.Get("/"); page.Status != http.StatusOK || !strings.Contains(page.Body, "<h1>Todo</h1>") {
		t.Fatalf("page: %v", page)
	}
	refuses(t, todo.Get("/api/todos"), http.StatusUnauthorized, "LOGIN_REQUIRED")
	var me struct {
		User  *struct{ Name string }
		Login string
	}
	decode(t, todo.Get("/api/me"), http.StatusOK, &me)
	if me.User != nil || !strings.HasPrefix(me.Login, "/auth/login") {
		t.Errorf("a stranger is %+v", me)
	}

	ada, bob := srv.Visit(todo.Name), srv.Visit(todo.Name)
	ada.SignIn("ada@example.com", "Ada", "user")
	bob.SignIn("bob@example.com", "Bob", "user")
	type item struct {
		ID, Text string
		Done     bool
	}
	var tea, milk item
	decode(t, ada.Do(http.MethodPost, "/api/todos", map[string]string{"text": " buy tea "}), http.StatusCreated, &tea)
	decode(t, ada.Do(http.MethodPost, "/api/todos", map[string]string{"text": "buy milk"}), http.StatusCreated, &milk)
	var changed item
	decode(t, ada.Do("PATCH", "/api/todos/"+tea.ID, map[string]any{"done": true}), http.StatusOK, &changed)
	if diff := cmp.Diff(item{tea.ID, "buy tea", true}, changed); diff != "" {
		t.Error(diff)
	}
	var list struct{ Todos []item }
	decode(t, ada.Get("/api/todos"), http.StatusOK, &list)
	if diff := cmp.Diff([]item{milk, changed}, list.Todos); diff != "" {
		t.Error(diff)
	}

	// Nobody sees or changes another's.
	decode(t, bob.Get("/api/todos"), http.StatusOK, &list)
	if len(list.Todos) != 0 {
		t.Errorf("Bob sees %v", list.Todos)
	}
	refuses(t, bob.Do("PATCH", "/api/todos/"+tea.ID, map[string]any{"done": false}), http.StatusNotFound, "NOT_FOUND")
	refuses(t, bob.Do(http.MethodDelete, "/api/todos/"+tea.ID, nil), http.StatusNotFound, "NOT_FOUND")

	for _, body := range []any{map[string]any{"text": ""}, map[string]any{"text": 7}, map[string]any{}, strings.NewReader("")} {
		refuses(t, ada.Do(http.MethodPost, "/api/todos", body), http.StatusBadRequest, "INVALID")
	}
	refuses(t, ada.Do("PATCH", "/api/todos/"+tea.ID, map[string]any{"done": "yes"}), http.StatusBadRequest, "INVALID")
	if res := ada.Do(http.MethodDelete, "/api/todos/"+tea.ID, nil); res.Status != http.StatusOK {
		t.Errorf("remove: %v", res)
	}
	decode(t, ada.Get("/api/todos"), http.StatusOK, &list)
	if diff := cmp.Diff([]item{milk}, list.Todos); diff != "" {
		t.Error(diff)
	}
}

func TestShortener(t *testing.T) {
	srv := harnesstest.Start(t)
	short := srv.Deploy(os.DirFS("shortener"))
	target := srv.Deploy(os.DirFS("counter"))
	refuses(t, short.Do(http.MethodPost, "/api/links", map[string]string{"url": "https://example.com"}), http.StatusUnauthorized, "LOGIN_REQUIRED")

	ada, bob := srv.Visit(short.Name), srv.Visit(short.Name)
	ada.SignIn("ada@example.com", "Ada", "user")
	bob.SignIn("bob@example.com", "Bob", "user")
	type link struct {
		Code, URL string
		Visits    int
	}
	var random, named link
	decode(t, ada.Do(http.MethodPost, "/api/links", map[string]string{"url": target.URL + "/a b"}), http.StatusCreated, &random)
	if len(random.Code) != 7 || random.URL != target.URL+"/a%20b" {
		t.Errorf("made %+v", random)
	}
	decode(t, ada.Do(http.MethodPost, "/api/links", map[string]string{"url": target.URL, "code": "counter"}), http.StatusCreated, &named)
	refuses(t, bob.Do(http.MethodPost, "/api/links", map[string]string{"url": target.URL, "code": "counter"}), http.StatusConflict, "TAKEN")
	for _, body := range []any{
		map[string]any{"url": "javascript:alert(1)"}, map[string]any{"url": "/here"}, map[string]any{"url": 7}, map[string]any{},
		map[string]any{"url": target.URL, "code": "a"}, map[string]any{"url": target.URL, "code": map[string]string{"$ne": ""}},
	} {
		refuses(t, ada.Do(http.MethodPost, "/api/links", body), http.StatusBadRequest, "INVALID")
	}

	// Whoever has the link is led there, and counted.
	for range 3 {
		if res := short.Get("/s/counter"); res.Status != http.StatusOK || !strings.Contains(res.Body, "<h1>Counter</h1>") {
			t.Errorf("the link leads to %v", res)
		}
	}
	refuses(t, short.Get("/s/nothing"), http.StatusNotFound, "NOT_FOUND")
	var list struct{ Links []link }
	decode(t, ada.Get("/api/links"), http.StatusOK, &list)
	if diff := cmp.Diff([]link{{"counter", target.URL + "/", 3}, random}, list.Links); diff != "" {
		t.Error(diff)
	}

	decode(t, bob.Get("/api/links"), http.StatusOK, &list)
	if len(list.Links) != 0 {
		t.Errorf("Bob sees %v", list.Links)
	}
	refuses(t, bob.Do(http.MethodDelete, "/api/links/counter", nil), http.StatusNotFound, "NOT_FOUND")
	if res := ada.Do(http.MethodDelete, "/api/links/counter", nil); res.Status != http.StatusOK {
		t.Errorf("remove: %v", res)
	}
	refuses(t, short.Get("/s/counter"), http.StatusNotFound, "NOT_FOUND")
}

// photoForm is the gallery's form with files in it.
func photoForm(t *testing.T, app *harnesstest.App, title string, files map[string]string) *http.Request {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := form.WriteField("title", title); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		part, err := form.CreateFormFile("photo", name)
		if err != nil {
			t.Fatal(err)
		}
		part.Write([]byte(content)) // a bytes.Buffer takes every write
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	req := app.Request(http.MethodPost, "/api/photos", &body)
	req.Header.Set("Content-Type", form.FormDataContentType())
	return req
}

func TestGallery(t *testing.T) {
	srv := harnesstest.Start(t)
	gallery := srv.Deploy(os.DirFS("gallery"))
	const png, jpeg = "\x89PNG\r\n\x1a\n\x00\xff\xfe pixels", "\xff\xd8\xff\xe0\x00 pixels"
	refuses(t, gallery.Send(photoForm(t, gallery, "x", map[string]string{"a.png": png})), http.StatusUnauthorized, "LOGIN_REQUIRED")

	ada, bob := srv.Visit(gallery.Name), srv.Visit(gallery.Name)
	ada.SignIn("ada@example.com", "Ada", "user")
	bob.SignIn("bob@example.com", "Bob", "user")
	var made struct{ IDs []string }
	decode(t, ada.Send(photoForm(t, ada, "Two", map[string]string{"a.png": png, "b.jpg": jpeg})), http.StatusCreated, &made)
	if len(made.IDs) != 2 {
		t.Fatalf("made %v", made.IDs)
	}

	// Everybody sees them, byte by byte, and as the type that they are.
	got := make(map[string]string)
	for _, id := range made.IDs {
		res := gallery.Get("/api/photos/" + id)
		got[res.Header.Get("Content-Type")] = res.Body
		if res.Header.Get("Content-Security-Policy") != "sandbox" {
			t.Errorf("photo: %v", res.Header)
		}
	}
	if diff := cmp.Diff(map[string]string{"image/png": png, "image/jpeg": jpeg}, got); diff != "" {
		t.Error(diff)
	}

	// What is no photo is refused, and nothing beside it is kept.
	refuses(t, bob.Send(photoForm(t, bob, "x", map[string]string{"a.png": png, "b.png": "<script>alert(1)</script>"})), http.StatusUnsupportedMediaType, "TYPE")
	refuses(t, bob.Send(photoForm(t, bob, "x", map[string]string{"a.png": png + strings.Repeat("x", 5<<20)})), http.StatusRequestEntityTooLarge, "TOO_LARGE")
	refuses(t, bob.Send(photoForm(t, bob, "x", nil)), http.StatusBadRequest, "EMPTY")
	refuses(t, bob.Do(http.MethodPost, "/api/photos", nil), http.StatusBadRequest, "EMPTY")

	type photo struct {
		Title, By string
		Mine      bool
	}
	var list struct {
		User   string
		Photos []photo
	}
	decode(t, bob.Get("/api/photos"), http.StatusOK, &list)
	if diff := cmp.Diff([]photo{{"Two", "Ada", false}, {"Two", "Ada", false}}, list.Photos); diff != "" || list.User != "Bob" {
		t.Errorf("Bob is %q and sees %s", list.User, diff)
	}
	one := "/api/photos/" + made.IDs[0]
	refuses(t, bob.Do(http.MethodDelete, one, nil), http.StatusNotFound, "NOT_FOUND")
	if res := ada.Do(http.MethodDelete, one, nil); res.Status != http.StatusOK {
		t.Errorf("remove: %v", res)
	}
	refuses(t, gallery.Get(one), http.StatusNotFound, "NOT_FOUND")
}
