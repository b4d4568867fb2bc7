package fazt_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

const envHandler = `var e = fazt.env;
	[e.get('A'), e.get('A', 1) + '', e.get('NONE') === undefined, e.get('NONE', {x: [1]}), e.has('A'), e.has('NONE')]`

// TestEnv: what is set by either service is in force for the next request, on both
// engines, without a deploy.
func TestEnv(t *testing.T) {
	srv := harnesstest.Start(t)
	key, err := srv.Fazt.CreateKey(t.Context(), "deployer", "deploy", "read")
	if err != nil {
		t.Fatal(err)
	}
	client := &api.Client{URL: srv.URL, Token: key, HTTP: srv.Client()}
	for _, engine := range []string{"otto", "goja"} {
		app := srv.Deploy(files("api/main.js", envHandler, "manifest.json", `{"engine": "`+engine+`"}`))
		other := srv.Deploy(files("api/main.js", envHandler, "manifest.json", `{"engine": "`+engine+`"}`))
		unset := `[null,"1",true,{"x":[1]},false,false]`
		for name, s := range map[string]api.Service{"server": srv.Fazt, "client": client} {
			want := func(what string, of *harnesstest.App, text string) {
				t.Helper()
				if got := of.Get("/api").Body; got != text {
					t.Errorf("%s, %s, %s: %s, want %s", engine, name, what, got, text)
				}
			}
			want("before", app, unset)
			for _, value := range []string{"one", "\u00e4 two", ""} {
				if err := s.SetEnv(t.Context(), app.Name, map[string]string{"A": value, "B": "b"}); err != nil {
					t.Fatal(err)
				}
				text, _ := json.Marshal(value)
				want("set", app, fmt.Sprintf(`[%s,%[1]s,true,{"x":[1]},true,false]`, text))
			}
			want("another app", other, unset)
			list, err := s.Env(t.Context(), app.Name)
			if err != nil || len(list) != 2 || list[0].Name != "A" || list[1].Name != "B" || time.Since(list[0].UpdatedAt) > time.Minute {
				t.Errorf("%s: listed: %v, %v", name, list, err)
			}
			for _, variable := range []string{"A", "B"} {
				if err := s.UnsetEnv(t.Context(), app.Name, variable); err != nil {
					t.Error(err)
				}
			}
			want("unset", app, unset)
			for what, err := range map[string]error{
				"unset twice": s.UnsetEnv(t.Context(), app.Name, "A"),
				"no app":      s.SetEnv(t.Context(), "nope", map[string]string{"A": "x"}),
				"a name":      s.SetEnv(t.Context(), app.Name, map[string]string{"A-B": "hush"}),
				"too long":    s.SetEnv(t.Context(), app.Name, map[string]string{"A": strings.Repeat("hush", storage.MaxEnvValue)}),
			} {
				if err == nil || strings.Contains(err.Error(), "hush") {
					t.Errorf("%s: %s: %v", name, what, err)
				}
			}
		}
	}
}

// TestEnvByAPI: no answer has a value.
func TestEnvByAPI(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(files("api/main.js", `fazt.env.get('A')`))
	keys := map[string]string{}
	for _, scope := range []string{"read", "deploy"} {
		key, err := srv.Fazt.CreateKey(t.Context(), scope, scope)
		if err != nil {
			t.Fatal(err)
		}
		keys[scope] = key
	}
	path := "/api/apps/" + app.Name + "/env"
	for _, tt := range []struct {
		key, method, path, body string
		status                  int
		want                    string
	}{
		{"", "GET", path, "", 401, "UNAUTHORIZED"},
		{"read", "PUT", path, `{"vars":{"A":"hush"}}`, 403, "FORBIDDEN"},
		{"deploy", "GET", path, "", 403, "FORBIDDEN"},
		{"deploy", "PUT", path, `{"vars":{"A":"hush","B":"hush"}}`, 200, `{"set":["A","B"]}`},
		{"deploy", "PUT", path, `{"vars":{}}`, 400, "INVALID"},
		{"deploy", "PUT", path, `{"A":"hush"}`, 400, "INVALID_JSON"},
		{"deploy", "PUT", path + "/C", `{"value":"hush"}`, 200, `{"set":["C"]}`},
		{"deploy", "PUT", path + "/C", `{}`, 400, "INVALID"},
		{"deploy", "PUT", path + "/1C", `{"value":"hush"}`, 400, "INVALID"},
		{"deploy", "DELETE", path + "/C", "", 200, `{"removed":"C"}`},
		{"deploy", "DELETE", path + "/C", "", 404, "NOT_FOUND"},
		{"read", "GET", path + "?limit=1", "", 200, `[{"name":"A","updated_at":"20`},
		{"read", "GET", path + "/B", "", 200, `{"name":"B","updated_at":"20`},
		{"read", "GET", path + "/C", "", 404, "NOT_FOUND"},
		{"read", "GET", "/api/apps/nope/env", "", 404, "NOT_FOUND"},
	} {
		o := operate(t, srv)
		o.key = keys[tt.key]
		status, got, _ := o.ask(tt.method, tt.path, tt.body)
		if status != tt.status || !strings.HasPrefix(got, tt.want) || strings.Contains(got, "hush") {
			t.Errorf("%s %s %s: %d %s, want %d %s", tt.method, tt.path, tt.body, status, got, tt.status, tt.want)
		}
	}
	if got := app.Get("/api").Body; got != "hush" {
		t.Errorf("the handler has %q", got)
	}
}

