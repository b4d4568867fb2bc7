package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/cli"
)

func ExampleRun() {
	code := cli.Run(context.Background(), []string{"serv", "--addr", "127.0.0.1:9000"}, os.Stdout, os.Stdout)
	fmt.Println("exit code", code)
	// Output:
	// fazt: unknown command "serv"; did you mean serve?
	// exit code 2
}

// run is a command line's exit code and output.
func run(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = cli.Run(context.Background(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// TestFlagsAnywhere gives the same flags in every place that people put them.
func TestFlagsAnywhere(t *testing.T) {
	t.Setenv("FAZT_DB_PATH", "")
	for _, args := range [][]string{
		{"--db", "none.db", "sql", "select 1"},
		{"sql", "--db", "none.db", "select 1"},
		{"sql", "select 1", "--db", "none.db"},
		{"sql", "select 1", "--db=none.db"},
		{"sql", "--db=none.db", "--limit", "3", "--", "select 1"},
		{"sql", "-db", "none.db", "select 1", "--format=json"},
	} {
		code, _, stderr := run(args...)
		if want := "fazt: there is no data file none.db; run fazt serve or fazt app deploy first, or check --db\n"; code != cli.ExitFailed || stderr != want {
			t.Errorf("%q: exit %d, stderr %q", args, code, stderr)
		}
	}
}

// TestHereOnly: what is done on this machine alone is refused for a peer before
// anything is done, and all else is not.
func TestHereOnly(t *testing.T) {
	var got []string
	for command := range cli.Commands() {
		if !cli.TakesPeer(command) {
			got = append(got, command)
			code, _, stderr := run(append([]string{"@zyt"}, strings.Fields(command)...)...)
			if want := "fazt: fazt " + command + " works on this machine alone; leave out @zyt\n"; code != cli.ExitUsage || stderr != want {
				t.Errorf("%s: exit %d, %q", command, code, stderr)
			}
		}
	}
	slices.Sort(got)
	want := []string{
		"app create", "app env lost", "app validate", "auth setup", "completion", "dev", "peer add", "peer default", "peer list", "peer remove",
		"restore", "serve", "types", "version",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("on this machine alone (-want +got):\n%s", diff)
	}
}

// TestFlagsHaveOneMeaning: whether a word after a flag is its value is decided before
// the command is known.
func TestFlagsHaveOneMeaning(t *testing.T) {
	for name, kinds := range cli.FlagKinds() {
		if len(kinds) != 1 {
			t.Errorf("--%s takes a value in one command and none in another", name)
		}
	}
}

func TestUsageErrors(t *testing.T) {
	tests := []struct {
		args string
		want string // on stderr
	}{
		{"deplyo", `unknown command "deplyo"; did you mean deploy?`},
		{"serv", `unknown command "serv"; did you mean serve?`},
		{"app deplyo", `unknown command "deplyo"; did you mean deploy?`},
		{"validate", `unknown command "validate"; did you mean app validate?`},
		{"key", `unknown command "key"; did you mean auth key create?`},
		{"app deploy x --nmae y", `unknown flag "--nmae"; did you mean --name?`},
		{"app deploy x --limit 3", `unknown flag "--limit"; see: fazt app deploy --help`},
		{"--nope", `unknown flag "--nope"; see: fazt --help`},
		{"app --nope", `unknown flag "--nope"; see: fazt app --help`},
		{"--nope sql", `unknown flag "--nope"; see: fazt sql --help`},
		{"app deploy", `<dir> is missing, and there is no fazt.json, manifest.json, api/ or index.html here; for example: fazt app deploy ./my-app`},
		{"app deploy a b", `unexpected argument "b"; see: fazt app deploy --help`},
		{"app deploy --name", `--name needs a value`},
		{"app list --db=", `--db is empty; give a value, or leave it out`},
		{"peer add x --url http://localhost --token=", `--token is empty; give a value, or leave it out`},
		{"app remove", `<name> is missing; for example: fazt app remove my-app`},
		{"sql", `<query> is missing; for example: fazt sql "select name, version from apps"`},
		{"sql x --limit many", `--limit many is not a whole number; see: fazt sql --help`},
		{"sql x --write=perhaps", `--write perhaps is not true or false; give none for true; see: fazt sql --help`},
		{"serve --backup-to x --backup-every 1d", `--backup-every 1d is not a length of time, such as 24h or 90m; see: fazt serve --help`},
		{"auth setup --url admin.example.com", `--url admin.example.com is not the address of a host; give one such as https://admin.example.com`},
		{"auth invite --url ftp://example.com", `--url ftp://example.com is not the address of a host; give one such as https://admin.example.com`},
		{"auth invite --url https://example.com/auth", `--url https://example.com/auth is not the address of a host; give one such as https://admin.example.com`},
		{"auth provider google --client-id x --url https://a:b@example.com", `--url https://a:b@example.com is not the address of a host; give one such as https://admin.example.com`},
		{"sql x --limit 0", `--limit 0 is not a positive number`},
		{"sql x --limit=-1", `--limit -1 is not a positive number`},
		{"sql x --format xml", `--format xml is unknown; give table, json or csv`},
		{"auth key create ci", `--scopes is missing; for example: fazt auth key create ci --scopes deploy,read`},
		{"serve extra", `unexpected argument "extra"; see: fazt serve --help`},
		{"serve --rate-limit=-1", `--rate-limit -1 is negative; give requests a second, or 0 for no limit`},
		{"serve --trusted-proxy 10.0.0.1", `--trusted-proxy 10.0.0.1 is not a range of addresses; give one such as 10.0.0.0/8, or 127.0.0.1/32 for one alone`},
		{"serve --trusted-proxy ::ffff:10.0.0.0/104", `--trusted-proxy ::ffff:10.0.0.0/104 is not a range of addresses; give one such as 10.0.0.0/8, or 127.0.0.1/32 for one alone`},
		{"serve --addr 8080", `--addr 8080 is not HOST:PORT; give one such as 127.0.0.1:8080`},
		{"serve --dev --addr 0.0.0.0:80", `--addr 0.0.0.0:80 is not on this machine alone, and development shows an app's inside; give one such as 127.0.0.1:8080`},
		{"dev --addr :8080", `--addr :8080 is not on this machine alone, and development shows an app's inside; give one such as 127.0.0.1:8080`},
		{"dev --addr example.com:80", `--addr example.com:80 is not on this machine alone, and development shows an app's inside; give one such as 127.0.0.1:8080`},
		{"dev a b --name=c", "--name is for one directory; name each app in its fazt.json"},
		{"help nope", `unknown command "nope"; see: fazt --help`},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			code, stdout, stderr := run(strings.Fields(tt.args)...)
			if diff := cmp.Diff("fazt: "+tt.want+"\n", stderr); diff != "" {
				t.Errorf("stderr (-want +got):\n%s", diff)
			}
			if code != cli.ExitUsage || stdout != "" {
				t.Errorf("exit %d, stdout %q; want exit 2 and nothing", code, stdout)
			}
		})
	}
}

// TestExtraWords gives every command one word more than it takes.
func TestExtraWords(t *testing.T) {
	t.Setenv("FAZT_DB_PATH", filepath.Join(t.TempDir(), "data.db"))
	for command, takes := range cli.Commands() {
		if strings.Contains(takes, "...") {
			continue // it takes any number
		}
		takes = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(takes, "x") // one word each
		words := strings.Fields(command + " " + takes + " extra")
		code, stdout, stderr := run(words...)
		want := fmt.Sprintf("fazt: unexpected argument \"extra\"; see: fazt %s --help\n", command)
		if stderr == fmt.Sprintf("fazt: unknown command \"extra\"; see: fazt %s --help\n", command) {
			want = stderr // there are commands below it
		}
		if code != cli.ExitUsage || stdout != "" || stderr != want {
			t.Errorf("%q: exit %d, stdout %q, stderr %q", words, code, stdout, stderr)
		}
	}
}

// TestNoEscapeSequences: a name from a stranger's archive must not write to the
// terminal what it likes.
func TestNoEscapeSequences(t *testing.T) {
	const name = "a\x1b[31mRED\u202e"
	dir := write(t, map[string]string{"index.html": ""})
	if err := os.Symlink("index.html", filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(db, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(db, 0o644); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args  []string
		lines int
	}{
		{[]string{"app", "validate", dir}, 1},
		{[]string{"app", "list", "--db", db}, 2}, // with a warning of its mode
		{[]string{"app", "list", "--db", db + "x"}, 1},
		{[]string{"app", name}, 1},
	} {
		_, _, stderr := run(tt.args...)
		if strings.ContainsAny(stderr, "\x1b\u202e") || strings.Count(stderr, "\n") != tt.lines || strings.Count(stderr, "[31mRED") < tt.lines {
			t.Errorf("%q: stderr %q", tt.args, stderr)
		}
	}
}

// TestEnded: a command that does not heed the signal is waited for, but not for
// ever.
func TestEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		release := make(chan struct{})
		var stderr bytes.Buffer
		blocked := func() int { <-release; return cli.ExitOK }
		began := time.Now()
		time.AfterFunc(time.Hour, stop)
		if code := cli.Ended(ctx, &stderr, blocked); code != cli.ExitFailed {
			t.Errorf("exit %d of a command that hangs", code)
		}
		if took := time.Since(began); took != time.Hour+cli.EndWithin {
			t.Errorf("it took %v", took)
		}
		if want := "fazt: still busy 25s after the signal to stop; given up\n"; stderr.String() != want {
			t.Errorf("stderr %q", stderr.String())
		}
		close(release)

		drains := func() int { time.Sleep(cli.EndWithin - 1); return 7 }
		if code := cli.Ended(ctx, &stderr, drains); code != 7 {
			t.Errorf("exit %d of a command that drains", code)
		}
		if code := cli.Ended(t.Context(), &stderr, func() int { return 3 }); code != 3 {
			t.Errorf("exit %d of a command that is not stopped", code)
		}
	})
}

