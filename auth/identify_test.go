package auth_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/auth"
	"github.com/google/go-cmp/cmp"
)

// Who somebody is who signs in, by whom they were before. Every step is a browser of
// its own but where it adds an identity to the one before.
func TestLinking(t *testing.T) {
	type step struct {
		provider string // "first" or "second"
		id       auth.Identity
		link     bool   // in the browser of the step before, to its user
		want     string // the failure, or "" when signed in
	}
	proven := func(subject, email string) auth.Identity {
		return auth.Identity{Subject: subject, Email: email, EmailVerified: true}
	}
	unproven := func(subject, email string) auth.Identity { return auth.Identity{Subject: subject, Email: email} }
	role := func(subject string, role auth.Role) auth.Identity { return auth.Identity{Subject: subject, Role: role} }
	tests := []struct {
		name  string
		rows  string // a user who is there before: "email verified provider role"
		steps []step
		want  []string // users by age: "email: identities"
	}{
		{"somebody new", "", []step{{provider: "first", id: proven("1", "ann@a.example")}}, []string{"ann@a.example: first/1"}},
		{"an address that was not proven is not kept", "", []step{{provider: "first", id: unproven("1", "ann@a.example")}}, []string{": first/1"}},
		{"the same account again", "", []step{
			{provider: "first", id: proven("1", "ann@a.example")}, {provider: "first", id: proven("1", "ANN@a.example")},
		}, []string{"ann@a.example: first/1"}},
		{"the same subject at another issuer is somebody else", "", []step{
			{provider: "first", id: proven("1", "ann@a.example")}, {provider: "second", id: proven("1", "bob@a.example")},
		}, []string{"ann@a.example: first/1", "bob@a.example: second/1"}},
		{"one proven address, two providers", "", []step{
			{provider: "first", id: proven("1", "ann@a.example")}, {provider: "second", id: proven("2", "Ann@A.example")},
		}, []string{"ann@a.example: first/1 second/2"}},
		{"the second does not prove it", "", []step{
			{provider: "first", id: proven("1", "ann@a.example")}, {provider: "second", id: unproven("2", "ann@a.example")},
		}, []string{"ann@a.example: first/1", ": second/2"}},
		{"the first did not prove it", "", []step{
			{provider: "first", id: unproven("1", "ann@a.example")}, {provider: "second", id: proven("2", "ann@a.example")},
		}, []string{": first/1", "ann@a.example: second/2"}},
		{"two who have none", "", []step{{provider: "first", id: role("1", "")}, {provider: "first", id: role("2", "")}}, []string{": first/1", ": first/2"}},
		{"an address that an invited user only typed", "ann@a.example 0 password user", []step{
			{provider: "first", id: proven("1", "ann@a.example"), want: "409 EMAIL_TAKEN"},
		}, []string{"ann@a.example:"}},
		{"a letter that only becomes another's address in lower case", "mike@a.example 1 password owner", []step{
			{provider: "first", id: proven("1", "m\u0130ke@a.example")}, {provider: "second", id: proven("2", "mi\u212ae@a.example")},
		}, []string{"owner mike@a.example:", "m\u0130ke@a.example: first/1", "mi\u212ae@a.example: second/2"}},
		{"an address that a user has shown to be theirs", "ann@a.example 1 password user", []step{
			{provider: "first", id: proven("1", "ann@a.example")},
		}, []string{"ann@a.example: first/1"}},
		{"a dev user is nobody", "ann@a.example 1 dev owner", []step{
			{provider: "first", id: proven("1", "ann@a.example")},
		}, []string{"ann@a.example:", "ann@a.example: first/1"}},

		{"an address follows its account", "", []step{
			{provider: "first", id: proven("1", "ann@a.example")}, {provider: "first", id: proven("1", "ann@b.example")},
			{provider: "second", id: proven("2", "ann@a.example")}, // who has it now
		}, []string{"ann@b.example: first/1", "ann@a.example: second/2"}},
		{"but not to somebody else's", "", []step{
			{provider: "first", id: proven("1", "ann@a.example")}, {provider: "first", id: proven("2", "bob@a.example")},
			{provider: "first", id: proven("2", "ann@a.example")},
		}, []string{"ann@a.example: first/1", "bob@a.example: first/2"}},
		{"nor where there are two accounts", "", []step{
			{provider: "first", id: proven("1", "ann@a.example")}, {provider: "second", id: proven("2", "ann@a.example")},
			{provider: "second", id: proven("2", "ann@b.example")},
		}, []string{"ann@a.example: first/1 second/2"}},

		{"added on purpose", "", []step{
			{provider: "first", id: proven("1", "ann@a.example")}, {provider: "second", id: proven("2", "ann@b.example"), link: true},
		}, []string{"ann@a.example: first/1 second/2"}},
		{"added on purpose, without an address", "", []step{
			{provider: "first", id: proven("1", "ann@a.example")}, {provider: "second", id: unproven("2", "x@b.example"), link: true},
		}, []string{"ann@a.example: first/1 second/2"}},
		{"added on purpose by who has none", "", []step{
			{provider: "first", id: unproven("1", "")}, {provider: "second", id: proven("2", "ann@b.example"), link: true},
		}, []string{"ann@b.example: first/1 second/2"}},
		{"added twice", "", []step{
			{provider: "first", id: proven("1", "ann@a.example")}, {provider: "second", id: proven("2", "ann@b.example"), link: true},
			{provider: "second", id: proven("2", "ann@b.example"), link: true},
		}, []string{"ann@a.example: first/1 second/2"}},
		{"somebody else's can't be added", "", []step{
			{provider: "second", id: proven("2", "bob@b.example")}, {provider: "first", id: proven("1", "ann@a.example")},
			{provider: "second", id: proven("2", "bob@b.example"), link: true, want: "409 LINK_REFUSED"},
		}, []string{"bob@b.example: second/2", "ann@a.example: first/1"}},
		{"to add takes no address from another", "", []step{
			{provider: "first", id: proven("1", "bob@b.example")}, {provider: "first", id: proven("3", "ann@a.example")},
			{provider: "second", id: proven("2", "bob@b.example"), link: true},
		}, []string{"bob@b.example: first/1", "ann@a.example: first/3 second/2"}},

		{"a role that the provider gives", "", []step{{provider: "first", id: role("1", auth.RoleAdmin)}}, []string{"admin : first/1"}},
		{"a role that it takes", "own@a.example 1 google owner", []step{
			{provider: "first", id: role("1", auth.RoleAdmin)}, {provider: "first", id: role("1", auth.RoleUser)},
		}, []string{"owner own@a.example:", ": first/1"}},
		{"but not the last owner's", "", []step{
			{provider: "first", id: role("1", auth.RoleOwner)}, {provider: "first", id: role("1", auth.RoleUser), want: "409 CONFLICT"},
		}, []string{"owner : first/1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			providers := map[string]*elsewhere{"first": {name: "first"}, "second": {name: "second"}}
			s := start(t, auth.Options{Providers: []auth.Provider{providers["first"], providers["second"]}})
			if f := strings.Fields(tt.rows); len(f) > 0 {
				s.exec(`INSERT INTO auth_users (id, email, name, picture, role, provider, email_verified, created_at, last_login)
					VALUES ('before', ?, '', '', ?, ?, ?, 1, 1)`, f[0], f[3], f[2], f[1])
			}
			var b *browser
			for i, step := range tt.steps {
				query := ""
				if step.link {
					query = "?link=1"
				} else {
					b = s.browser().still()
				}
				providers[step.provider].set("x", step.id)
				got := b.failure(b.visit(step.provider, query, "x"))
				if want := step.want; got != want && (want != "" || got != "303 See Other") {
					t.Fatalf("step %d: %s, want %s", i+1, got, want)
				}
			}
			got := s.people()
			for i := range got { // the dev user's and the owner's roles are in the rows, not in the outcome
				if strings.Contains(tt.rows, "dev") {
					got[i] = strings.TrimPrefix(got[i], "owner ")
				}
			}
			if d := cmp.Diff(slices.Sorted(slices.Values(tt.want)), slices.Sorted(slices.Values(got))); d != "" {
				t.Error(d)
			}
		})
	}
}

