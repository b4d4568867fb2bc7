package storagetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// put stores data and returns the file that refers to it.
func put(t testing.TB, s storage.Store, path, data string, encodings ...string) storage.File {
	t.Helper()
	c := storage.Content{Hash: hashOf([]byte(data)), Data: strings.NewReader(data), Encoded: map[string][]byte{}}
	for _, e := range encodings {
		c.Encoded[e] = []byte(e + " of " + data)
	}
	if err := s.PutContent(context.Background(), c); err != nil {
		t.Fatalf("PutContent %s: %v", path, err)
	}
	return storage.File{Path: path, Hash: c.Hash, Size: int64(len(data)), Encodings: encodings}
}

func publish(t testing.TB, s storage.Store, name string, keep int, files ...storage.File) storage.Deployment {
	t.Helper()
	d, err := s.Publish(context.Background(), storage.NewDeployment{Name: name, Files: files}, keep)
	if err != nil {
		t.Fatalf("Publish %s: %v", name, err)
	}
	return d
}

func testPublish(t *testing.T, s storage.Store) {
	files := []storage.File{put(t, s, "b/two.js", "two", "gzip", "zstd"), put(t, s, "a.html", "one"), put(t, s, "b.html", "one")}
	manifest := json.RawMessage(`{"name":"shop", "spa":true}`)
	d, err := s.Publish(t.Context(), storage.NewDeployment{Name: "shop", Manifest: manifest, Engine: "goja", Reason: "it has a class", Files: files,
		Source: api.Source{URL: "https://example.com/shop.git", Ref: "v1", Commit: "0a1b", By: "anybody", Restored: 7}}, 10)
	if err != nil {
		t.Fatal(err)
	}
	want := storage.Deployment{Name: "shop", Version: 1, Manifest: manifest, Engine: "goja", Reason: "it has a class", Files: 3, Size: 9,
		Source: api.Source{URL: "https://example.com/shop.git", Ref: "v1", Commit: "0a1b", By: "local"}}
	if cut := cmp.Diff(want, d, cmpopts.IgnoreFields(want, "AppID", "CreatedAt")); cut != "" || d.AppID == "" || d.CreatedAt.IsZero() {
		t.Errorf("deployment %+v (-want +got):\n%s", d, cut)
	}
	app, err := s.App(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "app", storage.App{ID: d.AppID, Name: "shop", Tags: []string{}, Visibility: api.VisibilityPublic, Current: d, CreatedAt: d.CreatedAt}, app)
	byID, err := s.AppByID(t.Context(), d.AppID)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "app by id", app, byID)

	got, err := s.Files(t.Context(), d.AppID, 1)
	if err != nil {
		t.Fatal(err)
	}
	sorted := []storage.File{files[1], files[2], files[0]}
	if cut := cmp.Diff(sorted, got, cmpopts.EquateEmpty()); cut != "" {
		t.Errorf("files (-want +got):\n%s", cut)
	}
	publish(t, s, "blog", 10)
	apps, err := s.Apps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(apps) != 2 || apps[0].Name != "blog" || apps[1].Name != "shop" || string(apps[0].Current.Manifest) != "{}" {
		t.Errorf("apps %+v", apps)
	}
	_, err = s.App(t.Context(), "none")
	wantCode(t, "no app", err, storage.CodeNotFound)
	_, err = s.AppByID(t.Context(), "shop")
	wantCode(t, "no app of that id", err, storage.CodeNotFound)
	none, err := s.Files(t.Context(), d.AppID, 7)
	if err != nil || len(none) != 0 {
		t.Errorf("files of no version: %v, %v", none, err)
	}
}