// TestHelp asks for each command's help in every way there is.
func TestHelp(t *testing.T) {
	for command := range cli.Commands() {
		for _, line := range []string{command + " --help", command + " -h", "help " + command, "--help " + command} {
			code, stdout, stderr := run(strings.Fields(line)...)
			if code != cli.ExitOK || stderr != "" {
				t.Errorf("%s: exit %d, stderr %q", line, code, stderr)
			}
			for _, want := range []string{"fazt " + command + ": ", "Usage:\n  fazt ", command, "Examples:\n  fazt " + command} {
				if !strings.Contains(stdout, want) {
					t.Errorf("%s: no %q in:\n%s", line, want, stdout)
				}
			}
			for l := range strings.Lines(stdout) {
				if len(l) > 81 {
					t.Errorf("%s: a line of %d columns: %s", line, len(l)-1, l)
				}
			}
		}
	}
	_, overview, _ := run()
	for _, line := range []string{"help", "--help", "-h"} {
		if code, stdout, _ := run(strings.Fields(line)...); code != cli.ExitOK || stdout != overview {
			t.Errorf("%s: exit %d, and not what fazt alone prints", line, code)
		}
	}
	if _, group, _ := run("app"); !strings.Contains(group, "\n  validate  ") || strings.Contains(group, "sql") {
		t.Errorf("fazt app does not list its commands alone:\n%s", group)
	}
}

// TestNoTestsInside proves that the program carries no test code.
func TestNoTestsInside(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "github.com/fazt-sh/fazt/cli/fazt").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, "github.com/fazt-sh/fazt/cli") {
		t.Fatalf("go list does not list the program's packages: %s", out)
	}
	for _, dep := range deps {
		if dep == "testing" || strings.HasPrefix(dep, "testing/") || strings.HasSuffix(dep, "harnesstest") || strings.Contains(dep, "testscript") {
			t.Errorf("the program contains %s", dep)
		}
	}
}

// FuzzArrange: a line that is in order already stays as it is.
func FuzzArrange(f *testing.F) {
	f.Add("app deploy --name=x -- dir --y")
	f.Add("help --db sql")
	f.Add("- -- -= --=x")
	f.Add("sql q --limit 3 -spa")
	f.Fuzz(func(t *testing.T, text string) {
		first, help, err := cli.Arrange(strings.Fields(text))
		if err != nil || help {
			return
		}
		second, help, err := cli.Arrange(first)
		if err != nil || help {
			t.Fatalf("%q became %q, which is refused: %v", text, first, err)
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("%q (-once +twice):\n%s", text, diff)
		}
	})
}
