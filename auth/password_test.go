package auth_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/argon2"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/storage"
)

// passwordSignIn fills in the form of the sign-in page.
func (b *browser) passwordSignIn(name, password string) answer {
	b.s.t.Helper()
	return b.post(b.s.url("localhost", "/auth/password"), url.Values{"email": {name}, "password": {password}})
}

// withAnn is a server with a user who has a password.
func withAnn(t testing.TB, opt auth.Options) *server {
	t.Helper()
	s := start(t, opt)
	if got := s.browser().still().join(auth.InvitePath(s.invite(auth.RoleAdmin, 1)), "ann@example.com"); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("joining: %d\n%s", got.StatusCode, got.body)
	}
	return s
}

func TestPasswordSignIn(t *testing.T) {
	s := withAnn(t, auth.Options{Dev: true})
	id := s.column(`SELECT id FROM auth_users`)[0]
	for _, name := range []string{"ann@example.com", " Ann@Example.COM ", id} {
		b := s.browser().still()
		if got := b.passwordSignIn(name, goodPassword); got.StatusCode != http.StatusSeeOther || b.who("localhost") != "ann@example.com" {
			t.Errorf("%q: %d", name, got.StatusCode)
		}
	}
	for _, tt := range [][2]string{
		{"ann@example.com", ""}, {"", goodPassword}, {"ann@example.com", goodPassword + " "}, {"ann@example.com", strings.ToUpper(goodPassword)},
		{"ann@example.com\x00", goodPassword}, {"%", goodPassword}, {"ann@example.com", strings.Repeat("a", 4000)},
		{strings.Repeat("a", 4000), goodPassword}, {"ann@example.com' OR '1'='1", goodPassword},
	} {
		b := s.browser()
		if got := b.passwordSignIn(tt[0], tt[1]); got.StatusCode != http.StatusUnauthorized || b.who("localhost") != "nobody" {
			t.Errorf("%q: %d", tt, got.StatusCode)
		}
	}
}

// The form keeps the way to an app, also over a mistake.
func TestPasswordSignInToAnApp(t *testing.T) {
	s := withAnn(t, auth.Options{})
	b := s.browser()
	page := b.askFor(guestbook, "/in")
	fields := page.hidden()
	fields.Set("email", "ann@example.com")
	fields.Set("password", "wrong wrong wrong")
	page = b.post(s.url("localhost", "/auth/password"), fields)
	if page.StatusCode != http.StatusUnauthorized || !strings.Contains(page.body, `role="alert"`) || !strings.Contains(page.body, `value="ann@example.com"`) {
		t.Fatalf("after a mistake: %d\n%s", page.StatusCode, page.body)
	}
	fields = page.hidden()
	fields.Set("email", "ann@example.com")
	fields.Set("password", goodPassword)
	if end := b.post(s.url("localhost", "/auth/password"), fields); end.url() != s.url(guestbook, "/in") || end.body != "ann@example.com" {
		t.Errorf("ended at %s as %q", end.url(), end.body)
	}
}

// Who has no account can't be told from who has one: neither by what is answered,
// nor by how long it takes, since the same hash is computed.
func TestUnknownNamesAreNotTold(t *testing.T) {
	s := withAnn(t, auth.Options{Dev: true})
	s.browser().devSignIn("dev@example.com", "user")
	type result struct {
		Status int
		Body   string
		Hashes int64
	}
	var want *result
	for _, name := range []string{"ann@example.com", "none@example.com", "dev@example.com", "not an address"} {
		before := s.Hashes()
		got := s.browser().passwordSignIn(name, "wrong wrong wrong")
		r := result{got.StatusCode, strings.ReplaceAll(got.body, `value="`+name+`"`, ""), s.Hashes() - before}
		if want == nil {
			want = &r
		}
		if d := cmp.Diff(*want, r); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		json := s.from("192.0.2.1:1", http.MethodPost, "http://localhost/auth/password", url.Values{"email": {name}, "password": {"wrong wrong wrong"}})
		if json.Code != 401 || !strings.Contains(json.Body.String(), `"code":"PASSWORD_WRONG"`) || strings.Contains(json.Body.String(), name) {
			t.Errorf("a program gets %d %s", json.Code, json.Body)
		}
	}
	if want.Hashes != 1 {
		t.Errorf("%d hashes", want.Hashes)
	}
}

