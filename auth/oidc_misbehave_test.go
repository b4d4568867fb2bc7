package auth_test

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/harnesstest/faults"
)

// TestOpenIDMisbehaves has each endpoint of an issuer that sign-in asks misbehave in each
// way: sign-in ends, with a code that says whose fault it is, and signs nobody in.
func TestOpenIDMisbehaves(t *testing.T) {
	const slow, broken = "504 PROVIDER_TIMEOUT", "503 PROVIDER_UNAVAILABLE"
	endpoints := []string{harnesstest.IssuerMetadata, harnesstest.IssuerToken, harnesstest.IssuerKeys, harnesstest.IssuerUserInfo}
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		want    []string // of one of these, for each endpoint
	}{
		{"hangs", faults.Hang, []string{slow}},
		{"dribbles", faults.Dribble(10 * time.Millisecond), []string{slow}},
		{"is cut off", faults.CutOff, []string{broken}},
		{"is too large", faults.HugeJSON(100 << 20), []string{"502 PROVIDER_TOO_LARGE"}},
		{"is too large when it is unpacked", faults.HugeGzip(20 << 20), []string{"502 PROVIDER_TOO_LARGE"}},
		{"is nested too deep", faults.DeepJSON(100_000), []string{"502 PROVIDER_METADATA", "502 PROVIDER_KEYS", "502 PROVIDER_ANSWER"}},
		{"redirects to itself", faults.RedirectLoop, []string{"502 PROVIDER_REDIRECT"}},
		{"redirects away", faults.RedirectTo("https://evil.example/"), []string{"502 PROVIDER_REDIRECT"}},
		{"redirects to nothing", faults.RedirectTo("http://127.0.0.1:1/"), []string{broken, "502 PROVIDER_REDIRECT"}},
		{"is empty", say(200, "application/json", ""), []string{"502 PROVIDER_METADATA", "502 PROVIDER_KEYS", "502 PROVIDER_ANSWER"}},
		{"is null", say(200, "application/json", "null"), []string{"502 PROVIDER_METADATA", "502 PROVIDER_KEYS", "502 PROVIDER_ANSWER", "502 USERINFO_SUBJECT"}},
		{"is a list", say(200, "application/json", "[]"), []string{"502 PROVIDER_METADATA", "502 PROVIDER_KEYS", "502 PROVIDER_ANSWER"}},
		{"is a picture", say(200, "image/png", "\x89PNG\r\n\x1a\n"), []string{"502 PROVIDER_METADATA", "502 PROVIDER_KEYS", "502 PROVIDER_ANSWER"}},
		{"has no content type", say(200, "", "<html>"), []string{"502 PROVIDER_METADATA", "502 PROVIDER_KEYS", "502 PROVIDER_ANSWER"}},
		{"says gzip of what is none", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			say(200, "application/json", "{}")(w, r)
		}, []string{broken}},
	} {
		for _, endpoint := range endpoints {
			t.Run(tt.name+endpoint, func(t *testing.T) {
				t.Parallel()
				i := harnesstest.StartIssuer(t)
				script := at(endpoint, tt.handler)
				script.Claims = without("email") // so that the user info are asked for
				i.Bend(script)
				out := &logged{}
				opt := auth.Options{Providers: []auth.Provider{openID(t, i)}, Logger: slog.New(slog.NewTextHandler(out, nil)), ProviderTimeout: time.Minute}
				if tt.want[0] == slow {
					opt.ProviderTimeout = 200 * time.Millisecond
				}
				s := start(t, opt)
				got := s.browser().outcome("")
				found := false
				for _, want := range tt.want {
					found = found || got == want
				}
				if !found {
					t.Errorf("%s, want one of %q", got, tt.want)
				}
				if !strings.Contains(out.String(), "idp") {
					t.Errorf("the log does not say which provider failed:\n%s", out)
				}
				if rows := s.column(`SELECT 'row' FROM auth_sessions`); len(rows) > 0 {
					t.Errorf("there are %d sessions", len(rows))
				}
			})
		}
	}
}

// A clock that goes wrong by less than five minutes keeps nobody out.
func TestOpenIDClocks(t *testing.T) {
	for _, tt := range []struct {
		ahead time.Duration
		want  string
	}{
		{0, isSignedIn},
		{4 * time.Minute, isSignedIn},
		{-4 * time.Minute, isSignedIn},
		{6 * time.Minute, "502 TOKEN_TIME"},
		{-6 * time.Minute, "502 TOKEN_EXPIRED"}, // which tokens are after five minutes
		{-24 * time.Hour, "502 TOKEN_EXPIRED"},
		{24 * time.Hour, "502 TOKEN_TIME"},
	} {
		i := harnesstest.StartIssuer(t)
		i.SetClock(tt.ahead)
		s := start(t, auth.Options{Providers: []auth.Provider{openID(t, i)}})
		if got := s.browser().outcome(""); got != tt.want {
			t.Errorf("an issuer whose clock is %v ahead: %s, want %s", tt.ahead, got, tt.want)
		}
	}
}

// Keys that change while people sign in keep nobody out, where the issuer leaves the one
// before in its key set. Where it does not, who is on their way may be refused, and
// nobody after them. Nor is the issuer asked for keys by each.
func TestOpenIDKeysRotateUnderLoad(t *testing.T) {
	for name, rotate := range map[string]func(*harnesstest.Issuer, *harnesstest.IssuerKey){
		"rolled over": (*harnesstest.Issuer).RollOver, "replaced": (*harnesstest.Issuer).Rotate,
	} {
		t.Run(name, func(t *testing.T) {
			i := harnesstest.StartIssuer(t)
			s := start(t, auth.Options{Providers: []auth.Provider{openID(t, i)}})
			next := harnesstest.NewIssuerKey(t, "ES256")
			const people, each = 8, 10
			var all sync.WaitGroup
			signed, rotated := make(chan struct{}, people*each), make(chan struct{})
			for range people {
				all.Go(func() {
					for range each {
						b := s.browser()
						if got := b.outcome(""); got != isSignedIn && (name == "rolled over" || got != "502 TOKEN_KEY") {
							t.Error(got)
						}
						b.CloseIdleConnections()
						signed <- struct{}{}
					}
				})
			}
			all.Go(func() {
				defer close(rotated)
				for range people * each / 3 {
					<-signed
				}
				rotate(i, next)
			})
			<-rotated
			all.Wait()
			if got := s.browser().outcome(""); got != isSignedIn {
				t.Errorf("afterwards: %s", got)
			}
			if n := i.Count(harnesstest.IssuerKeys); n != 2 {
				t.Errorf("the keys were asked for %d times, want 2: at first, and for the new one", n)
			}
			if name == "rolled over" && len(s.column(`SELECT id FROM auth_sessions`)) != people*each+1 {
				t.Error("somebody has no session")
			}
		})
	}
}
