package fazt_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/klauspost/compress/zstd"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/storage"
)

// oldDataFiles are the data files that earlier versions have made, see
// testdata/datafiles/generate. A release adds one.
func oldDataFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/datafiles/*.db.zst")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d data files of earlier versions, %v", len(files), err)
	}
	return files
}

// unpack puts a data file where it can be changed.
func unpack(t *testing.T, file string) string {
	t.Helper()
	packed, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	in, err := zstd.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	data, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "data.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOldDataFiles opens what earlier versions have made, as they are and as backups:
// all that was in them is there, and they are written to.
func TestOldDataFiles(t *testing.T) {
	for _, file := range oldDataFiles(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".db.zst")
		text, err := os.ReadFile(strings.TrimSuffix(file, ".db.zst") + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var known struct{ Key, Cookies string }
		if err := json.Unmarshal(text, &known); err != nil {
			t.Fatal(err)
		}
		old := unpack(t, file)
		restored := filepath.Join(t.TempDir(), "data.db")
		if err := fazt.Restore(t.Context(), old, restored, false, nil); err != nil {
			t.Errorf("%s as a backup: %v", name, err)
		}
		for how, path := range map[string]string{"opened": old, "restored": restored} {
			t.Run(name+" "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { // in the year 2000, when no session had ended
					for range 2 { // the second time it is of this version
						checkOldDataFile(t, path, known.Key, known.Cookies)
					}
				})
			})
		}
	}
}

func checkOldDataFile(t *testing.T, path, key, cookies string) {
	srv, err := fazt.New(t.Context(), fazt.Options{DataFile: path, Dev: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	}()
	ask := func(url, header, value string) string {
		req := httptest.NewRequest(http.MethodGet, url, nil)
		if header != "" {
			req.Header.Set(header, value)
		}
		res := httptest.NewRecorder()
		srv.ServeHTTP(res, req)
		return res.Body.String()
	}
	diff(t, "a file", "<h1>two</h1>", ask("http://notes.localhost/", "", ""))
	diff(t, "another app's", "kept", ask("http://kept.localhost/", "", ""))
	if apps := ask("http://localhost/api/apps", "Authorization", "Bearer "+key); !strings.Contains(apps, `"notes"`) {
		t.Errorf("the key gets %s", apps)
	}
	if session := ask("http://localhost/auth/session", "Cookie", cookies); !strings.Contains(session, `"bob@example.com"`) {
		t.Errorf("the session is %s", session)
	}
	users := map[string]string{}
	list, _, err := srv.Users(t.Context(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	ada := ""
	for _, u := range list {
		if users[u.Email] = u.Role; u.Email == "ada@example.com" {
			ada = u.ID
		}
	}
	diff(t, "users", map[string]string{"ada@example.com": "owner", "bob@example.com": "admin"}, users)
	app, err := srv.Store().App(t.Context(), "notes")
	if err != nil {
		t.Fatal(err)
	}
	if log := logOf(t, srv, "notes"); len(log) != 1 || log[0] != "warn filled" {
		t.Errorf("the log is %q", log)
	}
	checkOldData(t, srv.Store(), app.ID, ada)
}

// checkOldData looks at what the handler has stored, and writes.
func checkOldData(t *testing.T, store storage.Store, app, user string) {
	raw := func(text string) json.RawMessage { return json.RawMessage(text) }
	got := map[string]any{}
	err := store.Tx(t.Context(), storage.Scope{App: app}, func(tx storage.Tx) error {
		for _, key := range []string{"greeting", "later", "visits"} {
			e, err := tx.KV().Get(key)
			if err != nil {
				return err
			}
			got[key] = string(e.Value)
		}
		for name, query := range map[string]string{"all": `{"n": {"$exists": true}}`, "changed": `{"changed": true}`, "by index": `{"n": 4}`, "deep": `{"deep.a": {"$contains": 7}}`} {
			n, err := tx.Docs().Count("items", raw(query))
			if err != nil {
				return err
			}
			got[name] = n
		}
		id, err := tx.Docs().Insert("items", raw(`{"written": true}`))
		if err != nil {
			return err
		}
		if n, err := tx.Docs().Delete("items", raw(`{"id": "`+id+`"}`)); err != nil || n != 1 {
			t.Errorf("what was written: %d, %v", n, err)
		}
		_, err = tx.KV().Incr("new", 1)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = store.View(t.Context(), storage.Scope{App: app, User: user}, func(tx storage.Tx) error {
		e, err := tx.KV().Get("mine")
		got["the user's"] = string(e.Value)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	blob, body, err := store.OpenBlob(t.Context(), storage.Scope{App: app}, "pictures/dot.txt")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(body)
	body.Close()
	if err != nil {
		t.Error(err)
	}
	got["blob"] = blob.MIME + " " + string(text)
	diff(t, "the data", map[string]any{
		"greeting": `{"text":"hello","n":[1,2.5,null]}`, "later": `"x"`, "visits": "41", "the user's": `"ada@example.com"`,
		"all": 270, "changed": 30, "by index": 30, "deep": 1, "blob": "text/plain a small blob",
	}, got)
}
