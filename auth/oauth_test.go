package auth_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/harnesstest/faults"
	"github.com/google/go-cmp/cmp"
)

// GitHub and Discord are played by what they document of their answers.
func TestOAuth(t *testing.T) {
	const (
		ok   = "application/json"
		form = "access_token=t&token_type=bearer&scope=read%3Auser" // as GitHub answers without Accept
	)
	type answers map[string]http.HandlerFunc
	gitHub := func(change answers) answers {
		a := answers{
			"/login/oauth/access_token": say(200, "application/x-www-form-urlencoded", form),
			"/api/v3/user":              say(200, ok, `{"id":583231,"login":"octocat","name":"Mona","avatar_url":"https://a.example/u","email":"unproven@example.com"}`),
			"/api/v3/user/emails": say(200, ok, `[{"email":"old@example.com","primary":false,"verified":true},
				{"email":"Mona@Example.com","primary":true,"verified":true}]`),
		}
		for path, h := range change {
			a[path] = h
		}
		return a
	}
	discord := func(change answers) answers {
		a := answers{
			"/api/oauth2/token": say(200, ok, `{"access_token":"t","token_type":"Bearer","expires_in":604800,"refresh_token":"r","scope":"identify email"}`),
			"/api/users/@me": say(200, ok, `{"id":"80351110224678912","username":"nelly","global_name":"Nelly","avatar":"8342729",
				"email":"nelly@example.com","verified":true}`),
		}
		for path, h := range change {
			a[path] = h
		}
		return a
	}
	tests := []struct {
		name, provider string
		answers        answers
		want           string // the failure, or "subject|e-mail|name|picture"
	}{
		{"sound", "github", gitHub(nil), "583231|mona@example.com|Mona|https://a.example/u"},
		{"no name", "github", gitHub(answers{"/api/v3/user": say(200, ok, `{"id":1,"login":"octocat","name":null}`)}), "1|mona@example.com|octocat|"},
		{"the primary address is not verified", "github", gitHub(answers{"/api/v3/user/emails": say(200, ok,
			`[{"email":"a@example.com","primary":false,"verified":true},{"email":"b@example.com","primary":true,"verified":false}]`)}), "583231||Mona|https://a.example/u"},
		{"no addresses", "github", gitHub(answers{"/api/v3/user/emails": say(200, ok, `[]`)}), "583231||Mona|https://a.example/u"},
		{"no id", "github", gitHub(answers{"/api/v3/user": say(200, ok, `{"login":"octocat"}`)}), "502 PROVIDER_ANSWER"},
		{"an id that is a text", "github", gitHub(answers{"/api/v3/user": say(200, ok, `{"id":"1"}`)}), "502 PROVIDER_ANSWER"},
		{"a code that was used", "github", gitHub(answers{"/login/oauth/access_token": say(200, ok,
			`{"error":"bad_verification_code","error_description":"The code passed is incorrect or expired."}`)}), "400 CODE_REFUSED"},
		{"another secret", "github", gitHub(answers{"/login/oauth/access_token": say(200, ok, `{"error":"incorrect_client_credentials"}`)}), "502 PROVIDER_CLIENT"},
		{"another redirect URL", "github", gitHub(answers{"/login/oauth/access_token": say(200, ok, `{"error":"redirect_uri_mismatch"}`)}), "502 PROVIDER_CLIENT"},
		{"no scope for addresses", "github", gitHub(answers{"/api/v3/user/emails": say(404, ok, `{"message":"Not Found"}`)}), "502 PROVIDER_ANSWER"},
		{"too many requests", "github", gitHub(answers{"/api/v3/user": say(429, ok, `{}`)}), "503 PROVIDER_UNAVAILABLE"},
		{"a page", "github", gitHub(answers{"/api/v3/user": say(200, "text/html", `<html>`)}), "502 PROVIDER_ANSWER"},
		{"10 MB", "github", gitHub(answers{"/api/v3/user/emails": endless}), "502 PROVIDER_TOO_LARGE"},

		{"sound", "discord", discord(nil), "80351110224678912|nelly@example.com|Nelly|https://cdn.discordapp.com/avatars/80351110224678912/8342729.png"},
		{"not verified", "discord", discord(answers{"/api/users/@me": say(200, ok, `{"id":"1","username":"nelly","email":"nelly@example.com","verified":false}`)}), "1||nelly|"},
		{"no address", "discord", discord(answers{"/api/users/@me": say(200, ok, `{"id":"1","username":"nelly","email":null}`)}), "1||nelly|"},
		{"no id", "discord", discord(answers{"/api/users/@me": say(200, ok, `{"username":"nelly"}`)}), "502 PROVIDER_ANSWER"},
		{"an id that is a number", "discord", discord(answers{"/api/users/@me": say(200, ok, `{"id":1}`)}), "502 PROVIDER_ANSWER"},
		{"a code that was used", "discord", discord(answers{"/api/oauth2/token": say(400, ok, `{"error":"invalid_grant"}`)}), "400 CODE_REFUSED"},
		{"another secret", "discord", discord(answers{"/api/oauth2/token": say(401, ok, `{"error":"invalid_client"}`)}), "502 PROVIDER_CLIENT"},
		{"a token that is none", "discord", discord(answers{"/api/users/@me": say(401, ok, `{"message":"401: Unauthorized"}`)}), "502 PROVIDER_ANSWER"},
		{"redirects without end", "discord", discord(answers{"/api/users/@me": faults.RedirectLoop}), "502 PROVIDER_REDIRECT"},
		{"down", "discord", discord(answers{"/api/oauth2/token": faults.CutOff}), "503 PROVIDER_UNAVAILABLE"},
	}
	for _, tt := range tests {
		t.Run(tt.provider+": "+tt.name, func(t *testing.T) {
			site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, "/user") && r.Header.Get("Authorization") != "Bearer t" {
					t.Errorf("%s has the token %q", r.URL.Path, r.Header.Get("Authorization"))
				}
				if r.Method == http.MethodPost && (r.PostFormValue("client_secret") != "secret" || len(r.PostFormValue("code_verifier")) < 43) {
					t.Errorf("the token is asked for with %v", r.PostForm)
				}
				tt.answers[r.URL.Path](w, r)
			}))
			defer site.Close()
			p, err := auth.NewProvider(tt.provider, api.ProviderConfig{Issuer: site.URL, ClientID: "id", ClientSecret: "secret"})
			if err != nil {
				t.Fatal(err)
			}
			s := start(t, auth.Options{Providers: []auth.Provider{p}})
			b := s.browser().still()
			got := b.failure(b.visit(tt.provider, "", "code"))
			if rows := s.column(`SELECT subject || '|' || email || '|' || name || '|' || picture FROM auth_users, auth_identities`); len(rows) > 0 {
				got = rows[0]
			}
			if got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if issuers := s.column(`SELECT issuer FROM auth_identities`); len(issuers) > 0 && issuers[0] != site.URL {
				t.Errorf("the issuer is %q", issuers[0])
			}
		})
	}
}

