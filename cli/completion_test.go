package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/cli"
)

// TestCompletion asks what a line's last word may become.
func TestCompletion(t *testing.T) {
	t.Setenv("FAZT_DB_PATH", filepath.Join(t.TempDir(), "data.db"))
	t.Setenv("FAZT_TOKEN", "fzt_a_b")
	for _, name := range []string{"zyt", "zoo"} {
		if code, _, stderr := run("peer", "add", name, "--url", "http://127.0.0.1:1", "--no-check"); code != cli.ExitOK {
			t.Fatal(stderr)
		}
	}
	for line, want := range map[string]string{
		"ser":                               "serve",
		"help ser":                          "serve",
		"app inf":                           "info",
		"app list --form":                   "--format",
		"app list --format ":                "table json csv",
		"app list --format=j":               "--format=json",
		"app list --format json --d":        "--db",
		"--format json app inf":             "info",
		"--db x app inf":                    "info",
		"auth key create ci --scopes ":      "deploy read sql admin",
		"auth invite rev":                   "revoke",
		"@":                                 "@local @zoo @zyt",
		"@zy":                               "@zyt",
		"@zyt ser":                          "", // refused there
		"@zyt app inf":                      "info",
		"@local ser":                        "serve",
		"app deploy ":                       "", // a file
		"app deploy dir li":                 "",
		"app deploy --name li":              "",
		"app deploy -- --":                  "",
		"nonsense ap":                       "",
		"peer add x --url http://h --defau": "--default",
	} {
		words := strings.Split(line, " ")
		code, stdout, stderr := run(append([]string{"completion", "bash", "--words", "--"}, words...)...)
		if got := strings.Join(strings.Fields(stdout), " "); got != want || code != cli.ExitOK || stderr != "" {
			t.Errorf("%q: %q, want %q; exit %d, %q", line, got, want, code, stderr)
		}
	}
	_, stdout, _ := run("completion", "fish", "--words", "--", "vers")
	if stdout != "version\tprint the version\n" {
		t.Errorf("for fish: %q", stdout)
	}
	_, stdout, _ = run("completion", "zsh", "--words", "--", "vers")
	if stdout != "version:print the version\n" {
		t.Errorf("for zsh: %q", stdout)
	}
}

// TestBashCompletion asks bash, which calls the program.
func TestBashCompletion(t *testing.T) {
	const script = `source <(fazt completion bash)
complete -p fazt
try() { COMP_LINE="$1" COMP_POINT=${#1} COMPREPLY=(); _fazt; echo "$1: ${COMPREPLY[*]}"; }
try "fazt app va"
try "fazt "
try "fazt app list --format=j"
try "fazt app list --format "
try "fazt app deploy x"
`
	const want = `complete -o default -F _fazt fazt
fazt app va: validate
`
	cmd := exec.Command("bash", "--norc", "--noprofile", "-c", script)
	cmd.Env = append(os.Environ(), "FAZT_DB_PATH="+filepath.Join(t.TempDir(), "data.db"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("bash: %v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != 6 || !strings.HasPrefix(string(out), want) || !strings.HasPrefix(lines[2], "fazt : dev\nserve\napp") && !strings.HasPrefix(lines[2], "fazt : dev serve app ") ||
		lines[3] != "fazt app list --format=j: json" || lines[4] != "fazt app list --format : table json csv" || lines[5] != "fazt app deploy x: " {
		t.Errorf("bash completes:\n%s", out)
	}
}
