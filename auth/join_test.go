package auth_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/storage"
)

const goodPassword = "correct horse battery"

func (s *server) setupCode() string {
	s.t.Helper()
	code, err := s.CreateSetup(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return code
}

func (s *server) invite(role auth.Role, uses int) string {
	s.t.Helper()
	code, _, err := s.CreateInvite(s.t.Context(), role, uses, time.Time{})
	if err != nil {
		s.t.Fatal(err)
	}
	return code
}

// join fills in the form of an invite's or a set-up link's page.
func (b *browser) join(path, email string) answer {
	b.s.t.Helper()
	return b.post(b.s.url("localhost", path), url.Values{"email": {email}, "password": {goodPassword}})
}

// from is a request that came from another address than the tests' own.
func (s *server) from(addr, method, target string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	r.RemoteAddr = addr
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func (s *server) users() []string {
	return s.column(`SELECT email || ' ' || name || ' ' || role || ' ' || provider || ' ' || email_verified FROM auth_users ORDER BY email`)
}

func TestSetup(t *testing.T) {
	s := start(t, auth.Options{})
	old, code := s.setupCode(), s.setupCode()
	if has, err := s.HasOwner(t.Context()); has || err != nil {
		t.Fatalf("an owner before anybody came: %v, %v", has, err)
	}
	b := s.browser().still()
	page := s.url("localhost", auth.SetupPath(code))
	for range 3 { // looking uses nothing up
		if got := b.get(page); got.StatusCode != http.StatusOK || !strings.Contains(got.body, `autocomplete="new-password"`) {
			t.Fatalf("the page: %d\n%s", got.StatusCode, got.body)
		}
	}
	if got := b.get(s.url("localhost", auth.SetupPath(old))); got.StatusCode != http.StatusNotFound {
		t.Errorf("a link that was replaced: %d", got.StatusCode)
	}
	if got := b.join(auth.SetupPath(code), "Ann@Example.com"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/" {
		t.Fatalf("setting up: %d to %q\n%s", got.StatusCode, got.Header.Get("Location"), got.body)
	}
	if d := cmp.Diff([]string{"ann@example.com ann owner password 1"}, s.users()); d != "" {
		t.Error(d)
	}
	if who := b.who("localhost"); who != "ann@example.com" {
		t.Errorf("the new owner is %q", who)
	}
	if has, err := s.HasOwner(t.Context()); !has || err != nil {
		t.Errorf("no owner after set-up: %v, %v", has, err)
	}
	eve := s.browser().still()
	if got := []int{eve.get(page).StatusCode, eve.join(auth.SetupPath(code), "eve@example.com").StatusCode}; !cmp.Equal(got, []int{404, 404}) {
		t.Errorf("a second use: %v", got)
	}
}

// Whoever has the machine gets in again, as who they were.
func TestSetupTakesAnAccountOver(t *testing.T) {
	s := start(t, auth.Options{})
	b := s.browser().still()
	b.join(auth.InvitePath(s.invite(auth.RoleUser, 1)), "ann@example.com")
	id := s.column(`SELECT id FROM auth_users`)
	got := s.browser().still().post(s.url("localhost", auth.SetupPath(s.setupCode())),
		url.Values{"email": {"ann@example.com"}, "password": {"another good one"}})
	if got.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d", got.StatusCode)
	}
	if d := cmp.Diff(id, s.column(`SELECT id FROM auth_users WHERE role = 'owner' AND email_verified = 1`)); d != "" {
		t.Error(d)
	}
	if who := b.who("localhost"); who != "nobody" {
		t.Errorf("the session from before is %q", who)
	}
	if got := s.browser().still().passwordSignIn("ann@example.com", "another good one"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("the new password: %d", got.StatusCode)
	}
}

// Somebody who was invited may have typed the owner's address. What they added to the
// account must not become an owner's way in.
func TestSetupTakesNoStrangersWaysOver(t *testing.T) {
	for _, proven := range []bool{false, true} {
		s := start(t, auth.Options{})
		id := s.person("ann@example.com", auth.RoleAdmin)
		key, _, err := s.CreateKey(s.as(id), "laptop", []string{"admin"}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		s.exec(`INSERT INTO auth_passkeys (id, user_id, name, credential, created_at, last_used) VALUES ('p', ?, '', '', 0, 0)`, id)
		s.exec(`INSERT INTO auth_identities (issuer, subject, user_id, provider, created_at, last_used) VALUES ('https://a.example', 's', ?, 'a', 0, 0)`, id)
		if proven {
			s.exec(`UPDATE auth_users SET email_verified = 1`)
		}
		s.browser().still().join(auth.SetupPath(s.setupCode()), "ann@example.com")
		if d := cmp.Diff([]string{"ann@example.com ann owner password 1"}, s.users()); d != "" {
			t.Error(d)
		}
		left := s.column(`SELECT COUNT(*) FROM auth_passkeys`)[0] + s.column(`SELECT COUNT(*) FROM auth_identities`)[0] + s.column(`SELECT COUNT(*) FROM auth_passwords`)[0]
		_, err = s.CheckKey(t.Context(), key)
		want := "001"
		if proven {
			want = "111"
		}
		if left != want || (err == nil) != proven {
			t.Errorf("proven %v: passkeys, accounts and passwords %s, the key: %v", proven, left, err)
		}
	}
}

// A dev user is nobody on a public server, so they can't be who owns it.
func TestSetupRefusesDevUsers(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	code := s.setupCode()
	b := s.browser()
	page := b.get(s.url("localhost", auth.SetupPath(code)))
	if strings.Contains(page.body, "/auth/dev/login") {
		t.Error("the page offers the dev provider")
	}
	got := b.post(s.url("localhost", "/auth/dev/callback"), url.Values{"email": {"eve@example.com"}, "role": {"user"}, "invite": {code}})
	if got.StatusCode != http.StatusNotFound {
		t.Errorf("by the dev form: %d", got.StatusCode)
	}
	b.devSignIn("eve@example.com", "user")
	if page := b.get(s.url("localhost", auth.SetupPath(code))); page.StatusCode != 200 || strings.Contains(page.body, "eve@example.com") {
		t.Errorf("a dev user may accept: %d", page.StatusCode)
	}
	b.join(auth.SetupPath(code), "ann@example.com")
	if d := cmp.Diff([]string{"ann@example.com ann owner password 1", "eve@example.com eve user dev 0"}, s.users()); d != "" {
		t.Error(d)
	}
}

func TestInvite(t *testing.T) {
	for _, role := range []auth.Role{auth.RoleUser, auth.RoleAdmin, auth.RoleOwner} {
		t.Run(string(role), func(t *testing.T) {
			s := start(t, auth.Options{})
			code := s.invite(role, 2)
			var got []int
			for _, email := range []string{"ann@example.com", "bob@example.com", "eve@example.com"} {
				got = append(got, s.browser().still().join(auth.InvitePath(code), email).StatusCode)
			}
			if d := cmp.Diff([]int{303, 303, 404}, got); d != "" {
				t.Error(d)
			}
			// Nobody has shown that the address is theirs.
			want := []string{"ann@example.com ann " + string(role) + " password 0", "bob@example.com bob " + string(role) + " password 0"}
			if d := cmp.Diff(want, s.users()); d != "" {
				t.Error(d)
			}
			list, err := s.Invites(t.Context())
			if err != nil || len(list) != 1 || list[0].UsesLeft != 0 || list[0].Uses != 2 {
				t.Errorf("the invite: %+v, %v", list, err)
			}
		})
	}
}

// Of many who come at once, exactly as many get in as were invited.
func TestInviteRace(t *testing.T) {
	s := start(t, auth.Options{})
	code := s.invite(auth.RoleUser, 7)
	var (
		group sync.WaitGroup
		mu    sync.Mutex
	)
	got := map[int]int{}
	for i := range 50 {
		group.Go(func() {
			status := http.StatusServiceUnavailable // so many hashes may take longer than one waits
			for status == http.StatusServiceUnavailable {
				status = s.from("192.0.2."+strconv.Itoa(i)+":1", http.MethodPost, "http://localhost"+auth.InvitePath(code),
					url.Values{"email": {"u" + strconv.Itoa(i) + "@example.com"}, "password": {goodPassword}}).Code
			}
			mu.Lock()
			defer mu.Unlock()
			got[status]++
		})
	}
	group.Wait()
	if d := cmp.Diff(map[int]int{303: 7, 404: 43}, got); d != "" {
		t.Error(d)
	}
	if users := s.users(); len(users) != 7 {
		t.Errorf("users: %v", users)
	}
}

func TestInviteForWhoIsSignedIn(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	b := s.browser()
	b.devSignIn("ann@example.com", "user")
	planted := b.cookie(s.url("localhost", ""), "fazt_session")
	code := s.invite(auth.RoleAdmin, 1)
	page := b.get(s.url("localhost", auth.InvitePath(code)))
	if !strings.Contains(page.body, "ann@example.com") || strings.Contains(page.body, `type="password"`) {
		t.Fatalf("the page:\n%s", page.body)
	}
	if got := b.still().post(page.url(), page.hidden()); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("accepting: %d", got.StatusCode)
	}
	if d := cmp.Diff([]string{"ann@example.com ann admin dev 0"}, s.users()); d != "" {
		t.Error(d)
	}
	if who := b.who("localhost"); who != "ann@example.com" {
		t.Errorf("now %q", who)
	}
	old := s.browser().do(http.MethodGet, s.url("localhost", "/"), nil, http.Header{"Cookie": {"fazt_session=" + planted}})
	if old.body != "nobody" {
		t.Errorf("the session from before the change is %q", old.body)
	}

	// What one has already is not used up.
	code = s.invite(auth.RoleUser, 1)
	page = b.get(s.url("localhost", auth.InvitePath(code)))
	if strings.Contains(page.body, "<form") {
		t.Errorf("a form for what one has:\n%s", page.body)
	}
	b.post(page.url(), nil)
	if got := s.browser().get(page.url()); got.StatusCode != http.StatusOK {
		t.Errorf("it was used up: %d", got.StatusCode)
	}
}

// The dev provider stands for any other: its button carries the code.
func TestInviteByProvider(t *testing.T) {
	s := start(t, auth.Options{Dev: true})
	code := s.invite(auth.RoleAdmin, 1)
	b := s.browser()
	page := b.get(s.url("localhost", auth.InvitePath(code)))
	form := b.get(s.url("localhost", "/auth/dev/login?invite="+code))
	if !strings.Contains(page.body, `href="/auth/dev/login?invite=`+code+`"`) {
		t.Errorf("no button:\n%s", page.body)
	}
	fields := form.hidden()
	fields.Set("email", "ann@example.com")
	fields.Set("role", "user")
	b.still().post(s.url("localhost", "/auth/dev/callback"), fields)
	if d := cmp.Diff([]string{"ann@example.com ann admin dev 0"}, s.users()); d != "" {
		t.Error(d)
	}
	got := s.browser().still().post(s.url("localhost", "/auth/dev/callback"),
		url.Values{"email": {"bob@example.com"}, "role": {"user"}, "invite": {code}})
	if got.StatusCode != http.StatusNotFound {
		t.Errorf("a second use: %d", got.StatusCode)
	}
}

// A set-up link makes an owner of whoever comes by a provider, once.
func TestSetupByProvider(t *testing.T) {
	p := &elsewhere{name: "first"}
	s := start(t, auth.Options{Providers: []auth.Provider{p}})
	code := s.setupCode()
	page := s.browser().get(s.url("localhost", auth.SetupPath(code)))
	if !strings.Contains(page.body, `href="/auth/login/first?invite=`+code+`"`) {
		t.Fatalf("no button:\n%s", page.body)
	}
	ann, bob, eve := s.browser(), s.browser(), s.browser()
	bobs := bob.visit("first", "?invite="+code, p.account("bob", "bob@example.com", true)) // under way when the link is used
	if got := ann.signInBy("first", "?invite="+code, p.account("ann", "ann@example.com", true)); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d\n%s", got.StatusCode, got.body)
	}
	if who := ann.who("localhost"); who != "ann@example.com" {
		t.Errorf("the new owner is %q", who)
	}
	if got := bob.failure(bobs); got != "410 INVITE_INVALID" {
		t.Errorf("who was slower: %s", got)
	}
	if got := eve.get(s.url("localhost", auth.SetupPath(code))).StatusCode; got != http.StatusNotFound {
		t.Errorf("the page of a used link: %d", got)
	}
	if d := cmp.Diff([]string{"ann@example.com ann owner first 1"}, s.users()); d != "" {
		t.Error(d)
	}
}

