package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
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

// The flags of what a device signs (Web Authentication, 6.1).
const (
	userPresent  = 1 << 0
	userVerified = 1 << 2
	hasKey       = 1 << 6
)

// device is an authenticator with one passkey. A test may change what it tells.
type device struct {
	t      testing.TB
	key    *ecdsa.PrivateKey
	id     []byte
	handle string // the user's, from when the passkey was made
	rp     string
	origin string
	flags  byte
	count  uint32
}

func newDevice(t testing.TB, rp, origin string) *device {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 16)
	rand.Read(id)
	return &device{t: t, key: key, id: id, rp: rp, origin: origin, flags: userPresent | userVerified}
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// passkeyOptions is what a device reads of the options.
type passkeyOptions struct {
	Data struct {
		Challenge        string
		RPID             string `json:"rpId"`
		UserVerification string
		User             struct{ ID, Name, DisplayName string }
		RP               struct{ ID string }
		Exclude          []struct{ ID string }                          `json:"excludeCredentials"`
		Selection        struct{ ResidentKey, UserVerification string } `json:"authenticatorSelection"`
		Attestation      string
	}
}

func (d *device) options(text string) (o passkeyOptions) {
	d.t.Helper()
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		d.t.Fatalf("options: %v\n%s", err, text)
	}
	return o
}

func (d *device) authData(flags byte) []byte {
	sum := sha256.Sum256([]byte(d.rp))
	return binary.BigEndian.AppendUint32(append(sum[:], flags), d.count)
}

func (d *device) clientData(kind, challenge string) []byte {
	b, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": d.origin, "crossOrigin": false})
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

func (d *device) answer(response map[string]string) string {
	b, err := json.Marshal(map[string]any{
		"id": base64url(d.id), "rawId": base64url(d.id), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return string(b)
}

// create answers the options of a new passkey.
func (d *device) create(options string) string {
	d.t.Helper()
	o := d.options(options)
	handle, err := base64.RawURLEncoding.DecodeString(o.Data.User.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	d.handle = string(handle)
	point, err := d.key.PublicKey.Bytes()
	if err != nil {
		d.t.Fatal(err)
	}
	data := append(d.authData(d.flags|hasKey), make([]byte, 16)...) // of no make
	data = binary.BigEndian.AppendUint16(data, uint16(len(d.id)))
	data = append(data, d.id...)
	// The key in CBOR: EC2, ES256, P-256, x, y (RFC 9053, 7.1.1).
	data = slices.Concat(data, []byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}, point[1:33], []byte{0x22, 0x58, 32}, point[33:])
	object := slices.Concat([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"), []byte{byte(len(data))}, data)
	return d.answer(map[string]string{
		"clientDataJSON": base64url(d.clientData("webauthn.create", o.Data.Challenge)), "attestationObject": base64url(object),
	})
}

// get answers the options of a sign-in.
func (d *device) get(options string) string {
	d.t.Helper()
	client, data := d.clientData("webauthn.get", d.options(options).Data.Challenge), d.authData(d.flags)
	sum := sha256.Sum256(client)
	signed := sha256.Sum256(append(slices.Clone(data), sum[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, d.key, signed[:])
	if err != nil {
		d.t.Fatal(err)
	}
	return d.answer(map[string]string{
		"clientDataJSON": base64url(client), "authenticatorData": base64url(data), "signature": base64url(signature),
		"userHandle": base64url([]byte(d.handle)),
	})
}

// script is a request of the page's script.
func (b *browser) script(path string) answer {
	b.s.t.Helper()
	return b.do(http.MethodPost, b.s.url("localhost", path), nil, http.Header{"Sec-Fetch-Mode": {"cors"}, "Accept": {"*/*"}})
}

// outcome is an answer as its status and the code of its error, if it is one for a program.
func (a answer) outcome() string {
	_, rest, found := strings.Cut(a.body, `"code":"`)
	if !found {
		return a.Status[:3]
	}
	code, _, _ := strings.Cut(rest, `"`)
	return a.Status[:3] + " " + code
}

// finish sends what a device has made, as a program would.
func (b *browser) finish(path, answer string, more ...string) answer {
	b.s.t.Helper()
	form := url.Values{"answer": {answer}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return b.still().do(http.MethodPost, b.s.url("localhost", path), form, http.Header{"Accept": {"application/json"}})
}

const (
	registerPath = "/auth/passkey/register"
	loginPath    = "/auth/passkey/login"
)

// addPasskey adds a device's passkey to whom the browser is signed in as.
func (b *browser) addPasskey(d *device, name string) {
	b.s.t.Helper()
	if got := b.finish(registerPath, d.create(b.script(registerPath+"/begin").body), "name", name); got.StatusCode != http.StatusSeeOther {
		b.s.t.Fatalf("adding a passkey: %d\n%s", got.StatusCode, got.body)
	}
}

// show signs in by a device.
func (b *browser) show(d *device) answer {
	b.s.t.Helper()
	return b.finish(loginPath, d.get(b.script(loginPath+"/begin").body))
}

func (s *server) device() *device { return newDevice(s.t, "localhost", s.url("localhost", "")) }

// withPasskey is a server with ann, who has a password and a passkey.
func withPasskey(t testing.TB) (*server, *device) {
	t.Helper()
	s := withAnn(t, auth.Options{Dev: true, Passkeys: passkey.New()})
	b := s.browser().still()
	b.passwordSignIn("ann@example.com", goodPassword)
	d := s.device()
	b.addPasskey(d, "Laptop")
	return s, d
}

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