func testPublishErrors(t *testing.T, s storage.Store) {
	file := put(t, s, "a.html", "one", "gzip")
	missing := storage.File{Path: "b.html", Hash: hashOf([]byte("not stored")), Size: 1}
	tests := []struct {
		name string
		d    storage.NewDeployment
		keep int
		code storage.Code
		path string
	}{
		{"no name", storage.NewDeployment{}, 10, storage.CodeInvalid, "app name"},
		{"keep nothing", storage.NewDeployment{Name: "shop"}, 0, storage.CodeInvalid, "keep"},
		{"manifest", storage.NewDeployment{Name: "shop", Manifest: json.RawMessage(`{`)}, 10, storage.CodeInvalid, "manifest"},
		{"content", storage.NewDeployment{Name: "shop", Files: []storage.File{file, missing}}, 10, storage.CodeNotFound, "b.html"},
		{"path twice", storage.NewDeployment{Name: "shop", Files: []storage.File{file, file}}, 10, storage.CodeConflict, "a.html"},
	}
	before, err := s.Revision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		_, err := s.Publish(t.Context(), tt.d, tt.keep)
		wantCode(t, tt.name, err, tt.code)
		if e, ok := errors.AsType[*storage.Error](err); ok && e.Path != tt.path {
			t.Errorf("%s: path %q, want %q", tt.name, e.Path, tt.path)
		}
	}
	apps, err := s.Apps(t.Context())
	if err != nil || len(apps) != 0 {
		t.Errorf("left %v, %v", apps, err)
	}
	after, err := s.Revision(t.Context())
	if err != nil || after != before {
		t.Errorf("revision %d, %v; want %d", after, err, before)
	}
}

// testPublishIsAtomic reads an app while it is published over and over: every
// reader sees all files of one version.
func testPublishIsAtomic(t *testing.T, s storage.Store) {
	const versions, files = 30, 20 // all of them kept, for slow readers
	contents := make([][]storage.File, 2)
	for v := range contents {
		for i := range files {
			contents[v] = append(contents[v], put(t, s, fmt.Sprintf("f%02d", i), fmt.Sprintf("%d of %d", i, v)))
		}
	}
	first := publish(t, s, "shop", versions, contents[1]...)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				app, err := s.App(t.Context(), "shop")
				if err != nil {
					t.Error(err)
					return
				}
				got, err := s.Files(t.Context(), app.ID, app.Current.Version)
				if err != nil {
					t.Error(err)
					return
				}
				if cut := cmp.Diff(contents[app.Current.Version%2], got, cmpopts.EquateEmpty()); cut != "" {
					t.Errorf("version %d (-want +got):\n%s", app.Current.Version, cut)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for v := 2; v <= versions; v++ {
		d := publish(t, s, "shop", versions, contents[v%2]...)
		if d.Version != v || d.AppID != first.AppID {
			t.Errorf("version %d of %s, want %d of %s", d.Version, d.AppID, v, first.AppID)
		}
	}
	close(done)
	wg.Wait()
}

func testVersions(t *testing.T, s storage.Store) {
	var id string
	for v := 1; v <= 5; v++ {
		id = publish(t, s, "shop", 3, put(t, s, "a", fmt.Sprint(v))).AppID
	}
	kept, err := s.Deployments(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var versions []int
	for _, d := range kept {
		versions = append(versions, d.Version)
	}
	diff(t, "kept", []int{5, 4, 3}, versions)
	for v, want := range map[int]int{2: 0, 3: 1, 5: 1} {
		files, err := s.Files(t.Context(), id, v)
		if err != nil || len(files) != want {
			t.Errorf("version %d has %d files, %v", v, len(files), err)
		}
	}
	// A rollback is a deployment of an old version's files.
	old, err := s.Files(t.Context(), id, 3)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "rolled back", 6, publish(t, s, "shop", 3, old...).Version)
}

func testRemoveApp(t *testing.T, s storage.Store) {
	d := publish(t, s, "shop", 3, put(t, s, "a", "one"))
	other := publish(t, s, "blog", 3, put(t, s, "a", "one"))
	if err := s.RemoveApp(t.Context(), d.AppID, false); err != nil {
		t.Fatal(err)
	}
	_, err := s.App(t.Context(), "shop")
	wantCode(t, "removed", err, storage.CodeNotFound)
	files, err := s.Files(t.Context(), d.AppID, 1)
	if err != nil || len(files) != 0 {
		t.Errorf("files %v, %v", files, err)
	}
	wantCode(t, "again", s.RemoveApp(t.Context(), d.AppID, false), storage.CodeNotFound)
	wantCode(t, "no app", s.RemoveApp(t.Context(), "none", true), storage.CodeNotFound)
	again := publish(t, s, "shop", 3)
	if again.AppID == d.AppID || again.Version != 1 {
		t.Errorf("deployed again as %s version %d", again.AppID, again.Version)
	}
	table, err := s.Query(t.Context(), "SELECT name FROM apps ORDER BY name", 10)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "apps", [][]any{{"blog"}, {"shop"}}, table.Rows)
	files, err = s.Files(t.Context(), other.AppID, 1)
	if err != nil || len(files) != 1 {
		t.Errorf("files of another app: %v, %v", files, err)
	}
}

