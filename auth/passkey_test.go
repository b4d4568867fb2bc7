package auth_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/auth/passkey"
	"github.com/google/go-cmp/cmp"
)

func TestPasskey(t *testing.T) {
	store := openStore(t)
	s := withAnn(t, auth.Options{Passkeys: passkey.New(), Store: store})
	if page := s.browser().get(s.url("localhost", "/auth/login")); strings.Contains(page.body, "passkey") {
		t.Errorf("a button for passkeys, and there are none:\n%s", page.body)
	}
	b := s.browser().still()
	b.passwordSignIn("ann@example.com", goodPassword)
	id := s.column(`SELECT id FROM auth_users`)[0]
	d := s.device()
	text := b.script(registerPath + "/begin").body
	o := d.options(text)
	if got, want := o.Data.RP.ID+" "+o.Data.Selection.ResidentKey+" "+o.Data.Selection.UserVerification+" "+o.Data.Attestation,
		"localhost required required none"; got != want {
		t.Errorf("options: %s, want %s\n%s", got, want, text)
	}
	if o.Data.User.Name != "ann@example.com" || o.Data.User.ID != base64url([]byte(id)) {
		t.Errorf("the user in the options: %+v", o.Data.User)
	}
	before := len(audit(t, store))
	done := b.finish(registerPath, d.create(text), "name", " My <b>key</b> ")
	if done.Header.Get("Location") != "/auth/sessions?done=passkey" {
		t.Fatalf("%d\n%s", done.StatusCode, done.body)
	}
	page := b.get(s.url("localhost", "/auth/sessions"))
	for _, part := range []string{"My &lt;b&gt;key&lt;/b&gt;", "never used", `/auth/passkey/remove`} {
		if !strings.Contains(page.body, part) {
			t.Errorf("the page lacks %q:\n%s", part, page.body)
		}
	}
	// A device that has one is told so.
	if o := d.options(b.script(registerPath + "/begin").body); len(o.Data.Exclude) != 1 || o.Data.Exclude[0].ID != base64url(d.id) {
		t.Errorf("excluded: %+v", o.Data.Exclude)
	}

	// In a browser that knows nothing, and without a name.
	stranger := s.browser().still()
	if page := stranger.get(s.url("localhost", "/auth/login")); !strings.Contains(page.body, `data-passkey="login" hidden`) {
		t.Errorf("no button for passkeys:\n%s", page.body)
	}
	d.count = 1
	if got := stranger.show(d); got.StatusCode != http.StatusSeeOther || stranger.who("localhost") != "ann@example.com" {
		t.Fatalf("signing in: %d %s\n%s", got.StatusCode, stranger.who("localhost"), got.body)
	}
	if got := s.users(); got[0] != "ann@example.com ann admin passkey 0" {
		t.Errorf("the user is %q", got)
	}
	if list, err := s.Passkeys(t.Context(), id); err != nil || len(list) != 1 || list[0].LastUsed.IsZero() {
		t.Errorf("passkeys: %v, %v", list, err)
	}

	if got := stranger.post(s.url("localhost", "/auth/passkey/remove"), url.Values{"passkey": {base64url(d.id)}}); got.Header.Get("Location") != "/auth/sessions?done=unpasskey" {
		t.Errorf("removing: %d\n%s", got.StatusCode, got.body)
	}
	d.count = 2
	if got := s.browser().show(d).outcome(); got != "401 PASSKEY_REFUSED" {
		t.Errorf("a passkey that was removed: %s", got)
	}
	var actions []string
	for _, e := range audit(t, store)[before:] {
		if strings.HasPrefix(e.Action, "passkey.") {
			actions = append(actions, e.Action+" "+e.Target+" "+e.Details)
		}
	}
	details := ` ann@example.com {"passkey_id":"` + base64url(d.id) + `","name":"My \u003cb\u003ekey\u003c/b\u003e"}`
	if diff := cmp.Diff([]string{"passkey.add" + details, "passkey.remove" + details}, actions); diff != "" {
		t.Error(diff)
	}
}