// The maker of an invite may lose their role while somebody is on the way back from
// a provider.
func TestInviteByProviderOfADemotedAdmin(t *testing.T) {
	p := &elsewhere{name: "first"}
	s := start(t, auth.Options{Providers: []auth.Provider{p}})
	admin := s.person("admin@example.com", auth.RoleAdmin)
	code, _, err := s.CreateInvite(s.as(admin), auth.RoleAdmin, 1, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	eve := s.browser()
	back := eve.visit("first", "?invite="+code, p.account("eve", "eve@example.com", true))
	user := auth.RoleUser
	if _, err := s.ChangeUser(t.Context(), admin, auth.UserChange{Role: &user}); err != nil {
		t.Fatal(err)
	}
	if got := eve.failure(back); got != "410 INVITE_INVALID" {
		t.Errorf("%s, users %v", got, s.users())
	}
}

// An account that is there is not touched, and the invite is not used up.
func TestJoinWithATakenAddress(t *testing.T) {
	s := start(t, auth.Options{})
	s.browser().join(auth.InvitePath(s.invite(auth.RoleUser, 1)), "ann@example.com")
	hash := s.column(`SELECT password_hash FROM auth_passwords`)
	code := s.invite(auth.RoleOwner, 1)
	b := s.browser()
	var got []int
	for range 11 {
		got = append(got, b.join(auth.InvitePath(code), "ann@example.com").StatusCode)
	}
	if d := cmp.Diff([]int{409, 409, 409, 409, 409, 409, 409, 409, 409, 409, 429}, got); d != "" {
		t.Error(d)
	}
	page := s.from("192.0.2.9:1", http.MethodPost, "http://localhost"+auth.InvitePath(code), url.Values{"email": {"ann@example.com"}, "password": {goodPassword}})
	if page.Code != http.StatusConflict || !strings.Contains(page.Body.String(), `"code":"EMAIL_TAKEN"`) {
		t.Errorf("a program gets %d %s", page.Code, page.Body)
	}
	if d := cmp.Diff(hash, s.column(`SELECT password_hash FROM auth_passwords`)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"ann@example.com ann user password 0"}, s.users()); d != "" {
		t.Error(d)
	}
	page = s.from("192.0.2.9:1", http.MethodPost, "http://localhost"+auth.InvitePath(code), url.Values{"email": {"bob@example.com"}, "password": {goodPassword}})
	if page.Code != http.StatusSeeOther {
		t.Errorf("another address: %d", page.Code)
	}
}

