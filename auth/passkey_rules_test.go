package auth_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/auth/passkey"
	"github.com/google/go-cmp/cmp"
)

// Adding one needs a sign-in just now: a session that was left open is not enough.
func TestPasskeyNeedsARecentSignIn(t *testing.T) {
	s, _ := withPasskey(t)
	b := s.browser()
	b.passwordSignIn("ann@example.com", goodPassword)
	s.exec(`UPDATE auth_sessions SET signed_in_at = signed_in_at - ?`, (5 * time.Minute).Milliseconds())
	got := b.script(registerPath + "/begin")
	if got.outcome() != "403 REAUTHENTICATE" || !strings.Contains(got.body, "Sign in again") {
		t.Errorf("%s\n%s", got.outcome(), got.body)
	}
	page := b.get(s.url("localhost", "/auth/sessions"))
	if strings.Contains(page.body, "data-passkey") || !strings.Contains(page.body, `href="/auth/login?back=%2Fauth%2Fsessions&amp;choose=1"`) {
		t.Errorf("the page does not lead to signing in again:\n%s", page.body)
	}
	// To go on as one is, is not to sign in, and neither is to accept an invite.
	b.post(s.url("localhost", "/auth/continue"), url.Values{})
	b.post(s.url("localhost", auth.InvitePath(s.invite(auth.RoleOwner, 1))), url.Values{})
	if s.users()[0] != "ann@example.com ann owner password 0" {
		t.Fatalf("the invite was not accepted: %q", s.users())
	}
	if got := b.script(registerPath + "/begin").outcome(); got != "403 REAUTHENTICATE" {
		t.Errorf("after an invite: %s", got)
	}
	b.passwordSignIn("ann@example.com", goodPassword)
	if got := b.script(registerPath + "/begin").outcome(); got != "200" {
		t.Errorf("after signing in again: %s", got)
	}
}

func TestPasskeyExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuth(t, &auth.Options{Passkeys: passkey.New()})
		d := newDevice(t, "localhost", "http://localhost")
		post := func(path string, form url.Values, cookies []*http.Cookie) *http.Response {
			r := localRequest(http.MethodPost, "localhost", path)
			r.Header.Set("Accept", "application/json")
			r.PostForm, r.Form = form, form
			for _, c := range cookies {
				r.AddCookie(c)
			}
			return respond(a, r).Result()
		}
		for after, want := range map[time.Duration]int{4 * time.Minute: http.StatusUnauthorized, 5 * time.Minute: http.StatusBadRequest} {
			r := localRequest(http.MethodPost, "localhost", loginPath+"/begin")
			begun := respond(a, r)
			text := d.get(begun.Body.String())
			time.Sleep(after)
			if got := post(loginPath, url.Values{"answer": {text}}, begun.Result().Cookies()); got.StatusCode != want {
				t.Errorf("after %v: %d, want %d", after, got.StatusCode, want)
			}
		}
	})
}

// The only way in can't be removed, and nobody removes another's.
func TestRemovePasskey(t *testing.T) {
	s, d := withPasskey(t)
	remove := func(b *browser) int {
		return b.still().post(s.url("localhost", "/auth/passkey/remove"), url.Values{"passkey": {base64url(d.id)}}).StatusCode
	}
	eve := s.browser()
	eve.devSignIn("eve@example.com", "user")
	if got := remove(eve); got != http.StatusNotFound {
		t.Errorf("removing another's: %d", got)
	}
	s.exec(`DELETE FROM auth_passwords`)
	ann := s.browser()
	ann.show(d)
	if page := ann.get(s.url("localhost", "/auth/sessions")); !strings.Contains(page.body, "your only way in") {
		t.Errorf("the page does not say so:\n%s", page.body)
	}
	if got := remove(ann); got != http.StatusConflict {
		t.Errorf("removing the only way in: %d", got)
	}
	if got := remove(s.browser()); got != http.StatusSeeOther { // to the sign-in page
		t.Errorf("a stranger: %d", got)
	}
	if got := s.column(`SELECT name FROM auth_passkeys`); len(got) != 1 {
		t.Errorf("left: %q", got)
	}
}

