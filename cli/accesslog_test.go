package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/cli"
)

func TestAccessLogUsage(t *testing.T) {
	for args, want := range map[string]string{
		"--access-log a.log --access-log-format xml": "--access-log-format xml is unknown; give json or common",
		"--access-log-format json":                   "--access-log-format is for an access log; give --access-log too",
		"--access-log=":                              "--access-log is empty; give a file, or - for stdout",
	} {
		code, _, stderr := run(append([]string{"serve"}, strings.Fields(args)...)...)
		if code != cli.ExitUsage || stderr != "fazt: "+want+"\n" {
			t.Errorf("%s: exit %d, %s", args, code, stderr)
		}
	}
	code, _, stderr := run("serve", "--db", filepath.Join(t.TempDir(), "data.db"), "--access-log", "/none/a.log")
	if code != cli.ExitFailed || !strings.Contains(stderr, "no such file or directory; name another file with --access-log") {
		t.Errorf("exit %d, %s", code, stderr)
	}
}

// TestAccessLog: requests are in the file, without what lets a reader in, and a
// rotation with the usual signal loses none.
func TestAccessLog(t *testing.T) {
	dir := t.TempDir()
	path, old := filepath.Join(dir, "access.log"), filepath.Join(dir, "access.log.1")
	p := start(t, filepath.Join(dir, "data.db"), "serve", "--addr", "127.0.0.1:0", "--access-log", path)
	base := p.until(`msg=serving url=(http://127\.0\.0\.1:\d+)/`)[1]
	setUp := p.until(`Set up this server: http://localhost:\d+(/auth/setup/(\S+))`)
	get(t, base+"/api/health?a=hush")
	get(t, base+setUp[1])
	if err := os.Rename(path, old); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("there is no new file")
		}
	}
	get(t, base+"/after")
	if code := p.interrupt(os.Interrupt); code != cli.ExitOK {
		t.Errorf("exit %d", code)
	}
	before, err := os.ReadFile(old)
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(before); !strings.Contains(text, `"path":"/api/health",`) || !strings.Contains(text, `"path":"/auth/setup/...",`) ||
		strings.Contains(text, "hush") || strings.Contains(text, setUp[2]) {
		t.Errorf("%s", text)
	}
	if text := string(after); strings.Count(text, "\n") != 1 || !strings.Contains(text, `"path":"/after",`) {
		t.Errorf("%s", text)
	}
}

// TestAccessLogOnStdout, where another program reads it.
func TestAccessLogOnStdout(t *testing.T) {
	p := start(t, filepath.Join(t.TempDir(), "data.db"), "serve", "--addr", "127.0.0.1:0", "--access-log", "-", "--access-log-format", "common")
	base := p.until(`msg=serving url=(http://127\.0\.0\.1:\d+)/`)[1]
	get(t, base+"/api/health")
	p.until(`^127\.0\.0\.1 - - \[.*\] "GET /api/health HTTP/1\.1" 200 \d+$`)
}
