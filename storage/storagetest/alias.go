package storagetest

import (
	"errors"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/storage"
)

func testAliases(t *testing.T, s storage.Store) {
	publish(t, s, "shop", 3)
	publish(t, s, "blog", 3)
	aliases := []storage.Alias{
		{Label: "away", Kind: storage.AliasRedirect, URL: "https://example.com/x?y=1"},
		{Label: "both", Kind: storage.AliasSplit, Split: []storage.Weight{{App: "shop", Percent: 80}, {App: "shop", Version: 1, Percent: 10}, {App: "blog", Percent: 10}}},
		{Label: "none", Kind: storage.AliasReserved},
		{Label: "preview", Kind: storage.AliasApp, App: "blog", Version: 1},
		{Label: "www", Kind: storage.AliasApp, App: "shop"},
	}
	revision := func() int64 {
		t.Helper()
		n, err := s.Revision(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	last := revision()
	moved := func(what string, err error) {
		t.Helper()
		if now := revision(); err != nil || now <= last {
			t.Errorf("%s: %v, revision %d after %d", what, err, now, last)
		}
		last = revision()
	}
	for _, a := range aliases {
		moved(a.Label, s.SetAlias(t.Context(), a))
	}
	got, err := s.Aliases(t.Context())
	diff(t, "aliases", aliases, got)
	if err != nil {
		t.Fatal(err)
	}
	moved("swap", s.SwapAliases(t.Context(), "both", "www"))
	for label, want := range map[string]storage.Alias{
		"both": {Label: "both", Kind: storage.AliasApp, App: "shop"},
		"www":  {Label: "www", Kind: storage.AliasSplit, Split: aliases[1].Split},
	} {
		a, err := s.Alias(t.Context(), label)
		diff(t, label, want, a)
		if err != nil {
			t.Error(err)
		}
	}
	replaced := storage.Alias{Label: "www", Kind: storage.AliasApp, App: "blog"}
	moved("replace", s.SetAlias(t.Context(), replaced))
	a, err := s.Alias(t.Context(), "www")
	diff(t, "replaced", replaced, a)
	if err != nil {
		t.Error(err)
	}
	moved("remove", s.RemoveAlias(t.Context(), "none"))
	wantCode(t, "remove again", s.RemoveAlias(t.Context(), "none"), storage.CodeNotFound)
	wantCode(t, "swap one", s.SwapAliases(t.Context(), "www", "none"), storage.CodeNotFound)
	wantCode(t, "swap same", s.SwapAliases(t.Context(), "www", "www"), storage.CodeInvalid)
	_, err = s.Alias(t.Context(), "none")
	wantCode(t, "removed", err, storage.CodeNotFound)
	diff(t, "refused changes count nothing", last, revision())
}

func testAliasErrors(t *testing.T, s storage.Store) {
	publish(t, s, "shop", 3)
	publish(t, s, "blog", 3)
	split := func(w ...storage.Weight) storage.Alias {
		return storage.Alias{Label: "a", Kind: storage.AliasSplit, Split: w}
	}
	tests := []struct {
		name  string
		alias storage.Alias
		code  storage.Code
		path  string
	}{
		{"no label", storage.Alias{Kind: storage.AliasReserved}, storage.CodeInvalid, "label"},
		{"dot", storage.Alias{Label: "a.b", Kind: storage.AliasReserved}, storage.CodeInvalid, "label"},
		{"upper case", storage.Alias{Label: "A", Kind: storage.AliasReserved}, storage.CodeInvalid, "label"},
		{"hyphen", storage.Alias{Label: "-a", Kind: storage.AliasReserved}, storage.CodeInvalid, "label"},
		{"long", storage.Alias{Label: strings.Repeat("a", 64), Kind: storage.AliasReserved}, storage.CodeInvalid, "label"},
		{"no kind", storage.Alias{Label: "a"}, storage.CodeInvalid, "kind"},
		{"two targets", storage.Alias{Label: "a", Kind: storage.AliasApp, App: "shop", URL: "https://example.com/"}, storage.CodeInvalid, "url"},
		{"no app", storage.Alias{Label: "a", Kind: storage.AliasApp}, storage.CodeInvalid, "app"},
		{"app is not there", storage.Alias{Label: "a", Kind: storage.AliasApp, App: "none"}, storage.CodeNotFound, "none"},
		{"relative", storage.Alias{Label: "a", Kind: storage.AliasRedirect, URL: "/x"}, storage.CodeInvalid, "url"},
		{"fragment", storage.Alias{Label: "a", Kind: storage.AliasRedirect, URL: "https://example.com/#x"}, storage.CodeInvalid, "url"},
		{"negative version", storage.Alias{Label: "a", Kind: storage.AliasApp, App: "shop", Version: -1}, storage.CodeInvalid, "version"},
		{"a reserved version", storage.Alias{Label: "a", Kind: storage.AliasReserved, Version: 1}, storage.CodeInvalid, "version"},
		{"version is not there", storage.Alias{Label: "a", Kind: storage.AliasApp, App: "shop", Version: 9}, storage.CodeNotFound, "shop"},
		{"split to no version", split(storage.Weight{App: "shop", Version: 9, Percent: 100}), storage.CodeNotFound, "shop"},
		{"script", storage.Alias{Label: "a", Kind: storage.AliasRedirect, URL: "javascript:alert(1)"}, storage.CodeInvalid, "url"},
		{"password", storage.Alias{Label: "a", Kind: storage.AliasRedirect, URL: "https://a:b@example.com/"}, storage.CodeInvalid, "url"},
		{"empty split", split(), storage.CodeInvalid, "split"},
		{"sum", split(storage.Weight{App: "shop", Percent: 50}, storage.Weight{App: "blog", Percent: 49}), storage.CodeInvalid, "split"},
		{"negative", split(storage.Weight{App: "shop", Percent: 110}, storage.Weight{App: "blog", Percent: -10}), storage.CodeInvalid, "split.shop"},
		{"twice", split(storage.Weight{App: "shop", Percent: 50}, storage.Weight{App: "shop", Percent: 50}), storage.CodeInvalid, "split.shop"},
		{"split to nowhere", split(storage.Weight{App: "shop", Percent: 50}, storage.Weight{App: "none", Percent: 50}), storage.CodeNotFound, "none"},
	}
	for _, tt := range tests {
		err := s.SetAlias(t.Context(), tt.alias)
		wantCode(t, tt.name, err, tt.code)
		if e, ok := errors.AsType[*storage.Error](err); ok && e.Path != tt.path {
			t.Errorf("%s: path %q, want %q", tt.name, e.Path, tt.path)
		}
	}
	left, err := s.Aliases(t.Context())
	if err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}
