package fazt_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/harnesstest"
)

// linked makes an alias.
func linked(t *testing.T, s api.Service, a api.Alias) {
	t.Helper()
	if _, err := s.SetAlias(t.Context(), a); err != nil {
		t.Fatal(err)
	}
}

// toApp is an alias of an app.
func toApp(label, app string, version int) api.Alias {
	return api.Alias{Label: label, Type: api.AliasApp, Targets: []api.AliasTarget{{App: app, Version: version}}}
}

// splitOf is an alias of type split; targets are name, weight, name, weight ...
func splitOf(label string, targets ...any) api.Alias {
	a := api.Alias{Label: label, Type: api.AliasSplit}
	for i := 0; i < len(targets); i += 2 {
		a.Targets = append(a.Targets, api.AliasTarget{AppID: targets[i].(string), Weight: targets[i+1].(int)})
	}
	return a
}

// TestAliasRoutes: each type answers as it should, from the next request on.
func TestAliasRoutes(t *testing.T) {
	srv := open(t, func(o *fazt.Options) { o.Domain = "example.com" })
	handler := func(n int) string {
		return fmt.Sprintf("respond(fazt.app.name + ' %d, version ' + fazt.app.version)", n)
	}
	deploy(t, srv, "shop", files("index.html", "shop 1", "api/main.js", handler(1)))
	deploy(t, srv, "shop", files("index.html", "shop 2", "api/main.js", handler(2)))
	deploy(t, srv, "blog", files("index.html", "blog"))
	want := func(host, path, want string) {
		t.Helper()
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://"+host+path, nil))
		got := fmt.Sprint(w.Code, " ", w.Body.String())
		if location := w.Header().Get("Location"); location != "" {
			got = fmt.Sprint(w.Code, " ", location)
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s%s: %s, want %s", host, path, got, want)
		}
	}
	want("preview.example.com", "/", "404")
	linked(t, srv, toApp("preview", "shop", 1))
	want("preview.example.com", "/", "200 shop 1")
	want("preview.localhost", "/", "200 shop 1")
	want("preview.example.com", "/api", "200 shop 1, version 1")
	want("shop.example.com", "/api", "200 shop 2, version 2")

	linked(t, srv, toApp("blog", "shop", 0)) // it stands before the app of its name
	want("blog.example.com", "/", "200 shop 2")
	if err := srv.SwapAliases(t.Context(), "preview", "BLOG"); err != nil {
		t.Fatal(err)
	}
	want("blog.example.com", "/", "200 shop 1")
	want("preview.example.com", "/", "200 shop 2")
	deploy(t, srv, "shop", files("index.html", "shop 3"))
	want("blog.example.com", "/", "200 shop 1")
	want("preview.example.com", "/", "200 shop 3")
	if err := srv.RemoveAlias(t.Context(), "blog"); err != nil {
		t.Fatal(err)
	}
	want("blog.example.com", "/", "200 blog")

	linked(t, srv, api.Alias{Label: "blog", Type: api.AliasReserved})
	want("blog.example.com", "/", "404")
	linked(t, srv, api.Alias{Label: "old", Type: api.AliasRedirect, URL: "https://example.org/new?from=old"})
	want("old.example.com", "/a%2Fb/c", "308 https://example.org/new/a%2Fb/c?from=old")
	want("old.example.com", "/?x=1&y=%20", "308 https://example.org/new/?from=old&x=1&y=%20")
	want("old.example.com", "//evil.example/", "308 https://example.org/new/evil.example/?from=old")
	linked(t, srv, api.Alias{Label: "old", Type: api.AliasRedirect, URL: "http://example.org:8080"})
	want("old.example.com", "/x?y", "308 http://example.org:8080/x?y")

	// The domain itself goes by the label root.
	linked(t, srv, toApp("root", "shop", 0))
	want("example.com", "/", "200 shop 3")

	// An alias of an app that is gone leads nowhere.
	linked(t, srv, splitOf("both", "shop", 100))
	if err := srv.RemoveApp(t.Context(), "shop", api.Removal{}); err != nil {
		t.Fatal(err)
	}
	for _, label := range []string{"preview", "both"} {
		want(label+".example.com", "/", "404")
		want(label+".example.com", "/api", "404")
	}
	a, err := srv.Alias(t.Context(), "preview")
	if d := cmp.Diff(&api.Alias{Label: "preview", Type: "app", Targets: []api.AliasTarget{{App: "shop", Weight: 100}}}, a); d != "" || err != nil {
		t.Error(err, d)
	}
}

