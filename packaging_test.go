package fazt_test

import (
	"net/http"
	"testing"

	"github.com/fazt-sh/fazt"
)

// What a handler is made of is nobody's to read; a folder of files without one has what it has.
func TestPackagingIsNotServed(t *testing.T) {
	for name, test := range map[string]struct {
		main string
		want int
	}{
		"a handler": {"respond('x')", http.StatusNotFound},
		"files":     {"", http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			srv := open(t, func(o *fazt.Options) { o.Domain = "example.com" })
			app := files("package.json", `{"dependencies": {}}`, "package-lock.json", "{}", "docs/package.json", "{}")
			if test.main != "" {
				app["api/main.js"] = files("f", test.main)["f"]
			}
			deploy(t, srv, "memo", app)
			for path, want := range map[string]int{"/package.json": test.want, "//package.json": test.want, "/package-lock.json": test.want, "/docs/package.json": http.StatusOK} {
				if got := do(srv, "GET", "http://memo.example.com"+path).Code; got != want {
					t.Errorf("%s: %d, want %d", path, got, want)
				}
			}
		})
	}
}
