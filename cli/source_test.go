package cli_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/cli"
)

// write makes files below a new directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestSource(t *testing.T) {
	dir := write(t, map[string]string{
		"index.html":              "",
		".gitignore":              "*.map\n/private/\n/dist\n!/assets/keep.map\n",
		".env":                    "SECRET=1",
		".git/config":             "",
		"node_modules/x/index.js": "",
		"debug.log":               "",
		"page.html~":              "",
		"#page.html#":             "",
		"dist/old.js":             "",
		"private/list.json":       "[]",
		"assets/app.js":           "",
		"assets/app.js.map":       "",
		"assets/keep.map":         "",
		"assets/.gitignore":       "draft-*\n!*.map\n",
		"assets/draft-1.png":      "",
		"assets/more.map":         "",
		"assets/deep/dist/a.css":  "",
		"api/main.js":             "",
	})
	shared := []string{"api/main.js", "assets/app.js", "assets/app.js.map", "assets/deep/dist/a.css", "assets/keep.map", "assets/more.map", "index.html"}
	for _, tt := range []struct {
		name    string
		private bool
		want    []string
	}{
		{"without private", false, shared},
		{"with private", true, append(slices.Clone(shared), "private/list.json")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fsys, privateIgnored, _, err := cli.ReadSource(dir, tt.private)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			if err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					got = append(got, p)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if !privateIgnored {
				t.Error("private/ is not reported as git-ignored")
			}
			if err := fstest.TestFS(fsys, tt.want...); err != nil {
				t.Error(err)
			}
			for _, name := range []string{".env", "debug.log", "node_modules", "dist/old.js", "../x"} {
				if f, err := fsys.Open(name); err == nil {
					f.Close()
					t.Errorf("%s can be opened", name)
				}
			}
		})
	}
}

func TestLabelOf(t *testing.T) {
	for text, want := range map[string]string{
		"My App!": "my-app", "notes": "notes", "--a__b--": "a-b", "Ünïcode": "n-code", "日本": "",
		"0123456789012345678901234567890123456789012345678901234567890 -- 1": "0123456789012345678901234567890123456789012345678901234567890-1",
		"012345678901234567890123456789012345678901234567890123456789012 x":  "012345678901234567890123456789012345678901234567890123456789012",
	} {
		if got := cli.LabelOf(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestSourceLeftOut names what is not deployed.
func TestSourceLeftOut(t *testing.T) {
	dir := write(t, map[string]string{
		"index.html": "", ".env": "SECRET=1", "node_modules/x/index.js": "", "assets/debug.log": "", ".gitignore": "/draft", "draft/a": "",
	})
	_, _, left, err := cli.ReadSource(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{".env", "assets/debug.log", "draft/", "node_modules/"}, left); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
}

// TestSourceSwapped has files and directories replaced by links and by others once they
// were listed: none of what they lead to is read.
func TestSourceSwapped(t *testing.T) {
	outside := write(t, map[string]string{"secret.txt": "secret", "a.txt": "secret"})
	dir := write(t, map[string]string{"file.txt": "one", "other.txt": "two", "deep/a.txt": "three", "kept.txt": "kept", ".env/a.txt": "secret"})
	fsys, _, _, err := cli.ReadSource(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"file.txt", "other.txt", "deep"} {
		if err := os.RemoveAll(at(name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"file.txt": filepath.Join(outside, "secret.txt"), "other.txt": ".env/a.txt", "deep": outside} {
		if err := os.Symlink(to, at(name)); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range []string{"file.txt", "other.txt", "deep/a.txt"} {
		if text, err := fs.ReadFile(fsys, name); err == nil {
			t.Errorf("%s: read %q", name, text)
		} else if i == 1 && !errors.Is(err, fs.ErrNotExist) { // a link within the directory is followed, and found out
			t.Errorf("%s: %v", name, err)
		}
	}
	if text, err := fs.ReadFile(fsys, "kept.txt"); err != nil || string(text) != "kept" {
		t.Errorf("what stayed: %q, %v", text, err)
	}
	if err := os.Remove(at("deep")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(".env", at("deep")); err != nil {
		t.Fatal(err)
	}
	if text, err := fs.ReadFile(fsys, "deep/a.txt"); err == nil {
		t.Errorf("deep/a.txt: read %q", text)
	}
}