// What a browser may show for a sign-in, and is refused. Each is sound but for one thing.
func TestPasskeyLoginRefuses(t *testing.T) {
	s, ann := withPasskey(t)
	eve := s.browser()
	eve.join(auth.InvitePath(s.invite(auth.RoleUser, 1)), "eve@example.com")
	eves := s.device()
	eve.addPasskey(eves, "")

	begin := func(b *browser) string { return b.script(loginPath + "/begin").body }
	for _, tt := range []struct {
		name string
		do   func(b *browser, d device) answer
		want string
	}{
		{"nothing is wrong", func(b *browser, d device) answer { return b.show(&d) }, "303"},
		{"an app's origin", func(b *browser, d device) answer { d.origin = s.url(guestbook, ""); return b.show(&d) }, "401 PASSKEY_REFUSED"},
		{"another port's", func(b *browser, d device) answer { d.origin = "http://localhost:1"; return b.show(&d) }, "401 PASSKEY_REFUSED"},
		{"the other scheme's", func(b *browser, d device) answer {
			d.origin = strings.Replace(d.origin, "http:", "https:", 1)
			return b.show(&d)
		}, "401 PASSKEY_REFUSED"},
		{"no origin", func(b *browser, d device) answer { d.origin = ""; return b.show(&d) }, "401 PASSKEY_REFUSED"},
		{"another site's passkey", func(b *browser, d device) answer { d.rp = guestbook; return b.show(&d) }, "401 PASSKEY_REFUSED"},
		{"a user who was not verified", func(b *browser, d device) answer { d.flags = userPresent; return b.show(&d) }, "401 PASSKEY_REFUSED"},
		{"a user who was not there", func(b *browser, d device) answer { d.flags = userVerified; return b.show(&d) }, "401 PASSKEY_REFUSED"},
		{"another user's handle", func(b *browser, d device) answer { d.handle = eves.handle; return b.show(&d) }, "401 PASSKEY_REFUSED"},
		{"no handle", func(b *browser, d device) answer { d.handle = ""; return b.show(&d) }, "401 PASSKEY_REFUSED"},
		{"another user's credential", func(b *browser, d device) answer { d.id = eves.id; return b.show(&d) }, "401 PASSKEY_REFUSED"},
		{"another user's credential and handle", func(b *browser, d device) answer { d.id, d.handle = eves.id, eves.handle; return b.show(&d) }, "401 PASSKEY_REFUSED"},
		{"another key", func(b *browser, d device) answer { d.key = eves.key; return b.show(&d) }, "401 PASSKEY_REFUSED"},
		{"an unknown credential", func(b *browser, d device) answer { d.id = []byte("nobody's"); return b.show(&d) }, "401 PASSKEY_REFUSED"},
		{"the answer of a registration", func(b *browser, d device) answer {
			options := begin(b)
			var o map[string]map[string]any
			if err := json.Unmarshal([]byte(options), &o); err != nil {
				t.Fatal(err)
			}
			o["data"]["user"] = map[string]string{"id": base64url([]byte(d.handle))}
			made, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			return b.finish(loginPath, d.create(string(made)))
		}, "401 PASSKEY_REFUSED"},
		{"the challenge of another browser", func(b *browser, d device) answer {
			options := begin(s.browser())
			begin(b)
			return b.finish(loginPath, d.get(options))
		}, "401 PASSKEY_REFUSED"},
		{"the challenge of before", func(b *browser, d device) answer {
			options := begin(b)
			begin(b)
			return b.finish(loginPath, d.get(options))
		}, "401 PASSKEY_REFUSED"},
		{"no challenge", func(b *browser, d device) answer { return b.finish(loginPath, d.get(begin(s.browser()))) }, "400 PASSKEY_EXPIRED"},
		{"a challenge that was made for adding one", func(b *browser, d device) answer {
			b.passwordSignIn("ann@example.com", goodPassword)
			return b.finish(loginPath, d.get(b.script(registerPath+"/begin").body))
		}, "400 PASSKEY_EXPIRED"},
		{"nothing", func(b *browser, d device) answer { begin(b); return b.finish(loginPath, "") }, "401 PASSKEY_REFUSED"},
		{"no JSON", func(b *browser, d device) answer { begin(b); return b.finish(loginPath, "{") }, "401 PASSKEY_REFUSED"},
		{"an empty answer", func(b *browser, d device) answer { begin(b); return b.finish(loginPath, "{}") }, "401 PASSKEY_REFUSED"},
		{"much that nests", func(b *browser, d device) answer { begin(b); return b.finish(loginPath, strings.Repeat("[", 20000)) }, "401 PASSKEY_REFUSED"},
		{"an answer twice", func(b *browser, d device) answer {
			text := d.get(begin(b))
			return b.finish(loginPath, text+text)
		}, "401 PASSKEY_REFUSED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := s.browser()
			if got := tt.do(b, *ann).outcome(); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if tt.want == "401 PASSKEY_REFUSED" && b.who("localhost") != "nobody" {
				t.Errorf("signed in as %s", b.who("localhost"))
			}
		})
	}
}