// people returns each user as "role address: provider/subject ...", without the role of
// a plain user.
func (s *server) people() (people []string) {
	s.t.Helper()
	accounts := make(map[string]string) // by the user's id
	for _, row := range s.column(`SELECT user_id || ' ' || provider || '/' || subject FROM auth_identities ORDER BY provider, subject`) {
		id, account, _ := strings.Cut(row, " ")
		accounts[id] += " " + account
	}
	for _, row := range s.column(`SELECT id || ' ' || CASE role WHEN 'user' THEN '' ELSE role || ' ' END || email || ':' FROM auth_users`) {
		id, person, _ := strings.Cut(row, " ")
		people = append(people, person+accounts[id])
	}
	return people
}

// A dev user may be anybody, an owner too: an identity that is good in public must
// not make one somebody.
func TestDevUserCannotAddIdentity(t *testing.T) {
	p := &elsewhere{name: "first"}
	p.account("eve", "eve@example.com", true)
	s := start(t, auth.Options{Dev: true, Providers: []auth.Provider{p}})
	b := s.browser().still()
	b.devSignIn("eve@example.com", "owner")
	if got := b.failure(b.visit("first", "?link=1", "eve")); got != "409 LINK_REFUSED" {
		t.Error(got)
	}
	if d := cmp.Diff([]string{"dev"}, s.column(`SELECT provider FROM auth_users`)); d != "" {
		t.Error(d)
	}
}