func testRemoveAppKeepData(t *testing.T, s storage.Store) {
	d := publish(t, s, "shop", 3, put(t, s, "a", "one"))
	own := storage.Scope{App: d.AppID}
	if err := s.Tx(t.Context(), own, func(tx storage.Tx) error { return tx.KV().Set("k", json.RawMessage(`1`), 0) }); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveApp(t.Context(), d.AppID, true); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "again", s.RemoveApp(t.Context(), d.AppID, true), storage.CodeNotFound)
	table, err := s.Query(t.Context(), "SELECT name FROM apps", 10)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "apps", [][]any{}, table.Rows)

	again := publish(t, s, "shop", 3)
	if again.AppID != d.AppID || again.Version != 2 {
		t.Errorf("came back as %s version %d, want %s version 2", again.AppID, again.Version, d.AppID)
	}
	if err := s.View(t.Context(), own, func(tx storage.Tx) error { _, err := tx.KV().Get("k"); return err }); err != nil {
		t.Errorf("kept data: %v", err)
	}
	// Kept data can be removed later, by the app's id.
	for _, keep := range []bool{true, false} {
		if err := s.RemoveApp(t.Context(), d.AppID, keep); err != nil {
			t.Fatal(err)
		}
	}
	if fresh := publish(t, s, "shop", 3); fresh.AppID == d.AppID {
		t.Error("removed data came back")
	}
}

