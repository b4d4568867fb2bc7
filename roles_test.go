package fazt_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/harnesstest"
)

// roleApp says what its visitor may do, in the language that engine speaks.
func roleApp(engine string) fstest.MapFS {
	return fstest.MapFS{
		"manifest.json": {Data: []byte(`{"engine": "` + engine + `"}`)},
		"api/main.js": {Data: []byte(`
			if (request.query.need) { fazt.auth.requireRole(request.query.need); respond('let in'); }
			else {
				var names = ['user', 'admin', 'owner', 'editor', 'author', 'toString', '', '\u0000'], out = [];
				for (var i = 0; i < names.length; i++) if (fazt.auth.hasRole(names[i])) out.push(names[i]);
				respond(out.join(' '));
			}`)},
	}
}

// A role of an app's own is seen by that app alone; one that nobody has is false or
// 403, and never an error.
func TestRolesInHandlers(t *testing.T) {
	for _, engine := range []string{"otto", "goja"} {
		t.Run(engine, func(t *testing.T) {
			srv := harnesstest.Start(t)
			notes, shop := srv.Deploy(roleApp(engine)), srv.Deploy(roleApp(engine))
			if got := notes.Get("/api").Body; got != "" {
				t.Errorf("nobody has %q", got)
			}
			if got := notes.Get("/api?need=editor").Status; got != http.StatusUnauthorized {
				t.Errorf("nobody is answered %d", got)
			}
			for _, app := range []*harnesstest.App{notes, shop} {
				app.SignIn("ann@example.com", "Ann", "admin")
			}
			got := map[string]string{"before": notes.Get("/api").Body}
			if err := srv.Fazt.SetAppRole(t.Context(), notes.Name, "ann@example.com", "editor"); err != nil {
				t.Fatal(err)
			}
			got["notes"], got["shop"] = notes.Get("/api").Body, shop.Get("/api").Body
			if d := cmp.Diff(map[string]string{"before": "user admin", "notes": "user admin editor", "shop": "user admin"}, got); d != "" {
				t.Error(d)
			}
			for _, tt := range []struct {
				app  *harnesstest.App
				need string
				want int
			}{
				{notes, "editor", 200}, {notes, "admin", 200}, {notes, "owner", 403}, {notes, "author", 403}, {notes, "root", 403},
				{notes, "Editor", 403}, {shop, "editor", 403}, {notes, "%22%3E%3Cb%3E", 403}, {notes, strings.Repeat("a", 5000), 403},
			} {
				if got := tt.app.Get("/api?need=" + tt.need); got.Status != tt.want || tt.want == 403 && !strings.Contains(got.Body, `"code":"FORBIDDEN"`) {
					t.Errorf("%s of %.20s: %v", tt.need, tt.app.Name, got)
				}
			}
			if err := srv.Fazt.RemoveAppRole(t.Context(), notes.Name, "ann@example.com", "editor"); err != nil {
				t.Fatal(err)
			}
			if got := notes.Get("/api").Body; got != "user admin" {
				t.Errorf("after it was taken away: %q", got)
			}
		})
	}
}

// The roles go with the app, unless its data waits for the next one.
func TestRolesOfARemovedApp(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(roleApp("auto"))
	app.SignIn("ann@example.com", "Ann", "user")
	roles := func(ctx context.Context) []api.AppRole {
		u, err := srv.Fazt.User(ctx, "ann@example.com")
		if err != nil {
			t.Fatal(err)
		}
		return u.AppRoles
	}
	if err := srv.Fazt.SetAppRole(t.Context(), app.Name, "ann@example.com", "editor"); err != nil {
		t.Fatal(err)
	}
	for _, keep := range []bool{true, false} {
		if err := srv.Fazt.RemoveApp(t.Context(), app.Name, api.Removal{KeepData: keep}); err != nil {
			t.Fatal(err)
		}
		if has := len(roles(t.Context())) > 0; has != keep {
			t.Errorf("keep_data %v: the user has the role: %v", keep, has)
		}
		srv.DeployAs(app.Name, roleApp("auto"))
		if got := app.Get("/api").Body; (got == "user editor") != keep {
			t.Errorf("keep_data %v: the new app sees %q", keep, got)
		}
	}
	if err := srv.Fazt.SetAppRole(t.Context(), "none", "ann@example.com", "editor"); err == nil {
		t.Error("a role in an app that is none")
	}
}
