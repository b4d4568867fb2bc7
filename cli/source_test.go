package cli_test

import (
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
			fsys, privateIgnored, err := cli.ReadSource(dir, tt.private)
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
