package api_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/harnesstest"
)

func TestSessions(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(fstest.MapFS{"api/main.js": {Data: []byte("respond(fazt.auth.isLoggedIn())")}})
	ada, bob := srv.Visit(app.Name), srv.Visit(app.Name)
	ada.SignIn("ada@example.com", "Ada", "owner")
	bob.SignIn("bob@example.com", "Bob", "user")

	token, err := srv.Fazt.CreateKey(t.Context(), "test", "admin")
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]api.Service{"server": srv.Fazt, "client": &api.Client{URL: srv.URL, Token: token, HTTP: srv.Client()}} {
		rows := func(user string) map[string]int {
			t.Helper()
			list, err := s.Sessions(t.Context(), user)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			rows := map[string]int{}
			for _, o := range list {
				rows[o.Email+" "+strings.TrimPrefix(o.Host, app.Name+".")]++
			}
			return rows
		}
		both := map[string]int{"ada@example.com localhost": 2, "bob@example.com localhost": 2}
		if d := cmp.Diff(both, rows("")); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if d := cmp.Diff(map[string]int{"bob@example.com localhost": 2}, rows("Bob@example.com")); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if _, err := s.Sessions(t.Context(), "eve@example.com"); err == nil {
			t.Errorf("%s: sessions of nobody", name)
		}
		if err := s.EndSession(t.Context(), "none"); err == nil {
			t.Errorf("%s: ended no session", name)
		}
	}
	// The owner asks with a session, for "me".
	own := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
	req, err := http.NewRequest(http.MethodGet, own+"/api/sessions?user=me", nil)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Data []api.Session }
	if res := ada.Send(req); res.Status != http.StatusOK || json.Unmarshal([]byte(res.Body), &answer) != nil || len(answer.Data) != 2 {
		t.Fatalf("the owner's own: %v", res)
	}
	client := &api.Client{URL: srv.URL, Token: token, HTTP: srv.Client()}
	list, err := client.Sessions(t.Context(), "bob@example.com")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list {
		if !o.App {
			if err := client.EndSession(t.Context(), o.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if ada, bob := ada.Get("/api").Body, bob.Get("/api").Body; ada != "true" || bob != "false" {
		t.Errorf("after the end of Bob's, ada %s, bob %s", ada, bob)
	}
	var gone *api.Error
	if err := client.EndSession(t.Context(), list[0].ID); !errors.As(err, &gone) || gone.Status != http.StatusNotFound {
		t.Errorf("ending one that has ended: %v", err)
	}
}
