package passkey_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/auth"
	"github.com/fazt-sh/fazt/auth/passkey"
)

var (
	site = auth.PasskeyParty{Host: "admin.example.com", Origin: "https://admin.example.com"}
	ann  = auth.PasskeyUser{ID: "ann", Email: "ann@example.com"}
)

// What browsers get asks for a passkey that needs no name and verifies its holder.
func TestOptions(t *testing.T) {
	for _, tt := range []struct {
		name  string
		begin func() (options, state []byte, err error)
		want  []string
	}{
		{"register", func() ([]byte, []byte, error) { return passkey.New().BeginRegister(site, ann) },
			[]string{`"rp":{"name":"admin.example.com","id":"admin.example.com"}`, `"residentKey":"required"`, `"userVerification":"required"`, `"name":"ann@example.com"`}},
		{"login", func() ([]byte, []byte, error) { return passkey.New().BeginLogin(site) },
			[]string{`"rpId":"admin.example.com"`, `"userVerification":"required"`}},
	} {
		options, state, err := tt.begin()
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		again, other, err := tt.begin()
		if err != nil || string(options) == string(again) || string(state) == string(other) {
			t.Errorf("%s: two are the same, or %v", tt.name, err)
		}
		for _, part := range tt.want {
			if !strings.Contains(string(options), part) {
				t.Errorf("%s: the options lack %s:\n%s", tt.name, part, options)
			}
		}
	}
}

// What can't be a site's is refused before anybody is asked.
func TestNoSite(t *testing.T) {
	for _, p := range []auth.PasskeyParty{{}, {Host: "192.0.2.1", Origin: "http://192.0.2.1"}, {Host: "admin.example.com"}} {
		if _, _, err := passkey.New().BeginLogin(p); err == nil {
			t.Errorf("%+v is taken", p)
		}
	}
}

// Nothing that a browser may send crashes, or is taken without its key.
func FuzzFinish(f *testing.F) {
	c := passkey.New()
	_, login, err := c.BeginLogin(site)
	if err != nil {
		f.Fatal(err)
	}
	_, register, err := c.BeginRegister(site, ann)
	if err != nil {
		f.Fatal(err)
	}
	for _, response := range []map[string]string{
		{"clientDataJSON": "e30", "attestationObject": "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YUA"},
		{"clientDataJSON": "e30", "authenticatorData": "AA", "signature": "AA", "userHandle": "YW5u"},
	} {
		seed, err := json.Marshal(map[string]any{"id": "YQ", "rawId": "YQ", "type": "public-key", "response": response})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		if made, err := c.FinishRegister(site, ann, register, answer); err == nil {
			t.Errorf("made %+v", made)
		}
		find := func(string) (auth.PasskeyUser, error) { return auth.PasskeyUser{}, errors.New("nobody has it") }
		if shown, err := c.FinishLogin(site, login, answer, find); err == nil {
			t.Errorf("shown %+v", shown)
		}
	})
}
