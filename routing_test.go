package fazt_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/harnesstest/cases"
)

// TestRouting asks a server for all that the tables in testdata/routing have. See
// package cases for their form.
func TestRouting(t *testing.T) {
	names, err := filepath.Glob("testdata/routing/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d tables: %v", len(names), err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			table, err := cases.Load(os.DirFS("."), filepath.ToSlash(name))
			if err != nil {
				t.Fatal(err)
			}
			srv := harnesstest.Start(t, func(o *fazt.Options) { o.Domain, o.Home, o.Dev = table.Domain, table.Home, false })
			for _, app := range table.Apps {
				if d := deploy(t, srv.Fazt, app.Name, app.Files); d.Version != app.Version {
					t.Fatalf("%s: version %d, want %d", app.Name, d.Version, app.Version)
				}
			}
			for _, words := range table.Aliases {
				linked(t, srv.Fazt, aliasOf(t, words))
			}
			ask := cases.Sender{Dial: srv.Dial}
			for _, c := range table.Cases() {
				wrong, err := ask.Send(t.Context(), &c)
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

// aliasOf reads an alias as a table has it: its label, its type and what it leads to.
func aliasOf(t *testing.T, words []string) api.Alias {
	t.Helper()
	if len(words) < 2 {
		t.Fatalf("alias %q has no type", words)
	}
	a, rest := api.Alias{Label: words[0], Type: words[1]}, words[2:]
	switch a.Type {
	case api.AliasRedirect:
		a.URL = rest[0]
	default:
		if a.Type == api.AliasApp && len(rest) == 2 {
			rest = []string{rest[0] + "@" + rest[1]}
		}
		for _, word := range rest {
			name, weight, split := strings.Cut(word, "=")
			name, version, _ := strings.Cut(name, "@")
			target := api.AliasTarget{App: name, Version: number(t, version)}
			if split {
				target.Weight = number(t, weight)
			}
			a.Targets = append(a.Targets, target)
		}
	}
	return a
}

// number is a whole number, or 0 for no text.
func number(t *testing.T, text string) int {
	t.Helper()
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
