package cli_test

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt"
)

// TestKilledDeploys kills deploys that are under way, each a little later: the app is as
// it was or as it is to be, with all of its files, and the next deploy is none the worse.
func TestKilledDeploys(t *testing.T) {
	dataFile := filepath.Join(t.TempDir(), "data.db")
	version := func(n int) string {
		files := map[string]string{"index.html": fmt.Sprintf("version %02d", n)}
		for i := range 60 {
			files[fmt.Sprintf("f/%d.txt", i)] = strings.Repeat(fmt.Sprintf("line of version %02d and of file %d\n", n, i), 500)
		}
		return write(t, files)
	}
	const kills = 12
	killed := 0
	for n := range kills + 1 {
		cmd := faztOn(dataFile, "app", "deploy", version(n), "--name", "app")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if n > 0 && n < kills {
			time.AfterFunc(time.Duration(n*n)*4*time.Millisecond, func() { cmd.Process.Kill() })
		}
		if err := cmd.Wait(); err != nil {
			killed++
			if n == 0 || n == kills {
				t.Fatalf("a deploy that was left alone: %v", err)
			}
		}
		if page := wholeVersion(t, dataFile); n == kills && page != fmt.Sprintf("version %02d", kills) {
			t.Errorf("the last deploy is not served, but %q", page)
		}
	}
	t.Logf("%d of %d deploys were killed", killed, kills-1)
}

// wholeVersion checks that all files of the current version are of one deploy, and
// returns its page.
func wholeVersion(t *testing.T, dataFile string) (page string) {
	t.Helper()
	server, err := fazt.New(t.Context(), fazt.Options{DataFile: dataFile})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	files, err := server.Files(t.Context(), "app", 0)
	if err != nil || len(files) != 61 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	read := func(path string) string {
		_, r, err := server.OpenFile(t.Context(), "app", 0, path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	page = read("index.html")
	for _, f := range files {
		if text := read(f.Path); !strings.Contains(text, page) || int64(len(text)) != f.Size {
			t.Errorf("%s is not of %s: %.60q", f.Path, page, text)
		}
	}
	return page
}