// Ten guesses, and then even the right one has to wait; but not on a browser that
// has signed in before.
func TestBruteForce(t *testing.T) {
	s := withAnn(t, auth.Options{})
	known, eve := s.browser().still(), s.browser()
	known.passwordSignIn("ann@example.com", goodPassword)
	known.post(s.url("localhost", "/auth/logout"), nil)
	for i := range 10 {
		if got := eve.passwordSignIn("ann@example.com", "guess number "+strconv.Itoa(i)); got.StatusCode != http.StatusUnauthorized {
			t.Fatalf("guess %d: %d", i, got.StatusCode)
		}
	}
	before := s.Hashes()
	got := eve.passwordSignIn("ann@example.com", goodPassword)
	if wait, _ := strconv.Atoi(got.Header.Get("Retry-After")); got.StatusCode != http.StatusTooManyRequests || wait < 1 || wait > 60 {
		t.Errorf("the eleventh: %d, Retry-After %q", got.StatusCode, got.Header.Get("Retry-After"))
	}
	if s.Hashes() != before {
		t.Error("a refused attempt costs a hash")
	}
	if got := known.passwordSignIn("ann@example.com", goodPassword); got.StatusCode != http.StatusSeeOther {
		t.Errorf("the owner of the account: %d", got.StatusCode)
	}
	// The cookie is for its account and of this server, and not for guessing either.
	cookie := known.cookie(s.url("localhost", ""), "fazt_known")
	for name, header := range map[string]string{"changed": cookie[:len(cookie)-2] + "AA", "made up": "x", "twice": cookie + "; fazt_known=" + cookie} {
		got := s.browser().do(http.MethodPost, s.url("localhost", "/auth/password"),
			url.Values{"email": {"ann@example.com"}, "password": {goodPassword}}, http.Header{"Cookie": {"fazt_known=" + header}})
		if got.StatusCode != http.StatusTooManyRequests {
			t.Errorf("a cookie that is %s: %d", name, got.StatusCode)
		}
	}
	for range 10 {
		known.passwordSignIn("ann@example.com", "wrong wrong wrong")
	}
	if got := known.passwordSignIn("ann@example.com", goodPassword); got.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a known browser guesses: %d", got.StatusCode)
	}
}

// What is counted, and how it comes back, in virtual time.
func TestAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		guess := func(a auth.Attempts, n int, account, addr func(int) string) (allowed int) {
			for i := range n {
				if a.Take(account(i), addr(i)) == 0 {
					allowed++
				}
			}
			return allowed
		}
		same := func(s string) func(int) string { return func(int) string { return s } }
		each := func(format string) func(int) string { return func(i int) string { return fmt.Sprintf(format, i) } }
		one, address, wide := auth.NewAttempts(), auth.NewAttempts(), auth.NewAttempts()
		got := map[string]int{
			"one account from one address":   guess(one, 500, same("ann"), same("192.0.2.1")),
			"accounts from one address":      guess(address, 500, each("u%d"), same("192.0.2.1")),
			"accounts from one IPv6 network": guess(auth.NewAttempts(), 500, each("u%d"), each("2001:db8::%x")),
			"one account from everywhere":    guess(wide, 500, same("ann"), each("10.0.0.%d")),
		}
		want := map[string]int{
			"one account from one address": 10, "accounts from one address": 30, "accounts from one IPv6 network": 30, "one account from everywhere": 100,
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if wait := one.Take("ann", "192.0.2.1"); wait != time.Minute {
			t.Errorf("to wait: %v", wait)
		}
		time.Sleep(time.Minute)
		if n := guess(one, 5, same("ann"), same("192.0.2.1")); n != 1 {
			t.Errorf("after a minute: %d", n)
		}
		time.Sleep(24 * time.Hour)
		if n := guess(one, 500, same("ann"), same("192.0.2.1")); n != 10 {
			t.Errorf("after a day: %d", n)
		}
		// Others are not concerned.
		if wait := wide.Take("bob", "10.0.0.1"); wait != 0 {
			t.Errorf("another account: %v", wait)
		}
		crowd := auth.NewAttempts()
		guess(crowd, auth.MaxBuckets, each("u%d"), each("2001:db8:%x::"))
		if n := crowd.Len(); n > auth.MaxBuckets {
			t.Errorf("%d buckets", n)
		}
	})
}

// A sign-in takes 19 MiB and a core: more than a few are made to wait, and more than
// wait in a second are told to come again.
func TestHashesAtOnce(t *testing.T) {
	const crowd = auth.MaxHashes + 20
	s := withAnn(t, auth.Options{})
	release := s.HoldHashes()
	got := make(chan int, crowd)
	for i := range crowd {
		go func() {
			w := s.from("10.0.0."+strconv.Itoa(i)+":1", http.MethodPost, "http://localhost/auth/password",
				url.Values{"email": {"u" + strconv.Itoa(i)}, "password": {"wrong wrong wrong"}})
			if w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			got <- w.Code
		}()
	}
	for range crowd - auth.MaxHashes {
		if status := <-got; status != http.StatusServiceUnavailable {
			t.Errorf("one too many: %d", status)
		}
	}
	before := s.Hashes()
	release()
	hashed := map[int]int64{}
	for range auth.MaxHashes { // on a slow machine, the last of them wait for too long
		hashed[<-got]++
	}
	if hashed[401] == 0 || hashed[401]+hashed[503] != auth.MaxHashes || s.Hashes()-before != hashed[401] {
		t.Errorf("statuses of those that waited: %v; %d hashes", hashed, s.Hashes()-before)
	}
}