// Another site can't have its own account added to a visitor's user, and nor can
// whoever signs in meanwhile.
func TestAddingIsAsked(t *testing.T) {
	p := &elsewhere{name: "first"}
	p.account("ann", "ann@example.com", true)
	p.account("eve", "eve@example.com", true)
	s := start(t, auth.Options{Providers: []auth.Provider{p, &elsewhere{name: "second"}}})
	b := s.browser().still()
	add := s.url("localhost", "/auth/login/first?link=1")
	sameOrigin := http.Header{"Sec-Fetch-Site": {"same-origin"}}
	if to := b.do(http.MethodGet, add, nil, sameOrigin).Header.Get("Location"); to != "/auth/login?back=%2Fauth%2Fsessions" {
		t.Errorf("who is not signed in is led to %q", to)
	}
	b.signInBy("first", "", "ann")
	for name, header := range map[string]http.Header{
		"another site": {"Sec-Fetch-Site": {"cross-site"}}, "an app": {"Sec-Fetch-Site": {"same-site"}}, "an address": {"Sec-Fetch-Site": {"none"}},
		"an old browser, another site": {"Referer": {"http://evil.example/"}}, "an old browser, nothing": nil,
	} {
		if got := b.do(http.MethodGet, add, nil, header).StatusCode; got != http.StatusForbidden {
			t.Errorf("from %s: %d", name, got)
		}
	}
	if got := b.do(http.MethodGet, add, nil, http.Header{"Referer": {s.url("localhost", "/auth/sessions")}}).StatusCode; got != http.StatusSeeOther {
		t.Errorf("an old browser, from the page: %d", got)
	}

	s.exec(`UPDATE auth_sessions SET signed_in_at = signed_in_at - ?`, (5 * time.Minute).Milliseconds())
	if got := b.do(http.MethodGet, add, nil, sameOrigin); got.StatusCode != http.StatusForbidden || !strings.Contains(got.body, "Sign in again") {
		t.Errorf("in a session that was left open: %d\n%s", got.StatusCode, got.body)
	}
	if page := b.get(s.url("localhost", "/auth/sessions")).body; strings.Contains(page, "link=1") || !strings.Contains(page, "Sign in again") {
		t.Errorf("the page does not lead to signing in again:\n%s", page)
	}
	b.signInBy("first", "", "ann")
	begun := b.visit("first", "?link=1", "eve")
	sealed := b.cookie(begun, "fazt_flow")
	other := s.browser().still()
	other.signInBy("first", "", "eve")
	if got := other.with("fazt_flow", sealed).failure(begun); got != "409 LINK_REFUSED" {
		t.Errorf("as another user: %s", got)
	}
	if n := len(s.column(`SELECT subject FROM auth_identities`)); n != 2 {
		t.Errorf("%d identities", n)
	}
}

// A change of role ends the user's other sessions, so that none keeps what it no
// longer grants.
func TestRoleChangeEndsSessions(t *testing.T) {
	p := &elsewhere{name: "first"}
	s := start(t, auth.Options{Providers: []auth.Provider{p}})
	phone, laptop := s.browser().still(), s.browser().still()
	id := auth.Identity{Subject: "1", Email: "ann@example.com", EmailVerified: true, Role: auth.RoleAdmin}
	p.set("x", id)
	phone.signInBy("first", "", "x")
	id.Role = auth.RoleUser
	p.set("x", id)
	laptop.signInBy("first", "", "x")
	if got := [2]string{phone.who("localhost"), laptop.who("localhost")}; got != [2]string{"nobody", "ann@example.com"} {
		t.Error(got)
	}
}
