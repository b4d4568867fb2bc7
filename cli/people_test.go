package cli_test

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/cli"
)

const goodPassword = "correct horse battery"

// command runs the program on a data file, with a standard input.
func command(t *testing.T, dataFile, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command("fazt", args...)
	cmd.Env = append(os.Environ(), "FAZT_DB_PATH="+dataFile)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// columns returns two columns of a table that was printed as CSV.
func columns(t *testing.T, text, first, second string) []string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("%v in %q", err, text)
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	got := []string{}
	for _, row := range rows[1:] {
		got = append(got, row[at[first]]+" "+row[at[second]])
	}
	return got
}

// join fills in the page that a link leads to.
func join(t *testing.T, link, email string) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.PostForm(link, url.Values{"email": {email}, "password": {goodPassword}})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		t.Fatalf("joining by %s: %s", link, res.Status)
	}
}

// From nothing to a server with people: the link that serve prints makes the owner,
// and with that there is none any more.
func TestFirstRun(t *testing.T) {
	db := filepath.Join(t.TempDir(), "data.db")
	p := start(t, db, "serve", "--addr", "127.0.0.1:0", "--dev")
	p.until(`^Dev sign-in, as anybody: http://localhost:\d+/auth/dev/login$`)
	first := p.until(`^Set up this server: (http://localhost:\d+/auth/setup/\S+)$`)[1]
	if code, out, _ := command(t, db, "", "auth", "setup", "--url", "http://localhost/"); code != 0 ||
		!regexp.MustCompile(`^http://localhost/auth/setup/[a-z2-7]{52}\n$`).MatchString(out) {
		t.Fatalf("auth setup: %d %q", code, out)
	}
	if res, err := http.Get(first); err != nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("a link that was replaced: %v, %v", res, err)
	}
	base := first[:strings.Index(first, "/auth/")]
	_, link, _ := command(t, db, "", "auth", "setup", "--url", base)
	join(t, strings.TrimSpace(link), "owner@example.com")
	_, link, notes := command(t, db, "", "auth", "invite", "--role", "admin", "--expires", "12h") // it knows where the server is
	if !strings.HasPrefix(notes, "for one person to join as admin, until 20") {
		t.Errorf("said of the invite: %q", notes)
	}
	join(t, strings.TrimSpace(link), "ann@example.com")
	if code := p.interrupt(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p.rest()
	if strings.Contains(p.seen.String(), link[strings.LastIndexByte(link, '/')+1:len(link)-1]) {
		t.Error("a code is in the log")
	}

	p = start(t, db, "serve", "--addr", "127.0.0.1:0")
	p.until(`msg=serving`)
	if code := p.interrupt(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p.rest()
	if strings.Contains(p.seen.String(), "Set up") {
		t.Error("a server with an owner offers to be set up")
	}
	managePeople(t, db)
}

// managePeople is the commands for people, on a server with two.
func managePeople(t *testing.T, db string) {
	if code, _, errs := command(t, db, "", "app", "deploy", write(t, map[string]string{"index.html": ""}), "--name", "notes"); code != 0 {
		t.Fatal(errs)
	}
	for _, tt := range []struct {
		args, stdin string
		code        int
		want        string // part of what is printed
	}{
		{"auth users --format csv", "", 0, ",owner@example.com,owner,owner,password,true,"},
		{"auth user ann@example.com --format csv", "", 0, ",ann@example.com,ann,admin,,password,false,"},
		{"auth user none@example.com", "", 1, "not found; list the users"},
		{"auth user owner@example.com --role user", "", 1, "the server would have no owner left; make somebody else owner first"},
		{"auth user owner@example.com --delete --yes", "", 1, "the server would have no owner left"},
		{"auth user ann@example.com --role root", "", 1, `there is no role "root"; use owner, admin or user`},
		{"auth user ann@example.com --role user --name Ann --format csv", "", 0, ",ann@example.com,Ann,user,,password,"},
		{"auth user ann@example.com --app notes --role editor --format csv", "", 0, ",Ann,user,notes:editor,"},
		{"auth user ann@example.com --app none --role editor", "", 1, `there is no app named "none"`},
		{"auth user ann@example.com --app notes", "", 2, "--app needs the --role"},
		{"auth user ann@example.com --app notes --delete --format csv", "", 0, ",Ann,user,,"},
		{"auth user ann@example.com --password", "short\n", 1, "the password is too short"},
		{"auth user ann@example.com --password", "", 1, "there is no password on standard input"},
		{"auth user ann@example.com --password", "another good one\n", 0, "ann@example.com"},
		{"auth user ann@example.com --delete", "", 2, "say that you mean it with --yes"},
		{"auth user ann@example.com --delete --role user --yes", "", 2, "--delete stands with no other change"},
		{"auth user ann@example.com --delete --yes", "", 0, "removed ann@example.com"},
		{"auth invite --uses 2", "", 0, "/auth/invite/"},
		{"auth invite --uses 0", "", 2, "--uses 0 is not a positive number"},
		{"auth invite --expires soon", "", 2, "--expires soon is neither a time from now nor a day"},
		{"auth invite --expires 2020-01-31", "", 1, "the expiry 2020-01-31T00:00:00Z has passed"},
		{"auth invite --role root", "", 1, `there is no role "root"`},
		{"auth invite revoke none", "", 1, "not found; list the invites"},
		{"auth invite remove x", "", 2, `unknown command "remove"`},
		{"auth invites --format json", "", 0, `"role":"user"`},
		{"auth key create ci --scopes read --expires 1d", "", 0, "fzt_"},
		{"auth key create ci --scopes read --expires 1d", "", 0, "fzt_"},
		{"auth sessions --user none", "", 1, "not found; list the users"},
		{"auth session end none", "", 1, "not found; list the sessions"},
		{"auth key revoke none", "", 1, "not found; list the keys"},
	} {
		code, out, errs := command(t, db, tt.stdin, strings.Fields(tt.args)...)
		if code != tt.code || !strings.Contains(out+errs, tt.want) {
			t.Errorf("fazt %s: exit %d, printed %q, %q; want exit %d and %q", tt.args, code, out, errs, tt.code, tt.want)
		}
	}
	_, out, _ := command(t, db, "", "auth", "keys", "--format", "csv")
	keys := columns(t, out, "id", "state")
	if len(keys) != 2 {
		t.Fatalf("two keys of one name: %q", out)
	}
	id, _, _ := strings.Cut(keys[0], " ")
	if code, out, errs := command(t, db, "", "auth", "key", "revoke", id); code != 0 || out != "revoked "+id+"\n" {
		t.Errorf("revoking: %d %q %q", code, out, errs)
	}
	_, out, _ = command(t, db, "", "auth", "keys", "--format", "csv")
	if d := cmp.Diff([]string{"ci revoked", "ci good"}, columns(t, out, "name", "state")); d != "" {
		t.Error(d)
	}
	_, out, _ = command(t, db, "", "auth", "sessions", "--user", "owner@example.com", "--format", "csv")
	signedIn := columns(t, out, "id", "email")
	for _, row := range signedIn {
		id, email, _ := strings.Cut(row, " ")
		if code, out, errs := command(t, db, "", "auth", "session", "end", id); code != 0 || !strings.HasPrefix(out, "ended "+id) || email != "owner@example.com" {
			t.Errorf("ending a session of %s: %d %q %q", email, code, out, errs)
		}
	}
	if _, out, _ = command(t, db, "", "auth", "sessions", "--format", "csv"); len(signedIn) == 0 || len(columns(t, out, "id", "email")) > 0 {
		t.Errorf("of %d sessions, there are still\n%s", len(signedIn), out)
	}
	_, out, _ = command(t, db, "", "auth", "invites", "--format", "csv")
	for _, row := range columns(t, out, "id", "uses_left") {
		id, left, _ := strings.Cut(row, " ")
		if code, _, errs := command(t, db, "", "auth", "invite", "revoke", id); left == "2" && code != 0 {
			t.Errorf("ending an invite: %s", errs)
		}
	}
	if _, out, _ = command(t, db, "", "auth", "invites", "--format", "csv"); len(columns(t, out, "id", "uses_left")) > 0 {
		t.Errorf("invites are left:\n%s", out)
	}
}

// A group that does something by itself says so in its help, with what is below it.
func TestInviteHelp(t *testing.T) {
	code, out, _ := run("auth", "invite", "--help")
	if code != cli.ExitOK || !strings.Contains(out, "fazt [@peer] auth invite [flags]") || !strings.Contains(out, "\n  revoke") || !strings.Contains(out, "--uses N") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	_, out, _ = run("auth")
	if !strings.Contains(out, "\n  invite  ") || !strings.Contains(out, "\n  invite revoke  ") {
		t.Errorf("the group above:\n%s", out)
	}
}