// phc is a password as another version of the server would have stored it.
func phc(password string, memory, passes uint32) string {
	salt := []byte("0123456789abcdef")
	hash := argon2.IDKey([]byte(password), salt, passes, memory, 1, 32)
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=1$%s$%s", memory, passes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(hash))
}

func TestPasswordIsHashedAnew(t *testing.T) {
	s := withAnn(t, auth.Options{})
	stored := func() string { return s.column(`SELECT password_hash FROM auth_passwords`)[0] }
	const present = "$argon2id$v=19$m=19456,t=2,p=1$"
	if !strings.HasPrefix(stored(), present) {
		t.Errorf("stored as %q", stored())
	}
	s.exec(`UPDATE auth_passwords SET password_hash = ?`, phc(goodPassword, 1024, 1))
	s.browser().passwordSignIn("ann@example.com", "wrong wrong wrong")
	if strings.HasPrefix(stored(), present) {
		t.Error("a wrong password was hashed anew")
	}
	for range 2 {
		if got := s.browser().still().passwordSignIn("ann@example.com", goodPassword); got.StatusCode != http.StatusSeeOther {
			t.Fatalf("status %d", got.StatusCode)
		}
		if !strings.HasPrefix(stored(), present) {
			t.Errorf("still %q", stored())
		}
	}
	for _, broken := range []string{"", "$argon2id$", "$argon2i$v=19$m=1024,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=1024,t=1,p=1$AAAAAAAAAAA$"} {
		s.exec(`UPDATE auth_passwords SET password_hash = ?`, broken)
		if got := s.browser().still().passwordSignIn("ann@example.com", goodPassword); got.StatusCode < 400 {
			t.Errorf("%q lets in: %d", broken, got.StatusCode)
		}
	}
}

// What is read as a hash is written as one that is read the same, and never asks for
// more than the machine has.
func FuzzPasswordHash(f *testing.F) {
	for _, s := range []string{phc("password", 64, 1), "", "$", "$argon2id$v=19$m=1,t=1,p=1$$", "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=19456,t=2,p=1,x=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=16$m=19456,t=2,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := auth.ParsePasswordHash(s)
		if err != nil {
			return
		}
		if again, err := auth.ParsePasswordHash(h); err != nil || again != h {
			t.Errorf("%q is read as %q, and that as %q, %v", s, h, again, err)
		}
		var m, passes, lanes int
		if _, err := fmt.Sscanf(h, "$argon2id$v=19$m=%d,t=%d,p=%d$", &m, &passes, &lanes); err != nil || m > 256<<10 || passes > 16 {
			t.Errorf("%q asks for too much: %v", h, err)
		}
	})
}

func TestChangePassword(t *testing.T) {
	s := withAnn(t, auth.Options{})
	here, there := s.browser().still(), s.browser().still()
	here.passwordSignIn("ann@example.com", goodPassword)
	there.passwordSignIn("ann@example.com", goodPassword)
	change := func(b *browser, old, new string) int {
		return b.post(s.url("localhost", "/auth/password/change"), url.Values{"old": {old}, "new": {new}}).StatusCode
	}
	got := map[string]int{
		"wrong":     change(here, "wrong wrong wrong", "another good one"),
		"too short": change(here, goodPassword, "short"),
		"nobody":    change(s.browser(), goodPassword, "another good one"),
	}
	if d := cmp.Diff(map[string]int{"wrong": 403, "too short": 422, "nobody": 200}, got); d != "" { // nobody is led to sign in
		t.Error(d)
	}
	page := here.get(s.url("localhost", "/auth/sessions"))
	if !strings.Contains(page.body, `action="/auth/password/change"`) {
		t.Errorf("the sessions page has no form:\n%s", page.body)
	}
	if status := change(here, goodPassword, "another good one"); status != http.StatusSeeOther {
		t.Fatalf("status %d", status)
	}
	if here, there := here.who("localhost"), there.who("localhost"); here != "ann@example.com" || there != "nobody" {
		t.Errorf("here %q, there %q", here, there)
	}
	if old, new := s.browser().passwordSignIn("ann@example.com", goodPassword).StatusCode,
		s.browser().still().passwordSignIn("ann@example.com", "another good one").StatusCode; old != 401 || new != 303 {
		t.Errorf("old %d, new %d", old, new)
	}
}

