package auth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
)

// The claim: a session that was read within half a second costs under 2 us and
// the copy of its user; one that was not costs two point reads, in one snapshot.
func BenchmarkSession(b *testing.B) {
	a := newAuth(b, &auth.Options{Dev: true})
	good := requestOf(b, a, "ann@example.com")
	stranger := httptest.NewRequest(http.MethodGet, "/", nil)
	unknown := httptest.NewRequest(http.MethodGet, "/", nil)
	unknown.Header.Set("Cookie", "fazt_session="+strings.Repeat("a", 52))

	for _, bb := range []struct {
		name string
		r    *http.Request
		in   bool
	}{{"hit", good, true}, {"unknown", unknown, false}, {"none", stranger, false}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if u, err := a.User(bb.r); err != nil || (u != nil) != bb.in {
					b.Fatal(u, err)
				}
			}
		})
	}
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if u, err := a.User(good); err != nil || u == nil {
					b.Error(u, err)
					return
				}
			}
		})
	})
}

func BenchmarkCheckKey(b *testing.B) {
	a := newAuth(b, &auth.Options{})
	token, _, err := a.CreateKey(b.Context(), "laptop", []string{api.ScopeRead}, time.Time{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.CheckKey(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

// The page with most on it: a sign-in page for an app.
func BenchmarkLoginPage(b *testing.B) {
	a := newAuth(b, &auth.Options{Dev: true})
	r := localRequest(http.MethodGet, "localhost:8080",
		"/auth/login?app=guestbook.localhost:8080&challenge="+strings.Repeat("0", 64))
	b.ReportAllocs()
	for b.Loop() {
		if w := respond(a, r); w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}

// BenchmarkPasswordSignIn is what one attempt costs: a hash, and little beside it.
func BenchmarkPasswordSignIn(b *testing.B) {
	s := withAnn(b, auth.Options{})
	n := 0
	for b.Loop() {
		n++
		form := url.Values{"email": {fmt.Sprint("u", n)}, "password": {"wrong wrong wrong"}}
		addr := fmt.Sprintf("[2001:db8:%x:%x::1]:1", n>>16, n&0xffff)
		s.from(addr, http.MethodPost, "http://localhost/auth/password", form)
	}
}
