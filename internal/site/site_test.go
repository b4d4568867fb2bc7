package site_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/internal/site"
	"github.com/fazt-sh/fazt/runtime"
)

var limits = site.Limits{FileBytes: 1000, AppBytes: 1500, Files: 4}

// files makes an app of paths and their texts, in turn.
func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

// pack makes a ZIP of entries that all have the same content.
func pack(t testing.TB, content string, entries ...zip.FileHeader) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		e.Method = zip.Deflate
		w, err := z.CreateHeader(&e)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(e.Name, "/") {
			if _, err := io.WriteString(w, content); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadFS(t *testing.T) {
	app, err := site.ReadFS(files(
		"manifest.json", `{"engine": "goja", "spa": true}`, "api/main.js", "respond(1)", "api/data.json", "{}", "index.html", "page"), limits)
	if err != nil {
		t.Fatal(err)
	}
	if want := (site.Manifest{Engine: "goja", SPA: true}); !cmp.Equal(want, app.Manifest) {
		t.Errorf("manifest is %+v, want %+v", app.Manifest, want)
	}
	want := runtime.Source{
		Files: map[string]string{"api/main.js": "respond(1)", "api/data.json": "{}"}, Maps: map[string]string{}, Main: site.MainPath, Engine: "goja",
	}
	got, ok, err := app.Source(12)
	if diff := cmp.Diff(want, got); diff != "" || !ok || err != nil {
		t.Errorf("source: %v, %v (-want +got):\n%s", ok, err, diff)
	}
	if _, _, err := app.Source(11); !errors.Is(err, site.ErrInvalid) || !strings.Contains(err.Error(), "api/main.js: brings") {
		t.Errorf("one byte of source too many: %v", err)
	}
}

func TestReadFSRefuses(t *testing.T) {
	long := strings.Repeat("x", 1001)
	for _, test := range []struct {
		want string
		app  fs.FS
	}{
		{"there are no files", files()},
		{"manifest.json:1: not valid JSON", files("manifest.json", "nope")},
		{"fazt.json:1: not valid JSON", files("fazt.json", "nope", "manifest.json", "{}")},
		{"the limit for one file is 1000", files("index.html", long)},
		{"past 1500 bytes", files("index.html", long[:900], "b.txt", long[:900])},
		{"more than the 4 files", files("index.html", "", "1", "", "2", "", "3", "", "4", "")},
		{`file name "a\\b": has a backslash, U+005C, as its byte 2`, files("index.html", "", `a\b`, "")},
		{`file name "a\x01": has a control character, U+0001, as its byte 2; rename it`, files("index.html", "", "a\x01", "")},
		{`has a control character, U+2028`, files("index.html", "", "a\u2028", "")},
		{`file name "a\u202eb": has a character that turns the direction of writing, U+202E`, files("index.html", "", "a\u202eb", "")},
		{"U+2066", files("index.html", "", "ab\u2066", "")},
		{"belongs to the server", files("index.html", "", "_fazt/x", "")},
		{"the limit is 1024", files("index.html", "", strings.Repeat("a/", 512)+"a", "")},
		{"is a link", fstest.MapFS{"index.html": {}, "l": {Mode: fs.ModeSymlink}}},
	} {
		_, err := site.ReadFS(test.app, limits)
		if !errors.Is(err, site.ErrInvalid) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
	_, err := site.ReadFS(os.DirFS(filepath.Join(t.TempDir(), "missing")), limits)
	if !errors.Is(err, fs.ErrNotExist) || errors.Is(err, site.ErrInvalid) {
		t.Errorf("a directory that does not exist: %v; want that said, and no fault of the app", err)
	}
}

// TestNames are those that people, their cameras and their computers give files.
func TestNames(t *testing.T) {
	for _, name := range []string{
		"Screenshot 2026-11-30 at 10.15.00\u202fAM.png", "全角\u3000スペース.txt", "👩\u200d💻.txt", "\U0001fae9.svg", "e\u0301.txt", "\u00a0.txt",
		"(group)/[id]/[...rest]/+page.svelte", "it's!.txt", "a?b#c%d.txt", "a:b.txt", "\ufeffbom.txt", "שלום\u200f.txt", `"quoted" <name>.txt`,
	} {
		if _, err := site.ReadFS(files(name, ""), limits); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestSiteWithoutPage is a site all the same.
func TestSiteWithoutPage(t *testing.T) {
	app, err := site.ReadFS(files("readme.txt", "hello"), limits)
	if err != nil || len(app.Warnings) != 1 || !strings.Contains(app.Warnings[0], "there is no index.html") {
		t.Error(app, err)
	}
}

func TestReadZIP(t *testing.T) {
	data := pack(t, "content", zip.FileHeader{Name: "./"}, zip.FileHeader{Name: "./assets/"}, zip.FileHeader{Name: "./index.html"}, zip.FileHeader{Name: "a/"})
	if _, err := site.ReadZIP(bytes.NewReader(data), int64(len(data)), limits); err != nil {
		t.Error(err)
	}
}

func TestReadZIPRefuses(t *testing.T) {
	link := zip.FileHeader{Name: "link"}
	link.SetMode(fs.ModeSymlink | 0o777)
	page := zip.FileHeader{Name: "index.html"}
	named := func(names ...string) []byte {
		entries := []zip.FileHeader{page}
		for _, name := range names {
			entries = append(entries, zip.FileHeader{Name: name})
		}
		return pack(t, "content", entries...)
	}
	for _, test := range []struct {
		want string
		data []byte
	}{
		{"not a valid zip file", []byte("nope")},
		{"not a valid zip file", nil},
		{`"../x"`, named("../x")},
		{`"/etc/passwd"`, named("/etc/passwd")},
		{`"a/../b"`, named("a/../b")},
		{`"a\\b"`, named(`a\b`)},
		{`directory: file name ".."`, named("../")},
		{"index.html: is there twice", named("index.html")},
		{"a: is a file and a directory", named("a", "a/b")},
		{"a: is a file and a directory", named("a/b", "a")},
		{"the ZIP has 9 entries; the limit is 8", named("1/", "2/", "3/", "4/", "5/", "6/", "7/", "8/")},
		{"link: is a link", pack(t, "content", page, link)},
		{`"\x82\xa0": is not in UTF-8`, named("\x82\xa0")},
		{"there are no files", pack(t, "content", zip.FileHeader{Name: "app/"})},
		{"the limit for one file is 1000", pack(t, strings.Repeat("x", 1001), page)},
	} {
		_, err := site.ReadZIP(bytes.NewReader(test.data), int64(len(test.data)), limits)
		if !errors.Is(err, site.ErrInvalid) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

// FuzzReadZIP holds what was read to the limits, whatever the archive claims.
func FuzzReadZIP(f *testing.F) {
	f.Add(pack(f, "respond(1)", zip.FileHeader{Name: "api/main.js"}, zip.FileHeader{Name: "index.html"}))
	f.Add(pack(f, "{}", zip.FileHeader{Name: "manifest.json"}, zip.FileHeader{Name: "a/"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		app, err := site.ReadZIP(bytes.NewReader(data), int64(len(data)), limits)
		if err != nil {
			if !errors.Is(err, site.ErrInvalid) {
				t.Errorf("%v; want it to be the app's fault", err)
			}
			return
		}
		stored := memory{}
		list, err := app.Store(t.Context(), stored)
		if err != nil {
			return // the bytes are not what the archive claims
		}
		var total int64
		for _, file := range list {
			if !fs.ValidPath(file.Path) || strings.Contains(file.Path, `\`) {
				t.Errorf("file name %q", file.Path)
			}
			if got := stored[file.Hash]; got != file.Size || got > limits.FileBytes {
				t.Errorf("%s: %d bytes stored, %d in the list", file.Path, got, file.Size)
			}
			total += file.Size
		}
		if total > limits.AppBytes || len(list) > limits.Files {
			t.Errorf("%d files of %d bytes", len(list), total)
		}
	})
}