// A change is in force within a second on a server that shares the data.
func TestAliasOnAnotherServer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data.db")
	one := open(t, func(o *fazt.Options) { o.DataFile = file })
	two := open(t, func(o *fazt.Options) { o.DataFile = file })
	deploy(t, one, "shop", files("index.html", "shop"))
	if got := get(two, "http://store.localhost/"); !strings.HasPrefix(got, "404") {
		t.Fatal(got)
	}
	linked(t, one, toApp("store", "shop", 0))
	deadline := time.Now().Add(10 * time.Second)
	for get(two, "http://store.localhost/") != "200 shop" {
		if time.Now().After(deadline) {
			t.Fatal("the other server does not notice the alias")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestSplit: the weights are honoured, a visitor stays, and a change of weights moves
// no more visitors than it has to.
func TestSplit(t *testing.T) {
	srv := open(t)
	for _, name := range []string{"a", "b"} {
		deploy(t, srv, name, files("index.html", name, "api/main.js",
			`respond(200, fazt.app.name + ':' + (request.headers.cookie || ''), {'Set-Cookie': 'own=1', Vary: 'X-Own'})`))
	}
	linked(t, srv, splitOf("ab", "a", 80, "b", 20))
	visit := func(path, cookie string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "http://ab.localhost"+path, nil)
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		return w
	}
	const visitors = 4000
	cookies := make(map[string]string) // where each leads
	count := make(map[string]int)
	for range visitors {
		w := visit("/", "")
		set := w.Result().Cookies()
		if w.Code != http.StatusOK || len(set) != 1 || !set[0].HttpOnly || !slices.Contains(w.Header()["Vary"], "Cookie") {
			t.Fatalf("%d, cookies %v, vary %v", w.Code, set, w.Header()["Vary"])
		}
		cookies[set[0].Name+"="+set[0].Value] = w.Body.String()
		count[w.Body.String()]++
	}
	// Five standard deviations of a binomial: once in two million runs.
	if off := math.Abs(float64(count["a"]) - 0.8*visitors); off > 5*math.Sqrt(visitors*0.8*0.2) {
		t.Errorf("%d of %d visitors came to a, which has 80%%", count["a"], visitors)
	}
	for cookie, app := range cookies {
		w := visit("/api", cookie)
		if got := w.Body.String(); got != app+":" { // the handler does not see it
			t.Errorf("%s: %s, and was %s", cookie, got, app)
		}
		if set := w.Header()["Set-Cookie"]; !slices.Equal(set, []string{"own=1"}) {
			t.Errorf("%s: set again: %v", cookie, set)
		}
	}
	if w := visit("/api", ""); len(w.Header()["Set-Cookie"]) != 2 || !slices.Contains(w.Header()["Vary"], "Cookie") {
		t.Errorf("a handler's answer has %v", w.Header())
	}
	linked(t, srv, splitOf("ab", "a", 90, "b", 10))
	moved := 0
	for cookie, app := range cookies {
		switch now := visit("/", cookie).Body.String(); {
		case app == "a" && now != "a":
			t.Errorf("%s was moved to %s, which has fewer now", cookie, now)
		case app != now:
			moved++
		}
	}
	if moved == 0 || moved > 10 {
		t.Errorf("%d of a hundred places were moved by a change of ten", moved)
	}
	for _, forged := range []string{"fazt_split=100", "fazt_split=-1", "fazt_split=x", "fazt_split="} {
		if w := visit("/", forged); w.Code != http.StatusOK || len(w.Result().Cookies()) != 1 {
			t.Errorf("%s: %d %v", forged, w.Code, w.Result().Cookies())
		}
	}
}

// TestAliasesOfBothServices: a server and a client of it do the same.
func TestAliasesOfBothServices(t *testing.T) {
	srv := harnesstest.Start(t)
	key, err := srv.Fazt.CreateKey(t.Context(), "test", "admin")
	if err != nil {
		t.Fatal(err)
	}
	client := &api.Client{URL: srv.URL, Token: key, HTTP: srv.Client()}
	shop := deploy(t, srv.Fazt, "shop", files("index.html", "shop"))
	blog := deploy(t, srv.Fazt, "blog", files("index.html", "blog"))
	ctx := t.Context()
	for name, s := range map[string]api.Service{"server": srv.Fazt, "client": client} {
		linked(t, s, api.Alias{Label: "Store", Type: api.AliasApp, Targets: []api.AliasTarget{{AppID: shop.AppID, Version: 1}}})
		linked(t, s, splitOf("both", "shop", 60, blog.AppID, 40))
		want := []api.Alias{
			{Label: "both", Type: "split", Targets: []api.AliasTarget{{AppID: shop.AppID, App: "shop", Weight: 60}, {AppID: blog.AppID, App: "blog", Weight: 40}}},
			{Label: "store", Type: "app", Targets: []api.AliasTarget{{AppID: shop.AppID, App: "shop", Version: 1, Weight: 100}}},
		}
		got, err := s.Aliases(ctx)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, d)
		}
		again, err := s.SetAlias(ctx, got[0]) // what is read can be written
		if d := cmp.Diff(&want[0], again); d != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, d)
		}
		if err := s.SwapAliases(ctx, "both", "store"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if one, err := s.Alias(ctx, "both"); err != nil || one.Type != "app" {
			t.Errorf("%s: %v %v", name, one, err)
		}
		for _, label := range []string{"both", "store"} {
			if err := s.RemoveAlias(ctx, label); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for what, err := range map[string]error{
			"there is no alias \"none\"":         s.RemoveAlias(ctx, "none"),
			"there is no alias \"both\"":         s.SwapAliases(ctx, "both", "store"),
			"the labels are the same":            s.SwapAliases(ctx, "both", "both"),
			"there is no app named \"none\"":     errOf(s.SetAlias(ctx, toApp("a", "none", 0))),
			"version 9 is not kept":              errOf(s.SetAlias(ctx, toApp("a", "shop", 9))),
			"label \"admin\" is reserved":        errOf(s.SetAlias(ctx, toApp("admin", "shop", 0))),
			"label \"www\" is reserved":          errOf(s.SetAlias(ctx, toApp("www", "shop", 0))),
			"label \"swap\" is reserved":         errOf(s.SetAlias(ctx, toApp("swap", "shop", 0))),
			"has the character '_'":              errOf(s.SetAlias(ctx, toApp("a_b", "shop", 0))),
			"must sum to 100 percent, not 99":    errOf(s.SetAlias(ctx, splitOf("a", "shop", 60, "blog", 39))),
			"split.shop: must be there once":     errOf(s.SetAlias(ctx, splitOf("a", "shop", 60, "shop", 40))),
			"must be app, redirect, reserved or": errOf(s.SetAlias(ctx, api.Alias{Label: "a"})),
			"has one target, not 0":              errOf(s.SetAlias(ctx, api.Alias{Label: "a", Type: "app"})),
			"a target needs an app":              errOf(s.SetAlias(ctx, splitOf("a", "", 100))),
			"the app_id is that of \"shop\"":     errOf(s.SetAlias(ctx, api.Alias{Label: "a", Type: "app", Targets: []api.AliasTarget{{AppID: shop.AppID, App: "blog"}}})),
			"must be an absolute http or https":  errOf(s.SetAlias(ctx, api.Alias{Label: "a", Type: "redirect", URL: "javascript:alert(1)"})),
		} {
			if err == nil || !strings.Contains(err.Error(), what) {
				t.Errorf("%s: %v, want %s", name, err, what)
			}
		}
		if got, err := s.Aliases(ctx); err != nil || len(got) != 0 {
			t.Errorf("%s: left %v %v", name, got, err)
		}
	}
	// Both have left the same in the log, but for who did it.
	byServer, total, err := srv.Fazt.Audit(ctx, api.AuditQuery{Action: "alias", Actor: "local"})
	if err != nil || total != len(byServer) || total == 0 {
		t.Fatalf("%d of %d: %v", len(byServer), total, err)
	}
	byClient, _, err := client.Audit(ctx, api.AuditQuery{Action: "alias", Actor: "test", Since: time.Now().Add(-time.Hour)})
	if d := cmp.Diff(targets(byServer), targets(byClient)); d != "" || err != nil || byClient[0].Actor.Kind != api.ActorKey {
		t.Errorf("%v\n%s", err, d)
	}
	page, total, err := client.Audit(ctx, api.AuditQuery{Offset: 1, Limit: 1, Action: "alias.remove"})
	if err != nil || total != 4 || len(page) != 1 {
		t.Errorf("a page: %v of %d, %v", page, total, err)
	}
	same, _, err := srv.Fazt.Audit(ctx, api.AuditQuery{Offset: 1, Limit: 1, Action: "alias.remove"})
	if d := cmp.Diff(page, same, cmpopts.EquateApproxTime(0)); d != "" || err != nil {
		t.Errorf("by client and by server: %v\n%s", err, d)
	}
}

func targets(entries []api.AuditEntry) (list []string) {
	for _, e := range entries {
		list = append(list, e.Action+" "+e.Target)
	}
	return list
}

func errOf[T any](_ T, err error) error { return err }