// What was sent once, and the cookie it came with, are worth nothing a second time.
func TestPasskeyReplay(t *testing.T) {
	s, d := withPasskey(t)
	b := s.browser()
	options := b.script(loginPath + "/begin").body
	kept := b.cookie(s.url("localhost", "/"), "fazt_passkey")
	text := d.get(options)
	if got := b.finish(loginPath, text).outcome(); got != "303" {
		t.Fatal(got)
	}
	if left := b.cookie(s.url("localhost", "/"), "fazt_passkey"); left != "" {
		t.Error("the cookie is still there")
	}
	thief := s.browser().with("fazt_passkey", kept)
	if got := thief.finish(loginPath, text).outcome(); got != "400 PASSKEY_USED" || thief.who("localhost") != "nobody" {
		t.Errorf("replayed: %s, %s", got, thief.who("localhost"))
	}
	ann := s.browser()
	ann.passwordSignIn("ann@example.com", goodPassword)
	options = ann.script(registerPath + "/begin").body
	kept = ann.cookie(s.url("localhost", "/"), "fazt_passkey")
	first, second := s.device(), s.device()
	if got := ann.finish(registerPath, first.create(options)).outcome(); got != "303" {
		t.Fatal(got)
	}
	if got := ann.with("fazt_passkey", kept).finish(registerPath, second.create(options)).outcome(); got != "400 PASSKEY_USED" {
		t.Errorf("a second passkey by one challenge: %s", got)
	}
}

// A counter that does not go forward tells of a copy.
func TestPasskeyCopied(t *testing.T) {
	s, d := withPasskey(t)
	d.count = 5
	if got := s.browser().show(d).outcome(); got != "303" {
		t.Fatal(got)
	}
	for _, count := range []uint32{5, 4, 0} {
		d.count = count
		if got := s.browser().show(d).outcome(); got != "403 PASSKEY_COPIED" {
			t.Errorf("a counter of %d after 5: %s", count, got)
		}
	}
	d.count = 6
	if got := s.browser().show(d).outcome(); got != "303" {
		t.Errorf("the device itself: %s", got)
	}
}

// What a device may not make.
func TestPasskeyRegisterRefuses(t *testing.T) {
	s, taken := withPasskey(t)
	for _, tt := range []struct {
		name   string
		change func(d *device)
		want   string
	}{
		{"an app's origin", func(d *device) { d.origin = s.url(guestbook, "") }, "400 PASSKEY_UNSOUND"},
		{"another site", func(d *device) { d.rp = guestbook }, "400 PASSKEY_UNSOUND"},
		{"a user who was not verified", func(d *device) { d.flags = userPresent }, "400 PASSKEY_UNSOUND"},
		{"an id that is another's", func(d *device) { d.id = taken.id }, "409 PASSKEY_TAKEN"},
		{"no id", func(d *device) { d.id = nil }, "400 PASSKEY_UNSOUND"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eve, d := s.browser(), s.device()
			eve.devSignIn("eve@example.com", "user")
			tt.change(d)
			if got := eve.finish(registerPath, d.create(eve.script(registerPath+"/begin").body)).outcome(); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
	if got := s.column(`SELECT name FROM auth_passkeys`); len(got) != 1 {
		t.Errorf("stored: %q", got)
	}
	ann, d := s.browser(), s.device()
	ann.passwordSignIn("ann@example.com", goodPassword)
	text := d.create(ann.script(registerPath + "/begin").body)
	ann.devSignIn("eve@example.com", "user") // in the same browser, meanwhile
	if got := ann.finish(registerPath, text).outcome(); got != "400 PASSKEY_EXPIRED" {
		t.Errorf("added to whoever is signed in now: %s", got)
	}
	if got := s.browser().script(registerPath + "/begin").outcome(); got != "401 LOGIN_REQUIRED" {
		t.Errorf("a stranger adds a passkey: %s", got)
	}
}