func TestJoinForm(t *testing.T) {
	s := start(t, auth.Options{})
	path := s.url("localhost", auth.InvitePath(s.invite(auth.RoleUser, 1)))
	tests := []struct {
		name string
		form url.Values
		want string // in the page
	}{
		{"nothing", nil, "not an e-mail address"},
		{"no address", url.Values{"email": {"ann"}, "password": {goodPassword}}, "not an e-mail address"},
		{"two addresses", url.Values{"email": {"a@example.com, b@example.com"}, "password": {goodPassword}}, "not an e-mail address"},
		{"control characters", url.Values{"email": {"a\x00@example.com"}, "password": {goodPassword}}, "not an e-mail address"},
		{"over-long address", url.Values{"email": {strings.Repeat("a", 250) + "@example.com"}, "password": {goodPassword}}, "not an e-mail address"},
		{"no password", url.Values{"email": {"ann@example.com"}}, "too short"},
		{"nine characters", url.Values{"email": {"ann@example.com"}, "password": {"äöüäöüäöü"}}, "too short"},
		{"over-long password", url.Values{"email": {"ann@example.com"}, "password": {strings.Repeat("a", 1025)}}, "too long"},
		{"over-long name", url.Values{"email": {"ann@example.com"}, "name": {strings.Repeat("a", 101)}, "password": {goodPassword}}, "name is too long"},
		{"name with a line end", url.Values{"email": {"ann@example.com"}, "name": {"a\nb"}, "password": {goodPassword}}, "can&#39;t be shown"},
		{"markup", url.Values{"email": {`"><script>alert(1)</script>`}, "name": {`"><b>`}}, "&lt;script&gt;"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := s.browser().post(path, tt.form)
			if got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, tt.want) {
				t.Errorf("%d\n%s", got.StatusCode, got.body)
			}
			if strings.Contains(got.body, "<script>") || strings.Contains(got.body, goodPassword) {
				t.Errorf("reflected:\n%s", got.body)
			}
		})
	}
	if users, hashes := s.users(), s.Hashes(); len(users)+int(hashes) > 0 {
		t.Errorf("users %v, %d hashes", users, hashes)
	}
}