// Where browsers have no passkeys, or the server has none, nothing is there.
func TestPasskeyPlaces(t *testing.T) {
	with, without := auth.Options{Dev: true, Passkeys: passkey.New()}, auth.Options{Dev: true}
	for _, tt := range []struct {
		host string
		opt  auth.Options
		tls  bool
		want bool
	}{
		{"localhost", with, false, true},
		{"LOCALHOST", with, false, true},
		{"localhost", without, false, false},
		{"localhost.", with, false, false}, // another origin to browsers
		{"127.0.0.1", with, false, false},
		{"[::1]", with, false, false},
		{"127.0.0.1", with, true, false},
		{guestbook, with, false, false},
		{"nas", with, true, false}, // no domain
		{"nas.example", with, true, true},
		{"nas.example", with, false, false}, // browsers have none over plain HTTP
		{"192.0.2.1", with, true, false},
	} {
		s := start
		if tt.tls {
			s = startTLS
		}
		srv := s(t, tt.opt)
		srv.exec(`INSERT INTO auth_passkeys (id, user_id, name, credential, created_at, last_used) VALUES ('p', 'u', '', '{}', 0, 0)`)
		b := srv.browser().still()
		got := b.do(http.MethodPost, srv.url(tt.host, loginPath+"/begin"), nil, nil)
		page := b.get(srv.url(tt.host, "/auth/login?choose=1"))
		script := b.get(srv.url(tt.host, "/auth/passkey.js"))
		want := map[bool][2]int{true: {http.StatusOK, http.StatusOK}, false: {http.StatusNotFound, http.StatusNotFound}}[tt.want]
		if d := cmp.Diff(want, [2]int{got.StatusCode, script.StatusCode}); d != "" {
			t.Errorf("%s, TLS %v: %s", tt.host, tt.tls, d)
		}
		policy := page.Header.Get("Content-Security-Policy")
		if button := strings.Contains(page.body, "passkey"); button != tt.want || strings.Contains(policy, "script-src") != tt.want {
			t.Errorf("%s, TLS %v: button %v, policy %q", tt.host, tt.tls, button, policy)
		}
	}
}

// A dev user's passkey makes them nobody else, and nobody anywhere but at home.
func TestPasskeyOfADevUser(t *testing.T) {
	s := start(t, auth.Options{Dev: true, Passkeys: passkey.New()})
	b, d := s.browser(), s.device()
	b.devSignIn("ann@example.com", "owner")
	b.addPasskey(d, "")
	again := s.browser()
	if got := again.show(d).outcome(); got != "303" || again.who("localhost") != "ann@example.com" {
		t.Fatalf("%s, %s", got, again.who("localhost"))
	}
	if got := s.column(`SELECT provider FROM auth_users`)[0]; got != "dev" {
		t.Errorf("the user has become one of %q", got)
	}
	proxied := s.browser()
	options := proxied.script(loginPath + "/begin").body
	res := proxied.do(http.MethodPost, s.url("localhost", loginPath), url.Values{"answer": {d.get(options)}},
		http.Header{"Accept": {"application/json"}, "X-Forwarded-For": {"203.0.113.1"}})
	if res.outcome() != "401 PASSKEY_REFUSED" {
		t.Errorf("through a proxy: %s", res.outcome())
	}
	public := start(t, auth.Options{Passkeys: passkey.New(), Store: s.store})
	d.origin = public.url("localhost", "")
	if got := public.browser().show(d).outcome(); got != "401 PASSKEY_REFUSED" {
		t.Errorf("without dev: %s", got)
	}
}

