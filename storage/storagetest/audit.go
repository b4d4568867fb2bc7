package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

var ann = api.Actor{Kind: api.ActorUser, ID: "u1", Name: "ann@example.com", Addr: "192.0.2.7"}

// audited returns the whole audit log, oldest entry first, without what each run
// has of its own. Every entry must have that.
func audited(t *testing.T, s storage.Store) []storage.AuditEntry {
	t.Helper()
	entries, err := s.Audit(t.Context(), storage.AuditQuery{})
	if err != nil {
		t.Fatal(err)
	}
	oldestFirst := []storage.AuditEntry{}
	for i, e := range entries {
		if age := time.Since(e.Time); e.ID == "" || age < -time.Second || age > time.Hour {
			t.Errorf("entry %+v", e)
		}
		if i > 0 && e.ID >= entries[i-1].ID {
			t.Errorf("%s comes after %s", e.ID, entries[i-1].ID)
		}
		e.ID, e.Time = "", time.Time{}
		oldestFirst = append([]storage.AuditEntry{e}, oldestFirst...)
	}
	return oldestFirst
}

// sameJSON compares without regard to the order of fields.
func sameJSON(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && cmp.Equal(x, y)
}

// testAudit makes each change of the catalogue.
func testAudit(t *testing.T, s storage.Store) {
	ctx := api.WithActor(t.Context(), ann)
	file := put(t, s, "a", "one")
	shop, err := s.Publish(ctx, storage.NewDeployment{Name: "shop", Files: []storage.File{file}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	blog := publish(t, s, "blog", 3) // by nobody in particular
	redirect := storage.Alias{Label: "away", Kind: storage.AliasRedirect, URL: "https://example.com/"}
	split := storage.Alias{Label: "both", Kind: storage.AliasSplit, Split: []storage.Weight{{App: "shop", Percent: 90}, {App: "blog", Percent: 10}}}
	entry := func(action, target, details string, args ...any) storage.AuditEntry {
		return storage.AuditEntry{Actor: ann, Action: action, Target: target, Details: json.RawMessage(fmt.Sprintf(details, args...))}
	}
	published := entry("app.publish", "blog", `{"app_id":%q,"version":1,"files":0,"size":0}`, blog.AppID)
	published.Actor = api.Actor{Kind: api.ActorLocal}
	want := []storage.AuditEntry{entry("app.publish", "shop", `{"app_id":%q,"version":1,"files":1,"size":3}`, shop.AppID), published}
	for _, tt := range []struct {
		change func() error
		want   storage.AuditEntry
	}{
		{func() error { _, err := s.Rollback(ctx, shop.AppID, 1, 3); return err },
			entry("app.rollback", "shop", `{"app_id":%q,"version":2,"restored":1}`, shop.AppID)},
		{func() error { return s.SetAlias(ctx, redirect) },
			entry("alias.set", "away", `{"kind":"redirect","app":"","version":0,"url":"https://example.com/","split":null}`)},
		{func() error { return s.SetAlias(ctx, split) },
			entry("alias.set", "both", `{"kind":"split","app":"","version":0,"url":"","split":[{"app":"shop","percent":90},{"app":"blog","percent":10}]}`)},
		{func() error { return s.SwapAliases(ctx, "away", "both") }, entry("alias.swap", "away", `{"with":"both"}`)},
		{func() error { return s.RemoveAlias(ctx, "both") }, entry("alias.remove", "both", `{}`)},
		{func() error {
			return s.SetEnv(ctx, shop.AppID, map[string][]byte{"KEY": []byte("hush"), "B": []byte("hush")}, "key")
		},
			entry("env.set", "shop", `{"app_id":%q,"names":["B","KEY"]}`, shop.AppID)},
		{func() error { return s.UnsetEnv(ctx, shop.AppID, "B") },
			entry("env.unset", "shop", `{"app_id":%q,"names":["B"]}`, shop.AppID)},
		{func() error { return s.RemoveApp(ctx, shop.AppID, true) },
			entry("app.remove", "shop", `{"app_id":%q,"keep_data":true}`, shop.AppID)},
		{func() error { return s.UnsetEnv(ctx, shop.AppID, "KEY") }, // of an app that is gone but for its data
			entry("env.unset", "shop", `{"app_id":%q,"names":["KEY"]}`, shop.AppID)},
		{func() error { return s.RemoveApp(ctx, shop.AppID, false) },
			entry("app.remove", "shop", `{"app_id":%q,"keep_data":false}`, shop.AppID)},
	} {
		if err := tt.change(); err != nil {
			t.Errorf("%s: %v", tt.want.Action, err)
		}
		want = append(want, tt.want)
	}
	if d := cmp.Diff(want, audited(t, s), cmp.Comparer(sameJSON)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	table, err := s.Query(t.Context(), "SELECT actor_kind, actor_id, actor_name, actor_addr, action, target FROM audit ORDER BY id LIMIT 1", 1)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "an operator sees", [][]any{{"user", ann.ID, ann.Name, ann.Addr, "app.publish", "shop"}}, table.Rows)
	hushed, err := s.Query(t.Context(), "SELECT count(*) FROM audit WHERE details LIKE '%hush%'", 1)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "values of variables", [][]any{{int64(0)}}, hushed.Rows)
	newest, err := s.Audit(t.Context(), storage.AuditQuery{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		q    storage.AuditQuery
		want int
	}{
		{"a kind", storage.AuditQuery{Action: "alias"}, 4},
		{"a part of a kind", storage.AuditQuery{Action: "ali"}, 0},
		{"an action", storage.AuditQuery{Action: "alias.set"}, 2},
		{"by name", storage.AuditQuery{Actor: ann.Name, Action: "app"}, 4},
		{"by id", storage.AuditQuery{Actor: ann.ID, Action: "app"}, 4},
		{"local", storage.AuditQuery{Actor: "local"}, 1},
		{"before the newest", storage.AuditQuery{Before: newest[0].ID}, len(want) - 1},
		{"since long ago", storage.AuditQuery{Since: time.Now().Add(-time.Hour)}, len(want)},
		{"since later", storage.AuditQuery{Since: time.Now().Add(time.Hour)}, 0},
	} {
		n, err := s.CountAudit(t.Context(), tt.q)
		list, listErr := s.Audit(t.Context(), tt.q)
		if n != tt.want || len(list) != tt.want || err != nil || listErr != nil {
			t.Errorf("%s: %d, listed %d, %v, %v; want %d", tt.name, n, len(list), err, listErr, tt.want)
		}
	}
	page, err := s.Audit(t.Context(), storage.AuditQuery{Offset: 1, Limit: 2, Action: "app"})
	if err != nil || len(page) != 2 || page[0].Action != "app.remove" || page[1].Action != "app.rollback" {
		t.Errorf("a page: %v %v", page, err)
	}
	_, err = s.Audit(t.Context(), storage.AuditQuery{Offset: -1})
	wantCode(t, "a negative offset", err, storage.CodeInvalid)
}

// testAuditOfFailures makes changes that are refused, before and after they have
// written.
func testAuditOfFailures(t *testing.T, s storage.Store) {
	file := put(t, s, "a", "one")
	id := publish(t, s, "shop", 3, file).AppID
	before := audited(t, s)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	missing := storage.File{Path: "b", Hash: hashOf([]byte("not stored"))}
	for name, change := range map[string]func(context.Context) error{
		"publish": func(ctx context.Context) error {
			_, err := s.Publish(ctx, storage.NewDeployment{Name: "shop", Files: []storage.File{file, missing}}, 3)
			return err
		},
		"rollback": func(ctx context.Context) error { _, err := s.Rollback(ctx, id, 7, 3); return err },
		"remove":   func(ctx context.Context) error { return s.RemoveApp(ctx, "none", false) },
		"set alias": func(ctx context.Context) error {
			return s.SetAlias(ctx, storage.Alias{Label: "a", Kind: storage.AliasApp, App: "none"})
		},
		"remove alias": func(ctx context.Context) error { return s.RemoveAlias(ctx, "none") },
		"swap aliases": func(ctx context.Context) error { return s.SwapAliases(ctx, "none", "nobody") },
		"set variables": func(ctx context.Context) error {
			return s.SetEnv(ctx, "none", map[string][]byte{"A": []byte("x")}, "key")
		},
		"unset a variable": func(ctx context.Context) error { return s.UnsetEnv(ctx, id, "NONE") },
	} {
		if err := change(t.Context()); err == nil {
			t.Errorf("%s was made", name)
		}
	}
	if _, err := s.Publish(ended, storage.NewDeployment{Name: "shop"}, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	diff(t, "the log", before, audited(t, s))
}

// testRecordAudit is what a package does that owns tables.
func testRecordAudit(t *testing.T, s storage.Store) {
	failed := errors.New("the caller's own")
	record := func(n int, end error) error {
		return s.Write(t.Context(), func(tx storage.SQL) error {
			odd := api.Actor{Kind: api.ActorKey, ID: "k\x00", Name: "\xff" + strings.Repeat("x", n)}
			if err := storage.RecordAudit(tx, odd, "user.role", fmt.Sprint(n), map[string]any{"role": "admin\x00"}); err != nil {
				return err
			}
			if err := storage.RecordAudit(tx, odd, "user.remove", fmt.Sprint(n), nil); err != nil {
				return err
			}
			return end
		})
	}
	if err := record(1, failed); err != failed {
		t.Errorf("got %v, want the error as it is", err)
	}
	diff(t, "undone", []storage.AuditEntry{}, audited(t, s))
	for n := range 3 {
		if err := record(n, nil); err != nil {
			t.Fatal(err)
		}
	}
	got := audited(t, s)
	diff(t, "first", storage.AuditEntry{Actor: api.Actor{Kind: api.ActorKey, ID: "k\ufffd", Name: "\ufffd"}, Action: "user.role", Target: "0",
		Details: json.RawMessage(`{"role":"admin\u0000"}`)}, got[0])
	diff(t, "no details", "{}", string(got[1].Details))
	wantCode(t, "details", s.Write(t.Context(), func(tx storage.SQL) error {
		return storage.RecordAudit(tx, ann, "user.role", "x", func() {})
	}), storage.CodeInvalid)
	testAuditPages(t, s)
}

func testAuditPages(t *testing.T, s storage.Store) {
	t.Helper()
	all, err := s.Audit(t.Context(), storage.AuditQuery{})
	if err != nil || len(all) != 6 {
		t.Fatalf("%d entries, %v", len(all), err)
	}
	paged := []storage.AuditEntry{}
	for before := ""; ; {
		page, err := s.Audit(t.Context(), storage.AuditQuery{Before: before, Limit: 4})
		if err != nil {
			t.Fatal(err)
		}
		paged = append(paged, page...)
		if len(page) < 4 {
			break
		}
		before = page[3].ID
	}
	diff(t, "in pages", all, paged)
	for _, limit := range []int{-1, storage.MaxRows + 1} {
		_, err := s.Audit(t.Context(), storage.AuditQuery{Limit: limit})
		wantCode(t, fmt.Sprint("limit ", limit), err, storage.CodeInvalid)
	}
}