// Whoever tries codes learns nothing from the answers, and has to wait.
func TestCodesAreNotScanned(t *testing.T) {
	s := start(t, auth.Options{})
	used, old, revoked := s.invite(auth.RoleUser, 1), s.invite(auth.RoleUser, 1), s.invite(auth.RoleUser, 1)
	s.browser().join(auth.InvitePath(used), "ann@example.com")
	list, err := s.Invites(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range list {
		if in.UsesLeft == 0 {
			continue
		}
		if revoked != "" {
			if err := s.RevokeInvite(t.Context(), in.ID); err != nil {
				t.Fatal(err)
			}
		}
		s.exec(`UPDATE auth_invites SET expires_at = ? WHERE uses_left > 0`, time.Now().UnixMilli())
	}
	setup := s.setupCode()
	paths := []string{
		auth.InvitePath(used), auth.InvitePath(old), auth.InvitePath(revoked), auth.InvitePath(strings.Repeat("a", 52)), auth.InvitePath("x"),
		auth.InvitePath(setup), auth.SetupPath(s.invite(auth.RoleOwner, 1)), auth.SetupPath("x"), auth.SetupPath(strings.Repeat("%00", 52)),
		auth.SetupPath(strings.Repeat("x", 4000)),
	}
	bodies := map[string]int{}
	for i, p := range paths {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			w := s.from("198.51.100."+strconv.Itoa(i)+":1", method, "http://localhost"+p, nil)
			bodies[strconv.Itoa(w.Code)+w.Body.String()]++
		}
	}
	if len(bodies) != 1 {
		t.Errorf("the answers differ: %v", bodies)
	}
	var last *httptest.ResponseRecorder
	for range 31 {
		last = s.from("198.51.100.99:1", http.MethodGet, "http://localhost/auth/setup/x", nil)
	}
	if last.Code != http.StatusTooManyRequests || last.Header().Get("Retry-After") == "" {
		t.Errorf("the 31st: %d, Retry-After %q", last.Code, last.Header().Get("Retry-After"))
	}
	if got := s.from("198.51.100.100:1", http.MethodGet, "http://localhost"+auth.SetupPath(setup), nil); got.Code != http.StatusOK {
		t.Errorf("another address: %d", got.Code)
	}
}