// TestEnvElsewhere: another server on the same data has it within a second.
func TestEnvElsewhere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data.db")
	here := open(t, func(o *fazt.Options) { o.DataFile = file })
	there := open(t, func(o *fazt.Options) { o.DataFile = file })
	deploy(t, here, "notes", files("api/main.js", `fazt.env.get('A', 'none')`))
	deadline := time.Now().Add(10 * time.Second)
	for _, value := range []string{"one", "two"} {
		if err := here.SetEnv(t.Context(), "notes", map[string]string{"A": value}); err != nil {
			t.Fatal(err)
		}
		for get(there, "http://notes.localhost/api") != "200 "+value {
			if time.Now().After(deadline) {
				t.Fatalf("the other server answers %s", get(there, "http://notes.localhost/api"))
			}
			<-time.After(10 * time.Millisecond)
		}
	}
}

// TestKeyFile: the key is made for the first secret, for its owner alone, and New
// does not start without it. What is lost with it can be given up.
func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	file, keyFile := filepath.Join(dir, "data.db"), filepath.Join(dir, "data.db.key")
	start := func(change ...func(*fazt.Options)) (*fazt.Server, error) {
		opt := fazt.Options{DataFile: file}
		for _, c := range change {
			c(&opt)
		}
		return fazt.New(t.Context(), opt)
	}
	srv, err := start()
	if err != nil {
		t.Fatal(err)
	}
	deploy(t, srv, "notes", files("index.html", "page", "api/main.js", `fazt.env.get('A')`))
	if _, err := os.Stat(keyFile); !os.IsNotExist(err) {
		t.Errorf("a key before there is a secret: %v", err)
	}
	if err := srv.SetEnv(t.Context(), "notes", map[string]string{"A": "hush-variable"}); err != nil {
		t.Fatal(err)
	}
	if _, err := srv.SetProvider(t.Context(), "google", api.ProviderConfig{ClientID: "id", ClientSecret: "hush-provider"}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(keyFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the key file: %v, %v", info, err)
	}
	backup := filepath.Join(dir, "backup.db")
	if err := srv.Backup(t.Context(), backup, nil); err != nil {
		t.Fatal(err)
	}
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, backup} {
		data, err := os.ReadFile(path)
		if err != nil || bytes.Contains(data, []byte("hush-")) {
			t.Errorf("%s holds a secret; %v", path, err)
		}
	}

	// Another key, none, and what is no key file.
	other := filepath.Join(dir, "other.key")
	for path, text := range map[string]string{
		filepath.Join(dir, "none"):  "",
		filepath.Join(dir, "empty"): "x",
		other:                       "fazt-key-1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
	} {
		if text != "" {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := start(func(o *fazt.Options) { o.KeyFile = path })
		if err == nil || !strings.Contains(err.Error(), "notes A, the client secret of provider google") || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}

	// The right one, by another name.
	elsewhere := filepath.Join(dir, "elsewhere")
	if err := os.Rename(keyFile, elsewhere); err != nil {
		t.Fatal(err)
	}
	srv, err = start(func(o *fazt.Options) { o.KeyFile = elsewhere })
	if err != nil {
		t.Fatal(err)
	}
	if got := get(srv, "http://notes.localhost/api"); got != "200 hush-variable" {
		t.Errorf("by the same key: %s", got)
	}
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}

	want := []string{"notes A", "the client secret of provider google"}
	for name, ask := range map[string]func() ([]string, error){
		"lost": func() ([]string, error) { return fazt.LostSecrets(t.Context(), fazt.Options{DataFile: file}) },
		"same": func() ([]string, error) {
			return fazt.LostSecrets(t.Context(), fazt.Options{DataFile: file, KeyFile: other})
		},
	} {
		lost, err := ask()
		if d := cmp.Diff(want, lost); d != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, d)
		}
	}
	if lost, err := fazt.LostSecrets(t.Context(), fazt.Options{DataFile: file, KeyFile: elsewhere}); len(lost) != 0 || err != nil {
		t.Errorf("with the key: %v, %v", lost, err)
	}
	lost, err := fazt.ForgetSecrets(t.Context(), fazt.Options{DataFile: file})
	if d := cmp.Diff(want, lost); d != "" || err != nil {
		t.Errorf("forgotten: %v\n%s", err, d)
	}
	srv, err = start()
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	if got := get(srv, "http://notes.localhost/"); got != "200 page" {
		t.Errorf("the rest: %s", got)
	}
	list, err := srv.Providers(t.Context())
	if err != nil || len(list) != 1 || list[0].Enabled || list[0].ClientID != "id" {
		t.Errorf("the provider: %+v, %v", list, err)
	}
	if err := srv.SetEnv(t.Context(), "notes", map[string]string{"A": "new"}); err != nil {
		t.Fatal(err)
	}
	if got := get(srv, "http://notes.localhost/api"); got != "200 new" {
		t.Errorf("by the new key: %s", got)
	}

	// A key that has sealed nothing that is left is missed by nobody.
	if err := errors.Join(srv.UnsetEnv(t.Context(), "notes", "A"), srv.Close(), os.Remove(keyFile)); err != nil {
		t.Fatal(err)
	}
	if srv, err = start(); err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	if err := srv.SetEnv(t.Context(), "notes", map[string]string{"A": "newer"}); err != nil {
		t.Error(err)
	}
	if got := get(srv, "http://notes.localhost/api"); got != "200 newer" {
		t.Errorf("by the third key: %s", got)
	}
}