// Where the browser is sent has what each provider documents, and nothing secret.
func TestAuthURL(t *testing.T) {
	i := harnesstest.StartIssuer(t)
	x := auth.Exchange{RedirectURL: "https://admin.example.com/auth/callback/x", State: "s", Nonce: "n", Verifier: strings.Repeat("v", 43)}
	const challenge = "7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM"
	common := map[string]string{"client_id": "id", "redirect_uri": x.RedirectURL, "response_type": "code", "state": "s",
		"code_challenge": challenge, "code_challenge_method": "S256"}
	for _, tt := range []struct {
		name, issuer, at string
		ask              bool
		want             map[string]string // beside what is common
	}{
		{"github", "", "https://github.com/login/oauth/authorize", false, map[string]string{"scope": "read:user user:email"}},
		{"github", "", "https://github.com/login/oauth/authorize", true, map[string]string{"scope": "read:user user:email", "prompt": "select_account"}},
		{"discord", "", "https://discord.com/oauth2/authorize", false, map[string]string{"scope": "identify email", "prompt": "none"}},
		{"discord", "", "https://discord.com/oauth2/authorize", true, map[string]string{"scope": "identify email", "prompt": "consent"}},
		{"idp", i.URL, i.URL + "/authorize", false, map[string]string{"scope": "openid email profile", "nonce": "n"}},
		{"idp", i.URL, i.URL + "/authorize", true, map[string]string{"scope": "openid email profile", "nonce": "n", "prompt": "select_account"}},
	} {
		p, err := auth.NewProvider(tt.name, api.ProviderConfig{Issuer: tt.issuer, ClientID: "id", ClientSecret: "secret"})
		if err != nil {
			t.Fatal(err)
		}
		x.Ask = tt.ask
		address, err := p.AuthURL(t.Context(), x)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		got, want := map[string]string{}, map[string]string{}
		for name := range u.Query() {
			got[name] = u.Query().Get(name)
		}
		for _, m := range []map[string]string{common, tt.want} {
			for name, v := range m {
				want[name] = v
			}
		}
		if d := cmp.Diff(want, got); d != "" || !strings.HasPrefix(address, tt.at+"?") {
			t.Errorf("%s: %s\n%s", tt.name, address, d)
		}
	}
}

// A secret is in no text that is made of a configuration.
func TestConfigHidesSecret(t *testing.T) {
	c := api.ProviderConfig{Issuer: "https://a.example", ClientID: "id", ClientSecret: "hush"}
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("config", "c", c, "p", &c)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("config", "c", c, "p", &c)
	fmt.Fprintf(&b, "%v %+v %s", c, &c, []api.ProviderConfig{c})
	if strings.Contains(b.String(), "hush") {
		t.Error(b.String())
	}
}
