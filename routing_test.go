package fazt_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/harnesstest/routing"
)

// TestRouting asks a server for all that the tables in testdata/routing have. See
// package routing for their form.
func TestRouting(t *testing.T) {
	names, err := filepath.Glob("testdata/routing/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d tables: %v", len(names), err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			table, err := routing.Load(os.DirFS("."), filepath.ToSlash(name))
			if err != nil {
				t.Fatal(err)
			}
			srv := harnesstest.Start(t, func(o *fazt.Options) { o.Domain, o.Home, o.Dev = table.Domain, table.Home, false })
			for _, app := range table.Apps {
				if d := deploy(t, srv.Fazt, app.Name, app.Files); d.Version != app.Version {
					t.Fatalf("%s: version %d, want %d", app.Name, d.Version, app.Version)
				}
			}
			for _, c := range table.Cases {
				wrong, err := c.Send(address(srv.URL))
				if err != nil {
					wrong = append(wrong, err.Error())
				}
				for _, w := range wrong {
					t.Errorf("%s: %s %s %s: %s", c.At, c.Method, c.Host, c.Target, w)
				}
			}
		})
	}
}