// TestNoKeyFile: with a store that the program lends there is no place for one.
func TestNoKeyFile(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "data.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	srv := open(t, func(o *fazt.Options) { o.DataFile, o.Store = "", store })
	deploy(t, srv, "notes", files("api/main.js", `fazt.env.get('A', 'none')`))
	err = srv.SetEnv(t.Context(), "notes", map[string]string{"A": "x"})
	if e, ok := err.(*api.Error); !ok || e.Code != "NO_KEY" || e.Status != http.StatusConflict || !strings.Contains(e.Message, "KeyFile") {
		t.Errorf("set: %v", err)
	}
	if got := get(srv, "http://notes.localhost/api"); got != "200 none" {
		t.Errorf("the handler: %s", got)
	}
	if _, err := srv.SetProvider(t.Context(), "google", api.ProviderConfig{ClientID: "id", ClientSecret: "s"}); err != nil {
		t.Errorf("a provider: %v", err)
	}
	// Once there is a key, what was stored plain is sealed.
	keyFile := filepath.Join(t.TempDir(), "key")
	srv = open(t, func(o *fazt.Options) { o.DataFile, o.Store, o.KeyFile = "", store, keyFile })
	var plain, sealed string
	if err := store.Read(t.Context(), func(tx storage.SQL) error {
		return tx.Query("SELECT client_secret, client_secret_sealed FROM auth_providers", nil, func(scan func(...any) error) error { return scan(&plain, &sealed) })
	}); err != nil || plain != "" || sealed == "" {
		t.Errorf("the provider's secret: %q, %q, %v", plain, sealed, err)
	}
	if err := srv.SetEnv(t.Context(), "notes", map[string]string{"A": "x"}); err != nil {
		t.Error(err)
	}
}

// TestEnvThatDoesNotOpen: a variable that was put where it doesn't belong is an error
// that the handler sees, and not a missing one.
func TestEnvThatDoesNotOpen(t *testing.T) {
	var log bytes.Buffer
	srv := open(t, func(o *fazt.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	for _, name := range []string{"mine", "theirs"} {
		deploy(t, srv, name, files("index.html", "page", "api/main.js", `var r; try { r = fazt.env.get('A', 'none') } catch (e) { r = e.code } r`))
	}
	if err := srv.SetEnv(t.Context(), "theirs", map[string]string{"A": "hush"}); err != nil {
		t.Fatal(err)
	}
	apps, err := srv.Apps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, a := range apps {
		ids[a.Name] = a.ID
	}
	if err := srv.Store().Write(t.Context(), func(tx storage.SQL) error {
		_, err := tx.Exec("INSERT INTO env_vars SELECT ?, name, value_sealed, updated_at FROM env_vars WHERE app = ?", ids["mine"], ids["theirs"])
		return err
	}); err != nil {
		t.Fatal(err)
	}
	got := []string{get(srv, "http://mine.localhost/api"), get(srv, "http://mine.localhost/"), get(srv, "http://theirs.localhost/api")}
	if d := cmp.Diff([]string{"200 UNAVAILABLE", "200 page", "200 hush"}, got); d != "" {
		t.Error(d)
	}
	if text := log.String(); !strings.Contains(text, "can't be opened") || strings.Contains(text, "hush") {
		t.Errorf("the log: %s", text)
	}
}