func TestSetPassword(t *testing.T) {
	s := withAnn(t, auth.Options{Dev: true})
	b := s.browser().still()
	b.passwordSignIn("ann@example.com", goodPassword)
	s.browser().devSignIn("dev@example.com", "owner")
	if err := s.SetPassword(t.Context(), "ann@example.com", "another good one"); err != nil {
		t.Fatal(err)
	}
	if who := b.who("localhost"); who != "nobody" {
		t.Errorf("the session is still %q", who)
	}
	if got := b.passwordSignIn("ann@example.com", "another good one"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("the new password: %d", got.StatusCode)
	}
	if err := s.SetPassword(t.Context(), "none@example.com", goodPassword); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("nobody's: %v", err)
	}
	for name, password := range map[string]string{"ann@example.com": "short", "dev@example.com": goodPassword} {
		if err := s.SetPassword(t.Context(), name, password); auth.CodeOf(err) != auth.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Guessing leaves traces, but can't fill the audit log; what was typed as a name
// may be a password, and is not kept.
func TestFailedSignInsAreAudited(t *testing.T) {
	store := openStore(t)
	s := withAnn(t, auth.Options{Store: store})
	guess := func(addr, name string, n int) {
		for range n {
			s.from(addr+":1", http.MethodPost, "http://localhost/auth/password", url.Values{"email": {name}, "password": {"wrong wrong wrong"}})
		}
	}
	guess("192.0.2.1", "ann@example.com", 5)
	guess("192.0.2.2", "my secret", 2)
	s.Close()
	id := s.column(`SELECT id FROM auth_users`)[0]
	got := map[string]int{}
	list, err := store.Audit(t.Context(), storage.AuditQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if strings.Contains(fmt.Sprint(e), "secret") {
			t.Errorf("what was typed is kept: %+v", e)
		}
		if e.Action == "user.sign_in_failed" {
			got[e.Actor.Addr+" "+e.Target+" "+string(e.Details)]++
		}
	}
	want := map[string]int{
		`192.0.2.1 ann@example.com {"user_id":"` + id + `","provider":"password","count":1}`: 1,
		`192.0.2.1 ann@example.com {"user_id":"` + id + `","provider":"password","count":4}`: 1,
		`192.0.2.2  {"provider":"password","count":1}`:                                       2,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// While somebody goes on guessing, an entry a minute says so.
func TestFailedSignInsAreAuditedEachMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := openStore(t)
		s := &server{t: t, Auth: newAuth(t, &auth.Options{Store: store})}
		for minute := range 3 {
			for i := range 3 {
				s.from(fmt.Sprintf("192.0.2.%d:1", minute), http.MethodPost, "http://localhost/auth/password", url.Values{"email": {"u" + strconv.Itoa(i)}, "password": {"wrong wrong wrong"}})
			}
			time.Sleep(2 * time.Minute)
			synctest.Wait()
		}
		got := map[string]int{}
		for _, e := range audit(t, store) {
			got[e.Actor.Addr+" "+e.Details]++
		}
		want := map[string]int{}
		for minute := range 3 {
			for _, n := range []int{1, 2} {
				want[fmt.Sprintf(`192.0.2.%d {"provider":"password","count":%d}`, minute, n)] = 1
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}

// The sign-in page has the form only when somebody could use it.
func TestPasswordFormOnTheSignInPage(t *testing.T) {
	s := start(t, auth.Options{})
	page := s.url("localhost", "/auth/login")
	if got := s.browser().get(page); strings.Contains(got.body, `type="password"`) {
		t.Error("a form, and no passwords")
	}
	s.browser().join(auth.InvitePath(s.invite(auth.RoleUser, 1)), "ann@example.com")
	if got := s.browser().get(page); !strings.Contains(got.body, `action="/auth/password"`) {
		t.Errorf("no form:\n%s", got.body)
	}
}

// Another site's page can't sign a visitor in as somebody else.
func TestPasswordFormsFromOtherSites(t *testing.T) {
	s := withAnn(t, auth.Options{})
	for _, path := range []string{"/auth/password", "/auth/password/change", auth.InvitePath(s.invite("user", 1)), auth.SetupPath(s.setupCode())} {
		r := httptest.NewRequest(http.MethodPost, "http://localhost"+path, strings.NewReader(url.Values{"email": {"ann@example.com"}, "password": {goodPassword}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-site")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden || len(w.Result().Cookies()) > 0 {
			t.Errorf("%s: %d", path, w.Code)
		}
		r.Host = guestbook
		w = httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusNotFound {
			t.Errorf("%s on an app's host: %d", path, w.Code)
		}
	}
}
