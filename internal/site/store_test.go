package site_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/internal/site"
	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

// memory keeps how many bytes were stored, by hash.
type memory map[string]int64

func (m memory) HasContent(context.Context, []string) (map[string][]string, error) {
	return map[string][]string{}, nil
}

func (m memory) PutContent(_ context.Context, c storage.Content) error {
	sum := sha256.New()
	n, err := io.Copy(sum, c.Data)
	if err != nil {
		return err
	}
	if hash := hex.EncodeToString(sum.Sum(nil)); hash != c.Hash {
		return fmt.Errorf("the hash is %s, not %s", hash, c.Hash)
	}
	m[c.Hash] = n
	return nil
}

// countingFS counts how often a file is opened.
type countingFS struct {
	fstest.MapFS
	opened map[string]int
}

func (f countingFS) Open(name string) (fs.File, error) {
	f.opened[name]++
	return f.MapFS.Open(name)
}

// TestStoreAgain stores an app once more: what is there already is read once, to
// hash it, and its compressed forms are there as before.
func TestStoreAgain(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "data.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	source := countingFS{files("index.html", strings.Repeat("<p>again", 100), "new.txt", "1", "a.png", strings.Repeat("p", 600)), map[string]int{}}
	publish := func() []storage.File {
		t.Helper()
		app, err := site.ReadFS(source, limits)
		if err != nil {
			t.Fatal(err)
		}
		list, err := app.Store(t.Context(), store)
		if err != nil {
			t.Fatal(err)
		}
		d, err := store.Publish(t.Context(), storage.NewDeployment{Name: "app", Manifest: []byte("{}"), Files: list}, 10)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := store.Files(t.Context(), d.AppID, d.Version)
		if err != nil {
			t.Fatal(err)
		}
		return stored
	}
	want := map[string][]string{"index.html": {"gzip", "zstd"}, "new.txt": nil, "a.png": nil}
	for i, opened := range []int{3, 1} { // to hash, to compress and to store it; then to hash it
		source.MapFS["new.txt"] = &fstest.MapFile{Data: []byte{byte(i)}}
		clear(source.opened)
		got := make(map[string][]string)
		for _, f := range publish() {
			got[f.Path] = f.Encodings
			if len(f.Encodings) == 0 {
				got[f.Path] = nil
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("time %d: encodings (-want +got):\n%s", i+1, diff)
		}
		if got := source.opened["index.html"]; got != opened {
			t.Errorf("time %d: opened %d times, want %d", i+1, got, opened)
		}
	}
}

// TestStoreOfChangedFile changes a file between its being checked and stored.
func TestStoreOfChangedFile(t *testing.T) {
	for _, text := range []string{"longer", ""} {
		source := files("index.html", "page")
		app, err := site.ReadFS(source, limits)
		if err != nil {
			t.Fatal(err)
		}
		source["index.html"].Data = []byte(text)
		if _, err := app.Store(t.Context(), memory{}); err == nil || !strings.Contains(err.Error(), "index.html: changed while it was read") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestStoreFails passes on what the store says.
func TestStoreFails(t *testing.T) {
	full := errors.New("the disk is full")
	app, err := site.ReadFS(files("index.html", "page"), limits)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.Store(t.Context(), failing{full}); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
}

type failing struct{ err error }

func (f failing) HasContent(context.Context, []string) (map[string][]string, error) {
	return nil, f.err
}
func (f failing) PutContent(context.Context, storage.Content) error { return f.err }
