package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestProviderCommands: what the commands print has the secret nowhere.
func TestProviderCommands(t *testing.T) {
	db := filepath.Join(t.TempDir(), "data.db")
	if code, _, errs := command(t, db, "", "app", "deploy", write(t, map[string]string{"index.html": ""}), "--name", "notes"); code != 0 {
		t.Fatal(errs)
	}
	secret, empty := filepath.Join(t.TempDir(), "secret"), filepath.Join(t.TempDir(), "empty")
	for name, text := range map[string]string{secret: " hush-file\n", empty: "\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stored := func() string {
		_, out, _ := command(t, db, "", "auth", "providers", "--format", "csv")
		return out
	}
	for _, tt := range []struct {
		args, stdin string
		code        int
		want        string // part of what is printed
	}{
		{"auth providers", "", 0, "no providers yet; make one with: fazt auth provider google"},
		{"auth provider", "", 2, "<name> is missing"},
		{"auth provider google", "", 1, "there is no provider google yet"},
		{"auth provider google --client-id x --enable --disable", "", 2, "--enable and --disable are both given"},
		{"auth provider google --client-id x --client-secret a --client-secret-file b", "", 2, "are both given"},
		{"auth provider google --client-id x --client-secret-file " + empty, "", 1, "there is no secret in " + empty},
		{"auth provider google --client-id x --client-secret-file /none", "", 1, "no such file"},
		{"auth provider google --disable", "", 1, "the client id is missing"},
		{"auth provider work --client-id x", "", 1, "give its issuer"},
		{"auth provider dev --client-id x --issuer https://id.example.com", "", 1, "meaning of its own"},
		{"auth provider work --client-id x --issuer http://id.example.com", "", 1, "not an https URL"},

		{"auth provider google --client-id x --client-secret-file " + secret, "", 0, "http://localhost:8080/auth/callback/google\n"},
		{"auth provider work --issuer https://id.example.com --client-id y --client-secret-file - --url https://admin.example.com/", "hush-stdin\n", 0,
			"https://admin.example.com/auth/callback/work\n"},
		{"auth provider github --client-id z --client-secret hush-flag", "", 0, "GitHub is on; register this redirect URL there:"},
		{"auth provider work --issuer https://evil.example", "", 1, "give both with it"},
		{"auth provider google --disable", "", 0, "google is off\n"},
		{"auth provider google --format csv", "", 0, "google,Google,false,https://accounts.google.com,x,/auth/callback/google\n"},
		{"auth provider google --enable", "", 0, "/auth/callback/google\n"},
		{"auth provider google --remove --enable", "", 2, "--remove stands with no other change"},
		{"auth provider google --remove", "", 2, "say that you mean it with --yes"},
		{"auth provider google --remove --yes", "", 0, "removed google\n"},
		{"auth provider google --remove --yes", "", 1, "not found; list the providers"},
		{"auth providers --format json", "", 0, `"name":"work"`},
	} {
		code, out, errs := command(t, db, tt.stdin, strings.Fields(tt.args)...)
		if code != tt.code || !strings.Contains(out+errs, tt.want) {
			t.Errorf("fazt %s: exit %d, printed %q, %q; want exit %d and %q", tt.args, code, out, errs, tt.code, tt.want)
		}
		if strings.Contains(out+errs, "hush") {
			t.Errorf("fazt %s prints the secret: %q %q", tt.args, out, errs)
		}
	}
	want := "name,label,enabled,issuer,client_id,redirect_path\n" +
		"github,GitHub,true,https://github.com,z,/auth/callback/github\nwork,Work,true,https://id.example.com,y,/auth/callback/work\n"
	if got := stored(); got != want {
		t.Errorf("the providers are\n%s, want\n%s", got, want)
	}
}

// TestClientSecretFromEnvironment: it is taken for a client that the command names.
func TestClientSecretFromEnvironment(t *testing.T) {
	db := filepath.Join(t.TempDir(), "data.db")
	if code, _, errs := command(t, db, "", "app", "deploy", write(t, map[string]string{"index.html": ""}), "--name", "notes"); code != 0 {
		t.Fatal(errs)
	}
	changes := func() string {
		_, out, _ := command(t, db, "", "sql", "SELECT COUNT(*) AS n FROM audit WHERE action = 'provider.set' AND details LIKE '%\"new_secret\":true%'", "--format", "csv")
		return out
	}
	t.Setenv("FAZT_CLIENT_SECRET", "hush")
	if code, _, errs := command(t, db, "", "auth", "provider", "google", "--client-id", "x"); code != 0 {
		t.Fatal(errs)
	}
	t.Setenv("FAZT_CLIENT_SECRET", "another")
	if code, _, errs := command(t, db, "", "auth", "provider", "google", "--disable"); code != 0 {
		t.Fatal(errs)
	}
	if got := changes(); got != "n\n1\n" {
		t.Errorf("secrets that were set: %q", got)
	}
}