func testRollback(t *testing.T, s storage.Store) {
	first, err := s.Publish(t.Context(), storage.NewDeployment{Name: "shop", Manifest: json.RawMessage(`{"v":1}`), Engine: "otto",
		Files: []storage.File{put(t, s, "a", "one", "gzip"), put(t, s, "b", "two")}, Indexes: map[string][]string{"items": {"n"}}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	publish(t, s, "shop", 3, put(t, s, "a", "three"))
	before, err := s.Revision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	back, err := s.Rollback(t.Context(), first.AppID, 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	want := first
	want.Version, want.Source.Restored = 3, 1
	if d := cmp.Diff(want, back, cmpopts.IgnoreFields(want, "CreatedAt")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	app, err := s.App(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "current", back, app.Current)
	old, err := s.Files(t.Context(), first.AppID, 1)
	if err != nil {
		t.Fatal(err)
	}
	now, err := s.Files(t.Context(), first.AppID, 3)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "files", old, now)
	diff(t, "encodings", []string{"gzip"}, now[0].Encodings)
	if after, err := s.Revision(t.Context()); err != nil || after <= before {
		t.Errorf("revision %d, %v; was %d", after, err, before)
	}
	// Version 1 makes way for the next.
	if _, err := s.Rollback(t.Context(), first.AppID, 2, 3); err != nil {
		t.Fatal(err)
	}
	_, err = s.Rollback(t.Context(), first.AppID, 1, 3)
	wantCode(t, "not kept", err, storage.CodeNotFound)
	_, err = s.Rollback(t.Context(), "none", 1, 3)
	wantCode(t, "no app", err, storage.CodeNotFound)
	_, err = s.Rollback(t.Context(), first.AppID, 2, 0)
	wantCode(t, "keep nothing", err, storage.CodeInvalid)
	kept, err := s.Deployments(t.Context(), first.AppID)
	if err != nil || len(kept) != 3 || kept[0].Version != 4 {
		t.Errorf("kept %+v, %v", kept, err)
	}
}

// testRemoveAppRemovesAll fills an app with one of everything. What is left of
// it goes in the background, and this waits for that.
func testRemoveAppRemovesAll(t *testing.T, s storage.Store) {
	kept := publish(t, s, "kept", 3).AppID
	id := publish(t, s, "shop", 3, put(t, s, "a", "one")).AppID
	for _, app := range []string{id, kept} {
		for _, user := range []string{"", "u"} {
			sc := storage.Scope{App: app, User: user}
			for _, size := range []int{10, 600_000} {
				if _, err := s.PutBlob(t.Context(), sc, fmt.Sprint(size), strings.NewReader(strings.Repeat("x", size)), ""); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Tx(t.Context(), sc, func(tx storage.Tx) error {
				if err := tx.KV().Set("k", json.RawMessage(`1`), 0); err != nil {
					return err
				}
				_, err := tx.Docs().Insert("items", json.RawMessage(`{"n":1}`))
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(s.SetEnv(t.Context(), app, map[string][]byte{"A": []byte("x")}, "key"),
			s.AppendLogs(t.Context(), []storage.LogLine{{App: app, Time: time.Now(), Text: "x"}})); err != nil {
			t.Fatal(err)
		}
	}
	count := func(table, app string) int64 {
		t.Helper()
		found, err := s.Query(t.Context(), fmt.Sprintf("SELECT count(*) FROM %s WHERE app = '%s'", table, app), 1)
		if err != nil {
			t.Fatal(err)
		}
		return found.Rows[0][0].(int64)
	}
	if err := s.RemoveApp(t.Context(), id, false); err != nil {
		t.Fatal(err)
	}
	tables := []string{"files", "deployments", "kv", "docs", "blobs", "logs", "env_vars", "usage"}
	deadline := time.Now().Add(time.Minute)
	for _, table := range tables {
		for count(table, id) > 0 {
			if time.Now().After(deadline) {
				t.Fatalf("%s still has %d rows of the app", table, count(table, id))
			}
			<-time.After(5 * time.Millisecond)
		}
		if count(table, kept) == 0 && table != "files" {
			t.Errorf("%s has lost another app's rows", table)
		}
	}
	wantRecount(t, s, kept)
}

// testChanged waits for changes with nothing but the channel.
func testChanged(t *testing.T, s storage.Store) {
	var d storage.Deployment
	changes := []func(){
		func() { d = publish(t, s, "shop", 3) },
		func() { publish(t, s, "shop", 3) },
		func() {
			if err := s.RemoveApp(t.Context(), d.AppID, false); err != nil {
				t.Fatal(err)
			}
		},
	}
	for i, change := range changes {
		revision, err := s.Revision(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		changed := s.Changed(revision)
		set(t, s, "k", `1`) // is none of the catalogue
		select {
		case <-changed:
			t.Errorf("change %d was announced before it was made", i)
		default:
		}
		change()
		<-changed
		next, err := s.Revision(t.Context())
		if err != nil || next <= revision {
			t.Errorf("change %d: revision %d, %v; was %d", i, next, err, revision)
		}
		<-s.Changed(revision) // at once, for who comes late
	}
}

// readAll reads a form of a content.
func readAll(t testing.TB, s storage.Store, hash, encoding string) []byte {
	t.Helper()
	r, err := s.OpenContent(context.Background(), hash, encoding)
	if err != nil {
		t.Fatalf("OpenContent: %v", err)
	}
	defer r.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		t.Fatalf("read: %v", err)
	}
	return b.Bytes()
}
