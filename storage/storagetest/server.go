package storagetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fazt-sh/fazt/storage"
)

func testRollback(t *testing.T, s storage.Store) {
	first, err := s.Publish(t.Context(), storage.NewDeployment{Name: "shop", Manifest: json.RawMessage(`{"v":1}`), Engine: "otto",
		Files: []storage.File{put(t, s, "a", "one", "gzip"), put(t, s, "b", "two")}, Indexes: map[string][]string{"items": {"n"}}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	publish(t, s, "shop", 3, put(t, s, "a", "three"))
	before, err := s.Revision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	back, err := s.Rollback(t.Context(), first.AppID, 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	want := first
	want.Version = 3
	if d := cmp.Diff(want, back, cmpopts.IgnoreFields(want, "CreatedAt")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	app, err := s.App(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "current", back, app.Current)
	old, err := s.Files(t.Context(), first.AppID, 1)
	if err != nil {
		t.Fatal(err)
	}
	now, err := s.Files(t.Context(), first.AppID, 3)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "files", old, now)
	diff(t, "encodings", []string{"gzip"}, now[0].Encodings)
	if after, err := s.Revision(t.Context()); err != nil || after <= before {
		t.Errorf("revision %d, %v; was %d", after, err, before)
	}
	// Version 1 makes way for the next.
	if _, err := s.Rollback(t.Context(), first.AppID, 2, 3); err != nil {
		t.Fatal(err)
	}
	_, err = s.Rollback(t.Context(), first.AppID, 1, 3)
	wantCode(t, "not kept", err, storage.CodeNotFound)
	_, err = s.Rollback(t.Context(), "none", 1, 3)
	wantCode(t, "no app", err, storage.CodeNotFound)
	_, err = s.Rollback(t.Context(), first.AppID, 2, 0)
	wantCode(t, "keep nothing", err, storage.CodeInvalid)
	kept, err := s.Deployments(t.Context(), first.AppID)
	if err != nil || len(kept) != 3 || kept[0].Version != 4 {
		t.Errorf("kept %+v, %v", kept, err)
	}
}

func testAliases(t *testing.T, s storage.Store) {
	publish(t, s, "shop", 3)
	publish(t, s, "blog", 3)
	aliases := []storage.Alias{
		{Label: "away", Kind: storage.AliasRedirect, URL: "https://example.com/x?y=1"},
		{Label: "both", Kind: storage.AliasSplit, Split: []storage.Weight{{App: "shop", Percent: 90}, {App: "blog", Percent: 10}}},
		{Label: "none", Kind: storage.AliasReserved},
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

func testEnv(t *testing.T, s storage.Store) {
	id, other := publish(t, s, "shop", 3).AppID, publish(t, s, "blog", 3).AppID
	before, err := s.Revision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetEnv(t.Context(), id, map[string]string{"KEY": "a", "_2": "", "long": strings.Repeat("\u00e4", storage.MaxEnvValue/2)}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetEnv(t.Context(), id, map[string]string{"KEY": "b"}); err != nil {
		t.Fatal(err)
	}
	if after, err := s.Revision(t.Context()); err != nil || after <= before {
		t.Errorf("revision %d, %v", after, err)
	}
	bad := map[string]map[string]string{
		"":         {"": "x"},
		"1A":       {"OK": "x", "1A": "x"},
		"A-B":      {"A-B": "x"},
		"A?":       {"A\xff": "x"},
		"NUL":      {"NUL": "a\x00"},
		"NOT_UTF8": {"NOT_UTF8": "\xff"},
	}
	for path, vars := range bad {
		err := s.SetEnv(t.Context(), id, vars)
		wantCode(t, path, err, storage.CodeInvalid)
		if e, ok := errors.AsType[*storage.Error](err); ok && e.Path != path {
			t.Errorf("path %q, want %q", e.Path, path)
		}
	}
	wantCode(t, "large", s.SetEnv(t.Context(), id, map[string]string{"A": strings.Repeat("x", storage.MaxEnvValue+1)}), storage.CodeQuotaExceeded)
	wantCode(t, "no app", s.SetEnv(t.Context(), "none", map[string]string{"A": "x"}), storage.CodeNotFound)
	for i, want := range []storage.Code{"", storage.CodeNotFound} {
		wantCode(t, fmt.Sprint("unset ", i), s.UnsetEnv(t.Context(), id, "long"), want)
	}
	for app, want := range map[string]map[string]string{id: {"KEY": "b", "_2": ""}, other: {}} {
		vars, err := s.Env(t.Context(), app)
		diff(t, app, want, vars)
		if err != nil {
			t.Error(err)
		}
	}
}

func testLogs(t *testing.T, s storage.Store) {
	at := time.UnixMilli(time.Now().UnixMilli()) // recent: a store sweeps old lines at any time
	line := func(app, text string) storage.LogLine {
		return storage.LogLine{App: app, Time: at, Level: "info", Text: text, RequestID: "r"}
	}
	for i := range 3 {
		if err := s.AppendLogs(t.Context(), []storage.LogLine{line("a", fmt.Sprint(i, "x")), line("b", "of b"), line("a", fmt.Sprint(i, "y"))}); err != nil {
			t.Fatal(err)
		}
	}
	logs := func(app string, q storage.LogQuery) []storage.LogLine {
		t.Helper()
		lines, err := s.Logs(t.Context(), app, q)
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	texts := func(lines []storage.LogLine) []string {
		got := []string{}
		for _, l := range lines {
			got = append(got, l.Text)
		}
		return got
	}
	all := logs("a", storage.LogQuery{})
	diff(t, "all", []string{"0x", "0y", "1x", "1y", "2x", "2y"}, texts(all))
	want := line("a", "0x")
	want.ID = all[0].ID
	diff(t, "a line", want, all[0])
	for _, tt := range []struct {
		name string
		app  string
		q    storage.LogQuery
		want []string
	}{
		{"oldest", "a", storage.LogQuery{Limit: 2}, []string{"0x", "0y"}},
		{"newest", "a", storage.LogQuery{Newest: true, Limit: 2}, []string{"2x", "2y"}},
		{"next", "a", storage.LogQuery{After: all[2].ID, Limit: 2}, []string{"1y", "2x"}},
		{"newest after", "a", storage.LogQuery{After: all[2].ID, Newest: true, Limit: 2}, []string{"2x", "2y"}},
		{"all after", "a", storage.LogQuery{After: all[2].ID, Newest: true, Limit: 10}, []string{"1y", "2x", "2y"}},
		{"none yet", "a", storage.LogQuery{After: all[5].ID, Limit: 10}, []string{}},
		{"another app's", "b", storage.LogQuery{Newest: true}, []string{"of b", "of b", "of b"}},
		{"no app's", "c", storage.LogQuery{}, []string{}},
	} {
		diff(t, tt.name, tt.want, texts(logs(tt.app, tt.q)))
	}
	if err := s.AppendLogs(t.Context(), []storage.LogLine{line("a", strings.Repeat("\u00e4", storage.MaxLogText)), line("a", "\xff!")}); err != nil {
		t.Fatal(err)
	}
	last := logs("a", storage.LogQuery{After: all[5].ID})
	if n := len(last[0].Text); n > storage.MaxLogText || n < storage.MaxLogText-1 {
		t.Errorf("%d bytes of a long line were kept", n)
	}
	diff(t, "not UTF-8", "!", last[1].Text)
	wantCode(t, "no app", s.AppendLogs(t.Context(), []storage.LogLine{line("a", "x"), {}}), storage.CodeInvalid)
	for _, limit := range []int{-1, storage.MaxRows + 1} {
		_, err := s.Logs(t.Context(), "a", storage.LogQuery{Limit: limit})
		wantCode(t, fmt.Sprint("limit ", limit), err, storage.CodeInvalid)
	}
}

func testSecret(t *testing.T, s storage.Store) {
	secrets := map[string][]byte{}
	for _, name := range []string{"a", "b", "a"} {
		secret, err := s.Secret(t.Context(), name)
		if err != nil || len(secret) != 32 || secrets[name] != nil && !bytes.Equal(secret, secrets[name]) {
			t.Errorf("%s: %x, %v", name, secret, err)
		}
		secrets[name] = secret
	}
	if bytes.Equal(secrets["a"], secrets["b"]) || bytes.Equal(secrets["a"], make([]byte, 32)) {
		t.Error("the secrets are not random")
	}
	table, err := s.Query(t.Context(), "SELECT name, key_secret FROM keys ORDER BY name", 10)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "shown", [][]any{{"a", nil}, {"b", nil}}, table.Rows)
}

// testRemoveAppRemovesAll fills an app with one of everything. What is left of
// it goes in the background, and this waits for that.
func testRemoveAppRemovesAll(t *testing.T, s storage.Store) {
	kept := publish(t, s, "kept", 3).AppID
	id := publish(t, s, "shop", 3, put(t, s, "a", "one")).AppID
	for _, app := range []string{id, kept} {
		for _, user := range []string{"", "u"} {
			sc := storage.Scope{App: app, User: user}
			for _, size := range []int{10, 600_000} {
				if _, err := s.PutBlob(t.Context(), sc, fmt.Sprint(size), strings.NewReader(strings.Repeat("x", size)), ""); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Tx(t.Context(), sc, func(tx storage.Tx) error {
				if err := tx.KV().Set("k", json.RawMessage(`1`), 0); err != nil {
					return err
				}
				_, err := tx.Docs().Insert("items", json.RawMessage(`{"n":1}`))
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(s.SetEnv(t.Context(), app, map[string]string{"A": "x"}),
			s.AppendLogs(t.Context(), []storage.LogLine{{App: app, Time: time.Now(), Text: "x"}})); err != nil {
			t.Fatal(err)
		}
	}
	count := func(table, app string) int64 {
		t.Helper()
		found, err := s.Query(t.Context(), fmt.Sprintf("SELECT count(*) FROM %s WHERE app = '%s'", table, app), 1)
		if err != nil {
			t.Fatal(err)
		}
		return found.Rows[0][0].(int64)
	}
	if err := s.RemoveApp(t.Context(), id, false); err != nil {
		t.Fatal(err)
	}
	tables := []string{"files", "deployments", "kv", "docs", "blobs", "logs", "env_vars", "usage"}
	deadline := time.Now().Add(time.Minute)
	for _, table := range tables {
		for count(table, id) > 0 {
			if time.Now().After(deadline) {
				t.Fatalf("%s still has %d rows of the app", table, count(table, id))
			}
			<-time.After(5 * time.Millisecond)
		}
		if count(table, kept) == 0 && table != "files" {
			t.Errorf("%s has lost another app's rows", table)
		}
	}
	wantRecount(t, s, kept)
}