// A passkey signs in to an app, and other sites' forms do nothing.
func TestPasskeyToAnApp(t *testing.T) {
	s, d := withPasskey(t)
	b := s.browser()
	page := b.askFor(guestbook, "/entries")
	fields := page.hidden()
	fields.Set("answer", d.get(b.script(loginPath+"/begin").body))
	if end := b.post(s.url("localhost", loginPath), fields); end.url() != s.url(guestbook, "/entries") || end.body != "ann@example.com" {
		t.Errorf("ended at %s: %s", end.url(), end.body)
	}
	for _, path := range []string{registerPath + "/begin", registerPath, loginPath + "/begin", loginPath, "/auth/passkey/remove"} {
		got := b.do(http.MethodPost, s.url("localhost", path), nil, http.Header{
			"Accept": {"application/json"}, "Sec-Fetch-Site": {"same-site"}, "Origin": {s.url(guestbook, "")}})
		if got.outcome() != "403 CROSS_ORIGIN" {
			t.Errorf("%s from an app: %s", path, got.outcome())
		}
	}
}

// Of many who send one answer at once, one is signed in.
func TestPasskeyOnce(t *testing.T) {
	s, d := withPasskey(t)
	b := s.browser()
	text := d.get(b.script(loginPath + "/begin").body)
	cookie := b.cookie(s.url("localhost", "/"), "fazt_passkey")
	outcomes := make(chan string)
	for range 8 {
		try := s.browser().with("fazt_passkey", cookie)
		go func() {
			got := "" // also when the try fails the test
			defer func() { outcomes <- got }()
			got = try.finish(loginPath, text).outcome()
		}()
	}
	got := map[string]int{}
	for range 8 {
		got[<-outcomes]++
	}
	if diff := cmp.Diff(map[string]int{"303": 1, "400 PASSKEY_USED": 7}, got); diff != "" {
		t.Error(diff)
	}
}

// There is an end to how many one user has, also when the last two are added at once.
func TestPasskeyLimit(t *testing.T) {
	s, _ := withPasskey(t)
	ann := s.browser()
	ann.passwordSignIn("ann@example.com", goodPassword)
	id := s.column(`SELECT id FROM auth_users`)[0]
	for i := range 48 {
		s.exec(`INSERT INTO auth_passkeys (id, user_id, name, credential, created_at, last_used) VALUES (?, ?, '', '{}', 1, 0)`, fmt.Sprint(i), id)
	}
	begun := s.browser()
	begun.passwordSignIn("ann@example.com", goodPassword)
	text := s.device().create(begun.script(registerPath + "/begin").body)
	ann.addPasskey(s.device(), strings.Repeat("n", 61)) // a name that is too long is as good as none
	if got := begun.finish(registerPath, text).outcome(); got != "409 PASSKEY_LIMIT" {
		t.Errorf("one more, begun before: %s", got)
	}
	if got := ann.script(registerPath + "/begin").outcome(); got != "409 PASSKEY_LIMIT" {
		t.Errorf("one more: %s", got)
	}
	if names := s.column(`SELECT name FROM auth_passkeys WHERE created_at > 1 ORDER BY created_at`); len(names) != 2 || names[1] == strings.Repeat("n", 61) {
		t.Errorf("names: %q", names)
	}
}

// A failure is in the audit log with whose passkey it was, and without what was sent.
func TestPasskeyFailureIsAudited(t *testing.T) {
	store := openStore(t)
	s := withAnn(t, auth.Options{Passkeys: passkey.New(), Store: store})
	b, d := s.browser(), s.device()
	b.passwordSignIn("ann@example.com", goodPassword)
	b.addPasskey(d, "")
	d.flags = userPresent
	s.browser().show(d)
	d.id = []byte("nobody's")
	s.browser().show(d)
	s.Close() // writes what waits
	id := s.column(`SELECT id FROM auth_users`)[0]
	var got []string
	for _, e := range audit(t, store) {
		if e.Action == "user.sign_in_failed" {
			got = append(got, e.Target+" "+e.Details)
		}
	}
	slices.Sort(got)
	want := []string{` {"provider":"passkey","count":1}`, `ann@example.com {"user_id":"` + id + `","provider":"passkey","count":1}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
