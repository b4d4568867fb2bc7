package storagetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

// testNamedVersions keeps a version for as long as an alias names it.
func testNamedVersions(t *testing.T, s storage.Store) {
	id := publish(t, s, "shop", 2, put(t, s, "a", "1")).AppID
	publish(t, s, "blog", 2)
	for v := 2; v <= 3; v++ {
		publish(t, s, "shop", 3, put(t, s, "a", fmt.Sprint(v)))
	}
	for _, alias := range []storage.Alias{
		{Label: "preview", Kind: storage.AliasApp, App: "shop"},
		{Label: "other", Kind: storage.AliasApp, App: "blog"},
		{Label: "both", Kind: storage.AliasSplit, Split: []storage.Weight{{App: "blog", Percent: 50}, {App: "shop", Percent: 50}}},
	} {
		if err := s.SetAlias(t.Context(), alias); err != nil {
			t.Fatal(err)
		}
	}
	write := func(query string, args ...any) {
		t.Helper()
		if err := s.Write(t.Context(), func(tx storage.SQL) error { _, err := tx.Exec(query, args...); return err }); err != nil {
			t.Fatal(err)
		}
	}
	write("UPDATE aliases SET version = 1 WHERE label = ?", "preview")
	write("UPDATE aliases SET version = 3 WHERE label = ?", "other") // of another app
	write("UPDATE aliases SET split = ? WHERE label = ?", `[{"app": "blog", "percent": 50, "version": 4}, {"app": "shop", "percent": 50, "version": 2}]`, "both")
	kept := func() (versions []int) {
		t.Helper()
		all, err := s.Deployments(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range all {
			files, err := s.Files(t.Context(), id, d.Version)
			if err != nil || len(files) != 1 {
				t.Errorf("version %d has %v, %v", d.Version, files, err)
			}
			versions = append(versions, d.Version)
		}
		return versions
	}
	for range 3 {
		publish(t, s, "shop", 2, put(t, s, "a", "new"))
	}
	diff(t, "kept", []int{6, 5, 2, 1}, kept())
	if _, err := s.Rollback(t.Context(), id, 1, 1); err != nil {
		t.Fatal(err)
	}
	diff(t, "kept by a rollback", []int{7, 2, 1}, kept())
	if err := s.RemoveAlias(t.Context(), "preview"); err != nil {
		t.Fatal(err)
	}
	write("UPDATE aliases SET split = 'broken' WHERE label = ?", "both")
	publish(t, s, "shop", 1, put(t, s, "a", "last"))
	diff(t, "kept without aliases", []int{8}, kept())
}

func testFileInKept(t *testing.T, s storage.Store) {
	id := publish(t, s, "shop", 3, put(t, s, "old.js", "0"), put(t, s, "a.js", "1", "gzip")).AppID
	publish(t, s, "shop", 3, put(t, s, "a.js", "2"), put(t, s, "b.js", "3"))
	publish(t, s, "shop", 3)
	publish(t, s, "shop", 3)
	publish(t, s, "blog", 3, put(t, s, "c.js", "4"))
	for path, want := range map[string]string{"a.js": "2", "b.js": "3", "old.js": "", "c.js": "", "": "", "%.js": ""} {
		f, err := s.FileInKept(t.Context(), id, path)
		if want == "" {
			wantCode(t, path, err, storage.CodeNotFound)
		} else if err != nil || f.Path != path || f.Hash != hashOf([]byte(want)) || f.Size != 1 {
			t.Errorf("%s: %+v, %v; want the one of %q", path, f, err, want)
		}
	}
	back := publish(t, s, "shop", 3, put(t, s, "a.js", "1"))
	f, err := s.FileInKept(t.Context(), back.AppID, "a.js")
	if err != nil || f.Hash != hashOf([]byte("1")) || len(f.Encodings) != 1 {
		t.Errorf("of the current version: %+v, %v", f, err)
	}
}

func testChangeApp(t *testing.T, s storage.Store) {
	id := publish(t, s, "shop", 3).AppID
	title, tags, unlisted := "The shop", []string{"b", "a", "b"}, api.VisibilityUnlisted
	for _, change := range []storage.AppChange{{Title: &title}, {Tags: &tags}, {Visibility: &unlisted}, {}} {
		if err := s.ChangeApp(t.Context(), id, change); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what string) {
		t.Helper()
		app, err := s.AppByID(t.Context(), id)
		if err != nil || app.Title != title || app.Visibility != unlisted {
			t.Errorf("%s: %+v, %v", what, app, err)
		}
		diff(t, what, []string{"a", "b"}, app.Tags)
	}
	want("changed")
	publish(t, s, "shop", 3)
	want("after a deploy")
	if err := s.RemoveApp(t.Context(), id, true); err != nil {
		t.Fatal(err)
	}
	publish(t, s, "shop", 3)
	want("come back")

	long, lines, comma, none := strings.Repeat("x", storage.MaxTitle+1), "a\nb", []string{"a,b"}, "private"
	many := make([]string, storage.MaxTags+1)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	for _, change := range []storage.AppChange{{Title: &long}, {Title: &lines}, {Tags: &comma}, {Tags: &many}, {Visibility: &none}} {
		wantCode(t, "change", s.ChangeApp(t.Context(), id, change), storage.CodeInvalid)
	}
	wantCode(t, "no app", s.ChangeApp(t.Context(), "none", storage.AppChange{Title: &title}), storage.CodeNotFound)
	want("after refusals")
}
