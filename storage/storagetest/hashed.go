package storagetest

import (
	"testing"

	"github.com/fazt-sh/fazt/storage"
)

// testHashedNames: that a name carries a hash of its content is kept, until another
// version that is kept has other bytes under it.
func testHashedNames(t *testing.T, s storage.Store) {
	hashed := func(path, content string) storage.File {
		f := put(t, s, path, content)
		f.Hashed = true
		return f
	}
	names := func(d storage.Deployment) []string {
		t.Helper()
		files, err := s.Files(t.Context(), d.AppID, d.Version)
		if err != nil {
			t.Fatal(err)
		}
		names := []string{}
		for _, f := range files {
			if f.Hashed {
				names = append(names, f.Path)
			}
		}
		return names
	}
	first := publish(t, s, "shop", 2, hashed("a.js", "1"), hashed("b.js", "1"), put(t, s, "c.js", "1"))
	publish(t, s, "blog", 2, hashed("a.js", "2"))
	diff(t, "the first version", []string{"a.js", "b.js"}, names(first))
	diff(t, "other bytes", []string{"b.js"}, names(publish(t, s, "shop", 2, hashed("a.js", "2"), hashed("b.js", "1"), put(t, s, "c.js", "2"))))
	if f, err := s.FileInKept(t.Context(), first.AppID, "b.js"); err != nil || !f.Hashed {
		t.Errorf("in a kept version: %+v, %v", f, err)
	}
	third, err := s.Rollback(t.Context(), first.AppID, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "back to the first version", []string{"b.js"}, names(third))
	publish(t, s, "shop", 2, put(t, s, "c.js", "1"))
	publish(t, s, "shop", 2, put(t, s, "c.js", "1"))
	diff(t, "when no other is kept", []string{"a.js"}, names(publish(t, s, "shop", 2, hashed("a.js", "3"))))
}