// A code is a secret of the person who was given it.
func TestCodesStayOutOfTheLog(t *testing.T) {
	var log bytes.Buffer
	s := start(t, auth.Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	code := s.invite(auth.RoleUser, 5)
	s.browser().join(auth.InvitePath(code), "ann@example.com")
	s.exec(`DROP TABLE audit`)
	if got := s.browser().join(auth.InvitePath(code), "bob@example.com"); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without an audit log: %d", got.StatusCode)
	}
	if text := log.String(); !strings.Contains(text, "/auth/invite/...") || strings.Contains(text, code) || strings.Contains(text, goodPassword) {
		t.Errorf("the log:\n%s", text)
	}
	// Nor does the data file have what would let a reader in.
	for _, table := range []string{"auth_invites", "auth_passwords"} {
		rows, err := s.store.(storage.Queries).Query(t.Context(), "SELECT * FROM "+table, 10)
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range rows.Columns {
			if strings.HasSuffix(name, "_hash") && rows.Rows[0][i] != nil {
				t.Errorf("%s.%s is shown", table, name)
			}
		}
	}
}

func TestCreateInviteChecks(t *testing.T) {
	a := newAuth(t, &auth.Options{})
	now := time.Now()
	for name, err := range map[string]error{
		"role":     func() error { _, _, err := a.CreateInvite(t.Context(), "root", 1, time.Time{}); return err }(),
		"uses":     func() error { _, _, err := a.CreateInvite(t.Context(), "user", -1, time.Time{}); return err }(),
		"too many": func() error { _, _, err := a.CreateInvite(t.Context(), "user", 10_001, time.Time{}); return err }(),
		"past":     func() error { _, _, err := a.CreateInvite(t.Context(), "user", 1, now.Add(-time.Second)); return err }(),
		"too long": func() error { _, _, err := a.CreateInvite(t.Context(), "user", 1, now.AddDate(2, 0, 0)); return err }(),
	} {
		if auth.CodeOf(err) != auth.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := a.RevokeInvite(t.Context(), "none"); auth.CodeOf(err) != auth.CodeNotFound {
		t.Errorf("revoking none: %v", err)
	}
}
